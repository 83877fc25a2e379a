"""The network of the lesson on responsibility: a quiet neuron on a path, a loud one off it.

Outputs are chosen and biases follow from them, so that a neuron can be made louder or quieter
without anything above it noticing.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from whygrad.core.backprop import Anatomy, backward, forward
from whygrad.core.nn import Network
from whygrad.lessons.instruments.elementwise import NAMES, VALUES, preactivation_for
from whygrad.lessons.options import option, setup
from whygrad.settings import Range

QUIET, LOUD, TORN = 0, 1, 2  # neurons of hidden1
INPUTS = 3
MISSES = (1.0, -0.5)  # how far each output is from its target
PATH_OUTPUT = 0.5  # of the neurons that the critical path goes through
OTHER_OUTPUTS = (0.2, 0.8)
OTHER_SPREAD = 0.5  # of all other weights, over the root of the width
LOSS = "squared"

Weights = list[np.ndarray]


@setup
class Responsibility:
    """Options: how loud the two neurons are, where they lead, and through what network."""

    quiet: float = option(0.05, Range(float, 0, 1, includes_low=False))
    loud: float = option(0.9, Range(float, 0, 1, includes_low=False))
    critical: float = option(1.5, Range(float, -5, 5))
    side: float = option(0.1, Range(float, 0, 5))
    activation: str = option("tanh", NAMES)
    depth: int = option(2, Range(int, 1, 9))
    width: int = option(6, Range(int, 3, 65))
    seed: int = option(0, Range(int, 0, 2**31))


def build(
    options: Responsibility,
) -> tuple[Network, Float[np.ndarray, "1 n_in"], Float[np.ndarray, "1 n_out"]]:
    """Return the network, its one sample, and a target that its outputs miss by ``MISSES``."""
    rng = np.random.default_rng(options.seed)
    x = rng.normal(size=(1, INPUTS))
    weights, outputs = _weights(options, rng), _outputs(options, rng)
    direction = rng.normal(size=weights[1].shape[1])
    plain = _network(options, weights, outputs, x)
    weights[1][TORN] = _cancelling(direction, weights[1][QUIET], _next_delta(plain, x))
    network = _network(options, weights, outputs, x)
    return network, x, _missed(network, x)


def examine(
    network: Network, x: Float[np.ndarray, "1 n_in"], y: Float[np.ndarray, "1 n_out"]
) -> Anatomy:
    """Walk the sample forward and back."""
    return backward(network, forward(network, x), y, loss=LOSS)


def loss_after(
    options: Responsibility,
    network: Network,
    first: Float[np.ndarray, "m width"],
    y: Float[np.ndarray, "1 n_out"],
) -> Float[np.ndarray, " m"]:
    """Return the loss in plain NumPy, one for each row of outputs of the first hidden layer."""
    a = first
    for dense in network.dense[1:-1]:
        a = VALUES[options.activation](a @ np.asarray(dense.weight) + np.asarray(dense.bias))
    last = network.dense[-1]
    a = a @ np.asarray(last.weight) + np.asarray(last.bias)
    return ((a - y) ** 2).sum(axis=1) / 2


def _weights(options: Responsibility, rng: np.random.Generator) -> Weights:
    sizes = [INPUTS, *[options.width] * options.depth, len(MISSES)]
    spread = OTHER_SPREAD / np.sqrt(options.width)
    weights = [rng.normal(0, spread, shape) for shape in pairwise(sizes)]
    for weight in weights[1:]:
        weight[QUIET, 0] = options.critical  # the path goes through neuron 0 of every layer
    weights[1][LOUD] = options.side * rng.choice([-1, 1], size=weights[1].shape[1])
    return weights


def _outputs(options: Responsibility, rng: np.random.Generator) -> Weights:
    outputs = [rng.uniform(*OTHER_OUTPUTS, options.width) for _ in range(options.depth)]
    for output in outputs:
        output[0] = PATH_OUTPUT
    outputs[0][[QUIET, LOUD, TORN]] = options.quiet, options.loud, options.loud
    return outputs


def _network(options: Responsibility, weights: Weights, outputs: Weights, x: np.ndarray) -> Network:
    biases, below = [], x[0]
    for weight, output in zip(weights, outputs, strict=False):
        wanted = np.array([preactivation_for(options.activation, one) for one in output])
        biases.append(wanted - below @ weight)
        below = output
    biases.append(np.zeros(len(MISSES)))
    names = [options.activation] * options.depth + ["identity"]
    return Network.from_arrays(weights, biases, activations=names)


def _missed(network: Network, x: np.ndarray) -> Float[np.ndarray, "1 n_out"]:
    return np.asarray(forward(network, x).output) - np.array([MISSES])


def _next_delta(network: Network, x: np.ndarray) -> Float[np.ndarray, " n_next"]:
    anatomy = examine(network, x, _missed(network, x))
    return np.asarray(anatomy[network.layers[1]].delta)[0]


def _cancelling(direction: np.ndarray, quiet: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """Return weights at a right angle to the deltas, through which twice the quiet neuron's flows.

    Biases keep every output where it is, so these deltas stay when the weights are put in.
    """
    across = direction - delta * (direction @ delta) / ((delta @ delta) or 1)
    flows = np.abs(across * delta).sum()
    return 2 * across * np.abs(quiet * delta).sum() / (flows or 1)
