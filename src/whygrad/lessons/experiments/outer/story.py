"""What the lesson on outer products tells, and its drawings."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from whygrad.lessons.lesson import Measured
from whygrad.lessons.story import Block, Formula, Legend, Line, Picture, Say, Story, Table, Word
from whygrad.render.page.canvas import (
    BLUE,
    BLUE_CELL,
    FAINT,
    INK,
    LINE,
    ORANGE_CELL,
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
WAYS = ("loop", "stack", "product", "compiled")


def tell(setup: Any, measured: Measured) -> Story:
    """Tell where the sum over samples hides, and what it leaves behind."""
    one = _numbers(setup, measured)
    return Story(
        told=(
            Say("lesson.outer.wish", one),
            Formula(r"x_{ij} \, \delta_{ik} = [[x]] \cdot [[delta]] = [[wish]]", one),
            Say("lesson.outer.add_alone" if setup.batch == 1 else "lesson.outer.add", one),
            _heat_maps(measured, one),
            Say("lesson.outer.hidden", one),
            Formula(
                r"\frac{\partial C}{\partial w_{jk}} = \frac{1}{m} \sum_i x_{ij} \, \delta_{ik}"
                r" = \frac{1}{m} \left( x^\top \delta \right)_{jk} = [[gradient]]",
                one,
            ),
            Say("lesson.outer.checked", one),
            _times(measured, one),
            Say(f"lesson.outer.{_race(measured)}", one),
            Say(f"lesson.outer.{_compiled(measured)}", one),
        ),
        left_out=(
            Say("lesson.outer.memory", one),
            Say("lesson.outer.rank", one),
            Formula(
                r"\operatorname{rank}\left( x^\top \delta \right) \leq \min(m, n_\text{in},"
                r" n_\text{out}) = \min([[batch]], [[inputs]], [[width]]) = [[rank_bound]]",
                one,
            ),
            *_rank_told(measured, one),
        ),
    )


def _numbers(setup: Any, measured: Measured) -> dict[str, Any]:
    gradient, seconds = measured["gradient"], measured["seconds"]
    j, k = (int(place) for place in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
    x, delta = float(measured["input"][0, j]), float(measured["delta"][0, k])
    return {
        "batch": setup.batch,
        "inputs": setup.inputs,
        "width": setup.width,
        "j": j,
        "k": k,
        "x": x,
        "delta": delta,
        "wish": x * delta,
        "gradient": float(gradient[j, k]),
        "sample_difference": measured["sample_difference"],
        "sum_difference": measured["sum_difference"],
        "stack_numbers": setup.batch * setup.inputs * setup.width,
        "factor_numbers": setup.batch * (setup.inputs + setup.width),
        "loop_ratio": seconds["loop"] / seconds["product"],
        "stack_ratio": seconds["stack"] / seconds["product"],
        **{f"{way}_us": 1e6 * seconds[way] for way in WAYS},
        **{f"{way}_bytes_seen": size for way, size in measured["bytes"].items()},
        **{
            name: measured[name]
            for name in ("stack_bytes", "factor_bytes", "gradient_bytes", "rank", "rank_bound")
        },
    }


def _race(measured: Measured) -> str:
    seconds = measured["seconds"]
    is_faster = seconds["product"] < min(seconds["loop"], seconds["stack"])
    return "product_faster" if is_faster else "product_not_faster"


def _compiled(measured: Measured) -> str:
    seconds = measured["seconds"]
    return "compiled_faster" if seconds["compiled"] < seconds["product"] else "compiled_slower"


def _heat_maps(measured: Measured, one: dict[str, Any]) -> Picture:
    shown = {
        "shown": min(SAMPLES, one["batch"]),
        "rows": min(CELLS, one["inputs"]),
        "columns": min(CELLS, one["width"]),
    }
    drawn = (shown["shown"], shown["rows"], shown["columns"])
    is_all = drawn == (one["batch"], one["inputs"], one["width"])
    return Picture(
        "outer",
        Say("lesson.outer.picture" if is_all else "lesson.outer.picture.some", one | shown),
        lambda: _draw_heat_maps(measured, one["batch"]),
        legend=(
            Legend("blue disc", Word("lesson.outer.positive")),
            Legend("orange disc", Word("lesson.outer.negative")),
        ),
    )


def _times(measured: Measured, one: dict[str, Any]) -> Table:
    head = [Word("lesson.outer.way"), Word("lesson.outer.microseconds")]
    rows = [[Word(f"lesson.outer.way.{way}"), one[f"{way}_us"]] for way in WAYS]
    return Table(Say("lesson.outer.times", one), head, rows)


def _rank_told(measured: Measured, one: dict[str, Any]) -> tuple[Block, ...]:
    words = Word("lesson.outer.measured_rank"), Word("lesson.outer.bound")
    sizes, ranks = measured["rank_sizes"], measured["ranks"]
    bound = np.minimum(sizes, measured["narrow"])
    picture = Picture(
        "rank",
        Say("lesson.outer.rank_picture", one),
        lambda: _draw_ranks(sizes, ranks, bound),
        axes=(Word("lesson.outer.samples"), Word("lesson.outer.rank_axis")),
        legend=(Legend("blue disc", words[0]), Legend("faint dashed", words[1])),
        lines=(Line(words[0], sizes, ranks), Line(words[1], sizes, bound)),
    )
    return (picture, Say(f"lesson.outer.{_rank_outcome(measured)}", one))


def _rank_outcome(measured: Measured) -> str:
    """Return what the rank of this gradient shows."""
    rank, bound = measured["rank"], measured["rank_bound"]
    if rank == 0:
        return "rank_none"
    if rank < bound:
        return "rank_below"
    return "rank_few_samples" if bound < measured["narrow"] else "rank_full"


def _draw_heat_maps(measured: Measured, batch: int) -> Figure:
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


def _draw_ranks(sizes: np.ndarray, ranks: np.ndarray, bound: np.ndarray) -> Figure:
    """Draw the rank of the gradient against the number of samples."""
    figure, (axes,) = panels([120])
    fit_height(axes, np.append(bound, 1.15 * bound.max()))
    axes.plot(sizes, bound, color=FAINT, linestyle=(0, (4, 3)))
    axes.plot(sizes, ranks, color=BLUE, marker="o", markersize=5, linewidth=0)
    axes.set_xlim(0, max(float(sizes.max()), 2) * 1.04)
    whole_steps(axes)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    return figure
