"""Networks that see nothing but zeros: one neuron of every kind, and trainings of every kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from whygrad.core.backprop import backward, forward, propagate, propagate_back
from whygrad.core.nn import Network
from whygrad.core.nn.network import Parameters
from whygrad.lessons.instruments.elementwise import NAMES, VALUES, Numbers
from whygrad.lessons.lesson import Tick

KINDS = ("with", "without")  # biases
TARGET = -1.0  # of the single neuron; what it says above 0 is never this
NUDGE = 1e-5  # of a weight or a bias
STRETCHES = 20  # between signs of life
LOSS = "binary_cross_entropy"

Networks = dict[str, dict[str, Network]]  # by activation, then with or without biases
Arrays = tuple[Array, Array, Array]  # x, y, shares
Losses = Mapping[str, Mapping[str, Array | np.ndarray]]


def ask_neurons(weight: Float[np.ndarray, " n_in"], bias: float) -> dict[str, dict[str, Any]]:
    """Return what one neuron of every activation says to zeros, and what it would learn.

    Args:
        bias: further above 0 than a nudge, so that none crosses the kink of an activation.
    """
    return {name: _ask(name, weight, bias) for name in NAMES}


def _ask(name: str, weight: np.ndarray, bias: float) -> dict[str, Any]:
    zeros, target = np.zeros((1, len(weight))), np.array([[TARGET]])
    found: dict[str, Any] = {}
    for kind, offset in zip(KINDS, (bias, 0.0), strict=True):
        biases = [np.array([offset])] if kind == "with" else None
        network = Network.from_arrays([weight[:, None]], biases, activations=[name])
        anatomy = backward(network, forward(network, zeros), target, loss="squared")
        gradient = anatomy.gradients()["output"]
        found |= {
            f"said_{kind}": float(anatomy["output"].output[0, 0]),
            f"delta_{kind}": float(anatomy["output"].delta[0, 0]),
            f"slope_{kind}": float(anatomy["output"].slope[0, 0]),
            f"weight_{kind}": float(np.abs(gradient["weight"]).max()),
            f"nudged_weight_{kind}": _nudged_weights(name, weight, offset),
        }
        if kind == "with":
            found |= {"bias": float(gradient["bias"][0]), "nudged_bias": _nudged_bias(name, bias)}
    return found | _at_zero(name)


def _nudged_weights(name: str, weight: np.ndarray, bias: float) -> float:
    """Return how much the loss moves at most when a weight is nudged; all in NumPy."""
    zeros, steps = np.zeros(len(weight)), NUDGE * np.eye(len(weight))
    up, down = (_loss(name, (weight + sign * steps) @ zeros + bias) for sign in (1, -1))
    return float(np.abs(up - down).max())


def _nudged_bias(name: str, bias: float) -> float:
    up, down = np.asarray(_loss(name, bias + NUDGE * np.array([1.0, -1.0])))
    return float((up - down) / (2 * NUDGE))


def _loss(name: str, z: np.ndarray) -> Numbers:
    return (VALUES[name](z) - TARGET) ** 2 / 2


def _at_zero(name: str) -> dict[str, float]:
    """Return f(0), and the slope on either side of 0, by NumPy alone."""
    low, zero, high = np.asarray(VALUES[name](np.array([-NUDGE, 0.0, NUDGE]))).tolist()
    return {"zero": zero, "left": (zero - low) / NUDGE, "right": (high - zero) / NUDGE}


@dataclass(frozen=True)
class Task:
    """A question to which the inputs say nothing.

    All samples of a class are one and the same, so a row stands for all of them.

    Attributes:
        ones: how many samples belong to class 1.
        samples: how many there are.
        inputs: how many zeros each of them has.
    """

    ones: int
    samples: int
    inputs: int

    @property
    def x(self) -> Float[np.ndarray, "2 n_in"]:
        """Zeros."""
        return np.zeros((2, self.inputs))

    @property
    def y(self) -> Float[np.ndarray, "2 1"]:
        """The targets: class 1, class 0."""
        return np.array([[1.0], [0.0]])

    @property
    def shares(self) -> Float[np.ndarray, " 2"]:
        """How much of the mean over all samples belongs to either row."""
        return np.array([self.ones, self.samples - self.ones]) / self.samples

    @property
    def entropy(self) -> float:
        """The smallest mean loss of an answer that is the same for all samples."""
        return float(-(self.shares * np.log(self.shares)).sum())


def draw_networks(sizes: list[int], rng: np.random.Generator) -> Networks:
    """Return networks of every activation, from the same weights, with biases of 0 or without."""
    weights = [rng.normal(0, 1 / np.sqrt(n), (n, m)) for n, m in pairwise(sizes)]
    biases = {"with": [np.zeros(n) for n in sizes[1:]], "without": None}
    hidden = len(sizes) - 2
    return {
        name: {
            kind: Network.from_arrays(
                weights, biases[kind], activations=[name] * hidden + ["identity"]
            )
            for kind in KINDS
        }
        for name in NAMES
    }


def train(
    networks: Networks, task: Task, learning_rate: float, steps: int, tick: Tick
) -> dict[str, dict[str, dict[str, Any]]]:
    """Train all networks by gradient descent, over all samples at every step.

    Returns:
        By activation and kind: ``losses`` before every step and after the last one, and what is
        left at the end.
    """
    stops = np.unique(np.linspace(0, steps, STRETCHES + 1).round().astype(int)).tolist()
    capacity = max(after - before for before, after in pairwise(stops))

    def advance(networks: Networks, count: int) -> tuple[Networks, Losses]:
        arrays = (jnp.asarray(task.x), jnp.asarray(task.y), jnp.asarray(task.shares))
        moved, losses = _advance(networks, arrays, learning_rate, count, capacity)
        return moved, jax.tree.map(lambda one: np.asarray(one)[:count], losses)

    moved, losses = networks, []
    for before, after in pairwise(stops):
        moved, stretch = advance(moved, after - before)
        losses.append(stretch)
        tick(after / steps)
    losses.append(advance(moved, 1)[1])  # what a further step would start from
    return {
        name: {
            kind: _left(networks[name][kind], moved[name][kind], task)
            | {"losses": np.concatenate([stretch[name][kind] for stretch in losses])}
            for kind in KINDS
        }
        for name in NAMES
    }


@partial(jax.jit, static_argnums=4)
def _advance(
    networks: Networks, task: Arrays, learning_rate: Array, count: Array, capacity: int
) -> tuple[Networks, Losses]:
    is_network = {"is_leaf": lambda one: isinstance(one, Network)}
    x, y, shares = task

    def step_one(network: Network) -> tuple[Network, Array]:
        anatomy = propagate_back(network, propagate(network, x, None), y, LOSS, shares)
        moved = jax.tree.map(
            lambda p, g: p - learning_rate * g, network.parameters, anatomy.gradients()
        )
        return network.with_parameters(moved), anatomy.loss

    def step(position: Array, carry: tuple) -> tuple:
        stepped = jax.tree.map(step_one, carry[0], **is_network)
        moved, loss = (
            {
                name: {kind: one[part] for kind, one in both.items()}
                for name, both in stepped.items()
            }
            for part in (0, 1)
        )
        return moved, jax.tree.map(lambda kept, new: kept.at[position].set(new), carry[1], loss)

    losses = jax.tree.map(lambda _: jnp.zeros(capacity, x.dtype), networks, **is_network)
    return jax.lax.fori_loop(0, count, step, (networks, losses))


def _left(before: Network, after: Network, task: Task) -> dict[str, Any]:
    """Return what a network answers at the end, and how far its parameters moved."""
    logit = float(forward(after, task.x[:1]).output[0, 0])
    start, end = before.parameters, after.parameters
    hidden = before.layers[:-1]
    return {
        "probability": 1 / (1 + np.exp(-logit)),
        "first_weights": _moved(start, end, before.layers[:1], "weight"),
        "other_weights": _moved(start, end, before.layers[1:], "weight"),
        "hidden_biases": _moved(start, end, hidden, "bias"),
        "output_bias": _moved(start, end, ("output",), "bias"),
    }


def _moved(start: Parameters, end: Parameters, layers: tuple[str, ...], kind: str) -> float:
    """Return how far any of these parameters moved at most; 0 if there are none, NaN if any is."""
    ways = [np.abs(end[name][kind] - start[name][kind]) for name in layers if kind in start[name]]
    return float(np.max([way.max() for way in ways], initial=0))
