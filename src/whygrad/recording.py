"""What is kept of a recording step: for every neuron its four factors, and two numbers more.

Inside the compiled loop every operation costs about half a microsecond, as much as a small
network's matrix product. So the loop keeps only sizes, the sums and norms that the factors are
ratios of, all means over the samples being one matrix product; :func:`as_rows` makes them factors
once the loop is over.
"""

from itertools import pairwise

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from whygrad.backprop import LayerAnatomy
from whygrad.factoring import FACTORS, is_open, pushes, ratio, telescope
from whygrad.network.model import Network, Parameters
from whygrad.symmetry import signatures

ROW_FIELDS = (
    *FACTORS,
    "open",  # share of samples outside the flat region
    "signature",  # equal for clones; of the neuron after the step
)
KEPT = len(ROW_FIELDS)  # sizes a neuron


def sizes(
    network: Network,
    layers: dict[str, LayerAnatomy],
    gradients: Parameters,
    reach: Float[Array, " m"],
) -> Float[Array, " kept"]:
    """Return the sizes that the factors of all neurons are ratios of, one after the other.

    For all neurons of the network each: mean |upstream|, mean |delta|, open share, mean of
    |input| |delta| with the norm of the input vector, squared norm of the gradient, signature.

    Args:
        network: after the step.
        reach: norm of each sample's input vector; those of higher layers are worked out here.
    """
    share = layers["output"].share
    higher = [_norms(layer.input) for layer in list(layers.values())[1:]]
    reaches = [share * norms for norms in (reach, *higher)]
    pushed = [pushes(layer) for layer in layers.values()]
    through = [jnp.abs(layer.delta) for layer in layers.values()]
    whole = jnp.sum(share)  # 1, unless the loss is a sum over the batch
    opened = [ratio(is_open(layer), whole) for layer in layers.values()]
    means = jnp.stack([share, *reaches]) @ jnp.concatenate([*pushed, *through, *opened], axis=1)
    total = sum(layer.delta.shape[1] for layer in layers.values())
    ends = total + _ends(network)
    pulls = [means[1 + i, a:b] for i, (a, b) in enumerate(pairwise(ends))]
    squares = [jnp.sum(gradients[name]["weight"] ** 2, axis=0) for name in layers]
    marks = signatures(network)
    return jnp.concatenate([means[0], *pulls, *squares, *(marks[name] for name in layers)])


def as_rows(
    network: Network, kept: Float[Array, "recorded kept"]
) -> dict[str, Float[Array, "recorded fields n_out"]]:
    """Return the numbers of ROW_FIELDS for every recorded step and neuron, by layer."""
    pushed, through, opened, pulls, squares, marks = jnp.split(kept, KEPT, axis=1)
    four = telescope(pushed, through, pulls, jnp.sqrt(squares))
    rows = jnp.stack([*(getattr(four, name) for name in FACTORS), opened, marks], axis=1)
    ends = _ends(network)
    return {
        name: rows[:, :, a:b] for name, (a, b) in zip(network.layers, pairwise(ends), strict=True)
    }


def width(network: Network) -> int:
    """Return how many sizes are kept of a recording step."""
    return KEPT * sum(network.sizes[1:])


def _norms(inputs: Float[Array, "m n_in"]) -> Float[Array, " m"]:
    """Return the norm of each row; a product with ones, which compiles to less than a sum."""
    return jnp.sqrt(inputs**2 @ jnp.ones(inputs.shape[1], inputs.dtype))


def _ends(network: Network) -> np.ndarray:
    return np.cumsum((0, *network.sizes[1:]))
