"""Statement 13: the weights' gradient sums over samples too, hidden in the matrix product."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from whygrad.core.backprop import LayerAnatomy, backward, contract, forward, propagate
from whygrad.core.nn import Network
from whygrad.core.nn.losses import sample_losses
from whygrad.lessons.experiments.outer.story import tell
from whygrad.lessons.instruments.timing import median_seconds
from whygrad.lessons.lesson import AT_MOST, Exercise, Law, Lesson, Measured, Place, Tick, within
from whygrad.lessons.options import option, setup
from whygrad.settings import Range

LOSS = "squared"
TOLERANCE = 1e-10  # of another derivation in float64, relative to the largest number of any sample
ORDER_TOLERANCE = 1e-12  # of another order of addition, likewise
RANK_TOLERANCE = 1e-10  # singular values below this share of the largest count as 0
RANKS = 24  # batches whose rank is measured, at most


@setup
class Outer:
    """Options: how many samples, and how many weights they share."""

    batch: int = option(64, Range(int, 1, 1025))
    inputs: int = option(8, Range(int, 1, 65))
    width: int = option(6, Range(int, 1, 65))
    activation: str = option(
        "tanh",
        ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "softplus", "silu", "gelu"),
    )
    seed: int = option(0, Range(int, 0, 2**31))


def measure(setup: Outer, tick: Tick) -> Measured:
    """Take the outer products one by one, add them up, and compare with the matrix product."""
    with jax.enable_x64(True):
        network, x, y = _draw(setup)
        layer = backward(network, forward(network, x), y, loss=LOSS)["hidden1"]
        gradient = np.asarray(layer.gradient()["weight"])
        tick(0.3)
        own = _own_gradients(network, x, y)
        tick(0.6)
        ways = _ways(layer)
        seconds = median_seconds(ways, lambda share: tick(0.6 + 0.35 * share))
    inputs, delta = np.asarray(layer.input), np.asarray(layer.delta)
    outers = inputs[:, :, None] * delta[:, None, :]
    return {
        "input": inputs,
        "delta": delta,
        "gradient": gradient,
        "outers": outers[:3],
        "scale": float(np.abs(own).max()),
        "sample_difference": _furthest(outers, own),
        "sum_difference": _furthest(gradient, ways["loop"]()),
        "seconds": seconds,
        "bytes": {name: _peak_bytes(ways[name]) for name in ("loop", "stack", "product")},
        "stack_bytes": outers.nbytes,
        "factor_bytes": inputs.nbytes + delta.nbytes,
        "gradient_bytes": gradient.nbytes,
        **_ranks(inputs, delta, gradient),
    }


def laws(setup: Outer, measured: Measured) -> tuple[Law, ...]:
    """Each sample's gradient is an outer product, and the gradient is their mean."""
    scale = measured["scale"]
    return (
        Law("sample", measured["sample_difference"], AT_MOST, TOLERANCE * scale),
        Law("sum", measured["sum_difference"], AT_MOST, ORDER_TOLERANCE * scale),
        Law("rank_of_one", float(measured["largest_rank_of_one"]), AT_MOST, 1.0),
        Law("rank", float(measured["rank"]), AT_MOST, float(measured["rank_bound"])),
    )


def _draw(setup: Outer) -> tuple[Network, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(setup.seed)
    first = rng.normal(0, 1 / np.sqrt(setup.inputs), (setup.inputs, setup.width))
    last = rng.normal(0, 1 / np.sqrt(setup.width), (setup.width, 1))
    biases = [rng.normal(0, 0.1, setup.width), rng.normal(0, 0.1, 1)]
    network = Network.from_arrays([first, last], biases, activations=[setup.activation, "identity"])
    return network, rng.normal(size=(setup.batch, setup.inputs)), rng.normal(size=(setup.batch, 1))


def _own_gradients(
    network: Network, x: np.ndarray, y: np.ndarray
) -> Float[np.ndarray, "m n_in n_out"]:
    """Return the gradient of every sample's own loss, found by JAX from the way forward alone."""
    parameters = network.parameters

    def own_loss(weight: Array, row: Array, target: Array) -> Array:
        first = parameters["hidden1"] | {"weight": weight}
        moved = network.with_parameters(parameters | {"hidden1": first})
        last = propagate(moved, row[None], None)["output"]
        return sample_losses(LOSS, "identity", last.preactivation, last.output, target[None])[0]

    every = jax.jit(jax.vmap(jax.grad(own_loss), in_axes=(None, 0, 0)))
    return np.asarray(every(parameters["hidden1"]["weight"], x, y))


def _ways(layer: LayerAnatomy) -> dict[str, Callable[[], Any]]:
    """Return four ways to the same gradient, as functions without arguments."""
    x, delta = np.asarray(layer.input), np.asarray(layer.delta)
    samples = len(x)
    compiled = jax.jit(contract)
    shared = layer.share[:, None] * layer.delta

    def loop() -> np.ndarray:
        total = np.zeros((x.shape[1], delta.shape[1]))
        for row, answer in zip(x, delta, strict=True):
            total += np.outer(row, answer)
        return total / samples

    return {
        "loop": loop,
        "stack": lambda: (x[:, :, None] * delta[:, None, :]).sum(axis=0) / samples,
        "product": lambda: x.T @ delta / samples,
        "compiled": lambda: compiled(layer.input, shared),
    }


def _peak_bytes(way: Callable[[], Any]) -> int:
    """Return how much memory NumPy's arrays took at most while a way was walked."""
    was_tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    way()
    peak = tracemalloc.get_traced_memory()[1] - before
    if not was_tracing:
        tracemalloc.stop()
    return peak


def _ranks(x: np.ndarray, delta: np.ndarray, gradient: np.ndarray) -> Measured:
    """Return the rank of single outer products, of the gradient, and of the first m samples'."""
    narrow = min(gradient.shape)
    last = min(len(x), 2 * narrow)
    sizes = np.unique(np.linspace(1, last, min(last, RANKS)).round().astype(int))
    singles = [_rank(np.outer(x[i], delta[i])) for i in range(min(len(x), RANKS))]
    return {
        "largest_rank_of_one": max(singles),
        "rank": _rank(gradient),
        "rank_bound": min(len(x), narrow),
        "narrow": narrow,
        "rank_sizes": sizes,
        "ranks": np.array([_rank(x[:m].T @ delta[:m]) for m in sizes]),
    }


def _rank(matrix: Float[np.ndarray, "n_in n_out"]) -> int:
    """Return how many singular values are not 0 up to rounding."""
    values = np.linalg.svd(matrix, compute_uv=False)
    return int((values > RANK_TOLERANCE * values[0]).sum())


def _furthest(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


def _in_the_lab(setup: Outer) -> Place:
    """Return a layer of the room's own, with as many samples as fit, and a weight that is asked."""
    samples = within(setup.batch, 1, 8)
    address = {"layout": "rows", "samples": samples, "ask": "gw11"}
    return Place("batch", address, values={"samples": samples})


LESSON = Lesson(
    name="outer",
    claim=13,
    setup=Outer,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise("rank_one", lambda setup, measured: measured["rank"] == 1, {"batch": 1}),
        Exercise(
            "memory",
            lambda setup, measured: measured["stack_bytes"] >= 20 * measured["factor_bytes"],
            {"inputs": 64, "width": 64},
        ),
    ),
    lab=_in_the_lab,
)
