import pytest

from explorer.diagram.style import LABEL_CELLS, LABEL_PX, cells, elide, mono_width, node_lines, node_size, wrap

from .samples import NASTY


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
