from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from explorer.diagram import view_of
from explorer.diagram.formats.pdf import pdf_of
from explorer.errors import OutputError
from explorer.graph import Graph

from ..samples import render


def page(graph: Graph, title: str = "How it is made") -> Any:
    (only,) = PdfReader(BytesIO(render(graph, "pdf", title=title))).pages
    return only


def test_text_is_text(medium: Graph) -> None:
    words = page(medium).extract_text()
    view = view_of(medium, title="How it is made")
    assert "How it is made" in words
    assert [node.label for node in view.nodes if node.label not in words] == []


def test_letters_of_other_scripts_and_signs_are_kept(nasty: Graph) -> None:
    words = page(nasty, "残差网络 → «×3»").extract_text()
    for name in ("残差网络 → «×3»", 'quote"s', "<angle> & </svg>", "back\\slash", "\\N \\n", "&lt;", "]]>"):
        assert name in words


def test_the_page_is_as_large_as_the_picture(small: Graph) -> None:
    svg = render(small, "svg", title="How it is made").decode()
    box = page(small).mediabox
    assert f'width="{float(box.width) / 0.75:.0f}" height="{float(box.height) / 0.75:.0f}"' in svg


def test_source_nodes_link_to_their_line(medium: Graph) -> None:
    links = {str(note.get_object()["/A"]["/URI"]) for note in page(medium)["/Annots"]}
    assert {node.href for node in view_of(medium, title="t").nodes if node.href} <= links


def test_what_is_no_picture_is_a_clear_error() -> None:
    with pytest.raises(OutputError, match="could not be drawn"):
        pdf_of("<svg")
