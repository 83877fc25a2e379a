"""What is kept of a recording step: for every neuron its four factors, and two numbers more.

Inside the compiled loop every operation costs about half a microsecond, as much as a small
network's matrix product. So the loop keeps only sizes, the sums and norms that the factors are
ratios of, all means over the samples being one matrix product; :func:`as_rows` makes them factors
once the loop is over. What each number means stands in :mod:`whygrad.record.fields`; NumPy keeps
the same sizes in :mod:`whygrad.training.numpy_recording`.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from whygrad.core.arrays import Array
from whygrad.core.backprop import LayerAnatomy
from whygrad.core.factors import is_open, pushes, ratio, telescope
from whygrad.core.nn.dense import Dense
from whygrad.core.nn.folding import each
from whygrad.core.nn.network import Network, Parameters
from whygrad.core.symmetry import gradient_inward, inward, signatures
from whygrad.record.arrays import xp
from whygrad.record.fields import FACTORS

KEPT = 7  # sizes a neuron


def sizes(
    network: Network,
    layers: dict[str, LayerAnatomy],
    gradients: Parameters,
    input_norm: Float[Array, " m"],
) -> Float[Array, " kept"]:
    """Return the sizes that the factors of all neurons are ratios of, one after the other.

    For all neurons of the network each: mean |upstream|, mean |delta|, open share, mean of
    |input| |delta| with the norm of the input vector, squared norm of the gradient, and what
    signatures are made of: weights in and gradient along fixed directions.

    Args:
        network: after the step; folded or not.
        layers, gradients: of the step.
        input_norm: norm of each sample's input vector; those of higher layers are worked out here.
    """
    share = layers["output"].share
    pairs = [(layer, network[name]) for name, layer in layers.items()]
    lowest, *_ = layers
    whole = xp.sum(share)  # 1, unless the loss is a sum over the batch
    input_norms = {}
    for name, layer in layers.items():
        norm = input_norm
        if name != lowest or network[name].is_stack:
            # a product with ones compiles to less than a sum
            norm = xp.sqrt(layer.input**2 @ xp.ones_like(layer.input, shape=layer.input.shape[-1]))
        input_norms[name] = share * norm
    alone = [input_norms[name] for name, dense in network.items() if not dense.is_stack]
    pushed = [_side_by_side(pushes, *pair) for pair in pairs]
    through = [_side_by_side(_size_of_delta, *pair) for pair in pairs]
    opened = [ratio(_side_by_side(is_open, *pair), whole) for pair in pairs]
    columns = xp.concatenate([*pushed, *through, *opened], axis=-1)
    means = xp.stack([share, *alone], axis=-2) @ columns
    widths = [dense.depth * dense.n_out for dense in network.dense]
    ends = np.cumsum([means.shape[-1] // 3, *widths])
    rows = iter(range(1, len(means)))
    per_sample = [
        xp.einsum("lm,lmn->ln", input_norms[name], _size_of_delta(layer)).ravel()
        if network[name].is_stack
        else means[next(rows), a:b]
        for (name, layer), (a, b) in zip(layers.items(), pairwise(ends), strict=True)
    ]
    weights = [(gradients[name]["weight"], dense) for name, dense in network.items()]
    squares = [_in_a_row(xp.sum(weight**2, axis=-2), dense) for weight, dense in weights]
    moving = [_in_a_row(gradient_inward(weight), dense) for weight, dense in weights]
    marks = [each(inward, dense)(dense).ravel() for dense in network.dense]
    return xp.concatenate([means[0], *per_sample, *squares, *marks, *moving])


def as_rows(
    network: Network, kept: Float[Array, "recorded kept"]
) -> Float[Array, "recorded fields neurons"]:
    """Return the numbers of ROW_FIELDS for every recorded step and neuron of the network.

    Args:
        network: whose sizes were kept; folded or not.
    """
    pushed, through, opened, per_sample, squares, marks, moving = xp.split(kept, KEPT, axis=1)
    four = telescope(pushed, through, per_sample, xp.sqrt(squares))
    widths = [dense.n_out for dense in network.dense for _ in range(dense.depth)]
    layer = np.repeat(np.arange(len(widths)), widths)
    signed = signatures(marks, moving, per_sample, layer)
    return xp.stack([*(getattr(four, name) for name in FACTORS), opened, signed], axis=1)


def by_layer(
    network: Network, rows: Float[np.ndarray, "*many fields neurons"]
) -> dict[str, Float[np.ndarray, "*many fields n_out"]]:
    """Return the rows of each layer of a network."""
    ends = np.cumsum((0, *network.sizes[1:]))
    return {
        name: rows[..., a:b] for name, (a, b) in zip(network.layers, pairwise(ends), strict=True)
    }


def width(network: Network) -> int:
    """Return how many sizes are kept of a recording step; of a network, folded or not."""
    return KEPT * sum(dense.depth * dense.n_out for dense in network.dense)


def _size_of_delta(layer: LayerAnatomy) -> Float[Array, "*deep m n_out"]:
    return xp.abs(layer.delta)


def _in_a_row(values: Float[Array, "*deep n_out"], dense: Dense) -> Float[Array, "*many neurons"]:
    """Return numbers of a layer as they are, of the layers of a stack one after the other."""
    return values.ravel() if dense.is_stack else values


def _side_by_side(
    function: Callable[[LayerAnatomy], Float[Array, "m n_out"]], layer: LayerAnatomy, dense: Dense
) -> Float[Array, "*many m neurons"]:
    """Return what a function says of every neuron of a layer, or of all layers of a stack."""
    said = each(function, dense)(layer)
    return said.swapaxes(0, 1).reshape(said.shape[1], -1) if dense.is_stack else said
