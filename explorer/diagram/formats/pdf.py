"""An SVG picture of ours as PDF: one page, text as text, links kept.

Reads what :mod:`explorer.diagram.formats.svg` writes, and nothing else of SVG.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import groupby
from xml.etree import ElementTree

from reportlab.lib.colors import HexColor
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfgen.canvas import Canvas

from explorer.errors import OutputError

_SVG = "{http://www.w3.org/2000/svg}"
_PT_PER_PX = 0.75
_STEP = re.compile(r"([MCLaZ])([^MCLaZ]*)")
_NUMBER = re.compile(r"-?[\d.]+")
_WIDE_FONT = "STSong-Light"
"""For what the standard fonts lack; every PDF reader has a font for it, so none is shipped in the file."""

_FONTS = {"mono": ("Courier", "Courier-Bold"), "sans": ("Helvetica", "Helvetica-Bold")}
"""Regular and bold."""


def pdf_of(svg: str) -> bytes:
    """The picture as a PDF of its size, in light colours; the same picture gives the same bytes.

    Raises:
        OutputError: the picture cannot be read.
    """
    try:
        root = ElementTree.fromstring(svg)
        size = float(root.attrib["width"]), float(root.attrib["height"])
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise OutputError(f"the picture could not be drawn as PDF: {error}") from error
    registerFont(UnicodeCIDFont(_WIDE_FONT))
    written = BytesIO()
    canvas = Canvas(written, pagesize=(size[0] * _PT_PER_PX, size[1] * _PT_PER_PX), invariant=1)
    canvas.setTitle(root.findtext(f"{_SVG}title") or "")
    canvas.setCreator("explorer")
    canvas.scale(_PT_PER_PX, -_PT_PER_PX)  # y runs upwards in PDF: all is turned over, and every text turned back
    canvas.translate(0, -size[1])
    for part in root:
        _draw(part, canvas, mono=False)
    canvas.save()
    return written.getvalue()


def _draw(part: ElementTree.Element, canvas: Canvas, mono: bool) -> None:
    match part.tag.removeprefix(_SVG):
        case "g" | "a":
            canvas.saveState()
            if place := part.get("transform"):
                canvas.translate(*_numbers(place))
            family = part.get("font-family")
            for inner in part:
                _draw(inner, canvas, mono if family is None else "monospace" in family)
            _link(part, canvas)
            canvas.restoreState()
        case "rect":
            _rect(part, canvas)
        case "path":
            _path(part, canvas)
        case "text":
            _text(part, canvas, mono)


def _numbers(value: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(value)]


def _brush(part: ElementTree.Element, canvas: Canvas) -> dict[str, int]:
    """Set colours and strokes; returns what is to be painted, for reportlab's ``fill`` and ``stroke``."""
    fill, stroke = (part.get(name, "none") for name in ("fill", "stroke"))
    if fill != "none":
        canvas.setFillColor(HexColor(fill))
    if stroke != "none":
        canvas.setStrokeColor(HexColor(stroke))
        canvas.setLineWidth(float(part.get("stroke-width", 1)))
        canvas.setLineCap(1 if part.get("stroke-linecap") == "round" else 0)
        canvas.setLineJoin(1 if part.get("stroke-linejoin") == "round" else 0)
        canvas.setDash(_numbers(part.get("stroke-dasharray", "")))
    return {"fill": int(fill != "none"), "stroke": int(stroke != "none")}


def _rect(part: ElementTree.Element, canvas: Canvas) -> None:
    x, y, width, height, radius = (float(part.get(name, 0)) for name in ("x", "y", "width", "height", "rx"))
    # reportlab draws corners beyond half a side as loops, where SVG cuts them.
    canvas.roundRect(x, y, width, height, min(radius, width / 2, height / 2), **_brush(part, canvas))


def _path(part: ElementTree.Element, canvas: Canvas) -> None:
    path = canvas.beginPath()
    at = (0.0, 0.0)
    for letter, values in _STEP.findall(part.get("d", "")):
        n = _numbers(values)
        match letter:
            case "M":
                path.moveTo(*n)
            case "L":
                path.lineTo(*n)
            case "C":
                path.curveTo(*n)
            case "a" if n[5] > 0:  # the first half of a circle, which our arrows write in two
                path.circle(at[0] + n[0], at[1], n[0])
            case "Z":
                path.close()
        at = (n[-2], n[-1]) if letter in "MLC" else at
    canvas.drawPath(path, **_brush(part, canvas))


# Text is placed by widths of ours: PDF has no ``text-anchor``.
def _text(part: ElementTree.Element, canvas: Canvas, mono: bool) -> None:
    size = float(part.get("font-size", 12))
    font = _FONTS["mono" if mono else "sans"][part.get("font-weight") == "600"]
    runs = list(_runs(part.text or "", font))
    x = float(part.get("x", 0))
    if part.get("text-anchor") == "middle":
        x -= sum(stringWidth(run, name, size) for run, name in runs) / 2
    canvas.saveState()
    canvas.translate(x, float(part.get("y", 0)))
    canvas.scale(1, -1)
    words = canvas.beginText(0, 0)
    words.setFillColor(HexColor(part.get("fill", "#000000")))
    for run, name in runs:
        words.setFont(name, size)
        words.textOut(run)
    canvas.drawText(words)
    canvas.restoreState()


def _runs(value: str, font: str) -> Iterator[tuple[str, str]]:
    """A text in pieces with the font of each."""
    for is_standard, run in groupby(value, lambda character: bool(character.encode("cp1252", "ignore"))):
        yield "".join(c if ord(c) < 0x10000 else "\ufffd" for c in run), font if is_standard else _WIDE_FONT


def _link(part: ElementTree.Element, canvas: Canvas) -> None:
    href, rect = part.get("href"), part.find(f"{_SVG}rect")
    if href and rect is not None:
        x, y, width, height = (float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
        canvas.linkURL(href, (x, y, x + width, y + height), relative=1)
