from itertools import combinations

import pytest

from explorer.diagram.style import EDGE_STYLES, FRAME, MUTED, NODE_STYLES, PAGE, TEXT, edge_ink
from explorer.graph.model import EdgeKind, Evidence, NodeKind


def test_every_kind_has_a_style() -> None:
    assert set(NODE_STYLES) == set(NodeKind)
    assert set(EDGE_STYLES) == set(EdgeKind)


def test_edge_kinds_differ_in_more_than_colour() -> None:
    looks = [(style.dash, style.head) for style in EDGE_STYLES.values()]
    assert all(a != b for a, b in combinations(looks, 2))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_reads_on_every_fill(theme: str) -> None:
    fills = [PAGE, FRAME, *(style.fill for style in NODE_STYLES.values())]
    for fill in fills:
        for ink in (TEXT, MUTED):
            assert _contrast(getattr(ink, theme), getattr(fill, theme)) >= 4.5
    for kind in EdgeKind:
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
