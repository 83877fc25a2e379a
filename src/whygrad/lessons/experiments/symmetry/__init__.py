"""Statement 8, the copying problem: neurons that start equal stay equal for ever."""

import numpy as np

from whygrad.lessons.experiments.symmetry.findings import measure
from whygrad.lessons.experiments.symmetry.runs import ACTIVATIONS
from whygrad.lessons.experiments.symmetry.setup import ROOM, TOLERANCE, Symmetry
from whygrad.lessons.experiments.symmetry.story import tell
from whygrad.lessons.lesson import (
    AT_LEAST,
    AT_MOST,
    EQUALS,
    Exercise,
    Law,
    Lesson,
    Measured,
    Place,
    within,
)

RARE = 0.01  # share of dropout that an exercise asks to stay below


def laws(setup: Symmetry, measured: Measured) -> tuple[Law, ...]:
    """Clones stay equal, count as one neuron, do what one does, and fall behind."""
    starts = measured["starts"].values()
    replaced = [
        one["difference"] for row in measured["replacement"].values() for one in row.values()
    ]
    return (
        Law("apart", measured["apart"], EQUALS, 0.0),
        Law("width", float(np.max([start["width"] for start in starts])), EQUALS, 1.0),
        Law("replacement", float(np.max(replaced)), AT_MOST, TOLERANCE),
        Law("stuck", measured["lowest"], AT_LEAST, ROOM * measured["random"]["final"]),
    )


def _only_output_bias(setup: Symmetry, measured: Measured) -> bool:
    moved = measured["moved"]
    others = (way for part, way in moved.items() if part != "output_bias")
    return setup.activation == "tanh" and moved["output_bias"] > 0 and not any(others)


def _in_the_lab(setup: Symmetry) -> Place:
    """Return the same copies after the same steps, or the closest that the lab has.

    It knows the activations of the races.
    """
    own = {
        "constant": setup.constant,
        "width": setup.width,
        "activation": setup.activation,
        "optimizer": setup.optimizer,
        "rate": setup.learning_rate,
        "step": setup.steps,
    }
    there = own | {
        "constant": within(setup.constant, -3.0, 3.0),
        "width": within(setup.width, 2, 100),
        "activation": setup.activation if setup.activation in ACTIVATIONS else "tanh",
        "rate": within(setup.learning_rate, 0.001, 1.0),
        "step": within(setup.steps, 0, 1000),
    }
    is_same = there == own and (setup.data, setup.seed) == ("circles", 0)
    return Place("copying", there, "lab" if is_same else "lab.near", {"steps": there["step"]})


LESSON = Lesson(
    name="symmetry",
    claim=8,
    setup=Symmetry,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise("only_output_bias", _only_output_bias, {"activation": "tanh", "constant": 0.0}),
        Exercise(
            "little_dropout",
            lambda setup, measured: (
                0 < setup.dropout < RARE and measured["dropout"]["width"] == setup.width
            ),
            {"dropout": 0.005},
        ),
        Exercise(
            "silent",
            lambda setup, measured: setup.activation == "relu" and measured["highest"] < 0,
            {"data": "digits", "activation": "relu", "constant": -0.5},
        ),
    ),
    lab=_in_the_lab,
)
