"""What an operator costs, from the shapes of its tensors.

Two conventions. ``macs`` are multiply-accumulates, one multiplication and one addition each; biases and whatever is
done element by element are left out. ``macs_fvcore`` is what fvcore calls flops: the same, with estimates for norms,
pooling and upsampling and without recurrent layers. ``activations`` are fvcore's: output elements of convolutions and
matrix products.

fvcore's rules are those of ``fvcore.nn.jit_handles`` as ``fvcore.nn.flop_count`` and ``fvcore.nn.activation_count``
apply them, in version 0.1.5.
"""

from collections.abc import Iterable, Sequence
from math import prod
from typing import NamedTuple

Shape = Sequence[int]


class Cost(NamedTuple):
    """What one call of an operator costs, for the batch it was given."""

    macs: int = 0
    macs_fvcore: int = 0
    activations: int = 0


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
