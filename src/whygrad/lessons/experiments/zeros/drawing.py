"""The pictures of the lesson on silent inputs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from whygrad.lessons.instruments.elementwise import VALUES
from whygrad.lessons.lesson import Measured
from whygrad.render.page.canvas import (
    BLUE,
    FAINT,
    INK,
    LINE,
    ORANGE,
    fit_height,
    named,
    panels,
    whole_steps,
)
from whygrad.words import number

SETTLED = 0.01  # share of the way that may be left where the picture ends
POINTS = 200
HIGHEST = 1e9  # loss that is drawn
REACH = 2.0  # z to either side of 0
SIDES = ("right", "left")

Point = tuple[float, float]


def settled(curves: Sequence[np.ndarray], entropy: float) -> int:
    """Return how many losses to show: twice what the slowest curve needs to get to the entropy.

    A curve that never gets there, or is there from the start, has no say; if none has, all are
    shown.
    """
    every = len(curves[0])
    counts = [_steps_to(curve, entropy) for curve in curves]
    return min(max((2 * count for count in counts if count < every), default=0) or every, every)


def _steps_to(curve: np.ndarray, entropy: float) -> int:
    """Return after how many steps a curve stays near the entropy; all of them if it does not."""
    left = np.abs(curve - entropy)
    is_far = ~(left <= SETTLED * left[0])  # NaN is far
    return int(np.flatnonzero(is_far)[-1]) + 1 if is_far.any() else 0


def draw_losses(measured: Measured, shown: int) -> Figure:
    """Draw so many losses with biases and without, and the entropy."""
    entropy = measured["entropy"]
    curves = {k: np.where(v < HIGHEST, v, np.nan) for k, v in measured["curves"].items()}
    chosen = np.unique(np.linspace(0, shown - 1, POINTS).round().astype(int))
    figure, (axes,) = panels([130])
    axes.axhline(entropy, color=FAINT, linestyle=(0, (1, 1.5)))
    axes.plot(chosen, curves["with"][chosen], color=BLUE)
    axes.plot(chosen, curves["without"][chosen], color=ORANGE, linestyle=(0, (4, 1.5)))
    values = np.array([entropy, *curves["with"][chosen], *curves["without"][chosen]])
    if not fit_height(axes, values) and entropy < np.nanmax(values):
        axes.set_ylim(bottom=entropy - 0.2 * (np.nanmax(values) - entropy))
    _write(axes, "H", (shown - 1, entropy), (0, 4), "right")
    named(axes, "C")
    whole_steps(axes)
    return figure


def draw_activations(measured: Measured) -> Figure:
    """Draw every activation around z = 0, with a dot where it answers to silence."""
    figure, (axes,) = panels([170])
    z = np.linspace(-REACH, REACH, 101)
    axes.axhline(0, color=LINE, linewidth=1)
    axes.axvline(0, color=LINE, linewidth=1)
    for name in measured["silent"]:
        axes.plot(z, VALUES[name](z), color=FAINT, linewidth=0.75)
    for name, dash in zip(measured["speaking"], ("-", (0, (4, 1.5))), strict=False):
        axes.plot(z, VALUES[name](z), color=BLUE, linestyle=dash)
        end = float(VALUES[name](z[-1]))
        _write(axes, name, (REACH, end), (0, 5 if end > 1 else -14), "right")
    answers = sorted({one["said_without"] for one in measured["neurons"].values()})
    for place, value in enumerate(answers):
        axes.plot(0, value, marker="o", markersize=6, color=ORANGE)
        is_odd = place % 2 == 1  # neighbours stand on opposite sides, so that none hides another
        _write(axes, number(value), (0, value), (8, -12) if is_odd else (-8, 3), SIDES[is_odd])
    axes.set(xlim=(-REACH, REACH), ylim=(-1.2, 2.3))
    axes.xaxis.set_major_locator(FixedLocator([-2, -1, 0, 1, 2]))
    axes.yaxis.set_major_locator(FixedLocator([-1, 0, 1, 2]))
    named(axes, "f(z)")
    return figure


def _write(axes: Axes, text: str, where: Point, shift: Point, align: str) -> None:
    axes.annotate(text, where, shift, ha=align, color=INK, textcoords="offset points", fontsize=10)
