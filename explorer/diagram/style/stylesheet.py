"""The picture's CSS: dark colours over the light ones that stand in the markup, for viewers that know both.

Renderers without media queries read the attributes alone and draw the light picture.
"""

from collections.abc import Iterator

from explorer.diagram.style.colours import (
    FRAME,
    FRAME_LINE,
    MUTED,
    NODE_STYLES,
    PAGE,
    SHADES,
    TEXT,
    edge_ink,
    shade_level,
)
from explorer.diagram.view import View

_HOVER = "a:hover rect{stroke-width:2.4px}"


def stylesheet(view: View) -> str:
    """CSS for what is in the view, and nothing else; dark where the reader's system is."""
    rules = "".join(f"{selector}{{{looks}}}" for selector, looks in dict.fromkeys(_dark_rules(view)))
    return f"{_HOVER}@media (prefers-color-scheme: dark){{{rules}}}"


def themed_stylesheet(view: View) -> str:
    """The same for a page that is dark where its root says ``data-theme="dark"``."""
    rules = dict.fromkeys(_dark_rules(view))
    return _HOVER + "".join(f':root[data-theme="dark"] {selector}{{{looks}}}' for selector, looks in rules)


def _dark_rules(view: View) -> Iterator[tuple[str, str]]:
    """Selectors and what they get in the dark."""
    yield ".page", f"fill:{PAGE.dark}"
    yield ".text", f"fill:{TEXT.dark}"
    yield ".muted", f"fill:{MUTED.dark}"
    yield ".frame", f"fill:{FRAME.dark};stroke:{FRAME_LINE.dark}"
    yield ".frame-ground", f"fill:{FRAME.dark}"
    for node in view.nodes:
        style = NODE_STYLES[node.kind]
        yield f".box-{node.kind}", f"fill:{style.fill.dark};stroke:{style.stroke.dark}"
    for level in sorted({shade_level(node.shade) for node in view.nodes if node.shade is not None}):
        yield f"rect.shade-{level}", f"fill:{SHADES[level].dark}"
    yield ".box-focus", f"fill:{PAGE.dark};stroke:{TEXT.dark}"
    yield ".focus rect", f"stroke:{TEXT.dark}"
    for edge in view.edges:
        ink = edge_ink(edge.kind, edge.evidence)
        name = ink_class(ink.light)
        yield f".{name}", f"stroke:{ink.dark}"
        yield f".{name}-text", f"fill:{ink.dark}"
        yield f".{name}.filled", f"fill:{ink.dark}"
        yield f".{name}.hollow", f"fill:{PAGE.dark}"


def ink_class(light: str) -> str:
    """The CSS class of lines in a colour, by its light form (``#rrggbb``)."""
    return f"ink-{light.removeprefix('#')}"
