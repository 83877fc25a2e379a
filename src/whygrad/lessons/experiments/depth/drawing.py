"""Norms of gradients over the layers: a panel for every activation, a line for every depth."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whygrad.render.page.canvas import (
    BLUE,
    BOTTOM,
    FAINT,
    RIGHT,
    TOP,
    WIDTH,
    fit_height,
    named,
    place,
    sheet,
    whole_steps,
)

COLUMNS = 3
SIDE, BETWEEN, ABOVE = 46, 14, 30  # left of, between, and above panels
TALL = 170  # of one row of panels


def draw_descent(activations: Mapping[str, dict[str, Any]]) -> Figure:
    """Draw a panel for every activation, all on one scale: layers to the right, norms upwards."""
    columns = min(COLUMNS, len(activations))
    rows = -(-len(activations) // columns)
    wide = (WIDTH - SIDE - RIGHT - BETWEEN * (columns - 1)) / columns
    figure = sheet(TOP + rows * TALL + (rows - 1) * ABOVE + BOTTOM)
    every = _every(activations)
    for position, (name, found) in enumerate(activations.items()):
        row, column = divmod(position, columns)
        left, top = SIDE + column * (wide + BETWEEN), TOP + row * (TALL + ABOVE)
        axes = place(figure, left, top, wide, TALL)
        _draw(axes, found)
        named(axes, name)
        _scale(axes, every, len(found["norms"][-1]))
        axes.tick_params(labelleft=column == 0, labelbottom=position + columns >= len(activations))
    return figure


def _draw(axes: Axes, found: Mapping[str, Any]) -> None:
    *shallower, deepest = found["norms"]
    for norms in shallower:
        axes.plot(np.arange(1, len(norms) + 1), _shown(norms), color=FAINT, linewidth=0.75)
        axes.plot([len(norms)], _shown(norms[-1:]), color=FAINT, marker=".", markersize=3)
    layers = np.arange(1, len(deepest) + 1)
    low, high = _shown(found["low"]), _shown(found["high"])
    axes.fill_between(layers, low, high, color=BLUE, alpha=0.22, linewidth=0)
    axes.plot(layers, _shown(deepest), color=BLUE, linewidth=2.25)


def _shown(norms: np.ndarray) -> np.ndarray:
    """Return the norms without those that a scale of powers of ten cannot show."""
    return np.where(norms > 0, norms, np.nan)


def _every(activations: Mapping[str, dict[str, Any]]) -> np.ndarray:
    """Return all numbers above 0 that are drawn."""
    lines = [
        line for one in activations.values() for line in (*one["norms"], one["low"], one["high"])
    ]
    every = np.concatenate(lines)
    return every[every > 0]


def _scale(axes: Axes, every: np.ndarray, depth: int) -> None:
    fit_height(axes, every)
    axes.set_xlim(0.5, depth + 0.5)
    whole_steps(axes)
