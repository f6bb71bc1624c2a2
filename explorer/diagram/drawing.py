"""The drawing itself: frames, edges, boxes and labels, each a line of SVG."""

from collections.abc import Iterator

from explorer.diagram import shapes
from explorer.diagram.edge_labels import label_box
from explorer.diagram.formats.markup import element, text
from explorer.diagram.frames import frame_label_box, track_of
from explorer.diagram.geometry import Box, Curve, Geometry
from explorer.diagram.style.colours import (
    EDGE_STYLES,
    FRAME,
    FRAME_LINE,
    MUTED,
    PAGE,
    edge_ink,
    edge_width_px,
    evidence_name,
)
from explorer.diagram.style.text_metrics import (
    EDGE_LABEL_CELLS,
    EDGE_LABEL_PX,
    GROUP_LABEL_CELLS,
    GROUP_LABEL_PX,
    LABEL_PX,
    SUBLABEL_PX,
    elide,
    node_lines,
)
from explorer.diagram.view import Group, View, ViewEdge, ViewNode


def drawing(view: View, geometry: Geometry) -> Iterator[str]:
    """Frames lie under edges, edges under boxes, and labels over all of them."""
    arrows = list(zip(view.edges, geometry.curves, strict=True))
    named = [(edge, label_box(edge, curve.label)) for edge, curve in arrows if edge.label and curve.label]
    yield from (_frame(group, geometry.frames[group.id].box) for group in view.groups)
    yield from (_edge(edge, curve) for edge, curve in arrows)
    yield from (_node(node, geometry.nodes[node.id]) for node in view.nodes)
    yield from (_edge_label(edge, place) for edge, place in named)
    taken = [place for _, place in named]
    tracks = [track_of(curve) for curve in geometry.curves]
    for group in view.groups:
        yield _frame_label(group, frame_label_box(group.label, geometry.frames[group.id], tracks, taken))


def _frame(group: Group, box: Box) -> str:
    border = shapes.plain_box("frame", box, FRAME, FRAME_LINE, 1.0, 8)
    return element("g", _title(group.tooltip) + border, class_="group", data_id=group.id)


def _frame_label(group: Group, box: Box) -> str:
    ground = shapes.plain_box("frame-ground", box, FRAME, None, 0, 3)
    x, middle = box.center
    label = elide(group.label, GROUP_LABEL_CELLS)
    words = shapes.line_of_text(label, x, middle, GROUP_LABEL_PX, ink=MUTED, centred=True, bold=True)
    return element(
        "g", _title(group.tooltip) + _linked(ground + words, group.href), class_="group-label", data_id=group.id
    )


def _node(node: ViewNode, box: Box) -> str:
    shape = shapes.node_box(node.kind, box, focus=node.focus, shade=node.shade)
    return element(
        "g",
        _title(node.tooltip) + _linked(shape + "".join(_node_text(node, box)), node.href),
        class_=f"node kind-{node.kind}{' focus' if node.focus else ''}",
        data_id=node.id,
    )


def _node_text(node: ViewNode, box: Box) -> Iterator[str]:
    x, middle = box.center
    label, sublabel = node_lines(node.label, node.sublabel)
    above = 8.0 if sublabel else 0.0
    yield shapes.line_of_text(label, x, middle - above, LABEL_PX, centred=True, bold=True)
    if sublabel:
        yield shapes.line_of_text(sublabel, x, middle + 10, SUBLABEL_PX, ink=MUTED, centred=True)


def _edge(edge: ViewEdge, curve: Curve) -> str:
    style = EDGE_STYLES[edge.kind]
    ink, width = edge_ink(edge.kind, edge.evidence), edge_width_px(edge.evidence)
    return element(
        "g",
        _title(_edge_tooltip(edge)) + shapes.arrow(curve, ink, width, style.dash, style.head),
        class_=f"edge kind-{edge.kind}",
        data_source=edge.source,
        data_target=edge.target,
        data_evidence=evidence_name(edge.evidence),
    )


def _edge_label(edge: ViewEdge, box: Box) -> str:
    ground = shapes.plain_box("page", box, PAGE, None, 0, 4)
    x, middle = box.center
    ink = edge_ink(edge.kind, edge.evidence)
    words = shapes.line_of_text(elide(edge.label, EDGE_LABEL_CELLS), x, middle, EDGE_LABEL_PX, ink=ink, centred=True)
    return element(
        "g",
        _title(_edge_tooltip(edge)) + ground + words,
        class_=f"edge-label kind-{edge.kind}",
        data_source=edge.source,
        data_target=edge.target,
    )


def _edge_tooltip(edge: ViewEdge) -> str:
    """The tooltip, with the label whole: the picture may have no room for it."""
    return edge.tooltip if edge.label in edge.tooltip else "\n".join(filter(None, (edge.tooltip, edge.label)))


def _title(tooltip: str) -> str:
    return element("title", text(tooltip)) if tooltip else ""


def _linked(content: str, href: str) -> str:
    return element("a", content, href=href, target="_blank") if href else content
