"""Errors that were not foreseen, made fit to be shown."""

from explorer.errors import ExplorerError


def unexpected(error: Exception) -> ExplorerError:
    """An error that nobody raised on purpose, in one line."""
    first = str(error).strip().partition("\n")[0]
    return ExplorerError(f"{type(error).__name__}: {first}" if first else type(error).__name__, "a bug in explorer")
