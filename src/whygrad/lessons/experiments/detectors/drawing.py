"""The pictures of statement 9: weights as images, who is like whom, and the scales of a start."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from whygrad.lessons.instruments.curves_drawing import Look
from whygrad.render.page.canvas import FAINT, GREY_CELL, INK, WIDTH, place, sheet, signed_cells
from whygrad.words import number

WIDE = 408  # as wide as a narrow phone shows without scrolling
SIDE_BY_SIDE = 8  # detectors in a row
SYMBOLS = 26  # room on the left for what a row of images is
SPACE = 6
HEAD = 22  # room above a column for its digit
FADED = 0.05  # of the largest weight of all
MARKED = 0.2  # cells below this share of the largest carry no sign


def draw_detectors(
    before: Float[np.ndarray, "pixels n"],
    after: Float[np.ndarray, "pixels n"],
    images: Float[np.ndarray, "n pixels"],
    digits: Int[np.ndarray, "n 10"],
    fires: Bool[np.ndarray, " n"],
) -> Figure:
    """Draw, neuron by neuron, its weights before and after, and the mean of its images.

    Above stands the digit that most of the images show, and how many of them do.
    """
    count = len(images)
    rows = -(-count // SIDE_BY_SIDE)
    side = (WIDE - SYMBOLS) / SIDE_BY_SIDE - SPACE
    block = HEAD + 3 * (side + 4) + 12
    figure = Figure(figsize=(WIDE / 72, rows * block / 72), dpi=72)
    for n in range(count):
        left = SYMBOLS + n % SIDE_BY_SIDE * (side + SPACE)
        top = n // SIDE_BY_SIDE * block + HEAD
        panels = [place(figure, left, top + i * (side + 4), side, side) for i in range(3)]
        _weights(panels[0], before, n)
        _weights(panels[1], after, n)
        _image(panels[2], images[n] if fires[n] else np.zeros_like(images[n]))
        if fires[n]:
            _heading(panels[0], digits[n])
        if n % SIDE_BY_SIDE == 0:
            for panel, symbol in zip(panels, ("w₀", "w", "⟨x⟩"), strict=True):
                _symbol(panel, symbol)
    return figure


def _weights(axes: Axes, weights: Float[np.ndarray, "pixels n"], neuron: int) -> None:
    """Draw a neuron's weights as an image on its own scale; a dash marks what is negative.

    What has all but faded beside the other neurons stays faint.
    """
    own, others = (float(np.abs(part).max()) for part in (weights[:, neuron], weights))
    image = weights[:, neuron].reshape(8, 8) / (max(own, FADED * others) or 1.0)
    axes.imshow(signed_cells(image), interpolation="none")
    dashes(axes, image)
    _frame(axes)


def dashes(axes: Axes, image: Float[np.ndarray, "rows columns"]) -> None:
    """Draw a dash on every negative cell, the longer the farther below 0; one path for all."""
    row, column = np.nonzero(image < -MARKED)
    reach = 0.42 * np.abs(image[row, column])
    gap = np.full(len(row), np.nan)
    across = np.stack([column - reach, column + reach, gap], axis=1).ravel()
    down = np.stack([row, row, gap], axis=1).ravel()
    axes.plot(across, down, color=INK, linewidth=1, solid_capstyle="butt")


def _image(axes: Axes, pixels: Float[np.ndarray, " pixels"]) -> None:
    rgba = np.empty((8, 8, 4))
    rgba[..., :3], rgba[..., 3] = GREY_CELL, np.clip(pixels, 0, 1).reshape(8, 8)
    axes.imshow((rgba * 255).round().astype(np.uint8), interpolation="none")
    _frame(axes)


def _frame(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[], xlim=(-0.5, 7.5), ylim=(7.5, -0.5))
    for spine in axes.spines.values():
        spine.set_visible(True)


def _heading(axes: Axes, digits: Int[np.ndarray, " 10"]) -> None:
    share = f"{digits.max()}/{digits.sum()}"
    over: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(
        str(int(digits.argmax())), (0, 1), (1, 4), color=INK, fontsize=11.5, weight="bold", **over
    )
    axes.annotate(share, (1, 1), (-1, 4), color=FAINT, fontsize=8.5, ha="right", **over)


def _symbol(axes: Axes, symbol: str) -> None:
    at: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(symbol, (0, 0.5), (-6, 0), ha="right", va="center", color=FAINT, **at)


def draw_similarity(matrices: Mapping[str, Float[np.ndarray, "n n"]]) -> Figure:
    """Draw matrices of cosines side by side, under their names."""
    side = (WIDTH - 24 * (len(matrices) + 1)) / len(matrices)
    figure = sheet(side + 58)
    for i, (name, matrix) in enumerate(matrices.items()):
        axes = place(figure, 24 + i * (side + 24), 22, side, side)
        axes.imshow(signed_cells(np.clip(matrix, -1, 1)), interpolation="none")
        dashes(axes, np.clip(matrix, -1, 1))
        last = len(matrix) - 1
        axes.set(xticks=[0, last], yticks=[0, last], xlim=(-0.5, last + 0.5))
        axes.set_ylim(last + 0.5, -0.5)
        axes.set_title(name, color=INK, pad=6)
    _scale(place(figure, WIDTH / 2 - 80, side + 38, 160, 8))
    return figure


def _scale(axes: Axes) -> None:
    strip = np.linspace(-1, 1, 65)[None, :]
    extent = (-1, 1, 0, 1)
    axes.imshow(signed_cells(strip), extent=extent, interpolation="none", aspect="auto")
    axes.set(yticks=[], xticks=[-1, 0, 1], xticklabels=["−1", "0", "+1"])
    axes.tick_params(length=0, pad=2)


def draw_scales(kinds: Sequence[dict[str, Any]], looks: Sequence[Look]) -> Figure:
    """Draw the share that is read right over the scale of the start, a line a kind of network.

    A short upright line marks the scale that the rule for the proper size takes.
    """
    figure = sheet(240)
    axes = place(figure, 48, 30, WIDTH - 48 - 16, 182)
    for kind, look in zip(kinds, looks, strict=True):
        _scale_line(axes, kind, look)
    axes.set(xscale="log", ylim=(0, 1.02), yticks=[0, 0.5, 1], yticklabels=["0 %", "50 %", "100 %"])
    axes.set_xlim(kinds[0]["scales"][0], kinds[0]["scales"][-1])
    axes.xaxis.set_major_locator(FixedLocator([0.01, 0.1, 1, 10]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 3)))
    axes.grid(axis="y")
    return figure


def _scale_line(axes: Axes, kind: dict[str, Any], look: Look) -> None:
    scales, colour = kind["scales"], look.colour
    axes.fill_between(scales, kind["low"], kind["high"], color=colour, alpha=0.2, linewidth=0)
    axes.plot(scales, kind["middle"], color=colour, linestyle=look.dashes, linewidth=look.width)
    rule, to_edge = [kind["rule"]] * 2, axes.get_xaxis_transform()
    axes.plot(rule, [0, 0.08], color=colour, linewidth=2.5, transform=to_edge)
    best = (scales[kind["best"]], kind["middle"][kind["best"]])
    label, aside = f"n = {kind['width']}", (-7, 3)
    axes.annotate(label, best, aside, textcoords="offset points", ha="right", color=colour)
