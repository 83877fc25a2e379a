"""Several starts, each with many seeds, trained side by side in one compiled call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float

from whygrad.core.backprop import forward
from whygrad.core.nn import Network
from whygrad.data.table import Data
from whygrad.lessons.lesson import Tick
from whygrad.settings import Settings
from whygrad.training.batched import train_together

FITTING = {  # what an activation's initialiser is, where it is not Glorot's
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu", "softplus"), "he_normal"),
    "selu": "lecun_normal",
}


@dataclass(frozen=True)
class Start:
    """How a network starts: initialisers such as ``normal:0.01``."""

    weights: str
    biases: str = "zeros"


@dataclass(frozen=True)
class Group:
    """What became of one start, a network a seed.

    Attributes:
        before, after: the networks.
        losses: of every step, (seeds, epochs, steps an epoch).
    """

    before: tuple[Network, ...]
    after: tuple[Network, ...]
    losses: Float[np.ndarray, "seeds epochs steps"]

    @property
    def curves(self) -> Float[np.ndarray, "seeds places"]:
        """Loss of the first batch, before any step, then the mean of every epoch."""
        return np.concatenate([self.losses[:, 0, :1], self.losses.mean(axis=2)], axis=1)

    @property
    def finals(self) -> Float[np.ndarray, " seeds"]:
        """Mean loss of the last epoch."""
        return self.losses[:, -1].mean(axis=1)

    @property
    def finite(self) -> tuple[Network, ...]:
        """The trained networks that kept their numbers."""
        return tuple(network for network in self.after if _is_finite(network))

    def hits(self, data: Data) -> Float[np.ndarray, " seeds"]:
        """Return the share of test samples whose class is right; 0 of a network without numbers.

        Args:
            data: of several classes.
        """
        return np.array([_hits(network, data) for network in self.after])


def proper(activation: str) -> str:
    """Return the initialiser that keeps the size of signals under an activation.

    Source: He et al. 2015 for rectifiers, Klambauer et al. 2017 for selu, Glorot and Bengio 2010.
    """
    return FITTING.get(activation, "glorot_normal")


def _hits(network: Network, data: Data) -> float:
    if not _is_finite(network):
        return 0.0
    output = np.asarray(forward(network, data.test.x).output)
    return float(np.mean(output.argmax(axis=1) == data.test.y))


def _is_finite(network: Network) -> bool:
    return all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(network))


def train_groups(
    starts: Mapping[str, Start],
    data: Data,
    settings: Settings,
    *,
    hidden: Sequence[int],
    activation: str,
    seeds: Sequence[int],
    tick: Tick = lambda share: None,
) -> dict[str, Group]:
    """Train a network for every start and seed, all in one compiled call.

    A seed draws the weights and the biases, and the order of the samples; so runs of the same seed
    are pairs.

    Args:
        hidden: neurons of each hidden layer.
        tick: called with the share of the epochs that are done.
    """
    sizes = [data.n_in, *hidden, data.n_out]
    before = [
        Network.create(
            sizes, activation=activation, init=start.weights, bias_init=start.biases, seed=seed
        )
        for start in starts.values()
        for seed in seeds
    ]
    order = [seed for _ in starts for seed in seeds]
    trained = train_together(before, data, settings, seeds=order, watch=tick)
    count = len(seeds)
    shape = (len(starts), count, settings.epochs, -1)
    losses = trained.losses.astype(np.float64).reshape(shape)
    return {
        name: Group(tuple(before[i * count :][:count]), trained.networks[i * count :][:count], each)
        for i, (name, each) in enumerate(zip(starts, losses, strict=True))
    }
