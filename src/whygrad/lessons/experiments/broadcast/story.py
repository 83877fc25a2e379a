"""What the lesson on one bias and many samples tells, and its drawings."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from whygrad.lessons.instruments.nudge import NUDGE
from whygrad.lessons.lesson import Measured
from whygrad.lessons.story import Block, Formula, Legend, Line, Picture, Say, Story, Table, Word
from whygrad.render.page.canvas import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    LINE,
    ORANGE,
    PURPLE,
    WIDTH,
    fit_height,
    panels,
    place,
    sheet,
    whole_steps,
)

SHOWN = 8  # samples and neurons in the picture
CEILING = 3  # times the loss at the start: as high as the picture of the losses reaches
SYMBOLS = {
    "input": "x",
    "weight": "w",
    "product": "x w",
    "bias": "b",
    "preactivation": "z = x w + b",
    "delta": "δ",
    "sum": "Σᵢ δᵢ",
    "gradient": "∂C/∂b",
}
WAYS = ("mean", "sum", "undivided", "twice")
STYLES = {"mean": (BLUE, "-"), "sum": (ORANGE, (0, (4, 3))),
          "undivided": (PURPLE, (0, (1, 1.5))), "twice": (GREEN, (0, (6, 2, 1, 2)))}  # fmt: skip
MARKS = ("blue", "orange dashed", "purple dotted", "green dashed")


def tell(setup: Any, measured: Measured) -> Story:
    """Tell how one number goes to all samples, and how their answers come back as one."""
    one = _numbers(setup, measured)
    alone = "_alone" if setup.batch == 1 else ""
    return Story(
        told=(
            Say(f"lesson.broadcast.forward{alone}", one),
            Formula(r"z_{ik} = \sum_j x_{ij} w_{jk} + b_k"),
            Say(f"lesson.broadcast.nudge{alone}", one),
            Formula(
                r"\frac{\partial C}{\partial b_k} = \frac{1}{m} \sum_i \delta_{ik} \cdot 1"
                r" = \frac{[[sum]]}{[[batch]]} = [[gradient]]",
                one,
            ),
            _contraction(measured, one),
            Say(f"lesson.broadcast.loop{alone}", one),
            _shapes(measured),
        ),
        left_out=_left_out(measured, one),
    )


def _numbers(setup: Any, measured: Measured) -> dict[str, Any]:
    neuron = int(np.argmax(np.abs(measured["gradient"])))
    pulls = measured["nudged"][:, neuron]
    gradient, total = (float(measured[name][neuron]) for name in ("gradient", "sum"))
    return {
        "batch": setup.batch,
        "width": setup.width,
        "neuron": neuron,
        "up": int((pulls < 0).sum()),
        "down": int((pulls > 0).sum()),
        "gradient": gradient,
        "sum": total,
        "agreement": float(measured["agreement"][neuron]),
        "nudge": NUDGE,
        "loop_difference": measured["loop_difference"],
        "rate": setup.learning_rate,
        "rate_for_sum": setup.learning_rate / setup.batch,
        "rate_undivided": setup.learning_rate * setup.batch,
        "step": -setup.learning_rate * gradient,
        "start": float(measured["losses"][0, 0]),
        "steps": measured["losses"].shape[1] - 1,
        "compared": measured["compared_steps"],
        "path_difference": measured["path_difference"],
        **{f"{way}_end": float(measured["losses"][row, -1]) for row, way in enumerate(WAYS)},
    }


def _contraction(measured: Measured, one: dict[str, Any]) -> Picture:
    shown = measured["nudged"][:SHOWN, :SHOWN]
    is_mixed = ((shown > 0).any(axis=0) & (shown < 0).any(axis=0)).any()
    outcome = "_alone" if one["batch"] == 1 else "_mixed" if is_mixed else "_agreed"
    if len(shown) < one["batch"]:
        outcome += ".some"
    return Picture(
        "contraction",
        Say(f"lesson.broadcast.picture{outcome}", one | {"shown": len(shown)}),
        lambda: _draw_contraction(measured["nudged"], measured["gradient"]),
        legend=(
            Legend("blue disc", Word("lesson.positive")),
            Legend("orange disc", Word("lesson.negative")),
        ),
    )


def _shapes(measured: Measured) -> Table:
    rows: list[list[Any]] = [
        [
            SYMBOLS[name],
            f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})",
            Word(f"lesson.broadcast.shape.{name}"),
        ]
        for name, shape in measured["shapes"].items()
    ]
    head = [Word("lesson.word.array"), Word("lesson.word.shape"), Word("lesson.word.what_happens")]
    return Table(Say("lesson.broadcast.shapes"), head, rows)


def _left_out(measured: Measured, one: dict[str, Any]) -> tuple[Block, ...]:
    if one["batch"] == 1:
        return (Say("lesson.broadcast.left_out_alone", one),)
    has_gradient = one["gradient"] != 0
    return (
        Say("lesson.broadcast.left_out", one),
        Formula(
            r"\eta' = \frac{\eta}{m} = \frac{[[rate]]}{[[batch]]} = [[rate_for_sum]]",
            one,
        ),
        Say("lesson.broadcast.step" if has_gradient else "lesson.broadcast.no_step", one),
        Say("lesson.broadcast.paths", one),
        _courses(measured, one),
        Say(f"lesson.broadcast.{_outcome(one)}", one),
    )


def _outcome(one: dict[str, Any]) -> str:
    """Return which of the three ways out of a wrong factor this run has shown."""
    if not one["mean_end"] <= one["start"]:
        return "mean_runs_away"
    return "undivided_learns" if one["undivided_end"] <= one["start"] else "undivided_runs_away"


def _courses(measured: Measured, one: dict[str, Any]) -> Picture:
    steps = np.arange(measured["losses"].shape[1])
    words = [Word(f"lesson.broadcast.way.{way}", one) for way in WAYS]
    return Picture(
        "courses",
        Say("lesson.broadcast.courses", one),
        lambda: _draw_courses(measured["losses"]),
        axes=(Word("lesson.word.step"), Word("lesson.word.loss")),
        legend=[Legend(mark, word) for mark, word in zip(MARKS, words, strict=True)],
        lines=[
            Line(word, steps, course)
            for word, course in zip(words, measured["losses"], strict=True)
        ],
    )


def _draw_contraction(
    pulls: Float[np.ndarray, "m n_out"], gradient: Float[np.ndarray, " n_out"]
) -> Figure:
    """Draw what every sample asks of every bias, and below it the mean."""
    shown = pulls[:SHOWN, :SHOWN]
    rows, columns = shown.shape
    cell = min(34, (WIDTH - 70) / columns)
    figure = sheet((rows + 1.7) * cell + 34)
    largest = max(float(np.abs(pulls).max()), 1e-300)
    above = place(figure, 56, 26, columns * cell, rows * cell)
    below = place(figure, 56, 26 + (rows + 0.7) * cell, columns * cell, cell)
    _discs(above, shown / largest)
    _discs(below, gradient[None, :SHOWN] / largest)
    _labels(above, [f"i = {i}" for i in range(rows)], [f"k = {k}" for k in range(columns)])
    _labels(below, ["Σ/m"], [])
    below.axhline(-0.62, color=LINE, linewidth=1, clip_on=False)
    return figure


def _discs(axes: Axes, values: Float[np.ndarray, "rows columns"]) -> None:
    """Draw numbers in [-1, 1] as discs: blue and + where positive, orange and − where negative."""
    rows, columns = values.shape
    for (row, column), value in np.ndenumerate(values):
        colour, sign = (BLUE, "+") if value > 0 else (ORANGE, "−") if value < 0 else (FAINT, "0")
        radius = 0.12 + 0.33 * float(np.sqrt(min(abs(value), 1)))
        disc = Circle((column, row), radius, facecolor=colour, alpha=0.35, edgecolor=colour)
        axes.add_patch(disc)
        axes.annotate(sign, (column, row), color=INK, ha="center", va="center", fontsize=9)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal")


def _labels(axes: Axes, left: list[str], top: list[str]) -> None:
    axes.set_yticks(range(len(left)), left)
    axes.set_xticks(range(len(top)), top)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelcolor=FAINT, labelsize=10)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_courses(losses: Float[np.ndarray, "4 steps"]) -> Figure:
    """Draw the four loss curves; one that runs away leaves at the top."""
    figure, (axes,) = panels([150])
    ceiling = CEILING * losses[0, 0]
    seen = np.where(losses <= ceiling, losses, np.nan)
    fit_height(axes, np.append(seen.ravel(), 1.2 * losses[0, 0]))
    for way, course in zip(WAYS, losses, strict=True):
        colour, dash = STYLES[way]
        finite = np.where(np.isfinite(course), np.minimum(course, 1e6 * ceiling), 1e6 * ceiling)
        axes.plot(finite, color=colour, linestyle=dash, clip_on=True)
    axes.set_xlim(0, losses.shape[1] - 1)
    whole_steps(axes)
    return figure
