"""Numbers as people read them."""


def significant(value: float) -> str:
    """Three significant digits, or all before the point where there are more."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{decimals}f}"


def milliseconds(value: float) -> str:
    """A time given in milliseconds."""
    return f"{significant(value)} ms"


def mebibytes(size_bytes: int) -> str:
    """A size in MiB, without the unit."""
    return f"{size_bytes / 2**20:,.0f}"


def size(img_size: int | tuple[int, int]) -> str:
    """Height × width of an image; one number stands for a square."""
    height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
    return f"{height}×{width}"
