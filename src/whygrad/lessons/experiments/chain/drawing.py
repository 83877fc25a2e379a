"""The chain of one neuron as a graph, and the loss along its weight and its bias."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from whygrad.lessons.notation import ARRIVES, ONE, SLOPE
from whygrad.render.page.canvas import BLUE, FAINT, INK, ORANGE, WIDTH, panels, place, sheet
from whygrad.words import number

HEIGHT = 206
RADIUS = 15
SEATS = {"w": (24, 44), "b": (24, 164), "z": (112, 104), "a": (214, 104), "C": (318, 104)}
ARROWS = {  # (from, to): the local derivative, by its name in the chain; symbol and colour
    ("w", "z"): ("input", "∂z/∂w", ARRIVES),
    ("b", "z"): ("constant", "∂z/∂b", ONE),
    ("z", "a"): ("slope", "f′(z)", SLOPE),
    ("a", "C"): ("upstream", "∂C/∂a", INK),
}
APART = 4  # between the arrow forward and the arrow back


def draw_chain(chain: Mapping[str, float]) -> Figure:
    """Draw what flows forward above every node, and what flows back below it."""
    figure = sheet(HEIGHT)
    axes = place(figure, 0, 0, WIDTH, HEIGHT)
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.set_axis_off()
    forward = {
        "w": chain["weight"],
        "b": chain["bias"],
        "z": chain["preactivation"],
        "a": chain["output"],
        "C": chain["loss"],
    }
    back = {
        "w": chain["weight_gradient"],
        "b": chain["bias_gradient"],
        "z": chain["delta"],
        "a": chain["upstream"],
        "C": 1.0,
    }
    for (start, end), (link, symbol, colour) in ARROWS.items():
        ends = np.array(SEATS[start]), np.array(SEATS[end])
        _arrows(axes, *ends, chain[link], symbol, colour)
    for name, seat in SEATS.items():
        axes.add_patch(Circle(seat, RADIUS, fill=False, edgecolor=INK))
        _write(axes, name, seat, INK, 13)
        _write(axes, number(forward[name]), (seat[0], seat[1] - RADIUS - 10), BLUE)
        _write(axes, number(back[name]), (seat[0], seat[1] + RADIUS + 11), ORANGE)
    return figure


def _arrows(
    axes: Axes, start: np.ndarray, end: np.ndarray, derivative: float, symbol: str, colour: str
) -> None:
    """Draw the way forward, the way back below it, and the local derivative beside them."""
    along = (end - start) / np.linalg.norm(end - start)
    aside = APART * np.array([along[1], -along[0]])
    first, last = start + (RADIUS + 3) * along, end - (RADIUS + 3) * along
    _arrow(axes, first + aside, last + aside, BLUE, "-")
    _arrow(axes, last - aside, first - aside, ORANGE, (0, (3, 2)))
    x, y = (first + last) / 2
    label = f"{symbol} = {number(derivative, 3)}"
    if along[1] == 0:  # above, where there is room between the numbers of two nodes
        _write(axes, label, (x, y - 44), colour)
        axes.plot([x, x], [y - 35, y - 9], color=colour, linewidth=0.75)
    else:  # on the outer side of a way that falls or climbs
        _write(axes, label, (x + 7, y - 15 * float(np.sign(along[1]))), colour, align="left")


def _arrow(axes: Axes, start: np.ndarray, end: np.ndarray, colour: str, dash: object) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.5, "linestyle": dash}
    axes.annotate("", tuple(end), tuple(start), arrowprops=style | {"shrinkA": 0, "shrinkB": 0})


def _write(
    axes: Axes,
    text: str,
    where: tuple[float, float],
    colour: str,
    size: int = 11,
    align: str = "center",
) -> None:
    axes.annotate(text, where, color=colour, fontsize=size, ha=align, va="center")


def draw_curves(curves: Mapping[str, np.ndarray], chain: Mapping[str, float]) -> Figure:
    """Draw the loss along both parameters, with the gradients as tangents."""
    figure, (axes,) = panels([190])
    moves = curves["move"]
    for name, colour, dash in (("weight", BLUE, "-"), ("bias", ORANGE, (0, (4, 2)))):
        gradient = chain[f"{name}_gradient"]
        axes.plot(moves, chain["loss"] + gradient * moves, color=FAINT, linewidth=1)
        axes.plot(moves, curves[name], color=colour, linestyle=dash)
    axes.plot([0], [chain["loss"]], "o", color=INK, markersize=6)
    _fit(axes, np.concatenate([curves["weight"], curves["bias"]]))
    axes.set_xlim(moves[0], moves[-1])
    axes.grid(axis="y")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=4))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 3)))
    return figure


def _fit(axes: Axes, values: np.ndarray) -> None:
    """Scale the panel's height to the curves; tangents may leave it."""
    low, high = float(values.min()), float(values.max())
    room = max(0.08 * (high - low), 1e-3 * max(abs(high), 1e-3))
    axes.set_ylim(low - room, high + room)
