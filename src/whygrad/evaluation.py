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
    pieces = [
        _sums(network, x[i : i + ROWS_AT_ONCE], y[i : i + ROWS_AT_ONCE], loss, task)
        for i in range(0, len(x), ROWS_AT_ONCE)
    ]
    totals = {name: sum(float(piece[name]) for piece in pieces) for name in pieces[0]}
    means = {"loss": totals["loss"] / len(x)}
    if task != "numbers":
        return means | {"accuracy": totals["hits"] / len(x)}
    spread = float(np.sum((y - np.mean(y, axis=0)) ** 2))
    return means | {"r2": 1 - totals["misses"] / spread if spread else float("nan")}


@partial(jax.jit, static_argnums=(3, 4))
def _sums(
    network: Network, x: Array, y: Array, loss: str, task: str
) -> dict[str, Float[Array, ""]]:
    trace = propagate(network, jnp.asarray(x, network.dense[0].weight.dtype), None)
    last = trace.layers["output"]
    targets = as_matrix(y, network.sizes[-1], last.output.dtype)
    ends = (loss, network.output_activation, last.preactivation, last.output, targets)
    sums = {"loss": jnp.sum(sample_losses(*ends))}
    claimed = predictions(loss, network.output_activation, last.output)
    if task == "numbers":
        return sums | {"misses": jnp.sum((claimed - targets) ** 2)}
    if network.sizes[-1] == 1 or task == "labels":
        return sums | {"hits": jnp.sum(jnp.mean((claimed > 0.5) == (targets > 0.5), axis=1))}
    hits = jnp.argmax(claimed, axis=1) == jnp.argmax(targets, axis=1)
    return sums | {"hits": jnp.sum(hits)}
