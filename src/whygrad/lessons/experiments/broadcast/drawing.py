"""The drawings of the lesson on one bias and many samples."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

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
from whygrad.words import number

SHOWN = 8  # samples and neurons in the picture
ROOMY = 5  # columns that leave room for numbers beside the discs
CEILING = 3  # times the loss at the start: as high as the picture of the losses reaches
WAYS = ("mean", "sum", "undivided", "twice")
STYLES = {"mean": (BLUE, "-"), "sum": (ORANGE, (0, (4, 3))),
          "undivided": (PURPLE, (0, (1, 1.5))), "twice": (GREEN, (0, (6, 2, 1, 2)))}  # fmt: skip


def draw_contraction(
    pulls: Float[np.ndarray, "m n_out"], gradient: Float[np.ndarray, " n_out"]
) -> Figure:
    """Draw what every sample asks of every bias, and below it the mean."""
    shown = pulls[:SHOWN, :SHOWN]
    rows, columns = shown.shape
    tall, wide = 32, min(84, (WIDTH - 62) / columns)
    figure = sheet((rows + 1.7) * tall + 34)
    largest = max(float(np.abs(pulls).max()), 1e-300)
    above = place(figure, 56, 26, columns * wide, rows * tall)
    below = place(figure, 56, 26 + (rows + 0.7) * tall, columns * wide, tall)
    for axes, values in ((above, shown), (below, gradient[None, :SHOWN])):
        _discs(axes, values, largest, (wide, tall))
    _labels(above, [f"i = {i}" for i in range(rows)], [f"k = {k}" for k in range(columns)])
    _labels(below, ["Σ/m"], [])
    below.axhline(-5, color=LINE, linewidth=1, clip_on=False)
    return figure


def _discs(
    axes: Axes, values: Float[np.ndarray, "rows columns"], largest: float, cell: tuple[float, float]
) -> None:
    """Draw numbers as discs, blue and + where positive, orange and − where negative.

    Where there is room, each number stands beside its disc. One unit is one of the drawing's.
    """
    (wide, tall), (rows, columns) = cell, values.shape
    is_roomy = columns <= ROOMY
    axes.set(xlim=(0, columns * wide), ylim=(rows * tall, 0))
    for (row, column), value in np.ndenumerate(values):
        colour, sign = (BLUE, "+") if value > 0 else (ORANGE, "−") if value < 0 else (FAINT, "0")
        radius = 4 + 10 * float(np.sqrt(min(abs(value) / largest, 1)))
        left, middle = column * wide + (16 if is_roomy else wide / 2), (row + 0.5) * tall
        disc = Circle((left, middle), radius, facecolor=colour, alpha=0.35, edgecolor=colour)
        axes.add_patch(disc)
        axes.annotate(sign, (left, middle), color=INK, ha="center", va="center", fontsize=9)
        if is_roomy:
            told = number(float(value), 3)
            axes.annotate(told, (left + 17, middle), color=INK, va="center", fontsize=9.5)


def _labels(axes: Axes, left: list[str], top: list[str]) -> None:
    (right, _), (low, _) = axes.get_xlim()[::-1], axes.get_ylim()
    axes.set_yticks([(i + 0.5) * low / len(left) for i in range(len(left))], left)
    axes.set_xticks([(k + 0.5) * right / len(top) for k in range(len(top))], top)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelcolor=FAINT, labelsize=10)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_courses(losses: Float[np.ndarray, "4 steps"]) -> Figure:
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
