"""How a neuron dies: pushed where it is flat for every sample, and left there to train."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from whygrad.core.backprop import propagate, propagate_back
from whygrad.core.nn import Network
from whygrad.core.nn.losses import as_matrix
from whygrad.data import from_arrays
from whygrad.lessons.instruments.side_by_side import proper
from whygrad.settings import Settings
from whygrad.training.batched import train_together

if TYPE_CHECKING:
    from whygrad.lessons.experiments.depth import Depth

LOSS = "softmax_cross_entropy"
INPUTS, CLASSES, SAMPLES, BATCH = 4, 3, 128, 32
STEPS_AN_EPOCH = SAMPLES // BATCH


def push_and_train(setup: "Depth", activation: str) -> dict[str, Any]:
    """Push half the neurons of a layer below every sample's reach, then train; many seeds at once.

    Returns:
        How many steps were taken. Of the pushed neurons: how many there are, how many have slope 0
        on every sample before and after training, how many come back above 0 for some sample, how
        far the parameters of the dead moved at most, and the middle one of the bias's gradients.
    """
    x, y = _samples(setup)
    before = [_pushed(setup, activation, x, seed) for seed in range(setup.seeds)]
    settings = Settings(
        batch_size=BATCH,
        epochs=-(-setup.steps // STEPS_AN_EPOCH),
        learning_rate=setup.learning_rate,
        record_every=0,
        seed=setup.seed,
    )
    data = from_arrays(x, y, validation=0, test=0)
    after = train_together(before, data, settings).networks
    half = setup.width // 2
    first, last = (_half(_states(networks, x, y), half) for networks in (before, after))
    dead = first["dead"]
    moved = np.stack([_moved(*pair)[:half] for pair in zip(before, after, strict=True)])
    return {
        "steps": settings.epochs * STEPS_AN_EPOCH,
        "pushed": dead.size,
        "dead_before": int(dead.sum()),
        "dead_after": int(last["dead"].sum()),
        "awake": int(last["above"].sum()),
        "dead_moved": float(moved[dead].max()) if dead.any() else float("nan"),
        "middle_gradient": float(np.median(first["gradient"])),
    }


def _samples(setup: "Depth") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(setup.seed)
    x = rng.normal(size=(SAMPLES, INPUTS)).astype(np.float32)
    return x, np.argmax(x[:, :CLASSES] ** 2, axis=1).astype(np.int32)


def _pushed(setup: "Depth", activation: str, x: np.ndarray, seed: int) -> Network:
    """Return a network whose first half of neurons stays ``margin`` below 0 for every sample."""
    network = Network.create(
        [INPUTS, setup.width, CLASSES],
        activation=activation,
        init=proper(activation),
        seed=setup.seed + seed,
    )
    parameters = network.parameters
    first = parameters["hidden1"]
    reach = jnp.max(jnp.asarray(x) @ first["weight"], axis=0)
    is_pushed = jnp.arange(setup.width) < setup.width // 2
    bias = jnp.where(is_pushed, -reach - setup.margin, first["bias"])
    first = first | {"bias": bias.astype(first["bias"].dtype)}
    return network.with_parameters(parameters | {"hidden1": first})


def _half(states: dict[str, Array], half: int) -> dict[str, np.ndarray]:
    return {name: np.asarray(state)[:, :half] for name, state in states.items()}


def _states(networks: Sequence[Network], x: np.ndarray, y: np.ndarray) -> dict[str, Array]:
    """Return of every neuron of every network: is it flat for all samples, above 0 for any, and
    the size of its bias's gradient.
    """
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks)
    return jax.jit(jax.vmap(_state, (0, None, None)))(stacked, x, y)


def _state(network: Network, x: Array, y: Array) -> dict[str, Array]:
    targets, share = as_matrix(y, CLASSES, x.dtype), jnp.full(len(x), 1 / len(x), x.dtype)
    anatomy = propagate_back(network, propagate(network, x, None), targets, LOSS, share)
    hidden = anatomy["hidden1"]
    return {
        "dead": jnp.all(hidden.slope == 0, axis=0),
        "above": jnp.any(hidden.preactivation > 0, axis=0),
        "gradient": jnp.abs(anatomy.gradients()["hidden1"]["bias"]),
    }


def _moved(before: Network, after: Network) -> Float[np.ndarray, " width"]:
    """Return how far the weights in and the bias of every neuron moved at most."""
    changes = jax.tree.map(
        lambda a, b: np.abs(np.asarray(b, np.float64) - np.asarray(a, np.float64)),
        before.parameters["hidden1"],
        after.parameters["hidden1"],
    )
    return np.maximum(changes["weight"].max(axis=0), changes["bias"])
