"""The drawings of the lesson on outer products."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import ARRIVES
from whygrad.render.page.canvas import (
    BLUE,
    BLUE_CELL,
    FAINT,
    INK,
    LINE,
    ORANGE_CELL,
    WIDTH,
    Length,
    fit_height,
    panels,
    place,
    sheet,
    whole_steps,
)

SAMPLES = 3  # in the picture
CELLS = 10  # rows and columns of a heat map, at most
WIDE, TALL = 54, 84  # of a heat map, at most
STRIP, SIGN = 7, 17  # of its edges, and of a sign between two
LIT = 16  # samples of a product that is drawn, at most


def draw_product(measured: Measured, entry: tuple[int, int], side: str) -> Figure:
    """Draw one entry of the gradient as a row of one factor times a column of the other.

    Args:
        entry: (input j, neuron k); the last cell stands for it where it is not drawn.
        side: ``rows`` or ``columns``: what a sample is.
    """
    j, k = entry
    x, delta = measured["input"][:LIT], measured["delta"][:LIT]
    inputs = [*dict.fromkeys([*range(min(CELLS, x.shape[1])), j])][-CELLS:]
    neurons = [*dict.fromkeys([*range(min(CELLS, delta.shape[1])), k])][-CELLS:]
    x, delta = x[:, inputs], delta[:, neurons]
    product = measured["gradient"][np.ix_(inputs, neurons)]
    first, second, row, column, colours = (
        x.T,
        delta,
        inputs.index(j),
        neurons.index(k),
        (ARRIVES, INK),
    )
    names = ("xᵀ", "δ")
    if side == "columns":
        first, second, product, names = delta.T, x, product.T, ("Δ", "Xᵀ")
        row, column, colours = column, row, (INK, ARRIVES)
    cell = min(15.0, (WIDTH - 90) / (len(x) + 2 * max(product.shape)))
    rows, inner = first.shape
    figure = sheet(max(rows, inner) * cell + 34)
    largest = [max(float(np.abs(part).max()), 1e-300) for part in (first, second, product)]
    left, places = 8.0, []
    for part, scale in zip((first, second, product), largest, strict=True):
        tall, wide = (size * cell for size in part.shape)
        axes = _panel(figure, left, 26, wide, tall)
        _cells(axes, part / scale)
        places.append(left + wide / 2)
        left += wide + 34
        if len(places) < 3:
            _write(figure, left - 17, 26 + rows * cell / 2 + 4, "·" if len(places) == 1 else "→")
        _frame(axes, part.shape, len(places), (row, column), colours)
    for where, name in zip(places, (*names, "Σ/m"), strict=True):
        _write(figure, where, 15, name)
    return figure


def _frame(
    axes: Axes,
    shape: tuple[int, ...],
    place: int,
    entry: tuple[int, int],
    colours: tuple[str, str],
) -> None:
    """Frame the row of the first factor, the column of the second, the entry of the product."""
    (rows, columns), (row, column) = shape, entry
    corner, wide, tall = {
        1: ((-0.5, row - 0.5), columns, 1),
        2: ((column - 0.5, -0.5), 1, rows),
        3: ((column - 0.5, row - 0.5), 1, 1),
    }[place]
    colour = (*colours, INK)[place - 1]
    axes.add_patch(
        Rectangle(corner, wide, tall, fill=False, edgecolor=colour, linewidth=2.25, clip_on=False)
    )


def draw_heat_maps(measured: Measured, batch: int) -> Figure:
    """Draw outer products with their two factors at the edges, and the mean of all."""
    x, delta = measured["input"][:, :CELLS], measured["delta"][:, :CELLS]
    maps = [outer[:CELLS, :CELLS] for outer in measured["outers"]]
    mean = measured["gradient"][:CELLS, :CELLS]
    wide, tall = _size(*mean.shape)
    figure = sheet(tall + STRIP + 34)
    largest = max(float(np.abs(maps).max()), float(np.abs(mean).max()), 1e-300)
    top, left = 26 + STRIP, 6 + STRIP
    for i, outer in enumerate(maps):
        is_last = i + 1 == len(maps)
        _cells(_panel(figure, left, top, wide, tall), outer / largest)
        _factors(figure, (left, top), (wide, tall), x[i], delta[i])
        _write(figure, left + wide / 2, 13, f"i = {i}")
        sign = "+" if not is_last else "→" if batch == len(maps) else "+ … →"
        room = (3 if sign == "+ … →" else 1) * SIGN
        _write(figure, left + wide + room / 2 + 1, top + tall / 2 + 4, sign)
        left += wide + room + 2 + (0 if is_last else STRIP)
    _cells(_panel(figure, left, top, wide, tall), mean / largest)
    _write(figure, left + wide / 2, 13, "Σ/m")
    return figure


def _size(rows: int, columns: int) -> tuple[float, float]:
    """Return width and height of a heat map, its cells not too far from squares."""
    wide, tall = min(WIDE / columns, 2 * TALL / rows), min(TALL / rows, 2 * WIDE / columns)
    return columns * min(wide, 2 * tall), rows * min(tall, 2 * wide)


def _panel(figure: Figure, left: Length, top: Length, width: Length, height: Length) -> Axes:
    axes = place(figure, left, top, width, height)
    axes.set_axis_off()
    return axes


def _factors(
    figure: Figure,
    corner: tuple[Length, Length],
    size: tuple[Length, Length],
    x: Float[np.ndarray, " rows"],
    delta: Float[np.ndarray, " columns"],
) -> None:
    """Draw a sample's input down the left edge and its δ along the upper one."""
    (left, top), (wide, tall) = corner, size
    beside = _panel(figure, left - STRIP - 2, top, STRIP, tall)
    _cells(beside, x[:, None] / max(float(np.abs(x).max()), 1e-300))
    above = _panel(figure, left, top - STRIP - 2, wide, STRIP)
    _cells(above, delta[None, :] / max(float(np.abs(delta).max()), 1e-300))


def _cells(axes: Axes, values: Float[np.ndarray, "rows columns"]) -> None:
    """Draw numbers in [-1, 1]: blue, or orange with a dash where negative; pale where small."""
    rows, columns = values.shape
    rgba = np.empty((rows, columns, 4))
    rgba[..., :3] = np.where((values >= 0)[..., None], BLUE_CELL, ORANGE_CELL)
    rgba[..., 3] = np.sqrt(np.minimum(np.abs(values), 1))
    extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
    axes.imshow(rgba, interpolation="none", aspect="auto", extent=extent)
    for row, column in np.argwhere(values < 0):
        axes.hlines(row, column - 0.2, column + 0.2, color=INK, linewidth=0.6)
    edge = {"color": LINE, "linewidth": 0.75, "clip_on": False}
    axes.plot([-0.5, columns - 0.5, columns - 0.5, -0.5, -0.5],
              [-0.5, -0.5, rows - 0.5, rows - 0.5, -0.5], **edge)  # fmt: skip


def _write(figure: Figure, x: Length, y: Length, text: str) -> None:
    wide, tall = figure.get_size_inches() * 72
    figure.text(x / wide, 1 - y / tall, text, ha="center", color=INK, fontsize=11)


def draw_ranks(sizes: np.ndarray, ranks: np.ndarray, bound: np.ndarray) -> Figure:
    """Draw the rank of the gradient against the number of samples."""
    figure, (axes,) = panels([120])
    fit_height(axes, np.append(bound, 1.15 * bound.max()))
    axes.plot(sizes, bound, color=FAINT, linestyle=(0, (4, 3)))
    axes.plot(sizes, ranks, color=BLUE, marker="o", markersize=5, linewidth=0)
    axes.set_xlim(0, max(float(sizes.max()), 2) * 1.04)
    whole_steps(axes)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    return figure
