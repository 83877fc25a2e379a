"""Trying a set-up: the same network from several seeds, side by side in one compiled call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.core.arrays import tree_map
from whygrad.core.backprop import propagate
from whygrad.core.nn.folding import fold
from whygrad.core.nn.losses import predictions
from whygrad.core.nn.network import Network
from whygrad.doctor.setup import Setup, r_squared
from whygrad.doctor.thresholds import SEEDS
from whygrad.training.engine import for_one_look

if TYPE_CHECKING:
    from whygrad.training.batched import Batched

WORST = -np.inf


@dataclass(frozen=True)
class Outcome:
    """What became of a set-up.

    Attributes:
        measures: accuracy or r2 on the training part, one a seed; minus infinity where the
            outputs are not finite.
        starts: the networks before training, one a seed.
        trained: the networks, losses and recorded rows.
    """

    measures: tuple[float, ...]
    starts: tuple[Network, ...]
    trained: "Batched"

    @property
    def median(self) -> float:
        return float(np.median(self.measures))

    def curve(self, epochs: int) -> np.ndarray:
        """Return the median loss of every epoch, (epochs,)."""
        losses = self.trained.losses
        return np.median(losses.reshape(len(losses), epochs, -1).mean(axis=2), axis=0)


def try_out(
    setup: Setup,
    seeds: Sequence[int] = SEEDS,
    *,
    record_every: int = 0,
    watch: Callable[[float], None] = lambda share: None,
) -> Outcome:
    """Train a set-up from several seeds, side by side."""
    # many diagnoses train nothing, and need no JAX
    import jax.numpy as jnp

    from whygrad.training.batched import train_on_device
    from whygrad.training.step import device_dataset

    starts = tuple(setup.start(seed) for seed in seeds)
    settings = setup.changed({"record_every": record_every}).settings
    dataset = device_dataset(jnp.asarray(setup.inputs), jnp.asarray(setup.targets))
    rates = [settings.learning_rate] * len(seeds)
    trained = train_on_device(
        starts, dataset, settings, rates, list(seeds), setup.weights, watch=watch
    )
    return Outcome(measure_all(setup, trained.networks), starts, trained)


def measure_all(setup: Setup, networks: Sequence[Network]) -> tuple[float, ...]:
    """Return accuracy or r2 on the training part, one a network."""
    networks = [for_one_look(network, len(setup.x)) for network in networks]
    if all(network.engine == "numpy" for network in networks):
        with np.errstate(all="ignore"):
            outputs = [propagate(network, setup.inputs, None).output for network in networks]
    else:
        import jax.numpy as jnp

        on_device = [network.on("jax") for network in networks]
        stacked = tree_map(lambda *arrays: jnp.stack(arrays), *on_device)
        outputs = _outputs()(fold(stacked, axis=1), jnp.asarray(setup.inputs))
    claims = [predictions(setup.settings.loss, setup.activations[-1], a) for a in outputs]
    return tuple(measure_of(setup, np.asarray(claim, np.float64)) for claim in claims)


@cache
def _outputs() -> Callable[[Network, Any], Any]:
    """Return the compiled function from stacked networks and inputs to outputs."""
    import jax

    def outputs(stacked: Network, x: Any) -> Any:
        return jax.vmap(lambda network: propagate(network, x, None).output)(stacked)

    return jax.jit(outputs)


def measure_of(setup: Setup, claims: np.ndarray) -> float:
    """Return accuracy or r2 of what is claimed of the training part, (m, k)."""
    if not np.isfinite(claims).all():
        return WORST
    return (accuracy if setup.is_classifying else explained)(setup, claims)


def accuracy(setup: Setup, claims: np.ndarray) -> float:
    """Return the share of right answers."""
    if setup.task == "labels":
        return float(np.mean((claims > 0.5) == (setup.labels > 0.5)))
    told = claims.argmax(axis=1) if claims.shape[1] > 1 else claims[:, 0] > 0.5
    return float(np.mean(told == setup.labels.ravel()))


def explained(setup: Setup, claims: np.ndarray) -> float:
    """Return r2, the share of the targets' variance that is explained."""
    return r_squared(np.asarray(setup.targets, np.float64), claims)
