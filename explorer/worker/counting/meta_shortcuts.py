"""Outputs of common operators on the meta device, without torch's help.

torch works most of them out in Python there, in up to a millisecond a call: most of what a pass would take. These are
the operators whose output is plain: as long as their operands are as a rule expects them, else torch is asked, so that
it is torch that refuses operands that do not fit.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator
from torch.overrides import TorchFunctionMode

try:
    from torch._higher_order_ops.scan import generic_scan
except ImportError:  # torch has it from 2.6 on, and who calls scan has it
    generic_scan = None

# torch has no public place for it, though its own documentation takes it from there.
from torch.utils._python_dispatch import TorchDispatchMode

from explorer.worker.counting.operator_costs import name_of
from explorer.worker.counting.values import is_made_of_others

Shortcut = Callable[[Sequence[Any]], Any]
"""An operator's output from its positional arguments, ``None`` where torch has to be asked."""


def _like(args: Sequence[Any]) -> Any:
    """One float tensor, the rest no tensors: the output is like it."""
    tensor = args[0]
    if not _is_float(tensor) or any(isinstance(arg, Tensor) for arg in args[1:]):
        return None
    return torch.empty_like(tensor)


def _itself(args: Sequence[Any]) -> Any:
    """The same, in place."""
    return None if any(isinstance(arg, Tensor) for arg in args[1:]) else args[0]


def _pairwise(args: Sequence[Any]) -> Any:
    """Two float tensors of one shape and layout, or the second spread over the first, or a tensor and a number."""
    one, other = args[:2]
    if not isinstance(other, Tensor):
        return _like(args[:2]) if isinstance(other, int | float) else None
    fits = _is_float(one) and (_are_alike(one, other) or _broadcasts(other, one))
    return torch.empty_like(one) if fits else None


def _pairwise_in_place(args: Sequence[Any]) -> Any:
    one, other = args[:2]
    if not isinstance(other, Tensor):
        return one if isinstance(other, int | float) and _is_float(one) else None
    return one if _are_alike(one, other) else None


def _mean(args: Sequence[Any]) -> Any:
    """Over some dimensions, not over all."""
    if len(args) < 2:
        return None
    tensor, axes = args[:2]
    if not _is_float(tensor) or not axes or not all(-tensor.ndim <= axis < tensor.ndim for axis in axes):
        return None
    gone = {axis % tensor.ndim for axis in axes}
    # Of another layout it is torch that chooses how the output lies, which views of it depend on.
    if len(gone) != len(axes) or not tensor.is_contiguous():
        return None
    kept = [1] if len(args) > 2 and args[2] else []
    sizes = [kept if axis in gone else [size] for axis, size in enumerate(tensor.shape)]
    return tensor.new_empty([size for part in sizes for size in part])


def _softmax(args: Sequence[Any]) -> Any:
    tensor, axis = args[:2]
    fits = _is_float(tensor) and tensor.is_contiguous() and -tensor.ndim <= axis < tensor.ndim
    return (
        torch.empty_like(tensor) if fits and len(args) < 4 and args[2:3] in ((), [False], (False,), (None,)) else None
    )


def _layer_norm(args: Sequence[Any]) -> Any:
    tensor, shape = args[0], tuple(args[1])
    kept = tensor.ndim - len(shape)
    if not _is_float(tensor) or kept < 0 or tuple(tensor.shape[kept:]) != shape or not _scale(args[2:4], shape, tensor):
        return None
    statistics = (*tensor.shape[:kept], *[1] * len(shape))
    return tensor.new_empty(tensor.shape), tensor.new_empty(statistics), tensor.new_empty(statistics)


def _batch_norm(args: Sequence[Any]) -> Any:
    """With running statistics alone."""
    tensor, weight, bias, mean, variance, training = args[:6]
    if training or mean is None or variance is None or not _is_float(tensor) or tensor.ndim < 2:
        return None
    if not _scale((weight, bias, mean, variance), (tensor.shape[1],), tensor):
        return None
    return torch.empty_like(tensor), tensor.new_empty(0), tensor.new_empty(0)


def _group_norm(args: Sequence[Any]) -> Any:
    tensor, weight, bias, images, channels, positions, groups = args[:7]
    fits = _is_float(tensor) and tensor.is_contiguous() and tensor.numel() == prod((images, channels, positions))
    if not fits or channels % groups or not _scale((weight, bias), (channels,), tensor):
        return None
    return torch.empty_like(tensor), tensor.new_empty((images, groups)), tensor.new_empty((images, groups))


def _scale(tensors: Sequence[Any], shape: tuple[int, ...], to: Tensor) -> bool:
    """Whether all of these have this shape, where there are any, and the other's dtype."""
    return all(t is None or (tuple(t.shape) == shape and t.dtype == to.dtype and t.is_meta) for t in tensors)


def _biased_product(args: Sequence[Any]) -> Any:
    bias, left, right = args[:3]
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0] or not _is_float(left):
        return None
    shape = (left.shape[0], right.shape[1])
    fits = right.dtype == left.dtype and right.is_meta and _scale((bias,), shape[1:], left)
    return left.new_empty(shape) if fits else None


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_meta and value.is_floating_point()


def _are_alike(one: Tensor, other: Tensor) -> bool:
    same = one.shape == other.shape and one.dtype == other.dtype and one.stride() == other.stride()
    return bool(same and one.is_meta and other.is_meta)


def _broadcasts(small: Tensor, large: Tensor) -> bool:
    """Whether the one spreads over the other, and both lie plainly."""
    if small.dtype != large.dtype or not small.is_meta or not small.is_contiguous() or not large.is_contiguous():
        return False
    sizes = zip(reversed(small.shape), reversed(large.shape), strict=False)
    return 0 < small.ndim <= large.ndim and all(size in (1, whole) for size, whole in sizes)


def _table(names: str, shortcut: Shortcut) -> dict[str, Shortcut]:
    return dict.fromkeys(names.split(), shortcut)


_SHORTCUTS: Mapping[str, Shortcut] = {
    **_table("gelu silu relu sigmoid tanh hardswish hardsigmoid hardtanh leaky_relu elu mish softplus", _like),
    **_table("exp log sqrt rsqrt neg abs sin cos erf square reciprocal clamp_min", _like),
    **_table("silu_ relu_ sigmoid_ tanh_ hardswish_ hardsigmoid_ hardtanh_ leaky_relu_ elu_ mish_", _itself),
    **_table("zero_ fill_ clamp_", _itself),
    **_table("add sub mul div", _pairwise),
    **_table("add_ sub_ mul_ div_", _pairwise_in_place),
    **_table("_softmax _safe_softmax", _softmax),
    "mean": _mean,
    "native_layer_norm": _layer_norm,
    "native_batch_norm": _batch_norm,
    "native_group_norm": _group_norm,
    "addmm": _biased_product,
}
"""By the operator's name; with other than harmless arguments by keyword, torch is asked."""


class Shortened(TorchDispatchMode):  # type: ignore[misc]
    """Takes the shortcuts, on meta tensors alone; whatever else runs meanwhile is torch's.

    It sees every operator below autograd, where composite ones have come apart: who derives from it is told of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._plans: dict[Any, tuple[Shortcut | None, Any]] = {}

    def plan(self, func: Any) -> Any:
        """What :meth:`ran` wants to know of an operator beforehand; asked for once."""

    def ran(self, plan: Any, func: Any, args: tuple[Any, ...], kwargs: Any, out: Any) -> None:
        """An operator ran and gave ``out``."""

    supports_higher_order_operators = True
    """What torch 2.6 and later ask before they hand over operators that run functions: ``cond``, ``flex_attention``."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if types and any(map(is_made_of_others, types)):
            return NotImplemented  # it comes again as operators on what they are made of
        if isinstance(func, HigherOrderOperator):
            return self._higher_order(func, args, kwargs or {})
        known = self._plans.get(func)
        if known is None:
            known = self._plans[func] = _SHORTCUTS.get(name_of(func)), self.plan(func)
        shortcut, plan = known
        out = None
        is_plain = not kwargs or kwargs.keys() <= _HARMLESS
        if shortcut is not None and is_plain and isinstance(args[0], Tensor) and args[0].is_meta:
            out = shortcut(args)
        if out is None:
            out = func(*args, **kwargs) if kwargs else func(*args)
        self.ran(plan, func, args, kwargs, out)
        return out

    def _higher_order(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """An operator that runs functions, run so that it is seen what these do, where torch has a plain way for it."""
        plain = func.py_kernels.get(DispatchKey.CompositeExplicitAutograd)
        if plain is None:
            return func(*args, **kwargs)
        if func.name() == "scan":
            plain = _scan
        try:
            with self:
                return plain(*args, **kwargs)
        except AssertionError as error:
            if _REFUSAL not in str(error):
                raise
        return plain(*(self._shown(arg) for arg in args), **kwargs)

    def _shown(self, arg: Any) -> Any:
        """A function, or several, so that it is seen what they do, for a plain way that refuses to be looked at."""
        if isinstance(arg, list | tuple):
            return type(arg)(map(self._shown, arg))
        if isinstance(arg, Tensor) or not callable(arg):
            return arg

        def shown(*args: Any, **kwargs: Any) -> Any:
            with self:
                return arg(*args, **kwargs)

        return shown


def _scan(combine: Any, init: Any, values: Any, more: Any = (), *_: Any) -> Any:
    """The plain way of ``scan`` itself, which does not refuse to be looked at."""
    return generic_scan(combine, init, values, additional_inputs=more)


_REFUSAL = "Mode should never be enabled"
"""What the plain ways of ``cond`` and its like say before they do anything."""

_HARMLESS = frozenset({"approximate"})
"""Arguments by keyword that have nothing to do with an output's shape or type."""

_FILLS = frozenset(
    """
    uniform_ normal_ trunc_normal_ zero_ fill_ ones_ zeros_ constant_ clamp_ erfinv_ mul_ add_ sub_ div_
    kaiming_uniform_ kaiming_normal_ xavier_uniform_ xavier_normal_
    """.split()
)


class Unfilled(TorchFunctionMode):  # type: ignore[misc]
    """Leaves out the filling of meta tensors with initial values: there is nothing in them to fill."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", None) in _FILLS:
            given = [*args, *(kwargs.values() if kwargs else ())]
            first, rest = given[0], given[1:]
            if isinstance(first, Tensor) and first.is_meta and not any(isinstance(arg, Tensor) for arg in rest):
                return first
        return func(*args, **kwargs) if kwargs else func(*args)
