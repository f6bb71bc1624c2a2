"""The call path of a model, or what surrounds a piece of code, as a tree to walk."""

from collections.abc import Iterator
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static, Tree

from explorer.diagram.style import evidence_name
from explorer.diagram.view import edge_label_of, label_of
from explorer.graph import Edge, EdgeKind, Evidence
from explorer.queries.call_tree import CallPath, PathGroup, PathStep
from explorer.report.wording import EDGE_MARKS, REPEATED
from explorer.tui.widgets.fitted_tree import FittedTree, TreeRow

_OPEN_UP_TO = 12
"""A group of more than this many opens closed, so that the groups after it stay in sight."""

TRACED = "✓"
"""Before the place of a step that was seen running."""

_LEGEND = "→ calls  ⇢ dispatch  ▷ inherits  ✓ traced"


class CallPathView(Vertical):
    """A heading, the tree, and a line that tells how the step under the cursor is known."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._title = Static("", id="calls-title", markup=False)
        self._status = Static("", id="calls-status", markup=False)
        self.tree_view = FittedTree(id="calls-tree")

    def compose(self) -> ComposeResult:
        """Heading, tree, status line."""
        yield self._title
        yield self.tree_view
        yield self._status

    def show_path(self, path: CallPath) -> None:
        """Replace the tree."""
        self._title.update(_title(path))
        self._status.update(_LEGEND)
        self.tree_view.show_rows([*(_step_row(s) for s in path.steps), *(_group_row(g) for g in path.groups)])

    def show_text(self, text: str) -> None:
        """Show a sentence in place of a path."""
        self._title.update(text)
        self._status.update("")
        self.tree_view.show_rows([])

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[TreeRow]) -> None:
        """Say how the step is known."""
        event.stop()
        row = event.node.data
        self._status.update(row.about if row and row.about else _LEGEND)


def _title(path: CallPath) -> str:
    count = sum(1 for step in path.steps for _ in _walk(step))
    shown = f"{count} shown" if count > 1 else ""
    left_out = f"{path.left_out:,} left out" if path.left_out else ""
    return " · ".join(filter(None, (path.title, ", ".join(filter(None, (shown, left_out))))))


def _walk(step: PathStep) -> Iterator[PathStep]:
    if not step.repeated:
        yield step
        for below in step.below:
            yield from _walk(below)


def _step_row(step: PathStep) -> TreeRow:
    traced = step.edge is not None and Evidence.TRACED in step.edge.evidence
    remarks = [REPEATED] if step.repeated else [_place(step), _how(step)]
    return TreeRow(
        _name(step),
        "  ".join(filter(None, [TRACED if traced else "", *remarks])),
        step.node.id,
        step.node.kind,
        EDGE_MARKS.get(step.edge.kind, "·") if step.edge else "",
        below=partial(_rows, step.below) if step.below else None,
        is_open=step.is_open,
        is_muted=step.repeated,
        about=_about(step),
    )


def _rows(steps: tuple[PathStep, ...]) -> list[TreeRow]:
    return [_step_row(step) for step in steps]


def _group_row(group: PathGroup) -> TreeRow:
    return TreeRow(
        group.title,
        f"{len(group.steps):,}",
        below=partial(_rows, group.steps),
        is_open=len(group.steps) <= _OPEN_UP_TO,
    )


def _name(step: PathStep) -> str:
    """Under what contains it a thing goes by the last part of its name."""
    if step.edge is not None and step.edge.kind is EdgeKind.CONTAINS:
        return step.node.name.rpartition(".")[2]
    return label_of(step.node)


def _place(step: PathStep) -> str:
    return f"{step.node.file}:{step.node.line}" if step.node.file else step.node.module or ""


def _how(step: PathStep) -> str:
    """The parameter that an indirect call goes through; a dispatch is told by its mark."""
    if step.edge is None or step.edge.kind is EdgeKind.DISPATCHES:
        return ""
    return edge_label_of(step.edge, step.node)


def _about(step: PathStep) -> str:
    if step.edge is None:
        return ""
    lookup = edge_label_of(step.edge, step.node)
    parts = [str(step.edge.kind), lookup, evidence_name(step.edge.evidence), _sites(step.edge)]
    return " · ".join(filter(None, parts))


def _sites(edge: Edge) -> str:
    more = f" and {len(edge.sites) - 3} more" if len(edge.sites) > 3 else ""
    return f"{', '.join(edge.sites[:3])}{more}"
