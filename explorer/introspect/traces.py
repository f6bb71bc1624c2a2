"""What was seen to be called when models were created: the user's own traces, and those that come with explorer.

The user's lie in the data folder, one file a trace::

    traces/<timm version>/<digest of the source, shortened>/<model>.json.gz

with an index of their pairs beside them, which is brought up to date whenever it is read. Files are written beside
their place and moved there whole; one that is damaged counts as absent. The bundle that comes with explorer holds the
pairs alone, of every model of one timm.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from urllib.parse import quote

from explorer.errors import OutputError
from explorer.files import JSON, data_folder, to_json, write_whole
from explorer.graph.contexts import Pair, Traced

BUNDLE = Path(__file__).with_name("traces-bundle.bin")
"""The bundle that comes with explorer."""

_BUNDLE_FORMAT = "explorer-traces-1"
_INDEX = "index.json"
_INDEX_FORMAT = "explorer-trace-index-2"
_GZIP = 31
"""What zlib calls the format of ``.gz`` files; the module of that name costs ten times as much to import."""
_USUAL_DEVICE = "meta"
"""Left out of rows: nearly every model is created there, and the bundle is part of every install."""
_DIGEST_SHOWN = 16
"""Letters of the digest in a folder's name; the whole of it stands in each file, and is compared."""
_LONGEST_NAME = 150
"""With its hash and ending a name stays below the 255 bytes that file systems allow."""
_FORWARD = ("forward_device", "forward_pairs", "forward_story")
_DAMAGED = (OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, zlib.error)


def traced(version: str, digest: str, *, bundle: Path = BUNDLE) -> Traced | None:
    """All traces of the timm with this version and digest; a model's own trace of the user goes before the bundle's.

    Returns:
        ``None`` where there are none.
    """
    return united(read_bundle(bundle, version, digest), own_traces(version, digest))


# one trace


def save(result: Mapping[str, JSON]) -> Path:
    """Store a trace, as ``TraceResult.to_json`` gives it, in the place of an earlier one.

    A forward pass that was traced earlier with the same source is kept when this trace has none.

    Raises:
        OutputError: it cannot be written.
    """
    model, version, digest = result["model"], result["timm_version"], result["digest"]
    earlier = load(version, model, digest) if result.get("forward_pairs") is None else None
    kept = {name: earlier.get(name) for name in _FORWARD} if earlier else {}
    return _write_trace(_place(version, digest, model), {**result, **kept})


def save_failure(version: str, digest: str, model: str, why: str) -> None:
    """Note that a model cannot be created; a trace of it that is there says otherwise and stays.

    Raises:
        OutputError: it cannot be written.
    """
    if load(version, model, digest) is None:
        failure = {"model": model, "timm_version": version, "digest": digest, "failed": why}
        _write_trace(_place(version, digest, model), failure)


def load(version: str, model: str, digest: str | None = None) -> dict[str, JSON] | None:
    """The user's trace of a model: the one of this source, or the newest of this version where no digest is given.

    Returns:
        What :func:`save` was given, or ``None`` where there is none.
    """
    if digest is not None:
        data = _read_trace(_place(version, digest, model))
        return data if data and data.get("digest") == digest and "failed" not in data else None
    folder = _version_folder(version)
    places = sorted(folder.glob(f"*/{_file_name(model)}"), key=_age) if folder else []
    found = (_read_trace(place) for place in places)
    return next((data for data in found if data and "failed" not in data), None)


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def _version_folder(version: str) -> Path | None:
    folder = data_folder()
    return folder / "traces" / _safe(version) if folder else None


def _digest_folder(version: str, digest: str) -> Path | None:
    folder = _version_folder(version)
    return folder / _safe(digest[:_DIGEST_SHOWN]) if folder else None


def _place(version: str, digest: str, model: str) -> Path | None:
    folder = _digest_folder(version, digest)
    return folder / _file_name(model) if folder else None


def _file_name(model: str) -> str:
    return f"{_safe(model)}.json.gz"


def _safe(name: str) -> str:
    """A name as a file's, hidden in no folder; a long one is cut, and told apart by its hash."""
    text = quote(name, safe="", errors="replace")
    if text.startswith("."):
        text = f"%2e{text[1:]}"
    if len(text) <= _LONGEST_NAME:
        return text
    return f"{text[:_LONGEST_NAME]}-{hashlib.blake2b(name.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def _write_trace(path: Path | None, data: Mapping[str, JSON]) -> Path:
    if path is None:
        raise OutputError("the trace cannot be stored: there is no home folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, zlib.compress(to_json(data), 9, _GZIP))
    except OSError as error:
        raise OutputError(f"the trace cannot be stored: {path}: {error.strerror or error}") from error
    return path


def _read_trace(path: Path | None) -> dict[str, JSON] | None:
    if path is None:
        return None
    try:
        data = json.loads(zlib.decompress(path.read_bytes(), _GZIP))
    except _DAMAGED:
        return None
    return data if isinstance(data, dict) and isinstance(data.get("model"), str) else None


# the user's traces together


def own_traces(version: str, digest: str) -> Traced | None:
    """The user's traces of this source, ``None`` where there are none.

    They come from the index; traces that it does not know as they are now are read, and the index is written anew.
    """
    folder = _digest_folder(version, digest)
    stamps = _stamps(folder)
    if folder is None or not stamps:
        return None
    known, found = _read_index(folder / _INDEX, version, digest)
    if known != stamps:
        found = _updated(folder, stamps, known, found)
        index = {"format": _INDEX_FORMAT, "digest": digest, "stamps": stamps, **_to_rows(found)}
        with suppress(OSError):
            write_whole(folder / _INDEX, to_json(index))
    return found if found.models or found.failed else None


def _stamps(folder: Path | None) -> dict[str, list[int]]:
    """Trace files by name: when they were changed (ns) and their size."""
    try:
        with os.scandir(folder or "") as entries:
            found = sorted((e.name, e.stat()) for e in entries if e.name.endswith(".json.gz"))
    except OSError:
        return {}
    return {name: [stat.st_mtime_ns, stat.st_size] for name, stat in found}


def _read_index(path: Path, version: str, digest: str) -> tuple[dict[str, list[int]], Traced]:
    """The files that the index is made of, and their traces; nothing of one that is missing, damaged or another's."""
    try:
        index = json.loads(path.read_bytes())
        if (index["format"], index["digest"]) == (_INDEX_FORMAT, digest):
            return dict(index["stamps"]), _from_rows(version, digest, index)
    except _DAMAGED:
        pass
    return {}, Traced(version, digest, [], {})


def _updated(folder: Path, stamps: Mapping[str, list[int]], known: Mapping[str, list[int]], found: Traced) -> Traced:
    """The traces of these files; what was found of unchanged ones is taken over."""
    table = _TraceTable()
    unchanged = {name for name, stamp in stamps.items() if known.get(name) == stamp}
    table.take_over(found, lambda model: _file_name(model) in unchanged)
    for name in stamps:
        data = None if name in unchanged else _read_trace(folder / name)
        if data and data.get("digest") == found.digest:
            with suppress(*_DAMAGED):
                table.add_trace(data)
    return table.traced(found.version, found.digest)


class _TraceTable:
    """Pairs, each once with the sites of all models, and which models have them."""

    def __init__(self) -> None:
        self._sites: dict[Pair, set[str]] = {}
        self._models: dict[str, list[Pair]] = {}
        self._forward: dict[str, list[Pair]] = {}
        self._devices: dict[str, str] = {}
        self._failed: dict[str, str] = {}

    def add_trace(self, data: Mapping[str, JSON]) -> None:
        """Add one stored trace, or failure."""
        model = data["model"]
        if "failed" in data:
            self._failed[model] = str(data["failed"])
            return
        self._models[model] = self._added((a, b, sites) for a, b, sites in data["pairs"])
        self._devices[model] = str(data["device"])
        if data.get("forward_pairs") is not None:
            self._forward[model] = self._added((a, b, sites) for a, b, sites in data["forward_pairs"])

    def take_over(self, traces: Traced, wanted: Callable[[str], bool] = lambda model: True) -> None:
        """Add the traces of the models that are wanted; what is there of them is replaced."""
        for model in filter(wanted, traces.models):
            self._failed.pop(model, None)
            self._models[model] = self._added(traces.pairs[i] for i in traces.models[model])
            self._devices[model] = traces.devices.get(model, "")
            if model in traces.forward:
                self._forward[model] = self._added(traces.pairs[i] for i in traces.forward[model])
        for model in filter(wanted, traces.failed):
            if model not in self._models:
                self._failed[model] = traces.failed[model]

    def _added(self, pairs: Iterable[tuple[str, str, Iterable[str]]]) -> list[Pair]:
        found = []
        for caller, callee, sites in pairs:
            self._sites.setdefault((caller, callee), set()).update(sites)
            found.append((caller, callee))
        return found

    def traced(self, version: str, digest: str) -> Traced:
        """Everything in one order, so that the same traces are stored as the same bytes whichever came first."""
        pairs = sorted(self._sites)
        number = {pair: position for position, pair in enumerate(pairs)}

        def numbered(models: Mapping[str, list[Pair]]) -> dict[str, tuple[int, ...]]:
            return {model: tuple(sorted({number[pair] for pair in own})) for model, own in sorted(models.items())}

        return Traced(
            version,
            digest,
            [(*pair, tuple(sorted(self._sites[pair], key=_site_order))) for pair in pairs],
            numbered(self._models),
            failed=dict(sorted(self._failed.items())),
            devices=dict(sorted(self._devices.items())),
            forward=numbered(self._forward),
        )


def _site_order(site: str) -> tuple[str, int]:
    file, _, line = site.rpartition(":")
    return file, int(line)


# traces as rows


def _to_rows(traces: Traced) -> dict[str, JSON]:
    """Traces as compact JSON.

    A pair is ``[caller, callee, [file, line, ...], ...]``, by position among ``nodes`` and ``files``; a model has the
    steps from one position among the pairs to the next.
    """
    nodes = sorted({name for caller, callee, _ in traces.pairs for name in (caller, callee)})
    files = sorted({_site_order(site)[0] for *_, sites in traces.pairs for site in sites})
    node = {name: position for position, name in enumerate(nodes)}
    number = {file: position for position, file in enumerate(files)}
    rows = []
    for caller, callee, sites in traces.pairs:
        places: dict[int, list[int]] = {}
        for file, line in map(_site_order, sites):
            places.setdefault(number[file], []).append(line)
        rows.append([node[caller], node[callee], *([place, *lines] for place, lines in places.items())])
    return {
        "nodes": nodes,
        "files": files,
        "pairs": rows,
        "models": {model: _steps(own) for model, own in traces.models.items()},
        "forward": {model: _steps(own) for model, own in traces.forward.items()},
        "devices": {model: device for model, device in traces.devices.items() if device != _USUAL_DEVICE},
        "failed": dict(traces.failed),
    }


def _from_rows(version: str, digest: str, data: Mapping[str, JSON]) -> Traced:
    """The traces that :func:`_to_rows` wrote."""
    nodes, files = data["nodes"], data["files"]
    models = {model: tuple(accumulate(steps)) for model, steps in data["models"].items()}
    return Traced(
        version,
        digest,
        pairs=[
            (nodes[a], nodes[b], tuple(f"{files[file]}:{line}" for file, *lines in places for line in lines))
            for a, b, *places in data["pairs"]
        ],
        models=models,
        failed=data["failed"],
        devices=dict.fromkeys(models, _USUAL_DEVICE) | data["devices"],
        forward={model: tuple(accumulate(steps)) for model, steps in data.get("forward", {}).items()},
    )


def _steps(positions: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise([0, *positions])]


# both together


def united(shipped: Traced | None, own: Traced | None, without: Container[str] = ()) -> Traced | None:
    """Both, a model's own trace instead of the shipped one; models ``without`` the latter have only their own.

    Pairs that no model has any more may stay in the list.
    """
    if shipped is not None and without:
        shipped = replace(
            shipped,
            models={m: pairs for m, pairs in shipped.models.items() if m not in without},
            failed={m: why for m, why in shipped.failed.items() if m not in without},
            forward={m: pairs for m, pairs in shipped.forward.items() if m not in without},
        )
    return _united(shipped, own) if shipped and own else own or shipped


def _united(shipped: Traced, own: Traced) -> Traced:
    pairs = list(shipped.pairs)
    place = {(caller, callee): position for position, (caller, callee, _) in enumerate(pairs)}
    moved: list[int] = []
    for caller, callee, sites in own.pairs:
        position = place.setdefault((caller, callee), len(pairs))
        if position == len(pairs):
            pairs.append((caller, callee, sites))
        elif sites != pairs[position][2]:
            both = tuple(sorted({*sites, *pairs[position][2]}, key=_site_order))
            pairs[position] = (caller, callee, both)
        moved.append(position)

    def renumbered(models: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        return {model: tuple(sorted(moved[i] for i in indices)) for model, indices in models.items()}

    return Traced(
        own.version,
        own.digest,
        pairs,
        models={**shipped.models, **renumbered(own.models)},
        failed={m: why for m, why in {**shipped.failed, **own.failed}.items() if m not in own.models},
        devices={**shipped.devices, **own.devices},
        forward={**shipped.forward, **renumbered(own.forward)},
    )


def only(traces: Traced, models: Iterable[str]) -> Traced:
    """The same, of these models alone."""
    table = _TraceTable()
    table.take_over(traces, set(models).__contains__)
    return table.traced(traces.version, traces.digest)


# the bundle


def bundle_bytes(traces: Traced) -> bytes:
    """A bundle: a line that says of which timm it is, and compressed JSON; the same bytes for the same traces.

    Forward passes are left out: they would double it, and the graph is that of creation.
    """
    table = _TraceTable()
    table.take_over(replace(traces, forward={}))
    rows = _to_rows(table.traced(traces.version, traces.digest))
    del rows["forward"]
    return _bundle_line(traces.version, traces.digest) + zlib.compress(to_json(rows), 9)


def read_bundle(path: Path, version: str, digest: str) -> Traced | None:
    """The bundle's traces when they are of this timm; a file that is missing or damaged has none."""
    line = _bundle_line(version, digest)
    try:
        with path.open("rb") as file:
            if file.read(len(line)) != line:
                return None
            return _from_rows(version, digest, json.loads(zlib.decompress(file.read())))
    except _DAMAGED:
        return None


def _bundle_line(version: str, digest: str) -> bytes:
    return to_json([_BUNDLE_FORMAT, version, digest]) + b"\n"
