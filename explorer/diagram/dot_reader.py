"""Somebody's own DOT read as a view, by the parser that Graphviz itself has."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from html import unescape
from typing import Any

from explorer.diagram.layout.graphviz import GraphvizProcess, pygraphviz_command
from explorer.diagram.style import Flow, Look, node_lines
from explorer.diagram.view import Group, View, ViewEdge, ViewNode, counted
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

_LONGEST_STRING = 4000
"""Characters; Graphviz's scanner refuses strings of four times as many bytes, and measures long ones for minutes."""

_HTML = "\x01"
"""Begins a label that was written as HTML: as JSON it looks like any other."""

_LONGEST_LABEL = 2000
"""Characters of a label that are kept; a box shows a line of them, a tooltip some more."""

# What is not closed reaches to the end: looking for that end again from every letter would take hours.
_TOKEN = re.compile(r'"((?:[^"\\]++|\\.)*+)("?)|//[^\n]*|/\*.*?(?:\*/|\Z)|(?m:^)#[^\n]*|[<{}]', re.DOTALL)
_BRACKET = re.compile("[<>]")
_BEGINNING = re.compile(rf"(?:\\.|[^\\]){{,{_LONGEST_STRING}}}", re.DOTALL)
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
    plain, notes = _plain(text)
    view = _Reader(_parsed(plain)).view(title)
    return replace(view, notes=(*view.notes, *notes))


def _parsed(plain: str) -> dict[str, Any]:
    """The first graph."""
    try:
        answer, complaints = GraphvizProcess(pygraphviz_command(_READER)).ask(plain, READ_LIMIT_S)
    except LayoutTimeout as error:
        raise RequestError(f"this DOT takes longer than {READ_LIMIT_S:g} s to read", "draw a part of it") from error
    if "memory exhausted" in complaints:
        raise RequestError("this DOT is nested too deep for Graphviz to read", "take some of the braces out")
    if not answer:
        wrong = _SYNTAX.search(complaints)
        where = f" from line {wrong[1]} on" if wrong else ": it has no graph"
        where += f", near {wrong[2]!r}" if wrong and wrong[2] else ""
        raise RequestError(f"this is no DOT that can be read{where}", "see https://graphviz.org/doc/info/lang.html")
    graph: dict[str, Any] = json.loads(answer, strict=False)
    return graph


def _plain(text: str) -> tuple[str, list[str]]:
    """The text with HTML made strings that begin with :data:`_HTML` and long strings cut, and what is left out so."""
    parts: list[str] = []
    at = depth = graphs = cut = 0
    while token := _TOKEN.search(text, at):
        parts.append(text[at : token.start()])
        at = token.end()
        if token[0] == "<":
            start, at = at, _end_of_html(text, at)
            cut += at - start > _LONGEST_STRING
            plain = text[start : at - 1].replace('"', "&quot;").replace("\\", "&#92;")
            parts.append(f'"{_shortened(_HTML + plain)}"')
            continue
        if token[0] in ("{", "}"):
            depth += 1 if token[0] == "{" else -1
            graphs += token[0] == "}" and depth == 0
        is_long = token[1] is not None and len(token[1]) > _LONGEST_STRING
        cut += is_long
        parts.append(f'"{_shortened(token[1])}{token[2]}' if is_long else token[0])
    notes = [f"The file has {graphs} graphs; this is the first, the others are left out."] if graphs > 1 else []
    if cut:
        notes.append(f"Cut to {_LONGEST_STRING:,} letters: {counted(cut, 'text')}.")
    return "".join(parts) + text[at:], notes


def _end_of_html(text: str, at: int) -> int:
    depth = 1
    for bracket in _BRACKET.finditer(text, at):
        depth += 1 if bracket[0] == "<" else -1
        if not depth:
            return bracket.end()
    return len(text)


def _shortened(value: str) -> str:
    """A string cut outside of any escape, so that two that differ stay two: they may be names."""
    if len(value) <= _LONGEST_STRING:
        return value
    beginning = _BEGINNING.match(value)
    digest = sha256(value.encode()).hexdigest()[:12]
    return f"{beginning[0] if beginning else ''}… {digest}"


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
        # A list of what is still to read, and no recursion: clusters may be nested very deep.
        waiting: list[tuple[int, str | None, bool]] = [
            (number, None, False) for number in sorted(parts.keys() - inner, reverse=True)
        ]
        while waiting:
            number, frame, is_read = waiting.pop()
            if is_read:  # after all in it: a node that stands in several is in the innermost of the first
                for node in parts[number].get("nodes", ()):
                    self.frames.setdefault(node, frame)
                continue
            frame = self._part(parts[number], frame)
            waiting.append((number, frame, True))
            waiting += ((within, frame, False) for within in reversed(parts[number].get("subgraphs", ())))
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

    def _part(self, part: Mapping[str, Any], frame: str | None) -> str | None:
        """Take in a subgraph that stands in a frame; the frame that what it holds stands in."""
        name = _name(part)
        if not name.startswith("cluster"):
            return frame
        own = self._words(part, "key") or name.removeprefix("cluster_") or name
        label = self._words(part, "label").replace("\n", " ") or own
        self.groups.setdefault(own, Group(own, label, 0, self._words(part, "tooltip"), self._link(part), frame))
        return own

    def _node(self, item: Mapping[str, Any]) -> ViewNode:
        name = item["name"]
        label, _, rest = (self._words(item, "label", {"N": name}) or name).partition("\n")
        kind = _NODE_KINDS.get(item.get("class", ""), Look.NODE)
        return ViewNode(
            self._words(item, "key") or name,
            kind,
            label,
            " ".join(rest.split("\n")),
            self._tooltip(item, name, label, rest),
            self._link(item),
            self.frames.get(item["_gvid"]),
            kind is not Look.NODE and item.get("penwidth") == "2.6",
        )

    def _tooltip(self, item: Mapping[str, Any], name: str, label: str, rest: str) -> str:
        """What the drawing has for it, or else its name; and its words whole, where the box has no room for them."""
        own = self._words(item, "tooltip", {"N": name}) or name
        is_whole = node_lines(label, " ".join(rest.split("\n"))) == (label, " ".join(rest.split("\n")))
        return own if is_whole or label in own else f"{own}\n{label}\n{rest}".rstrip()

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
        link = self._words(item, "URL") or self._words(item, "href")
        return "" if link.endswith("…") else web_link(link)  # one that was cut leads elsewhere

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
