"""Every error explorer raises on purpose.

::

    ExplorerError              something went wrong: exit code 1
    ├── RequestError           the request is wrong: exit code 2
    │   ├── UnknownName        no such model, class, function...
    │   └── TimmSourceError    no timm source at the place asked for
    ├── TimmNotFound           timm is not installed here
    ├── OutputError            a file could not be written
    ├── StoreError             the results file cannot be used
    ├── LayoutError            Graphviz failed
    │   └── LayoutTimeout      or took too long
    └── EngineError            building or running a model failed
        ├── OutOfMemory
        ├── WorkerDied
        └── WorkerSilent

Each holds one clear line (``message``) and, where there is one, the mend (``hint``). All can be pickled, and
:meth:`ExplorerError.to_dict` and :func:`from_dict` carry them over a pipe.
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class ExplorerError(Exception):
    """Root of the tree.

    Args:
        message: one line, what is wrong.
        hint: one line, what the user can do about it; empty when nothing is known.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def to_dict(self) -> dict[str, str]:
        """The error as data: ``kind``, ``message``, ``hint``."""
        return {"kind": type(self).__name__, "message": self.message, "hint": self.hint}


class RequestError(ExplorerError):
    """The request cannot be met as it was made."""

    exit_code: ClassVar[int] = 2


class UnknownName(RequestError):
    """A name that nothing is known by; the hint gives the closest ones."""

    @classmethod
    def of(cls, what: str, name: str, closest: Sequence[str]) -> "UnknownName":
        """Build one: ``what`` is the kind of thing looked for, ``closest`` the best guesses, best first."""
        hint = f"closest: {', '.join(closest)}" if closest else "`explorer search TEXT` looks everywhere"
        return cls(f"no {what} {name!r}", hint)


class TimmSourceError(RequestError):
    """``--timm`` names no timm source."""


class TimmNotFound(ExplorerError):
    """timm is not installed beside explorer."""


class OutputError(ExplorerError):
    """A file could not be written; none was left half-written."""


class StoreError(ExplorerError):
    """The file of results cannot be read or written; what it held is left as it was."""


class LayoutError(ExplorerError):
    """Graphviz failed, or ran into its time limit."""


class LayoutTimeout(LayoutError):
    """The layout ran into its time limit."""


class EngineError(ExplorerError):
    """A model could not be built, run or measured."""


class OutOfMemory(EngineError):
    """The device had too little memory."""


class WorkerDied(EngineError):
    """The worker process ended without an answer."""


class WorkerSilent(EngineError):
    """The worker process was ended, because nothing came of it for too long."""


def _tree(root: type[ExplorerError]) -> dict[str, type[ExplorerError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


def unexpected(error: BaseException, hint: str = "a bug in explorer") -> ExplorerError:
    """An error that nobody raised on purpose, in one line that is fit to be shown."""
    return ExplorerError(f"{type(error).__name__}: {words_of(error).strip().partition(chr(10))[0]}", hint)


def words_of(error: BaseException) -> str:
    """What an exception says; nothing where it fails at that, as those of users' own may."""
    try:
        return str(error)
    except BaseException:  # not only what is an Exception may come of code that is not ours
        return ""


def from_dict(data: dict[str, Any]) -> ExplorerError:
    """Rebuild an error from :meth:`ExplorerError.to_dict`; an unknown kind becomes an :class:`ExplorerError`."""
    kind = _tree(ExplorerError).get(str(data.get("kind")), ExplorerError)
    return kind(str(data.get("message", "unknown error")), str(data.get("hint", "")))
