"""The few things SVG text needs: escaped strings, short numbers, elements."""

from html import escape

_CONTROLS = (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000))
_NOT_XML = dict.fromkeys(_CONTROLS, "\ufffd")
"""Characters that XML 1.0 cannot hold, escaped or not."""

_BREAKS = {ord(c): f"&#{ord(c)};" for c in "\t\n\r"}
"""White space that an attribute would lose."""


def text(value: str) -> str:
    """A string as character data or as an attribute's value."""
    return escape(as_xml(value))


def as_xml(value: str) -> str:
    """A string with U+FFFD for every character that XML cannot hold."""
    return value.translate(_NOT_XML)


def number(value: float) -> str:
    """A number with at most two decimals and no needless zeros."""
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def attributes(**values: str | float | None) -> str:
    """Attributes in the order given, each with a space before it; ``_`` is ``-``, a trailing one is dropped.

    Those that are ``None`` or empty are left out.
    """
    parts = []
    for name, value in values.items():
        if value is None or value == "":
            continue
        shown = value if isinstance(value, str) else number(value)
        parts.append(f' {name.rstrip("_").replace("_", "-")}="{text(shown).translate(_BREAKS)}"')
    return "".join(parts)


def element(tag: str, content: str = "", **values: str | float | None) -> str:
    """An element; ``content`` is already markup."""
    opened = f"<{tag}{attributes(**values)}"
    return f"{opened}>{content}</{tag}>" if content else f"{opened}/>"
