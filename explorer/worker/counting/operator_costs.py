"""What an operator costs, from the shapes of its tensors.

Two conventions. ``macs`` are multiply-accumulates, one multiplication and one addition each; biases and whatever is
done element by element are left out. ``macs_fvcore`` is what fvcore calls flops: the same, with estimates for norms,
pooling and upsampling, without recurrent layers and without what :mod:`fvcore_functions` names. ``activations`` are
fvcore's: output elements of convolutions and matrix products.

fvcore's rules are those of ``fvcore.nn.jit_handles`` as ``fvcore.nn.flop_count`` and ``fvcore.nn.activation_count``
apply them, in version 0.1.5.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

Shape = Sequence[int]


class Cost(NamedTuple):
    """What one call of an operator costs, for the batch it was given."""

    macs: int = 0
    macs_fvcore: int = 0
    activations: int = 0

    def plus(self, other: "Cost") -> "Cost":
        """What both cost."""
        return Cost(self.macs + other.macs, self.macs_fvcore + other.macs_fvcore, self.activations + other.activations)

    def in_fvcore(self, other: "Cost") -> "Cost":
        """The same, with fvcore's figures from another."""
        return Cost(self.macs, other.macs_fvcore, other.activations)


NOTHING = Cost()


Rule = Callable[[Sequence[Any], Any], Cost]
"""The cost of a call, from its positional arguments and what it returned."""


def convolution(args: Sequence[Any], out: Tensor) -> Cost:
    """A convolution of any number of dimensions; padding counts as data.

    An ordinary one multiplies its whole weight, (out, in / groups, \\*kernel), once for every position of its output;
    a transposed one its weight, (in, out / groups, \\*kernel), for every position of its input.

    Source: the operator's definition (torch.nn.Conv2d, ConvTranspose2d); fvcore's ``conv_flop_count`` has the same.
    """
    images, weight, is_transposed = args[0], args[1], args[6]
    positions = prod((images if is_transposed else out).shape[2:])
    macs = out.shape[0] * prod(weight.shape) * positions
    return Cost(macs, macs, prod(out.shape))


def matrix_product(output: Shape, inner: int) -> Cost:
    """A product of matrices, or of batches of them: ``inner`` is the length of the dimension summed over.

    Source: the definition of the matrix product; fvcore's ``matmul_flop_jit``, ``bmm_flop_jit``, ``linear_flop_jit``
    and ``addmm_flop_jit`` have the same.
    """
    macs = prod(output) * inner
    return Cost(macs, macs, prod(output))


def attention(args: Sequence[Any], _out: Any) -> Cost:
    """Scaled dot-product attention, (\\*batch, heads, tokens, channels) each: both of its products, a mask ignored.

    Queries times keys is (tokens, channels) by (channels, keys), weights times values (tokens, keys) by (keys, value
    channels). Activations are the outputs of both, as where attention is written out.

    Source: the definition in torch.nn.functional.scaled_dot_product_attention; fvcore's ``matmul_flop_jit`` of each.
    """
    query, key, value = (arg.shape for arg in args[:3])
    rows = prod(query[:-1])
    weights = rows * key[-2]
    macs = weights * (query[-1] + value[-1])
    return Cost(macs, macs, weights + rows * value[-1])


def recurrent(sequences: Tensor, weights: Iterable[Tensor]) -> Cost:
    """A recurrent layer: every weight matrix is applied once a step.

    Steps are time steps times sequences; ``weights`` are all matrices, of all layers and directions.
    fvcore has no rule for these, so that they are nothing in ``macs_fvcore`` and ``activations``.

    Source: the equations in torch.nn.LSTM, torch.nn.GRU and torch.nn.RNN, without the elementwise ones.
    """
    steps = prod(sequences.shape[:-1])
    return Cost(macs=steps * sum(prod(weight.shape) for weight in weights))


def recurrent_cell(args: Sequence[Any], _out: Any) -> Cost:
    """A recurrent cell: input, state, the matrix of either, biases. Its two products are all that is counted.

    Source: the equations in torch.nn.LSTMCell, torch.nn.GRUCell and torch.nn.RNNCell; fvcore's ``linear_flop_jit``,
    twice: a trace has a cell as what it comes apart into.
    """
    rows = prod(args[0].shape[:-1])
    products = [matrix_product((rows, weight.shape[0]), weight.shape[1]) for weight in args[2:4]]
    return products[0].plus(products[1])


def bilinear(args: Sequence[Any], out: Tensor) -> Cost:
    """``torch.nn.Bilinear``: one input by the weight, (out, first, second), and what comes of it by the other input.

    fvcore has no rule for it.

    Source: the equation in torch.nn.Bilinear, ``x1 A x2``, from left to right.
    """
    first, second = args[1].shape[-2:]
    return Cost(macs=prod(out.shape) * (first * second + second))


def batch_norm(training: bool | None = None) -> Rule:
    """Batch norm: 2 an element with scale and shift, 1 without; with statistics of the batch itself 5 and 4.

    Whether it takes those is its first flag where not given.

    Source: fvcore, ``batchnorm_flop_jit``.
    """

    def rule(args: Sequence[Any], _out: Any) -> Cost:
        is_own = training if training is not None else next((arg for arg in args if isinstance(arg, bool)), False)
        least = 4 if is_own else 1
        return Cost(macs_fvcore=prod(args[0].shape) * (least if args[1] is None else least + 1))

    return rule


def norm(weight: int) -> Rule:
    """Layer, group and instance norm: 5 an element with scale, which is the argument at this place, 4 without.

    Source: fvcore, ``norm_flop_counter``, "5 is just a rough estimate".
    """

    def rule(args: Sequence[Any], _out: Any) -> Cost:
        is_scaled = len(args) > weight and args[weight] is not None
        return Cost(macs_fvcore=prod(args[0].shape) * (5 if is_scaled else 4))

    return rule


def adaptive_pooling(args: Sequence[Any], _out: Any) -> Cost:
    """Two-dimensional adaptive average pooling: 1 an input element.

    Source: fvcore, ``elementwise_flop_counter(1, 0)`` for ``aten::adaptive_avg_pool2d``.
    """
    return Cost(macs_fvcore=prod(args[0].shape))


def interpolation(each: int) -> Rule:
    """Upsampling and grid sampling: ``each`` an output element, nearest 1, bilinear and grids 4.

    Source: fvcore, ``elementwise_flop_counter(0, each)`` for ``aten::upsample_nearest2d``,
    ``aten::upsample_bilinear2d`` and ``aten::grid_sampler``.
    """
    return lambda _, out: Cost(macs_fvcore=prod(out.shape) * each)


def _product_rule(first: int) -> Rule:
    """A matrix product whose left operand is the argument at this place."""

    def rule(args: Sequence[Any], out: Tensor) -> Cost:
        return matrix_product(out.shape, args[first].shape[-1])

    return rule


def _summed_product_rule(args: Sequence[Any], out: Tensor) -> Cost:
    """``addbmm`` sums over the batch too."""
    batch, _, inner = args[1].shape
    return matrix_product(out.shape, batch * inner)


def _token_first_attention_rule(args: Sequence[Any], _out: Any) -> Cost:
    """The same with (batch, tokens, heads, channels)."""
    return attention([arg.transpose(-2, -3) for arg in args[:3]], None)


def _recurrent_rule(args: Sequence[Any], _out: Any) -> Cost:
    """Any recurrent layer: input first, somewhere after it its matrices, alone or in a list."""
    tensors = [tensor for arg in args[1:] for tensor in (arg if isinstance(arg, list | tuple) else (arg,))]
    return recurrent(args[0], [tensor for tensor in tensors if isinstance(tensor, Tensor) and tensor.ndim == 2])


def _matrices_rule(first: int) -> Rule:
    """One recurrent layer in one direction, whose state is a matrix too: its two matrices begin there."""
    return lambda args, _: recurrent(args[0], args[first : first + 2])


def _named(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


_RULES: Mapping[str, Rule] = {
    **_named("convolution _convolution", convolution),
    **_named("mm bmm mv dot vdot matmul linear _int_mm _scaled_mm", _product_rule(0)),
    **_named("addmm _addmm_activation addmv baddbmm", _product_rule(1)),
    **_named("addbmm", _summed_product_rule),
    **_named("_trilinear", bilinear),
    **_named("_flash_attention_forward _efficient_attention_forward", _token_first_attention_rule),
    **_named("mkldnn_rnn_layer", _matrices_rule(1)),
    **_named("_cudnn_rnn miopen_rnn", _recurrent_rule),
    **_named("native_batch_norm cudnn_batch_norm miopen_batch_norm _native_batch_norm_legit", batch_norm()),
    **_named("_native_batch_norm_legit_no_training _batch_norm_no_update", batch_norm(training=False)),
    **_named("_batch_norm_with_update", batch_norm(training=True)),
    **_named("native_layer_norm", norm(2)),
    **_named("native_group_norm", norm(1)),
    **_named("upsample_nearest2d", interpolation(1)),
    **_named("upsample_bilinear2d grid_sampler_2d grid_sampler_3d cudnn_grid_sampler", interpolation(4)),
}
"""By the operator's name below autograd, where composite ones have come apart."""

_FUSED_ATTENTION = "_scaled_dot_product_"
"""What the names of all fused attentions begin with, one for each kind of device and kernel."""

RECURRENT: Mapping[str, Rule] = {
    **_named("lstm gru rnn_tanh rnn_relu", _recurrent_rule),
    **_named("lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell", recurrent_cell),
}
"""Functions that come apart differently on every device, so that they are counted whole, by name."""

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


def name_of(operator: Any) -> str:
    """The name that torch's own operator goes by in these tables; of another's, with its namespace, it is in none."""
    packet = getattr(operator, "overloadpacket", operator)
    name = str(getattr(packet, "__name__", ""))
    return name if getattr(packet, "_qualified_op_name", "aten::").startswith("aten::") else str(packet)


def rule_of(name: str) -> Rule | None:
    """The rule that an operator is counted by, if any; ``name`` as :func:`name_of` gives it."""
    if name.startswith(_FUSED_ATTENTION):
        return attention
    return _RULES.get(name)


def computes(operator: Any) -> bool:
    """Whether an operator is arithmetic where its values are floats, rather than a view or a move."""
    return not (operator.is_view or name_of(operator).removesuffix("_") in _MOVERS)


def by_place(name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> Sequence[Any]:
    """The arguments of one of torch's functions by their places, however they were given."""
    if not kwargs:
        return args
    packet = getattr(torch.ops.aten, name)
    for overload in packet.overloads():
        names = [argument.name for argument in getattr(packet, overload)._schema.arguments]
        rest = names[len(args) :]
        if kwargs.keys() <= set(rest):
            last = max(rest.index(key) for key in kwargs)
            return (*args, *(kwargs.get(key) for key in rest[: last + 1]))
    return (*args, *kwargs.values())
