"""A gradient on its way down: its size in every layer of networks of every depth."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from whygrad.backprop import propagate, propagate_back
from whygrad.lessons.elementwise import VALUES
from whygrad.lessons.second_way import NUDGE, nudged
from whygrad.lessons.side_by_side import proper
from whygrad.network import Network
from whygrad.network.losses import as_matrix, sample_losses

if TYPE_CHECKING:
    from whygrad.lessons.experiments.depth import Depth

CLASSES = 10
LOSS = "softmax_cross_entropy"


@dataclass(frozen=True)
class Descent:
    """What one activation does to a gradient, before any training.

    Attributes:
        init: the initialiser that suits the activation.
        gradients: norm of the weight gradient of every hidden layer of the deepest networks,
            (seeds, depth).
        deltas: norm of delta of the same layers, (seeds, depth).
        first_by_depth: norm of the first layer's gradient of networks of depth 1, 2, …,
            (seeds, depth).
        slope_mean: mean slope of all neurons on all samples.
        slope: of those whose z is above 0: how many, and how far from 1 at most, by the engine and
            by nudging.
        nudge_off: how far the norm of the first layer's gradient is from what a nudge of its
            weights along it does to the loss; the largest over seeds.
        nudge_scale: the largest of these norms.
    """

    init: str
    gradients: Float[np.ndarray, "seeds depth"]
    deltas: Float[np.ndarray, "seeds depth"]
    first_by_depth: Float[np.ndarray, "seeds depth"]
    slope_mean: float
    slope: dict[str, float]
    nudge_off: float
    nudge_scale: float


def descend(setup: "Depth", activation: str) -> Descent:
    """Send a gradient down through networks of every depth. To be called in float64.

    The same random samples go into all networks; a network of depth d starts with the same weights
    as the first d layers of the deepest one.
    """
    init = proper(activation)
    networks = _networks(setup, activation, init)
    x, y = _samples(setup)
    deepest = {name: np.asarray(part) for name, part in _down(networks, x, y).items()}
    by_depth = [np.asarray(_first(_cut(networks, depth), x, y)) for depth in range(1, setup.depth)]
    nudge = np.asarray(_along_gradient(networks, x, y))
    first = deepest["gradients"][:, 0]
    return Descent(
        init=init,
        gradients=deepest["gradients"],
        deltas=deepest["deltas"],
        first_by_depth=np.stack([*by_depth, first], axis=1),
        slope_mean=float(deepest["slope"].mean()),
        slope=_open_slopes(activation, deepest["z"], deepest["slope"]),
        nudge_off=float(np.abs(first - nudge).max()),
        nudge_scale=float(first.max()),
    )


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


@partial(jax.jit)
def _down(networks: Network, x: Array, y: Array) -> dict[str, Array]:
    """Return norms of gradient and delta, z and slope, of every hidden layer of every network."""

    def one(network: Network) -> dict[str, Array]:
        layers, gradients = _walk(network, x, y)
        hidden = list(layers)[:-1]
        return {
            "gradients": jnp.stack([_norm(gradients[name]["weight"]) for name in hidden]),
            "deltas": jnp.stack([_norm(layers[name].delta) for name in hidden]),
            "z": jnp.stack([layers[name].preactivation for name in hidden]),
            "slope": jnp.stack([layers[name].slope for name in hidden]),
        }

    return jax.vmap(one)(networks)


@jax.jit
def _first(networks: Network, x: Array, y: Array) -> Float[Array, " seeds"]:
    def one(network: Network) -> Array:
        return _norm(_walk(network, x, y)[1]["hidden1"]["weight"])

    return jax.vmap(one)(networks)


@jax.jit
def _along_gradient(networks: Network, x: Array, y: Array) -> Float[Array, " seeds"]:
    """Return how the loss rises along the gradient of the first weights, by a central difference.

    Along its own direction a gradient's norm is the slope of the loss; only the way forward is
    walked.
    """

    def one(network: Network) -> Array:
        gradient = _walk(network, x, y)[1]["hidden1"]["weight"]
        direction = gradient / jnp.maximum(_norm(gradient), jnp.finfo(gradient.dtype).tiny)
        up, down = (_loss(_moved(network, by * direction), x, y) for by in (NUDGE, -NUDGE))
        return (up - down) / (2 * NUDGE)

    return jax.vmap(one)(networks)


def _walk(network: Network, x: Array, y: Array) -> tuple[dict[str, Any], dict[str, Any]]:
    targets, share = as_matrix(y, CLASSES, x.dtype), jnp.full(len(x), 1 / len(x))
    anatomy = propagate_back(network, propagate(network, x, None), targets, LOSS, share)
    return anatomy.layers, anatomy.gradients()


def _moved(network: Network, by: Array) -> Network:
    parameters = network.parameters
    first = parameters["hidden1"] | {"weight": parameters["hidden1"]["weight"] + by}
    return network.with_parameters(parameters | {"hidden1": first})


def _loss(network: Network, x: Array, y: Array) -> Array:
    last = propagate(network, x, None)["output"]
    targets = as_matrix(y, CLASSES, x.dtype)
    return sample_losses(LOSS, "identity", last.preactivation, last.output, targets).mean()


def _norm(values: Array) -> Array:
    return jnp.sqrt(jnp.sum(values**2))


def _open_slopes(activation: str, z: np.ndarray, slope: np.ndarray) -> dict[str, float]:
    """Return how far slopes are from 1 where z is above 0, by the engine and by nudging."""
    is_open = z > 3 * NUDGE  # so that no nudge crosses the kink
    if not is_open.any():
        return {"open": 0.0, "off": float("nan")}
    by_nudge = nudged(VALUES[activation], z[is_open]).slope
    off = max(float(np.abs(one - 1).max()) for one in (slope[is_open], by_nudge))
    return {"open": float(is_open.mean()), "off": off}
