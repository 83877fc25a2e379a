"""The pictures of the lesson on constant neurons."""

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from whygrad.lessons.lesson import Measured
from whygrad.render.page.canvas import (
    BLUE,
    INK,
    LINE,
    ORANGE,
    PURPLE,
    WIDTH,
    fit_height,
    named,
    panels,
    place,
    sheet,
    whole_steps,
)

SHOWN = 3  # neurons a layer
ROW, TOP, SIDE, RADIUS = 36, 20, 14, 9  # in the drawing's units
POINTS = 200  # of a line
HIGHEST = 1e9  # value that is drawn
DOTS = 25  # of a line of dots

Point = tuple[float, float]


def draw_networks(sizes: Sequence[int]) -> Figure:
    """Draw the network with biases, and beside it the same one with constant neurons."""
    shown = [min(size, SHOWN) for size in (sizes[0], *sizes[1:-1][:2], sizes[-1])]
    tall = TOP + ROW * (max(shown) + 1)
    figure = sheet(tall)
    half = WIDTH / 2
    for side, has_constants in ((0, False), (half, True)):
        axes = place(figure, side, 0, half, tall)
        axes.set(xlim=(0, half), ylim=(tall, 0))
        axes.set_axis_off()
        seats = _seats(shown, half, tall)
        _draw_links(axes, seats)
        if has_constants:
            _draw_constants(axes, seats)
        for place_of_layer, layer in enumerate(seats):
            has_bias = not has_constants and place_of_layer > 0
            _draw_layer(axes, layer, has_bias=has_bias)
        named(axes, "")
    return figure


def draw_race(measured: Measured) -> Figure:
    """Draw both losses on each other."""
    losses = measured["losses"]
    figure, (axes,) = panels([120])
    _plot(axes, losses["biases"], color=BLUE)
    _dots(axes, losses["constants"])
    _scale(axes, [losses["biases"], losses["constants"]])
    named(axes, "C")
    whole_steps(axes)
    return figure


def draw_difference(measured: Measured) -> Figure:
    """Draw how far both losses are apart, and what another order of the samples does."""
    figure, (axes,) = panels([100])
    differences = [measured[name] for name in ("between", "between_orders")]
    _plot(axes, differences[0], color=ORANGE, linewidth=1)
    _plot(axes, differences[1], color=INK, linewidth=1, linestyle=(0, (1, 1)))
    _scale(axes, differences)
    named(axes, "|ΔC|")
    whole_steps(axes)
    return figure


def draw_parting(measured: Measured) -> Figure:
    """Draw the losses of decayed and drawn constants, and below the length of all biases."""
    figure, axes = panels([110, 90])
    styles: dict[str, dict[str, Any]] = {
        "biases": {"color": INK, "linewidth": 1},
        "decayed": {"color": BLUE},
        "row_decays": {"color": ORANGE, "linestyle": (0, (4, 1.5))},
        "drawn": {"color": PURPLE, "linestyle": (0, (1, 1))},
    }
    for panel, values in zip(axes, (measured["losses"], measured["lengths"]), strict=True):
        for name, style in styles.items():
            _plot(panel, values[name], steps=len(measured["losses"]["biases"]), **style)
        _scale(panel, [values[name] for name in styles])
    named(axes[0], "C")
    named(axes[1], "‖b‖")
    whole_steps(axes[0], is_labelled=False)
    whole_steps(axes[1])
    return figure


def _plot(axes: Axes, values: np.ndarray, *, steps: int | None = None, **style: Any) -> None:
    """Draw a line over the steps; values that are fewer lie evenly over all of them."""
    chosen = np.unique(np.linspace(0, len(values) - 1, POINTS).round().astype(int))
    stretch = ((steps or len(values)) - 1) / max(len(values) - 1, 1)
    marker = "o" if len(chosen) == 1 else None
    axes.plot(chosen * stretch, _drawable(values[chosen]), marker=marker, markersize=4, **style)


def _dots(axes: Axes, values: np.ndarray) -> None:
    chosen = np.unique(np.linspace(0, len(values) - 1, DOTS).round().astype(int))
    heights = _drawable(values[chosen])
    axes.plot(chosen, heights, linestyle="none", marker="o", markersize=4, color=ORANGE)


def _scale(axes: Axes, lines: Sequence[np.ndarray]) -> None:
    fit_height(axes, _drawable(np.concatenate(lines)))


def _drawable(values: np.ndarray) -> np.ndarray:
    """Return values without those of a training that runs away."""
    return np.where(np.abs(values) < HIGHEST, values, np.nan)


def _seats(shown: Sequence[int], wide: float, tall: float) -> list[list[Point]]:
    """Return where the neurons of each layer sit, upwards from the lower edge's middle."""
    across = (wide - 2 * SIDE - 2 * RADIUS) / (len(shown) - 1)
    middle = (tall + TOP + ROW) / 2 - RADIUS
    return [
        [
            (SIDE + RADIUS + across * column, middle + ROW * (row - (count - 1) / 2))
            for row in range(count)
        ]
        for column, count in enumerate(shown)
    ]


def _draw_links(axes: Axes, seats: list[list[Point]]) -> None:
    for below, above in pairwise(seats):
        for start, end in product(below, above):
            _link(axes, start, end, color=LINE, linewidth=1)


def _draw_constants(axes: Axes, seats: list[list[Point]]) -> None:
    """Draw a neuron that says 1 beside every layer but the last, and what it feeds."""
    ones = [(layer[0][0], TOP + RADIUS) for layer in seats[:-1]]
    for one, above in zip(ones, seats[1:], strict=True):
        for end in above:
            _link(axes, one, end, color=BLUE, linewidth=1.5)
    for start, end in pairwise(ones):
        _link(axes, start, end, color=ORANGE, linewidth=1.5, linestyle=(0, (3, 1.5)))
        middle = ((start[0] + end[0]) / 2, start[1])
        _write(axes, "c", middle, (0, 5), ORANGE)
    for x, y in ones:
        corner = (x - RADIUS, y - RADIUS)
        axes.add_patch(
            Rectangle(corner, 2 * RADIUS, 2 * RADIUS, fill=False, edgecolor=BLUE, linewidth=1.5)
        )
        _write(axes, "1", (x, y), (0, -4), INK)


def _draw_layer(axes: Axes, layer: list[Point], *, has_bias: bool) -> None:
    for seat in layer:
        axes.add_patch(Circle(seat, RADIUS, fill=False, edgecolor=INK))
        if has_bias:
            _write(axes, "b", seat, (0, -4), BLUE)


def _link(axes: Axes, start: Point, end: Point, **style: Any) -> None:
    along = np.subtract(end, start)
    rim = RADIUS * along / np.linalg.norm(along)
    (x0, y0), (x1, y1) = np.add(start, rim), np.subtract(end, rim)
    axes.plot([x0, x1], [y0, y1], **style)


def _write(axes: Axes, text: str, where: Point, shift: Point, colour: str) -> None:
    axes.annotate(text, where, shift, textcoords="offset points", ha="center", color=colour)
