"""A view as a Mermaid flowchart, for Markdown that draws it."""

import json
from collections.abc import Iterator

from explorer.diagram import style
from explorer.diagram.view import Group, View, ViewEdge, ViewNode

_ENTITIES = {ord(c): f"#{ord(c)};" for c in '#"&<>`|[](){}\\;%*_~'} | {ord("\n"): "<br/>"}
"""Signs that mean something in a label, to Mermaid or to the Markdown it reads there."""

_CORNERS = {None: ('(["', '"])'), 0.0: ('["', '"]')}
"""What opens and closes a node, by the radius of its corners; ``("`` for all others."""


def mermaid_of(view: View) -> str:
    """The view as ``flowchart``: frames as subgraphs, kinds as classes, links and tooltips as ``click``."""
    names = {node.id: f"n{i}" for i, node in enumerate(view.nodes)}
    frames, nodes = view.contents[None]
    lines = [
        "---",
        f"title: {json.dumps(view.title, ensure_ascii=False)}",
        "---",
        "flowchart TB",
        *(line for frame in frames for line in _subgraph(frame, view, names)),
        *(f"  {_node(node, names)}" for node in nodes),
        *(f"  {_edge(edge, names)}" for edge in view.edges),
        *(f"  {line}" for line in _styles(view, names)),
        *(f"  {_link(node, names[node.id])}" for node in view.nodes if node.href),
    ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A text for between quotes; line breaks stay."""
    return value.translate(_ENTITIES)


def _subgraph(group: Group, view: View, names: dict[str, str]) -> Iterator[str]:
    place = view.groups.index(group)
    frames, nodes = view.contents[group.id]
    yield f'  subgraph g{place}["{_text(group.label)}"]'
    yield from (f"    {_node(node, names)}" for node in nodes)
    yield from (f"  {line}" for frame in frames for line in _subgraph(frame, view, names))
    yield "  end"
    yield f"  style g{place} fill:{style.FRAME.light},stroke:{style.FRAME_LINE.light},color:{style.TEXT.light}"


def _node(node: ViewNode, names: dict[str, str]) -> str:
    opened, closed = _CORNERS.get(style.NODE_STYLES[node.kind].radius_px, ('("', '")'))
    label = _text("\n".join(filter(None, (node.label, node.sublabel))))
    return f"{names[node.id]}{opened}{label}{closed}"


def _edge(edge: ViewEdge, names: dict[str, str]) -> str:
    line = "-.->" if style.EDGE_STYLES[edge.kind].dash else "-->"
    label = f'|"{_text(edge.label)}"|' if edge.label else ""
    return f"{names[edge.source]} {line}{label} {names[edge.target]}"


def _styles(view: View, names: dict[str, str]) -> Iterator[str]:
    for kind, look in style.NODE_STYLES.items():
        members = [names[node.id] for node in view.nodes if node.kind is kind]
        if members:
            dash = f",stroke-dasharray:{look.dash}" if look.dash else ""
            css = f"fill:{look.fill.light},stroke:{look.stroke.light},color:{style.TEXT.light}{dash}"
            yield f"classDef kind_{kind} {css}"
            yield f"class {','.join(members)} kind_{kind}"
    for node in view.nodes:
        if node.shade is not None:
            yield f"style {names[node.id]} fill:{style.SHADES[style.shade_level(node.shade)].light}"
        if node.focus:
            yield f"style {names[node.id]} stroke:{style.TEXT.light},stroke-width:3px"
    # Mermaid names edges by their number alone, in the order they are written in.
    for i, edge in enumerate(view.edges):
        dash = style.EDGE_STYLES[edge.kind].dash
        dashed = f",stroke-dasharray:{dash}" if dash else ""
        ink = style.edge_ink(edge.kind, edge.evidence).light
        yield f"linkStyle {i} stroke:{ink},stroke-width:{style.edge_width_px(edge.evidence):g}px{dashed}"


def _link(node: ViewNode, name: str) -> str:
    tooltip = _text(node.tooltip.replace("\n", " · "))
    return f'click {name} href "{node.href}" "{tooltip}" _blank'
