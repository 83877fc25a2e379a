"""Statement 9: equal weights end no lower than guessing, random weights far below it."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from whygrad.core.backprop import backward, forward
from whygrad.core.nn import Network
from whygrad.core.symmetry import effective_width
from whygrad.data import load
from whygrad.lessons.experiments.starts.story import tell
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.instruments.side_by_side import Group, Start, proper, train_groups
from whygrad.lessons.instruments.statistics import (
    NINE_IN_TEN,
    band,
    guessing,
    median,
    paired_interval,
)
from whygrad.lessons.lesson import AT_LEAST, AT_MOST, Exercise, Law, Lesson, Measured, Place, Tick
from whygrad.lessons.options import option, setup
from whygrad.settings import OPTIMIZERS, Range, Settings

MARGIN = 0.05  # of the loss of guessing: a difference that shows in the picture
FAR_BELOW = 0.5  # of the loss of guessing
CONSTANTS = ("zero", "constant")
OTHER_SEEDS = 6  # enough to see what the other optimiser does
MAIN_SHARE = 0.7  # of the work is the first of the two trainings


@setup
class Starts:
    """Options: what learns what, from which starts, and how often."""

    data: str = option(
        "digits",
        ("digits", "iris", "wine", "breast_cancer", "spiral", "circles", "moons", "xor"),
    )
    activation: str = option("relu", NAMES)
    width: int = option(32, Range(int, 1, 257))
    depth: int = option(2, Range(int, 1, 9))
    constant: float = option(0.5, Range(float, -100, 100))
    tiny: float = option(0.001, Range(float, 0, 0.1, includes_low=False))
    huge: float = option(1.0, Range(float, 0.5, 1000))
    optimizer: str = option("adam", OPTIMIZERS)
    learning_rate: float = option(0.003, Range(float, 0, includes_low=False))
    other_optimizer: str = option("sgd", OPTIMIZERS)
    other_learning_rate: float = option(0.05, Range(float, 0, includes_low=False))
    epochs: int = option(30, Range(int, 1, 1001))
    batch: int = option(64, Range(int, 1, 4097))
    seeds: int = option(16, Range(int, 6, 129))  # fewer give no interval that is 95 % sure
    seed: int = option(0, Range(int, 0, 2**30))


def measure(setup: Starts, tick: Tick) -> Measured:
    """Train every start with every seed, side by side; then once more with the other optimiser."""
    data = load(setup.data)
    groups = _train(
        setup,
        setup.seeds,
        {"optimizer": setup.optimizer, "learning_rate": setup.learning_rate},
        lambda share: tick(MAIN_SHARE * share),
    )
    fewer = min(setup.seeds, OTHER_SEEDS)
    others = _train(
        setup,
        fewer,
        {"optimizer": setup.other_optimizer, "learning_rate": setup.other_learning_rate},
        lambda share: tick(MAIN_SHARE + (1 - MAIN_SHARE) * share),
    )
    best = groups["proper"].finals
    return {
        "sizes": list(groups["proper"].before[0].sizes),
        "proper": proper(setup.activation),
        "guessing": guessing(data.train.y),
        "starts": {name: _described(group) for name, group in groups.items()},
        "differences": {
            name: vars(paired_interval(group.finals, best))
            for name, group in groups.items()
            if name != "proper"
        },
        "neurons": {name: _neurons(groups[name].finite) for name in CONSTANTS},
        "first_gradient": _first_gradient(groups["zero"].before[0], data),
        "constant_gradient": _first_gradient(groups["constant"].before[0], data),
        "moved": _moved(groups["zero"]),
        "others": {name: float(median(group.finals)) for name, group in others.items()},
        "other_seeds": fewer,
    }


def laws(setup: Starts, measured: Measured) -> tuple[Law, ...]:
    """The constant starts end no lower than guessing, the proper one far below, no other lower."""
    guessing = measured["guessing"]
    room = MARGIN * guessing
    finals = {name: one["final"]["middle"] for name, one in measured["starts"].items()}
    lowest = min(value for name, value in finals.items() if name != "proper")
    best_constant = min(finals[name] for name in CONSTANTS)
    return (
        Law("guess", best_constant, AT_LEAST, guessing - room),
        *(Law(name, measured["differences"][name]["low"], AT_LEAST, room) for name in CONSTANTS),
        Law("far", finals["proper"], AT_MOST, FAR_BELOW * guessing),
        Law("lowest", finals["proper"], AT_MOST, lowest),
    )


def initialisers(setup: Starts) -> dict[str, str]:
    """Return how the weights of every start are set, in the order of the story."""
    return {
        "zero": "zeros",
        "constant": f"constant:{setup.constant}",
        "tiny": f"normal:{setup.tiny}",
        "proper": proper(setup.activation),
        "huge": f"normal:{setup.huge}",
    }


def _train(setup: Starts, seeds: int, optimizer: dict[str, Any], tick: Tick) -> dict[str, Group]:
    settings = Settings(**optimizer, batch_size=setup.batch, epochs=setup.epochs, record_every=0)
    return train_groups(
        {name: Start(weights) for name, weights in initialisers(setup).items()},
        load(setup.data),
        settings,
        hidden=[setup.width] * setup.depth,
        activation=setup.activation,
        seeds=range(setup.seed, setup.seed + seeds),
        tick=tick,
    )


def _described(group: Group) -> dict[str, Any]:
    curves = group.curves
    return {
        "half": vars(band(curves)),
        "most": vars(band(curves, NINE_IN_TEN)),
        "first": float(median(curves)[0]),
        "final": {name: float(value) for name, value in vars(band(group.finals)).items()},
        "lost": int((~np.isfinite(group.finals)).sum()),
    }


def _neurons(networks: Iterable[Network]) -> int | None:
    """Return how many different neurons the first hidden layer has at most; None of no network."""
    return max((effective_width(network)["hidden1"] for network in networks), default=None)


def _first_gradient(network: Network, data: Any) -> dict[str, float]:
    """Return the largest gradient of every kind of parameter, before any step."""
    anatomy = backward(network, forward(network, data.train.x), data.train.y, loss=_loss(data))
    return _largest({name: layer for name, layer in anatomy.gradients().items()})


def _loss(data: Any) -> str:
    return "binary_cross_entropy" if data.task == "binary" else "softmax_cross_entropy"


def _moved(group: Group) -> dict[str, float]:
    """Return how far parameters of every kind went at most, over the seeds."""
    ways = [
        _largest(
            {
                name: {part: after.parameters[name][part] - start for part, start in layer.items()}
                for name, layer in before.parameters.items()
            }
        )
        for before, after in zip(group.before, group.after, strict=True)
    ]
    return {kind: max(way[kind] for way in ways) for kind in ways[0]}


def _largest(layers: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return the largest absolute number of the weights and biases, of hidden layers and output."""
    found: dict[str, float] = {}
    for name, parts in layers.items():
        for part, values in parts.items():
            kind = f"{'output' if name == 'output' else 'hidden'}_{part}"
            found[kind] = max(found.get(kind, 0.0), float(np.abs(np.asarray(values)).max()))
    return found


def _final(measured: Measured, name: str) -> float:
    return measured["starts"][name]["final"]["middle"]


LESSON = Lesson(
    name="starts",
    claim=9,
    setup=Starts,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise(
            "zero_learns",
            lambda setup, measured: _final(measured, "zero") <= (1 - MARGIN) * measured["guessing"],
            {"activation": "sigmoid"},
        ),
        Exercise(
            "tiny_stuck",
            lambda setup, measured: (
                abs(_final(measured, "tiny") - measured["guessing"])
                <= MARGIN * measured["guessing"]
            ),
            {"optimizer": "sgd", "learning_rate": 0.05},
        ),
        Exercise(
            "huge_wins",
            lambda setup, measured: _final(measured, "huge") < _final(measured, "proper"),
            {"activation": "sigmoid"},
        ),
    ),
    lab=lambda setup: Place("copying", {"start": "random", "step": 1000}),
)
