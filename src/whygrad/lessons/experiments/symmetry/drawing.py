"""The pictures of the lesson on symmetry: losses, the stand-in, and what parts clones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from whygrad.lessons.instruments.curves_drawing import DASH, DOT, spread
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
    place,
    sheet,
    whole_steps,
)
from whygrad.words import number

WIDE, HIGH = 408, 270
LEFT, RIGHT, TOP, BOTTOM = 46, 84, 12, 26
MARKS = 16  # dots on a curve
POINTS = 400  # of a curve; more cannot be seen
CEILING = 1.6  # times the loss of guessing: how far up the picture goes


@dataclass(frozen=True)
class Look:
    """How a line is drawn, and what the stylesheet calls that."""

    mark: str
    colour: str
    dashes: Any = "-"
    width: float = 1.75


CHOSEN = Look("orange", ORANGE, width=2.25)
OTHERS = (
    Look("ink dashed", INK, DASH),
    Look("purple dotted", PURPLE, DOT, 2.25),
    Look("green dashed", GREEN, DASH),
)
RANDOM = Look("blue", BLUE, width=2.25)
APART = {
    "dropout": Look("blue", BLUE, width=2.25),
    "alone": Look("orange dashed", ORANGE, DASH, 2.25),
    "seated": Look("ink", INK, width=2.25),
}


def looks(constants: Sequence[float], chosen: float) -> dict[float, Look]:
    """Return how the curve of every constant is drawn."""
    others = (one for one in constants if one != chosen)
    return {chosen: CHOSEN, **dict(zip(others, OTHERS, strict=False))}


def draw_losses(
    starts: Mapping[float, np.ndarray],
    chosen: float,
    one: np.ndarray,
    random: Mapping[str, np.ndarray],
    guessing: float,
) -> Figure:
    """Draw the loss from every constant and from random starts, and dots for the single neuron."""
    figure = Figure(figsize=(WIDE / 72, HIGH / 72), dpi=72)
    axes = place(figure, LEFT, TOP, WIDE - LEFT - RIGHT, HIGH - TOP - BOTTOM)
    curves = [*starts.values(), random["high"], one]
    highest = np.nanmax([np.nanmax(curve[np.isfinite(curve)]) for curve in curves])
    top = min(float(highest), CEILING * guessing)
    fit_height(axes, np.array([0.0, top]))
    axes.set_ylim(0, 1.04 * top)
    places = _places(len(one))
    steps = places + 1
    axes.fill_between(
        steps, random["low"][places], random["high"][places], color=BLUE, alpha=0.22, linewidth=0
    )
    ends = {"w ∼ N": (RANDOM, random["middle"])}
    for constant, look in looks(list(starts), chosen).items():
        ends[f"w = {number(constant, 3)}"] = (look, starts[constant])
    for look, curve in ends.values():
        axes.plot(
            steps, curve[places], color=look.colour, linestyle=look.dashes, linewidth=look.width
        )
    dots = np.linspace(0, len(one) - 1, MARKS).round().astype(int)
    axes.plot(dots + 1, one[dots], "o", color=INK, markersize=6, fillstyle="none", clip_on=True)
    axes.set_xlim(1, len(one))
    whole_steps(axes)
    _labels(figure, axes, ends)
    return figure


def draw_stand_in(n: int) -> Figure:
    """Draw a layer of clones, and beside it the one neuron that does the same."""
    figure = sheet(226)
    axes = place(figure, 0, 0, WIDTH, 226)
    axes.set(xlim=(0, WIDTH), ylim=(226, 0))
    axes.set_axis_off()
    _layer(axes, 0, [34, 66, 126], f"n = {n}")
    _layer(axes, 186, [80], "n = 1")
    axes.annotate("⋮", (75, 101), color=INK, ha="center", va="center", fontsize=15)
    axes.annotate("=", (170, 80), color=INK, ha="center", va="center", fontsize=18)
    for x, y, label in ((34, 44, "w"), (116, 44, "v"), (229, 68, "w"), (293, 68, "n · v")):
        axes.annotate(label, (x, y), color=INK, ha="center", va="center")
    _rates(axes)
    return figure


def draw_apart(curves: Mapping[str, np.ndarray]) -> Figure:
    """Draw how far neurons are apart, on a logarithmic scale that has a place for exactly 0."""
    figure = sheet(250)
    axes = place(figure, 58, 12, WIDTH - 58 - 18, 250 - 12 - 26)
    found = np.concatenate(list(curves.values()))
    positive = found[np.isfinite(found) & (found > 0)]
    low, high = (positive.min(), positive.max()) if len(positive) else (1e-8, 1.0)
    zero = 10.0 ** (np.floor(np.log10(low)) - 1.5)
    for name, curve in curves.items():
        look, places = APART[name], _places(len(curve))
        axes.plot(
            places + 1,
            np.maximum(curve[places], zero),
            color=look.colour,
            linestyle=look.dashes,
            linewidth=look.width,
        )
    axes.set(yscale="log", ylim=(zero / 2, 4 * high), xlim=(1, len(next(iter(curves.values())))))
    _ticks(axes, zero, high)
    whole_steps(axes)
    return figure


def _places(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(POINTS, count)).round().astype(int))


def _labels(figure: Figure, axes: Axes, ends: Mapping[str, tuple[Look, np.ndarray]]) -> None:
    """Write every label beside the end of its line, none upon another."""
    tall = HIGH - TOP - BOTTOM
    top = axes.get_ylim()[1]
    heights = [tall * min(float(curve[-1]) / top, 1.0) for _, curve in ends.values()]
    margin = place(figure, WIDE - RIGHT, TOP, RIGHT, tall)
    margin.set(xlim=(0, RIGHT), ylim=(0, tall))
    margin.set_axis_off()
    for (label, (look, _)), height, beside in zip(
        ends.items(), heights, spread(heights), strict=True
    ):
        margin.plot([2, 13], [height, beside], color=look.colour, linewidth=0.75, clip_on=False)
        margin.text(16, beside, label, color=look.colour, va="center")


def _layer(axes: Axes, left: float, heights: list[float], name: str) -> None:
    """Draw an input, neurons at these heights, and an output."""
    ends = {"x": np.array([left + 12.0, 80.0]), "z": np.array([left + 138.0, 80.0])}
    neurons = [np.array([left + 75.0, height]) for height in heights]
    for neuron in neurons:
        for end in ends.values():
            along = (neuron - end) / np.linalg.norm(neuron - end)
            xs, ys = np.transpose([end + 9 * along, neuron - 11 * along])
            axes.plot(xs, ys, color=FAINT, linewidth=1.25)
        _circle(axes, neuron, 11, BLUE, "a")
    for label, end in ends.items():
        _circle(axes, end, 9, LINE, label)
    axes.annotate(name, (left + 75, 10), color=INK, ha="center", va="center")


def _circle(axes: Axes, where: np.ndarray, radius: float, colour: str, label: str) -> None:
    axes.add_patch(Circle(tuple(where), radius, facecolor=colour, edgecolor=colour, alpha=0.35))
    axes.annotate(label, tuple(where), color=INK, ha="center", va="center")


def _rates(axes: Axes) -> None:
    """Write below the weights how far they step, for either optimiser."""
    rows = {
        162: ("SGD", "η", "η", "η / n", "n η"),
        192: ("Adam", "η, ε", "η, ε", "η, n ε", "n η, ε"),
    }
    axes.plot([8, WIDTH - 8], [146, 146], color=LINE, linewidth=1)
    for y, (name, *rates) in rows.items():
        axes.annotate(name, (75, y + 8), color=FAINT, ha="center", va="center")
        axes.annotate(name, (261, y + 8), color=FAINT, ha="center", va="center")
        for x, rate in zip((30, 120, 216, 308), rates, strict=True):
            axes.annotate(rate, (x, y + 8), color=INK, ha="center", va="center")


def _ticks(axes: Axes, zero: float, high: float) -> None:
    first, last = int(np.ceil(np.log10(zero) + 1)), int(np.floor(np.log10(4 * high)))
    powers = list(range(last, first - 1, -max(1, -(-(last - first + 1) // 5))))
    places = [zero, *(10.0**power for power in reversed(powers))]
    axes.yaxis.set_major_locator(FixedLocator(places))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: "0" if value <= 1.01 * zero else number(value, 3))
    )
    axes.grid(axis="y")
