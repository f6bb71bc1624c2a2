"""The terminal app: timm's families, models and code to browse, and their speed measured beside them.

Textual is imported when the app is started or its class asked for, not before.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.tui.app import ExplorerApp as ExplorerApp
    from explorer.tui.app import run_app as run_app

__all__ = ["ExplorerApp", "run_app"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from explorer.tui import app  # Textual takes several times as long to import as all that a command needs.

    return getattr(app, name)
