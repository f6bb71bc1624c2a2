from itertools import combinations

import pytest

from explorer.diagram.style import (
    EDGE_STYLES,
    FRAME,
    LABEL_CELLS,
    LABEL_PX,
    MUTED,
    NODE_STYLES,
    PAGE,
    SHADES,
    TEXT,
    Flow,
    Look,
    cells,
    edge_ink,
    elide,
    mono_width,
    node_lines,
    node_size,
    shade_level,
    wrap,
)
from explorer.graph import EdgeKind, Evidence, NodeKind

from .samples import NASTY


def test_every_kind_has_a_style() -> None:
    assert set(NODE_STYLES) == {*NodeKind, *Look}
    assert set(EDGE_STYLES) == {*EdgeKind, *Flow}


@pytest.mark.parametrize("kinds", [EdgeKind, Flow])
def test_lines_that_meet_in_one_picture_differ_in_more_than_colour(kinds: type[EdgeKind] | type[Flow]) -> None:
    looks = [(EDGE_STYLES[kind].dash, EDGE_STYLES[kind].head) for kind in kinds]
    assert all(a != b for a, b in combinations(looks, 2))


def test_shades_are_equal_steps_from_nothing_to_all() -> None:
    assert [shade_level(part) for part in (0.0, 0.24, 0.25, 0.5, 0.75, 1.0)] == [0, 0, 1, 2, 3, 3]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_reads_on_every_fill(theme: str) -> None:
    fills = [PAGE, FRAME, *SHADES, *(style.fill for style in NODE_STYLES.values())]
    for fill in fills:
        for ink in (TEXT, MUTED):
            assert _contrast(getattr(ink, theme), getattr(fill, theme)) >= 4.5
    for kind in EDGE_STYLES:
        for evidence in ((Evidence.STATIC,), (Evidence.TRACED,)):
            assert _contrast(getattr(edge_ink(kind, evidence), theme), getattr(PAGE, theme)) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_outlines_and_lines_stand_out(theme: str) -> None:
    for style in NODE_STYLES.values():
        assert _contrast(getattr(style.stroke, theme), getattr(FRAME, theme)) >= 3


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.1, 1.4.3."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_wide_characters_count_double() -> None:
    assert (cells("abc"), cells("残差"), cells("🦊"), cells("é·×")) == (3, 4, 2, 3)


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("room", [5, 12, 34])
def test_elided_text_fits_and_keeps_both_ends(text: str, room: int) -> None:
    short = elide(text, room)
    assert cells(short) <= room
    if cells(" ".join(text.split())) > room:
        assert "…" in short
        assert short[0] == text[0]


def test_text_that_fits_is_left_alone() -> None:
    assert elide("build_model_with_cfg", LABEL_CELLS) == "build_model_with_cfg"


@pytest.mark.parametrize("text", NASTY)
def test_boxes_hold_their_lines(text: str) -> None:
    size = node_size(text, text)
    assert mono_width(node_lines(text, text)[0], LABEL_PX) + 16 <= size.width
    assert size.width <= 320


def test_wrapped_lines_fit() -> None:
    assert list(wrap("one two three", 7)) == ["one two", "three"]
    assert all(cells(line) <= 6 for line in wrap("extraordinarily long", 6))
    assert list(wrap("", 6)) == []
