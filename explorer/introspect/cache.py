"""Built graphs, kept in the user's cache folder under the digest of the source they were built from.

A cache file is a zip of JSON sections: it is data and never code, a damaged section shows by its checksum, and a
command reads only the sections that it needs. Of each source there are two, so that a listing need not wait for calls
to be followed: what timm is made of, and its calls. Of two processes that build at once the later one wins. Nothing
that happens here is an error: the worst case is a graph built again.
"""

import functools
import hashlib
import json
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.files import JSON, cache_folder, newest_first, remove_abandoned, replacing, to_json
from explorer.graph import Graph, GraphInfo
from explorer.graph.model import CALL_SECTIONS, Section
from explorer.introspect.reading.source import SourceTree
from explorer.introspect.reading.this_machine import machine_digest
from explorer.underway import tell

if TYPE_CHECKING:
    from explorer.introspect.builder import Builder

_FORMAT = "explorer-graph-4"
_INFO = "info"
_BASE, _CALLS = ".zip", "-calls.zip"
"""The endings of the two files of a source."""
_KEPT_FILES = 16
"""Those of some eight timms: who compares versions or works on timm's own source changes between a few."""
_BUILD_SECONDS = 3600
"""A file half written for longer than this is nobody's any more."""
_DAMAGED = (OSError, EOFError, KeyError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a file can end in that was cut off, overwritten or made by somebody else."""
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
"""The same for every section, so that the same graph makes the same file."""


Start = Callable[[SourceTree], "Builder"]
"""Begins to build the graph of a source."""


def cached_graph(source: SourceTree, start: Start) -> Graph:
    """The graph of this source: from the cache as far as it is there and whole, else built and stored.

    Calls have a file of their own and are followed when they are first asked for; what still holds of the graph that
    was stored last is taken over then.
    """
    cached = _CachedGraph(source, start)
    return Graph(cached.info(), cached.section)


class _SectionFile:
    """A cache file, opened when it is first read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._archive: zipfile.ZipFile | None = None

    def read(self, name: str) -> dict[str, JSON]:
        """A section, or what the file says of itself; one of ``_DAMAGED`` is raised where that cannot be had."""
        if self._archive is None:
            if not self._path.is_file():  # opening a pipe might never end
                raise FileNotFoundError(self._path)
            self._archive = zipfile.ZipFile(self._path)
        value = json.loads(self._archive.read(f"{name}.json"))
        if not isinstance(value, dict):
            raise TypeError(name)
        return value

    def write(self, sections: dict[str, JSON]) -> None:
        """Write the file whole; where that cannot be, it stays as it was."""
        with suppress(OSError, ValueError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # not compressed: that would halve the file, and double the time that a command waits for a section
            with replacing(self._path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for name, value in sections.items():
                    archive.writestr(zipfile.ZipInfo(f"{name}.json", _TIMESTAMP), to_json(value))
            _prune(self._path.parent)


class _CachedGraph:
    """The sections of one source's graph; one that is missing or damaged is built, and its file written anew."""

    def __init__(self, source: SourceTree, start: Start) -> None:
        self._source = source
        self._start = start
        self._builder: Builder | None = None
        self._built: dict[str, Section] = {}
        folder = cache_folder("graphs")
        machine = f"-{machine_digest(source.beside)}" if source.extras else ""
        stem = f"{source.digest}{machine}-{_builder_digest()}"
        self._files = {ending: _SectionFile(folder / (stem + ending)) for ending in (_BASE, _CALLS)} if folder else {}

    def info(self) -> GraphInfo:
        """Where the graph comes from."""
        with suppress(*_DAMAGED):
            about = self._files[_BASE].read(_INFO)
            info = GraphInfo.from_json(about["graph"])
            if (about["format"], info.digest) == (_FORMAT, self._source.digest):
                return replace(info, origin=self._source.origin)
        return self._build(_BASE).info

    def section(self, name: str) -> Section:
        """The rows of a section."""
        if name not in self._built:
            ending = _ending_of(name)
            try:
                return self._files[ending].read(name)
            except _DAMAGED:
                self._build(ending)
        return self._built[name]

    def _build(self, ending: str) -> Graph:
        """Build what the file with this ending holds, and write it."""
        if self._builder is None:
            self._builder = self._start(self._source)
        graph = self._builder.complete(_earlier()) if ending == _CALLS else self._builder.graph
        sections = {name: rows for name, rows in graph.sections() if _ending_of(name) == ending}
        self._built |= sections
        if ending == _BASE:
            # without the place, which is the reader's own: the same source has the same file wherever it lies
            sections = {_INFO: {"format": _FORMAT, "graph": replace(graph.info, origin="").to_json()}, **sections}
        if self._files:
            tell("writing the cache")
            self._files[ending].write(sections)
        return graph


def _ending_of(section: str) -> str:
    return _CALLS if section in CALL_SECTIONS else _BASE


def _earlier() -> Graph | None:
    """The graph that this very explorer stored last, whole: most likely of the same files, a few of them changed."""
    folder = cache_folder("graphs")
    calls = newest_first(folder.glob(f"*-{_builder_digest()}{_CALLS}")) if folder else []
    if not calls:
        return None
    base = calls[0].with_name(calls[0].name.removesuffix(_CALLS) + _BASE)
    files = {_BASE: _SectionFile(base), _CALLS: _SectionFile(calls[0])}
    try:
        info = GraphInfo.from_json(files[_BASE].read(_INFO)["graph"])
        graph = Graph(info, lambda name: files[_ending_of(name)].read(name))
        for _ in graph.sections():  # one that is damaged shows now, and not while the new graph is built on it
            pass
    except _DAMAGED:
        return None
    return graph


@functools.cache
def _builder_digest() -> str:
    """A hash of the code that builds graphs: an explorer that reads more must not see an older one's graphs."""
    hasher = hashlib.blake2b(_FORMAT.encode(), digest_size=8)
    package = Path(__file__).parent.parent
    code = [*package.glob("introspect/**/*.py"), *package.glob("graph/*.py"), package / "queries" / "node_data.py"]
    for path in sorted(code):
        with suppress(OSError):
            hasher.update(path.read_bytes())
    return hasher.hexdigest()


def _prune(folder: Path) -> None:
    """Keep the files used last, drop the rest and what a killed process left behind."""
    for path in newest_first(folder.glob("*.zip"))[_KEPT_FILES:]:
        path.unlink(missing_ok=True)
    remove_abandoned(folder, time.time() - _BUILD_SECONDS)
