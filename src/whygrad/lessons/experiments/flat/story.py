"""What the lesson on flat regions tells."""

from typing import Any

import numpy as np

from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.lessons.experiments.flat.drawing import draw_slopes
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import arrives, one, slope
from whygrad.lessons.story import (
    Block,
    Cell,
    Fold,
    Formula,
    Legend,
    Line,
    Names,
    Picture,
    Say,
    Story,
    Table,
    Word,
)
from whygrad.words import number

EXAMPLE = "sigmoid"  # told of if it is there and flat somewhere


def tell(setup: Any, measured: Measured) -> Story:
    """Tell how weight and bias fall silent together, and where."""
    told = _numbers(setup, measured)
    return Story(
        told=(
            _say("tempting", told),
            Formula(
                rf"\frac{{\partial C}}{{\partial w}} = u \cdot {slope()} \cdot {arrives('x')}"
                rf" \qquad \frac{{\partial C}}{{\partial b}} = u \cdot {slope()} \cdot {one()}"
            ),
            _say("sweep" if len(measured["activations"]) > 1 else "sweep.one", told),
            _picture(measured, told),
            *_example(measured, told),
            _say(_outcome(setup, measured), told),
        ),
        left_out=(
            _say("left_out", told),
            Fold(_say("fold.table", told), (_table(measured), *_kinds(measured, told))),
        ),
    )


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.flat.{key}", values)


def _numbers(setup: Any, measured: Measured) -> dict[str, Any]:
    found = measured["activations"]
    return {
        "input": setup.input,
        "upstream": setup.upstream,
        "share": 100 * setup.share,
        "reach": setup.reach,
        "points": setup.points,
        "count": len(found),
        "activation": setup.activation,
        "weight_left": 100 * float(np.max([one["weight_left"] for one in found.values()])),
        "bias_left": 100 * float(np.max([one["bias_left"] for one in found.values()])),
    }


def _example(measured: Measured, told: dict[str, Any]) -> tuple[Block, ...]:
    """Tell of one activation: what its parameters get where it is steep, and where it is flat."""
    flat = {name: one for name, one in measured["activations"].items() if one["flat_share"]}
    if not flat:
        return ()
    name = EXAMPLE if EXAMPLE in flat else next(iter(flat))
    places = {"steep": flat[name]["steep_place"], "flat": flat[name]["flat_place"]}
    rows = {"z": measured["z"], **{part: flat[name][part] for part in ("slope", "weight", "bias")}}
    values = {
        f"{place}_{part}": float(row[at])
        for place, at in places.items()
        for part, row in rows.items()
    }
    return (_say("example", told | values | {"name": name}),)


def _outcome(setup: Any, measured: Measured) -> str:
    """Return the key of what happened to the gradients in the flat regions."""
    if not measured["is_confirmed"]:
        return "outcome.apart"
    if not any(one["flat_share"] for one in measured["activations"].values()):
        return "outcome.awake"
    return "outcome.frozen" if setup.input else "outcome.no_input"


def _kinds(measured: Measured, told: dict[str, Any]) -> list[Block]:
    """Tell of the activations that are flat in a way of their own, as far as there are any."""
    found = measured["activations"]
    silent = [name for name, one in found.items() if one["flat_share"] and not one["largest_flat"]]
    kinds = {
        "zeros": [f"{name} ({_listed(one)})" for name, one in found.items() if one["zeros"]],
        "exact": [name for name in silent if ACTIVATIONS[name].exactly_flat],
        "rounded": [name for name in silent if not ACTIVATIONS[name].exactly_flat],
        "never": [n for n, one in found.items() if not one["flat_share"] and not one["zeros"]],
    }
    return [
        _say(kind, told | {"names": Names(tuple(names))}) for kind, names in kinds.items() if names
    ]


def _listed(found: Measured) -> str:
    return ", ".join(map(number, found["zeros"]))


def _picture(measured: Measured, told: dict[str, Any]) -> Picture:
    z, found = measured["z"], measured["activations"]
    return Picture(
        "slopes",
        _say("picture", told),
        lambda: draw_slopes(z, found),
        axes=(Word("lesson.flat.z"), Word("lesson.flat.per_neuron")),
        legend=(
            Legend("ink", Word("lesson.flat.slope")),
            Legend("blue", Word("lesson.flat.weight")),
            Legend("orange dashed", Word("lesson.flat.bias")),
            Legend("faint band", Word("lesson.flat.flat")),
        ),
        lines=tuple(Line(name, z, one["slope"]) for name, one in found.items()),
    )


def _table(measured: Measured) -> Table:
    rows: list[list[Cell]] = [
        [
            name,
            Word(f"lesson.flat.where.{_where(one)}"),
            _edge("≤", one["flat_to"]),
            _edge("≥", one["flat_from"]),
            _listed(one),
            one["steepest"],
            one["steepest_at"],
        ]
        for name, one in measured["activations"].items()
    ]
    columns = ("name", "where", "low", "high", "zeros", "steepest", "steepest_at")
    head = [Word(f"lesson.flat.column.{column}") for column in columns]
    return Table(Say("lesson.flat.table"), head, rows)


def _edge(sign: str, edge: float | None) -> str:
    return "" if edge is None else f"z {sign} {number(edge)}"


def _where(found: Measured) -> str:
    """Return which ends of the sweep are flat."""
    low, high = found["flat_to"] is not None, found["flat_from"] is not None
    if low and high:
        return "both"
    return "low" if low else "high" if high else "between" if found["flat_share"] else "nowhere"
