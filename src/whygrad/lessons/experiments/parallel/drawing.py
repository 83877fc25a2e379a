"""The drawings of the lesson on parallel sums."""

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FixedLocator, FuncFormatter

from whygrad.render.page.canvas import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    WIDTH,
    Length,
    fit_height,
    panels,
    place,
    sheet,
)
from whygrad.words import number

DASHES = {
    "loop": (INK, (0, (1, 1.5)), 3.0),
    "sequential": (ORANGE, (0, (4, 2)), 1.75),
    "halving": (BLUE, "-", 1.75),
    "compiled": (GREEN, "-", 1.75),
    "product": (PURPLE, (0, (1, 1.5)), 1.75),
}
MARKS = {
    "loop": "ink dotted",
    "sequential": "orange dashed",
    "halving": "blue",
    "compiled": "green",
    "product": "purple dotted",
}
POINTS = {"halving": "o", "compiled": "s"}  # tell the two full lines apart
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
BOX, ROW, GAP = 36, 17, 26


def draw_orders(terms: Float[np.ndarray, " 8"]) -> Figure:
    """Draw eight terms added one after the other, and the same eight folded."""
    chain = np.add.accumulate(terms)
    folds = [terms]
    while len(folds[-1]) > 1:
        half = len(folds[-1]) // 2
        folds.append(folds[-1][:half] + folds[-1][half:])
    tall = ROW * (len(terms) + len(folds))
    figure = sheet(tall + GAP + 8)
    axes = place(figure, 0, 4, WIDTH, tall + GAP)
    axes.set(xlim=(0, WIDTH), ylim=(tall + GAP, 0))
    axes.set_axis_off()
    _row(axes, 0, terms)
    for step in range(1, len(terms)):
        _row(axes, step * ROW, chain[step : step + 1], first=step, colour=ORANGE)
        _count(axes, step * ROW, step)
    for step, row in enumerate(folds):
        _row(axes, len(terms) * ROW + GAP + step * ROW, row, colour=BLUE if step else FAINT)
        if step:
            _count(axes, len(terms) * ROW + GAP + step * ROW, step)
    return figure


def draw_curves(
    sizes: Int[np.ndarray, " sizes"], curves: dict[str, Float[np.ndarray, " _"]]
) -> Figure:
    """Draw a curve an order of addition; both scales are logarithmic."""
    figure, (axes,) = panels([190])
    fit_height(axes, np.concatenate([values for values in curves.values()]))
    for name, values in curves.items():
        colour, dash, width = DASHES[name]
        places = np.log2(sizes[: len(values)])
        marker = POINTS.get(name)
        axes.plot(
            places, values, color=colour, linestyle=dash, linewidth=width, marker=marker,
            markersize=4,
        )  # fmt: skip
    exponents = np.log2(sizes).round().astype(int)
    axes.set_xlim(exponents[0], exponents[-1] + 0.2)
    axes.xaxis.set_major_locator(FixedLocator(exponents[:: max(1, len(exponents) // 5)].tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: _power(int(place))))
    return figure


def _power(exponent: int) -> str:
    return "2" + str(exponent).translate(SUPERSCRIPTS)


def _row(
    axes: Axes, top: Length, values: Float[np.ndarray, " n"], first: int = 0, colour: str = FAINT
) -> None:
    """Draw numbers in boxes, side by side from the box ``first`` on."""
    for seat, value in enumerate(values, first):
        left = 6 + seat * (BOX + 2)
        axes.add_patch(
            FancyBboxPatch(
                (left + 2, top + 3), BOX - 4, ROW - 6, boxstyle="round,pad=1.5",
                facecolor="none", edgecolor=colour, linewidth=1,
            )
        )  # fmt: skip
        text = number(float(value), 2)
        middle = (left + BOX / 2, top + ROW / 2)
        axes.annotate(text, middle, color=INK, ha="center", va="center", fontsize=8)


def _count(axes: Axes, top: Length, step: int) -> None:
    """Write at the right edge which round of additions a row is."""
    right = (WIDTH - 4, top + ROW / 2)
    axes.annotate(str(step), right, color=FAINT, ha="right", va="center", fontsize=10)
