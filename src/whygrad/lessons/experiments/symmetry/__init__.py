"""Statement 8, the copying problem: neurons that start equal stay equal for ever."""

import numpy as np

from whygrad.lessons.experiments.symmetry.findings import measure
from whygrad.lessons.experiments.symmetry.setup import ROOM, TOLERANCE, Symmetry
from whygrad.lessons.experiments.symmetry.story import tell
from whygrad.lessons.lesson import AT_LEAST, AT_MOST, EQUALS, Exercise, Law, Lesson, Measured

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
)
