"""Files of explorer's own and those that it makes for a user: the user's folders, and writing whole or not at all.

Everything that explorer writes goes through :func:`replacing`, so that a reader never meets half a file, whoever is
killed in the middle and however many write at once.
"""

import errno
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from platformdirs import PlatformDirs

JSON = Any
"""A value that JSON can hold."""

LARGEST = 64 << 20
"""Bytes of a file that are read at the most; timm's largest has some 100 KB, a wheel of it 3 MB."""

_APPLICATION = "timm-explorer"
_BESIDE = ".explorer-"
"""How the name of a file that is still being written begins."""


def cache_folder(name: str) -> Path | None:
    """A folder of the user's for what can be made again; ``None`` on a machine without a home. It need not exist."""
    try:
        return _folders().user_cache_path / name
    except (OSError, RuntimeError):
        return None


def data_folder() -> Path | None:
    """The folder of the user's for what was measured and traced; ``None`` on a machine without a home.

    Raises:
        ImportError: platformdirs, which knows such folders, is not installed.
    """
    try:
        return _folders().user_data_path
    except (OSError, RuntimeError):
        return None


def _folders() -> "PlatformDirs":
    # What runs models needs no folder where a place for the results is named, and so no platformdirs.
    from platformdirs import PlatformDirs

    return PlatformDirs(_APPLICATION, appauthor=False)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the path's place in one step at the end; where writing fails, nothing changes.

    Raises:
        OSError: there is no folder, or it cannot be written to.
    """
    import tempfile  # most commands write nothing, and it costs as much as reading a section of a graph

    path = Path(os.path.realpath(path))  # a link stays one, what it leads to is replaced
    # beside its place, as only within one file system is moving it there one step
    handle, name = tempfile.mkstemp(prefix=_BESIDE, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.chmod(_new_file_mode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; a device or a pipe is written to as it is.

    Raises:
        OSError: there is no folder, or it cannot be written to.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    with replacing(path) as file:
        file.write(content)


def read_regular(path: Path, limit: int = LARGEST) -> bytes:
    """The content of a file that somebody named: of a regular one, and of one that is not too large.

    A pipe may never end, and a device neither.

    Raises:
        OSError: it is no such file, or cannot be read; ``strerror`` says why in words.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError as error:  # a NUL byte, or text that is no name of a file
        raise OSError(errno.EINVAL, "that is no name of a file") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, f"it is {_kind(status.st_mode)}, no regular file")
    with os.fdopen(handle, "rb") as file:
        if status.st_size <= limit and len(content := file.read(limit + 1)) <= limit:
            return content
    raise OSError(errno.EFBIG, f"it has more than {limit >> 20:,} MB, the most that is read")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def remove_abandoned(folder: Path, older_than: float) -> None:
    """Remove what killed processes left half written in a folder.

    Args:
        folder: where to look.
        older_than: seconds since the epoch; what was changed later may still be somebody's.

    Raises:
        OSError: one cannot be removed.
    """
    for path in folder.glob(f"{_BESIDE}*"):
        if path.stat().st_mtime < older_than:
            path.unlink(missing_ok=True)


def newest_first(paths: Iterable[Path]) -> list[Path]:
    """Files by when they were changed; those that are gone meanwhile are left out."""
    changed: dict[Path, float] = {}
    for path in paths:
        with suppress(OSError):
            changed[path] = path.stat().st_mtime
    return sorted(changed, key=lambda path: changed[path], reverse=True)


def to_json(data: JSON) -> bytes:
    """JSON without spaces, in UTF-8; a lone surrogate, as names of files may have, comes back as it was."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _new_file_mode() -> int:
    """The mode that a file made without ado would have: ``mkstemp`` makes one that nobody else may read."""
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
