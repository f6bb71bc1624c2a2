"""What a model is made of, printed: its layers as a table that suits the terminal, its totals and feature levels."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.cli.output import on_terminal, print_facts, print_lines, print_table, table_width, terminal_width
from explorer.protocol.inspect import FeatureLevel, InspectResult
from explorer.report.layer_tree import LayerRow
from explorer.report.wording import byte_size, dimensions, percent, short, size

_WIDEST_CLASS = 28
"""Letters of a class's name; the few of timm that are longer, up to 34, would cost a column of figures."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: ``shown`` on a terminal, ``raw`` when piped. Of those that are too many the greatest ``rank`` goes."""

    header: str
    raw: Callable[[LayerRow], Any]
    shown: Callable[[LayerRow, int], str] | None
    rank: int
    right: bool = True
    style: str = ""


def print_layers(result: InspectResult, rows: Sequence[LayerRow], *, tree: bool) -> None:
    """Write the rows of a model's layers to stdout, as many columns as the terminal has room for.

    Piped they are all there, with whole names and plain numbers: sizes in bytes, ``share`` from 0 to 1.

    Args:
        result: the model.
        rows: its layers, the model itself first where they are a tree.
        tree: draw them as one.
    """
    if not on_terminal(sys.stdout):
        table = [[_plain(c.raw(row)) for c in _COLUMNS] for row in rows]
        print_table([c.header for c in _COLUMNS], [[name or result.model, *cells] for name, *cells in table])
        return
    names = _drawn(rows, result.model) if tree else [row.layer.name for row in rows]
    columns = [column for column in _COLUMNS if column.shown is not None]
    cells = {c.header: [c.shown(row, result.batch_size) for row in rows] for c in columns if c.shown}
    cells["layer"] = names
    columns = [column for column in columns if any(cells[column.header])]
    while len(columns) > 1 and table_width([[c.header, *cells[c.header]] for c in columns]) > terminal_width():
        columns.remove(max(columns, key=lambda column: column.rank))
    print_table(
        [column.header for column in columns],
        list(zip(*(cells[column.header] for column in columns), strict=True)),
        right=[i for i, column in enumerate(columns) if column.right],
        styles=[column.style for column in columns],
    )


def _drawn(rows: Sequence[LayerRow], model: str) -> list[str]:
    """Names behind the branches of the tree, the model's own first."""
    drawn = []
    open_at: dict[int, bool] = {}
    """By depth, whether a row of that depth comes below the one at hand."""
    for row in reversed(rows):
        goes_on = open_at.get(row.depth, False)
        open_at = {depth: is_open for depth, is_open in open_at.items() if depth < row.depth} | {row.depth: True}
        bars = "".join("│ " if open_at.get(depth) else "  " for depth in range(1, row.depth))
        branch = ("├╴" if goes_on else "└╴") if row.depth else ""
        times = f" ×{row.count}" if row.count > 1 else ""
        drawn.append(f"{bars}{branch}{row.label or model}{times}")
    return drawn[::-1]


def _whole_name(row: LayerRow) -> str:
    """A row's place in the model: of several that are folded ``layer1.0–2``."""
    parent, _, _ = row.layer.name.rpartition(".")
    return ".".join(filter(None, (parent, row.label))) if row.count > 1 else row.layer.name


def _output(row: LayerRow, batch_size: int | None = None) -> str:
    """The output's shape; of a layer that no pass calls, and that is no mere list of others, just that."""
    layer = row.layer
    if not layer.calls and layer.class_name not in _LISTS:
        return "not called"
    return dimensions(layer.output_shape, batch_size)


_LISTS = frozenset({"ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})
"""Classes of torch's that cannot be called."""


def _input(row: LayerRow, batch_size: int) -> str:
    """The input's shape where the output has another."""
    layer = row.layer
    return "" if layer.input_shape == layer.output_shape else dimensions(layer.input_shape, batch_size)


def _count(name: str) -> Callable[[LayerRow, int], str]:
    return lambda row, _: short(getattr(row.layer, name)) if getattr(row.layer, name) else ""


def _raw(name: str) -> Callable[[LayerRow], Any]:
    return lambda row: getattr(row.layer, name)


def _class(row: LayerRow, _: int) -> str:
    name = row.layer.class_name
    name = name if len(name) <= _WIDEST_CLASS else f"{name[: _WIDEST_CLASS - 1]}…"
    return f"{name} ⇄ {row.layer.shared_with}" if row.layer.shared_with else name


def _stage(row: LayerRow) -> str:
    """The feature level, or the first and last of several layers' ones."""
    first, last = row.layer.stage, row.last.stage
    return _plain(first) if first == last else f"{_plain(first)}–{_plain(last)}"


_COLUMNS = (
    _Column("layer", _whole_name, lambda row, _: row.label, 0, right=False),
    _Column("count", lambda row: row.count, None, 0),
    _Column("depth", lambda row: row.depth, None, 0),
    _Column("class", _raw("class_name"), _class, 4, right=False, style="cyan"),
    _Column("input", lambda row: dimensions(row.layer.input_shape), _input, 8, style="dim"),
    _Column("output", _output, _output, 3),
    _Column("params", _raw("params"), _count("params"), 1),
    _Column("own_params", _raw("own_params"), None, 0),
    _Column("buffers", _raw("buffers"), _count("buffers"), 13),
    _Column("MACs", _raw("macs"), _count("macs"), 2),
    _Column("own_MACs", _raw("own_macs"), None, 0),
    _Column("fvcore", _raw("macs_fvcore"), _count("macs_fvcore"), 11, style="dim"),
    _Column("activations", _raw("activations"), _count("activations"), 7),
    _Column(
        "output_bytes",
        _raw("output_bytes"),
        lambda r, _: byte_size(r.layer.output_bytes) if r.layer.output_bytes else "",
        9,
    ),
    _Column("share", _raw("share"), lambda r, _: percent(r.layer.share) if r.layer.macs else "", 5),
    _Column("calls", _raw("calls"), lambda r, _: str(r.layer.calls) if r.layer.calls > 1 else "", 12),
    _Column("stage", _stage, lambda row, _: _stage(row), 10),
    _Column("reduction", _raw("reduction"), lambda row, _: _plain(row.layer.reduction), 6),
    _Column("shared_with", _raw("shared_with"), None, 0, right=False),
)


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


# what stands below


def print_summary(result: InspectResult) -> None:
    """Write a model's totals, where it ran, its feature levels and what was not counted to stdout."""
    is_piped = not on_terminal(sys.stdout)  # on a terminal a table brings its own blank lines
    print_lines([""] * is_piped)
    print_facts(_facts(result))
    if result.feature_info:
        print_lines([""] * is_piped)
        _print_levels(result.feature_info)


def _facts(result: InspectResult) -> list[tuple[str, str]]:
    totals = result.totals
    image = f"{result.in_chans}×{size(result.img_size)}"
    return [
        ("model", f"{result.model}, random weights"),
        ("input", f"batch of {result.batch_size}, {image}; MACs and activations are of one image"),
        ("parameters", _with_short(totals.params)),
        ("buffers", _with_short(totals.buffers)),
        ("MACs", f"{_with_short(totals.macs)}: convolutions, matrix products, attention, recurrent layers"),
        ("MACs, fvcore", f"{_with_short(totals.macs_fvcore)}: as in timm's published tables"),
        ("activations", f"{_with_short(totals.activations)}: output elements of convolutions and matrix products"),
        ("device", f"ran on {result.device}, built on {result.built_on}, in {result.seconds:.2f} s"),
        *_asked(result),
        *_features(result),
        ("not counted", _uncounted(result) or "nothing"),
    ]


def _with_short(value: int) -> str:
    return f"{value:,} ({short(value)})" if value >= 1000 else str(value)


def _asked(result: InspectResult) -> Iterator[tuple[str, str]]:
    """What was asked for besides the name."""
    settings = dict(result.settings)
    arguments = settings.pop("args", None) or {}
    names = ("img_size", "in_chans", "num_classes", "features_only", "reparam")
    asked = {name: settings.get(name) for name in names} | dict(arguments)
    said = [name if value is True else f"{name}={value}" for name, value in asked.items() if value not in (None, False)]
    if said:
        yield "asked for", ", ".join(said)


def _features(result: InspectResult) -> Iterator[tuple[str, str]]:
    levels = result.feature_info
    measured = [level for level in levels if level.measured_channels is not None]
    wrong = [level for level in measured if not _agrees(level)]
    if measured:
        said = f"{len(wrong)} differ" if wrong else "all as declared"
        yield "features", f"{len(levels)} levels declared, {len(measured)} measured, {said}"
    if result.feature_info_note:
        yield ("" if measured else "features"), result.feature_info_note


def _uncounted(result: InspectResult) -> str:
    ranked = sorted(result.uncounted.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name.removeprefix('aten.')}{f' ×{times}' if times > 1 else ''}" for name, times in ranked)


def _agrees(level: FeatureLevel) -> bool:
    declared = (level.declared_channels, level.declared_reduction)
    return declared == (level.measured_channels, level.measured_reduction)


def _print_levels(levels: Sequence[FeatureLevel]) -> None:
    found = ("measured", "measured") if on_terminal(sys.stdout) else ("measured channels", "measured reduction")
    print_table(
        ("level", "module", "channels", found[0], "reduction", found[1], ""),
        [
            (
                str(level.index),
                level.module,
                str(level.declared_channels),
                _plain(level.measured_channels),
                str(level.declared_reduction),
                "" if level.measured_reduction is None else f"{level.measured_reduction:g}",
                "" if level.measured_channels is None else "✓" if _agrees(level) else "≠ differs",
            )
            for level in levels
        ],
        right=(0, 2, 3, 4, 5),
    )
