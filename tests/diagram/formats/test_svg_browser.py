"""What a real browser measures, where there is one."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from explorer.cli.gallery_command import PICTURES
from explorer.diagram import View
from explorer.diagram.views import view_function
from explorer.engine.client import Client
from explorer.graph import Graph, NodeKind
from explorer.usecases.drawing import draw as draw_picture
from tests.diagram.samples import draw

from .. import samples
from ..browser import SCHEMES, measure, needs_browser
from ..samples import render

pytestmark = needs_browser

CHECKS = (
    "outside_box",
    "off_page",
    "overlapping",
    "label_on_box",
    "faint",
    "tiny",
    "legend_wrong",
    "not_in_legend",
)
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
VIEWS = {"calls": 24, "classes": 40, "imports": 40, "family": 40}


def flaws(pictures: dict[str, str], folder: Path, scheme: str) -> dict[str, object]:
    found = measure(pictures, folder, scheme)
    assert len(found) == len(pictures)
    assert all(measured["texts"] for measured in found.values())
    return {
        f"{name}: {check}": measured[check] for name, measured in found.items() for check in CHECKS if measured[check]
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_sample_pictures_are_readable_and_their_legends_true(tmp_path: Path, scheme: str) -> None:
    graphs = {name: getattr(samples, name)() for name in ("small", "medium", "nasty")}
    pictures = {n: render(g, "svg", title=n, notes=["A note. " * 40]).decode() for n, g in graphs.items()}
    assert flaws(pictures, tmp_path, scheme) == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_follows_the_readers_colour_scheme(small: Graph, tmp_path: Path, scheme: str) -> None:
    found = measure({"small": render(small, "svg", title="t").decode()}, tmp_path, scheme)
    assert found["small"]["ground"] == GROUNDS[scheme]


@pytest.mark.parametrize(
    ("check", "was", "becomes"),
    [
        ("outside_box", 'font-size="13"', 'font-size="26"'),
        ("tiny", 'font-size="10.5"', 'font-size="8"'),
        ("faint", 'class="muted"', 'class="pale" style="fill:#cccccc"'),
        ("legend_wrong", 'data-key="node:model"', 'data-key="node:weights"'),
        ("not_in_legend", 'class="box-model"', 'class="box-model" style="fill:#123456"'),
    ],
)
def test_the_measure_can_fail(small: Graph, tmp_path: Path, check: str, was: str, becomes: str) -> None:
    svg = render(small, "svg", title="t").decode()
    assert was in svg
    assert measure({"spoilt": svg.replace(was, becomes, 1)}, tmp_path)["spoilt"][check]


@cache
def of_every_family(graph: Graph) -> dict[str, str]:
    firsts = {model.data["family"]: model for model in reversed(list(graph.nodes(NodeKind.MODEL)))}
    makers: dict[str, tuple[Callable[[int], View], int]] = {}
    for i, node in enumerate(firsts.values()):
        view = list(VIEWS)[i % len(VIEWS)]
        makers[f"{view} {node.name}"] = (_maker(view, graph, node), VIEWS[view])
    return {name: draw(make, "svg", nodes=nodes).decode() for name, (make, nodes) in makers.items()}


def _maker(view: str, graph: Graph, node: object) -> Callable[[int], View]:
    function = view_function(view)
    return lambda nodes: function(graph, node, nodes=nodes)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pictures_of_every_family_are_readable_and_their_legends_true(
    timm_graph: Graph, tmp_path: Path, scheme: str
) -> None:
    assert flaws(of_every_family(timm_graph), tmp_path, scheme) == {}


@cache
def gallery(graph: Graph) -> dict[str, str]:
    with Client() as client:
        pictures = [(file, draw_picture(what, view=view, client=client, graph=graph)) for file, what, view in PICTURES]
    return {file: draw(picture.make, "svg", nodes=picture.nodes).decode() for file, picture in pictures}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_gallery_is_readable_and_its_legends_true(timm_graph: Graph, tmp_path: Path, scheme: str) -> None:
    assert flaws(gallery(timm_graph), tmp_path, scheme) == {}
