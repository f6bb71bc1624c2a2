"""The terminal app: timm's families, models and code to browse, and their speed measured beside them.

Textual is imported when the app is started or its class asked for, not before.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.introspect.reading.source import Extra
    from explorer.tui.app import ExplorerApp

__all__ = ["ExplorerApp", "run_app"]


def run_app(timm: Path | None = None, extras: "Sequence[Extra]" = ()) -> None:
    """Run the app in this terminal until the user quits.

    Args:
        timm: a folder, wheel or sdist of timm; the installed package when ``None``.
        extras: source of the user's own that registers models into it.

    Raises:
        ExplorerError: there was no graph to show; the app has shown the same error.
        SystemExit: the app itself broke.
    """
    from explorer.tui.app import ExplorerApp
    from explorer.tui.backends import bench_client, graph_loader, keep_bench

    app = ExplorerApp(graph_loader(timm, extras), bench_client, keep_bench, extras)
    app.run()
    if app.load_error:
        raise app.load_error
    if app.return_code:
        raise SystemExit(app.return_code)


def __getattr__(name: str) -> type["ExplorerApp"]:
    if name == "ExplorerApp":
        from explorer.tui.app import ExplorerApp

        return ExplorerApp
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
