"""The same network twice, with biases and with constant neurons.

weight (n_in + 1, n_out + 1) of a hidden layer        what stands in it
    [:n_in, :n_out]                                   the weights
    [n_in,  :n_out]                                   the biases: weights from the constant 1
    [:n_in,  n_out]                                   0: the constant neuron hears no one else
    [n_in,   n_out]                                   c, with f(c) = 1: it hands the 1 on
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import jax.numpy as jnp
import numpy as np

from whygrad.core.nn import Network
from whygrad.lessons.instruments.elementwise import preactivation_for


def draw_biased(sizes: Sequence[int], activation: str, rng: np.random.Generator) -> Network:
    """Return a network with random weights and biases of 0."""
    weights = [rng.normal(0, 1 / np.sqrt(n), (n, m)) for n, m in pairwise(sizes)]
    names = [activation] * (len(sizes) - 2) + ["identity"]
    return Network.from_arrays(weights, [np.zeros(n) for n in sizes[1:]], activations=names)


def with_constants(network: Network) -> Network:
    """Return the same function of the inputs and a 1 beside them, without a single bias."""
    last = len(network.dense) - 1
    weights = []
    for position, dense in enumerate(network.dense):
        weight = np.vstack([np.asarray(dense.weight), np.asarray(dense.bias)])
        if position < last:
            hands_on = np.zeros((len(weight), 1))
            hands_on[-1] = preactivation_for(dense.activation, 1.0)
            weight = np.hstack([weight, hands_on])
        weights.append(weight)
    return Network.from_arrays(weights, None, activations=[d.activation for d in network.dense])


def without_constants(network: Network) -> dict[str, dict[str, np.ndarray]]:
    """Return the weights and biases that a network with constant neurons stands for.

    Many networks may be stacked along a first axis.
    """
    parted = {}
    for name, part in network.parameters.items():
        weight = np.asarray(part["weight"])
        kept = weight if name == "output" else weight[..., :-1]
        parted[name] = {"weight": kept[..., :-1, :], "bias": kept[..., -1, :]}
    return parted


def has_constants(network: Network) -> bool:
    """Return whether constant neurons stand for the biases."""
    return network.dense[0].bias is None


def with_drawn_rows(network: Network, rng: np.random.Generator) -> Network:
    """Return the network with random weights from its constant neurons, as any weight has."""
    dense = []
    for layer in network.dense:
        weight = np.array(layer.weight)
        heard = slice(None) if layer is network.dense[-1] else slice(-1)
        weight[-1, heard] = rng.normal(0, 1 / np.sqrt(len(weight)), weight[-1, heard].shape)
        dense.append(replace(layer, weight=jnp.asarray(weight)))
    return Network(tuple(dense))
