"""A gradient on its way down: its size in every layer of networks of several depths."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import ArrayLike

from whygrad.core.arrays import tree_map
from whygrad.core.backprop import backward, forward
from whygrad.core.nn import Network
from whygrad.lessons.instruments.elementwise import VALUES
from whygrad.lessons.instruments.second_way import ACTIVATIONS, NUDGE, nudged
from whygrad.lessons.instruments.side_by_side import proper

if TYPE_CHECKING:
    from whygrad.lessons.experiments.depth import Depth

CLASSES = 10
LINES = 6  # so many depths, at most
LOSS = "softmax_cross_entropy"


@dataclass(frozen=True)
class Descent:
    """What one activation does to a gradient, before any training.

    Attributes:
        init: initialiser of the weights.
        norms: of the weight gradient of every hidden layer, an array (seeds, depth) for every
            depth of :func:`depths`.
        deltas: norm of delta of every hidden layer of the deepest networks, (seeds, depth).
        slope_mean: mean slope of all neurons of the deepest networks on all samples.
        open: share of these whose z is above 0.
        off_one: how far the slope of those is from 1 at most, by the engine and by nudging; NaN
            where there are none.
        off: how far the norms are at most from those that autodiff finds, in the largest of them.
    """

    init: str
    norms: list[Float[np.ndarray, "seeds depth"]]
    deltas: Float[np.ndarray, "seeds depth"]
    slope_mean: float
    open: float
    off_one: float
    off: float


def descend(setup: "Depth", activation: str) -> Descent:
    """Send a gradient down through networks of several depths. To be called in float64.

    The same random samples go into all networks; a network of depth d starts with the same weights
    as the first d layers of the deepest one.
    """
    init = proper(activation) if setup.init == "proper" else setup.init
    networks = _networks(setup, activation, init)
    x, y = _samples(setup)
    walks = [_walk([_cut(one, depth) for one in networks], x, y) for depth in depths(setup)]
    deepest, norms = walks[-1], [walk["norms"] for walk in walks]
    expected = _by_autodiff(networks, ACTIVATIONS[activation], x, y)
    is_open = deepest["z"] > 3 * NUDGE  # so that no nudge crosses a kink
    return Descent(
        init=init,
        norms=norms,
        deltas=deepest["deltas"],
        slope_mean=float(deepest["slope"].mean()),
        open=float(is_open.mean()),
        off_one=_off_one(activation, deepest["z"][is_open], deepest["slope"][is_open]),
        off=float(np.abs(norms[-1] - expected).max() / max(expected.max(), 1e-300)),
    )


def depths(setup: "Depth") -> list[int]:
    """Return how many hidden layers the networks have, from 1 to the deepest."""
    return np.unique(np.linspace(1, setup.depth, LINES).round().astype(int)).tolist()


def _networks(setup: "Depth", activation: str, init: str) -> list[Network]:
    """Return one network a seed, in NumPy: what is walked once is not worth compiling."""
    sizes = [setup.width] * (setup.depth + 1) + [CLASSES]
    drawn = (
        Network.create(sizes, activation=activation, init=init, seed=setup.seed + seed)
        for seed in range(setup.seeds)
    )
    return [tree_map(lambda leaf: np.asarray(leaf, np.float64), network) for network in drawn]


def _cut(network: Network, depth: int) -> Network:
    """Return a network without its hidden layers beyond ``depth``."""
    return Network((*network.dense[:depth], network.dense[-1]))


def _samples(setup: "Depth") -> tuple[Float[np.ndarray, "m n_in"], Int[np.ndarray, " m"]]:
    rng = np.random.default_rng(setup.seed)
    x = rng.normal(size=(setup.batch, setup.width))
    return x, rng.integers(0, CLASSES, setup.batch)


def _walk(
    networks: Sequence[Network], x: Float[np.ndarray, "m n_in"], y: Int[np.ndarray, " m"]
) -> dict[str, np.ndarray]:
    """Return norms of gradient and delta, z and slope, of every hidden layer of every network."""
    found: dict[str, list[list[ArrayLike]]] = {"norms": [], "deltas": [], "z": [], "slope": []}
    for network in networks:
        anatomy = backward(network, forward(network, x), y, loss=LOSS)
        gradients, hidden = anatomy.gradients(), network.layers[:-1]
        found["norms"].append([np.linalg.norm(gradients[name]["weight"]) for name in hidden])
        found["deltas"].append([np.linalg.norm(anatomy[name].delta) for name in hidden])
        found["z"].append([anatomy[name].preactivation for name in hidden])
        found["slope"].append([anatomy[name].slope for name in hidden])
    return {name: np.array(each) for name, each in found.items()}


def _by_autodiff(
    networks: Sequence[Network], activation, x: np.ndarray, y: np.ndarray
) -> Float[np.ndarray, "seeds depth"]:
    """Return the norms of the deepest networks once more, from ``jax.grad`` of a plain forward."""

    def loss(weights: list[Array], biases: list[Array]) -> Array:
        a = x
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            a = activation(a @ weight + bias)
        logits = a @ weights[-1] + biases[-1]
        return -jax.nn.log_softmax(logits)[jnp.arange(len(y)), y].mean()

    layers = list(zip(*(network.dense for network in networks), strict=True))  # of all seeds
    weights = [np.stack([dense.weight for dense in layer]) for layer in layers]
    biases = [np.stack([dense.bias for dense in layer]) for layer in layers]
    gradients = jax.vmap(jax.grad(loss))(weights, biases)
    norms = [np.linalg.norm(np.asarray(each), axis=(1, 2)) for each in gradients[:-1]]
    return np.stack(norms, axis=1)


def _off_one(activation: str, z: np.ndarray, slope: np.ndarray) -> float:
    """Return how far slopes are from 1 at most, by the engine and by nudging."""
    if not z.size:
        return float("nan")
    by_nudge = nudged(VALUES[activation], z).slope
    return max(float(np.abs(one - 1).max()) for one in (slope, by_nudge))
