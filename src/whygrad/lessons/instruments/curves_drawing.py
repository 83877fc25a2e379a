"""Curves with their seeds around them: a median, two bands, and a label at the end of the line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from whygrad.lessons.instruments.statistics import Band
from whygrad.render.page.canvas import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    fit_height,
    place,
    whole_steps,
)

WIDE, HIGH = 408, 270
LEFT, RIGHT, TOP, BOTTOM = 48, 104, 12, 26
ACROSS, UP = WIDE - LEFT - RIGHT, HIGH - TOP - BOTTOM
LINE_HEIGHT = 18  # of two labels one above the other
SHOWN_LOSSES = (1e-4, 1e5)  # beyond, the picture would hold little else
DASH, DOT = (0, (5, 2.5)), (0, (1.2, 1.8))


@dataclass(frozen=True)
class Look:
    """How a line is drawn, and what the stylesheet calls that."""

    mark: str
    colour: str
    dashes: Any = "-"
    width: float = 1.75


INK_DASHED = Look("ink dashed", INK, DASH)
ORANGE_LINE = Look("orange", ORANGE)
PURPLE_DOTTED = Look("purple dotted", PURPLE, DOT, 2.25)
BLUE_LINE = Look("blue", BLUE, width=2.75)  # the one to look at
GREEN_DASHED = Look("green dashed", GREEN, DASH)


@dataclass(frozen=True)
class Curve:
    """What many seeds did, place by place.

    Attributes:
        label: a name or a symbol.
        look: how its line is drawn; the bands take its colour.
        half: median and quartiles, a number a place.
        most: the same with the ends that enclose nine in ten seeds.
    """

    label: str
    look: Look
    half: Band
    most: Band


def draw_curves(curves: Sequence[Curve]) -> Figure:
    """Draw the median of every curve with its bands; places go from 0 to the last one."""
    figure = Figure(figsize=(WIDE / 72, HIGH / 72), dpi=72)
    axes = place(figure, LEFT, TOP, ACROSS, UP)
    drawn = [end for curve in curves for end in (curve.most.low, curve.most.high)]
    if fit_height(axes, np.clip(np.concatenate(drawn), *SHOWN_LOSSES)):
        axes.yaxis.set_major_locator(FixedLocator(_powers_of_ten(*axes.get_ylim())))
    for curve in curves:
        _curve(axes, curve)
    axes.set_xlim(0, len(curves[0].half.middle) - 1)
    whole_steps(axes)
    _labels(place(figure, LEFT + ACROSS, TOP, RIGHT, UP), curves, _ends(axes, curves))
    return figure


def _curve(axes: Axes, curve: Curve) -> None:
    look = curve.look
    places = np.arange(len(curve.half.middle))
    ceiling = 10 * axes.get_ylim()[1]  # what is infinite leaves the picture through its upper edge
    for band, alpha in ((curve.most, 0.13), (curve.half, 0.22)):
        low, high = (np.minimum(end, ceiling) for end in (band.low, band.high))
        axes.fill_between(places, low, high, color=look.colour, alpha=alpha, linewidth=0)
    middle = np.minimum(curve.half.middle, ceiling)
    axes.plot(places, middle, color=look.colour, linestyle=look.dashes, linewidth=look.width)


def _powers_of_ten(low: float, high: float) -> list[float]:
    first, last = int(np.ceil(np.log10(low))), int(np.floor(np.log10(high)))
    return [10.0**power for power in range(first, last + 1)]


def _ends(axes: Axes, curves: Sequence[Curve]) -> list[float]:
    """Return how high every line ends, in the drawing's units above the lower edge."""
    last = [(0, float(np.clip(c.half.middle[-1], *axes.get_ylim()))) for c in curves]
    shares = axes.transLimits.transform(axes.transScale.transform(last))[:, 1]
    return (UP * shares).tolist()


def _labels(axes: Axes, curves: Sequence[Curve], ends: Sequence[float]) -> None:
    """Write every label beside the end of its line, none upon another."""
    axes.set(xlim=(0, RIGHT), ylim=(0, UP))
    axes.set_axis_off()
    for curve, end, beside in zip(curves, ends, spread(ends), strict=True):
        colour = curve.look.colour
        axes.plot([2, 13], [end, beside], color=colour, linewidth=0.75, clip_on=False)
        weight = "bold" if curve.look == BLUE_LINE else "normal"
        axes.text(16, beside, curve.label, color=colour, va="center", weight=weight)


def spread(heights: Sequence[float], step: float = LINE_HEIGHT) -> list[float]:
    """Return heights in the same order, at least a step apart, and nearly where they were."""
    order = np.argsort(heights, kind="stable")
    ranks = step * np.arange(len(heights))
    upwards = np.maximum.accumulate(np.asarray(heights)[order] - ranks) + ranks
    backwards = np.asarray(heights)[order][::-1] + ranks
    downwards = (np.minimum.accumulate(backwards) - ranks)[::-1]
    placed = np.empty(len(heights))
    placed[order] = (upwards + downwards) / 2
    return placed.tolist()
