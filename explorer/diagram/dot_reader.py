"""Somebody's own DOT read as a view, by the parser that Graphviz itself has."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any

from explorer.diagram.layout.graphviz import GraphvizProcess, pygraphviz_command
from explorer.diagram.style import Flow, Look
from explorer.diagram.view import Group, View, ViewEdge, ViewNode
from explorer.errors import LayoutTimeout, RequestError
from explorer.graph import EdgeKind, Evidence, NodeKind
from explorer.plain_text import web_link

_READER = """
import sys
from pygraphviz import graphviz as gv
context = gv.gvContextWithBuiltins()  # before any graph is read: by it the label of a node is its name
try:
    graph = gv.agread(sys.stdin, None)
except ValueError:  # stderr says why
    sys.exit()
gv.gvLayout(context, graph, b"osage")
sys.stdout.buffer.write(gv.gvRenderData(context, graph, b"dot_json")[1])
"""
"""The first graph of a DOT text as JSON: every node and edge with the attributes that it comes to.

Graphviz writes JSON of graphs that have a layout alone. That of osage is the cheapest, and nothing of it is used.
"""

READ_LIMIT_S = 60.0

_LONGEST_STRING = 8000
"""Characters; Graphviz's scanner refuses strings of twice as many bytes, but joins what `+` stands between."""

_HTML = "\x01"
"""Begins a label that was written as HTML: as JSON it looks like any other."""

_LONGEST_LABEL = 2000
"""Characters of a label that are kept; a box shows a line of them, a tooltip some more."""

_TOKEN = re.compile(r'"((?:\\.|[^"\\])*)"|//[^\n]*|/\*.*?\*/|(?m:^)#[^\n]*|[<{}]', re.DOTALL)
_SYNTAX = re.compile(r"syntax error in line (\d+)(?: near '(.*)')?")

_NODE_KINDS: dict[str, NodeKind | Look] = {str(kind): kind for kind in (*NodeKind, *Look)}
_EDGE_KINDS: dict[str, EdgeKind | Flow] = {str(kind): kind for kind in (*EdgeKind, *Flow)}

_TAG = re.compile(r"<[^>]*>")
_LINE_TAG = re.compile(r"<\s*(br|/tr)\b[^>]*>", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def read_dot(text: str, *, title: str) -> View:
    """The first graph of a DOT text.

    What :func:`explorer.diagram.formats.dot.dot_of` wrote has its kinds again. Of other drawings a node is a
    ``node``, and an edge one that leads to the other or, in an undirected graph, joins the two.

    Args:
        text: the source.
        title: for a graph that has no label.

    Raises:
        RequestError: it is no DOT, or takes too long to read.
    """
    count, graph = _parsed(text)
    view = _Reader(graph).view(title)
    more = f"The file has {count} graphs; this is the first." if count > 1 else ""
    return replace(view, notes=(*view.notes, more)) if more else view


def _parsed(text: str) -> tuple[int, dict[str, Any]]:
    """How many graphs there are, and the first."""
    plain, count = _plain(text)
    try:
        answer, complaints = GraphvizProcess(pygraphviz_command(_READER)).ask(plain, READ_LIMIT_S)
    except LayoutTimeout as error:
        raise RequestError(f"this DOT takes longer than {READ_LIMIT_S:g} s to read", "draw a part of it") from error
    if not answer:
        wrong = _SYNTAX.search(complaints)
        where = f" from line {wrong[1]} on" if wrong else ": it has no graph"
        where += f", near {wrong[2]!r}" if wrong and wrong[2] else ""
        raise RequestError(f"this is no DOT that can be read{where}", "see https://graphviz.org/doc/info/lang.html")
    return count, json.loads(answer, strict=False)


def _plain(text: str) -> tuple[str, int]:
    """The text with HTML made strings that begin with :data:`_HTML` and long strings cut into parts, and how many
    graphs it has."""
    parts: list[str] = []
    at = depth = graphs = 0
    while token := _TOKEN.search(text, at):
        parts.append(text[at : token.start()])
        at = token.end()
        if token[0] == "<":
            start, at = at, _end_of_html(text, at)
            parts.append(_quoted(_HTML + text[start : at - 1].replace('"', "&quot;").replace("\\", "&#92;")))
            continue
        if token[0] in ("{", "}"):
            depth += 1 if token[0] == "{" else -1
            graphs += token[0] == "}" and depth == 0
        parts.append(token[0] if token[1] is None else _quoted(token[1]))
    return "".join(parts) + text[at:], graphs


def _end_of_html(text: str, at: int) -> int:
    depth = 1
    for bracket in re.finditer("[<>]", text[at:]):
        depth += 1 if bracket[0] == "<" else -1
        if not depth:
            return at + bracket.end()
    return len(text)


def _quoted(value: str) -> str:
    """A string, as several where it is too long; no part ends inside an escape."""
    parts = re.findall(rf"(?:\\.|[^\\]){{1,{_LONGEST_STRING}}}", value, re.DOTALL) or [""]
    return " + ".join(f'"{part}"' for part in parts)


@dataclass
class _Reader:
    """Makes a view of a graph that Graphviz has written as JSON."""

    graph: Mapping[str, Any]
    groups: dict[str, Group] = field(default_factory=dict)
    frames: dict[int, str | None] = field(default_factory=dict)

    def view(self, title: str) -> View:
        """The whole graph; ``title`` is for one without a label."""
        objects = self.graph.get("objects", ())
        count = self.graph["_subgraph_cnt"]  # subgraphs are numbered before all nodes
        parts = {item["_gvid"]: item for item in objects[:count]}
        inner = {number for part in parts.values() for number in part.get("subgraphs", ())}
        for number in parts.keys() - inner:
            self._part(number, parts, None)
        nodes = {item["_gvid"]: self._node(item) for item in objects[count:]}
        edges = sorted(self.graph.get("edges", ()), key=lambda item: item["_gvid"])
        own_title, _, subtitle = self._words(self.graph, "label").partition("\n")
        sizes = Counter(node.group for node in nodes.values())
        return View(
            own_title or title,
            subtitle,
            tuple(nodes.values()),
            tuple(self._edge(item, nodes[item["tail"]], nodes[item["head"]]) for item in edges),
            tuple(replace(group, holds=sizes[group.id]) for group in self.groups.values()),
        )

    def _part(self, number: int, parts: Mapping[int, Mapping[str, Any]], frame: str | None) -> None:
        """A subgraph and those in it; a node that stands in several is in the innermost of the first."""
        part = parts[number]
        name = _name(part)
        if name.startswith("cluster"):
            own = self._words(part, "key") or name.removeprefix("cluster_") or name
            label = self._words(part, "label").replace("\n", " ") or own
            group = Group(own, label, 0, self._words(part, "tooltip"), self._link(part), frame)
            self.groups.setdefault(own, group)
            frame = own
        for inner in part.get("subgraphs", ()):
            self._part(inner, parts, frame)
        for node in part.get("nodes", ()):
            self.frames.setdefault(node, frame)

    def _node(self, item: Mapping[str, Any]) -> ViewNode:
        name = item["name"]
        label, _, rest = (self._words(item, "label", {"N": name}) or name).partition("\n")
        kind = _NODE_KINDS.get(item.get("class", ""), Look.NODE)
        return ViewNode(
            self._words(item, "key") or name,
            kind,
            label,
            " ".join(rest.split("\n")),
            self._words(item, "tooltip", {"N": name}) or name,
            self._link(item),
            self.frames.get(item["_gvid"]),
            kind is not Look.NODE and item.get("penwidth") == "2.6",
        )

    def _edge(self, item: Mapping[str, Any], source: ViewNode, target: ViewNode) -> ViewEdge:
        directed = self.graph["directed"]
        other = Flow.LEADS if directed and item.get("dir") != "none" else Flow.JOINS
        kind = _EDGE_KINDS.get(item.get("class", ""), other)
        told = item.get("evidence", "").split(" + ")
        ends = {"T": source.id, "H": target.id, "E": f"{source.id}{'->' if directed else '--'}{target.id}"}
        return ViewEdge(
            source.id,
            target.id,
            kind,
            self._words(item, "label", ends).replace("\n", " "),
            tuple(evidence for evidence in Evidence if evidence in told),
            self._words(item, "tooltip", ends) or f"{source.id} {kind} {target.id}",
        )

    def _link(self, item: Mapping[str, Any]) -> str:
        return web_link(self._words(item, "URL") or self._words(item, "href"))

    def _words(self, item: Mapping[str, Any], key: str, names: Mapping[str, str] | None = None) -> str:
        """An attribute as text, line by line, with its escapes: ``names`` says what they stand for in this object."""
        text = str(item.get(key, ""))
        if text.startswith(_HTML):
            plain = unescape(_TAG.sub("", _LINE_TAG.sub("\n", text[1:]))).strip()
        else:
            lines = {"n": "\n", "l": "\n", "r": "\n", "G": _name(self.graph), **(names or {})}
            plain = unescape(_ESCAPE.sub(lambda found: lines.get(found[1], found[1]), text)).rstrip("\n")
        return plain if len(plain) <= _LONGEST_LABEL else f"{plain[:_LONGEST_LABEL]}…"


def _name(item: Mapping[str, Any]) -> str:
    """A graph's name; one that Graphviz made up, ``%1``, is none."""
    name: str = item["name"]
    return "" if re.fullmatch(r"%\d+", name) else name
