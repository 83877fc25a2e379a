"""The pictures of statement 10."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from whygrad.lessons.instruments.statistics import Interval
from whygrad.render.page.canvas import BLUE, FAINT, INK, LINE, ORANGE, WIDTH, place, sheet
from whygrad.words import number

LEFT, RIGHT, TOP, ROW, BOTTOM = 12, 12, 8, 11, 58
SIDES = 1.35  # the picture reaches so many times as far as what it must show


def draw_differences(
    differences: Float[np.ndarray, " seeds"], interval: Interval, room: float
) -> Figure:
    """Draw the difference of every pair, the interval of their median, and the room of the law.

    Args:
        room: how far from 0 the law lets the interval reach.
    """
    shown = np.sort(differences[np.isfinite(differences)])
    height = ROW * len(shown) + BOTTOM
    figure = sheet(TOP + height + 22)
    axes = place(figure, LEFT, TOP, WIDTH - LEFT - RIGHT, height)
    farthest = max(np.abs([*shown, room]), default=1.0) or 1.0
    axes.set(xlim=(-SIDES * farthest, SIDES * farthest), ylim=(height, 0))
    axes.axvspan(-room, room, color=BLUE, alpha=0.12, linewidth=0)
    axes.axvline(0, color=FAINT, linewidth=1)
    axes.scatter(shown, ROW * (np.arange(len(shown)) + 0.7), s=26, color=INK, linewidth=0)
    if np.isfinite([interval.low, interval.high]).all():
        _interval(axes, interval, height - BOTTOM / 2 + 4)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 3)))
    axes.tick_params(axis="x", color=LINE)
    return figure


def _interval(axes, interval: Interval, height: float) -> None:
    """Draw an interval as a bar with its ends, and its middle as a diamond."""
    ends = [interval.low, interval.high]
    axes.plot(ends, [height, height], color=ORANGE, linewidth=4, solid_capstyle="butt")
    axes.scatter(ends, [height, height], s=110, marker="|", color=ORANGE, linewidth=2)
    axes.scatter([interval.middle], [height], s=54, marker="D", color=ORANGE, linewidth=0)
