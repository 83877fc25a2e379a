"""What the lesson on silence tells."""

from dataclasses import asdict
from typing import Any

import numpy as np

from whygrad.lessons.experiments.silence.drawing import draw_losses, sizes
from whygrad.lessons.experiments.silence.network import (
    CUT,
    HEALTHY,
    MISSING,
    NEURONS,
    SATURATED,
    SILENT,
    STARVED,
    TORN,
    Silence,
)
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import arrives, below, slope
from whygrad.lessons.story import (
    Block,
    Cell,
    Fold,
    Formula,
    Legend,
    Line,
    Picture,
    Say,
    Story,
    Table,
    Term,
    Word,
)
from whygrad.record.fields import FACTORS
from whygrad.words import number

TERMS = {
    "contribution": Term("lesson.term.contribution"),
    "activity": Term("lesson.term.activity"),
}
NOTHING = "–"  # where a share is 0/0


def tell(setup: Silence, measured: Measured) -> Story:
    """Tell of a neuron that does not hear, of one that is not spoken to, and of two more."""
    told = _numbers(setup, measured)
    silent = measured["is_silent"]
    return Story(
        told=(
            _say("product", told),
            Formula(
                r"\delta = "
                + below(r"\frac{\partial C}{\partial a}", "contribution")
                + r" \cdot "
                + below(slope(), "activity")
                + rf" = u \cdot {slope()}",
                TERMS,
            ),
            _say("pair", told),
            _table_of_sample(measured),
            *_chapter("saturated", SATURATED, measured, told),
            *_chapter("cut", CUT, measured, told),
            _picture("pair", (SATURATED, CUT), setup, measured, told),
            *([_say("apart", told)] if silent[SATURATED] and silent[CUT] else []),
        ),
        left_out=(
            _say("left_out", told),
            Formula(
                r"\left|\frac{\partial C}{\partial w}\right|"
                rf" = \left|\frac{{1}}{{m}} \sum_i {arrives('x_i')} \delta_i\right|"
                r" = [[upstream]] \cdot \class{slope}{[[slope]]}"
                r" \cdot \class{arrives}{[[input]]} \cdot [[agreement]]",
                {factor: Term(f"lesson.silence.{factor}") for factor in FACTORS},
            ),
            Fold(
                _say("fold.batch", told),
                (
                    _say(f"starved.{_state(STARVED, measured)}", told),
                    _say(f"torn.{_state(TORN, measured)}", told),
                    _picture("batch", (STARVED, TORN), setup, measured, told),
                ),
            ),
            Fold(
                _say("fold.factors", told),
                (
                    _table_of_factors(measured),
                    _say("reading.alike" if measured["is_confirmed"] else "reading.apart", told),
                ),
            ),
        ),
    )


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.silence.{key}", values)


def _chapter(name: str, neuron: int, measured: Measured, told: dict[str, Any]) -> tuple[Block, ...]:
    """Tell of one neuron what was asked of it and what it let through."""
    numbers = rf"[[{name}_u]] \cdot [[{name}_s|slope]] = [[{name}_d]]"
    return (
        _say(f"{name}.{_state(neuron, measured)}", told),
        Formula(rf"\delta = u \cdot {slope()} = {numbers}", told),
    )


def _state(neuron: int, measured: Measured) -> str:
    if not measured["is_silent"][neuron]:
        return "awake"
    if neuron == SATURATED and _hears_the_first(measured):
        return "mixed"
    is_cut = neuron == CUT and measured["factors"]["upstream"][neuron] == 0
    return "unasked" if is_cut else "silent"


def _hears_the_first(measured: Measured) -> bool:
    """Return whether the first sample meets the saturated neuron where it is not so flat."""
    slope = np.abs(measured["sample"]["slope"])
    return bool(slope[SATURATED] >= SILENT * slope[HEALTHY])


def _numbers(setup: Silence, measured: Measured) -> dict[str, Any]:
    """Return every number of the story; those of a neuron begin with its name."""
    sample = measured["sample"]
    columns = {
        **measured["factors"],
        "u": sample["upstream"],
        "s": sample["slope"],
        "d": sample["delta"],
        "z": sample["preactivation"],
        "gradient": measured["product"],
        "percent": 100 * measured["share"],
        "bias": measured["bias_product"],
        "pull": measured["pull"],
        "loudness": measured["loudness"],
    }
    given = asdict(setup) | {"saturated_start": -setup.distance}
    return given | {
        f"{neuron}_{name}": float(column[k])
        for k, neuron in enumerate(NEURONS)
        for name, column in columns.items()
    }


def _table_of_sample(measured: Measured) -> Table:
    sample = measured["sample"]
    columns = ("preactivation", "upstream", "slope", "delta")
    rows: list[list[Cell]] = [
        [Word(f"lesson.silence.neuron.{NEURONS[k]}"), *(float(sample[name][k]) for name in columns)]
        for k in (HEALTHY, SATURATED, CUT)
    ]
    head = [Word("lesson.silence.neuron"), "z", "u = ∂C/∂a", "f′(z)", "δ"]
    return Table(Say("lesson.silence.sample"), head, rows)


def _table_of_factors(measured: Measured) -> Table:
    """Return the factors of every neuron; to the right of a 0 they are shares of nothing."""
    rows: list[list[Cell]] = []
    for k, neuron in enumerate(NEURONS):
        factors = [float(measured["factors"][name][k]) for name in FACTORS]
        known = factors.index(0) + 1 if 0 in factors else len(factors)
        cells = [*factors[:known], *[NOTHING] * (len(factors) - known)]
        ends = (float(measured[name][k]) for name in ("product", "autodiff"))
        rows.append([Word(f"lesson.silence.neuron.{neuron}"), *cells, *ends])
    names = (*FACTORS, "factor_product", "autodiff")
    head = [Word("lesson.silence.neuron"), *(Word(f"lesson.silence.{name}") for name in names)]
    return Table(Say("lesson.silence.factors"), head, rows)


def _picture(
    name: str, neurons: tuple[int, ...], setup: Silence, measured: Measured, told: dict[str, Any]
) -> Picture:
    shown = [
        (k, FACTORS.index(MISSING[k][0]), f"{place}   {_panel(setup, MISSING[k][1])}")
        for place, k in enumerate(neurons, 1)
    ]
    every = range(len(NEURONS))
    return Picture(
        name,
        _say(f"picture.{name}", told),
        lambda: draw_losses(measured["factors"], shown, every),
        axes=(Word("lesson.silence.after"), Word("lesson.silence.left")),
        legend=(
            Legend("faint", Word("lesson.silence.neuron.healthy")),
            Legend("blue", Word(f"lesson.silence.ailing.{name}")),
            Legend("orange dashed", Word("lesson.silence.missing")),
        ),
        lines=tuple(
            Line(
                Word(f"lesson.silence.neuron.{NEURONS[k]}"),
                np.arange(len(FACTORS)),
                sizes(measured["factors"], k),
            )
            for k in (HEALTHY, *neurons)
        ),
    )


def _panel(setup: Silence, option: str) -> str:
    return f"{option} = {number(getattr(setup, option))}"
