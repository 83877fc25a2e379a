"""One neuron in place of a layer of n clones, with the same loss at every step.

A clone's weight out is v, so its upstream is v * delta and that of all clones together n v * delta.

    one neuron     weights in and bias as one clone's; weight out n v; bias of the output as it is
    SGD            the clone's gradient of a weight in is 1/n of the one's:  rate into = rate / n
                   n weights out move by the same step, their sum by n:      rate out  = n * rate
    Adam           (m/n) / (root(s)/n + epsilon) = m / (root(s) + n epsilon), where m and s are the
                   one's moments:  epsilon into = n epsilon, rate into = rate, rate out = n * rate
"""

import jax
import numpy as np
from jaxtyping import Array, Float

from whygrad.core.nn import Network
from whygrad.lessons.instruments.seats import EPSILON, Rates

NUDGE = 1e-15  # of a start, about what rounding does to it
PREDICTABLE = 1e-11  # while the nudge has grown to less than this, losses can be compared


def common(rate: float) -> Rates:
    """Return one learning rate for all parts."""
    return Rates(rate, rate, rate)


def matched(optimizer: str, rate: float, n: int) -> Rates:
    """Return the rates with which one neuron moves as ``n`` clones with ``rate`` do together."""
    if optimizer == "adam":
        return Rates(rate, n * rate, rate, epsilon_into=n * EPSILON)
    return Rates(rate / n, n * rate, rate)


def stand_in(clones: Network) -> Network:
    """Return the network with one hidden neuron that a network of clones is."""
    hidden, output = clones.dense
    assert hidden.bias is not None
    return Network.from_arrays(
        [np.asarray(hidden.weight)[:, :1], np.asarray(output.weight).sum(axis=0, keepdims=True)],
        [np.asarray(hidden.bias)[:1], output.bias],
        activations=[hidden.activation, output.activation],
    )


def nudged(network: Network) -> Network:
    """Return a network whose every number is moved a little, to see how fast that grows."""
    generator = np.random.default_rng(0)

    def move(leaf: Array) -> Array:
        return leaf + NUDGE * np.maximum(np.abs(leaf), 1) * generator.normal(size=leaf.shape)

    return jax.tree.map(move, network)


def comparable(
    clones: Float[np.ndarray, " steps"],
    one: Float[np.ndarray, " steps"],
    echo: Float[np.ndarray, " steps"],
    tolerance: float,
) -> int:
    """Return over how many steps two loss curves can be compared.

    Over all, if they agree. If not: until training turns out to be chaotic, so that even the same
    network does not repeat itself, or until numbers are lost.

    Args:
        echo: the curve of a run that started a nudge away from ``one``.
        tolerance: up to which losses agree, relative to the larger.
    """
    if difference(clones, one) <= tolerance:
        return len(one)
    known = _relative(one, echo) <= PREDICTABLE
    return len(known) if known.all() else int(np.argmin(known))


def difference(some: Float[np.ndarray, " steps"], others: Float[np.ndarray, " steps"]) -> float:
    """Return how far two loss curves are apart at most, relative to the larger of both losses."""
    return float(_relative(some, others).max(initial=0.0))


def _relative(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return |a − b| over the larger of both; NaN where a number is not finite, 0 for 0/0."""
    with np.errstate(invalid="ignore"):
        larger = np.maximum(np.abs(some), np.abs(others))
        difference = np.abs(some - others)
        return np.divide(difference, larger, out=difference * 0, where=larger != 0)
