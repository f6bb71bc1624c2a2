"""The tree of families, their models, and the weights of each."""

from collections.abc import Sequence
from functools import partial

from textual.widgets.tree import TreeNode

from explorer.graph import NodeKind
from explorer.queries.model_list import Catalogue, FamilyListing, ModelEntry
from explorer.tui.widgets.fitted_tree import FittedTree, TreeRow


class Browser(FittedTree):
    """Families with their counts; models appear when a family is opened, weights when a model is."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(flush_notes=True, id=id)
        self._places: dict[str, tuple[str, ...]] = {}

    def show_catalogue(self, catalogue: Catalogue) -> None:
        """Fill the tree with families, all closed."""
        self._places = _places(catalogue)
        self.show_rows([_family_row(family) for family in catalogue.families])

    def reveal_node(self, node_id: str) -> None:
        """Put the cursor on a node; what does not stand in the tree moves nothing."""
        names = self._places.get(node_id, ())
        node: TreeNode[TreeRow] | None = self.root if names else None
        for name in names:
            if node is None:
                return
            self.fill(node)
            node = next((child for child in node.children if child.data and child.data.name == name), None)
        if node is not None:
            self.go_to(node)


DEPRECATED = "deprecated names"
"""The name of the row that holds a family's deprecated names."""


def _places(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """For each node in the tree, the names of the rows that lead to it."""
    found: dict[str, tuple[str, ...]] = {}
    for family in catalogue.families:
        if family.module:
            found[family.module] = (family.name,)
        for entry in family.models:
            found[f"model:{entry.name}"] = (family.name, entry.name)
            found |= {f"weights:{entry.name}.{tag}": (family.name, entry.name, tag) for tag in entry.tags if tag}
        for entry in family.deprecated:
            found[f"alias:{entry.name}"] = (family.name, DEPRECATED, entry.name)
    return found


def _family_row(family: FamilyListing) -> TreeRow:
    return TreeRow(
        family.name,
        str(len(family.models)),
        node_id=family.module,
        kind=NodeKind.MODULE,
        below=partial(_family_rows, family),
    )


def _family_rows(family: FamilyListing) -> list[TreeRow]:
    rows = [_model_row(entry) for entry in family.models]
    if family.deprecated:
        aliases = partial(_alias_rows, family.deprecated)
        rows.append(TreeRow(DEPRECATED, str(len(family.deprecated)), below=aliases, is_muted=True))
    return rows


def _model_row(entry: ModelEntry) -> TreeRow:
    tags = [tag for tag in entry.tags if tag]
    below = partial(_weights_rows, entry.name, tags) if tags else None
    note = f"{len(tags)} weights" if len(tags) > 1 else ""
    return TreeRow(entry.name, note, f"model:{entry.name}", NodeKind.MODEL, below=below)


def _weights_rows(model: str, tags: Sequence[str]) -> list[TreeRow]:
    return [
        TreeRow(tag, "default" if i == 0 else "", f"weights:{model}.{tag}", NodeKind.WEIGHTS)
        for i, tag in enumerate(tags)
    ]


def _alias_rows(entries: Sequence[ModelEntry]) -> list[TreeRow]:
    return [TreeRow(entry.name, "", f"alias:{entry.name}", NodeKind.ALIAS, is_muted=True) for entry in entries]
