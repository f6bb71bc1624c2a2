"""A model's layers as the rows of a table: a tree with repeats folded, or a flat list. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import groupby

from explorer.errors import RequestError, UnknownName
from explorer.graph.fuzzy import closest
from explorer.protocol.inspect import Layer
from explorer.report.wording import places

SORT_FIELDS = (
    *("params", "own_params", "buffers"),
    *("macs", "own_macs", "macs_fvcore", "activations", "output_bytes", "share", "calls"),
)
"""What layers can be sorted by: the fields of :class:`Layer` that are numbers and add up."""

SCREEN_ROWS = 40
"""The tree is opened as far as it has no more rows than this."""

_WILDCARDS = frozenset("*?[")
_COMPARED = tuple(name for name in Layer.__struct_fields__ if name not in ("name", "shared_with", "stage"))
"""Fields that do not differ between layers that are alike."""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One row: a layer, or several that are alike and stand one behind the other.

    ``layer`` is the first of ``count``, ``last`` the last; ``label`` its name below its parent, or the names of them
    all; ``depth`` is how many layers hold it.
    """

    layer: Layer
    last: Layer
    label: str
    depth: int
    count: int = 1


@dataclass
class _Branch:
    """A layer and those directly in it."""

    layer: Layer
    label: str
    branches: "list[_Branch]" = field(default_factory=list)

    @cached_property
    def likeness(self) -> list[object]:
        """Equal of layers that are alike, inside too: whether weights are shared counts, whose they are does not."""
        facts = [getattr(self.layer, name) for name in _COMPARED]
        return [*facts, self.layer.shared_with is None, [(b.label, b.likeness) for b in self.branches]]


def tree_rows(layers: Sequence[Layer], *, depth: int | None = None, full: bool = False) -> list[LayerRow]:
    """The layers as a tree, in the order of ``named_modules``.

    Consecutive layers that are alike in class, shapes, parameters, MACs and calls, and in all that is in them, fold
    into one row with their count; the layers in the first are shown for all.

    Args:
        layers: all layers; the first is the model.
        depth: levels below the model; ``None``: as many as make at most :data:`SCREEN_ROWS` rows, one at least.
        full: every layer, repeats and those that do nothing (``Identity``) too; without a depth on every level.
    """
    root = _tree(layers)
    deepest = max(layer.name.count(".") + 1 for layer in layers)
    if depth is not None or full:
        return list(_rows([root], 0, deepest if depth is None else depth, full))
    rows = list(_rows([root], 0, 1, full))
    for levels in range(2, deepest + 1):
        more = list(_rows([root], 0, levels, full))
        if len(more) > SCREEN_ROWS:
            break
        rows = more
    return rows


def flat_rows(layers: Sequence[Layer], *, sort: str | None = None, text: str | None = None) -> list[LayerRow]:
    """The layers in one list, the model itself left out, each by its whole name.

    Args:
        layers: all layers; the first is the model.
        sort: one of :data:`SORT_FIELDS`, greatest first; ``None``: as in the model.
        text: only those whose name or class is like it: shell wildcards for the whole, else any part; case counts not.

    Raises:
        UnknownName: there is no such field to sort by.
        RequestError: no layer is like the text.
    """
    check_sort(sort)
    found = [layer for layer in layers[1:] if not _is_idle(layer)] if text is None else _like(layers, text)
    if sort is not None:
        found = sorted(found, key=lambda layer: getattr(layer, sort), reverse=True)
    return [LayerRow(layer, layer, layer.name, 0) for layer in found]


def check_sort(sort: str | None) -> None:
    """Whether layers can be sorted by this.

    Raises:
        UnknownName: they cannot.
    """
    if sort is not None and sort not in SORT_FIELDS:
        raise UnknownName.of("field to sort by:", sort, closest(sort, SORT_FIELDS) or SORT_FIELDS)


def _like(layers: Sequence[Layer], text: str) -> list[Layer]:
    wanted = text.lower()
    pattern = wanted if _WILDCARDS & set(text) else f"*{wanted}*"
    found = [x for x in layers[1:] if any(fnmatchcase(n.lower(), pattern) for n in (x.name, x.class_name))]
    if not found:
        names = [n for layer in layers[1:] for n in (layer.name.rpartition(".")[2], layer.class_name)]
        near = closest(text, names)
        raise RequestError(f"no layer is like {text!r}", f"closest: {', '.join(near)}" if near else "--full shows all")
    return found


def _tree(layers: Sequence[Layer]) -> _Branch:
    """The layers by what holds them; one whose holder is not listed hangs on the nearest that is."""
    root = _Branch(layers[0], "")
    known = {"": root}
    for layer in layers[1:]:
        parent = layer.name.rpartition(".")[0]
        while parent not in known:
            parent = parent.rpartition(".")[0]
        branch = known[layer.name] = _Branch(layer, layer.name.removeprefix(f"{parent}."))
        known[parent].branches.append(branch)
    return root


def _rows(
    alike: list[_Branch], depth: int, levels: int, full: bool, beside: Sequence[_Branch] = ()
) -> Iterator[LayerRow]:
    """The row of branches that are alike, of those beside each other, and those of the layers in the first."""
    first = alike[0]
    inner = [b for b in first.branches if full or b.branches or not _is_idle(b.layer)]
    yield LayerRow(first.layer, alike[-1].layer, _label(alike, beside), depth, len(alike))
    if depth < levels:
        for _, group in groupby(inner, key=lambda branch: id(branch) if full else branch.likeness):
            yield from _rows(list(group), depth + 1, levels, full, first.branches)


def _label(alike: Sequence[_Branch], beside: Sequence[_Branch]) -> str:
    """One name for several: of many names that tell no number the first and the last, where no other is between."""
    labels = [branch.label for branch in alike]
    said = places(labels)
    if len(alike) < 3 or said != ", ".join(labels):
        return said
    at = [id(branch) for branch in beside].index(id(alike[0]))
    is_whole = beside[at + len(alike) - 1] is alike[-1]
    return f"{labels[0]} … {labels[-1]}" if is_whole else said


def _is_idle(layer: Layer) -> bool:
    return layer.class_name == "Identity" and not layer.params
