"""Layers as rows: what folds, what is opened, what a flat list holds."""

import pytest
from msgspec.structs import replace

from explorer.errors import RequestError, UnknownName
from explorer.protocol.inspect import Layer
from explorer.report.layer_tree import SCREEN_ROWS, LayerRow, flat_rows, tree_rows
from tests.report.layer_samples import LAYERS, block, layer


def shown(rows: list[LayerRow]) -> list[str]:
    return [f"{'  ' * row.depth}{row.label}{f' ×{row.count}' if row.count > 1 else ''}" for row in rows]


def model_of(*layers: Layer) -> list[Layer]:
    return [layer("", "Net"), *layers]


def test_repeats_fold_with_their_count_and_the_first_stands_for_all() -> None:
    rows = tree_rows(LAYERS, depth=3)
    assert shown(rows) == ["", "  stem", "  blocks", "    0–2 ×3", "      conv", "      act", "  head"]
    (folded,) = [row for row in rows if row.count == 3]
    assert (folded.layer.name, folded.last.name) == ("blocks.0", "blocks.2")


def test_the_depth_says_how_many_levels_are_opened() -> None:
    assert shown(tree_rows(LAYERS, depth=0)) == [""]
    assert shown(tree_rows(LAYERS, depth=1)) == ["", "  stem", "  blocks", "  head"]


def test_without_a_depth_as_much_is_opened_as_a_screen_holds() -> None:
    many = model_of(layer("a", "Sequential"), *(layer(f"a.{i}", params=i) for i in range(SCREEN_ROWS)))
    assert shown(tree_rows(many)) == ["", "  a"]
    assert len(tree_rows(LAYERS)) == len(tree_rows(LAYERS, depth=3))


def test_a_wide_model_shows_its_first_level_all_the_same() -> None:
    wide = model_of(*(layer(f"part{i}", params=i) for i in range(SCREEN_ROWS + 5)))
    assert len(tree_rows(wide)) == SCREEN_ROWS + 6


def test_unfolded_every_layer_has_a_row_and_what_does_nothing_too() -> None:
    rows = tree_rows(LAYERS, full=True)
    assert [row.layer for row in rows] == LAYERS


@pytest.mark.parametrize(
    "other",
    [
        {"class_name": "Linear"},
        {"output_shape": (1, 16, 4, 4)},
        {"input_shape": (1, 8, 8, 8)},
        {"params": 11},
        {"macs": 101},
        {"buffers": 1},
        {"calls": 2},
        {"reduction": 8},
        {"shared_with": "a0"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_nothing_folds_across_a_difference(other: dict[str, object]) -> None:
    same = model_of(layer("a0"), layer("a1"))
    assert shown(tree_rows(same, depth=1)) == ["", "  a0–1 ×2"]
    assert len(tree_rows([*same[:2], replace(same[2], **other)], depth=1)) == 3  # type: ignore[arg-type]


def test_a_difference_deep_inside_keeps_layers_apart() -> None:
    deep = block("a.1")
    deep[-1] = replace(deep[-1], class_name="GELU")
    layers = model_of(layer("a", "Sequential"), *block("a.0"), *deep)
    assert shown(tree_rows(layers, depth=2)) == ["", "  a", "    0", "    1"]


def test_blocks_that_are_feature_levels_of_their_own_fold() -> None:
    assert "    0–2 ×3" in shown(tree_rows(LAYERS, depth=2))


def test_only_neighbours_fold() -> None:
    layers = model_of(layer("a0"), layer("b", params=3), layer("a1"))
    assert shown(tree_rows(layers, depth=1)) == ["", "  a0", "  b", "  a1"]


def test_folded_layers_without_numbers_are_named() -> None:
    layers = model_of(layer("q_norm"), layer("k_norm"))
    assert shown(tree_rows(layers, depth=1)) == ["", "  q_norm, k_norm ×2"]
    assert shown(tree_rows([*layers, layer("v_norm")], depth=1)) == ["", "  q_norm … v_norm ×3"]


def test_a_layer_whose_holder_is_not_listed_hangs_on_the_nearest_that_is() -> None:
    layers = model_of(layer("a", "Sequential"), layer("a.b.c"))
    assert shown(tree_rows(layers, depth=5)) == ["", "  a", "    b.c"]


def test_a_flat_list_is_sorted_with_the_greatest_first_and_leaves_the_model_out() -> None:
    rows = flat_rows(LAYERS, sort="macs")
    figures = [row.layer.macs for row in rows]
    assert figures == sorted(figures, reverse=True)
    assert "" not in [row.label for row in rows]
    assert "Identity" not in [row.layer.class_name for row in rows]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("conv", ["stem", "blocks.0.conv", "blocks.1.conv", "blocks.2.conv"]),
        ("RELU", ["blocks.0.act", "blocks.1.act", "blocks.2.act"]),
        ("*.1.*", ["blocks.1.conv", "blocks.1.drop", "blocks.1.act"]),
        ("blocks.?", ["blocks.0", "blocks.1", "blocks.2"]),
    ],
)
def test_a_filter_takes_a_part_or_a_pattern_of_name_or_class(text: str, names: list[str]) -> None:
    assert [row.label for row in flat_rows(LAYERS, text=text)] == names


def test_a_filter_that_nothing_is_like_says_what_is_close() -> None:
    with pytest.raises(RequestError, match="no layer is like 'cnov'") as caught:
        flat_rows(LAYERS, text="cnov")
    assert "conv" in caught.value.hint


def test_an_unknown_field_to_sort_by_says_what_is_close() -> None:
    with pytest.raises(UnknownName, match="'parms'") as caught:
        flat_rows(LAYERS, sort="parms")
    assert "params" in caught.value.hint


def test_a_row_of_several_names_no_place_that_it_does_not_stand_for() -> None:
    names = [f"seq.{number}" for number in range(5)]
    layers = model_of(
        layer("seq", "Sequential"),
        *(layer(name, "Identity" if i % 2 else "Linear", params=0 if i % 2 else 9) for i, name in enumerate(names)),
    )
    assert shown(tree_rows(layers, depth=2)) == ["", "  seq", "    0, 2, 4 ×3"]
    named = model_of(layer("a"), layer("b", "Identity", params=0), layer("c"), layer("d"))
    assert shown(tree_rows(named, depth=1)) == ["", "  a, c, d ×3"]
