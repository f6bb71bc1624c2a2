"""Cutting text to a width."""


def middle_cut(text: str, width: int) -> str:
    """The text in at most ``width`` characters, an ellipsis where its middle was."""
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 3
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def end_cut(text: str, width: int) -> str:
    """The text in at most ``width`` characters, an ellipsis where its end was."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"[: max(0, width)]


def start_cut(text: str, width: int) -> str:
    """The text in at most ``width`` characters, an ellipsis where its start was."""
    return text if len(text) <= width else f"…{text[len(text) - max(0, width - 1) :]}"[: max(0, width)]
