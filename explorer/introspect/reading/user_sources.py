"""Source of the user's own that registers models into timm, as ``--with`` names it. Nothing is imported here."""

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.errors import RequestError

Extra = tuple[str, Path]
"""The name that it is imported by, and its ``.py`` file or package folder."""

_MEND = "give a .py file, the folder of a package, or the name of one that can be imported"


def find_extra(text: str) -> Extra:
    """What ``--with`` means: a ``.py`` file, a package's folder, or the name of a module or package beside us.

    Raises:
        RequestError: it is none of these.
    """
    path = Path(text)
    if text.isidentifier() and not (path / "__init__.py").is_file():
        found = _by_name(text)
        if found or not path.exists():
            return _checked(text, text, found)
    return _at(text, path)


def _at(text: str, path: Path) -> Extra:
    path = path.resolve()
    if not path.exists():
        raise RequestError(f"--with {text}: there is no such file or folder", _MEND)
    if path.is_dir() and not (path / "__init__.py").is_file():
        raise RequestError(f"--with {text}: holds no __init__.py, so it is no package", _MEND)
    if path.is_file() and path.suffix != ".py":
        raise RequestError(f"--with {text}: is not Python source", _MEND)
    if path.name == "__init__.py":
        path = path.parent
    return _checked(text, path.stem if path.is_file() else path.name, path)


def _by_name(name: str) -> Path | None:
    """The source of a top-level name, ``None`` where there is none; its spec is looked up, which runs nothing of it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    origin = Path(spec.origin) if spec and spec.has_location and spec.origin else None
    if spec is None or origin is None or origin.suffix != ".py":
        return None
    return (origin.parent if spec.submodule_search_locations else origin).resolve()


def _checked(text: str, name: str, path: Path | None) -> Extra:
    if path is None:
        raise RequestError(f"--with {text}: no such file, folder or package with Python source", _MEND)
    if not name.isidentifier():
        raise RequestError(f"--with {text}: {name!r} is no name a module can have", "rename it")
    if name == "timm":
        raise RequestError(f"--with {text}: this is timm itself", "--timm PATH reads another timm's source")
    return name, path


def source_files(extra: Extra) -> Iterator[tuple[str, Path]]:
    """Its Python files by path, relative to the package's folder with the package's name before it, sorted:
    ``mine/models/net.py``; ``net.py`` for a single file."""
    name, path = extra
    if path.is_file():
        yield path.name, path
        return
    for file in sorted(path.rglob("*.py")):
        if file.is_file():
            yield f"{name}/{file.relative_to(path).as_posix()}", file


def read_file(name: str, path: Path) -> bytes:
    """The content of one of their files; ``name`` is what to call it.

    Raises:
        RequestError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError(f"--with: {name} cannot be read: {error.strerror or error}") from error


def digest_with(timm_digest: str, extras: Sequence[Extra]) -> str:
    """The digest of timm's source and these together: every path and content; timm's own where there are none.

    Raises:
        RequestError: a file cannot be read.
    """
    if not extras:
        return timm_digest
    hasher = hashlib.blake2b(timm_digest.encode(), digest_size=16)
    for extra in sorted(extras):
        for name, file in source_files(extra):
            for part in (name.encode(), read_file(name, file)):
                hasher.update(len(part).to_bytes(8, "big"))
                hasher.update(part)
    return hasher.hexdigest()
