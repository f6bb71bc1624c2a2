"""What a picture's legend has to say: the kinds that are in it, and none more."""

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.diagram.style.colours import EDGE_STYLES, NODE_STYLES, SHADES, Flow, Look, evidence_name, shade_level
from explorer.diagram.view import View
from explorer.graph import EdgeKind, Evidence, NodeKind

_EVIDENCE_MEANS = {
    "static": "static: read from source",
    "traced": "traced: only seen running",
    "static + traced": "static + traced: read and seen running",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a legend; ``sample`` is what it explains: a kind, evidence, a shade, ``None`` for the focus."""

    key: str
    text: str
    sample: NodeKind | Look | EdgeKind | Flow | tuple[Evidence, ...] | int | None


def legend_of(view: View) -> tuple[tuple[Entry, ...], ...]:
    """Entries in rows: node kinds and the focus, shades, edge kinds, evidence; an empty row is left out."""
    rows = (
        tuple(_node_entries(view)),
        tuple(_shade_entries(view)),
        tuple(_edge_entries(view)),
        tuple(_evidence_entries(view)),
    )
    return tuple(row for row in rows if row)


def _node_entries(view: View) -> Iterator[Entry]:
    present = {node.kind for node in view.nodes if node.shade is None}
    yield from (Entry(f"node:{kind}", str(kind), kind) for kind in NODE_STYLES if kind in present)
    if any(node.focus for node in view.nodes):
        yield Entry("mark:focus", "asked for", None)


def _shade_entries(view: View) -> Iterator[Entry]:
    present = sorted({shade_level(node.shade) for node in view.nodes if node.shade is not None})
    for level in present:
        low, high = (round(100 * step / len(SHADES)) for step in (level, level + 1))
        yield Entry(f"shade:{level}", f"{low} to {high} % {view.shaded_by}".strip(), level)


def _edge_entries(view: View) -> Iterator[Entry]:
    present = {edge.kind for edge in view.edges}
    return (Entry(f"edge:{kind}", str(kind), kind) for kind in EDGE_STYLES if kind in present)


def _evidence_entries(view: View) -> Iterator[Entry]:
    present = {tuple(e for e in Evidence if e in edge.evidence) for edge in view.edges}
    for evidence in sorted(filter(None, present)):
        name = evidence_name(evidence)
        yield Entry(f"evidence:{name}", _EVIDENCE_MEANS.get(name, name), evidence)
