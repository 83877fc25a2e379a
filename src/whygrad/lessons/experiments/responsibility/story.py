"""What the lesson on responsibility tells."""

from typing import Any

import numpy as np

from whygrad.lessons.experiments.responsibility.drawing import MOST, draw_flows
from whygrad.lessons.experiments.responsibility.network import LOUD, QUIET, TORN, Responsibility
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import slope
from whygrad.lessons.story import (
    Block,
    Cell,
    Fold,
    Formula,
    Legend,
    Picture,
    Say,
    Story,
    Table,
    Word,
)

SHOWN = 8  # rows of a table
LONGEST = 3  # hidden layers whose path still fits in a formula
SIGNS = (
    Legend("blue", Word("lesson.responsibility.positive")),
    Legend("orange dashed", Word("lesson.responsibility.negative")),
)


def tell(setup: Responsibility, measured: Measured) -> Story:
    """Tell who listens to the two neurons, and what the sum over the listeners leaves."""
    told = _numbers(setup, measured)
    is_louder = abs(told["loud"]) > abs(told["quiet"])
    return Story(
        told=(
            _say("pair" if is_louder else "pair_not_louder", told),
            _say("idea", told),
            Formula(
                r"u_j = \frac{\partial C}{\partial a_j} = \sum_k w_{jk} \cdot \delta_k",
            ),
            _table_of_parts(measured),
            Formula(r"u_0 = [[quiet_sum]] \qquad u_1 = [[loud_sum]]", told),
            _say(_outcome(told), told),
            _picture(setup, measured, "paths", ("quiet", "loud"), told),
            _say("loudness", told),
            Fold(
                _say("fold.paths", told),
                (_say("nudge", told), *_paths(setup, measured, told)),
            ),
        ),
        left_out=(
            _say("torn", told),
            Formula(
                r"u_2 = \sum_{w \delta > 0} w_{2k} \delta_k + \sum_{w \delta < 0} w_{2k} \delta_k"
                r" = [[positive]] + [[negative]] = [[torn_sum]]",
                told,
            ),
            Fold(
                _say("fold.torn", told),
                (
                    _picture(setup, measured, "torn", ("torn",), told),
                    _table_of_neurons(measured),
                    _say("moment", told),
                ),
            ),
        ),
    )


def _outcome(told: dict[str, Any]) -> str:
    if not told["loud_sum"]:
        return "carries_alone"
    return "carries" if abs(told["quiet_sum"]) >= abs(told["loud_sum"]) else "carries_not"


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.responsibility.{key}", values)


def _numbers(setup: Responsibility, measured: Measured) -> dict[str, Any]:
    output, sums, torn = measured["output"], measured["sum"], measured["parts"]["torn"]
    quiet, loud = (abs(float(sums[k])) for k in (QUIET, LOUD))
    return {
        "quiet": float(output[QUIET]),
        "loud": float(output[LOUD]),
        "louder": abs(float(output[LOUD] / output[QUIET])) if output[QUIET] else float("inf"),
        "critical": setup.critical,
        "side": setup.side,
        "miss": float(measured["misses"][0]),
        "layer": measured["next_layer"],
        "quiet_sum": float(sums[QUIET]),
        "loud_sum": float(sums[LOUD]),
        "ratio": quiet / loud if loud else float("inf"),
        "nudge": measured["nudge"],
        "difference": measured["difference"],
        "delta": float(measured["next_delta"][0]),
        "quiet_in": float(measured["gradient_in"][QUIET]),
        "loud_in": float(measured["gradient_in"][LOUD]),
        "quiet_out": float(measured["gradient_out"][QUIET]),
        "loud_out": float(measured["gradient_out"][LOUD]),
        "size": float(measured["size"][TORN]),
        "positive": float(torn[torn > 0].sum()),
        "negative": float(torn[torn < 0].sum()),
        "torn_sum": float(sums[TORN]),
        "torn_in": float(measured["gradient_in"][TORN]),
        "left": 100 * float(measured["left_over"][TORN]),
        "rate": measured["rate"],
        "later": measured["later"],
        "most": MOST,
    }


def _table_of_parts(measured: Measured) -> Table:
    delta, weights, parts = measured["next_delta"], measured["weights"], measured["parts"]
    order = np.argsort(-np.abs(parts["quiet"]), kind="stable")
    columns = (delta, weights["quiet"], parts["quiet"], weights["loud"], parts["loud"])
    rows: list[list[Cell]] = [
        [f"{measured['next_layer']}[{k}]", *(float(column[k]) for column in columns)]
        for k in order[:SHOWN]
    ]
    rest = order[SHOWN:]
    if len(rest):
        quiet, loud = (float(parts[name][rest].sum()) for name in ("quiet", "loud"))
        word = Word("lesson.responsibility.rest", {"count": len(rest)})
        rows.append([word, "", "", quiet, "", loud])
    quiet, loud = float(measured["sum"][QUIET]), float(measured["sum"][LOUD])
    rows.append([Word("lesson.word.sum"), "", "", quiet, "", loud])
    found = (float(measured["nudged"][k]) for k in (QUIET, LOUD))
    rows.append([Word("lesson.responsibility.by_nudging"), "", "", next(found), "", next(found)])
    head = [Word("lesson.responsibility.listener"), "δₖ", "w₀ₖ", "w₀ₖ · δₖ", "w₁ₖ", "w₁ₖ · δₖ"]
    return Table(Say("lesson.responsibility.parts"), head, rows)


def _picture(
    setup: Responsibility, measured: Measured, name: str, roots: tuple[str, ...], told: dict
) -> Picture:
    return Picture(
        name,
        _say(f"picture.{name}", told),
        lambda: draw_flows(setup, measured, roots),
        legend=SIGNS,
        is_wide=setup.depth > LONGEST,
    )


def _paths(setup: Responsibility, measured: Measured, told: dict[str, Any]) -> tuple[Block, ...]:
    if setup.depth == 1:  # then every path is one connection, and stands in the table already
        return ()
    found = measured["roots"]["quiet"]["paths"][0]
    values = told | {"path": _way(setup, found[0]), "part": found[1]}
    product = _product(measured["roots"]["quiet"]["factors"], found[1])
    opened = (
        (_say("opened", values), product)
        if setup.depth <= LONGEST
        else (_say("opened_long", values),)
    )
    return (*opened, _table_of_paths(setup, measured))


def _product(factors: list[list[Any]], part: float) -> Formula:
    is_slope = [symbol.startswith("f'") for symbol, _ in factors]
    symbols = r" \cdot ".join(
        slope(symbol) if own else symbol for (symbol, _), own in zip(factors, is_slope, strict=True)
    )
    numbers = r" \cdot ".join(
        f"[[f{place}|slope]]" if own else f"[[f{place}]]" for place, own in enumerate(is_slope)
    )
    values = {f"f{place}": value for place, (_, value) in enumerate(factors)}
    return Formula(f"{symbols} = {numbers} = [[part]]", values | {"part": part})


def _table_of_paths(setup: Responsibility, measured: Measured) -> Table:
    rows = [
        [_way(setup, way), part]
        for name in ("quiet", "loud")
        for way, part in measured["roots"][name]["paths"]
    ]
    head = [Word("lesson.responsibility.path"), Word("lesson.responsibility.part")]
    return Table(Say("lesson.responsibility.strong_paths"), head, rows)


def _way(setup: Responsibility, neurons: list[int]) -> str:
    layers = [*(f"hidden{i + 1}" for i in range(setup.depth)), "output"]
    return " → ".join(f"{layer}[{k}]" for layer, k in zip(layers, neurons, strict=True))


def _table_of_neurons(measured: Measured) -> Table:
    columns = (measured["output"], measured["size"], measured["sum"], measured["left_over"])
    rows = [
        [f"hidden1[{k}]", *(float(column[k]) for column in columns)]
        for k in range(min(SHOWN, len(measured["sum"])))
    ]
    head = ["j", "aⱼ", "Σ |wⱼₖ δₖ|", "uⱼ = Σ wⱼₖ δₖ", Word("lesson.responsibility.left_over")]
    return Table(Say("lesson.responsibility.neurons"), head, rows)
