"""What the tests do with an app: wait for it, read its screen."""

import html
import re
from collections import defaultdict
from collections.abc import Callable

from textual.pilot import Pilot
from textual.widgets import Static

from explorer.graph import Graph
from explorer.tui.app import ExplorerApp
from explorer.tui.bench_session import Keep
from explorer.tui.widgets.browser import Browser
from tests.tui import samples

SIZES = [(80, 24), (200, 50)]
_CELL_PX = 12.2
_POLL_SECONDS = 0.04
_TEXT = re.compile(r'<text[^>]* x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>', re.DOTALL)


def made(
    client: samples.FakeClient | None = None,
    load: Callable[[], Graph] = samples.graph,
    keep: Keep = lambda request, outcome: None,
) -> ExplorerApp:
    shared = client or samples.FakeClient()
    return ExplorerApp(load, lambda: shared, keep)


def screen(pilot: Pilot[None]) -> str:
    """The screen as text, read from the picture of it."""
    lines: dict[float, str] = defaultdict(str)
    for x, y, text in sorted(_TEXT.findall(pilot.app.export_screenshot()), key=lambda found: float(found[0])):
        lines[float(y)] = lines[float(y)].ljust(round(float(x) / _CELL_PX)) + html.unescape(text)
    return "\n".join(line.replace("\xa0", " ") for _, line in sorted(lines.items()))


async def until(pilot: Pilot[None], holds: Callable[[], object], seconds: float = 30.0) -> None:
    for _ in range(int(seconds / _POLL_SECONDS)):
        if holds():
            return
        await pilot.pause(_POLL_SECONDS)
    raise AssertionError(f"never came about; the screen was:\n{screen(pilot)}")


async def seen(pilot: Pilot[None], *texts: str) -> str:
    """Wait until all of the texts stand on the screen; the screen."""
    await until(pilot, lambda: all(text in screen(pilot) for text in texts))
    return screen(pilot)


async def ready(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: browser(pilot).root.children)
    await pilot.pause()


def browser(pilot: Pilot[None]) -> Browser:
    return pilot.app.query_one("#browser", Browser)


def row_name(pilot: Pilot[None]) -> str:
    """The name of the row in the tree that the cursor is on."""
    node = browser(pilot).cursor_node
    return node.data.name if node is not None and node.data is not None else ""


def named(pilot: Pilot[None]) -> str:
    """The line that names what is shown."""
    return str(pilot.app.query_one("#node-name", Static).visual)


async def type_text(pilot: Pilot[None], text: str) -> None:
    keys = {"_": "underscore", " ": "space", ".": "full_stop"}
    await pilot.press(*(keys.get(char, char) for char in text))


async def go_to(pilot: Pilot[None], text: str) -> None:
    """Search for a text and go to the best hit."""
    await pilot.press("slash")
    await type_text(pilot, text)
    await pilot.press("enter")
    await until(pilot, lambda: text in named(pilot))
