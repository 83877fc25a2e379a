"""How good a network is on a part of the data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from whygrad.core import backend
from whygrad.core.arrays import Array
from whygrad.core.backprop import propagate
from whygrad.core.nn.folding import fold
from whygrad.core.nn.losses import as_matrix, predictions, sample_losses
from whygrad.core.nn.network import Network
from whygrad.errors import NonFiniteError
from whygrad.record.arrays import xp

ROWS_AT_ONCE = 16_384  # bounds the memory of an evaluation
SMALLEST_PIECE = 1024


@dataclass(frozen=True)
class LaidOut:
    """A part of the data in pieces, ready to be measured often.

    Attributes:
        pieces: (x, y, counts) each; counts is the weight of a sample, 1 where all count alike, and
            0 for what fills a piece up: for JAX they are of one shape, on the device.
        samples: how many there are.
        total: the sum of their weights.
        spread: sum of the squared distances of the targets from their mean.
    """

    pieces: tuple[tuple[Array, Array, Array], ...]
    samples: int
    total: float
    spread: float


def evaluate(
    network: Network,
    x: Float[np.ndarray, "m n_in"],
    y: Shaped[np.ndarray, "m *outputs"],
    loss: str,
    task: str,
    weight: Float[np.ndarray, " m"] | None = None,
) -> dict[str, float]:
    """Return the mean loss and the measures of a task on a part of the data.

    Args:
        weight: how much each sample counts; None where all count alike.

    Returns:
        ``loss``, and ``accuracy`` for classes, binary and labels, or ``r2`` (share of the
        target's variance explained) for numbers. Empty if no sample counts.

    Raises:
        NonFiniteError: the outputs overflow, so that the loss is not finite.
    """
    measures = measure(network, lay_out(x, y, network.engine, weight), loss, task)
    if not np.isfinite(list(measures.values())).all():
        raise NonFiniteError("error.measure_not_finite", samples=len(x))
    return measures


def lay_out(
    x: Float[np.ndarray, "m n_in"],
    y: Shaped[np.ndarray, "m *outputs"],
    engine: str = "jax",
    weight: Float[np.ndarray, " m"] | None = None,
) -> LaidOut:
    """Lay samples out for an engine: for JAX in few shapes, so that parts share one compilation."""
    samples, at_once, filled = len(x), ROWS_AT_ONCE, 0
    if engine == "jax":
        backend.start()
        at_once = min(max(1 << (samples - 1).bit_length(), SMALLEST_PIECE), ROWS_AT_ONCE)
        filled = at_once
    counts = np.ones(samples, np.float32) if weight is None else weight.astype(np.float32)
    slices = (slice(start, start + at_once) for start in range(0, samples, at_once))
    pieces = tuple(_piece(x[rows], y[rows], counts[rows], filled) for rows in slices)
    total = float(counts.sum(dtype=np.float64))
    spread = _spread(y, weight) if total else 0.0
    return LaidOut(pieces, samples, total, spread)


def _spread(y: np.ndarray, weight: np.ndarray | None) -> float:
    if weight is None:
        return float(np.sum((y - np.mean(y, axis=0)) ** 2))
    return float(np.sum(weight @ (y - np.average(y, axis=0, weights=weight)) ** 2))


def measure(network: Network, part: LaidOut, loss: str, task: str) -> dict[str, float]:
    """Return what :func:`evaluate` returns, of samples that are laid out; maybe not finite."""
    if not part.total:
        return {}
    folded, of_piece = _either(network, _sums, (4, 5))
    with np.errstate(all="ignore"):  # what is not finite is told by whoever asks
        sums = [of_piece(folded, *piece, loss, task) for piece in part.pieces]
    totals = {name: sum(float(piece[name]) for piece in sums) for name in sums[0]}
    measures = {"loss": totals["loss"] / part.total}
    if task != "numbers":
        hits = max(part.total - totals["misses"], 0.0)  # a sum of weights is rounded
        return measures | {"accuracy": hits / part.total}
    # of a target that does not vary, there is nothing to explain
    return measures | ({"r2": 1 - totals["misses"] / part.spread} if part.spread else {})


def claims_by_piece(
    network: Network, x: Float[np.ndarray, "m n_in"], loss: str
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield what the outputs claim of inputs, some rows at a time: which ones, and (rows, n_out).

    However many rows there are, the claims of one piece alone are held.
    """
    folded, of_piece = _either(network, _claims, (2,))
    begun = 0
    for inputs, _, _ in lay_out(x, np.zeros((len(x), 1), np.float32), network.engine).pieces:
        rows = slice(begun, min(begun + len(inputs), len(x)))
        with np.errstate(all="ignore"):
            claims = np.asarray(of_piece(folded, inputs, loss))
        yield rows, claims[: rows.stop - rows.start]
        begun = rows.stop


def misses_by_sample(
    network: Network,
    x: Float[np.ndarray, "m n_in"],
    y: Shaped[np.ndarray, "m *outputs"],
    loss: str,
    task: str,
) -> Float[np.ndarray, " m"]:
    """Return how far each sample is missed, (m,); maybe not finite.

    That is 1 for a wrong class and 0 for the right one, the share of labels that are wrong, or the
    sum of the squared errors of numbers as they are trained on.
    """
    folded, of_piece = _either(network, _by_sample, (4, 5))
    with np.errstate(all="ignore"):
        misses = [
            np.asarray(of_piece(folded, *piece, loss, task)["misses"])
            for piece in lay_out(x, y, network.engine).pieces
        ]
    return np.concatenate([np.zeros(0, np.float32), *misses])[: len(x)]


def _piece(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, rows: int
) -> tuple[Array, Array, Array]:
    """Return a piece for NumPy; or for JAX, filled up to ``rows`` and put on the device."""
    if not rows:
        return x, y, counts
    import jax.numpy as jnp

    missing = rows - len(x)
    filled = [np.pad(a, ((0, missing),) + ((0, 0),) * (a.ndim - 1)) for a in (x, y, counts)]
    return jnp.asarray(filled[0]), jnp.asarray(filled[1]), jnp.asarray(filled[2])


def _either(
    network: Network, function: Callable[..., Any], static: tuple[int, ...]
) -> tuple[Network, Callable[..., Any]]:
    """Return a network and what goes over it, as its engine has them: for JAX folded, compiled."""
    is_numpy = network.engine == "numpy"
    return (network, function) if is_numpy else (fold(network), _compiled(function, static))


@cache
def _compiled(function: Callable[..., Any], static: tuple[int, ...]) -> Callable[..., Any]:
    import jax

    return jax.jit(function, static_argnums=static)


def _claims(network: Network, x: Array, loss: str) -> Float[Array, "rows n_out"]:
    trace = propagate(network, x.astype(network.dense[0].weight.dtype), None)
    return predictions(loss, network.output_activation, trace.layers["output"].output)


def _sums(
    network: Network, x: Array, y: Array, counts: Array, loss: str, task: str
) -> dict[str, Float[Array, ""]]:
    samples = _by_sample(network, x, y, counts, loss, task)
    return {name: counts @ values for name, values in samples.items()}


def _by_sample(
    network: Network, x: Array, y: Array, counts: Array, loss: str, task: str
) -> dict[str, Float[Array, " rows"]]:
    """Return the ``loss`` of each sample and how far it ``misses``: see misses_by_sample."""
    trace = propagate(network, x.astype(network.dense[0].weight.dtype), None)
    last = trace.layers["output"]
    targets = as_matrix(y, network.sizes[-1], last.output.dtype)
    ends = (loss, network.output_activation, last.preactivation, last.output, targets)
    claimed = predictions(loss, network.output_activation, last.output)
    if task == "numbers":
        misses = xp.sum((claimed - targets) ** 2, axis=1)
    elif network.sizes[-1] == 1 or task == "labels":
        misses = xp.mean((claimed > 0.5) != (targets > 0.5), axis=1)
    else:
        is_wrong = xp.argmax(claimed, axis=1) != xp.argmax(targets, axis=1)
        misses = is_wrong.astype(counts.dtype)
    return {"loss": sample_losses(*ends, counts), "misses": misses}
