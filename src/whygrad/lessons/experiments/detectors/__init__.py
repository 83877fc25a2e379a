"""Statement 10: random weights break the symmetry, and neurons become different detectors."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from whygrad.core.backprop import forward
from whygrad.core.nn import Network
from whygrad.core.symmetry import effective_width
from whygrad.data import load
from whygrad.data.table import Data
from whygrad.lessons.experiments.detectors.scales import sweep
from whygrad.lessons.experiments.detectors.story import tell
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.instruments.side_by_side import Group, Start, proper, train_groups
from whygrad.lessons.instruments.statistics import median
from whygrad.lessons.lesson import AT_MOST, EQUALS, Exercise, Law, Lesson, Measured, Place, Tick
from whygrad.lessons.options import option, setup
from whygrad.settings import OPTIMIZERS, Range, Settings

STRONGEST = 40  # images that a neuron is asked about
CLOSE = 1e-5  # cosines of copies differ from 1 by rounding only
FAR = 0.5  # cosine from which two detectors are more alike than not; 0.5 is an angle of 60 degrees
WORTHLESS = 0.25  # of ten digits read right: little above guessing
MAIN_SHARE = 0.3  # of the work is the training of the detectors


@setup
class Detectors:
    """Options: the network whose detectors are shown, and the sweep over the scale of a start."""

    activation: str = option("relu", NAMES)
    width: int = option(16, Range(int, 2, 257))
    constant: float = option(0.5, Range(float, -100, 100))
    l2: float = option(0.01, Range(float, 0, 10))
    optimizer: str = option("adam", OPTIMIZERS)
    learning_rate: float = option(0.003, Range(float, 0, includes_low=False))
    epochs: int = option(60, Range(int, 1, 1001))
    batch: int = option(64, Range(int, 1, 4097))
    seeds: int = option(4, Range(int, 1, 65))
    seed: int = option(0, Range(int, 0, 2**30))
    narrow: int = option(8, Range(int, 1, 129))
    wide: int = option(32, Range(int, 1, 129))
    other_activation: str = option("sigmoid", NAMES)


def measure(setup: Detectors, tick: Tick) -> Measured:
    """Train on handwritten digits from constant and from random weights; then sweep the scale."""
    data = load("digits")
    groups = _train(setup, data, lambda share: tick(MAIN_SHARE * share))
    return {
        "starts": {name: _described(group, data) for name, group in groups.items()},
        "scales": sweep(setup, data, lambda share: tick(MAIN_SHARE + (1 - MAIN_SHARE) * share)),
    }


def laws(setup: Detectors, measured: Measured) -> tuple[Law, ...]:
    """From constant weights comes one detector many times; from random ones, as many as neurons."""
    constant, random = measured["starts"]["constant"], measured["starts"]["random"]
    return (
        Law("copies", _of_all(constant, "most_neurons"), EQUALS, 1.0),
        Law("different", _of_all(random, "fewest_neurons"), EQUALS, float(setup.width)),
        Law("alike", 1 - _of_all(constant, "least_alike"), AT_MOST, CLOSE),
        Law("apart", _of_all(random, "mean_alike"), AT_MOST, FAR),
    )


def _of_all(start: dict[str, Any], name: str) -> float:
    """Return a number that speaks for every seed; NaN where a seed lost its numbers."""
    return float("nan") if start["lost"] else float(start[name])


def _stays_blind(setup: Detectors, measured: Measured) -> bool:
    """Return whether clones hear nothing, neither before nor after, while random neurons do."""
    constant, random = measured["starts"]["constant"], measured["starts"]["random"]
    is_deaf = not constant["lost"] and not constant["fired"] and not constant["fire"]
    return is_deaf and not random["lost"] and random["fire"] > 0


def _train(setup: Detectors, data: Data, tick: Tick) -> dict[str, Group]:
    settings = Settings(
        optimizer=setup.optimizer,
        learning_rate=setup.learning_rate,
        l2=setup.l2,
        batch_size=setup.batch,
        epochs=setup.epochs,
        record_every=0,
    )
    return train_groups(
        {
            "constant": Start(f"constant:{setup.constant}"),
            "random": Start(proper(setup.activation)),
        },
        data,
        settings,
        hidden=[setup.width],
        activation=setup.activation,
        seeds=range(setup.seed, setup.seed + setup.seeds),
        tick=tick,
    )


def _described(group: Group, data: Data) -> dict[str, Any]:
    """Return what became of a start: of all seeds in numbers, of the first one in pictures."""
    widths = [effective_width(network)["hidden1"] for network in group.finite]
    alike = [off_diagonal(similarity(_weights(network))) for network in group.finite]
    shown = (group.finite or group.before)[0]
    return {
        "lost": len(group.after) - len(group.finite),
        "fired": sum(int(fires(network, data).sum()) for network in group.before),
        "fire": sum(int(fires(network, data).sum()) for network in group.finite),
        "contrast": max((contrast(_weights(network)) for network in group.finite), default=0.0),
        "most_neurons": max(widths, default=float("nan")),
        "fewest_neurons": min(widths, default=float("nan")),
        "least_alike": float(np.min(alike)) if alike else float("nan"),
        "mean_alike": float(np.abs(alike).mean()) if alike else float("nan"),
        "loss": float(median(group.finals)),
        "hits": float(np.median(group.hits(data))),
        "before": _weights(group.before[0]),
        "after": _weights(shown),
        "similarity": similarity(_weights(shown)),
        **favourites(shown, data),
    }


def favourites(network: Network, data: Data) -> dict[str, np.ndarray]:
    """Return which training images drive every hidden neuron the most.

    Returns:
        ``images`` (neurons, pixels): their mean; ``digits`` (neurons, 10): how many show each
        digit; ``fires`` (neurons,): whether the neuron is ever open.
    """
    layer = forward(network, data.train.x)["hidden1"]
    strongest = _strongest(np.asarray(layer.preactivation))
    shown = data.train.y[strongest]
    return {
        "images": data.train.x[strongest].mean(axis=1),
        "digits": np.stack([np.bincount(row, minlength=10) for row in shown]),
        "fires": fires(network, data),
    }


def fires(network: Network, data: Data) -> Bool[np.ndarray, " neurons"]:
    """Return which hidden neurons give more than one and the same output."""
    output = np.asarray(forward(network, data.train.x)["hidden1"].output)
    return np.ptp(output, axis=0) > 0


def contrast(weights: Float[np.ndarray, "n_in n"]) -> float:
    """Return how far two pixels of a neuron differ at most, as a share of its largest weight."""
    largest = np.abs(weights).max(axis=0)
    return float(np.max(np.ptp(weights, axis=0) / np.where(largest > 0, largest, 1)))


def _strongest(z: Float[np.ndarray, "m neurons"]) -> Int[np.ndarray, "neurons images"]:
    return np.argsort(-z, axis=0, kind="stable")[:STRONGEST].T


def similarity(weights: Float[np.ndarray, "n_in n"]) -> Float[np.ndarray, "n n"]:
    """Return the cosine of every two neurons' weights in: 1 for copies, 0 for unrelated ones.

    Two neurons without any weights are copies; one without is unrelated to all others.
    """
    lengths = np.linalg.norm(weights, axis=0)
    unit = weights / np.where(lengths > 0, lengths, 1)
    both_silent = (lengths == 0)[:, None] & (lengths == 0)[None, :]
    return np.where(both_silent, 1.0, unit.T @ unit)


def off_diagonal(matrix: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " pairs"]:
    return matrix[np.triu_indices(len(matrix), 1)]


def _weights(network: Network) -> Float[np.ndarray, "n_in n"]:
    return np.asarray(network["hidden1"].weight, np.float64)


LESSON = Lesson(
    name="detectors",
    claim=10,
    setup=Detectors,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise(
            "blind",
            _stays_blind,
            {"constant": -0.5},
        ),
        Exercise(
            "too_narrow",
            lambda setup, measured: (
                setup.activation == "relu"
                and float(measured["scales"]["narrow"]["middle"].max()) < WORTHLESS
            ),
            {"narrow": 2},
        ),
    ),
    lab=lambda setup: Place("copying", {"start": "random"}),
)
