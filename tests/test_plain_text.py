import json

import pytest

from explorer.plain_text import csv_cell, plain_cells, plain_json, plain_line, plain_lines, web_link

HOSTILE = "\x1b[31m\r\t\x9b\u202egnp\u2028\ud800\ufffe\U000e0041"


def test_what_drives_a_terminal_is_shown_as_python_writes_it() -> None:
    assert plain_line(f"a\n{HOSTILE}") == r"a\n\x1b[31m\r\t\x9b\u202egnp\u2028\ud800\ufffe\U000e0041"


def test_lines_keep_their_breaks_and_tabs() -> None:
    assert plain_lines("one\r\n\ttwo\x07\rthree") == "one\n\ttwo\\x07\\rthree"


@pytest.mark.parametrize("text", ["残差 é ẞ 👩‍🔬 3×224", "C:\\new", "می‌خواهم", "葛\U000e0100", ""])
def test_what_people_write_stays(text: str) -> None:
    assert (plain_line(text), plain_lines(text)) == (text, text)


def test_json_says_the_same() -> None:
    value = {HOSTILE: [f"\n{HOSTILE}"]}
    written = plain_json(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(written) == value
    assert written.replace("\n", "").isprintable()


def test_cells_keep_their_number() -> None:
    assert plain_cells("a\x1b\nb\ud800", len) == "a\ufffd\ufffdb\ufffd"
    assert plain_cells("a\x1b\nb", lambda _: 0) == "ab"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "＝"])
def test_what_a_spreadsheet_would_compute_is_text(begin: str) -> None:
    assert csv_cell(f"{begin}cmd()") == f"'{begin}cmd()"


@pytest.mark.parametrize("value", [-3, 2.5, None, True, "-3", "+1.5e-3", "resnet34", "a=b"])
def test_numbers_and_names_stay_as_cells(value: object) -> None:
    assert csv_cell(value) == value


@pytest.mark.parametrize("begin", ["\t", "\r", "\n"])
def test_a_cell_is_one_line(begin: str) -> None:
    assert csv_cell(f"{begin}=cmd()") == f"{begin!r}"[1:-1] + "=cmd()"


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("https://a.org/b?c=d%20e&f=(g)#h", "https://a.org/b?c=d%20e&f=(g)#h"),
        ("HTTP://a.org", "HTTP://a.org"),
        ("https://a.org/\"><script>\n'\ud800", "https://a.org/%22%3E%3Cscript%3E%0A%27?"),
        *((other, "") for other in ("javascript:alert(1)", " https://a.org", "file:///etc", "//a.org", "")),
    ],
)
def test_links_lead_to_the_web_and_end_no_quote(address: str, link: str) -> None:
    assert web_link(address) == link
