"""What really flows through a model: the request and its answer."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import msgspec

from explorer.protocol.request import (
    JSON,
    Arguments,
    FeaturesOnly,
    ImgSize,
    InChans,
    Message,
    ModelName,
    ModelRequest,
    NumClasses,
    Reparam,
    Sources,
)

# Named tuples, not structs: a pass has them by the ten thousand, and as lists they cross the pipe without their fields'
# names.


class FlowTensor(NamedTuple):
    """A tensor as it is taken or given: what wrote it last, and its shape there.

    ``source`` is the index of an operator, or -1 for the model's first input, -2 for its second. A view is that part of
    its base: reshaping, slicing and transposing change the shape and keep the source. Of a tensor whose parts several
    wrote, each is a source of its own.
    """

    source: int
    shape: tuple[int, ...]


class FlowModule(NamedTuple):
    """A module that ran.

    ``source`` is the id of its class, ``module:qualname``; ``about`` says in a few words what it is set to
    (``3→64, 7×7, /2``). ``params`` are those of the module with all that is in it, ``own_params`` without;
    ``shared_with`` is the first module that holds one of its own parameters too, ``""`` where none does.
    """

    path: str
    class_name: str
    source: str
    about: str
    params: int
    own_params: int
    shared_with: str = ""


class FlowCall(NamedTuple):
    """A call of a module: its index, the call it was made in (-1: none), and the operators that ran meanwhile.

    Those are the ones from ``first`` up to ``stop``, without it.
    """

    module: int
    parent: int
    first: int
    stop: int
    inputs: tuple[FlowTensor, ...]
    outputs: tuple[FlowTensor, ...]


class FlowOperator(NamedTuple):
    """An operator that gave new values, in place or not; what only looks at values in another shape is none.

    ``name`` is that of the function called (``add``, ``conv2d``), ``call`` the innermost module call it ran in.
    ``inputs`` come from operators or from outside, one for every tensor given; ``weights`` are the parameters and
    buffers among its arguments, named from the module that ran, or from the model where they are not in it. ``is_move``
    tells that it copies, pads, joins or picks values and computes none. ``macs`` are of the batch of 1. ``scalars`` are
    the numbers, words and switches among its arguments, as Python writes them, each with its name where it has one:
    that of the argument, or of the running module's attribute that it is (``beta``, ``0.98``).
    """

    name: str
    call: int
    inputs: tuple[FlowTensor, ...]
    outputs: tuple[tuple[int, ...], ...]
    macs: int
    is_move: bool
    weights: tuple[str, ...]
    scalars: tuple[tuple[str, str], ...] = ()


class FlowLevel(NamedTuple):
    """A level that the model declares in ``feature_info``: its index, the module that gives it, channels and stride."""

    stage: int
    module: str
    channels: int
    reduction: float


class FlowResult(Message, frozen=True):
    """One forward pass of a batch of 1, operator by operator and call by call, in the order they began.

    ``modules`` are those that ran, in the order of their first call; the first call is of the model itself. ``device``
    is the one the pass ran on, ``meta`` or ``cpu``; ``built_on`` the one the model was created on. As JSON modules,
    calls, operators and tensors are lists, field by field.
    """

    model: str
    device: str
    built_on: str
    modules: Sequence[FlowModule]
    calls: Sequence[FlowCall]
    operators: Sequence[FlowOperator]
    inputs: Sequence[tuple[int, ...]]
    outputs: tuple[FlowTensor, ...]
    levels: Sequence[FlowLevel]
    seconds: float
    settings: Mapping[str, JSON]
    environment: Mapping[str, JSON]


class FlowRequest(ModelRequest[FlowResult], frozen=True, tag="flow"):
    """Build a model, run it once on one image and tell what flowed where. No weights, no network.

    Raises:
        RequestError: a value makes no sense for any model.
    """

    model: ModelName
    img_size: ImgSize = None
    in_chans: InChans = None
    num_classes: NumClasses = None
    features_only: FeaturesOnly = False
    reparam: Reparam = False
    args: Arguments = msgspec.field(default_factory=dict)
    extra: Sources = ()

    kind: ClassVar[str] = "flow"
    result_type: ClassVar[type[FlowResult]] = FlowResult
