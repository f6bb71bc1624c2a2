"""What all requests and answers have in common: their base, and the types that hold a request's values to sense."""

import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Self, TypedDict, TypeVar, get_args

import msgspec
from msgspec import Meta

from explorer.errors import RequestError

JSON = Any
"""A value that JSON can hold."""

R = TypeVar("R")
"""What a request is answered with."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Data that crosses the pipe, and that users get as JSON with its fields in this order."""

    def to_json(self) -> dict[str, JSON]:
        """The value as a dict that JSON can hold."""
        values: dict[str, JSON] = msgspec.to_builtins(self)
        return values

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`.

        Raises:
            ValueError: the data has other fields, or values of other types.
        """
        return msgspec.convert(data, cls)


class Checked(Message, frozen=True):
    """Data that people ask with: its fields are held to their types whichever way it is made.

    Raises:
        RequestError: a value that makes no sense on any machine.
    """

    def __post_init__(self) -> None:
        # msgspec checks what it decodes, but takes a constructor's arguments as they come.
        for name, kind in _field_types(type(self)).items():
            value = getattr(self, name)
            try:
                fitting = msgspec.convert(value, kind)
            except msgspec.ValidationError as error:
                raise refusal(type(self), error, {name: value}, (name,)) from error
            msgspec.structs.force_setattr(self, name, fitting)


class Request(Checked, Generic[R], frozen=True, tag_field="request"):
    """A piece of work for the worker, answered by one ``R``."""

    kind: ClassVar[str]
    """The request's name on the wire."""

    partial_type: ClassVar[type[Any]] = type(None)
    """What its :class:`Partial` events carry."""

    result_type: ClassVar[type[Any]]
    """``R`` again, for the decoder."""

    def to_json(self) -> dict[str, JSON]:
        """The request as a dict that JSON can hold: its fields, without its name."""
        values = super().to_json()
        values.pop("request", None)
        return values


def limits(message: str, hint: str = "", **bounds: Any) -> Meta:
    """Bounds of a value, with what is said of one that is outside them.

    Args:
        message: may hold ``{value}``, ``{name}`` (the field) and ``{words}`` (the field in words).
        hint: what can be done about it.
        bounds: as :class:`msgspec.Meta` takes them.
    """
    return Meta(extra={"message": message, "hint": hint}, **bounds)


def one_of(what: str, choices: tuple[str, ...], message: str = "no {what} {value!r}") -> Meta:
    """Bounds of a text that must be one of some words."""
    # Python's $ matches before a last newline too.
    pattern = rf"^({'|'.join(map(re.escape, choices))})$(?!\n)"
    return limits(message.replace("{what}", what), f"{what}s: {', '.join(choices)}", pattern=pattern)


_MOST = 2**31 - 1
"""What torch counts sizes by on every device; more is no model's, and calls that check too late never end."""
_COUNTING = f"the {{words}} must be a whole number from 1 to {_MOST:,}, not {{value!r}}"
Count = Annotated[int, limits(_COUNTING, ge=1, le=_MOST)]
ClassCount = Annotated[int, limits(_COUNTING, ge=0, le=_MOST)]
"""0 builds the model without its classifier; whoever gives less is told of the usual range."""

Seconds = Annotated[float, limits("{name} must be a number over 0, not {value!r}", gt=0, le=sys.float_info.max)]
Flag = Annotated[bool, limits("{name} must be true or false, not {value!r}")]

# What users give in many requests, documented once.
_Text = Annotated[str, Meta(min_length=1)]
_NAME = limits("the model must be a name, not {value!r}", pattern=r"\S")
_ARGUMENTS = limits("model arguments must be values by name, not {value!r}")
_SOURCES = limits("extra sources must each be a name and a path, not {value!r}")

ModelName = Annotated[str, _NAME, Meta(description="The model's name as it was asked for.")]
BatchSize = Annotated[Count | None, Meta(description="Images in a batch.")]
ImgSize = Annotated[Count | None, Meta(description="Height and width of the input in pixels.")]
InChans = Annotated[Count | None, Meta(description="Channels of the input.")]
NumClasses = Annotated[ClassCount | None, Meta(description="Outputs of the classifier; 0: none.")]
FeaturesOnly = Annotated[Flag, Meta(description="Whether the feature extractor is built.")]
Reparam = Annotated[Flag, Meta(description="Whether branches are fused into the deployed form.")]
Arguments = Annotated[
    Mapping[str, JSON], _ARGUMENTS, Meta(description="Further arguments of timm.create_model, by name (--set).")
]
Sources = Annotated[
    tuple[tuple[_Text, _Text], ...],
    _SOURCES,
    Meta(description="Sources of the user's own that register models: [name, path] of each (--with)."),
]

# What answers hold: sizes and measured figures are never below nothing.
Amount = Annotated[int, Meta(ge=0)]
Figure = Annotated[float, Meta(ge=0)]
# Bounds in a union with a tuple of fixed length corrupt memory in msgspec 0.22: its collector takes the bound for an
# object. So the schema has them, and the decoder does not.
MeasuredSize = Annotated[int | tuple[int, int], Meta(extra_json_schema={"$ref": "#/$defs/ImgSize"})]
"""Height and width of an input in pixels, one number when it is square."""


# What a result says of its circumstances is as wide as the worker finds it; the schema tells what there can be.
Settings = Annotated[Mapping[str, JSON], Meta(extra_json_schema={"$ref": "#/$defs/Settings"})]
Machine = Annotated[Mapping[str, JSON], Meta(extra_json_schema={"$ref": "#/$defs/MachineFacts"})]


class ModelOptions(Checked, frozen=True):
    """How a model is built, besides its name. ``None`` leaves a thing as the model has it."""

    img_size: ImgSize = None
    in_chans: InChans = None
    num_classes: NumClasses = None
    features_only: FeaturesOnly = False
    reparam: Reparam = False
    args: Arguments = msgspec.field(default_factory=dict)


class ModelRequest(Request[R], Generic[R], frozen=True):
    """A request about one model, built as the request says."""

    @property
    def options(self) -> ModelOptions:
        """How the model is built."""
        names = ModelOptions.__struct_fields__
        return ModelOptions(**{name: getattr(self, name) for name in names if hasattr(self, name)})


class MachineFacts(TypedDict, total=False):
    """Machine and versions; null where unknown."""

    platform: str
    """Operating system and its version."""
    cpu: str
    """Processor's name."""
    cpu_count: Amount | None
    """Logical cores of the machine."""
    cpu_capability: str
    """Vector instructions that torch uses: DEFAULT, AVX2, AVX512..."""
    device_name: str
    """Name of the hardware that was measured."""
    threads: Amount
    """CPU threads of one operator."""
    python: str
    """Python's version."""
    torch: str
    """torch's version."""
    timm: str
    """timm's version."""
    explorer: str
    """explorer's version."""
    cuda: str | None
    """CUDA version that torch was built with; with a CUDA device only."""
    hip: str | None
    """HIP version that torch was built with; with a CUDA device only."""
    cudnn: int | None
    """cuDNN's version as one number; with a CUDA device only."""
    driver: str | None
    """Version of NVIDIA's driver; with a CUDA device only."""
    compute_capability: str
    """The GPU's compute capability; with a CUDA device only."""
    device_memory_bytes: Amount
    """The GPU's memory in bytes; with a CUDA device only."""


class ErrorFacts(Message, frozen=True):
    """What went wrong."""

    kind: str
    """Kind of error: UnknownName, RequestError, EngineError, OutOfMemory, WorkerDied..."""
    message: str
    """What is wrong, on one line."""
    hint: str
    """What can be done about it; empty when nothing is known."""


_WORDS = {"img_size": "image size", "in_chans": "input channels", "num_classes": "number of classes"}


@cache
def _field_types(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def refusal(
    kind: type[Checked], error: msgspec.ValidationError, data: Mapping[str, JSON], at: tuple[str, ...] = ()
) -> RequestError:
    """The error for data that does not fit, in the words of the type it should have had.

    Args:
        kind: what the data should have been.
        error: what msgspec says; it ends with the place, as in ``... - at `$.bench.batch_size```.
        data: what was looked at.
        at: fields to go down before that place.
    """
    text = str(error)
    place = re.search(r"`\$([^`]*)`$", text)
    steps = place[1] if place else ""
    names = (*at, *re.findall(r"\.(\w+)", steps))
    if text.startswith("Object ") or not names:
        reason = text.partition(" - at ")[0]
        return RequestError(f"the {getattr(kind, 'kind', 'model')} request is malformed: {reason}")
    owner: type[msgspec.Struct] = kind
    value: JSON = data
    for name in names:
        field_type, value = _field_types(owner)[name], value[name]
        owner = _struct_in(field_type) or owner
    if item := re.search(r"\[(\d+)\]", steps):
        value = value[int(item[1])]
    said = _extra_in(field_type)
    words = _WORDS.get(name, name.replace("_", " "))
    return RequestError(said["message"].format(name=name, words=words, value=value), said["hint"])


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    candidates = (kind, *get_args(kind))
    return next((k for k in candidates if isinstance(k, type) and issubclass(k, msgspec.Struct)), None)


def _extra_in(kind: Any) -> Mapping[str, str]:
    """What :func:`limits` keeps with a type, however deep in unions it stands."""
    for meta in getattr(kind, "__metadata__", ()):
        if meta.extra:
            extra: Mapping[str, str] = meta.extra
            return extra
    inner = (_extra_in(part) for part in get_args(kind) if not isinstance(part, Meta))
    return next((found for found in inner if found), {})
