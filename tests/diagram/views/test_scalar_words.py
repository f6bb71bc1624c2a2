"""Numbers that operators are called with, in folds."""

import pytest

from explorer.diagram.style import GROUP_LABEL_CELLS, SUBLABEL_CELLS, cells
from explorer.diagram.view import View
from explorer.diagram.views.flow_view import dataflow
from tests.diagram.views.flows import FlowMaker


def scaled(*values: tuple[str, str]) -> FlowMaker:
    """Blocks alike but for what each multiplies by."""
    maker = FlowMaker((1, 16, 8, 8))
    x = maker.input
    with maker.call("", "Net", x):
        for number, value in enumerate(values):
            with maker.call(f"blocks.{number}", "Block", x):
                x = maker.layer(f"blocks.{number}.conv", "Conv2d", x, params=9)
                x = maker.run("mul", x, scalars=[value])
    return maker


def fold_of(*values: tuple[str, str], nodes: int = 40) -> str:
    view: View = dataflow(scaled(*values).result(), nodes=nodes)
    texts = [group.label for group in view.groups] + [node.sublabel for node in view.nodes]
    return next((text for text in texts if f"×{len(values)}" in text), "")


@pytest.mark.parametrize("nodes", [3, 40], ids=["closed", "opened"])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["0.9805", "0.91", "0.8301"], "beta 0.98…0.83"),
        (["0.5", "0.5", "0.25"], "beta 0.5…0.25"),
        (["0.5", "0.25", "0.5"], "beta 0.5, 0.25"),
        (["0.98051", "0.98052", "0.98053"], "beta 0.98051…0.98053"),
        (["1.0", "5.0", "2.0", "4.0", "3.0"], "beta 1 to 5"),
    ],
)
def test_a_fold_says_which_fractions_differ_in_it(values: list[str], said: str, nodes: int) -> None:
    label = fold_of(*(("beta", value) for value in values), nodes=nodes)
    assert label.endswith(said)
    assert cells(label) <= (SUBLABEL_CELLS if nodes == 3 else GROUP_LABEL_CELLS)


def test_a_fraction_without_a_name_is_called_by_its_operator() -> None:
    assert "mul 0.5…0.25" in fold_of(("", "0.5"), ("", "0.25"))


def test_fractions_that_are_the_same_are_not_said() -> None:
    assert fold_of(("beta", "0.5"), ("beta", "0.5")).endswith("×2 Block, separate weights")


@pytest.mark.parametrize("values", [("3", "2"), ("True", "False"), ("'same'", "'valid'")])
def test_what_differs_in_whole_numbers_words_or_switches_does_not_fold(values: tuple[str, str]) -> None:
    assert fold_of(*(("shift", value) for value in values)) == ""
