"""What the lesson on outer products tells, and its drawings."""

from typing import Any

import numpy as np

from whygrad.lessons.experiments.outer.drawing import (
    CELLS,
    SAMPLES,
    draw_heat_maps,
    draw_product,
    draw_ranks,
)
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import arrives
from whygrad.lessons.story import (
    Block,
    Code,
    Fold,
    Formula,
    Legend,
    Line,
    Oriented,
    Picture,
    Say,
    Story,
    Table,
    Word,
)

ENTRIES = 8  # products that are listed
PRODUCTS = {
    "rows": rf"\frac{{1}}{{m}} \left( {arrives('x')}^\top \delta \right)_{{jk}}",
    "columns": rf"\frac{{1}}{{m}} \left( \Delta \, {arrives('X')}^\top \right)_{{kj}}",
}
CODES = {
    "rows": "input.T @ delta / m\n"
    "# ({inputs}, {batch}) @ ({batch}, {width}) -> ({inputs}, {width})",
    "columns": "Delta @ A_prev.T / m\n"
    "# ({width}, {batch}) @ ({batch}, {inputs}) -> ({width}, {inputs})",
}
WAYS = ("loop", "stack", "product", "compiled")


def tell(setup: Any, measured: Measured) -> Story:
    """Tell where the sum over samples hides, and what it leaves behind."""
    one = _numbers(setup, measured)
    return Story(
        told=(
            Say("lesson.outer.wish", one),
            Formula(
                arrives("x_{ij}") + r" \, \delta_{ik} = [[x|arrives]] \cdot [[delta]] = [[wish]]",
                one,
            ),
            Say("lesson.outer.add_alone" if setup.batch == 1 else "lesson.outer.add", one),
            _heat_maps(measured, one),
            Say("lesson.outer.hidden", one),
            Oriented(
                "product",
                rows=_product("rows", measured, one),
                columns=_product("columns", measured, one),
            ),
            Fold(Say("lesson.outer.fold.entry", one), (_entry(measured, one),)),
            Fold(
                Say("lesson.outer.fold.checked", one),
                (
                    Say("lesson.outer.checked", one),
                    _times(measured, one),
                    Say(f"lesson.outer.{_race(measured)}", one),
                    Say(f"lesson.outer.{_compiled(measured)}", one),
                ),
            ),
        ),
        left_out=(
            Say("lesson.outer.memory.short", one),
            Fold(Say("lesson.outer.fold.memory", one), (Say("lesson.outer.memory", one),)),
            Fold(
                Say("lesson.outer.fold.rank", one),
                (
                    Say("lesson.outer.rank", one),
                    Formula(
                        r"\operatorname{rank}\left( x^\top \delta \right) \leq \min(m, n_\text{in},"
                        r" n_\text{out}) = \min([[batch]], [[inputs]], [[width]]) = [[rank_bound]]",
                        one,
                    ),
                    *_rank_told(measured, one),
                ),
            ),
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
        lambda: draw_heat_maps(measured, one["batch"]),
        legend=(
            Legend("blue disc", Word("lesson.outer.positive")),
            Legend("orange disc", Word("lesson.outer.negative")),
        ),
    )


def _product(side: str, measured: Measured, one: dict[str, Any]) -> tuple[Block, ...]:
    """Return the matrix product in one orientation: formula, code and a row times a column."""
    return (
        Formula(
            rf"\frac{{\partial C}}{{\partial w_{{jk}}}} = \frac{{1}}{{m}} \sum_i"
            rf" {arrives('x_{ij}')} \, \delta_{{ik}} = {PRODUCTS[side]} = [[gradient]]",
            one,
        ),
        Code(CODES[side].format(**one)),
        Picture(
            f"product_{side}",
            Say(f"lesson.outer.picture.product.{side}", one),
            lambda: draw_product(measured, (one["j"], one["k"]), side),
            legend=(
                Legend("arrives", Word("lesson.outer.legend.input")),
                Legend("ink", Word("lesson.outer.legend.lit")),
            ),
        ),
    )


def _entry(measured: Measured, one: dict[str, Any]) -> Table:
    """Return the products that one entry of the gradient is made of, as many as are shown."""
    x, delta = measured["input"][:, one["j"]], measured["delta"][:, one["k"]]
    rows: list[list[Any]] = [
        [f"i = {i}", float(x[i]), float(delta[i]), float(x[i] * delta[i])]
        for i in range(min(ENTRIES, len(x)))
    ]
    total = float(x @ delta)
    rows += [["Σ", "", "", total], ["Σ / m", "", "", total / len(x)]]
    key = "lesson.outer.entry" + ("" if len(x) <= ENTRIES else ".some")
    return Table(Say(key, one | {"shown": ENTRIES}), ["", "xᵢⱼ", "δᵢₖ", "xᵢⱼ · δᵢₖ"], rows)


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
        lambda: draw_ranks(sizes, ranks, bound),
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
