"""Collects a view: boxes, frames and arrows, each once; arrows that lack an end and empty frames are left out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

from explorer.diagram.style import Flow, Look
from explorer.diagram.view import Group, Stack, View, ViewEdge, ViewNode, edge_arrow, edge_tooltip_of, link_of, node_box
from explorer.graph import Edge, EdgeKind, Evidence, Graph, NodeKind
from explorer.queries.composition import INIT
from explorer.queries.creation import call_between

_NAMED = 400
"""How many names a tooltip lists at most."""


def named(names: Sequence[str], per_line: int = 3) -> Iterable[str]:
    """Names for a tooltip, a few on a line."""
    for start in range(0, min(len(names), _NAMED), per_line):
        yield ", ".join(names[start : start + per_line])
    if len(names) > _NAMED:
        yield f"and {len(names) - _NAMED} more"


def with_room(names: Sequence[str], room: int) -> tuple[Sequence[str], Sequence[str]]:
    """Those that stand on their own, and the rest, whose one box takes a place too."""
    return (names, ()) if len(names) <= room else (names[: room - 1], names[room - 1 :])


def first_few(names: Sequence[str], cells: int) -> str:
    """As many names as fit, then how many more there are: ``resnet18, resnet34 +4``."""
    line = ""
    for count in range(1, len(names) + 1):
        rest = len(names) - count
        longer = ", ".join(names[:count]) + (f" +{rest}" if rest else "")
        if line and len(longer) > cells:
            break
        line = longer
    return line


class ViewBuilder:
    """Collects a view. What the graph does not have is left out, and so are arrows to it and frames without boxes.

    Args:
        graph: where nodes come from.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: dict[str, ViewNode] = {}
        self.edges: dict[tuple[str, str, EdgeKind | Flow], ViewEdge] = {}
        self.frames: dict[str, Group] = {}

    def frame(self, frame_id: str, label: str, *, about: str = "", of: str = "", parent: str | None = None) -> str:
        """A frame; ``of`` is the module that it links to."""
        tooltip = "\n".join(filter(None, (label, about)))
        self.frames[frame_id] = Group(frame_id, label, 0, tooltip, link_of(self.graph, self.graph.get(of)), parent)
        return frame_id

    def source(
        self,
        node_id: str,
        *,
        label: str = "",
        words: str | None = None,
        frame: str | None = None,
        focus: bool = False,
        about: Sequence[str] = (),
    ) -> bool:
        """The box of a node, ``False`` where there is no such node; a box that is there already stays as it is."""
        node = self.graph.get(node_id)
        if node is not None and node_id not in self.nodes:
            box = node_box(self.graph, node, group=frame, focus=focus)
            self.nodes[node_id] = replace(
                box,
                label=label or box.label,
                sublabel=box.sublabel if words is None else words,
                tooltip="\n".join((box.tooltip, *about)),
            )
        return node is not None

    def fold(
        self,
        node_id: str,
        label: str,
        names: Sequence[str],
        *,
        words: str = "",
        few: int = 0,
        frame: str | None = None,
        about: str = "",
        kind: NodeKind | Look = Look.GROUP,
    ) -> bool:
        """A box for several things, ``False`` where there are none.

        Its second line is ``words``, or the first of the names, within so many cells as ``few`` says.
        """
        if names:
            words = first_few(names, few) if few else words
            tooltip = "\n".join(filter(None, (label, about, *named(names))))
            self.nodes[node_id] = ViewNode(node_id, kind, label, words, tooltip, group=frame, members=tuple(names))
        return bool(names)

    def some(self, words: Mapping[str, str | None], room: int, more_id: str, frame: str) -> tuple[str, ...]:
        """Nodes with their second lines, as many as there is room for, the rest in one box; the ids of all these."""
        shown, rest = with_room(list(words), room)
        for node_id in shown:
            self.source(node_id, words=words[node_id], frame=frame)
        self.fold(more_id, f"{len(rest)} more", [i.partition(":")[2] for i in rest], few=24, frame=frame)
        return (*shown, more_id)

    def join(
        self,
        source: str,
        target: str,
        kind: EdgeKind | Flow,
        evidence: tuple[Evidence, ...] = (Evidence.STATIC,),
        tooltip: str = "",
    ) -> None:
        """An arrow between two boxes; the evidence of one that is there already is united with this one's."""
        if source not in self.nodes or target not in self.nodes or source == target:
            return
        known = self.edges.get((source, target, kind))
        if known is None:
            about = tooltip or f"{self.nodes[source].label} {kind} {self.nodes[target].label}"
            self.edges[source, target, kind] = ViewEdge(source, target, kind, "", evidence, about)
            return
        united = tuple(e for e in Evidence if e in known.evidence or e in evidence)
        self.edges[source, target, kind] = replace(known, evidence=united)

    def call(self, source: str, target: str) -> None:
        """The arrow of the call from one function or class to another, where the graph has it."""
        for start, end in product((source, f"{source}{INIT}"), (target, f"{target}{INIT}")):
            edge = call_between(self.graph, start, end)
            if edge:
                self.join(source, target, edge.kind, evidence=edge.evidence, tooltip=edge_tooltip_of(edge))

    def edge(self, edge: Edge) -> None:
        """The arrow of an edge of the graph, where both its ends are in the view."""
        if edge.source in self.nodes and edge.target in self.nodes:
            self.edges.setdefault((edge.source, edge.target, edge.kind), edge_arrow(self.graph, edge))

    def edges_of(self, part: Graph) -> None:
        """The arrows of a slice between boxes of the view."""
        for node_id in list(self.nodes):
            for edge in part.out_edges(node_id) if node_id in part else ():
                self.edge(edge)

    def levelled(self, column: Sequence[str], beside: Sequence[str]) -> list[str]:
        """A column in the order of what leads to it from the column beside, each level with its middle.

        Boxes that nothing leads to stay last.
        """
        rows = {node_id: row for row, node_id in enumerate(beside)}
        before: dict[str, list[int]] = {}
        for source, target, _ in self.edges:
            if source in rows:
                before.setdefault(target, []).append(rows[source])
        return sorted(column, key=lambda i: sum(before[i]) / len(before[i]) if i in before else float(len(beside)))

    def view(self, title: str, *parts: str, notes: Sequence[str] = (), stack: Stack | None = None) -> View:
        """The view: frames know how many boxes they hold, those without are gone."""
        frames = {frame.id: replace(frame, holds=self._holds(frame.id)) for frame in self.frames.values()}
        kept = tuple(frame for frame in frames.values() if frame.holds)
        said = " · ".join((f"timm {self.graph.info.timm_version}", *filter(None, parts)))
        boxes, arrows = tuple(self.nodes.values()), tuple(self.edges.values())
        return View(title, said, boxes, arrows, kept, tuple(notes), stack=stack)

    def _holds(self, frame_id: str) -> int:
        inner = (frame.id for frame in self.frames.values() if frame.parent == frame_id)
        return sum(box.group == frame_id for box in self.nodes.values()) + sum(map(self._holds, inner))
