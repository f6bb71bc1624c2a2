"""Built graphs, kept in the user's cache folder under the digest of the source they were built from.

A cache file is a zip of JSON sections, so it is data and never code, a damaged section shows by its checksum, and a
command reads only the sections it needs. It is written beside its place and moved there whole; of two processes that
build at once the later one wins. Nothing that happens here is an error: the worst case is a graph built again.
"""

import functools
import hashlib
import json
import os
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from explorer.graph import Graph, GraphInfo, Problem
from explorer.graph.model import Section
from explorer.introspect.source import SourceTree

_FORMAT = "explorer-graph-1"
_INFO = "info"
_KEPT_FILES = 8
_BUILD_SECONDS = 3600
"""A temporary file older than this is nobody's any more."""
_DAMAGED = (OSError, EOFError, KeyError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


def cached_graph(source: SourceTree, build: Callable[[SourceTree], Graph]) -> Graph:
    """The graph of this source: from the cache when it is there and whole, else built and stored."""
    path = _path(source)
    stored = _Stored(path, source, build)
    info = stored.info()
    if info is not None:
        return Graph(info, stored.section)
    graph = build(source)
    _write(path, graph)
    return graph


def cache_folder() -> Path | None:
    """Where cached graphs lie; ``None`` on a machine without a home."""
    from platformdirs import user_cache_path

    try:
        return user_cache_path("timm-explorer", appauthor=False) / "graphs"
    except (OSError, RuntimeError):
        return None


def _path(source: SourceTree) -> Path | None:
    folder = cache_folder()
    return folder / f"{source.digest}-{_builder_digest()}.zip" if folder else None


@functools.cache
def _builder_digest() -> str:
    """A hash of the code that builds graphs: an explorer that reads more must not see an older one's graphs."""
    hasher = hashlib.blake2b(_FORMAT.encode(), digest_size=8)
    here = Path(__file__).parent
    for path in sorted([*here.glob("*.py"), *(here.parent / "graph").glob("model.py")]):
        with suppress(OSError):
            hasher.update(path.read_bytes())
    return hasher.hexdigest()


class _Stored:
    """The sections of one cache file; a section found damaged is answered from a graph built anew."""

    def __init__(self, path: Path | None, source: SourceTree, build: Callable[[SourceTree], Graph]) -> None:
        self._path = path
        self._source = source
        self._build = build
        self._rebuilt: dict[str, Section] | None = None
        self._archive: zipfile.ZipFile | None = None

    def info(self) -> GraphInfo | None:
        """What the file says of itself, ``None`` when there is no sound file for this source."""
        if self._path is None:
            return None
        try:
            self._archive = zipfile.ZipFile(self._path)
            info = self._read(_INFO)
            if (info["format"], info["digest"]) != (_FORMAT, self._source.digest):
                return None
            problems = tuple(Problem(p["file"], p["line"], p["message"]) for p in info["problems"])
            return GraphInfo(info["timm_version"], self._source.origin, info["digest"], problems)
        except _DAMAGED:
            return None

    def section(self, name: str) -> Section:
        """The rows of a section."""
        if self._rebuilt is None:
            try:
                return self._read(name)
            except _DAMAGED:
                graph = self._build(self._source)
                _write(self._path, graph)
                self._rebuilt = dict(graph.sections())
        return self._rebuilt[name]

    def _read(self, name: str) -> dict[str, Any]:
        if self._archive is None:
            raise KeyError(name)
        value = json.loads(self._archive.read(f"{name}.json"))
        if not isinstance(value, dict):
            raise TypeError(name)
        return value


def _write(path: Path | None, graph: Graph) -> None:
    import tempfile

    if path is None:
        return
    with suppress(OSError, ValueError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for name, value in ((_INFO, _info_of(graph)), *graph.sections()):
                    content = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
                    archive.writestr(zipfile.ZipInfo(f"{name}.json", _TIMESTAMP), content)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        _prune(path.parent)


def _info_of(graph: Graph) -> dict[str, Any]:
    info = graph.info
    return {
        "format": _FORMAT,
        "timm_version": info.timm_version,
        "digest": info.digest,
        "problems": [{"file": p.file, "line": p.line, "message": p.message} for p in info.problems],
    }


def _prune(folder: Path) -> None:
    """Keep the files used last, drop the rest and what a killed process left behind."""
    files = sorted(folder.glob("*.zip"), key=lambda p: p.stat().st_mtime, reverse=True)
    stale = time.time() - _BUILD_SECONDS
    abandoned = [path for path in folder.glob("*.tmp") if path.stat().st_mtime < stale]
    for path in (*files[_KEPT_FILES:], *abandoned):
        path.unlink(missing_ok=True)
