"""What the views have in common: the box of a fold, the frame of several, the line under a title."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from explorer.diagram.style.colours import Look
from explorer.diagram.view import ViewNode, node_box
from explorer.graph import Graph, Node
from explorer.queries.node_data import source_url

_NAMED = 400
"""How many names a tooltip lists at most."""


def fold(
    node_id: str,
    label: str,
    names: Sequence[str],
    *,
    sublabel: str = "",
    group: str | None = None,
    about: str = "",
) -> ViewNode:
    """A box that stands for several things: its tooltip names them all."""
    lines = [label, about, *named(names)]
    return ViewNode(
        node_id, Look.GROUP, label, sublabel, "\n".join(filter(None, lines)), group=group, members=tuple(names)
    )


def named(names: Sequence[str], per_line: int = 3) -> Iterable[str]:
    """Names for a tooltip, a few on a line."""
    for start in range(0, min(len(names), _NAMED), per_line):
        yield ", ".join(names[start : start + per_line])
    if len(names) > _NAMED:
        yield f"and {len(names) - _NAMED} more"


def source_box(
    graph: Graph,
    node: Node,
    *,
    label: str = "",
    sublabel: str | None = None,
    group: str | None = None,
    focus: bool = False,
    about: Sequence[str] = (),
) -> ViewNode:
    """The box of a node, with other words in it; ``about`` is added to its tooltip."""
    box = node_box(graph, node, group=group, focus=focus)
    return replace(
        box,
        label=label or box.label,
        sublabel=box.sublabel if sublabel is None else sublabel,
        tooltip="\n".join((box.tooltip, *about)),
    )


def link_of(graph: Graph, node_id: str) -> str:
    """Where a node's source is; ``""`` where that is not known."""
    node = graph.get(node_id)
    return (source_url(node, graph.info.timm_version) if node else None) or ""


def subtitle(graph: Graph, *parts: str) -> str:
    """timm's version and what there is to say of the whole picture."""
    return " · ".join((f"timm {graph.info.timm_version}", *filter(None, parts)))


def first_few(names: Sequence[str], cells: int) -> str:
    """As many names as fit, then how many more there are: ``resnet18, resnet34 +4``."""
    shown: list[str] = []
    for i, name in enumerate(names):
        rest = len(names) - i - 1
        line = ", ".join((*shown, name)) + (f" +{rest}" if rest else "")
        if shown and len(line) > cells:
            break
        shown.append(name)
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" +{rest}" if rest else "")
