"""A run as the results file keeps it, and which of them are wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

JSON = Any
"""A value that JSON can hold."""

MEASURED = "measured"
IMPORTED = "imported"
DONE = "done"
FAILED = "failed"

ImgSize = int | tuple[int, int]
"""One number when square, else (height, width), in pixels."""


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to measure a model, here or by others.

    ``created_at`` is UTC in ISO 8601: when it was kept. ``source`` is ``measured`` or ``imported``, ``status``
    ``done`` or ``failed``, ``mode`` ``infer`` or ``train``. The other fields are those of
    :class:`~explorer.protocol.BenchResult`; ``None`` where not known. ``latency_p50_ms`` is of a whole batch;
    ``timm`` and ``torch`` are versions.
    """

    id: int
    created_at: str
    label: str
    source: str
    status: str
    model: str
    mode: str | None = None
    device: str | None = None
    device_name: str | None = None
    dtype: str | None = None
    batch_size: int | None = None
    img_size: ImgSize | None = None
    samples_per_sec: float | None = None
    latency_p50_ms: float | None = None
    timm: str | None = None
    torch: str | None = None

    def to_json(self) -> dict[str, JSON]:
        """The run as a dict that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RunDetails:
    """All that is kept of a run.

    ``result`` is the JSON of a :class:`~explorer.protocol.BenchResult`, of finished runs measured here.
    ``imported`` is the row of the file that an imported run is from, by column, and ``origin`` that file.
    ``error`` is that of a failed run: ``kind``, ``message``, ``hint``.
    """

    run: Run
    result: Mapping[str, JSON] | None = None
    imported: Mapping[str, str] | None = None
    origin: str | None = None
    request: Mapping[str, JSON] | None = None
    settings: Mapping[str, JSON] | None = None
    environment: Mapping[str, JSON] | None = None
    error: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, JSON]:
        """The run and its details, in one dict that JSON can hold."""
        values = asdict(self)
        return {**values.pop("run"), **values}


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are wanted; what is not set leaves all in.

    Args:
        patterns: shell wildcards of which one must match the model, with its tag or without.
        device: ``cuda`` takes ``cuda:0`` too; or a part of the hardware's name.
        dtype: exactly this.
        label: exactly this.
        source: ``measured`` or ``imported``.
        since: kept at this time or later, UTC in ISO 8601.
        status: ``done`` or ``failed``.
        mode: ``infer`` or ``train``.
        limit: so many of the newest.
    """

    patterns: Sequence[str] = ()
    device: str | None = None
    dtype: str | None = None
    label: str | None = None
    source: str | None = None
    since: str | None = None
    status: str | None = None
    mode: str | None = None
    limit: int | None = None

    def condition(self) -> tuple[str, list[str]]:
        """The filter as an SQL expression over the columns of ``runs``, and its parameters."""
        terms: list[str] = []
        values: list[str] = []
        for name in ("dtype", "label", "source", "status", "mode"):
            wanted = getattr(self, name)
            if wanted is not None:
                terms.append(f"{name} = ?")
                values.append(wanted)
        if self.since is not None:
            terms.append("created_at >= ?")
            values.append(self.since)
        if self.device is not None:
            terms.append("(device = ? OR device LIKE ? || ':%' OR instr(lower(device_name), lower(?)))")
            values += [self.device] * 3
        if self.patterns:
            terms.append(f"({' OR '.join(['model GLOB ? OR model GLOB ?'] * len(self.patterns))})")
            globs = [pattern.replace("[!", "[^") for pattern in self.patterns]  # SQLite writes "not" as regexes do
            values += [glob for pattern in globs for glob in (pattern, f"{pattern}.*")]
        return " AND ".join(terms) or "1", values
