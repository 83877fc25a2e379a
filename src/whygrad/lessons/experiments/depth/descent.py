"""A gradient on its way down: its size in every layer of networks of several depths."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from whygrad.core.backprop import propagate, propagate_back
from whygrad.core.nn import Network
from whygrad.core.nn.losses import as_matrix
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
    walks = [_walk(_cut(networks, depth), x, y) for depth in depths(setup)]
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


def _networks(setup: "Depth", activation: str, init: str) -> Network:
    """Return one network a seed, stacked along a first axis."""
    sizes = [setup.width] * (setup.depth + 1) + [CLASSES]
    drawn = [
        Network.create(sizes, activation=activation, init=init, seed=setup.seed + seed)
        for seed in range(setup.seeds)
    ]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves).astype(jnp.float64), *drawn)


def _cut(networks: Network, depth: int) -> Network:
    """Return the networks without their hidden layers beyond ``depth``."""
    return Network((*networks.dense[:depth], networks.dense[-1]))


def _samples(setup: "Depth") -> tuple[Float[Array, "m n_in"], Int[Array, " m"]]:
    rng = np.random.default_rng(setup.seed)
    x = rng.normal(size=(setup.batch, setup.width))
    return jnp.asarray(x), jnp.asarray(rng.integers(0, CLASSES, setup.batch))


def _walk(networks: Network, x: Array, y: Array) -> dict[str, np.ndarray]:
    """Return norms of gradient and delta, z and slope, of every hidden layer of every network.

    Not compiled as a whole: equal layers share their pieces, and every depth is walked once.
    """
    targets, share = as_matrix(y, CLASSES, x.dtype), jnp.full(len(x), 1 / len(x))

    def one(network: Network) -> list[dict[str, Array]]:
        anatomy = propagate_back(network, propagate(network, x, None), targets, LOSS, share)
        gradients = anatomy.gradients()
        return [
            {
                "norms": _norm(gradients[name]["weight"]),
                "deltas": _norm(anatomy[name].delta),
                "z": anatomy[name].preactivation,
                "slope": anatomy[name].slope,
            }
            for name in network.layers[:-1]
        ]

    layers = jax.vmap(one)(networks)
    return {key: np.stack([np.asarray(layer[key]) for layer in layers], 1) for key in layers[0]}


def _by_autodiff(networks: Network, activation, x: Array, y: Array) -> np.ndarray:
    """Return the norms of the deepest networks once more, from ``jax.grad`` of a plain forward."""

    def loss(weights: list[Array], biases: list[Array]) -> Array:
        a = x
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            a = activation(a @ weight + bias)
        logits = a @ weights[-1] + biases[-1]
        return -jax.nn.log_softmax(logits)[jnp.arange(len(y)), y].mean()

    weights = [dense.weight for dense in networks.dense]
    biases = [dense.bias for dense in networks.dense]
    gradients = jax.vmap(jax.grad(loss))(weights, biases)
    return np.stack([np.asarray(jax.vmap(_norm)(each)) for each in gradients[:-1]], axis=1)


def _norm(values: Array) -> Array:
    return jnp.sqrt(jnp.sum(values**2))


def _off_one(activation: str, z: np.ndarray, slope: np.ndarray) -> float:
    """Return how far slopes are from 1 at most, by the engine and by nudging."""
    if not z.size:
        return float("nan")
    by_nudge = nudged(VALUES[activation], z).slope
    return max(float(np.abs(one - 1).max()) for one in (slope, by_nudge))
