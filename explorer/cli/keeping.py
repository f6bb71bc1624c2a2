"""What becomes of measurements: each is kept at once, and where that fails the rest goes on."""

from typing import TYPE_CHECKING

from explorer.cli.output import notice
from explorer.errors import ExplorerError, StoreError

if TYPE_CHECKING:
    from explorer.protocol import BenchRequest, BenchResult
    from explorer.results.store import Store


class Keeper:
    """Puts measurements into the results file, one by one.

    Args:
        label: what the user calls them.
        is_wanted: false leaves the file alone.
    """

    def __init__(self, label: str, *, is_wanted: bool = True) -> None:
        self._label = label
        self._lost: StoreError | None = None
        self._store: Store | None = None
        if is_wanted:
            self._open()

    def _open(self) -> None:
        """Find the results file, and say now, before time is spent, when nothing can be kept in it."""
        from explorer.results.store import Store

        try:
            self._store = Store()
            self._store.check()
        except StoreError as error:
            notice(f"what is measured now will not be kept: {error}")
            if self._store is None and not isinstance(error.__cause__, ImportError):
                self._lost = error

    def keep(self, request: "BenchRequest", outcome: "BenchResult | ExplorerError") -> None:
        """Keep an attempt, however it ended; a failure to do so waits for :meth:`finish`."""
        if self._store is None:
            return
        try:
            self._store.keep(request, outcome, label=self._label)
        except StoreError as error:
            self._lost = error

    def finish(self) -> None:
        """To be called when all is printed.

        Raises:
            StoreError: a measurement could not be kept.
        """
        if self._lost is not None:
            raise self._lost
