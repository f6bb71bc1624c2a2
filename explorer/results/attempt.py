"""A measurement and what came of it, put into the store."""

import sys
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import explorer
from explorer.errors import ExplorerError
from explorer.protocol import BenchRequest, BenchResult
from explorer.results.store import Store


def keep(store: Store, request: BenchRequest, outcome: BenchResult | ExplorerError, *, label: str = "") -> int:
    """Keep an attempt, however it ended.

    Args:
        store: where to.
        request: what was asked for.
        outcome: what was measured, or why nothing was.
        label: what the user calls it.

    Returns:
        The run's id.

    Raises:
        StoreError: it cannot be kept.
    """
    wish = asdict(request)
    if isinstance(outcome, BenchResult):
        return store.record(outcome.to_json(), label=label, request=wish)
    return store.record_failure(request.model, outcome.to_dict(), wish, environment(), label=label)


def environment() -> dict[str, Any]:
    """What is known of this machine without a worker."""
    found = {"platform": sys.platform, "python": sys.version.split()[0], "explorer": explorer.__version__}
    for package in ("timm", "torch"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
