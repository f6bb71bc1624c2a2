"""The picture's CSS: dark colours over the light ones that stand in the markup, for viewers that know both.

Renderers without media queries read the attributes alone and draw the light picture.
"""

from collections.abc import Iterator

from explorer.diagram.style import FRAME, FRAME_LINE, MUTED, NODE_STYLES, PAGE, TEXT, edge_ink
from explorer.diagram.view import View


def stylesheet(view: View) -> str:
    """CSS for what is in the view, and nothing else."""
    rules = "".join(dict.fromkeys(_dark_rules(view)))
    return f"a:hover rect{{stroke-width:2.4px}}@media (prefers-color-scheme: dark){{{rules}}}"


def _dark_rules(view: View) -> Iterator[str]:
    yield f".page{{fill:{PAGE.dark}}}"
    yield f".text{{fill:{TEXT.dark}}}"
    yield f".muted{{fill:{MUTED.dark}}}"
    yield f".frame{{fill:{FRAME.dark};stroke:{FRAME_LINE.dark}}}"
    yield f".frame-ground{{fill:{FRAME.dark}}}"
    for node in view.nodes:
        style = NODE_STYLES[node.kind]
        yield f".box-{node.kind}{{fill:{style.fill.dark};stroke:{style.stroke.dark}}}"
    yield f".box-focus{{fill:{PAGE.dark};stroke:{TEXT.dark}}}"
    yield f".focus rect{{stroke:{TEXT.dark}}}"
    for edge in view.edges:
        ink = edge_ink(edge.kind, edge.evidence)
        name = ink_class(ink.light)
        yield f".{name}{{stroke:{ink.dark}}}.{name}-text{{fill:{ink.dark}}}"
        yield f".{name}.filled{{fill:{ink.dark}}}.{name}.hollow{{fill:{PAGE.dark}}}"


def ink_class(light: str) -> str:
    """The CSS class of lines in a colour, by its light form (``#rrggbb``)."""
    return f"ink-{light.removeprefix('#')}"
