"""What an operator costs, from the shapes of its tensors.

Two conventions. ``macs`` are multiply-accumulates, one multiplication and one addition each; biases and whatever is
done element by element are left out. ``macs_fvcore`` is what fvcore calls flops: the same, with estimates for norms,
pooling and upsampling and without recurrent layers. ``activations`` are fvcore's: output elements of convolutions and
matrix products.

fvcore's rules are those of ``fvcore.nn.jit_handles`` as ``fvcore.nn.flop_count`` and ``fvcore.nn.activation_count``
apply them, in version 0.1.5.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

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


NOTHING = Cost()


def convolution(images: Shape, weight: Shape, output: Shape, transposed: bool) -> Cost:
    """A convolution of any number of dimensions; padding counts as data.

    An ordinary one multiplies its whole weight, (out, in / groups, \\*kernel), once for every position of its output;
    a transposed one its weight, (in, out / groups, \\*kernel), for every position of its input.

    Source: the operator's definition (torch.nn.Conv2d, ConvTranspose2d); fvcore's ``conv_flop_count`` has the same.
    """
    positions = prod((images if transposed else output)[2:])
    macs = output[0] * prod(weight) * positions
    return Cost(macs, macs, prod(output))


def matrix_product(output: Shape, inner: int) -> Cost:
    """A product of matrices, or of batches of them: ``inner`` is the length of the dimension summed over.

    Source: the definition of the matrix product; fvcore's ``matmul_flop_jit``, ``bmm_flop_jit``, ``linear_flop_jit``
    and ``addmm_flop_jit`` have the same.
    """
    macs = prod(output) * inner
    return Cost(macs, macs, prod(output))


def attention(query: Shape, key: Shape, value: Shape) -> Cost:
    """Scaled dot-product attention, (\\*batch, heads, tokens, channels) each: both of its products, a mask ignored.

    Queries times keys is (tokens, channels) by (channels, keys), weights times values (tokens, keys) by (keys, value
    channels). Activations are the outputs of both, as where attention is written out.

    Source: the definition in torch.nn.functional.scaled_dot_product_attention; fvcore's ``matmul_flop_jit`` of each.
    """
    rows = prod(query[:-1])
    weights = rows * key[-2]
    macs = weights * (query[-1] + value[-1])
    return Cost(macs, macs, weights + rows * value[-1])


def recurrent(steps: int, weights: Iterable[Shape]) -> Cost:
    """A recurrent layer or cell: every weight matrix is applied once a step.

    ``steps`` are time steps times sequences; ``weights`` the shapes of all matrices, of all layers and directions.
    fvcore has no rule for these, so that they are nothing in ``macs_fvcore`` and ``activations``.

    Source: the equations in torch.nn.LSTM, torch.nn.GRU and torch.nn.RNN, without the elementwise ones.
    """
    return Cost(macs=steps * sum(prod(weight) for weight in weights))


def batch_norm(images: Shape, affine: bool, training: bool) -> Cost:
    """Batch norm: 2 an element with scale and shift, 1 without; with statistics of the batch itself 5 and 4.

    Source: fvcore, ``batchnorm_flop_jit``.
    """
    if training:
        return norm(images, affine)
    return Cost(macs_fvcore=prod(images) * (2 if affine else 1))


def norm(images: Shape, affine: bool) -> Cost:
    """Layer, group and instance norm: 5 an element with scale, 4 without.

    Source: fvcore, ``norm_flop_counter``, "5 is just a rough estimate".
    """
    return Cost(macs_fvcore=prod(images) * (5 if affine else 4))


def adaptive_pooling(images: Shape) -> Cost:
    """Two-dimensional adaptive average pooling: 1 an input element.

    Source: fvcore, ``elementwise_flop_counter(1, 0)`` for ``aten::adaptive_avg_pool2d``.
    """
    return Cost(macs_fvcore=prod(images))


def interpolation(output: Shape, each: int) -> Cost:
    """Upsampling and grid sampling: ``each`` an output element, nearest 1, bilinear and grids 4.

    Source: fvcore, ``elementwise_flop_counter(0, each)`` for ``aten::upsample_nearest2d``,
    ``aten::upsample_bilinear2d`` and ``aten::grid_sampler``.
    """
    return Cost(macs_fvcore=prod(output) * each)


Rule = Callable[[Sequence[Any], Any], Cost]
"""The cost of a call, from its positional arguments and what it returned."""


def _convolution_rule(args: Sequence[Any], out: Tensor) -> Cost:
    return convolution(args[0].shape, args[1].shape, out.shape, bool(args[6]))


def _product_rule(first: int) -> Rule:
    """A matrix product whose left operand is the argument at this place."""

    def rule(args: Sequence[Any], out: Tensor) -> Cost:
        return matrix_product(out.shape, args[first].shape[-1])

    return rule


def _summed_product_rule(args: Sequence[Any], out: Tensor) -> Cost:
    """``addbmm`` sums over the batch too."""
    batch, _, inner = args[1].shape
    return matrix_product(out.shape, batch * inner)


def _attention_rule(args: Sequence[Any], _out: Any) -> Cost:
    return attention(args[0].shape, args[1].shape, args[2].shape)


def _token_first_attention_rule(args: Sequence[Any], _out: Any) -> Cost:
    """The same with (batch, tokens, heads, channels)."""
    query, key, value = (arg.transpose(-2, -3).shape for arg in args[:3])
    return attention(query, key, value)


def _recurrent_rule(args: Sequence[Any], _out: Any) -> Cost:
    """Any recurrent layer: input first, somewhere after it its matrices, alone or in a list."""
    tensors = [tensor for arg in args[1:] for tensor in (arg if isinstance(arg, list | tuple) else (arg,))]
    weights = [tensor.shape for tensor in tensors if isinstance(tensor, Tensor) and tensor.ndim == 2]
    return recurrent(_steps(args[0]), weights)


def _mkldnn_rule(args: Sequence[Any], _out: Any) -> Cost:
    """One layer in one direction, its state a matrix too."""
    return recurrent(_steps(args[0]), [args[1].shape, args[2].shape])


def _recurrent_cell_rule(args: Sequence[Any], _out: Any) -> Cost:
    return recurrent(_steps(args[0]), [args[2].shape, args[3].shape])


def _steps(tensor: Tensor) -> int:
    return prod(tensor.shape[:-1])


def _batch_norm_rule(training: bool | None = None) -> Rule:
    """Batch norm; whether it takes the batch's own statistics is its first flag where not given."""

    def rule(args: Sequence[Any], _out: Any) -> Cost:
        own = training if training is not None else next((arg for arg in args if isinstance(arg, bool)), False)
        return batch_norm(args[0].shape, args[1] is not None, own)

    return rule


def _norm_rule(weight: int) -> Rule:
    """A norm whose scale is the argument at this place."""

    def rule(args: Sequence[Any], _out: Any) -> Cost:
        return norm(args[0].shape, len(args) > weight and args[weight] is not None)

    return rule


def _interpolation_rule(each: int) -> Rule:
    return lambda _, out: interpolation(out.shape, each)


def _named(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


_RULES: Mapping[str, Rule] = {
    **_named("convolution _convolution", _convolution_rule),
    **_named("mm bmm mv dot vdot matmul linear _int_mm _scaled_mm", _product_rule(0)),
    **_named("addmm _addmm_activation addmv baddbmm", _product_rule(1)),
    **_named("addbmm", _summed_product_rule),
    **_named("_flash_attention_forward _efficient_attention_forward", _token_first_attention_rule),
    **_named("mkldnn_rnn_layer", _mkldnn_rule),
    **_named("_cudnn_rnn miopen_rnn", _recurrent_rule),
    **_named("native_batch_norm cudnn_batch_norm miopen_batch_norm _native_batch_norm_legit", _batch_norm_rule()),
    **_named("_native_batch_norm_legit_no_training _batch_norm_no_update", _batch_norm_rule(training=False)),
    **_named("_batch_norm_with_update", _batch_norm_rule(training=True)),
    **_named("native_layer_norm", _norm_rule(2)),
    **_named("native_group_norm", _norm_rule(1)),
    **_named("upsample_nearest2d", _interpolation_rule(1)),
    **_named("upsample_bilinear2d grid_sampler_2d grid_sampler_3d cudnn_grid_sampler", _interpolation_rule(4)),
}
"""By the operator's name below autograd, where composite ones have come apart."""

_FUSED_ATTENTION = "_scaled_dot_product_"
"""What the names of all fused attentions begin with, one for each kind of device and kernel."""

RECURRENT: Mapping[str, Rule] = {
    **_named("lstm gru rnn_tanh rnn_relu", _recurrent_rule),
    **_named("lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell", _recurrent_cell_rule),
}
"""Functions that come apart differently on every device, so that they are counted whole, by name."""

COMPOSITE: Mapping[str, Rule] = {"adaptive_avg_pool2d": lambda args, _: adaptive_pooling(args[0].shape)}
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
        return _attention_rule
    return _RULES.get(name)


def computes(operator: Any) -> bool:
    """Whether an operator is arithmetic where its values are floats, rather than a view or a move."""
    name = str(operator.overloadpacket.__name__)
    return not (operator.is_view or name.removesuffix("_") in _MOVERS)
