"""What Graphviz says of a layout, read from its ``json0``: pt upwards become px downwards."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from explorer.diagram.geometry import Box, Curve, Point

PT_PER_INCH = 72.0


def documents(text: str) -> Iterator[dict[str, Any]]:
    """One layout after the other."""
    decoder = json.JSONDecoder()
    text = text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:].lstrip()


def numbers(text: str) -> list[float]:
    """``"1,2.5"`` as numbers."""
    return [float(number) for number in text.split(",")]


def point(text: str, high: float) -> Point:
    """A point, in a drawing that ends at ``high``."""
    x, y = numbers(text)
    return x, high - y


def node_box(node: Mapping[str, str], high: float) -> Box:
    """A node's rectangle."""
    x, y = point(node["pos"], high)
    width, height = float(node["width"]) * PT_PER_INCH, float(node["height"]) * PT_PER_INCH
    return Box(x - width / 2, y - height / 2, width, height)


def curve(edge: Mapping[str, str], high: float) -> Curve:
    """``pos`` is ``e,x,y`` (the arrow's tip) followed by the spline's points."""
    places = edge["pos"].split(";")[0].split()
    tips = [point(p[2:], high) for p in places if p.startswith("e,")]
    points = tuple(point(p, high) for p in places if p[0] not in "es")
    return Curve(points, tips[0] if tips else points[-1], point(edge["lp"], high) if "lp" in edge else None)
