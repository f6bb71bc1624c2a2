"""Built graphs, kept in the user's cache folder under the digest of the source they were built from.

A cache file is a zip of JSON sections, so it is data and never code, a damaged section shows by its checksum, and a
command reads only the sections it needs. Of each source there are two: what timm is made of, and its calls. A file is
written beside its place and moved there whole; of two processes that build at once the later one wins. Nothing that
happens here is an error: the worst case is a graph built again.
"""

import functools
import hashlib
import json
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.files import cache_folder, remove_abandoned, replacing, to_json
from explorer.graph import Graph, GraphInfo, Problem
from explorer.graph.model import CALL_SECTIONS, Section
from explorer.introspect.reading.source import SourceTree

if TYPE_CHECKING:
    from explorer.introspect.builder import Builder

_FORMAT = "explorer-graph-2"
_INFO = "info"
_BASE = ".zip"
_CALLS = "-calls.zip"
_KEPT_FILES = 16
_BUILD_SECONDS = 3600
"""A temporary file older than this is nobody's any more."""
_DAMAGED = (OSError, EOFError, KeyError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


_Start = Callable[[SourceTree], "Builder"]
"""Starts to build the graph of a source."""


def cached_graph(source: SourceTree, start: _Start) -> Graph:
    """The graph of this source: from the cache as far as it is there and whole, else built and stored.

    Calls have a file of their own and are followed when they are first asked for; what still holds of the graph that
    was stored last is taken over then.
    """
    stored = _Stored(source, start)
    return Graph(stored.info(), stored.section)


def _earlier() -> Graph | None:
    """The graph that this very explorer stored last, whole: most likely of the same files, a few of them changed."""
    folder = cache_folder("graphs")
    files = sorted(folder.glob(f"*-{_builder_digest()}{_CALLS}"), key=_changed) if folder else []
    if not files:
        return None
    try:
        sections: dict[str, Any] = {}
        for file in (files[-1], files[-1].with_name(files[-1].name.replace(_CALLS, _BASE))):
            with zipfile.ZipFile(file) as archive:
                sections |= {n.removesuffix(".json"): json.loads(archive.read(n)) for n in archive.namelist()}
        info = sections[_INFO]
        graph = Graph(GraphInfo(info["timm_version"], "", info["digest"]), sections.__getitem__)
        if not all(isinstance(rows, dict) for _, rows in graph.sections()):  # one that is missing shows now as well
            return None
    except _DAMAGED:
        return None
    return graph


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@functools.cache
def _builder_digest() -> str:
    """A hash of the code that builds graphs: an explorer that reads more must not see an older one's graphs."""
    hasher = hashlib.blake2b(_FORMAT.encode(), digest_size=8)
    here = Path(__file__).parent
    for path in sorted([*here.rglob("*.py"), *(here.parent / "graph").glob("*.py")]):
        with suppress(OSError):
            hasher.update(path.read_bytes())
    return hasher.hexdigest()


class _Stored:
    """The sections of one source's graph; one that is missing or damaged is built, and its file written anew."""

    def __init__(self, source: SourceTree, start: _Start) -> None:
        self._source = source
        self._start = start
        self._folder = cache_folder("graphs")
        self._builder: Builder | None = None
        self._archives: dict[str, zipfile.ZipFile] = {}
        self._built: dict[str, Section] = {}

    def info(self) -> GraphInfo:
        """Where the graph comes from."""
        with suppress(*_DAMAGED):
            info = self._read(_INFO)
            if (info["format"], info["digest"]) == (_FORMAT, self._source.digest):
                problems = tuple(Problem(p["file"], p["line"], p["message"]) for p in info["problems"])
                return GraphInfo(info["timm_version"], self._source.origin, info["digest"], problems)
        return self._build(_BASE).info

    def section(self, name: str) -> Section:
        """The rows of a section."""
        if name not in self._built:
            try:
                return self._read(name)
            except _DAMAGED:
                self._build(_ending_of(name))
        return self._built[name]

    def _path(self, ending: str) -> Path | None:
        return self._folder / f"{self._source.digest}-{_builder_digest()}{ending}" if self._folder else None

    def _read(self, name: str) -> dict[str, Any]:
        ending = _ending_of(name)
        path = self._path(ending)
        if path is None:
            raise KeyError(name)
        if ending not in self._archives:
            self._archives[ending] = zipfile.ZipFile(path)
        value = json.loads(self._archives[ending].read(f"{name}.json"))
        if not isinstance(value, dict):
            raise TypeError(name)
        return value

    def _build(self, ending: str) -> Graph:
        """Build what the file with this ending holds, and write it."""
        if self._builder is None:
            self._builder = self._start(self._source)
        graph = self._builder.complete(_earlier()) if ending == _CALLS else self._builder.graph
        sections = {name: rows for name, rows in graph.sections() if _ending_of(name) == ending}
        self._built |= sections
        info = {_INFO: _info_of(graph)} if ending == _BASE else {}
        _write(self._path(ending), {**info, **sections})
        return graph


def _ending_of(section: str) -> str:
    return _CALLS if section in CALL_SECTIONS else _BASE


def _write(path: Path | None, sections: dict[str, Any]) -> None:
    if path is None:
        return
    with suppress(OSError, ValueError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, value in sections.items():
                archive.writestr(zipfile.ZipInfo(f"{name}.json", _TIMESTAMP), to_json(value))
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
    for path in files[_KEPT_FILES:]:
        path.unlink(missing_ok=True)
    remove_abandoned(folder, time.time() - _BUILD_SECONDS)
