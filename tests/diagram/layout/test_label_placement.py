from explorer.diagram import View, ViewEdge, ViewNode
from explorer.diagram.formats.svg import drawing
from explorer.diagram.geometry import Box, Curve, Geometry, Point, overlap
from explorer.diagram.layout.label_placement import label_box, settled
from explorer.diagram.style import Flow, Look

LABEL = "64×56×56"


def line(start: Point, end: Point, label: Point | None = None) -> Curve:
    thirds = [(start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t) for t in (1 / 3, 2 / 3)]
    return Curve((start, *thirds, end), end, label)


def placed(boxes: dict[str, Box], curves: list[Curve]) -> tuple[View, Geometry]:
    nodes = tuple(ViewNode(name, Look.LAYER, name) for name in boxes)
    edges = tuple(ViewEdge("a", "b", Flow.TENSORS, LABEL, (), f"tooltip {i}") for i in range(len(curves)))
    view = View("t", "", nodes, edges)
    return view, settled(view, Geometry(400, 400, boxes, {}, tuple(curves)))


ENDS = {"a": Box(0, 0, 60, 30), "b": Box(0, 360, 60, 30)}


def test_a_label_stays_where_nothing_is_in_its_way() -> None:
    _, geometry = placed(ENDS, [line((30, 30), (30, 360), (150.0, 200.0))])
    assert geometry.curves[0].label == (150.0, 200.0)


def test_a_label_on_a_box_moves_along_its_line() -> None:
    view, geometry = placed({**ENDS, "c": Box(-100, 180, 300, 34)}, [line((30, 30), (30, 360), (30.0, 195.0))])
    label = geometry.curves[0].label
    assert label is not None
    assert not any(overlap(label_box(view.edges[0], label), box) for box in geometry.nodes.values())


def test_labels_keep_off_each_other() -> None:
    view, geometry = placed(ENDS, [line((30, 30), (30, 360)), line((34, 30), (34, 360))])
    first, second = (curve.label for curve in geometry.curves)
    assert first is not None
    assert second is not None
    assert not overlap(label_box(view.edges[0], first), label_box(view.edges[1], second))


def test_a_label_without_room_is_left_to_the_tooltip() -> None:
    view, geometry = placed({**ENDS, "c": Box(-300, 32, 700, 326)}, [line((30, 30), (30, 360))])
    assert geometry.curves[0].label is None
    drawn = "".join(drawing(view, geometry))
    assert "edge-label" not in drawn
    assert f"<title>tooltip 0\n{LABEL}</title>" in drawn


def test_lines_that_leave_the_picture_enlarge_it() -> None:
    _, geometry = placed(ENDS, [line((-50, 30), (470, 360))])
    assert geometry.width >= 520
    assert geometry.nodes["a"].x == 50
    assert min(x for x, _ in geometry.curves[0].points) >= 0
