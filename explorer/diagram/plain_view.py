"""A view whose words can be shown anywhere: what its formats and layouts are given."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from explorer.diagram.view import Group, Stack, View, ViewEdge, ViewNode
from explorer.plain_text import plain_line, plain_lines, web_link


def plain_view(view: View) -> View:
    """The view with nothing in it that drives a terminal or that XML cannot hold, and links to the web alone.

    What is plain already stays the same object. Ids that become alike are numbered.
    """
    names = _plain_ids(node.id for node in view.nodes)
    frames = _plain_ids(group.id for group in view.groups)
    return replace(
        view,
        title=plain_line(view.title),
        subtitle=plain_line(view.subtitle),
        nodes=tuple(_node(node, names, frames) for node in view.nodes),
        edges=tuple(_edge(edge, names) for edge in view.edges),
        groups=tuple(_group(group, frames) for group in view.groups),
        notes=tuple(map(plain_line, view.notes)),
        stack=view.stack and _stack(view.stack, names, frames),
    )


def _plain_ids(ids: Iterable[str]) -> dict[str, str]:
    """The ids that change, and to what."""
    kept = dict.fromkeys(ids)
    changed: dict[str, str] = {}
    for name in list(kept):
        plain = plain_line(name)
        if plain == name:
            continue
        number, free = 1, plain
        while free in kept:
            number += 1
            free = f"{plain} {number}"
        changed[name] = free
        kept[free] = None
    return changed


def _node(node: ViewNode, names: Mapping[str, str], frames: Mapping[str, str]) -> ViewNode:
    plain = ViewNode(
        names.get(node.id, node.id),
        node.kind,
        plain_line(node.label),
        plain_line(node.sublabel),
        plain_lines(node.tooltip),
        web_link(node.href),
        frames.get(node.group, node.group) if node.group is not None else None,
        node.focus,
        node.shade,
        tuple(map(plain_line, node.members)),
    )
    return node if plain == node else plain


def _edge(edge: ViewEdge, names: Mapping[str, str]) -> ViewEdge:
    plain = ViewEdge(
        names.get(edge.source, edge.source),
        names.get(edge.target, edge.target),
        edge.kind,
        plain_line(edge.label),
        edge.evidence,
        plain_lines(edge.tooltip),
    )
    return edge if plain == edge else plain


def _group(group: Group, frames: Mapping[str, str]) -> Group:
    plain = Group(
        frames.get(group.id, group.id),
        plain_line(group.label),
        group.holds,
        plain_lines(group.tooltip),
        web_link(group.href),
        frames.get(group.parent, group.parent) if group.parent is not None else None,
        tuple(map(plain_line, group.members)),
    )
    return group if plain == group else plain


def _stack(stack: Stack, names: Mapping[str, str], frames: Mapping[str, str]) -> Stack:
    if not names and not frames:
        return stack
    parts = tuple(_stack(p, names, frames) if isinstance(p, Stack) else names.get(p, p) for p in stack.parts)
    return replace(stack, parts=parts, frame=frames.get(stack.frame or "", stack.frame))
