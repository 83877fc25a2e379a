"""Five neurons side by side, one healthy and four silent, each in a way of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from whygrad.core.nn import Network
from whygrad.lessons.instruments import second_way
from whygrad.lessons.options import option, setup
from whygrad.settings import Range

NEURONS = ("healthy", "saturated", "cut", "starved", "torn")
HEALTHY, SATURATED, CUT, STARVED, TORN = range(5)
MISSING = {  # neuron: (the factor that goes missing, the option that says how much is left)
    SATURATED: ("slope", "distance"),
    CUT: ("upstream", "exit"),
    STARVED: ("input", "whisper"),
    TORN: ("agreement", "leftover"),
}
WEIGHT, OPEN = 0.5, 0.5  # weight into every neuron; bias of those that are open
SILENT = 0.1  # of the healthy neuron's gradient; what is below counts as silent

Table = Float[np.ndarray, "m 5"]


@setup
class Silence:
    """Options: the activation, and how ill every ailing neuron is."""

    activation: str = option(
        "sigmoid", ("sigmoid", "tanh", "relu", "elu", "selu", "gelu", "silu", "softplus")
    )
    distance: float = option(8.0, Range(float, 0, 700))
    push: float = option(10.0, Range(float, 1, 1e6))
    exit: float = option(0.0, Range(float, 0, 10))
    whisper: float = option(0.01, Range(float, 0, 1))
    leftover: float = option(0.01, Range(float, 0, 1))
    batch: int = option(8, Range(int, 2, 4097))
    seed: int = option(0, Range(int, 0, 2**31))


@dataclass(frozen=True)
class Case:
    """The network with a batch.

    Attributes:
        network: neuron k reads input k alone, and output k reads neuron k alone.
        x: inputs.
        error: what every output says too much.
    """

    network: Network
    x: Table
    error: Table


def build(setup: Silence) -> Case:
    """Return the five neurons with samples that make four of them ail."""
    rng = np.random.default_rng(setup.seed)
    loudness, misses = rng.uniform(0.5, 1.5, (2, setup.batch))
    x, error = (np.repeat(one[:, None], len(NEURONS), axis=1) for one in (loudness, misses))
    calm = np.arange(setup.batch) >= (setup.batch + 1) // 2
    x[:, STARVED] *= np.where(calm, 1, setup.whisper)
    error[calm, STARVED] = 0
    x[:, TORN] = 1
    error[:, TORN] *= _signs(misses, setup.leftover)
    return Case(_network(setup), x, error)


def pulls(setup: Silence, case: Case, target: Table) -> tuple[Table, Table]:
    """Return what every sample asks of every neuron's weight and bias, by JAX's autodiff.

    The forward pass is written out anew here, a neuron at a time; whygrad's is not used.
    """
    out = np.diag(np.asarray(case.network["output"].weight))
    weight = np.diag(np.asarray(case.network["hidden1"].weight))
    bias = np.asarray(case.network["hidden1"].bias)
    value: Callable[[Array], Array] = second_way.ACTIVATIONS[setup.activation]

    def loss(weight: Array, bias: Array, out: Array, x: Array, y: Array) -> Array:
        return (out * value(weight * x + bias) - y) ** 2 / 2

    by_neuron = jax.vmap(jax.grad(loss, (0, 1)))
    by_sample = jax.vmap(by_neuron, (None, None, None, 0, 0))
    found = by_sample(*(jnp.asarray(one) for one in (weight, bias, out, case.x, target)))
    return np.asarray(found[0]), np.asarray(found[1])


def _signs(misses: np.ndarray, leftover: float) -> np.ndarray:
    """Return factors that make samples in turn say too much and too little.

    They leave the share ``leftover`` of the sizes in the sum.
    """
    up, down = misses[::2].sum(), misses[1::2].sum()
    signs = np.ones(len(misses))
    signs[1::2] = -(1 - leftover) / (1 + leftover) * up / down
    return signs


def _network(setup: Silence) -> Network:
    count = len(NEURONS)
    bias, out = np.full(count, OPEN), np.ones(count)
    bias[SATURATED] = -setup.distance
    out[SATURATED], out[CUT] = setup.push, setup.exit
    return Network.from_arrays(
        [WEIGHT * np.eye(count), np.diag(out)],
        [bias, np.zeros(count)],
        activations=[setup.activation, "identity"],
    )
