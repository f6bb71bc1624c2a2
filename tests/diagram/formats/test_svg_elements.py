from xml.etree import ElementTree

import pytest

from explorer.diagram.formats.svg_elements import attributes, element, head_path, line_path, number, text
from explorer.diagram.geometry import Curve
from explorer.diagram.style import Head

STRAIGHT = Curve(((0, 0), (0, 0), (0, 80), (0, 80)), (0, 90))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((value, value) for value in ("<&\"'>", "a\nb\tc", "残差")),
        ("\x00\x0b\r\ud800\ufffe", r"\x00\x0b\r\ud800\ufffe"),
    ],
)
def test_whatever_a_text_holds_the_element_can_be_read(value: str, shown: str) -> None:
    read = ElementTree.fromstring(element("g", text(value), data_id=value))
    assert (read.text, read.get("data-id")) == (shown, shown)


def test_attributes_that_say_nothing_are_left_out() -> None:
    assert attributes(class_="a", x=0.0, rx=None, stroke="", stroke_width=1.5) == ' class="a" x="0" stroke-width="1.5"'


def test_numbers_are_short() -> None:
    assert [number(value) for value in (1.0, 0.126, -0.001, 100.0)] == ["1", "0.13", "0", "100"]


@pytest.mark.parametrize("head", list(Head))
def test_a_line_reaches_the_tip_where_its_head_does_not_cover_it(head: Head) -> None:
    assert line_path(STRAIGHT, head).endswith("L0,90") is (head in (Head.OPEN, Head.DOT, Head.NONE))


@pytest.mark.parametrize("head", [Head.SOLID, Head.HOLLOW, Head.OPEN, Head.DIAMOND])
def test_a_head_points_to_the_tip(head: Head) -> None:
    assert "L0,90" in head_path(STRAIGHT, head)
