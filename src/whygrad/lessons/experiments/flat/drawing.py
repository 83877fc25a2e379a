"""Slopes and gradients over z, a small panel for every activation, flat regions shaded."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

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

COLUMNS = 2
SIDE, BETWEEN, ABOVE = 40, 22, 26  # left of, between, and above panels
TALL, TALLEST = 68, 190  # of one panel among many, and alone


def draw_slopes(z: np.ndarray, activations: Mapping[str, dict[str, Any]]) -> Figure:
    """Draw a panel for every activation, all on one scale."""
    columns = min(COLUMNS, len(activations))
    rows = -(-len(activations) // columns)
    tall = TALL if rows > 1 else TALLEST
    wide = (WIDTH - SIDE - 10 - BETWEEN * (columns - 1)) / columns
    figure = sheet(TOP + rows * tall + (rows - 1) * ABOVE + BOTTOM)
    limits = _limits(activations)
    for number_, (name, found) in enumerate(activations.items()):
        row, column = divmod(number_, columns)
        axes = place(
            figure, SIDE + column * (wide + BETWEEN), TOP + row * (tall + ABOVE), wide, tall
        )
        _draw(axes, z, found)
        named(axes, name)
        _scale(axes, z, limits)
        axes.tick_params(labelleft=column == 0, labelbottom=number_ + columns >= len(activations))
    return figure


def _draw(axes: Axes, z: np.ndarray, found: Mapping[str, Any]) -> None:
    half = (z[1] - z[0]) / 2
    for first, last in _runs(found["is_flat"]):
        axes.axvspan(z[first] - half, z[last] + half, color=FAINT, alpha=0.22, linewidth=0)
    axes.plot(z, found["weight"], color=BLUE, linewidth=1.5)
    axes.plot(z, found["slope"], color=INK, linewidth=1.25)
    axes.plot(z, found["bias"], color=ORANGE, linewidth=1.75, linestyle=(0, (3, 1.5)))


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and last place of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _limits(activations: Mapping[str, dict[str, Any]]) -> tuple[float, float]:
    parts = ("slope", "weight", "bias")
    every = np.concatenate([found[part] for found in activations.values() for part in parts])
    low, high = min(float(every.min()), 0.0), max(float(every.max()), 0.0)
    room = 0.06 * (high - low)
    return low - room, high + room


def _scale(axes: Axes, z: np.ndarray, limits: tuple[float, float]) -> None:
    axes.set(xlim=(z[0], z[-1]), ylim=limits)
    axes.xaxis.set_major_locator(FixedLocator([z[0], 0, z[-1]]))
    for label, side in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=True):
        label.set_horizontalalignment(side)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 3)))
    axes.grid(axis="y")
