import itertools
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from explorer.diagram import FORMATS, view_of
from explorer.diagram.style import MONO_EM, cells
from explorer.graph import Edge, EdgeKind, Evidence, Graph, NodeKind
from explorer.plain_text import plain_line

from ..samples import CREATE_MODEL, RESNET34, render

SVG = "{http://www.w3.org/2000/svg}"
Rect = tuple[float, float, float, float]


def picture(graph: Graph, **options: object) -> ElementTree.Element:
    return ElementTree.fromstring(render(graph, "svg", title="How it is made", focus=(RESNET34,), **options))


def of_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [g for g in root.iter(f"{SVG}g") if name in (g.get("class") or "").split()]


def rect_of(group: ElementTree.Element) -> Rect:
    rect = next(group.iter(f"{SVG}rect"))
    x, y, width, height = (float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def extent(text: ElementTree.Element, em: float = MONO_EM) -> Rect:
    x, baseline, size = (float(text.get(name, 0)) for name in ("x", "y", "font-size"))
    width = cells("".join(text.itertext())) * em * size
    left = x - width / 2 if text.get("text-anchor") == "middle" else x
    return left, baseline - size * 0.95, left + width, baseline + size * 0.3


def within(inner: Rect, outer: Rect) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def overlap(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_every_node_and_edge_of_the_slice_is_in_it(graph: Graph) -> None:
    root = picture(graph)
    view = view_of(graph, title="t")
    assert len(of_class(root, "node")) == len(view.nodes)
    assert len(of_class(root, "edge")) == len(view.edges)


def test_ids_and_names_are_text(small: Graph) -> None:
    root = picture(small)
    assert {g.get("data-id") for g in of_class(root, "node")} == set(small.ids())
    words = {"".join(t.itertext()) for t in root.iter(f"{SVG}text")}
    assert {"ResNet", "create_model", "resnet34", "timm.models.resnet"} <= words


def test_text_stays_in_its_box(graph: Graph) -> None:
    root = picture(graph)
    boxed = [group for name in ("node", "edge-label", "group-label") for group in of_class(root, name)]
    assert boxed
    for group in boxed:
        texts = list(group.iter(f"{SVG}text"))
        assert 1 <= len(texts) <= 2
        for text in texts:
            assert within(extent(text), rect_of(group)), "".join(text.itertext())


def test_nothing_leaves_the_page(graph: Graph) -> None:
    root = picture(graph, notes=["A note that is long enough to need more than one line. " * 4])
    page = (0.0, 0.0, float(root.get("width", 0)), float(root.get("height", 0)))
    for part in root.iter(f"{SVG}g"):
        if not part.get("transform"):
            continue
        shift_x, shift_y = (float(v) for v in part.get("transform", "")[len("translate(") : -1].split(","))
        placed = [extent(text, 0.66) for text in part.iter(f"{SVG}text")] if part.get("class") != "drawing" else []
        placed += [rect_of(group) for name in ("node", "group", "edge-label") for group in of_class(part, name)]
        for x, y, right, bottom in placed:
            assert within((x + shift_x, y + shift_y, right + shift_x, bottom + shift_y), page)


def test_boxes_do_not_overlap(graph: Graph) -> None:
    root = picture(graph)
    boxes = [rect_of(group) for group in of_class(root, "node")]
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))
    frames = [rect_of(group) for group in of_class(root, "group")]
    assert not any(overlap(a, b) for a, b in itertools.combinations(frames, 2))


def test_labels_lie_on_no_box(graph: Graph) -> None:
    root = picture(graph)
    boxes = [rect_of(group) for group in of_class(root, "node")]
    labels = [rect_of(group) for name in ("edge-label", "group-label") for group in of_class(root, name)]
    assert not any(overlap(label, box) for label in labels for box in boxes)


def test_frames_hold_their_members_and_nobody_else(graph: Graph) -> None:
    root = picture(graph)
    frames = {g.get("data-id"): rect_of(g) for g in of_class(root, "group")}
    boxes = {g.get("data-id"): rect_of(g) for g in of_class(root, "node")}
    for node in view_of(graph, title="t").nodes:
        group = _as_attribute(node.group or "")
        for frame, rect in frames.items():
            assert (within if frame == group else overlap)(boxes[_as_attribute(node.id)], rect) == (frame == group)


def test_the_legend_lists_what_is_there_and_nothing_else(graph: Graph) -> None:
    graph.add_edge(Edge(*list(graph.ids())[:2], EdgeKind.PASSES, (Evidence.TRACED,)))
    view = view_of(graph, title="t", focus=(RESNET34,))
    shown = {f"node:{n.kind}" for n in view.nodes} | {f"edge:{e.kind}" for e in view.edges}
    shown |= {f"evidence:{' + '.join(e.evidence)}" for e in view.edges}
    shown |= {"mark:focus"} if RESNET34 in graph else set()
    keys = [g.get("data-key") for g in of_class(picture(graph), "legend-entry")]
    assert sorted(keys) == sorted(shown)


def test_nodes_carry_tooltip_and_link(small: Graph) -> None:
    group = next(g for g in of_class(picture(small), "node") if g.get("data-id") == CREATE_MODEL)
    assert group.findtext(f"{SVG}title") == f"{CREATE_MODEL}\nCreate a model.\nmodels/_factory.py:162"
    link = group.find(f"{SVG}a")
    assert link is not None
    assert link.get("href", "").endswith("/v1.0.31/timm/models/_factory.py#L162")


def test_nasty_names_arrive_whole(nasty: Graph) -> None:
    ids = {g.get("data-id") for g in of_class(picture(nasty), "node")}
    assert ids == {_as_attribute(node_id) for node_id in nasty.ids()}


def _as_attribute(value: str) -> str:
    """What a terminal or XML cannot hold is written as Python does."""
    return plain_line(value)


def test_an_elided_label_is_whole_in_the_tooltip(nasty: Graph) -> None:
    titles = [g.findtext(f"{SVG}title") or "" for g in of_class(picture(nasty), "node")]
    assert any("a_very_long_name_" * 12 in title for title in titles)


def test_light_is_in_the_attributes_and_dark_in_a_media_query(small: Graph) -> None:
    root = picture(small)
    style = root.findtext(f"{SVG}style") or ""
    assert "@media (prefers-color-scheme: dark)" in style
    assert all(rect.get("fill") for rect in root.iter(f"{SVG}rect"))
    assert all(text.get("fill") for text in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_same_graph_gives_the_same_bytes_in_every_process(fmt: str) -> None:
    script = (
        "import sys; from diagram.samples import medium, render;"
        f"sys.stdout.buffer.write(render(medium(), {fmt!r}, title='t', focus=('{RESNET34}',)))"
    )
    assert len({_run(script, seed) for seed in ("0", "1", "4711")}) == 1


def _run(script: str, seed: str) -> bytes:
    tests = Path(__file__).parents[2]
    path = os.pathsep.join((str(tests), str(tests.parent)))
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
    return subprocess.run([sys.executable, "-c", script], env=environment, check=True, stdout=subprocess.PIPE).stdout


def test_an_empty_graph_is_a_picture_too() -> None:
    root = picture(Graph())
    assert of_class(root, "node") == []
    assert root.findtext(f"{SVG}title") == "How it is made"


def test_kinds_are_classes(medium: Graph) -> None:
    root = picture(medium)
    assert len(of_class(root, f"kind-{NodeKind.EXTERNAL}")) == 1
    assert len(of_class(root, f"kind-{EdgeKind.DISPATCHES}")) == 2  # the line and its label
