"""The network of the lesson on responsibility, drawn with lines as wide as what flows in them."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from whygrad.lessons.experiments.responsibility.network import Responsibility
from whygrad.lessons.lesson import Measured
from whygrad.render.page.canvas import BLUE, FAINT, INK, LINE, ORANGE, WIDTH, place
from whygrad.words import number

MOST = 5  # neurons a layer
ROW, HEAD, SIDE = 34, 44, 20  # of the drawing, in its units
RADIUS = 9.0  # of a neuron whose loudness is not shown
WIDEST = 9.0  # line
LABEL = (0.62, 0.32)  # how far along a line its part is written: of the first lines, of the others
TELLING = 0.12  # share of the widest line from which on a part is written beside it

Edge = tuple[int, int, int, float]  # layer below, neuron below, neuron above, part
Seat = tuple[int, int]  # layer, neuron
Point = np.ndarray


def draw_flows(setup: Responsibility, measured: Measured, roots: tuple[str, ...]) -> Figure:
    """Draw what reaches each of the neurons, one drawing below the other on one scale."""
    trees = [measured["roots"][name] for name in roots]
    widest = max(max((abs(edge[3]) for edge in tree["edges"]), default=0.0) for tree in trees)
    tall = HEAD + ROW * min(MOST, max(setup.width, 2))
    wide = WIDTH if setup.depth <= 3 else 2 * WIDTH
    figure = Figure(figsize=(wide / 72, tall * len(trees) / 72), dpi=72)
    for row, tree in enumerate(trees):
        axes = place(figure, SIDE, row * tall + HEAD, wide - 2 * SIDE, tall - HEAD)
        axes.set(xlim=(0, wide - 2 * SIDE), ylim=(tall - HEAD, 0))
        axes.set_axis_off()
        _draw_tree(axes, setup, measured, tree, widest or 1.0)
    return figure


def _draw_tree(
    axes: Axes, setup: Responsibility, measured: Measured, tree: dict[str, Any], widest: float
) -> None:
    edges: list[Edge] = [tuple(edge) for edge in tree["edges"]]
    seats = _seats(axes, setup, edges, tree["neuron"])
    loudness = float(measured["output"][tree["neuron"]])
    radius = 3 + 11 * float(np.sqrt(min(abs(loudness), 1.0)))
    radii = {seat: radius if seat[0] == 0 else RADIUS for seat in seats}
    for edge in sorted(edges, key=lambda edge: abs(edge[3])):
        below, above = (edge[0], edge[1]), (edge[0] + 1, edge[2])
        if below in seats and above in seats:
            ends = _between(seats[below], radii[below], seats[above], radii[above])
            _draw_edge(axes, *ends, edge[3], edge[3] / widest, LABEL[edge[0] > 0])
    for seat, where in seats.items():
        _draw_neuron(axes, where, seat[1], radii[seat])
    _head(axes, setup, measured, tree["neuron"])


def _seats(axes: Axes, setup: Responsibility, edges: list[Edge], root: int) -> dict[Seat, Point]:
    """Return where each neuron that is shown sits: of every layer those with the largest parts."""
    wide, tall = axes.get_xlim()[1], axes.get_ylim()[0]
    seats = {(0, root): np.array([0.0, tall / 2])}
    for level in range(1, setup.depth + 1):
        flows: dict[int, float] = {}
        for edge in edges:
            if edge[0] == level - 1:
                flows[edge[2]] = flows.get(edge[2], 0.0) + abs(edge[3])
        chosen = sorted(sorted(flows, key=lambda k: -flows[k])[:MOST])
        for row, neuron in enumerate(chosen):
            height = tall * (row + 0.5) / len(chosen)
            seats[level, neuron] = np.array([wide * level / setup.depth, height])
    return seats


def _between(start: Point, leaving: float, end: Point, arriving: float) -> tuple[Point, Point]:
    """Return the ends of a line from the rim of one circle to the rim of another."""
    along = (end - start) / np.linalg.norm(end - start)
    return start + leaving * along, end - arriving * along


def _draw_edge(
    axes: Axes, start: Point, end: Point, part: float, share: float, label: float
) -> None:
    colour, dash = (BLUE, "-") if part >= 0 else (ORANGE, (0, (2.5, 1.2)))
    xs, ys = np.transpose([start, end])
    axes.plot(xs, ys, color=LINE, linewidth=0.75, clip_on=False)
    width = max(WIDEST * abs(share), 0.2)
    (line,) = axes.plot(xs, ys, color=colour, linewidth=width, linestyle=dash, clip_on=False)
    line.set(alpha=0.8, solid_capstyle="butt", dash_capstyle="butt")
    if abs(share) >= TELLING:
        sign = "+" if part >= 0 else "−"
        _write(axes, sign + number(abs(part), 2), start + label * (end - start), 3 + width / 2)


def _draw_neuron(axes: Axes, where: Point, neuron: int, radius: float) -> None:
    axes.add_patch(Circle(tuple(where), radius, fill=False, edgecolor=INK, clip_on=False))
    _write(axes, str(neuron), where, -4 if radius >= RADIUS else -radius - 11)


def _write(axes: Axes, text: str, where: Point, above: float, *, align: str = "center") -> None:
    axes.annotate(
        text,
        tuple(where),
        (0, above),
        textcoords="offset points",
        ha=align,
        color=INK,
        fontsize=10,
    )


def _head(axes: Axes, setup: Responsibility, measured: Measured, root: int) -> None:
    """Write who is asked about, above the drawing, and the names of the layers."""
    said, total = (number(float(measured[name][root]), 3) for name in ("output", "sum"))
    line = f"hidden1[{root}]    a = {said}    u = {total}"
    axes.annotate(line, (0, 0), (-SIDE + 4, 24), textcoords="offset points", color=INK)
    wide = axes.get_xlim()[1]
    names: list[Any] = [*(f"hidden{i + 1}" for i in range(setup.depth)), "output"]
    for level, name in enumerate(names[1:], 1):
        axes.annotate(
            name, (wide * level / setup.depth, 0), (0, 6), textcoords="offset points",
            ha="right" if name == "output" else "center", color=FAINT, fontsize=10,
        )  # fmt: skip
