"""A view as DOT text, for Graphviz and everything that reads its language."""

from collections.abc import Iterator, Mapping, Sequence

from explorer.diagram.style.colours import (
    EDGE_STYLES,
    FRAME,
    FRAME_LINE,
    NODE_STYLES,
    SHADES,
    TEXT,
    Head,
    edge_ink,
    edge_width_px,
    evidence_name,
    shade_level,
)
from explorer.diagram.view import Group, View, ViewEdge, ViewNode

_HEADS = {
    Head.SOLID: "normal",
    Head.HOLLOW: "empty",
    Head.OPEN: "vee",
    Head.DIAMOND: "diamond",
    Head.DOT: "dot",
    Head.NONE: "none",
}


def dot_of(view: View) -> str:
    """The view as a ``digraph``: nodes named by id, frames as clusters, tooltips and links as attributes.

    DOT cannot write a backslash before a quote or at a name's end: there, in names only, it is doubled, and ``key``
    has the id as it is.
    """
    title = escaped(f"{view.title}\n{view.subtitle}")
    members: dict[str | None, list[ViewNode]] = {}
    for node in view.nodes:
        members.setdefault(node.group, []).append(node)
    lines = [
        "digraph explorer {",
        f"  graph [label={title}, tooltip={title}];",
        '  graph [labelloc=t, labeljust=l, rankdir=TB, fontname="Helvetica"];',
        '  node [shape=box, style="filled,rounded", fontname="monospace", fontsize=11];',
        '  edge [fontname="monospace", fontsize=9];',
        *(line for group in view.groups if group.parent is None for line in _cluster(group, view, members)),
        *(f"  {_node(node)}" for node in members.get(None, ())),
        *(f"  {_edge(edge)}" for edge in view.edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


def name(value: str) -> str:
    """A quoted DOT name."""
    quoted, backslashes = "", 0
    for character in f"{value}\0":
        if character == "\\":
            backslashes += 1
            continue
        if character in '"\0':
            backslashes += backslashes % 2
        quoted += "\\" * backslashes + {'"': '\\"', "\0": ""}.get(character, character)
        backslashes = 0
    return f'"{quoted}"'


def escaped(value: str) -> str:
    """A quoted DOT string that is read as text: no escapes, no entities, line breaks kept."""
    plain = value.replace("&", "&amp;").replace("\\", "\\\\").replace('"', "&quot;")
    return '"' + "\\n".join(plain.split("\n")) + '"'


def _cluster(group: Group, view: View, members: Mapping[str | None, Sequence[ViewNode]]) -> Iterator[str]:
    yield f"  subgraph {name(f'cluster_{group.id}')} {{"
    about = {
        "label": escaped(group.label),
        "style": '"filled,rounded"',
        "fillcolor": f'"{FRAME.light}"',
        "color": f'"{FRAME_LINE.light}"',
        "tooltip": escaped(group.tooltip),
        "URL": escaped(group.href) if group.href else "",
    }
    yield f"    graph {_attributes({**about, **_key(group.id)})};"
    yield from (f"    {_node(node)}" for node in members.get(group.id, ()))
    for inner in view.groups:
        if inner.parent == group.id:
            yield from (f"  {line}" for line in _cluster(inner, view, members))
    yield "  }"


def _key(value: str) -> dict[str, str]:
    """An id as it is, where a DOT name cannot say it."""
    plain = value.replace('"', '\\"')
    return {} if name(value) == f'"{plain}"' else {"key": escaped(value)}


def _node(node: ViewNode) -> str:
    style = NODE_STYLES[node.kind]
    fill = style.fill if node.shade is None else SHADES[shade_level(node.shade)]
    looks = ["filled"] + ["rounded"] * (style.radius_px != 0) + ["dashed"] * bool(style.dash)
    about = {
        "label": escaped("\n".join(filter(None, (node.label, node.sublabel)))),
        "class": f'"{node.kind}"',
        "style": f'"{",".join(looks)}"',
        "fillcolor": f'"{fill.light}"',
        "color": f'"{TEXT.light if node.focus else style.stroke.light}"',
        "penwidth": "2.6" if node.focus else "",
        "tooltip": escaped(node.tooltip),
        "URL": escaped(node.href) if node.href else "",
    }
    return f"{name(node.id)} {_attributes({**about, **_key(node.id)})};"


def _edge(edge: ViewEdge) -> str:
    style = EDGE_STYLES[edge.kind]
    about = {
        "label": escaped(edge.label) if edge.label else "",
        "class": f'"{edge.kind}"',
        "style": _line(style.dash),
        "color": f'"{edge_ink(edge.kind, edge.evidence).light}"',
        "penwidth": f"{edge_width_px(edge.evidence):g}",
        "arrowhead": _HEADS[style.head],
        "evidence": f'"{evidence_name(edge.evidence)}"' if edge.evidence else "",
        "tooltip": escaped(edge.tooltip),
    }
    return f"{name(edge.source)} -> {name(edge.target)} {_attributes(about)};"


def _line(dash: str) -> str:
    if not dash:
        return "solid"
    return "dotted" if dash.startswith("1.5") else "dashed"


def _attributes(values: Mapping[str, str]) -> str:
    return f"[{', '.join(f'{key}={value}' for key, value in values.items() if value)}]"
