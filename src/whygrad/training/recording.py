"""What is kept of a recording step: for every neuron its four factors, and two numbers more.

Inside the compiled loop every operation costs about half a microsecond, as much as a small
network's matrix product. So the loop keeps only sizes, the sums and norms that the factors are
ratios of, all means over the samples being one matrix product; :func:`as_rows` makes them factors
once the loop is over. What each number means stands in :mod:`whygrad.record.fields`.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from whygrad.core.arrays import Array
from whygrad.core.backprop import LayerAnatomy
from whygrad.core.factors import is_open, pushes, ratio, telescope
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
        input_norm: norm of each sample's input vector; those of higher layers are worked out here.
    """
    share = layers["output"].share
    lowest, *_ = layers
    samples, each_layer = len(share), layers.values()
    whole = xp.sum(share)  # 1, unless the loss is a sum over the batch
    input_norms = {}
    for name, layer in layers.items():
        norm = input_norm
        if name != lowest or layer.is_stack:
            # a product with ones compiles to less than a sum
            norm = xp.sqrt(layer.input**2 @ xp.ones_like(layer.input, shape=layer.input.shape[-1]))
        input_norms[name] = share * norm
    alone = [input_norms[name] for name, layer in layers.items() if not layer.is_stack]
    pushed = [_side_by_side(pushes, layer) for layer in each_layer]
    through = [_side_by_side(_size_of_delta, layer) for layer in each_layer]
    opened = [ratio(_side_by_side(is_open, layer), whole) for layer in each_layer]
    means = xp.stack([share, *alone]) @ xp.concatenate([*pushed, *through, *opened], axis=1)
    ends = np.cumsum([len(means[0]) // 3, *(layer.delta.size // samples for layer in each_layer)])
    rows = iter(means[1:])
    per_sample = [
        xp.einsum("lm,lmn->ln", input_norms[name], _size_of_delta(layer)).ravel()
        if layer.is_stack
        else next(rows)[a:b]
        for (name, layer), (a, b) in zip(layers.items(), pairwise(ends), strict=True)
    ]
    squares = [xp.sum(gradients[name]["weight"] ** 2, axis=-2).ravel() for name in layers]
    marks = [each(inward, dense)(dense).ravel() for dense in network.dense]
    moving = [gradient_inward(gradients[name]["weight"]).ravel() for name in layers]
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


def _side_by_side(
    function: Callable[[LayerAnatomy], Float[Array, "m n_out"]], layer: LayerAnatomy
) -> Float[Array, "m neurons"]:
    """Return what a function says of every neuron of a layer, or of all layers of a stack."""
    said = each(function, layer)(layer)
    return said.swapaxes(0, 1).reshape(said.shape[1], -1) if layer.is_stack else said
