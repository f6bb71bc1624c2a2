from itertools import combinations

import pytest

from explorer.diagram.style import (
    EDGE_STYLES,
    FRAME,
    MUTED,
    NODE_STYLES,
    PAGE,
    SHADES,
    TEXT,
    Flow,
    Look,
    edge_ink,
    shade_level,
)
from explorer.graph import EdgeKind, Evidence, NodeKind


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
