"""A view with positions, written as an SVG document."""

from collections.abc import Iterable, Iterator

from explorer.diagram import style
from explorer.diagram.formats import svg_elements as shapes
from explorer.diagram.formats.legend import footer, header, title_width
from explorer.diagram.formats.svg_elements import element, ink_class, number, text
from explorer.diagram.geometry import Box, Curve, Geometry
from explorer.diagram.layout.label_placement import frame_label_box, label_box, pieces_of
from explorer.diagram.view import Group, View, ViewEdge, ViewNode

_MARGIN = 24.0
_GAP = 18.0
_MIN_WIDTH = 460.0
_MAX_TITLE_WIDTH = 760.0

_HOVER = "a:hover rect{stroke-width:2.4px}"


def svg_of(view: View, geometry: Geometry, *, is_themed: bool = False) -> str:
    """The picture: title, drawing, legend, notes. Text stays text; the same view gives the same bytes.

    Args:
        view: what to draw.
        geometry: where.
        is_themed: it is part of a page that is dark where its root says ``data-theme="dark"``.
    """
    width = _page_width(view, geometry)
    above, above_height = header(view, width - 2 * _MARGIN)
    below, below_height = footer(view, width - 2 * _MARGIN)
    drawing_top = _MARGIN + above_height + _GAP
    footer_top = drawing_top + geometry.height + _GAP
    height = float(round(footer_top + below_height + _MARGIN))
    left = (width - geometry.width) / 2
    return "\n".join(
        (
            _opening(width, height, view, is_themed=is_themed),
            shapes.plain_box("page", Box(0, 0, width, height), style.PAGE, None, 0, 8),
            *_placed("header", _MARGIN, _MARGIN, style.SANS_STACK, above),
            *_placed("drawing", left, drawing_top, style.MONO_STACK, drawing(view, geometry)),
            *_placed("legend", _MARGIN, footer_top, style.SANS_STACK, below),
            "</svg>\n",
        )
    )


def _page_width(view: View, geometry: Geometry) -> float:
    wanted = max(geometry.width, min(title_width(view), _MAX_TITLE_WIDTH))
    return float(round(max(wanted + 2 * _MARGIN, _MIN_WIDTH)))


def _opening(width: float, height: float, view: View, *, is_themed: bool) -> str:
    role = "group" if is_themed else "img"
    styles = _stylesheet(view, is_themed=is_themed)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="{role}">\n'
        f"<title>{text(view.title)}</title>\n<style>{text(styles)}</style>"
    )


def _placed(name: str, x: float, y: float, fonts: str, parts: Iterable[str]) -> Iterator[str]:
    yield f'<g class="{name}" transform="translate({number(x)},{number(y)})" font-family="{text(fonts)}">'
    yield from parts
    yield "</g>"


def drawing(view: View, geometry: Geometry) -> Iterator[str]:
    """Frames lie under edges, edges under boxes, and labels over all of them."""
    arrows = list(zip(view.edges, geometry.curves, strict=True))
    named = [(edge, label_box(edge, curve.label)) for edge, curve in arrows if edge.label and curve.label]
    # SVG has no z-index: what is written later lies above.
    yield from (_frame(group, geometry.frames[group.id].box) for group in view.groups)
    yield from (_edge(edge, curve) for edge, curve in arrows)
    yield from (_node(node, geometry.nodes[node.id]) for node in view.nodes)
    yield from (_edge_label(edge, place) for edge, place in named)
    taken = [*(piece for curve in geometry.curves for piece in pieces_of(curve)), *(place for _, place in named)]
    for group in view.groups:
        yield _frame_label(group, frame_label_box(group.label, geometry.frames[group.id], taken))


def _frame(group: Group, box: Box) -> str:
    border = shapes.plain_box("frame", box, style.FRAME, style.FRAME_LINE, 1.0, 8)
    return element("g", _title(group.tooltip) + border, class_="group", data_id=group.id)


def _frame_label(group: Group, box: Box) -> str:
    ground = shapes.plain_box("frame-ground", box, style.FRAME, None, 0, 3)
    x, middle = box.center
    label = style.elide(group.label, style.GROUP_LABEL_CELLS)
    words = shapes.line_of_text(label, x, middle, style.GROUP_LABEL_PX, ink=style.MUTED, centred=True, bold=True)
    content = _title(group.tooltip) + _linked(ground + words, group.href)
    return element("g", content, class_="group-label", data_id=group.id)


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
    label, sublabel = style.node_lines(node.label, node.sublabel)
    above = 8.0 if sublabel else 0.0
    yield shapes.line_of_text(label, x, middle - above, style.LABEL_PX, centred=True, bold=True)
    if sublabel:
        yield shapes.line_of_text(sublabel, x, middle + 10, style.SUBLABEL_PX, ink=style.MUTED, centred=True)


def _edge(edge: ViewEdge, curve: Curve) -> str:
    look = style.EDGE_STYLES[edge.kind]
    ink, width = style.edge_ink(edge.kind, edge.evidence), style.edge_width_px(edge.evidence)
    arrow = shapes.arrow(curve, ink, width, look.dash, look.head)
    return _part_of_edge("edge", edge, arrow, style.evidence_name(edge.evidence))


def _edge_label(edge: ViewEdge, box: Box) -> str:
    ground = shapes.plain_box("page", box, style.PAGE, None, 0, 4)
    x, middle = box.center
    ink = style.edge_ink(edge.kind, edge.evidence)
    label = style.elide(edge.label, style.EDGE_LABEL_CELLS)
    words = shapes.line_of_text(label, x, middle, style.EDGE_LABEL_PX, ink=ink, centred=True)
    return _part_of_edge("edge-label", edge, ground + words)


def _part_of_edge(name: str, edge: ViewEdge, content: str, evidence: str = "") -> str:
    """A line or its label, with a tooltip that has the label whole: the picture may have no room for it."""
    tooltip = edge.tooltip if edge.label in edge.tooltip else "\n".join(filter(None, (edge.tooltip, edge.label)))
    return element(
        "g",
        _title(tooltip) + content,
        class_=f"{name} kind-{edge.kind}",
        data_source=edge.source,
        data_target=edge.target,
        data_evidence=evidence,
    )


def _title(tooltip: str) -> str:
    return element("title", text(tooltip)) if tooltip else ""


def _linked(content: str, href: str) -> str:
    return element("a", content, href=href, target="_blank") if href else content


def _stylesheet(view: View, *, is_themed: bool) -> str:
    """CSS for what is in the view, and nothing else; dark where the page says so, or the reader's system is."""
    start = ':root[data-theme="dark"] ' if is_themed else ""
    rules = "".join(f"{start}{selector}{{{looks}}}" for selector, looks in dict.fromkeys(_dark_rules(view)))
    return _HOVER + (rules if is_themed else f"@media (prefers-color-scheme: dark){{{rules}}}")


def _dark_rules(view: View) -> Iterator[tuple[str, str]]:
    """Selectors and what they get in the dark.

    Light colours stand in the markup as attributes, which any rule of CSS overrides: a renderer that knows no media
    queries reads the attributes alone and draws the light picture.
    """
    yield ".page", f"fill:{style.PAGE.dark}"
    yield ".text", f"fill:{style.TEXT.dark}"
    yield ".muted", f"fill:{style.MUTED.dark}"
    yield ".frame", f"fill:{style.FRAME.dark};stroke:{style.FRAME_LINE.dark}"
    yield ".frame-ground", f"fill:{style.FRAME.dark}"
    for node in view.nodes:
        look = style.NODE_STYLES[node.kind]
        yield f".box-{node.kind}", f"fill:{look.fill.dark};stroke:{look.stroke.dark}"
    for level in sorted({style.shade_level(node.shade) for node in view.nodes if node.shade is not None}):
        yield f"rect.shade-{level}", f"fill:{style.SHADES[level].dark}"
    yield ".box-focus", f"fill:{style.PAGE.dark};stroke:{style.TEXT.dark}"
    yield ".focus rect", f"stroke:{style.TEXT.dark}"
    for edge in view.edges:
        ink = style.edge_ink(edge.kind, edge.evidence)
        name = ink_class(ink.light)
        yield f".{name}", f"stroke:{ink.dark}"
        yield f".{name}-text", f"fill:{ink.dark}"
        yield f".{name}.filled", f"fill:{ink.dark}"
        yield f".{name}.hollow", f"fill:{style.PAGE.dark}"
