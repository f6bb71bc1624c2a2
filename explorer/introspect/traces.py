"""What was seen to be called when models were created: the user's own traces, and those that come with explorer.

The user's lie in the data folder, one file a trace::

    traces/<timm version>/<digest of the source, shortened>/<model>.json.gz

with an index of their pairs beside them, which is brought up to date whenever it is read. Files are written beside
their place and moved there whole; one that is damaged counts as absent. The bundle that comes with explorer holds the
pairs alone, of every model of one timm.
"""

import json
import os
import zlib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from explorer.errors import OutputError
from explorer.files import JSON, data_folder, to_json, write_whole
from explorer.graph.contexts import Traced

BUNDLE = Path(__file__).with_name("traces-bundle.bin")
"""The bundle that comes with explorer."""

_BUNDLE_FORMAT = "explorer-traces-1"
_INDEX = "index.json"
_INDEX_FORMAT = "explorer-trace-index-1"
_USUAL_DEVICE = "meta"
_DIGEST_SHOWN = 16
_LONGEST_NAME = 150
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
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
    """A name as a file's: other letters as ``%`` and their bytes, a long one cut and told apart by its hash."""
    text = "".join(c if c in _SAFE else "".join(f"%{b:02x}" for b in c.encode("utf-8", "replace")) for c in name)
    if text.startswith("."):
        text = f"%2e{text[1:]}"
    if len(text) <= _LONGEST_NAME:
        return text
    import hashlib

    return f"{text[:_LONGEST_NAME]}-{hashlib.blake2b(name.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def _write_trace(path: Path | None, data: Mapping[str, JSON]) -> Path:
    import gzip

    if path is None:
        raise OutputError("the trace cannot be stored: there is no home folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, gzip.compress(to_json(data), mtime=0))
    except OSError as error:
        raise OutputError(f"the trace cannot be stored: {path}: {error.strerror or error}") from error
    return path


def _read_trace(path: Path | None) -> dict[str, JSON] | None:
    import gzip

    if path is None:
        return None
    try:
        data = json.loads(gzip.decompress(path.read_bytes()))
    except _DAMAGED:
        return None
    return data if isinstance(data, dict) and isinstance(data.get("model"), str) else None


# the user's traces together


def own_traces(version: str, digest: str) -> Traced | None:
    """The user's traces of this source, ``None`` where there are none.

    They come from the index; traces that it does not know as they are now are read, and the index is written anew.
    """
    folder = _digest_folder(version, digest)
    files = _stamps(folder)
    if folder is None or not files:
        return None
    index = _read_index(folder / _INDEX, digest)
    if index is None or index["files"] != files:
        index = _updated(folder, digest, files, index)
        with suppress(OSError):
            write_whole(folder / _INDEX, to_json(index))
    found = Traced(version, digest, **_decoded(index))
    return found if found.models or found.failed else None


def _stamps(folder: Path | None) -> dict[str, list[int]]:
    """Trace files by name: when they were changed (ns) and their size."""
    try:
        with os.scandir(folder or "") as entries:
            found = sorted((e.name, e.stat()) for e in entries if e.name.endswith(".json.gz"))
    except OSError:
        return {}
    return {name: [stat.st_mtime_ns, stat.st_size] for name, stat in found}


def _read_index(path: Path, digest: str) -> dict[str, JSON] | None:
    try:
        index = json.loads(path.read_bytes())
        if (index["format"], index["digest"]) != (_INDEX_FORMAT, digest):
            return None
        _decoded(index)
    except _DAMAGED:
        return None
    return index if isinstance(index["files"], dict) else None


def _updated(
    folder: Path, digest: str, files: Mapping[str, list[int]], index: Mapping[str, JSON] | None
) -> dict[str, JSON]:
    """The index of these files; what the old one says of unchanged ones is taken over."""
    table = _Table()
    known = index["files"] if index else {}
    unchanged = {name for name, stamp in files.items() if known.get(name) == stamp}
    if index:
        table.take_over(Traced("", "", **_decoded(index)), lambda model: _file_name(model) in unchanged)
    for name in files:
        data = None if name in unchanged else _read_trace(folder / name)
        if data and data.get("digest") == digest:
            with suppress(*_DAMAGED):
                table.add_trace(data)
    return {"format": _INDEX_FORMAT, "digest": digest, "files": dict(files), **table.to_json()}


class _Table:
    """Pairs, each once, and which models have them."""

    def __init__(self) -> None:
        self._sites: dict[tuple[str, str], set[str]] = {}
        self._models: dict[str, list[tuple[str, str]]] = {}
        self._forward: dict[str, list[tuple[str, str]]] = {}
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

    def _added(self, pairs: Iterable[tuple[str, str, Iterable[str]]]) -> list[tuple[str, str]]:
        found = []
        for caller, callee, sites in pairs:
            self._sites.setdefault((caller, callee), set()).update(sites)
            found.append((caller, callee))
        return found

    def to_json(self) -> dict[str, JSON]:
        """Everything, as :func:`_decoded` reads it: the same for the same traces, in whatever order they came."""
        names = sorted({name for pair in self._sites for name in pair})
        node = {name: position for position, name in enumerate(names)}
        pairs = sorted(self._sites)
        number = {pair: position for position, pair in enumerate(pairs)}
        return {
            "nodes": names,
            "pairs": [[node[a], node[b], sorted(self._sites[a, b], key=_site_order)] for a, b in pairs],
            "models": {model: sorted(number[p] for p in set(own)) for model, own in sorted(self._models.items())},
            "forward": {model: sorted(number[p] for p in set(own)) for model, own in sorted(self._forward.items())},
            "devices": dict(sorted(self._devices.items())),
            "failed": dict(sorted(self._failed.items())),
        }


def _site_order(site: str) -> tuple[str, int]:
    file, _, line = site.rpartition(":")
    return file, int(line)


def _decoded(data: Mapping[str, JSON]) -> dict[str, Any]:
    nodes = data["nodes"]
    return {
        "pairs": [(nodes[a], nodes[b], tuple(sites)) for a, b, sites in data["pairs"]],
        "models": {model: tuple(own) for model, own in data["models"].items()},
        "forward": {model: tuple(own) for model, own in data["forward"].items()},
        "devices": data["devices"],
        "failed": data["failed"],
    }


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
    table = _Table()
    table.take_over(traces, set(models).__contains__)
    return Traced(traces.version, traces.digest, **_decoded(table.to_json()))


# the bundle


def write_bundle(path: Path, traces: Traced) -> None:
    """Write a bundle: the same bytes for the same traces. Forward passes are left out.

    Raises:
        OSError: the file cannot be written.
    """
    path.write_bytes(bundle_bytes(traces))


def bundle_bytes(traces: Traced) -> bytes:
    """What :func:`write_bundle` writes: a line that says of which timm it is, and compressed JSON.

    The JSON has pairs as ``[caller, callee, [file, line, ...], ...]``, by position among ``nodes`` and ``files``, and
    a model's pairs by the steps from one position to the next.
    """
    table = _Table()
    table.take_over(replace(traces, forward={}))
    data = table.to_json()
    places = [_by_file(sites) for *_, sites in data["pairs"]]
    files = sorted({file for by_file in places for file in by_file})
    number = {file: position for position, file in enumerate(files)}
    content = {
        "nodes": data["nodes"],
        "files": files,
        "pairs": [
            [a, b, *([number[file], *lines] for file, lines in by_file.items())]
            for (a, b, _), by_file in zip(data["pairs"], places, strict=True)
        ],
        "models": {model: _steps(own) for model, own in data["models"].items()},
        "devices": {model: device for model, device in data["devices"].items() if device != _USUAL_DEVICE},
        "failed": data["failed"],
    }
    return _bundle_line(traces.version, traces.digest) + zlib.compress(to_json(content), 9)


def read_bundle(path: Path, version: str, digest: str) -> Traced | None:
    """The bundle's traces when they are of this timm; a file that is missing or damaged has none."""
    line = _bundle_line(version, digest)
    try:
        with path.open("rb") as file:
            if file.read(len(line)) != line:
                return None
            data = json.loads(zlib.decompress(file.read()))
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
        )
    except _DAMAGED:
        return None


def _bundle_line(version: str, digest: str) -> bytes:
    return to_json([_BUNDLE_FORMAT, version, digest]) + b"\n"


def _by_file(sites: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for site in sites:
        file, line = _site_order(site)
        found.setdefault(file, []).append(line)
    return found


def _steps(positions: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise([0, *positions])]
