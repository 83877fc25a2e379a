"""Statement 7: ReLU's slope is exactly 1 for z > 0, so it does not saturate there."""

from typing import Any

import jax

from whygrad.lessons.experiments.depth_death import push_and_train
from whygrad.lessons.experiments.depth_descent import Descent, descend
from whygrad.lessons.experiments.depth_story import tell
from whygrad.lessons.lesson import AT_LEAST, AT_MOST, Exercise, Law, Lesson, Measured, Tick
from whygrad.lessons.options import option, setup
from whygrad.lessons.statistics import band, median
from whygrad.network.activations import ACTIVATIONS
from whygrad.settings import Range

NAMES = tuple(name for name, rule in ACTIVATIONS.items() if not rule.is_coupled)
ALWAYS = ("sigmoid", "relu")  # the statement is about these two
LEAKY = ("relu", "leaky_relu", "elu")
KEEPS = 0.7  # of delta's size must be left a layer, at least, where nothing saturates
SIGMOID_KEEPS = 0.35  # at most: its steepest slope is 1/4, and random weights scatter around that
TOLERANCE = 1e-6  # of the first layer's gradient, relative to the largest


@setup
class Depth:
    """Options: how deep the networks are, and how a ReLU is killed."""

    depth: int = option(20, Range(int, 2, 41))
    width: int = option(32, Range(int, 2, 257))
    batch: int = option(64, Range(int, 1, 1025))
    activations: tuple[str, ...] = option(("sigmoid", "tanh", "relu"), NAMES)
    seeds: int = option(16, Range(int, 1, 65))
    margin: float = option(0.5, Range(float, -100, 100))
    steps: int = option(300, Range(int, 1, 5001))
    learning_rate: float = option(0.01, Range(float, 0, 10, includes_low=False))
    seed: int = option(0, Range(int, 0, 2**31 - 100))


def measure(setup: Depth, tick: Tick) -> Measured:
    """Send a gradient down through layers of every activation; then kill a ReLU, and wait."""
    names = tuple(dict.fromkeys((*setup.activations, *ALWAYS)))
    with jax.enable_x64(True):
        descents = {}
        for place, name in enumerate(names, 1):
            descents[name] = descend(setup, name)
            tick(0.7 * place / len(names))
        deaths = {}
        for place, name in enumerate(LEAKY, 1):
            deaths[name] = push_and_train(setup, name)
            tick(0.7 + 0.3 * place / len(LEAKY))
    return {
        "activations": {name: _summary(setup, one) for name, one in descents.items()},
        "slope": descents["relu"].slope,
        "deaths": deaths,
    }


def laws(setup: Depth, measured: Measured) -> tuple[Law, ...]:
    """ReLU lets everything through above 0 and the sigmoid a quarter at most; the dead stay so."""
    found = measured["activations"]
    largest = max(one["nudge_scale"] for one in found.values())
    moved = measured["deaths"]["relu"]["dead_moved"]
    return (
        Law("slope", measured["slope"]["off"], AT_MOST, TOLERANCE),
        Law(
            "gradient",
            max(one["nudge_off"] for one in found.values()),
            AT_MOST,
            TOLERANCE * largest,
        ),
        Law("relu", found["relu"]["kept"], AT_LEAST, KEEPS),
        Law("sigmoid", found["sigmoid"]["kept"], AT_MOST, SIGMOID_KEEPS),
        Law("dead", moved, AT_MOST, 0.0),
    )


def _summary(setup: Depth, one: Descent) -> dict[str, Any]:
    """Return what all seeds did: middle and bands, and how much of delta is left a layer."""
    gradient, by_depth = band(one.gradients), band(one.first_by_depth)
    kept = (one.deltas[:, 0] / one.deltas[:, -1]) ** (1 / (setup.depth - 1))
    return {
        "init": one.init,
        "gradient": {"low": gradient.low, "middle": gradient.middle, "high": gradient.high},
        "first": {"low": by_depth.low, "middle": by_depth.middle, "high": by_depth.high},
        "delta": median(one.deltas),
        "kept": float(median(kept)),
        "ratio": float(median(one.deltas[:, 0] / one.deltas[:, -1])),
        "slope_mean": float(one.slope_mean),
        "nudge_off": float(one.nudge_off),
        "nudge_scale": float(one.nudge_scale),
    }


def _reaches_the_bottom(setup: Depth, measured: Measured) -> bool:
    return measured["activations"]["sigmoid"]["ratio"] >= 0.01


def _survives(setup: Depth, measured: Measured) -> bool:
    return measured["deaths"]["relu"]["dead_before"] == 0


def _is_another_that_keeps(setup: Depth, measured: Measured) -> bool:
    found = measured["activations"]
    curved = {name for name in found if not ACTIVATIONS[name].is_homogeneous}
    return setup.depth >= 20 and any(0.9 <= found[name]["kept"] <= 1.1 for name in curved)


LESSON = Lesson(
    name="depth",
    claim=7,
    setup=Depth,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise("shallow", _reaches_the_bottom, {"depth": 4}),
        Exercise("survive", _survives, {"margin": -2.0}),
        Exercise("curved", _is_another_that_keeps, {"activations": ("selu",)}),
    ),
)
