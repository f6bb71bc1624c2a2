"""What fvcore counts of functions that it does not take apart as torch does.

fvcore reads a trace, in which torch's functions stand whole, except for plain convolutions and recurrent cells: one
that it has no rule for is nothing to it, whatever runs inside. The rules are those of :mod:`operator_costs`.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from explorer.worker.counting.operator_costs import NOTHING, Cost, Rule, adaptive_pooling, by_place, norm


def fvcore_cost(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Cost | None:
    """What fvcore counts of a call as a whole, without ``macs``; ``None`` of a function that it takes apart.

    Args:
        name: the function's, as :func:`~explorer.worker.counting.operator_costs.name_of` gives it.
        args: its arguments.
        kwargs: those by keyword.
    """
    if name in _CONVOLUTIONS:
        padding = by_place(name, args, kwargs)[_PADDING : _PADDING + 1]
        return NOTHING if any(isinstance(word, str) for word in padding) else None
    rule = _RULES.get(name)
    return rule(by_place(name, args, kwargs), None) if rule else None


_CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv3d"})
"""Taken apart into ``aten::_convolution``, but into ``aten::_convolution_mode`` where padding is a word."""

_PADDING = 4


def _plain_product(args: Sequence[Any], _out: Any) -> Cost:
    """``mm`` has a rule for its operations, none for its activations."""
    return Cost(macs_fvcore=prod(args[0].shape) * args[1].shape[-1])


_UNKNOWN = "addbmm addmv baddbmm bilinear chain_matmul dot inner linalg_multi_dot mv tensordot vdot"
"""Products that fvcore has no rule for."""

_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_UNKNOWN.split(), lambda *_: NOTHING),
    "adaptive_avg_pool2d": adaptive_pooling,
    "instance_norm": norm(1),
    "mm": _plain_product,
}
