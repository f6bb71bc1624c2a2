"""``explorer results compare``: two runs, or two sets of runs model by model."""

from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import JsonOption
from explorer.cli.output import notice, print_facts, print_json, print_lines, print_table
from explorer.cli.run_filter import MINE, labelled
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.results.run_comparison import Comparison, SideBySide
    from explorer.results.runs import Run, RunDetails
    from explorer.results.store import Store


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=f"A run's id, a label, or {MINE}: all measured here.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same; ratios are A over B.")],
    json: JsonOption = False,
) -> None:
    """Compare two runs, or two sets of runs model by model."""
    from explorer.results import run_comparison as comparing
    from explorer.results.store import Store

    store = Store()
    one, other = _side(store, a), _side(store, b)
    if not isinstance(one, list) and not isinstance(other, list):
        for details in (one, other):
            _check_speed(details)
        _print_comparison(comparing.compare(one, other), json)
        return
    sides = comparing.side_by_side(_as_list(one), _as_list(other))
    if json:
        print_json(sides.to_json())
    elif sides.pairs:
        _print_sides(sides, a, b)
    if not sides.pairs:
        raise _nothing_to_compare(sides, a, b)


def _side(store: "Store", text: str) -> "list[Run] | RunDetails":
    """What one side of a comparison names."""
    from explorer.results.runs import DONE, MEASURED, RunFilter

    if text == MINE:
        runs = store.runs(RunFilter(source=MEASURED, status=DONE))
        if not runs:
            raise RequestError("nothing is measured here yet", "explorer bench NAME")
        return runs
    if text.isdecimal() and text.isascii() and text not in store.labels():
        return store.run(int(text))
    return labelled(store, text, DONE)


def _as_list(side: "list[Run] | RunDetails") -> "list[Run]":
    return side if isinstance(side, list) else [side.run]


def _check_speed(details: "RunDetails") -> None:
    run = details.run
    if run.status == "failed":
        raise RequestError(f"run {run.id} failed: there is nothing to compare", f"explorer results show {run.id}")
    if not run.samples_per_sec:
        raise RequestError(
            f"run {run.id} does not tell its samples/s: there is nothing to compare", f"explorer results show {run.id}"
        )


def _print_comparison(comparison: "Comparison", json: bool) -> None:
    from explorer.report.run_list import comparison_facts, difference_rows

    if json:
        print_json(comparison.to_json())
        return
    print_facts(comparison_facts(comparison))
    print_lines([""])
    if comparison.differences:
        print_table(("differs", "A", "B"), difference_rows(comparison.differences))
    else:
        print_lines(["nothing that is known differs"])


def _print_sides(sides: "SideBySide", a: str, b: str) -> None:
    from explorer.report.run_list import pair_rows, side_notes

    rows = pair_rows(sides.pairs)
    differs = 1 if any(row[-1] for row in rows) else 0
    headers = ("model", "size", a, b, "ratio", "differs")[: 5 + differs]
    print_table(headers, [row[: 5 + differs] for row in rows], right=(2, 3, 4))
    count = f"{len(rows)} {'model' if len(rows) == 1 else 'models'}"
    print_lines([f"median ratio {sides.median_ratio:.3f} over {count}: samples/s of {a} to those of {b}"])
    for note in side_notes(sides, a, b):
        notice(note)


def _nothing_to_compare(sides: "SideBySide", a: str, b: str) -> RequestError:
    from explorer.report.run_list import side_notes

    notes = "; ".join(side_notes(sides, a, b))
    return RequestError(f"nothing to compare: no model has its samples/s in both {a} and {b}", notes)
