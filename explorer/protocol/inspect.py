"""A model's layers, shapes and costs: the request and its answer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypedDict

import msgspec
from msgspec import Meta

from explorer.protocol.request import (
    JSON,
    Amount,
    Arguments,
    Count,
    FeaturesOnly,
    Figure,
    Flag,
    ImgSize,
    InChans,
    Machine,
    MeasuredSize,
    Message,
    ModelName,
    ModelRequest,
    NumClasses,
    Reparam,
    Settings,
    Sources,
)

Shape = tuple[int, ...] | tuple["Shape", ...]
"""Of a tensor, or of each of several."""

# msgspec knows no recursive types: it takes shapes as they come, and their schema is written by hand.
if TYPE_CHECKING:
    _Shape = Shape | None
else:
    _Shape = Any
_TensorShape = Annotated[_Shape, Meta(extra_json_schema={"anyOf": [{"$ref": "#/$defs/Shape"}, {"type": "null"}]})]


class Totals(Message, frozen=True):
    """Of the whole model: each parameter and buffer once; MACs and activations of one image, whatever the batch."""

    params: Amount
    """Numbers in the parameters."""
    buffers: Amount
    """Numbers in the buffers."""
    macs: Amount
    """Multiply-accumulates of convolutions, matrix products, attention and recurrent layers."""
    macs_fvcore: Amount
    """Operations as fvcore and timm's published tables count them: attention written out; without recurrent layers and
    convolutions whose padding is a word; with terms for norms, adaptive pooling and upsampling.
    """
    activations: Amount
    """Output elements of convolutions and matrix products, as fvcore counts them."""


class Layer(Message, frozen=True):
    """A module of the model. MACs and activations are of one image; shapes and output_bytes of the batch asked for.

    Costs of a module that is never called itself are those of what is in it. A parameter that stands in several
    modules counts in each that holds it, but once in whatever holds both.
    """

    name: str
    """Name in named_modules; empty for the model itself."""
    class_name: str = msgspec.field(name="class")
    """Name of its class."""
    input_shape: _TensorShape
    """Input of its first call; null where it was not called or was given no tensor."""
    output_shape: _TensorShape
    """Output of its first call; null where it was not called or gave no tensor."""
    params: Amount
    """Numbers in the parameters of the module and all in it, each parameter once."""
    own_params: Amount
    """Numbers in the parameters of the module itself."""
    buffers: Amount
    """Numbers in the buffers of the module and all in it."""
    macs: Amount
    """Multiply-accumulates of the module and all in it, of one image."""
    own_macs: Amount
    """Multiply-accumulates of the module itself, of one image."""
    macs_fvcore: Amount
    """The same as macs in fvcore's convention, see totals."""
    activations: Amount
    """Output elements of convolutions and matrix products, of one image."""
    output_bytes: Amount
    """Size of the output of its first call, in bytes."""
    share: Figure
    """Its part of the model's macs, 0 to 1."""
    calls: Amount
    """How often it ran in one forward pass."""
    shared_with: str | None = None
    """First module whose own parameter one of its own is, where that is another; else null."""
    stage: Amount | None = None
    """Index in feature_info of the level that this module, or one that holds it, gives."""
    reduction: Amount | Figure | None = None
    """Declared stride of that level, in input pixels."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "input_shape", _tuples(self.input_shape))
        msgspec.structs.force_setattr(self, "output_shape", _tuples(self.output_shape))


def _tuples(value: JSON) -> JSON:
    """Tuples for JSON's lists, at every depth."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


class FeatureLevel(Message, frozen=True):
    """A level of the model's feature_info."""

    index: Amount
    """Its index."""
    module: str
    """The module whose output it is."""
    declared_channels: Amount
    """Channels it is declared to have."""
    declared_reduction: Amount | Figure
    """Stride it is declared to have, in input pixels."""
    measured_channels: Amount | None = None
    """Channels that the feature extractor gave; null where it could not be had."""
    measured_reduction: Figure | None = None
    """Input's height over the level's; null where it could not be had."""


_BuildDevice = Annotated[str, Meta(extra_json_schema={"enum": ["meta", "cpu"]})]


class InspectResult(Message, frozen=True):
    """What one model is made of."""

    model: str
    """The model's name as timm has it now."""
    img_size: MeasuredSize
    batch_size: Count
    """Images in the batch whose shapes are told."""
    in_chans: Count
    """Channels of the input."""
    num_classes: Amount | None
    """Outputs of the classifier; null where the model does not say."""
    device: _BuildDevice
    """Device that the forward pass ran on."""
    built_on: _BuildDevice
    """Device that the model was created on."""
    totals: Totals
    """Of the whole model."""
    layers: Sequence[Layer]
    """Every module, in the order of named_modules, the model itself first; empty where totals alone were asked for."""
    feature_info: Sequence[FeatureLevel]
    """Feature levels, declared and measured; empty where there are none or totals alone were asked for."""
    feature_info_note: str | None
    """Why a level was not measured."""
    uncounted: Mapping[str, Count]
    """Operators that ran and compute, but that macs does not count: how often each ran in one forward pass, by name."""
    seconds: Figure
    """How long the work took, in seconds."""
    settings: Settings
    """Everything that was asked for."""
    environment: Machine
    """Versions."""


class InspectRequest(ModelRequest[InspectResult], frozen=True, tag="inspect"):
    """Build a model and tell its layers, shapes and costs. No weights, no network.

    Raises:
        RequestError: a value makes no sense for any model.
    """

    model: ModelName
    batch_size: Count = 1
    """Images in the batch whose shapes are told."""
    img_size: ImgSize = None
    in_chans: InChans = None
    num_classes: NumClasses = None
    features_only: FeaturesOnly = False
    reparam: Reparam = False
    args: Arguments = msgspec.field(default_factory=dict)
    totals_only: Flag = False
    """Whether layers and feature_info were left out."""
    extra: Sources = ()

    kind: ClassVar[str] = "inspect"
    result_type: ClassVar[type[InspectResult]] = InspectResult


class InspectSettings(TypedDict, total=False):
    """Everything that was asked for; null where it was left as the model has it."""

    pretrained: bool
    """Whether it has pretrained weights; never so far."""
    mode: str
    """eval or train mode."""
    dtype: str
    """What weights and input are held in."""
