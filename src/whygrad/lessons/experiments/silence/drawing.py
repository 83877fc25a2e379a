"""How a push shrinks, factor by factor, on its way to a gradient: healthy and ailing neurons."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from whygrad.record.fields import FACTORS
from whygrad.render.page.canvas import (
    BLUE,
    BOTTOM,
    FAINT,
    INK,
    ORANGE,
    TOP,
    WIDTH,
    named,
    place,
    sheet,
)
from whygrad.words import number

SIDE, BETWEEN, TALL = 46, 18, 150
SYMBOLS = ("|u|", "|δ|", "|xδ|", "|∂C/∂w|")  # what is left after each of the factors
LOWEST = 1e-12  # of the largest size; what is below is drawn on the floor, as 0 is


def sizes(factors: Mapping[str, np.ndarray], neuron: int) -> np.ndarray:
    """Return what is left of a neuron's push after each of the four factors."""
    return np.cumprod([factors[name][neuron] for name in FACTORS])


def draw_losses(
    factors: Mapping[str, np.ndarray],
    shown: Sequence[tuple[int, int, str]],
    every: Sequence[int],
) -> Figure:
    """Draw a panel for every ailing neuron, the healthy one in each of them for comparison.

    Args:
        shown: (neuron, place of the factor that goes missing, name of the panel).
        every: the neurons whose sizes set the scale.
    """
    figure = sheet(TOP + TALL + BOTTOM)
    wide = (WIDTH - SIDE - 12 - BETWEEN * (len(shown) - 1)) / len(shown)
    limits = _limits(np.concatenate([sizes(factors, neuron) for neuron in every]))
    for column, (neuron, missing, name) in enumerate(shown):
        axes = place(figure, SIDE + column * (wide + BETWEEN), TOP, wide, TALL)
        _scale(axes, limits, is_first=column == 0)
        _draw(axes, sizes(factors, 0), sizes(factors, neuron), missing, limits[0])
        named(axes, name)
    return figure


def _draw(axes: Axes, healthy: np.ndarray, ailing: np.ndarray, missing: int, floor: float) -> None:
    axes.plot(healthy, color=FAINT, linewidth=1.25, marker="o", markersize=4)
    heights = np.maximum(ailing, floor)
    axes.plot(heights, color=BLUE, marker="o", markersize=5, clip_on=False)
    before = (missing - 1, heights[missing - 1]) if missing else (0, healthy[0])
    drop = [before, (missing, heights[missing])]
    axes.plot(*zip(*drop, strict=True), color=ORANGE, linewidth=3, linestyle=(0, (2, 1)))
    axes.plot(*drop[1], "s", color=ORANGE, markersize=7, clip_on=False)
    _write(axes, number(ailing[missing], 2), drop[1], is_low=bool(ailing[missing] < floor))


def _write(axes: Axes, text: str, at: tuple[float, float], *, is_low: bool) -> None:
    """Write what the drop leaves below its end, or beside it on the floor."""
    is_last = at[0] == len(SYMBOLS) - 1
    side = "right" if is_last else "left" if is_low or at[0] == 0 else "center"
    where = (-8 if is_last else 8, 4) if is_low else (0, -17)
    axes.annotate(text, at, where, textcoords="offset points", color=INK, fontsize=11, ha=side)


def _limits(values: np.ndarray) -> tuple[float, float]:
    high = values.max()
    low = values[values > LOWEST * high].min()
    return float(low / 20), float(high * 3)


def _scale(axes: Axes, limits: tuple[float, float], *, is_first: bool) -> None:
    axes.set_yscale("log")
    axes.set(xlim=(-0.35, 3.35), ylim=limits)
    axes.xaxis.set_major_locator(FixedLocator(range(len(SYMBOLS))))
    axes.set_xticks(range(len(SYMBOLS)), SYMBOLS)
    axes.tick_params(axis="x", labelsize=9.5)
    axes.yaxis.set_major_locator(LogLocator(numticks=5))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 3)))
    axes.tick_params(labelleft=is_first)
    axes.grid(axis="y")
