"""DOT, the language of Graphviz: a view written in it."""

import re
from collections.abc import Iterator, Mapping

from explorer.diagram import style
from explorer.diagram.view import Group, View, ViewEdge, ViewNode

_ODD_BACKSLASHES = re.compile(r'(?<!\\)(\\\\)*\\(?="|\Z)')
"""An odd number of them before a quote or at a name's end."""


def dot_of(view: View) -> str:
    """The view as a ``digraph``: nodes named by id, frames as clusters, tooltips and links as attributes.

    DOT cannot write a backslash before a quote or at a name's end: there, in names only, it is doubled, and ``key``
    has the id as it is.
    """
    title = escaped(f"{view.title}\n{view.subtitle}")
    frames, nodes = view.contents[None]
    lines = [
        "digraph explorer {",
        f"  graph [label={title}, tooltip={title}];",
        '  graph [labelloc=t, labeljust=l, rankdir=TB, fontname="Helvetica"];',
        '  node [shape=box, style="filled,rounded", fontname="monospace", fontsize=11];',
        '  edge [fontname="monospace", fontsize=9];',
        *(line for frame in frames for line in _cluster(frame, view)),
        *(f"  {_node_statement(node)}" for node in nodes),
        *(f"  {_edge_statement(edge)}" for edge in view.edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


def quoted_name(value: str) -> str:
    """A quoted DOT quoted_name."""
    doubled = _ODD_BACKSLASHES.sub(lambda found: f"{found[0]}\\", value.replace("\0", ""))
    plain = doubled.replace('"', '\\"')
    return f'"{plain}"'


def escaped(value: str) -> str:
    """A quoted DOT string that is read as text: no escapes, no entities, line breaks kept."""
    plain = value.replace("&", "&amp;").replace("\\", "\\\\").replace('"', "&quot;")
    return '"' + "\\n".join(plain.split("\n")) + '"'


def _cluster(group: Group, view: View) -> Iterator[str]:
    frames, nodes = view.contents[group.id]
    yield f"  subgraph {quoted_name(f'cluster_{group.id}')} {{"
    about = {
        "label": escaped(group.label),
        "style": '"filled,rounded"',
        "fillcolor": f'"{style.FRAME.light}"',
        "color": f'"{style.FRAME_LINE.light}"',
        "tooltip": escaped(group.tooltip),
        "URL": escaped(group.href) if group.href else "",
    }
    yield f"    graph {_attributes({**about, **_key(group.id)})};"
    yield from (f"    {_node_statement(node)}" for node in nodes)
    yield from (f"  {line}" for frame in frames for line in _cluster(frame, view))
    yield "  }"


def _key(value: str) -> dict[str, str]:
    """An id as it is, where a DOT quoted_name cannot say it."""
    plain = value.replace('"', '\\"')
    return {} if quoted_name(value) == f'"{plain}"' else {"key": escaped(value)}


def _node_statement(node: ViewNode) -> str:
    look = style.NODE_STYLES[node.kind]
    fill = look.fill if node.shade is None else style.SHADES[style.shade_level(node.shade)]
    looks = ["filled"] + ["rounded"] * (look.radius_px != 0) + ["dashed"] * bool(look.dash)
    about = {
        "label": escaped("\n".join(filter(None, (node.label, node.sublabel)))),
        "class": f'"{node.kind}"',
        "style": f'"{",".join(looks)}"',
        "fillcolor": f'"{fill.light}"',
        "color": f'"{style.TEXT.light if node.focus else look.stroke.light}"',
        "penwidth": "2.6" if node.focus else "",
        "tooltip": escaped(node.tooltip),
        "URL": escaped(node.href) if node.href else "",
    }
    return f"{quoted_name(node.id)} {_attributes({**about, **_key(node.id)})};"


def _edge_statement(edge: ViewEdge) -> str:
    look = style.EDGE_STYLES[edge.kind]
    about = {
        "label": escaped(edge.label) if edge.label else "",
        "class": f'"{edge.kind}"',
        "style": _line(look.dash),
        "color": f'"{style.edge_ink(edge.kind, edge.evidence).light}"',
        "penwidth": f"{style.edge_width_px(edge.evidence):g}",
        "arrowhead": look.head.value,
        "evidence": f'"{style.evidence_name(edge.evidence)}"' if edge.evidence else "",
        "tooltip": escaped(edge.tooltip),
    }
    return f"{quoted_name(edge.source)} -> {quoted_name(edge.target)} {_attributes(about)};"


def _line(dash: str) -> str:
    if not dash:
        return "solid"
    return "dotted" if dash.startswith("1.5") else "dashed"


def _attributes(values: Mapping[str, str]) -> str:
    return f"[{', '.join(f'{key}={value}' for key, value in values.items() if value)}]"
