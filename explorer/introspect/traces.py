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
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from explorer.errors import OutputError
from explorer.files import JSON, data_folder, newest_first, read_regular, to_json, write_whole
from explorer.graph.contexts import Traced

T = TypeVar("T")

BUNDLE = Path(__file__).with_name("traces-bundle.bin")
"""The bundle that comes with explorer."""

_BUNDLE_FORMAT = "explorer-traces-2"
_INDEX = "index.json"
_INDEX_FORMAT = "explorer-trace-index-3"
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
    folder = _place(version)
    found = map(_read_trace, newest_first(folder.glob(f"*/{_file_name(model)}")) if folder else ())
    return next((data for data in found if data and "failed" not in data), None)


def _place(version: str, digest: str = "", model: str = "") -> Path | None:
    # The folder of a version or of a source, or the file of a model.
    steps = ("traces", _safe(version), _safe(digest[:_DIGEST_SHOWN]), _file_name(model) if model else "")
    folder = data_folder()
    return folder.joinpath(*steps) if folder else None


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
        data = json.loads(zlib.decompress(read_regular(path), _GZIP))
    except _DAMAGED:
        return None
    return data if isinstance(data, dict) and isinstance(data.get("model"), str) else None


# the user's traces together


def own_traces(version: str, digest: str) -> Traced | None:
    """The user's traces of this source, ``None`` where there are none.

    They come from the index; traces that it does not know as they are now are read, and the index is written anew.
    """
    folder = _place(version, digest)
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
        index = json.loads(read_regular(path))
        if (index["format"], index["digest"]) == (_INDEX_FORMAT, digest):
            return dict(index["stamps"]), _from_rows(version, digest, index)
    except _DAMAGED:
        pass
    return {}, Traced(version, digest, [], {})


def _updated(folder: Path, stamps: Mapping[str, list[int]], known: Mapping[str, list[int]], found: Traced) -> Traced:
    """The traces of these files; what was found of unchanged ones is taken over."""
    unchanged = {name for name, stamp in stamps.items() if known.get(name) == stamp}
    parts = [only(found, (model for model in _named(found) if _file_name(model) in unchanged))]
    for name in stamps:
        data = None if name in unchanged else _read_trace(folder / name)
        if data and data.get("digest") == found.digest:
            with suppress(*_DAMAGED):
                parts.append(_of_model(data, found))
    joined = _joined(parts)
    return only(joined, _named(joined))


def _named(traces: Traced) -> list[str]:
    return [*traces.models, *traces.failed]


def _of_model(data: Mapping[str, JSON], others: Traced) -> Traced:
    """One stored trace, or failure, beside others of the same source."""
    model = str(data["model"])
    if "failed" in data:
        return replace(others, pairs=[], models={}, failed={model: str(data["failed"])}, devices={}, forward={})
    created, forward = data["pairs"], data.get("forward_pairs")
    pairs = [(str(a), str(b), tuple(sorted(sites, key=_site_order))) for a, b, sites in (*created, *(forward or ()))]
    return replace(
        others,
        pairs=pairs,
        models={model: tuple(range(len(created)))},
        failed={},
        devices={model: str(data["device"])},
        forward={} if forward is None else {model: tuple(range(len(created), len(pairs)))},
    )


def _site_order(site: str) -> tuple[str, int]:
    file, _, line = site.rpartition(":")
    return file, int(line)


# traces in a file


def _to_rows(traces: Traced) -> dict[str, JSON]:
    """Traces as JSON; a model has the steps from one position among the pairs to the next, which compress best."""
    return {
        "pairs": traces.pairs,
        "models": {model: _steps(own) for model, own in traces.models.items()},
        "forward": {model: _steps(own) for model, own in traces.forward.items()},
        "devices": {model: device for model, device in traces.devices.items() if device != _USUAL_DEVICE},
        "failed": traces.failed,
    }


def _from_rows(version: str, digest: str, data: Mapping[str, JSON]) -> Traced:
    """The traces that :func:`_to_rows` wrote."""
    models = {model: tuple(accumulate(steps)) for model, steps in data["models"].items()}
    return Traced(
        version,
        digest,
        pairs=[(caller, callee, tuple(sites)) for caller, callee, sites in data["pairs"]],
        models=models,
        failed=data["failed"],
        devices=dict.fromkeys(models, _USUAL_DEVICE) | data["devices"],
        forward={model: tuple(accumulate(steps)) for model, steps in data["forward"].items()},
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
    return _joined([shipped, own]) if shipped and own else own or shipped


def _joined(parts: Sequence[Traced]) -> Traced:
    """All of them; of a model's traces the last one counts."""
    first, *others = parts
    sites = {(caller, callee): seen for caller, callee, seen in first.pairs}
    position = {pair: index for index, pair in enumerate(sites)}
    models, forward = dict(first.models), dict(first.forward)
    failed, devices = dict(first.failed), dict(first.devices)
    for part in others:
        moved = []
        for caller, callee, seen in part.pairs:
            known = sites.setdefault((caller, callee), seen)
            if seen != known:
                sites[caller, callee] = tuple(sorted({*known, *seen}, key=_site_order))
            moved.append(position.setdefault((caller, callee), len(position)))
        models |= _moved(part.models, moved)
        forward |= _moved(part.forward, moved)
        devices |= part.devices
        failed = {model: why for model, why in {**failed, **part.failed}.items() if model not in part.models}
    return replace(
        parts[-1],
        pairs=[(*pair, seen) for pair, seen in sites.items()],
        models=models,
        failed=failed,
        devices=devices,
        forward=forward,
    )


def only(traces: Traced, models: Iterable[str]) -> Traced:
    """The same, of these models alone, in an order that does not hang on which of them came first."""
    models = sorted(models)
    own = [indices[model] for indices in (traces.models, traces.forward) for model in models if model in indices]
    pairs = sorted(set().union(*own), key=traces.pairs.__getitem__)
    place = {index: position for position, index in enumerate(pairs)}
    return replace(
        traces,
        pairs=[traces.pairs[index] for index in pairs],
        models=_moved(_chosen(traces.models, models), place),
        failed=_chosen(traces.failed, models),
        devices=_chosen(traces.devices, models),
        forward=_moved(_chosen(traces.forward, models), place),
    )


def _moved(
    models: Mapping[str, tuple[int, ...]], place: Sequence[int] | Mapping[int, int]
) -> dict[str, tuple[int, ...]]:
    return {model: tuple(sorted({place[index] for index in indices})) for model, indices in models.items()}


def _chosen(by_model: Mapping[str, T], models: Iterable[str]) -> dict[str, T]:
    return {model: by_model[model] for model in models if model in by_model}


# the bundle


def bundle_bytes(traces: Traced) -> bytes:
    """A bundle: a line that says of which timm it is, and compressed JSON; the same bytes for the same traces.

    Forward passes are left out: they would double it, and the graph is that of creation.
    """
    created = only(replace(traces, forward={}), _named(traces))
    rows = _to_rows(created)
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
