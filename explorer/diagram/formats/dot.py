"""DOT, the language of Graphviz: a view written in it, and somebody's own DOT read as a view."""

import contextlib
import io
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import unescape
from itertools import product
from typing import TYPE_CHECKING, Any

from explorer.diagram import style
from explorer.diagram.style import Flow, Look
from explorer.diagram.view import Group, View, ViewEdge, ViewNode
from explorer.errors import RequestError
from explorer.graph import EdgeKind, Evidence, NodeKind

if TYPE_CHECKING:
    import pydot


_SETTINGS = ("graph", "node", "edge")
"""Names that set defaults and are no nodes."""

_NODE_KINDS: dict[str, NodeKind | Look] = {str(kind): kind for kind in (*NodeKind, *Look)}
_EDGE_KINDS: dict[str, EdgeKind | Flow] = {str(kind): kind for kind in (*EdgeKind, *Flow)}
_ODD_BACKSLASHES = re.compile(r'(?<!\\)(\\\\)*\\(?="|\Z)')
"""An odd number of them before a quote or at a name's end."""

_TAG = re.compile(r"<[^>]*>")
_LINE_TAG = re.compile(r"<\s*(br|/tr)\b[^>]*>", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


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


def read_dot(text: str, *, title: str) -> View:
    """The first graph of a DOT text.

    What :func:`explorer.diagram.formats.dot.dot_of` wrote has its kinds again. Of other drawings a node is a
    ``node``, and an edge one that leads to the other or, in an undirected graph, joins the two.

    Args:
        text: the source.
        title: for a graph that has no label.

    Raises:
        RequestError: it is no DOT.
    """
    graph = _parsed(text)
    read = _DotReader(directed=graph.get_type() != "graph")
    read.part(graph, None)
    own_title, _, subtitle = _words(graph.get_attributes().get("label") or _setting(graph, "label"), "").partition("\n")
    # Nodes go by their names while edges are read; ``key`` is the id that a node had before DOT could not write it.
    own_ids = {name: node.id for name, node in read.nodes.items()}
    nodes = {node.id: node for node in read.nodes.values()}
    edges = tuple(replace(e, source=own_ids[e.source], target=own_ids[e.target]) for e in read.edges)
    sizes = Counter(node.group for node in nodes.values())
    frames = tuple(replace(group, holds=sizes[group.id]) for group in read.groups.values())
    return View(own_title or title, subtitle, tuple(nodes.values()), edges, frames)


def _parsed(text: str) -> "pydot.Dot":
    graphs = None
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # pydot calls its parser by names that are out of date
        import pydot

        with contextlib.suppress(Exception):  # the parser's own errors, of any kind
            graphs = pydot.graph_from_dot_data(text)
    if not graphs:
        raise RequestError("this is no DOT that can be read", "see https://graphviz.org/doc/info/lang.html")
    return graphs[0]


@dataclass
class _DotReader:
    """What was read so far: nodes by their names in DOT, groups by id."""

    directed: bool
    nodes: dict[str, ViewNode] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    edges: list[ViewEdge] = field(default_factory=list)

    def part(self, part: "pydot.Graph", group: str | None) -> None:
        """Everything in a graph or a subgraph; a node that stands in several is in the first."""
        for node in part.get_nodes():
            name = unquoted(node.get_name())
            # pydot makes nodes of the defaults, and of a line break after a semicolon.
            if name in _SETTINGS or not name.strip("\n\r\\n"):
                continue
            # Where a node was only named until now, this is what it says of itself.
            known = self.nodes.get(name)
            if known is None or known == _node(name, {}, known.group):
                self.nodes[name] = _node(name, node.get_attributes(), group)
        for inner in part.get_subgraphs():
            self.part(inner, self._frame(inner, group))
        for edge in part.get_edges():
            for source, target in product(_ends(edge.get_source()), _ends(edge.get_destination())):
                for name in (source, target):
                    self.nodes.setdefault(name, _node(name, {}, group))
                self.edges.append(_edge(source, target, edge.get_attributes(), self.directed))

    def _frame(self, part: "pydot.Graph", group: str | None) -> str | None:
        """The group that a subgraph's nodes are in: only clusters have frames."""
        name = unquoted(part.get_name())
        if not name.startswith("cluster"):
            return group
        own_name = _setting(part, "key")
        frame = _words(own_name, "") if own_name else name.removeprefix("cluster_") or name
        self.groups.setdefault(frame, _group(frame, part, group))
        return frame


def _ends(end: Any) -> Iterator[str]:
    """The nodes at one end of an edge: a name without its port, or all of ``{a b}``."""
    if isinstance(end, str):
        closed = re.match(r'"(?:\\.|[^"\\])*"', end, re.DOTALL)
        yield unquoted(closed[0]) if closed else end.partition(":")[0]
    else:
        inner = end.get("nodes", {}) if isinstance(end, Mapping) else {n.get_name(): n for n in end.get_nodes()}
        yield from (unquoted(name) for name in inner)


def _node(name: str, about: Mapping[str, Any], group: str | None) -> ViewNode:
    label, _, rest = _words(about.get("label"), name).partition("\n")
    kind = _NODE_KINDS.get(unquoted(about.get("class", "")), Look.NODE)
    tooltip = _words(about.get("tooltip"), "") or name
    is_focus = kind is not Look.NODE and unquoted(about.get("penwidth", "")) == "2.6"
    own_name = _words(about.get("key"), name)
    return ViewNode(own_name, kind, label, " ".join(rest.split("\n")), tooltip, _link(about), group, is_focus)


def _group(name: str, part: "pydot.Graph", parent: str | None) -> Group:
    about = {key: part.get_attributes().get(key) or _setting(part, key) for key in ("label", "tooltip", "URL", "href")}
    label = _words(about["label"], name).replace("\n", " ")
    return Group(name, label, 0, _words(about["tooltip"], ""), _link(about), parent)


def _edge(source: str, target: str, about: Mapping[str, Any], directed: bool) -> ViewEdge:
    other = Flow.LEADS if directed and unquoted(about.get("dir", "")) != "none" else Flow.JOINS
    kind = _EDGE_KINDS.get(unquoted(about.get("class", "")), other)
    evidence = tuple(Evidence(e) for e in unquoted(about.get("evidence", "")).split(" + ") if e in tuple(Evidence))
    label = _words(about.get("label"), "").replace("\n", " ")
    tooltip = _words(about.get("tooltip"), "") or f"{source} {kind} {target}"
    return ViewEdge(source, target, kind, label, evidence, tooltip)


def _setting(part: "pydot.Graph", key: str) -> Any:
    """What ``graph [key=...]`` says in a graph."""
    settings = (setting for setting in part.get_graph_defaults() if isinstance(setting, Mapping))
    return next((setting[key] for setting in settings if key in setting), None)


def _link(about: Mapping[str, Any]) -> str:
    link = _words(about.get("URL") or about.get("href"), "")
    return link if link.startswith(("https://", "http://")) else ""


def unquoted(value: Any) -> str:
    """A DOT name as text."""
    text = "" if value is None else str(value)
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace("\\\n", "").replace('\\"', '"')
    return text


def _words(value: Any, name: str) -> str:
    """A label as text, line by line; ``\\N`` in it is the node's name, and so is no label at all."""
    text = "" if value is None else str(value)
    if not text:
        return name
    if text.startswith("<") and text.endswith(">"):
        return unescape(_TAG.sub("", _LINE_TAG.sub("\n", text[1:-1]))).strip()
    lines = {"n": "\n", "l": "\n", "r": "\n", "N": name, "G": name, "E": name}
    return unescape(_ESCAPE.sub(lambda found: lines.get(found[1], found[1]), unquoted(text))).rstrip("\n")
