"""``explorer`` and ``python -m explorer``: the command line, and the terminal app where no command is given."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from explorer import collector
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.introspect import Extra


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    collector.switch_off()
    sys.excepthook = _print_traceback
    try:
        from explorer.cli.main import run

        code = run(start_app=_start_app, take_screenshot=_take_screenshot)
    except KeyboardInterrupt:  # before run was there to say it
        code = 130
    sys.exit(code)


def _print_traceback(_: type[BaseException], error: BaseException, __: object) -> None:
    """What ``--debug`` shows: as Python does it, but for what the error's own words may hold."""
    from traceback import format_exception

    from explorer.plain_text import plain_lines

    print(plain_lines("".join(format_exception(error))), end="", file=sys.stderr)


def _start_app(timm: Path | None, extras: "Sequence[Extra]") -> None:
    if not (sys.stdin and sys.stdout and sys.stdin.isatty() and sys.stdout.isatty()):
        raise RequestError("the terminal app needs a terminal", "explorer --help lists the commands that do not")
    from explorer.tui import run_app

    collector.switch_on()
    run_app(timm, extras)


def _take_screenshot(model: str) -> str:
    from explorer.tui.screenshot import screenshot

    collector.switch_on()
    return screenshot(model)


if __name__ == "__main__":
    main()
