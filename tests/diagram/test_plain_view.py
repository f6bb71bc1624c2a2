import re
from collections.abc import Iterator
from io import BytesIO
from unicodedata import category
from xml.etree import ElementTree

import networkx as nx
import pytest

from explorer.diagram import FORMATS, Group, Picture, View, ViewEdge, ViewNode
from explorer.diagram.dot_reader import read_dot
from explorer.diagram.plain_view import plain_view
from explorer.diagram.style import Flow, Look
from explorer.diagram.view import Stack

EVIL = "</svg><script>alert(1)</script> \x1b]0;t\x07\x9b2J\r\nsecond \u202egnp\u2028\ud800\ufffe\"'`-->"
VIEW = View(
    EVIL,
    EVIL,
    (
        ViewNode(f"a{EVIL}", Look.LAYER, EVIL, EVIL, EVIL, f"https://a.org/{EVIL}", f"f{EVIL}", members=(EVIL, "m")),
        ViewNode("b", Look.NODE, "=cmd()", tooltip=EVIL, href="javascript:alert(1)"),
    ),
    (ViewEdge(f"a{EVIL}", "b", Flow.LEADS, EVIL, (), EVIL),),
    (Group(f"f{EVIL}", EVIL, 1, EVIL, "data:text/html,x", members=(EVIL,)),),
    (EVIL,),
)
TEXTS = [fmt for fmt in FORMATS if fmt not in ("png", "pdf")]


def drives(text: str) -> list[str]:
    """What would reach a terminal as a command, end a line for somebody, or turn the writing round."""
    unseen = (c for c in text if category(c) in ("Cc", "Cs", "Zl", "Zp") or "\u202a" <= c <= "\u202e" or c == "\ufffe")
    return [c for c in unseen if c not in "\n\t"]


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    picture = Picture(lambda _: VIEW)
    return {fmt: picture.render(fmt).decode() for fmt in TEXTS}


@pytest.mark.parametrize("fmt", TEXTS)
def test_no_format_has_what_drives_a_terminal(written: dict[str, str], fmt: str) -> None:
    assert drives(written[fmt]) == []


@pytest.mark.parametrize("fmt", ["svg", "graphml", "gexf"])
def test_xml_can_be_read_and_runs_nothing(written: dict[str, str], fmt: str) -> None:
    root = ElementTree.fromstring(written[fmt])
    assert not [part.tag for part in root.iter() if "script" in part.tag]


@pytest.mark.parametrize("fmt", ["svg", "html", "mmd", "dot"])
def test_links_lead_to_the_web_alone(written: dict[str, str], fmt: str) -> None:
    found = re.findall(r'(?:URL|href)"?[=:]? ?"([^"]+)"', written[fmt])
    assert found
    assert all(link.startswith("https://a.org/") for link in found)
    assert not any(re.search("[<>'`\\s]", link) for link in found)


def test_the_dot_reads_back(written: dict[str, str]) -> None:
    read = read_dot(written["dot"], title="")
    assert len(read.nodes) == 2
    assert [node.label for node in read.nodes if node.id == "b"] == ["=cmd()"]
    assert len(read.edges) == len(read.groups) == 1


def test_a_page_has_its_own_scripts_alone(written: dict[str, str]) -> None:
    assert len(re.findall("<script", written["html"])) == 2


def test_mermaid_ends_no_line_within_a_name(written: dict[str, str]) -> None:
    assert all(line.count('"') % 2 == 0 for line in written["mmd"].splitlines()[3:])


def test_graphml_keeps_both_nodes(written: dict[str, str]) -> None:
    assert len(nx.read_graphml(BytesIO(written["graphml"].encode()))) == 2


def test_lines_for_a_terminal_are_one_a_box() -> None:
    lines = Picture(lambda _: VIEW).lines()
    assert not any(drives(line) or "\n" in line for line in lines)
    assert sum("=cmd()" in line for line in lines) == 2  # the box, and the arrow that leads to it


def test_ids_that_become_alike_stay_apart() -> None:
    ids = ("a\n", "a\\n", "b")
    nodes = tuple(ViewNode(name, Look.NODE, "x", group="g\r") for name in ids)
    edges = tuple(ViewEdge(name, "b", Flow.LEADS) for name in ids[:2])
    stack = Stack(("a\n", Stack(("a\\n", "b"))), frame="g\r")
    plain = plain_view(View("t", "", nodes, edges, (Group("g\r", "g", 3),), stack=stack))
    assert [node.id for node in plain.nodes] == ["a\\n 2", "a\\n", "b"]
    assert [edge.source for edge in plain.edges] == ["a\\n 2", "a\\n"]
    assert {node.group for node in plain.nodes} == {"g\\r"} == {plain.groups[0].id}
    assert plain.stack is not None
    assert list(_leaves(plain.stack)) == ["a\\n 2", "a\\n", "b"]
    assert plain.stack.frame == "g\\r"


def _leaves(stack: Stack) -> Iterator[str]:
    for part in stack.parts:
        yield from _leaves(part) if isinstance(part, Stack) else (part,)


def test_what_is_plain_stays_the_same() -> None:
    node = ViewNode("a", Look.NODE, "残差", tooltip="one\ntwo", href="https://a.org/b#L1")
    assert plain_view(View("t", "", (node,), ())).nodes[0] is node
