"""What comes before what in a view."""

from collections.abc import Iterable, Mapping, Sequence

from explorer.diagram.view import View, ViewEdge


def forward_edges(view: View) -> list[ViewEdge]:
    """The edges without those that close a cycle, as found from the first node on."""
    out: dict[str, list[ViewEdge]] = {}
    for edge in view.edges:
        out.setdefault(edge.source, []).append(edge)
    targets = {edge.target for edge in view.edges}
    roots = [node.id for node in view.nodes if node.id not in targets]
    closing: set[int] = set()
    done: set[str] = set()
    for root in (*roots, *(node.id for node in view.nodes)):
        closing |= _closing_edges(root, out, done)
    return [edge for edge in view.edges if id(edge) not in closing]


def depths_of(nodes: Iterable[str], edges: Sequence[ViewEdge]) -> dict[str, int]:
    """The longest way to each node, in edges that close no cycle."""
    waiting = dict.fromkeys(nodes, 0)
    out: dict[str, list[str]] = {}
    for edge in edges:
        waiting[edge.target] += 1
        out.setdefault(edge.source, []).append(edge.target)
    depths = dict.fromkeys(waiting, 0)
    ready = [node_id for node_id, before in waiting.items() if not before]
    for node_id in ready:
        for target in out.get(node_id, ()):
            depths[target] = max(depths[target], depths[node_id] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return depths


def _closing_edges(root: str, out: Mapping[str, list[ViewEdge]], done: set[str]) -> set[int]:
    """Edges back to a node on the way to them, by identity; what is passed is ``done`` afterwards."""
    if root in done:
        return set()
    closing = set()
    way = {root}
    steps = [(root, iter(out.get(root, ())))]
    while steps:
        here, edges = steps[-1]
        edge = next(edges, None)
        if edge is None:
            steps.pop()
            way.discard(here)
            done.add(here)
        elif edge.target in way:
            closing.add(id(edge))
        elif edge.target not in done:
            way.add(edge.target)
            steps.append((edge.target, iter(out.get(edge.target, ()))))
    return closing


def groups_without_way_out(view: View) -> set[str]:
    """Groups that edges only lead into: read downwards, none crosses the bottom of their frames.

    Of nested frames only those that hold nodes alone count.
    """
    group_of = {node.id: node.group for node in view.nodes}
    left = {group_of[e.source] for e in view.edges if group_of[e.source] != group_of[e.target]}
    entered = {group_of[e.target] for e in view.edges if group_of[e.source] != group_of[e.target]}
    parents = {group.parent for group in view.groups}
    return {group for group in entered - left - parents if group is not None}
