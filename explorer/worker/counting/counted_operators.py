"""Which formula an operator is counted by, and which operators compute though none counts them."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor

from explorer.worker.counting import formulas
from explorer.worker.counting.formulas import Cost

Rule = Callable[[Sequence[Any], Any], Cost]
"""The cost of a call, from its positional arguments and what it returned."""


def _convolution(args: Sequence[Any], out: Tensor) -> Cost:
    return formulas.convolution(args[0].shape, args[1].shape, out.shape, bool(args[6]))


def _product(first: int) -> Rule:
    """A matrix product whose left operand is the argument at this place."""

    def rule(args: Sequence[Any], out: Tensor) -> Cost:
        return formulas.matrix_product(out.shape, args[first].shape[-1])

    return rule


def _summed_product(args: Sequence[Any], out: Tensor) -> Cost:
    """``addbmm`` sums over the batch too."""
    batch, _, inner = args[1].shape
    return formulas.matrix_product(out.shape, batch * inner)


def _attention(args: Sequence[Any], _out: Any) -> Cost:
    return formulas.attention(args[0].shape, args[1].shape, args[2].shape)


def _token_first_attention(args: Sequence[Any], _out: Any) -> Cost:
    """The same with (batch, tokens, heads, channels)."""
    query, key, value = (arg.transpose(-2, -3).shape for arg in args[:3])
    return formulas.attention(query, key, value)


def _recurrent(args: Sequence[Any], _out: Any) -> Cost:
    """Any recurrent layer: input first, somewhere after it its matrices, alone or in a list."""
    tensors = [tensor for arg in args[1:] for tensor in (arg if isinstance(arg, list | tuple) else (arg,))]
    weights = [tensor.shape for tensor in tensors if isinstance(tensor, Tensor) and tensor.ndim == 2]
    return formulas.recurrent(_steps(args[0]), weights)


def _mkldnn_layer(args: Sequence[Any], _out: Any) -> Cost:
    """One layer in one direction, its state a matrix too."""
    return formulas.recurrent(_steps(args[0]), [args[1].shape, args[2].shape])


def _recurrent_cell(args: Sequence[Any], _out: Any) -> Cost:
    return formulas.recurrent(_steps(args[0]), [args[2].shape, args[3].shape])


def _steps(tensor: Tensor) -> int:
    return prod(tensor.shape[:-1])


def _batch_norm(training: bool | None = None) -> Rule:
    """Batch norm; whether it takes the batch's own statistics is its first flag where not given."""

    def rule(args: Sequence[Any], _out: Any) -> Cost:
        own = training if training is not None else next((arg for arg in args if isinstance(arg, bool)), False)
        return formulas.batch_norm(args[0].shape, args[1] is not None, own)

    return rule


def _norm(weight: int) -> Rule:
    """A norm whose scale is the argument at this place."""

    def rule(args: Sequence[Any], _out: Any) -> Cost:
        return formulas.norm(args[0].shape, len(args) > weight and args[weight] is not None)

    return rule


def _interpolation(each: int) -> Rule:
    def rule(_args: Sequence[Any], out: Tensor) -> Cost:
        return formulas.interpolation(out.shape, each)

    return rule


def _adaptive_pooling(args: Sequence[Any], _out: Any) -> Cost:
    return formulas.adaptive_pooling(args[0].shape)


_RULES: Mapping[str, Rule] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "mm": _product(0),
    "bmm": _product(0),
    "mv": _product(0),
    "dot": _product(0),
    "vdot": _product(0),
    "matmul": _product(0),
    "linear": _product(0),
    "_int_mm": _product(0),
    "_scaled_mm": _product(0),
    "addmm": _product(1),
    "_addmm_activation": _product(1),
    "addmv": _product(1),
    "baddbmm": _product(1),
    "addbmm": _summed_product,
    "_flash_attention_forward": _token_first_attention,
    "_efficient_attention_forward": _token_first_attention,
    "mkldnn_rnn_layer": _mkldnn_layer,
    "_cudnn_rnn": _recurrent,
    "miopen_rnn": _recurrent,
    "native_batch_norm": _batch_norm(),
    "cudnn_batch_norm": _batch_norm(),
    "miopen_batch_norm": _batch_norm(),
    "_native_batch_norm_legit": _batch_norm(),
    "_native_batch_norm_legit_no_training": _batch_norm(training=False),
    "_batch_norm_no_update": _batch_norm(training=False),
    "_batch_norm_with_update": _batch_norm(training=True),
    "native_layer_norm": _norm(2),
    "native_group_norm": _norm(1),
    "upsample_nearest2d": _interpolation(1),
    "upsample_bilinear2d": _interpolation(4),
    "grid_sampler_2d": _interpolation(4),
    "grid_sampler_3d": _interpolation(4),
    "cudnn_grid_sampler": _interpolation(4),
}
"""By the operator's name below autograd, where composite ones have come apart."""

_FUSED_ATTENTION = "_scaled_dot_product_"
"""What the names of all fused attentions begin with, one for each kind of device and kernel."""

RECURRENT: Mapping[str, Rule] = dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _recurrent) | dict.fromkeys(
    ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"), _recurrent_cell
)
"""Functions that come apart differently on every device, so that they are counted whole, by name."""

COMPOSITE: Mapping[str, Rule] = {"adaptive_avg_pool2d": _adaptive_pooling}
"""Functions that can turn into another operator (here a mean) that is not counted, by name; counted beside them."""

_MOVERS = frozenset(
    """
    _conj _copy_from _copy_from_and_resize _fft_r2c_copy _local_scalar_dense _neg_view _pack_padded_sequence
    _pad_packed_sequence _pin_memory _reshape_alias _reshape_copy _resize_output _to_copy _to_dense _unsafe_index
    _unsafe_masked_index _unsafe_view alias arange as_strided bernoulli broadcast_tensors cat channel_shuffle clone
    complex constant_pad_nd contiguous copy detach diag_embed diagonal_copy dropout embedding empty empty_like
    empty_permuted empty_strided expand_copy eye fill flip full full_like gather im2col index index_fill index_put
    index_select lift lift_fresh lift_fresh_copy linspace masked_fill masked_scatter masked_select narrow_copy
    native_channel_shuffle native_dropout new_empty new_empty_strided new_full new_ones new_zeros normal ones
    ones_like pad permute_copy pixel_shuffle pixel_unshuffle rand rand_like randint randn randn_like random
    reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave replication_pad1d replication_pad2d
    replication_pad3d resize resize_as roll rot90 scalar_tensor scatter select_copy select_scatter set slice_copy
    slice_scatter split_copy split_with_sizes split_with_sizes_copy stack take to topk tril tril_indices triu
    triu_indices unfold_copy uniform unsafe_chunk unsafe_split unsafe_split_with_sizes view_as_complex view_as_real
    view_copy where zero zeros zeros_like
    """.split()
)
"""Operators that make, move, pick or order values, none of which is arithmetic; in place or not."""


def rule_of(name: str) -> Rule | None:
    """The rule that an operator is counted by, if any; ``name`` as in ``aten.NAME``."""
    if name.startswith(_FUSED_ATTENTION):
        return _attention
    return _RULES.get(name)


def computes(operator: Any) -> bool:
    """Whether an operator is arithmetic where its values are floats, rather than a view or a move."""
    name = str(operator.overloadpacket.__name__)
    return not (operator.is_view or name.removesuffix("_") in _MOVERS)
