"""What comes from source, files or a request, made harmless before a terminal, a table or a picture shows it.

Names, docstrings, settings, paths and messages are anybody's: an escape sequence would drive the terminal, a line break
add a row to a table, a bidirectional override turn a name round. Each such character is shown as Python writes it
(``\\n``, ``\\x1b``, ``\\u202e``, ``\\ud800``); all others stay.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

_UNSHOWN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tabs and line feeds
    "\u2028\u2029"  # other ends of lines
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turn the direction of writing round
    "\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # are not to be seen
    "\ud800-\udfff\ufffe\uffff"  # no encoding, or no XML, has them
)
_IN_LINES = re.compile(f"[{_UNSHOWN}]")
_IN_LINE = re.compile(f"[\t\n{_UNSHOWN}]")

_FORMULA = tuple("=+-@＝＋－＠")
"""How a cell begins that a spreadsheet computes."""

_IN_ADDRESS = "%/:?#[]@!$&()*+,;=~"
"""What may stand in a web address besides letters, digits and ``_.-``; all else is written in per cent."""


def plain_line(text: str) -> str:
    """A text for one line: what would end it is shown too."""
    return text if text.isprintable() else _IN_LINE.sub(_shown, text)


def plain_lines(text: str) -> str:
    """A text of several lines: its tabs and line breaks stay."""
    return text if text.isprintable() else _IN_LINES.sub(_shown, text.replace("\r\n", "\n"))


def plain_cells(line: str, cells: Callable[[str], int]) -> str:
    """A line whose cells are counted already: U+FFFD where such a character took one, most take none and go."""
    return line if line.isprintable() else _IN_LINE.sub(lambda found: "\ufffd" * cells(found[0]), line)


def plain_json(encoded: str) -> str:
    """JSON that says the same without such characters: they can only stand in strings, and are escaped there."""
    return encoded if encoded.isprintable() else _IN_LINES.sub(lambda found: json.dumps(found[0])[1:-1], encoded)


def csv_cell(value: Any) -> Any:
    """A cell of CSV on one line; what a spreadsheet would compute begins with an apostrophe, numbers stay numbers."""
    if not isinstance(value, str):
        return value
    line = plain_line(value)
    return f"'{line}" if line.startswith(_FORMULA) and not _is_number(line) else line


def web_link(address: str) -> str:
    """An address that starts with ``http://`` or ``https://``, fit for between quotes; ``""`` for any other."""
    if not address.lower().startswith(("https://", "http://")):
        return ""
    return quote(address, safe=_IN_ADDRESS, errors="replace")


def _shown(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
