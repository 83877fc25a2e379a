"""Statement 12: one bias is broadcast forward to all samples, so its gradient sums over them."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from whygrad.core.backprop import Anatomy, Trace, backward, forward, propagate, propagate_back
from whygrad.core.nn import Network
from whygrad.core.nn.network import Parameters
from whygrad.lessons.experiments.broadcast.orientation import turned
from whygrad.lessons.experiments.broadcast.story import tell
from whygrad.lessons.instruments.graphs import jax_graph, torch_graph
from whygrad.lessons.instruments.nudge import nudged_losses
from whygrad.lessons.lesson import (
    AT_MOST,
    EQUALS,
    Exercise,
    Law,
    Lesson,
    Measured,
    Place,
    Tick,
    within,
)
from whygrad.lessons.options import option, setup
from whygrad.settings import Range

TOLERANCE = 1e-7  # of a central difference, relative to the largest delta
LOOP_TOLERANCE = 1e-12  # of another order of addition in float64, likewise
PATH_TOLERANCE = 1e-6  # of two trainings, relative to the largest parameter
LOSS = "squared"
GRAPHS = {"jax": jax_graph, "torch": torch_graph}
STEPS = 40
MEAN, SUM, UNDIVIDED, TWICE = range(4)  # the four ways to train; see _ways


@setup
class Broadcast:
    """Options: how many samples share a bias, and what network they go through."""

    batch: int = option(5, Range(int, 1, 4097))
    inputs: int = option(4, Range(int, 1, 65))
    width: int = option(3, Range(int, 1, 65))
    activation: str = option("tanh", ("identity", "sigmoid", "tanh", "softplus", "silu", "gelu"))
    learning_rate: float = option(0.1, Range(float, 0, 1000, includes_low=False))
    seed: int = option(0, Range(int, 0, 2**31))


def measure(setup: Broadcast, tick: Tick) -> Measured:
    """Nudge every bias, watch the loss of every sample, and compare with back-propagation."""
    with jax.enable_x64(True):
        network, x, y = _draw(setup)
        trace = forward(network, x)
        anatomy = backward(network, trace, y, loss=LOSS)
        tick(0.2)
        nudged = nudged_losses(network, x, y, LOSS)
        tick(0.5)
        looped = _loop(network, x, y)
        tick(0.6)
        courses = _train(network, x, y, setup.learning_rate)
        gradient = np.asarray(anatomy.gradients()["hidden1"]["bias"])
        shapes = _shapes(network, trace, anatomy, nudged.sum(axis=0))
        columns = turned(network, anatomy)
    traced = (setup.width, setup.inputs, setup.batch)
    return {
        "nudged": nudged,
        "gradient": gradient,
        "sum": nudged.sum(axis=0),
        "scale": float(np.abs(nudged).max()),
        "largest_input": float(np.abs(x).max()),
        "sample_difference": _furthest(anatomy["hidden1"].delta, nudged),
        "mean_difference": _furthest(gradient, nudged.mean(axis=0)),
        "loop_difference": _furthest(gradient, looped.sum(axis=0) / setup.batch),
        "agreement": _agreement(nudged),
        "shapes": shapes,
        "turned": columns,
        "graphs": {name: graph(*traced) for name, graph in GRAPHS.items()},
        **courses,
    }


def laws(setup: Broadcast, measured: Measured) -> tuple[Law, ...]:
    """Every sample pulls by its delta; the mean is the gradient; sum and mean differ by a rate."""
    scale, shapes = measured["scale"], measured["shapes"]
    largest = scale * max(1.0, measured["largest_input"])
    return (
        Law("sample", measured["sample_difference"], AT_MOST, TOLERANCE * scale),
        Law("mean", measured["mean_difference"], AT_MOST, TOLERANCE * scale),
        Law("loop", measured["loop_difference"], AT_MOST, LOOP_TOLERANCE * scale),
        Law("shape", float(shapes["gradient"] == shapes["bias"]), EQUALS, 1.0),
        Law("turned", measured["turned"]["difference"], AT_MOST, LOOP_TOLERANCE * largest),
        Law("rate", measured["path_difference"], AT_MOST, PATH_TOLERANCE),
    )


def _draw(setup: Broadcast) -> tuple[Network, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(setup.seed)
    sizes = [setup.inputs, setup.width, 1]
    weights = [rng.normal(0, 1 / np.sqrt(n), (n, m)) for n, m in pairwise(sizes)]
    biases = [rng.normal(0, 0.1, n) for n in sizes[1:]]
    network = Network.from_arrays(weights, biases, activations=[setup.activation, "identity"])
    return network, rng.normal(size=(setup.batch, setup.inputs)), rng.normal(size=(setup.batch, 1))


def _loop(network: Network, x: np.ndarray, y: np.ndarray) -> Float[np.ndarray, "m n_out"]:
    """Return the bias gradient of every sample, each walked through the network alone."""

    def alone(sample: tuple[Array, Array]) -> Array:
        row, target = (part[None] for part in sample)
        return _gradients(network, row, target, 1.0)["hidden1"]["bias"]

    return np.asarray(jax.jit(lambda *samples: jax.lax.map(alone, samples))(x, y))


def _gradients(network: Network, x: Array, y: Array, share: float | Array) -> Parameters:
    """Return gradients in which every sample counts ``share``: 1/m for the mean, 1 for the sum."""
    return _anatomy(network, x, y, share).gradients()


def _anatomy(network: Network, x: Array, y: Array, share: float | Array) -> Anatomy:
    shares = jnp.full(x.shape[0], share, x.dtype)
    return propagate_back(network, propagate(network, x, None), y, LOSS, shares)


def _ways(batch: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each of the four ways, what a sample counts in the gradient, and the rate."""
    counts = np.array([1 / batch, 1.0, 1.0, 1 / batch])
    return counts, np.array([rate, rate / batch, rate, rate / batch])


def _train(network: Network, x: np.ndarray, y: np.ndarray, rate: float) -> Measured:
    """Take plain gradient steps on the whole batch in the four ways, side by side."""

    @jax.jit
    def courses(x: Array, y: Array, shares: Array, rates: Array) -> tuple[Array, Parameters]:
        def course(share: Array, rate: Array):
            def step(parameters: Parameters, _: None):
                anatomy = _anatomy(network.with_parameters(parameters), x, y, share)
                moved = jax.tree.map(lambda w, g: w - rate * g, parameters, anatomy.gradients())
                return moved, (anatomy.sample_loss.mean(), parameters)

            return jax.lax.scan(step, network.parameters, length=STEPS + 1)[1]

        return jax.vmap(course)(shares, rates)

    losses, paths = courses(x, y, *_ways(len(x), rate))
    return {"losses": np.asarray(losses), **_compared(np.asarray(losses), jax.tree.leaves(paths))}


def _compared(losses: np.ndarray, paths: Iterable[Array]) -> Measured:
    """Return how far the paths of mean and sum part, relative to their largest parameter.

    They are compared until the loss has grown tenfold: from there on, a step multiplies whatever
    rounding made of two equal numbers.
    """
    flat = [np.asarray(path).reshape(4, STEPS + 1, -1) for path in paths]
    mean, total = (np.concatenate([path[way] for path in flat], axis=1) for way in (MEAN, SUM))
    is_tame = np.all(losses[[MEAN, SUM]] <= 10 * losses[MEAN, 0], axis=0)
    steps = STEPS if is_tame.all() else max(int(np.argmin(is_tame)) - 1, 1)
    mean, total = mean[: steps + 1], total[: steps + 1]
    gaps = np.abs(mean - total).max(axis=1) / np.abs(mean).max(axis=1)
    return {"path_difference": float(gaps.max()), "compared_steps": steps}


def _furthest(one: Any, other: Any) -> float:
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())


def _agreement(pulls: Float[np.ndarray, "m n_out"]) -> Float[np.ndarray, " n_out"]:
    """Return the mean over the mean size of what the samples ask: 1 where all agree."""
    sizes = np.abs(pulls).mean(axis=0)
    return np.abs(pulls.mean(axis=0)) / np.where(sizes > 0, sizes, 1)


def _shapes(network: Network, trace: Trace, anatomy: Anatomy, total: np.ndarray) -> Measured:
    layer, below = network["hidden1"], trace["hidden1"]
    arrays = {
        "input": below.input,
        "weight": layer.weight,
        "product": below.input @ layer.weight,
        "bias": layer.bias,
        "preactivation": below.preactivation,
        "delta": anatomy["hidden1"].delta,
        "sum": total,
        "gradient": anatomy.gradients()["hidden1"]["bias"],
    }
    return {name: list(np.shape(array)) for name, array in arrays.items()}


def _runs_away(measured: Measured, way: int) -> bool:
    first, last = measured["losses"][way][[0, -1]]
    return not last <= first


def _in_the_lab(setup: Broadcast) -> Place:
    """Return a layer of the room's own, with as many samples as here if they fit."""
    samples = within(setup.batch, 1, 8)
    return Place("batch", {"layout": "rows", "samples": samples}, values={"samples": samples})


LESSON = Lesson(
    name="broadcast",
    claim=12,
    setup=Broadcast,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise(
            "cancel",
            lambda setup, measured: bool((measured["agreement"] < 0.01).any()),
            {"width": 64},
        ),
        Exercise(
            "run_away",
            lambda setup, measured: (
                _runs_away(measured, UNDIVIDED) and not _runs_away(measured, MEAN)
            ),
            {"batch": 64},
        ),
    ),
    lab=_in_the_lab,
)
