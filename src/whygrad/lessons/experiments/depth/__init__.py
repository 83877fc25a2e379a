"""Statement 7: ReLU's slope is exactly 1 for z > 0, so it does not saturate there."""

from functools import partial
from typing import Any

import jax
import numpy as np

from whygrad.core.nn.initializers import INITIALIZERS
from whygrad.lessons.experiments.depth.death import push_and_train
from whygrad.lessons.experiments.depth.descent import descend
from whygrad.lessons.experiments.depth.story import tell
from whygrad.lessons.instruments.at_once import at_once
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.instruments.statistics import band, median
from whygrad.lessons.lesson import AT_LEAST, AT_MOST, Exercise, Law, Lesson, Measured, Place, Tick
from whygrad.lessons.options import option, setup
from whygrad.settings import Range

FAMILIES = ("lecun", "glorot", "he", "orthogonal")  # which look at the size of a layer
INITS = tuple(name for name in INITIALIZERS if name.partition("_")[0] in FAMILIES)
ALWAYS = ("sigmoid", "relu")  # the statement is about these two
LEAKY = ("relu", "leaky_relu", "elu")
KEEPS = 0.8  # of delta's size must be left a layer, at least, where nothing saturates
SIGMOID_KEEPS = 0.35  # at most: its steepest slope is 1/4, and random weights scatter around that
TOLERANCE = 1e-6  # of a slope, and of gradients relative to the largest


@setup
class Depth:
    """Options: how deep the networks are, and how a ReLU is killed."""

    depth: int = option(20, Range(int, 2, 41))
    width: int = option(32, Range(int, 2, 257))
    batch: int = option(64, Range(int, 1, 1025))
    activations: tuple[str, ...] = option(("sigmoid", "tanh", "relu"), NAMES)
    init: str = option("proper", ("proper", *INITS))
    seeds: int = option(16, Range(int, 1, 65))
    margin: float = option(0.5, Range(float, -100, 100))
    steps: int = option(300, Range(int, 1, 5001))
    learning_rate: float = option(0.01, Range(float, 0, 10, includes_low=False))
    seed: int = option(0, Range(int, 0, 2**31 - 100))


def measure(setup: Depth, tick: Tick) -> Measured:
    """Send a gradient down through layers of every activation; then kill a ReLU, and wait."""
    names = tuple(dict.fromkeys((*setup.activations, *ALWAYS)))
    jobs = {("down", name): partial(_summarised, setup, name) for name in names}
    jobs |= {("dead", name): partial(push_and_train, setup, name) for name in LEAKY}
    found = at_once(jobs, tick)
    return {
        "activations": {name: found["down", name] for name in names},
        "deaths": {name: found["dead", name] for name in LEAKY},
    }


def laws(setup: Depth, measured: Measured) -> tuple[Law, ...]:
    """ReLU lets everything through above 0 and the sigmoid a quarter at most; the dead stay so."""
    found = measured["activations"]
    return (
        Law("slope", found["relu"]["off_one"], AT_MOST, TOLERANCE),
        Law("gradient", max(one["off"] for one in found.values()), AT_MOST, TOLERANCE),
        Law("relu", found["relu"]["kept"], AT_LEAST, KEEPS),
        Law("sigmoid", found["sigmoid"]["kept"], AT_MOST, SIGMOID_KEEPS),
        Law("dead", measured["deaths"]["relu"]["dead_moved"], AT_MOST, 0.0),
    )


def _summarised(setup: Depth, activation: str) -> dict[str, Any]:
    """Return what all seeds did: middles, a band, and how much of delta is left a layer."""
    with jax.enable_x64(True):
        one = descend(setup, activation)
    first, last = one.deltas[:, 0], one.deltas[:, -1]
    shares = np.divide(first, last, out=np.zeros_like(first), where=last > 0)
    arrives, deepest = float(median(shares)), band(one.norms[-1])
    return {
        "init": one.init,
        "norms": [median(norms) for norms in one.norms],
        "low": deepest.low,
        "high": deepest.high,
        "arrives": arrives,
        "kept": arrives ** (1 / (setup.depth - 1)),
        "silent": int((one.norms[-1][:, 0] == 0).sum()),
        "slope_mean": one.slope_mean,
        "open": one.open,
        "off_one": one.off_one,
        "off": one.off,
    }


def _reaches_the_bottom(setup: Depth, measured: Measured) -> bool:
    return measured["activations"]["sigmoid"]["arrives"] >= 0.01


def _fades_with_relu(setup: Depth, measured: Measured) -> bool:
    return 0 < measured["activations"]["relu"]["arrives"] < 0.01


def _survives(setup: Depth, measured: Measured) -> bool:
    return measured["deaths"]["relu"]["dead_before"] == 0


LESSON = Lesson(
    name="depth",
    claim=7,
    setup=Depth,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise("shallow", _reaches_the_bottom, {"depth": 4}),
        Exercise("start", _fades_with_relu, {"init": "glorot_normal"}),
        Exercise("survive", _survives, {"margin": -2.0}),
    ),
    lab=lambda setup: Place("forces", {"activation": "sigmoid", "look": "n10.paths"}),
)
