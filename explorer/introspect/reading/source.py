"""Source files, found and read: timm's, installed or in a folder, wheel or sdist, and the user's own beside it.

Nothing of what is found is imported, so that reading a source runs none of it.
"""

import errno
import hashlib
import importlib.util
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from explorer.errors import RequestError, TimmNotFound, TimmSourceError
from explorer.files import read_regular
from explorer.introspect.reading.versions import RANGE, is_too_old

Extra = tuple[str, Path]
"""The name that it is imported by, and its ``.py`` file or package folder."""

PACKAGE = "timm"
_MEND = "give a folder, wheel or sdist of timm"
_VERSION = re.compile(rb"^__version__\s*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)
_EXTRA_MEND = "give a .py file, the folder of a package, or the name of one that can be imported"


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
        raise RequestError(f"--with {text}: there is no such file or folder", _EXTRA_MEND)
    if path.is_dir() and not (path / "__init__.py").is_file():
        raise RequestError(f"--with {text}: holds no __init__.py, so it is no package", _EXTRA_MEND)
    if not path.is_dir() and not path.is_file():
        raise RequestError(f"--with {text}: is no regular file", _EXTRA_MEND)
    if path.is_file() and path.suffix != ".py":
        raise RequestError(f"--with {text}: is not Python source", _EXTRA_MEND)
    if path.name == "__init__.py":
        path = path.parent
    if path.is_file() and (path.parent / "__init__.py").is_file() and _imports_from_package(path):
        raise RequestError(
            f"--with {text}: it imports from its package, so that it cannot be imported alone",
            f"--with {_outermost(path.parent)}",
        )
    return _checked(text, path.stem if path.is_file() else path.name, path)


def _imports_from_package(path: Path) -> bool:
    """Whether a file has relative imports, as far as its text tells."""
    with suppress(OSError):
        return re.search(rb"^\s*from\s*\.", read_regular(path), re.MULTILINE) is not None
    return False


def _outermost(folder: Path) -> Path:
    """The package that a folder of a package belongs to."""
    while (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return folder


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
        raise RequestError(f"--with {text}: no such file, folder or package with Python source", _EXTRA_MEND)
    if not name.isidentifier():
        raise RequestError(f"--with {text}: {name!r} is no name a module can have", "rename it")
    if name == PACKAGE:
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
        return read_regular(path)
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
                # with its length, so that two files cannot be cut at another place and give the same digest
                hasher.update(len(part).to_bytes(8, "big"))
                hasher.update(part)
    return hasher.hexdigest()


@dataclass(frozen=True)
class SourceTree:
    """The Python files of one timm package, by path relative to the package (``models/resnet.py``).

    Files of the user's own that stand beside it have the name of their package before them (``mine/net.py``).
    """

    origin: str
    """Where it was read from, for people."""
    files: Mapping[str, bytes] = field(repr=False)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Files that could not be read, with the reason."""
    extras: tuple[Extra, ...] = ()
    """The user's own source, which registers models into this timm."""

    @property
    def packages(self) -> tuple[str, ...]:
        """The dotted roots of all that was read, timm first."""
        return (PACKAGE, *(name for name, _ in self.extras))

    @property
    def beside(self) -> tuple[Path, ...]:
        """The folders that the user's own source lies in: what is beside it can be imported by it."""
        return tuple(dict.fromkeys(path.parent for _, path in self.extras))

    @cached_property
    def extra_files(self) -> dict[str, bytes]:
        """The files of the user's own, by path.

        Raises:
            RequestError: one cannot be read.
        """
        return {name: read_file(name, path) for extra in self.extras for name, path in source_files(extra)}

    def module_names(self) -> Iterator[tuple[str, str, bytes]]:
        """Every file: the module it is, its path, its content."""
        for path, content in self.files.items():
            yield module_name(path), path, content
        for path, content in self.extra_files.items():
            yield module_name(path, ""), path, content

    @cached_property
    def version(self) -> str:
        """``__version__`` as ``version.py`` or ``__init__.py`` states it; ``"unknown"`` when neither does."""
        for name in ("version.py", "__init__.py"):
            found = _VERSION.search(self.files.get(name, b""))
            if found:
                return found[1].decode()
        return "unknown"

    @property
    def file_digests(self) -> dict[str, str]:
        """A hash of every file's content, by path."""
        contents = {**self.files, **self.extra_files}
        return {path: hashlib.blake2b(content, digest_size=8).hexdigest() for path, content in contents.items()}

    @cached_property
    def timm_digest(self) -> str:
        """A hash over every path and content: the same source has the same digest wherever it lies."""
        hasher = hashlib.blake2b(digest_size=16)
        for path in sorted(self.files):
            content = self.files[path]
            hasher.update(f"{path}\0{len(content)}\0".encode())
            hasher.update(content)
        hasher.update(repr(sorted(self.unreadable)).encode())
        return hasher.hexdigest()

    @cached_property
    def digest(self) -> str:
        """The same, over the files of the user's own too, where there are any.

        Raises:
            RequestError: one of these cannot be read.
        """
        return digest_with(self.timm_digest, self.extras)


def module_name(path: str, package: str = PACKAGE) -> str:
    """``models/resnet.py`` -> ``timm.models.resnet``; ``models/__init__.py`` -> ``timm.models``."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join([package, *parts] if package else parts)


def find_timm(path: Path | None = None, extras: Sequence[Extra] = ()) -> SourceTree:
    """Read timm's source.

    Args:
        path: a folder (the package, or one that holds it), a wheel or an sdist; the installed timm when ``None``.
        extras: source of the user's own that registers models into it.

    Raises:
        TimmNotFound: ``path`` is ``None`` and no timm is installed.
        TimmSourceError: ``path`` holds no timm, or it is older than what can be read.
    """
    source = _find(path)
    if is_too_old(source.version):
        where, mend = ("the timm installed here", "pip install -U timm") if path is None else (f"--timm {path}", _MEND)
        raise TimmSourceError(f"{where}: timm {source.version} is too old to be read", f"{RANGE} works; {mend}")
    return replace(source, extras=tuple(extras))


def _find(path: Path | None) -> SourceTree:
    if path is None:
        return _read_folder(installed_folder())
    try:
        if path.is_dir():
            return _read_folder(_package_in(path))
        if not path.exists():
            raise TimmSourceError(f"--timm {path}: there is no such file or folder", _MEND)
        return SourceTree(str(path), _only_package(_read_archive(path, read_regular(path, _LARGEST_ARCHIVE)), path))
    except OSError as error:
        raise TimmSourceError(f"--timm {path}: cannot be read: {error.strerror or error}", _MEND) from error


def installed_folder() -> Path:
    """The folder of the installed timm package.

    Looks up the top-level name only: the spec of a submodule would import the package.

    Raises:
        TimmNotFound: none is installed.
    """
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except (ImportError, ValueError):
        spec = None
    mend = "pip install timm, or name its source with --timm PATH"
    if spec is None or spec.origin is None:
        raise TimmNotFound("timm is not installed here", mend)
    folder = Path(spec.origin).parent
    if not (folder / "models" / "__init__.py").is_file():
        raise TimmNotFound(f"{spec.origin} is not the timm of PyTorch image models", mend)
    return folder


def _package_in(path: Path) -> Path:
    for folder in (path, path / PACKAGE, path / "src" / PACKAGE):
        if (folder / "__init__.py").is_file() and (folder / "models").is_dir():
            return folder
    raise TimmSourceError(f"--timm {path}: holds no timm package", f"give the folder that holds {PACKAGE}/__init__.py")


def _read_folder(folder: Path) -> SourceTree:
    files: dict[str, bytes] = {}
    unreadable: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        try:
            files[name] = read_regular(path)
        except OSError as error:
            if path.is_dir():
                continue
            unreadable[name] = error.strerror or str(error)
    return SourceTree(str(folder), files, unreadable)


_LARGEST_ARCHIVE = 512 << 20
"""Bytes of a wheel or sdist, and of the source in it."""


def _bounded(sizes: Iterable[int]) -> None:
    """Refuse an archive that unpacks to more than anybody's source."""
    if sum(sizes) > _LARGEST_ARCHIVE:
        raise OSError(errno.EFBIG, f"it unpacks to more than {_LARGEST_ARCHIVE >> 20:,} MB")


def _read_archive(path: Path, content: bytes) -> dict[str, bytes]:
    # Most people's timm is installed, and these cost a command a tenth of its start.
    import lzma
    import tarfile
    import zipfile

    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                sources = [info for info in archive.infolist() if info.filename.endswith(".py")]
                _bounded(info.file_size for info in sources)
                return {info.filename: archive.read(info) for info in sources}
        if not tarfile.is_tarfile(io.BytesIO(content)):
            raise TimmSourceError(f"--timm {path}: neither a wheel nor an sdist", _MEND)
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            members: list[tarfile.TarInfo] = []
            for member in tar:  # which unpacks all before it
                members.append(member)
                _bounded(each.size for each in members)
            return {
                member.name: file.read()
                for member in members
                if member.isfile() and member.name.endswith(".py") and (file := tar.extractfile(member))
            }
    except (EOFError, NotImplementedError, RuntimeError, lzma.LZMAError, tarfile.TarError, zlib.error) as error:
        raise TimmSourceError(f"--timm {path}: cannot be read: {error}", _MEND) from error
    except zipfile.BadZipFile as error:
        raise TimmSourceError(f"--timm {path}: is damaged: {error}", _MEND) from error


def _only_package(files: dict[str, bytes], path: Path) -> dict[str, bytes]:
    """The files under the shallowest ``timm/`` that is a package with models."""
    roots = {
        str(init.parent)
        for init in map(PurePosixPath, files)
        if init.name == "__init__.py" and init.parent.name == PACKAGE and f"{init.parent}/models/__init__.py" in files
    }
    if not roots:
        raise TimmSourceError(f"--timm {path}: holds no timm package", "give a wheel or sdist of timm")
    prefix = min(roots, key=lambda root: (root.count("/"), root)) + "/"
    return {name.removeprefix(prefix): files[name] for name in sorted(files) if name.startswith(prefix)}
