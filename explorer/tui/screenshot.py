"""A picture of the app at work, taken without a terminal."""

import asyncio
import re
from collections.abc import Callable
from time import monotonic

from textual.pilot import Pilot
from textual.widgets import Static

from explorer.errors import OutputError
from explorer.tui.app import ExplorerApp
from explorer.tui.graph_service import load_whole

_SIZE = (120, 32)
_POLL_S = 0.05
# Textual's picture loads its font from the network; without the rule the viewer's own monospace font is used.
_WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def screenshot(model: str, time_limit_s: float = 60.0) -> str:
    """The app with the call path of a model open, as SVG that asks the network for nothing.

    Raises:
        OutputError: it did not come to show that in time.
    """
    return asyncio.run(_taken(model, time_limit_s))


async def _taken(model: str, time_limit_s: float) -> str:
    app = ExplorerApp(lambda: load_whole(None))
    end = monotonic() + time_limit_s
    async with app.run_test(size=_SIZE) as pilot:
        await _until(pilot, lambda: "families" in _words(app, "#side-name"), end)
        await pilot.press("slash", *({"_": "underscore", ".": "full_stop"}.get(c, c) for c in model))
        await pilot.press("enter")
        await _until(pilot, lambda: model in _words(app, "#node-name"), end)
        await pilot.press("2")
        await _until(pilot, lambda: "→" in app.export_screenshot() and "shown" in app.export_screenshot(), end)
        await pilot.pause()
        return _WEB_FONT.sub("", app.export_screenshot())


def _words(app: ExplorerApp, selector: str) -> str:
    return str(app.query_one(selector, Static).visual)


async def _until(pilot: Pilot[None], holds: Callable[[], object], end: float) -> None:
    while not holds():
        if monotonic() > end:
            raise OutputError("the terminal app did not come to show what was to be drawn")
        await pilot.pause(_POLL_S)
