"""How good a network is on a part of the data."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from whygrad.backprop import propagate
from whygrad.network.losses import as_matrix, predictions, sample_losses
from whygrad.network.model import Network

ROWS_AT_ONCE = 16_384  # bounds the memory of an evaluation


def evaluate(
    network: Network,
    x: Float[np.ndarray, "m n_in"],
    y: Shaped[np.ndarray, "m *outputs"],
    loss: str,
    task: str,
) -> dict[str, float]:
    """Return the mean loss and the measures of a task on a part of the data.

    Returns:
        ``loss``, and ``accuracy`` for classes, binary and labels, or ``r2`` (share of the
        target's variance explained) for numbers. Empty if there are no samples.
    """
    if len(x) == 0:
        return {}
    # few shapes, so that small parts share one compilation; padding has weight 0
    at_once = min(max(1 << (len(x) - 1).bit_length(), 1024), ROWS_AT_ONCE)
    pieces = [
        _sums(network, *_padded(x[i : i + at_once], y[i : i + at_once], at_once), loss, task)
        for i in range(0, len(x), at_once)
    ]
    totals = {name: sum(float(piece[name]) for piece in pieces) for name in pieces[0]}
    means = {"loss": totals["loss"] / len(x)}
    if task != "numbers":
        return means | {"accuracy": totals["hits"] / len(x)}
    spread = float(np.sum((y - np.mean(y, axis=0)) ** 2))
    return means | {"r2": 1 - totals["misses"] / spread if spread else float("nan")}


def _padded(x: np.ndarray, y: np.ndarray, rows: int) -> tuple[np.ndarray, ...]:
    missing = rows - len(x)
    counts = np.concatenate([np.ones(len(x), np.float32), np.zeros(missing, np.float32)])
    return (*(np.pad(a, ((0, missing),) + ((0, 0),) * (a.ndim - 1)) for a in (x, y)), counts)


@partial(jax.jit, static_argnums=(4, 5))
def _sums(
    network: Network, x: Array, y: Array, counts: Array, loss: str, task: str
) -> dict[str, Float[Array, ""]]:
    trace = propagate(network, jnp.asarray(x, network.dense[0].weight.dtype), None)
    last = trace.layers["output"]
    targets = as_matrix(y, network.sizes[-1], last.output.dtype)
    ends = (loss, network.output_activation, last.preactivation, last.output, targets)
    sums = {"loss": counts @ sample_losses(*ends)}
    claimed = predictions(loss, network.output_activation, last.output)
    if task == "numbers":
        return sums | {"misses": counts @ jnp.sum((claimed - targets) ** 2, axis=1)}
    if network.sizes[-1] == 1 or task == "labels":
        return sums | {"hits": counts @ jnp.mean((claimed > 0.5) == (targets > 0.5), axis=1)}
    hits = jnp.argmax(claimed, axis=1) == jnp.argmax(targets, axis=1)
    return sums | {"hits": jnp.sum(hits * counts)}
