"""Statement 11: biases may start at 0, since the weights already differ."""

from typing import Any

import numpy as np

from whygrad.core.nn import Network
from whygrad.core.symmetry import effective_width
from whygrad.data import load
from whygrad.data.table import Data
from whygrad.lessons.experiments.biases.parting import parting
from whygrad.lessons.experiments.biases.story import tell
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.instruments.side_by_side import Group, Start, proper, train_groups
from whygrad.lessons.instruments.statistics import NINE_IN_TEN, band, paired_interval
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
from whygrad.settings import OPTIMIZERS, Range, Settings

NO_NETWORK: dict[str, float] = dict.fromkeys(("neurons", "apart", "one_way"), float("nan"))
MAIN_SHARE = 0.55  # of the work is the first of the two trainings


@setup
class Biases:
    """Options: what learns what, and how the biases start."""

    data: str = option(
        "digits",
        ("digits", "iris", "wine", "breast_cancer", "spiral", "circles", "moons", "xor"),
    )
    activation: str = option("tanh", NAMES)
    straight: str = option("relu", ("relu", "leaky_relu", "identity"))
    width: int = option(32, Range(int, 2, 257))
    depth: int = option(1, Range(int, 1, 9))
    spread: float = option(0.1, Range(float, 0, 100, includes_low=False))
    constant: float = option(0.05, Range(float, -100, 100))
    optimizer: str = option("adam", OPTIMIZERS)
    learning_rate: float = option(0.001, Range(float, 0, includes_low=False))
    epochs: int = option(30, Range(int, 1, 1001))
    batch: int = option(64, Range(int, 1, 4097))
    seeds: int = option(16, Range(int, 6, 129))  # fewer give no interval that is 95 % sure
    seed: int = option(0, Range(int, 0, 2**30))


def measure(setup: Biases, tick: Tick) -> Measured:
    """Train with biases of 0 and with random ones, under random and under constant weights."""
    data = load(setup.data)
    random = f"normal:{setup.spread}"
    constant = f"constant:{setup.constant}"
    curved = _train(
        setup,
        data,
        setup.activation,
        {
            "zero": Start(proper(setup.activation)),
            "random": Start(proper(setup.activation), random),
            "alone": Start(constant, random),
            "neither": Start(constant),
        },
        lambda share: tick(MAIN_SHARE * share),
    )
    straight = _train(
        setup,
        data,
        setup.straight,
        {"zero": Start(proper(setup.straight)), "alone": Start(constant, random)},
        lambda share: tick(MAIN_SHARE + (1 - MAIN_SHARE) * share),
    )
    zero, drawn = curved["zero"], curved["random"]
    return {
        "sizes": list(zero.before[0].sizes),
        "proper": proper(setup.activation),
        "curved": {name: described(group) for name, group in curved.items()},
        "straight": {name: described(group) for name, group in straight.items()},
        "finals": {"zero": zero.finals, "random": drawn.finals},
        "difference": vars(paired_interval(drawn.finals, zero.finals)),
        "reach": paired_interval(drawn.finals, zero.finals).reach,
        "seeds_apart": float(band(zero.finals).width),
        "width_at_start": min(effective_width(one)["hidden1"] for one in zero.before),
        "parting": {
            "zero": parting(zero.before[0], data, setup.depth),
            "neither": parting(curved["neither"].before[0], data, setup.depth),
            "curved": parting(curved["alone"].before[0], data, setup.depth),
            "straight": parting(straight["alone"].before[0], data, setup.depth),
        },
    }


def laws(setup: Biases, measured: Measured) -> tuple[Law, ...]:
    """All neurons differ without random biases, and random biases matter less than the seed."""
    return (
        Law("differ", float(measured["width_at_start"]), EQUALS, float(setup.width)),
        Law("matter", measured["reach"], AT_MOST, measured["seeds_apart"]),
    )


def _train(
    setup: Biases, data: Data, activation: str, starts: dict[str, Start], tick: Tick
) -> dict[str, Group]:
    settings = Settings(
        optimizer=setup.optimizer,
        learning_rate=setup.learning_rate,
        batch_size=setup.batch,
        epochs=setup.epochs,
        record_every=0,
    )
    return train_groups(
        starts,
        data,
        settings,
        hidden=[setup.width] * setup.depth,
        activation=activation,
        seeds=range(setup.seed, setup.seed + setup.seeds),
        tick=tick,
    )


def described(group: Group) -> dict[str, Any]:
    """Return the losses of a start, and how much its neurons differ in the end."""
    curves = group.curves
    ends = [_differences(network) for network in group.finite] or [NO_NETWORK]
    return {
        "half": vars(band(curves)),
        "most": vars(band(curves, NINE_IN_TEN)),
        "final": {name: float(value) for name, value in vars(band(group.finals)).items()},
        **{name: float(np.median([end[name] for end in ends])) for name in ends[0]},
    }


def _differences(network: Network) -> dict[str, float]:
    """Return how different the neurons of the first hidden layer are.

    Returns:
        ``neurons``: how many different ones; ``apart``: mean distance of two neurons' weights in,
        over their mean length; ``one_way``: share of the differences that lies along one direction.
    """
    weight = np.asarray(network["hidden1"].weight, np.float64)
    lengths = np.linalg.norm(weight, axis=0).mean()
    between = np.linalg.norm(weight[:, :, None] - weight[:, None, :], axis=0)
    pairs = between[np.triu_indices(weight.shape[1], 1)]
    squares = np.linalg.svd(weight - weight.mean(axis=1, keepdims=True), compute_uv=False) ** 2
    return {
        "neurons": float(effective_width(network)["hidden1"]),
        "apart": float(pairs.mean() / lengths) if lengths else 0.0,
        "one_way": float(squares[0] / squares.sum()) if squares.any() else 0.0,
    }


def _in_the_lab(setup: Biases) -> Place:
    """Return eight seeds of the room's own task, with biases as far spread as here."""
    there = {"spread": within(setup.spread, 0.0, 5.0)}
    return Place("biases", there, values=there)


LESSON = Lesson(
    name="biases",
    claim=11,
    setup=Biases,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise(
            "too_large",
            lambda setup, measured: measured["difference"]["low"] > measured["seeds_apart"],
            {"spread": 3.0},
        ),
        Exercise(
            "enough",
            lambda setup, measured: (
                measured["curved"]["alone"]["final"]["middle"]
                <= 2 * measured["curved"]["zero"]["final"]["middle"]
            ),
            {"learning_rate": 0.003},
        ),
    ),
    lab=_in_the_lab,
)
