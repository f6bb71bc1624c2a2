"""A model's layers, shapes and costs: the request and its answer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypedDict

import msgspec

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
    MeasuredSize,
    Message,
    ModelName,
    ModelRequest,
    NumClasses,
    Reparam,
    Sources,
    doc,
)

Shape = tuple[int, ...] | tuple["Shape", ...]
"""Of a tensor, or of each of several."""

# msgspec knows no recursive types: it takes shapes as they come, and their schema is written by hand.
if TYPE_CHECKING:
    _Shape = Shape | None
else:
    _Shape = Any
_SHAPE_SCHEMA: dict[str, JSON] = {"anyOf": [{"$ref": "#/$defs/shape"}, {"type": "null"}]}


class Totals(Message, frozen=True):
    """Of the whole model: each parameter and buffer once; MACs and activations of one image, whatever the batch."""

    params: Annotated[Amount, doc("Numbers in the parameters.")]
    buffers: Annotated[Amount, doc("Numbers in the buffers.")]
    macs: Annotated[
        Amount, doc("Multiply-accumulates of convolutions, matrix products, attention and recurrent layers.")
    ]
    macs_fvcore: Annotated[
        Amount,
        doc(
            "Operations as fvcore and timm's published tables count them: without recurrent layers, with terms for "
            "norms, adaptive pooling and upsampling."
        ),
    ]
    activations: Annotated[Amount, doc("Output elements of convolutions and matrix products, as fvcore counts them.")]


class Layer(Message, frozen=True):
    """A module of the model. MACs and activations are of one image; shapes and output_bytes of the batch asked for.

    Costs of a module that is never called itself are those of what is in it. A parameter that stands in several
    modules counts in each that holds it, but once in whatever holds both.
    """

    name: Annotated[str, doc("Name in named_modules; empty for the model itself.")]
    class_name: Annotated[str, doc("Name of its class.")] = msgspec.field(name="class")
    input_shape: Annotated[
        _Shape,
        doc(
            "Input of its first call; null where it was not called or was given no tensor.",
            extra_json_schema=_SHAPE_SCHEMA,
        ),
    ]
    output_shape: Annotated[
        _Shape,
        doc(
            "Output of its first call; null where it was not called or gave no tensor.",
            extra_json_schema=_SHAPE_SCHEMA,
        ),
    ]
    params: Annotated[Amount, doc("Numbers in the parameters of the module and all in it, each parameter once.")]
    own_params: Annotated[Amount, doc("Numbers in the parameters of the module itself.")]
    buffers: Annotated[Amount, doc("Numbers in the buffers of the module and all in it.")]
    macs: Annotated[Amount, doc("Multiply-accumulates of the module and all in it, of one image.")]
    own_macs: Annotated[Amount, doc("Multiply-accumulates of the module itself, of one image.")]
    macs_fvcore: Annotated[Amount, doc("The same as macs in fvcore's convention, see totals.")]
    activations: Annotated[Amount, doc("Output elements of convolutions and matrix products, of one image.")]
    output_bytes: Annotated[Amount, doc("Size of the output of its first call, in bytes.")]
    share: Annotated[Figure, doc("Its part of the model's macs, 0 to 1.")]
    calls: Annotated[Amount, doc("How often it ran in one forward pass.")]
    shared_with: Annotated[
        str | None,
        doc("First module whose own parameter one of its own is, where that is another; else null."),
    ] = None
    stage: Annotated[
        Amount | None,
        doc("Index in feature_info of the level that this module, or one that holds it, gives."),
    ] = None
    reduction: Annotated[Amount | None, doc("Declared stride of that level, in input pixels.")] = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "input_shape", _tuples(self.input_shape))
        msgspec.structs.force_setattr(self, "output_shape", _tuples(self.output_shape))


def _tuples(value: JSON) -> JSON:
    """Tuples for JSON's lists, at every depth."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


class FeatureLevel(Message, frozen=True):
    """A level of the model's feature_info."""

    index: Annotated[Amount, doc("Its index.")]
    module: Annotated[str, doc("The module whose output it is.")]
    declared_channels: Annotated[Amount, doc("Channels it is declared to have.")]
    declared_reduction: Annotated[Amount, doc("Stride it is declared to have, in input pixels.")]
    measured_channels: Annotated[
        Amount | None, doc("Channels that the feature extractor gave; null where it could not be had.")
    ] = None
    measured_reduction: Annotated[
        Figure | None, doc("Input's height over the level's; null where it could not be had.")
    ] = None


_DEVICES = {"enum": ["meta", "cpu"]}


class InspectResult(Message, frozen=True):
    """What one model is made of."""

    model: Annotated[str, doc("The model's name as timm has it now.")]
    img_size: MeasuredSize
    batch_size: Annotated[Count, doc("Images in the batch whose shapes are told.")]
    in_chans: Annotated[Count, doc("Channels of the input.")]
    num_classes: Annotated[Amount | None, doc("Outputs of the classifier; null where the model does not say.")]
    device: Annotated[str, doc("Device that the forward pass ran on.", extra_json_schema=_DEVICES)]
    built_on: Annotated[str, doc("Device that the model was created on.", extra_json_schema=_DEVICES)]
    totals: Annotated[Totals, doc("Of the whole model.")]
    layers: Annotated[
        Sequence[Layer],
        doc(
            "Every module, in the order of named_modules, the model itself first; empty where totals alone were asked "
            "for."
        ),
    ]
    feature_info: Annotated[
        Sequence[FeatureLevel],
        doc("Feature levels, declared and measured; empty where there are none or totals alone were asked for."),
    ]
    feature_info_note: Annotated[str | None, doc("Why a level was not measured.")]
    uncounted: Annotated[
        Mapping[str, Count],
        doc(
            "Operators that ran and compute, but that macs does not count: how often each ran in one forward pass, by "
            "name."
        ),
    ]
    seconds: Annotated[Figure, doc("How long the work took, in seconds.")]
    settings: Annotated[
        Mapping[str, JSON],
        doc("Everything that was asked for.", extra_json_schema={"$ref": "#/$defs/settings"}),
    ]
    environment: Annotated[Mapping[str, JSON], doc("Versions.", extra_json_schema={"$ref": "#/$defs/environment"})]


class InspectRequest(ModelRequest[InspectResult], frozen=True, tag="inspect"):
    """Build a model and tell its layers, shapes and costs. No weights, no network.

    Raises:
        RequestError: a value makes no sense for any model.
    """

    model: ModelName
    batch_size: Annotated[Count, doc("Images in the batch whose shapes are told.")] = 1
    img_size: ImgSize = None
    in_chans: InChans = None
    num_classes: NumClasses = None
    features_only: FeaturesOnly = False
    reparam: Reparam = False
    args: Arguments = msgspec.field(default_factory=dict)
    totals_only: Annotated[Flag, doc("Whether layers and feature_info were left out.")] = False
    extra: Sources = ()

    kind: ClassVar[str] = "inspect"
    partial_type: ClassVar[type[Any]] = type(None)
    result_type: ClassVar[type[InspectResult]] = InspectResult


class InspectSettings(TypedDict, total=False):
    """Everything that was asked for; null where it was left as the model has it."""

    pretrained: Annotated[bool, doc("Whether it has pretrained weights; never so far.")]
    mode: Annotated[str, doc("eval or train mode.")]
    dtype: Annotated[str, doc("What weights and input are held in.")]
