"""What is called while a model is created: the request and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from explorer.protocol.request import JSON, Request, check_name, checked_extra


@dataclass(frozen=True, slots=True)
class TraceResult:
    """What was called inside timm, and inside the sources given with it, while one model was created.

    ``pairs`` are ``[caller, callee, {"file:line": count}]`` by call site, sorted; ``story`` is the steps in order, as
    :mod:`explorer.protocol.story` describes them. ``digest`` is that of the source that ran. ``device`` is the one the
    model was created on, ``meta`` or ``cpu``. The same of one forward pass is in the ``forward`` fields, ``None``
    where none was asked for. ``seconds`` is the whole time, recording included.
    """

    model: str
    timm_version: str
    digest: str
    python: str
    device: str
    seconds: float
    pairs: list[list[JSON]]
    story: Mapping[str, JSON]
    forward_device: str | None = None
    forward_pairs: list[list[JSON]] | None = None
    forward_story: Mapping[str, JSON] | None = None

    def to_json(self) -> dict[str, JSON]:
        """The result as a dict that JSON can hold."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class TraceRequest(Request[TraceResult]):
    """Create a model and record what is called inside timm meanwhile. No weights, no network.

    Args:
        model: a name as timm takes it, with or without a tag.
        forward: record one forward pass too.
        extra: source of the user's own that registers models: (module or package name, path) of each.

    Raises:
        RequestError: a value makes no sense on any machine.
    """

    model: str
    forward: bool = False
    extra: Sequence[tuple[str, str]] = ()

    kind: ClassVar[str] = "trace"
    partial_type: ClassVar[type[Any]] = type(None)
    result_type: ClassVar[type[TraceResult]] = TraceResult

    def __post_init__(self) -> None:
        check_name(self.model)
        object.__setattr__(self, "extra", checked_extra(self.extra))
