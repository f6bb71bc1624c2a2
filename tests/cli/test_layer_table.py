"""A model's layers and totals as they are printed: whole for programs, and to the terminal's width for people."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from explorer.cli import layer_table, output
from explorer.cli.layer_table import print_layers, print_summary
from explorer.report.layer_tree import tree_rows
from tests.report.layer_samples import LAYERS, inspected, layer

Printed = Callable[..., str]


@pytest.fixture
def layers(capsys: pytest.CaptureFixture[str]) -> Printed:
    """What is printed of the made-up model's layers, or of others."""

    def printed(**changes: Any) -> str:
        result = inspected(**changes)
        print_layers(result, tree_rows(result.layers), tree=True)
        return capsys.readouterr().out

    return printed


@pytest.fixture
def summary(capsys: pytest.CaptureFixture[str]) -> Printed:
    def printed(**changes: Any) -> str:
        print_summary(inspected(**changes))
        return capsys.readouterr().out

    return printed


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have stdout taken for a terminal of so many columns."""

    def wide(columns: int) -> None:
        for module in (layer_table, output):
            monkeypatch.setattr(module, "on_terminal", lambda stream: True)
        monkeypatch.setenv("COLUMNS", str(columns))

    return wide


def test_piped_every_column_is_there_and_nothing_is_rounded(layers: Printed) -> None:
    header, *lines = [line.split("\t") for line in layers().splitlines()]
    rows = {line[0]: dict(zip(header, line, strict=True)) for line in lines}

    assert rows["toynet"]["class"] == "ToyNet"
    assert (rows["stem"]["input"], rows["stem"]["output"]) == ("1×3×8×8", "1×8×4×4")
    assert (rows["blocks.0–2"]["count"], rows["blocks.0–2"]["stage"]) == ("3", "1–3")
    assert (rows["head"]["share"], rows["head"]["shared_with"]) == ("0.05", "")


def test_on_a_terminal_branches_lead_from_a_layer_to_what_is_in_it(
    layers: Printed, terminal: Callable[[int], None]
) -> None:
    terminal(200)
    names = [re.match(r" *([│ ├└╴]*[\w.–]+( ×\d)?)", line) for line in layers().splitlines()]
    drawn = [match[1].rstrip() for match in names if match]

    assert "├╴stem" in drawn
    assert "│ └╴0–2 ×3" in drawn
    assert "│   ├╴conv" in drawn
    assert drawn[-1] == "└╴head"


def test_the_columns_that_matter_least_go_first(layers: Printed, terminal: Callable[[int], None]) -> None:
    headers = []
    for columns in (200, 80, 40):
        terminal(columns)
        text = layers()
        assert all(len(line) <= columns for line in text.splitlines())
        headers.append(next(line.split() for line in text.splitlines() if "layer" in line))

    assert {"buffers", "fvcore"} & set(headers[0])
    assert not {"buffers", "fvcore"} & set(headers[1])
    assert len(headers[0]) > len(headers[1]) > len(headers[2]) >= 2
    assert all("params" in header for header in headers)


def test_a_class_too_long_is_cut_and_shared_weights_are_marked(
    layers: Printed, terminal: Callable[[int], None]
) -> None:
    terminal(200)
    twin = layer("twin", "AClassOfAVeryLongNameThatIsTooWide", shared_with="stem")
    text = layers(layers=[LAYERS[0], LAYERS[1], twin])

    assert "AClassOfAVeryLongNameThatIs… ⇄ stem" in text


def test_a_layer_that_nobody_calls_says_so_and_a_list_does_not(layers: Printed) -> None:
    idle = {"calls": 0, "output_shape": None, "macs": 0}
    made = [layer("", "Net"), layer("spare", "Linear", **idle), layer("blocks", "ModuleList", **idle)]
    header, _, *rows = [line.split("\t") for line in layers(layers=made).splitlines()]
    assert [row[header.index("output")] for row in rows] == ["not called", ""]


def test_totals_are_told_whole_and_in_short(summary: Printed) -> None:
    text = summary()

    assert re.search(r"^parameters +21,797,672 \(21\.8 M\)$", text, re.MULTILINE)
    assert re.search(r"^activations +37:", text, re.MULTILINE)
    assert re.search(r"^asked for +reparam, depth=3$", text, re.MULTILINE)
    assert re.search(r"^not counted +relu ×4, add ×3, mean$", text, re.MULTILINE)


def test_levels_that_are_not_as_declared_are_marked(summary: Printed) -> None:
    text = summary()
    rows = {line.split("\t")[1]: line.split("\t") for line in text.splitlines() if line.count("\t") == 6}

    assert re.search(r"^features +3 levels declared, 2 measured, 1 differ$", text, re.MULTILINE)
    assert "blocks.1 gave nothing" in text
    assert (rows["stem"][-1], rows["blocks.0"][-1], rows["blocks.1"][-1]) == ("✓", "≠ differs", "")
    assert (rows["stem"][5], rows["blocks.1"][5]) == ("2", "")


def test_nothing_asked_for_and_nothing_left_out(summary: Printed) -> None:
    text = summary(settings={"img_size": None, "features_only": False, "args": None}, uncounted={}, feature_info=[])

    assert "asked for" not in text
    assert re.search(r"^not counted +nothing$", text, re.MULTILINE)
    assert "level" not in text
