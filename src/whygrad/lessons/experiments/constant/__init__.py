"""Statement 5: a bias is a weight from a neuron that always outputs 1."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from whygrad.core.backprop import forward
from whygrad.core.nn import Network
from whygrad.lessons.experiments.constant.network import (
    draw_biased,
    with_constants,
    with_drawn_rows,
)
from whygrad.lessons.experiments.constant.story import PARTED, tell
from whygrad.lessons.experiments.constant.training import (
    Plan,
    Samples,
    Trained,
    Training,
    begin,
    train,
)
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.lesson import AT_MOST, Exercise, Law, Lesson, Measured, Place, Tick
from whygrad.lessons.options import option, setup
from whygrad.settings import OPTIMIZERS, Range, Settings

SAMPLES, INPUTS = 64, 2
FACTOR = 100  # times what another order of the samples does to a training
LEAST = 1e-12  # of the largest number that is compared
TOLERANCE = 1e-12  # of what a constant neuron says

Begin = Callable[..., Training]


@setup
class Constant:
    """Options: what is trained twice, with biases and with constant neurons."""

    optimizer: str = option("adam", OPTIMIZERS)
    activation: str = option("relu", NAMES)
    learning_rate: float = option(0.02, Range(float, 0, includes_low=False))
    steps: int = option(300, Range(int, 1, 5001))
    width: int = option(8, Range(int, 1, 65))
    depth: int = option(2, Range(int, 1, 5))
    decay: float = option(0.5, Range(float, 0))
    decay_kind: str = option("weight_decay", ("l2", "weight_decay"))
    seed: int = option(0, Range(int, 0, 2**31))


def measure(setup: Constant, tick: Tick) -> Measured:
    """Train with biases and with constant neurons, each in several ways side by side."""
    rng = np.random.default_rng(setup.seed)
    samples = _draw_samples(rng)
    settings = Settings(optimizer=setup.optimizer, learning_rate=setup.learning_rate)
    plan = Plan(settings, setup.decay_kind, setup.steps)
    # a training may leave the finite numbers; then the laws do not hold, and the story says so
    with jax.enable_x64(True), np.errstate(all="ignore"):
        network = draw_biased([INPUTS, *[setup.width] * setup.depth, 1], setup.activation, rng)
        constant = with_constants(network)
        drawn = with_drawn_rows(constant, rng)
        starts = _biased(setup.decay, partial(begin, plan, network), samples)
        runs = train(plan, starts, lambda share: tick(0.45 * share))
        starts = _constant(setup.decay, partial(begin, plan), constant, drawn, samples)
        runs |= train(plan, starts, lambda share: tick(0.5 + 0.45 * share))
        measured = _compared(runs) | _ones(runs, constant, samples[0])
    fan_in = np.array(network.sizes[:-1])
    return measured | {
        "sizes": network.sizes,
        "factor": FACTOR,
        "least": LEAST,
        "shrinking": float(np.sqrt(fan_in / (fan_in + 1)).min()),
    }


def _draw_samples(rng: np.random.Generator) -> Samples:
    x = rng.normal(size=(SAMPLES, INPUTS))
    return x, 1 + np.sin(2 * x[:, :1]) + x[:, 1:] / 2  # the 1 is there for biases to learn


def laws(setup: Constant, measured: Measured) -> tuple[Law, ...]:
    """Losses and parameters differ by no more than rounding, however it is summed."""
    apart, room = measured["apart"], measured["room"]
    return (
        Law("loss", apart["loss"], AT_MOST, room["loss"]),
        Law("parameters", apart["parameters"], AT_MOST, room["parameters"]),
        Law("one", measured["held_error"], AT_MOST, TOLERANCE),
        Law("spared", apart["spared"], AT_MOST, room["spared"]),
    )


def _biased(decay: float, start: Begin, samples: Samples) -> dict[str, Training]:
    x, y = samples
    reversed = x[::-1], y[::-1]
    return {
        "biases": start(samples),
        "reordered": start(reversed),
        "decayed": start(samples, decay=decay),
        "decayed_reordered": start(reversed, decay=decay),
    }


def _constant(
    decay: float, start: Begin, network: Network, drawn: Network, samples: Samples
) -> dict[str, Training]:
    return {
        "constants": start(network, samples),
        "unheld": start(network, samples, is_held=False),
        "drawn": start(drawn, samples),
        "row_spared": start(network, samples, decay=decay),
        "row_decays": start(network, samples, decay=decay, is_spared=False),
    }


def _compared(runs: dict[str, Trained]) -> Measured:
    losses = {name: run.losses for name, run in runs.items()}
    return {
        "losses": losses,
        "between": np.abs(losses["constants"] - losses["biases"]),
        "between_orders": np.abs(losses["reordered"] - losses["biases"]),
        "scale": float(losses["biases"].max()),
        "reordered": {
            "loss": _apart(runs, "biases", "reordered"),
            "parameters": _parted(runs, "biases", "reordered"),
        },
        "apart": {
            "loss": _apart(runs, "biases", "constants"),
            "parameters": _parted(runs, "biases", "constants"),
            "spared": _apart(runs, "decayed", "row_spared"),
            "decayed": _apart(runs, "decayed", "row_decays"),
            "decayed_parameters": _parted(runs, "decayed", "row_decays"),
            "drawn": _apart(runs, "biases", "drawn"),
            "unheld": _apart(runs, "biases", "unheld"),
        },
        "room": {
            "loss": _room(_apart(runs, "biases", "reordered"), losses["biases"]),
            "parameters": _room(_parted(runs, "biases", "reordered"), runs["biases"].path),
            "spared": _room(_apart(runs, "decayed", "decayed_reordered"), losses["decayed"]),
        },
        "lengths": {name: run.lengths for name, run in runs.items()},
    }


def _room(reordered: float, values: np.ndarray) -> float:
    """Return the tolerance: what another order of summing does, times a factor; at least a little.

    Where training enlarges rounding, it does so for every order.
    """
    return max(FACTOR * reordered, LEAST * float(np.abs(values).max()))


def _apart(runs: dict[str, Trained], one: str, other: str) -> float:
    """Return the largest difference between two curves of the loss."""
    return float(np.abs(runs[one].losses - runs[other].losses).max())


def _parted(runs: dict[str, Trained], one: str, other: str) -> float:
    """Return the largest difference between any two parameters at any mark."""
    return float(np.abs(runs[one].path - runs[other].path).max())


def _ones(runs: dict[str, Trained], start: Network, x: np.ndarray) -> Measured:
    """Return what the constant neurons say at first, and at the end, held and not held."""
    with_one = np.hstack([x, np.ones((len(x), 1))])
    held, unheld = (_said(runs[name].network, with_one) for name in ("constants", "unheld"))
    pivot = start.dense[0].weight[-1, -1]
    return {
        "pivot": float(pivot),
        "pivot_slope": float(start.dense[0].rule.slope(pivot)),
        "said": float(_said(start, with_one).flat[0]),
        "held_error": float(np.abs(held - 1).max()),
        "unheld_low": float(unheld.min()),
        "unheld_high": float(unheld.max()),
    }


def _said(network: Network, with_one: np.ndarray) -> np.ndarray:
    trace = forward(network, with_one)
    return np.stack([np.asarray(trace[name].output)[:, -1] for name in network.layers[:-1]])


def _unheld_error(measured: Measured) -> float:
    return max(abs(measured["unheld_low"] - 1), abs(measured["unheld_high"] - 1))


LESSON = Lesson(
    name="constant",
    claim=5,
    setup=Constant,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise(
            "by_itself",
            lambda setup, measured: _unheld_error(measured) <= TOLERANCE,
            {"activation": "tanh"},
        ),
        Exercise(
            "decay",
            lambda setup, measured: (
                max(measured["apart"][name] for name in ("decayed", "decayed_parameters"))
                <= measured["room"]["spared"]
            ),
            {"decay": 0.0},
        ),
        Exercise(
            "rounding",
            lambda setup, measured: measured["apart"]["loss"] > PARTED * measured["scale"],
            {"activation": "tanh", "steps": 2000},
        ),
    ),
    lab=lambda setup: Place("neuron", {"slide": "same"}),
)
