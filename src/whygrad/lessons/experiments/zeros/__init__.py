"""Statement 6: when all inputs are 0, a neuron without a bias is stuck; with one it can learn."""

from typing import Any

import jax
import numpy as np

from whygrad.lessons.experiments.zeros.story import tell
from whygrad.lessons.experiments.zeros.training import (
    KINDS,
    NUDGE,
    TARGET,
    Task,
    ask_neurons,
    draw_networks,
    train,
)
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.lesson import AT_MOST, EQUALS, Exercise, Law, Lesson, Measured, Place, Tick
from whygrad.lessons.options import option, setup
from whygrad.settings import Range

TOLERANCE = 1e-7  # of a nudged bias, relative to the largest delta
NEAR = 1e-4  # a loss this close to the entropy has reached it


@setup
class Zeros:
    """Options: the neuron that sees only zeros, and the network and the task around it."""

    activation: str = option("tanh", NAMES)
    bias: float = option(0.5, Range(float, 0.01, 10))
    inputs: int = option(4, Range(int, 1, 65))
    width: int = option(3, Range(int, 1, 33))
    depth: int = option(1, Range(int, 1, 4))
    samples: int = option(50, Range(int, 2, 2049))
    share: float = option(0.8, Range(float, 0.05, 0.95))
    steps: int = option(3000, Range(int, 1, 10001))
    learning_rate: float = option(0.1, Range(float, 0, includes_low=False))
    seed: int = option(0, Range(int, 0, 2**31))


def measure(setup: Zeros, tick: Tick) -> Measured:
    """Ask a neuron of every activation, then train networks of every activation."""
    rng = np.random.default_rng(setup.seed)
    task = _task(setup)
    # a training may leave the finite numbers; then the laws do not hold, and the story says so
    with jax.enable_x64(True), np.errstate(all="ignore"):
        neurons = ask_neurons(rng.normal(size=setup.inputs), setup.bias)
        tick(0.2)
        networks = draw_networks([setup.inputs, *[setup.width] * setup.depth, 1], rng)
        runs = train(
            networks, task, setup.learning_rate, setup.steps, lambda s: tick(0.2 + 0.8 * s)
        )
    return {
        "neurons": neurons,
        "runs": {name: {k: _ended(runs[name][k], task) for k in KINDS} for name in NAMES},
        "curves": {kind: runs[setup.activation][kind]["losses"] for kind in KINDS},
        "ones": task.ones,
        "share": float(task.shares[0]),
        "entropy": task.entropy,
        "silent": [name for name in NAMES if neurons[name]["zero"] == 0],
        "speaking": [name for name in NAMES if neurons[name]["zero"] != 0],
        "target": TARGET,
        "nudge": NUDGE,
        "near": NEAR,
    }


def laws(setup: Zeros, measured: Measured) -> tuple[Law, ...]:
    """Above zeros no weight learns and every bias does; where f(0) is 0, only biases learn."""
    neurons, runs = measured["neurons"].values(), measured["runs"]
    wrong = [abs(one["bias"] - one["nudged_bias"]) for one in neurons]
    room = TOLERANCE * max(abs(one["nudged_bias"]) for one in neurons)
    kept = [one[kind]["first_weights"] for one in runs.values() for kind in KINDS]
    return (
        Law("weights", _largest_weight_gradient(measured), EQUALS, 0.0),
        Law("bias", _worst(wrong), AT_MOST, room),
        Law("first_weights", _worst(kept), EQUALS, 0.0),
        Law("stuck", _worst(runs[n]["without"]["change"] for n in measured["silent"]), EQUALS, 0.0),
        Law("base_rate", _worst(runs[n]["with"]["gap"] for n in NAMES), AT_MOST, NEAR),
        Law(
            "heard", _worst(runs[n]["without"]["gap"] for n in measured["speaking"]), AT_MOST, NEAR
        ),
    )


def _task(setup: Zeros) -> Task:
    ones = min(max(round(setup.share * setup.samples), 1), setup.samples - 1)
    return Task(ones, setup.samples, setup.inputs)


def _ended(run: dict[str, Any], task: Task) -> dict[str, Any]:
    """Return how a training went, in a few numbers."""
    losses = run["losses"]
    moved = {name: value for name, value in run.items() if name != "losses"}
    return moved | {
        "first": float(losses[0]),
        "last": float(losses[-1]),
        "change": float(np.abs(losses - losses[0]).max()),
        "gap": float(abs(losses[-1] - task.entropy)),
    }


def _largest_weight_gradient(measured: Measured) -> float:
    return _worst(
        one[f"{way}_{kind}"]
        for one in measured["neurons"].values()
        for way in ("weight", "nudged_weight")
        for kind in KINDS
    )


def _worst(values: Any) -> float:
    """Return the largest; NaN if any is."""
    return float(np.max([*values]))


def _own(setup: Zeros, measured: Measured, kind: str) -> dict[str, Any]:
    return measured["runs"][setup.activation][kind]


def _learns_without(setup: Zeros, measured: Measured) -> bool:
    own = _own(setup, measured, "without")
    return own["change"] > NEAR and own["gap"] <= NEAR


def _is_stuck_at_the_best(setup: Zeros, measured: Measured) -> bool:
    own = _own(setup, measured, "without")
    return own["change"] == 0 and own["gap"] <= NEAR


def _only_the_output_learns(setup: Zeros, measured: Measured) -> bool:
    own = _own(setup, measured, "with")
    return own["hidden_biases"] == 0 and own["output_bias"] > NEAR


def _in_the_lab(setup: Zeros) -> Place:
    """Return the neuron that sees only zeros, with a single input of them."""
    neuron = {"input": 0.0, "bias": setup.bias, "target": TARGET, "activation": setup.activation}
    return Place("neuron", {**neuron, "hold": False}, values={"bias": setup.bias})


LESSON = Lesson(
    name="zeros",
    claim=6,
    setup=Zeros,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise("without_biases", _learns_without, {"activation": "sigmoid"}),
        Exercise("no_loss", _is_stuck_at_the_best, {"share": 0.5}),
        Exercise("deaf", _only_the_output_learns, {"activation": "relu"}),
    ),
    lab=_in_the_lab,
)
