"""What the lesson on parallel sums tells."""

import math
from typing import Any

import numpy as np

from whygrad.lessons.experiments.parallel.drawing import MARKS, draw_curves, draw_orders
from whygrad.lessons.instruments.summation import ORDERS, ROUNDING
from whygrad.lessons.lesson import Measured
from whygrad.lessons.story import (
    Block,
    Fold,
    Formula,
    Legend,
    Line,
    Picture,
    Say,
    Story,
    Table,
    Word,
)
from whygrad.words import number

ROWS = 6  # of the table of times, at most


def tell(setup: Any, measured: Measured) -> Story:
    """Tell why a sum can be shared out, what that gains, and what it does to rounding."""
    one = _numbers(setup, measured)
    return Story(
        told=(
            Say("lesson.parallel.free", one),
            Say("lesson.parallel.rounds", one),
            _orders(measured, one),
            _curves("time", measured, "seconds", one),
            Fold(
                Say("lesson.parallel.fold.times", one),
                (_times(measured, one), Say(f"lesson.parallel.{_race(measured)}", one)),
            ),
            Say("lesson.parallel.gpu", one),
            _stages(measured, one),
            Say(f"lesson.parallel.gpu.{'measured' if one['device'] else 'simulated'}", one),
            Fold(
                Say("lesson.parallel.fold.processes", one),
                (
                    Say("lesson.parallel.devices", one),
                    Say("lesson.parallel.processes", one),
                    _shared(measured, one),
                    Say("lesson.parallel.not_timed", one),
                ),
            ),
        ),
        left_out=_left_out(measured, one),
    )


def _numbers(setup: Any, measured: Measured) -> dict[str, Any]:
    seconds, errors, split = (measured[name] for name in ("seconds", "errors", "split"))
    looped = len(seconds["loop"]) - 1
    last = {name: float(values[-1]) for name, values in errors.items()}
    return {
        "m": int(measured["sizes"][-1]),
        "rounds": setup.largest,
        "additions": int(measured["sizes"][-1]) - 1,
        "width": len(split["whole"]),
        "looped": int(measured["sizes"][looped]),
        "looped_ms": 1e3 * float(seconds["loop"][looped]),
        "looped_numpy_ms": 1e3 * float(seconds["sequential"][looped]),
        **{f"{name}_ms": 1e3 * float(seconds[name][-1]) for name in ORDERS if name != "loop"},
        **{f"{name}_error": last[name] for name in ORDERS},
        **{f"{name}_growth": round(growth, 2) for name, growth in measured["growth"].items()},
        "ratio": last["sequential"] / last["halving"] if last["halving"] else math.inf,
        "sequential_bound": (2**setup.largest - 1) * ROUNDING,
        "halving_bound": setup.largest * ROUNDING,
        "rounding": ROUNDING,
        "gpu_rounds": measured["gpu"]["rounds"],
        "gpu_additions": measured["gpu"]["additions"],
        "gpu_error": measured["gpu"]["error"],
        "launches": measured["gpu"]["stages"][-1]["launch"],
        "device": measured["gpu"]["device"],
        **_split_numbers(setup, split),
    }


def _split_numbers(setup: Any, split: dict[str, Any]) -> dict[str, Any]:
    return {
        "devices": setup.devices,
        "processes": setup.processes,
        "samples": split["samples"],
        "part": split["parts"][0][0],
        "all_reduces": split["all_reduces"],
        "first": float(split["own"][0][0]),
        "second": float(split["own"][1][0]),
        "together": float(split["processes"][0]),
        "cores": split["cores"],
        "room": split["room"],
        "devices_difference": split["devices_difference"],
        "processes_difference": split["processes_difference"],
    }


def _orders(measured: Measured, one: dict[str, Any]) -> Picture:
    return Picture(
        "orders",
        Say("lesson.parallel.orders", one),
        lambda: draw_orders(measured["terms"]),
    )


def _curves(name: str, measured: Measured, what: str, one: dict[str, Any]) -> Picture:
    """Return the picture of time or of rounding error against the size of the batch."""
    scale = 1e3 if what == "seconds" else 1.0
    curves = {order: scale * values for order, values in measured[what].items()}
    sizes = measured["sizes"]
    words = {order: Word(f"lesson.parallel.order.{order}") for order in curves}
    return Picture(
        name,
        Say(f"lesson.parallel.{name}", one),
        lambda: draw_curves(sizes, curves),
        axes=(Word("lesson.parallel.samples"), Word(f"lesson.parallel.{name}_axis")),
        legend=[Legend(MARKS[order], Word(f"lesson.parallel.legend.{order}")) for order in curves],
        lines=[
            Line(words[order], sizes[: len(values)], values) for order, values in curves.items()
        ],
    )


def _times(measured: Measured, one: dict[str, Any]) -> Table:
    sizes, seconds = measured["sizes"], measured["seconds"]
    places = np.unique(np.linspace(0, len(sizes) - 1, min(ROWS, len(sizes))).round().astype(int))
    head = ["m", *(Word(f"lesson.parallel.order.{name}") for name in ORDERS)]
    rows = [
        [str(sizes[place]), *(_at(seconds[name], int(place)) for name in ORDERS)]
        for place in places
    ]
    return Table(Say("lesson.parallel.times", one), head, rows)


def _at(seconds: np.ndarray, place: int) -> float | str:
    return 1e3 * float(seconds[place]) if place < len(seconds) else "–"


def _race(measured: Measured) -> str:
    last = {name: float(values[-1]) for name, values in measured["seconds"].items()}
    others = min(last["halving"], last["compiled"])
    return "order_wins" if others < last["sequential"] else "order_does_not_win"


def _shared(measured: Measured, one: dict[str, Any]) -> Table:
    split = measured["split"]
    head = [
        Word("lesson.parallel.way"),
        Word("lesson.parallel.gradient"),
        Word("lesson.parallel.off"),
    ]
    rows: list[list[Any]] = [
        [Word("lesson.parallel.way.alone"), _digits(split["whole"]), 0.0],
    ]
    for way in ("devices", "processes"):
        words = Word(f"lesson.parallel.way.{way}", one)
        rows.append([words, _digits(split[way]), split[f"{way}_difference"]])
    return Table(Say("lesson.parallel.shared", one), head, rows)


def _digits(gradient: np.ndarray) -> str:
    return number(float(gradient[0]), 9)


def _stages(measured: Measured, one: dict[str, Any]) -> Table:
    """Return who adds what on a GPU, launch by launch."""
    rows: list[list[Any]] = [
        [
            Word(f"lesson.parallel.gpu.{stage['worker']}", stage),
            *(str(stage[name]) for name in ("workers", "additions", "rounds", "left")),
        ]
        for stage in measured["gpu"]["stages"]
    ]
    sums = [str(one[name]) for name in ("gpu_additions", "gpu_rounds")]
    rows.append([Word("lesson.parallel.gpu.all"), "", *sums, "1"])
    names = ("who", "workers", "additions", "rounds", "left")
    head = [Word(f"lesson.parallel.gpu.head.{name}") for name in names]
    return Table(Say("lesson.parallel.gpu.stages", one), head, rows)


def _left_out(measured: Measured, one: dict[str, Any]) -> tuple[Block, ...]:
    off = r"\frac{|E|}{\sum_i |\delta_i|}"
    return (
        Say(f"lesson.parallel.{'accuracy' if one['ratio'] > 1 else 'no_accuracy'}", one),
        _curves("error", measured, "errors", one),
        Fold(
            Say("lesson.parallel.fold.bounds", one),
            (
                *_growth(measured, one),
                Say("lesson.parallel.bounds", one),
                Formula(rf"{off} \leq (m - 1) \, u = [[sequential_bound]]", one),
                Formula(rf"{off} \leq \log_2 m \cdot u = [[halving_bound]]", one),
            ),
        ),
        Say(f"lesson.parallel.{_agreement(one)}", one),
    )


def _growth(measured: Measured, one: dict[str, Any]) -> tuple[Say, ...]:
    growth = measured["growth"].values()
    if not all(math.isfinite(value) for value in growth):
        return ()
    key = "growth" if max(growth) < 1 else "fast_growth"
    return (Say(f"lesson.parallel.{key}", one),)


def _agreement(one: dict[str, Any]) -> str:
    furthest = max(one["devices_difference"], one["processes_difference"])
    if furthest == 0:
        return "same_digits"
    return "last_digits" if furthest <= one["room"] else "other_digits"
