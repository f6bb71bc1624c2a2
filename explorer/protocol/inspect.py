"""A model's layers, shapes and costs: the request and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self

from explorer.protocol.request import JSON, ModelOptions, Request, check_count, check_flag, check_name, checked_extra

Shape = tuple[int, ...] | tuple["Shape", ...]
"""Of a tensor, or of each of several."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the whole model; every parameter and buffer once, MACs and activations of one image.

    ``macs`` are the multiply-accumulates of convolutions, matrix products, attention and recurrent layers.
    ``macs_fvcore`` is the figure of timm's published tables, which are fvcore's: without recurrent layers, with terms
    for norms, adaptive pooling and upsampling. ``activations`` are fvcore's too: output elements of convolutions and
    matrix products. ``buffers`` are elements.
    """

    params: int
    buffers: int
    macs: int
    macs_fvcore: int
    activations: int


@dataclass(frozen=True, slots=True)
class Layer:
    """A module of the model, in the order of ``named_modules``; the first is the model itself, named ``""``.

    ``class_name`` is written ``class`` in JSON. Shapes and ``output_bytes`` are those of the batch asked for, of its
    first call; a tuple of shapes where there are several tensors, ``None`` where it was not called or gave no tensor.
    ``params``, ``buffers``, ``macs``, ``macs_fvcore`` and ``activations`` are those of the module with all that is in
    it, ``own_params`` and ``own_macs`` without; of one that is never called itself, costs are those of what is in it.
    MACs and activations are of one image. A parameter that stands in several modules counts in each that holds it, but
    once in whatever holds both; ``shared_with`` names the first module, in this order, whose own parameter one of its
    own is, where that is another. ``calls`` is how often it ran in a forward pass. ``share`` is its part of the model's
    MACs, 0 to 1.

    ``stage`` is the index in the model's ``feature_info`` of the level that this module, or one that holds it, gives,
    and ``reduction`` the declared stride of that level.
    """

    name: str
    class_name: str
    input_shape: Shape | None
    output_shape: Shape | None
    params: int
    own_params: int
    buffers: int
    macs: int
    own_macs: int
    macs_fvcore: int
    activations: int
    output_bytes: int
    share: float
    calls: int
    shared_with: str | None = None
    stage: int | None = None
    reduction: int | None = None

    def to_json(self) -> dict[str, JSON]:
        """The layer as a dict that JSON can hold."""
        return {"class" if f.name == "class_name" else f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        values = {"class_name" if name == "class" else name: value for name, value in data.items()}
        for name in ("input_shape", "output_shape"):
            values[name] = _shape(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class FeatureLevel:
    """A level of ``feature_info``: what the model declares, and what its feature extractor gave.

    The measured reduction is the input's height over the level's; measured fields are ``None`` where the level could
    not be had.
    """

    index: int
    module: str
    declared_channels: int
    declared_reduction: int
    measured_channels: int | None = None
    measured_reduction: float | None = None


@dataclass(frozen=True, slots=True)
class InspectResult:
    """What a model is made of.

    ``img_size`` is one number when the input is square, else (height, width). ``device`` is the one its forward pass
    ran on, ``meta`` or ``cpu``; ``built_on`` the one it was created on. ``uncounted`` has the operators that ran and
    compute, but that ``macs`` does not count, by name, with how often; ``feature_info_note`` says why a level was not
    measured.
    ``layers`` and ``feature_info`` are empty where only totals were asked for.
    """

    model: str
    img_size: int | tuple[int, int]
    batch_size: int
    in_chans: int
    num_classes: int | None
    device: str
    built_on: str
    totals: Totals
    layers: Sequence[Layer]
    feature_info: Sequence[FeatureLevel]
    feature_info_note: str | None
    uncounted: Mapping[str, int]
    seconds: float
    settings: Mapping[str, JSON]
    environment: Mapping[str, JSON]

    def to_json(self) -> dict[str, JSON]:
        """The result as a dict that JSON can hold."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            **values,
            "totals": asdict(self.totals),
            "layers": [layer.to_json() for layer in self.layers],
            "feature_info": [asdict(level) for level in self.feature_info],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        return cls(
            **{
                **data,
                "img_size": _shape(data["img_size"]),
                "totals": Totals(**data["totals"]),
                "layers": [Layer.from_json(layer) for layer in data["layers"]],
                "feature_info": [FeatureLevel(**level) for level in data["feature_info"]],
            }
        )


def _shape(value: JSON) -> Any:
    """Tuples for JSON's lists, at every depth."""
    return tuple(_shape(item) for item in value) if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class InspectRequest(Request[InspectResult]):
    """Build a model and tell its layers, shapes and costs. No weights, no network.

    Args:
        model: a name as timm takes it, with or without a tag.
        batch_size: images in the batch whose shapes are told.
        img_size, in_chans, num_classes, features_only, reparam, args: how the model is built, see
            :class:`ModelOptions`.
        totals_only: leave out layers and feature levels.
        extra: source of the user's own that registers models: (module or package name, path) of each.

    Raises:
        RequestError: a value makes no sense for any model.
    """

    model: str
    batch_size: int = 1
    img_size: int | None = None
    in_chans: int | None = None
    num_classes: int | None = None
    features_only: bool = False
    reparam: bool = False
    args: Mapping[str, JSON] = field(default_factory=dict)
    totals_only: bool = False
    extra: Sequence[tuple[str, str]] = ()

    kind: ClassVar[str] = "inspect"
    partial_type: ClassVar[type[Any]] = type(None)
    result_type: ClassVar[type[InspectResult]] = InspectResult

    def __post_init__(self) -> None:
        check_name(self.model)
        check_count("batch size", self.batch_size)
        check_flag("totals_only", self.totals_only)
        object.__setattr__(self, "extra", checked_extra(self.extra))
        _ = self.options

    @property
    def options(self) -> ModelOptions:
        """How the model is built."""
        return ModelOptions(self.img_size, self.in_chans, self.num_classes, self.features_only, self.reparam, self.args)
