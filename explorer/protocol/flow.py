"""What really flows through a model: the request and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, NamedTuple, Self

from explorer.protocol.request import JSON, ModelOptions, Request, check_name, checked_extra


class FlowTensor(NamedTuple):
    """A tensor as it is taken or given: what wrote it last, and its shape there.

    ``source`` is the index of an operator, or -1 for the model's first input, -2 for its second. A view is its base:
    reshaping, slicing and transposing change the shape and keep the source.
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
    ``inputs`` come from operators or from outside; ``weights`` are the parameters and buffers among its arguments,
    named from the module that ran, or from the model where they are not in it. ``is_move`` tells that it copies, pads,
    joins or picks values and computes none. ``macs`` are of the batch of 1.
    """

    name: str
    call: int
    inputs: tuple[FlowTensor, ...]
    outputs: tuple[tuple[int, ...], ...]
    macs: int
    is_move: bool
    weights: tuple[str, ...]


class FlowLevel(NamedTuple):
    """A level that the model declares in ``feature_info``: its index, the module that gives it, channels and stride."""

    stage: int
    module: str
    channels: int
    reduction: int


@dataclass(frozen=True, slots=True)
class FlowResult:
    """One forward pass of a batch of 1, operator by operator and call by call, in the order they began.

    ``modules`` are those that ran, in the order of their first call; the first call is of the model itself. ``device``
    is the one the pass ran on, ``meta`` or ``cpu``; ``built_on`` the one the model was created on.
    """

    model: str
    device: str
    built_on: str
    modules: Sequence[FlowModule]
    calls: Sequence[FlowCall]
    operators: Sequence[FlowOperator]
    inputs: Sequence[tuple[int, ...]]
    outputs: Sequence[FlowTensor]
    levels: Sequence[FlowLevel]
    seconds: float
    settings: Mapping[str, JSON]
    environment: Mapping[str, JSON]

    def to_json(self) -> dict[str, JSON]:
        """The result as a dict that JSON can hold; modules, calls, operators and tensors as lists, field by field."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""
        return cls(
            **{
                **data,
                "modules": [FlowModule(*row) for row in data["modules"]],
                "calls": [_call(row) for row in data["calls"]],
                "operators": [_operator(row) for row in data["operators"]],
                "inputs": [tuple(shape) for shape in data["inputs"]],
                "outputs": _tensors(data["outputs"]),
                "levels": [FlowLevel(*row) for row in data["levels"]],
            }
        )


def _call(row: Sequence[JSON]) -> FlowCall:
    module, parent, first, stop, inputs, outputs = row
    return FlowCall(module, parent, first, stop, _tensors(inputs), _tensors(outputs))


def _operator(row: Sequence[JSON]) -> FlowOperator:
    name, call, inputs, outputs, macs, is_move, weights = row
    shapes = tuple(tuple(shape) for shape in outputs)
    return FlowOperator(name, call, _tensors(inputs), shapes, macs, is_move, tuple(weights))


def _tensors(rows: Sequence[JSON]) -> tuple[FlowTensor, ...]:
    return tuple(FlowTensor(source, tuple(shape)) for source, shape in rows)


@dataclass(frozen=True, slots=True)
class FlowRequest(Request[FlowResult]):
    """Build a model, run it once on one image and tell what flowed where. No weights, no network.

    Args:
        model: a name as timm takes it, with or without a tag.
        img_size, in_chans, num_classes, features_only, reparam, args: how the model is built, see
            :class:`ModelOptions`.
        extra: source of the user's own that registers models: (module or package name, path) of each.

    Raises:
        RequestError: a value makes no sense for any model.
    """

    model: str
    img_size: int | None = None
    in_chans: int | None = None
    num_classes: int | None = None
    features_only: bool = False
    reparam: bool = False
    args: Mapping[str, JSON] = field(default_factory=dict)
    extra: Sequence[tuple[str, str]] = ()

    kind: ClassVar[str] = "flow"
    partial_type: ClassVar[type[Any]] = type(None)
    result_type: ClassVar[type[FlowResult]] = FlowResult

    def __post_init__(self) -> None:
        check_name(self.model)
        object.__setattr__(self, "extra", checked_extra(self.extra))
        _ = self.options

    @property
    def options(self) -> ModelOptions:
        """How the model is built."""
        return ModelOptions(self.img_size, self.in_chans, self.num_classes, self.features_only, self.reparam, self.args)

    @property
    def settings(self) -> dict[str, JSON]:
        """Everything that was asked."""
        return asdict(self)
