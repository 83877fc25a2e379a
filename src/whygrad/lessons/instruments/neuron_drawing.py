"""The drawing at the beginning of the book: one neuron forwards and backwards."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from whygrad.lessons.notation import ARRIVES, ONE, SLOPE
from whygrad.render.page.canvas import FAINT, INK, PURPLE, WIDTH, place, sheet

HEIGHT = 214
COLUMNS = (32, 126, 220, 308)  # where the input, z, the output and the loss stand
FORWARD, BACKWARD, BIAS = 34, 122, 188  # from the top
RADIUS = 21

Symbol = tuple[str, str]  # a letter, and what stands at its foot
Point = tuple[float, float]


def draw_neuron() -> Figure:
    """Return the drawing; it holds symbols only."""
    figure = sheet(HEIGHT)
    axes = place(figure, 0, 0, WIDTH, HEIGHT)
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.set_axis_off()
    first, second, third, _ = COLUMNS
    for x, symbol in zip(COLUMNS, (("a", "j"), ("z", "k"), ("a", "k"), ("C", "")), strict=True):
        _node(axes, (x, FORWARD), symbol, INK)
    for x, letter in ((first, "w"), (second, "z"), (third, "a")):
        _derivative(axes, (x, BACKWARD), letter)
    _derivative(axes, (first, BIAS), "b")
    _steps(axes)
    return figure


def _steps(axes: Axes) -> None:
    """Draw the steps between the places, each with what it multiplies by."""
    first, second, third, last = COLUMNS
    _arrow(axes, (first, FORWARD), (second, FORWARD), INK)
    _arrow(axes, (second, FORWARD), (third, FORWARD), INK)
    _arrow(axes, (third, FORWARD), (last, FORWARD), INK, is_far=True)
    _arrow(axes, (last, FORWARD), (third, BACKWARD), PURPLE, is_far=True)
    _arrow(axes, (third, BACKWARD), (second, BACKWARD), PURPLE)
    _arrow(axes, (second, BACKWARD), (first, BACKWARD), PURPLE)
    _arrow(axes, (second, BACKWARD), (first, BIAS), PURPLE)
    _label(axes, ((first + second) / 2, FORWARD - 9), "× w + b", INK)
    _label(axes, ((second + third) / 2, FORWARD - 9), "f", INK)
    _label(axes, ((second + third) / 2, BACKWARD - 9), "× f′(z)", SLOPE)
    _label(axes, ((first + second) / 2, BACKWARD - 9), "× a", ARRIVES)
    _label(axes, ((first + second) / 2 + 14, (BACKWARD + BIAS) / 2 + 10), "× 1", ONE)


def _node(axes: Axes, at: Point, symbol: Symbol, colour: str) -> None:
    axes.add_patch(Circle(at, RADIUS, facecolor="none", edgecolor=colour, linewidth=1.25))
    _symbol(axes, at, symbol, colour, 13)


def _derivative(axes: Axes, at: Point, letter: str) -> None:
    """Draw dC over d of a symbol, as a fraction in a circle."""
    x, y = at
    axes.add_patch(Circle(at, RADIUS, facecolor="none", edgecolor=PURPLE, linewidth=1.25))
    axes.plot([x - 12, x + 12], [y, y], color=PURPLE, linewidth=0.9)
    axes.text(x, y - 7.5, "∂C", color=PURPLE, ha="center", va="center", fontsize=10.5)
    axes.text(x, y + 8, f"∂{letter}", color=PURPLE, ha="center", va="center", fontsize=10.5)


def _symbol(axes: Axes, at: Point, symbol: Symbol, colour: str, size: float) -> None:
    (x, y), (letter, foot) = at, symbol
    left = x - 2 if foot else x
    axes.text(left, y, letter, color=colour, ha="center", va="center", fontsize=size)
    axes.text(left + 4.5, y + 5, foot, color=colour, va="center", fontsize=0.7 * size)


def _label(axes: Axes, at: Point, text: str, colour: str) -> None:
    axes.text(*at, text, color=colour, ha="center", va="center", fontsize=11)


def _arrow(axes: Axes, start: Point, end: Point, colour: str, *, is_far: bool = False) -> None:
    """Draw an arrow from circle to circle; dashed where whole layers lie between."""
    style = {"arrowstyle": "-|>", "color": FAINT if colour == INK else colour, "linewidth": 1.25}
    style |= {"linestyle": (0, (4, 3)) if is_far else "solid", "mutation_scale": 9}
    shrink = {"shrinkA": RADIUS + 3, "shrinkB": RADIUS + 3}
    axes.annotate("", end, start, arrowprops=style | shrink)
