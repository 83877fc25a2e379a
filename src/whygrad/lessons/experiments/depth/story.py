"""What the lesson on depth tells."""

from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.core.nn.activations import LEAK
from whygrad.lessons.experiments.depth.descent import depths
from whygrad.lessons.experiments.depth.drawing import draw_descent
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import slope
from whygrad.lessons.story import (
    Block,
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

if TYPE_CHECKING:
    from whygrad.lessons.experiments.depth import Depth

FADES, GROWS = 0.5, 2.0  # less or more of delta than this arrives: it has faded, or grown

SLOPES = (r"f'(z^{(1)})", r"f'(z^{(2)})", r"f'(z^{(L)})")


def tell(setup: "Depth", measured: Measured) -> Story:
    """Tell how a gradient goes down through many layers, and how a neuron dies."""
    told = _numbers(setup, measured)
    return Story(
        told=(
            _say("way", told),
            Formula(
                rf"\delta^{{(1)}} = {slope(SLOPES[0])} \cdot W^{{(2)}} \cdot {slope(SLOPES[1])}"
                rf" \cdots W^{{(L)}} \cdot {slope(SLOPES[2])} \cdot W^{{(L+1)}}"
                r" \cdot \delta^{(L+1)}"
            ),
            _say(f"setup.{'proper' if setup.init == 'proper' else 'same'}", told),
            _picture(setup, measured, told),
            _say(f"sigmoid.{_outcome(told['sigmoid_arrives'])}", told),
            _power("sigmoid", told),
            _say(f"open.{_open(told)}", told),
            _say(f"relu.{_outcome(told['relu_arrives'])}", told),
            _power("relu", told),
            Fold(_say("fold.table", told), (_table(measured, told),)),
        ),
        left_out=(
            _say(f"halves.{_halves(told)}", told),
            _say("dead", told),
            _say(f"dead.{_dead(told)}", told),
            Fold(
                _say("fold.remedy", told),
                (_deaths(measured, told), *_remedy(told), _say("for_good", told)),
            ),
        ),
    )


def _power(activation: str, told: dict[str, Any]) -> Formula:
    """Return what is left after all passages; the base with digits enough to work it out."""
    base, result = told[f"{activation}_kept"], told[f"{activation}_arrives"]
    values = {"passages": told["passages"], "arrives": result}
    written = next(
        (digits for digits in range(4, 17) if _gives(base, told["passages"], result, digits)), None
    )
    if written is None or not 1e-4 <= base < 1e4:  # a power of ten has no room for more digits
        return Formula(r"[[kept]]^{[[passages]]} = [[arrives]]", values | {"kept": base})
    kept = rf"\class{{measured exact}}{{{base:.{written}g}}}"
    return Formula(rf"{{{kept}}}^{{[[passages]]}} = [[arrives]]", values)


def _gives(base: float, passages: int, result: float, digits: int) -> bool:
    """Return whether a base with so many digits leads to the four digits of the result."""
    return number(float(f"{base:.{digits}g}") ** passages) == number(result)


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.depth.{key}", values)


def _numbers(setup: "Depth", measured: Measured) -> dict[str, Any]:
    """Return every number that a sentence may need, by its name in the sentences."""
    found, deaths = measured["activations"], measured["deaths"]
    relu = found["relu"]
    return {
        **{name: getattr(setup, name) for name in vars(setup)},
        "names": Names(tuple(found)),
        "inits": Names(tuple(dict.fromkeys(one["init"] for one in found.values()))),
        "depths": Names(tuple(map(str, depths(setup)))),
        "passages": setup.depth - 1,
        "floor": -setup.margin,
        "leak": LEAK,
        **{f"sigmoid_{name}": found["sigmoid"][name] for name in ("kept", "arrives", "slope_mean")},
        **{f"relu_{name}": relu[name] for name in ("kept", "arrives", "slope_mean", "off_one")},
        "relu_init": relu["init"],
        "silent": relu["silent"],
        "open": round(100 * relu["open"], 1),
        "shut": round(100 * (1 - relu["open"]), 1),
        "taken": deaths["relu"]["steps"],
        **{f"{name}_{key}": value for name, one in deaths.items() for key, value in one.items()},
    }


def _outcome(arrives: float) -> str:
    if arrives == 0:
        return "silent"
    if arrives < FADES:
        return "fades"
    return "grows" if arrives > GROWS else "keeps"


def _open(told: dict[str, Any]) -> str:
    if told["open"] == 0:
        return "none"
    return "exact" if told["relu_off_one"] <= 1e-6 else "off"


def _halves(told: dict[str, Any]) -> str:
    if told["relu_init"].startswith("he_"):
        return "paid" if FADES <= told["relu_arrives"] <= GROWS else "uneven"
    return "unpaid"


def _dead(told: dict[str, Any]) -> str:
    if told["relu_dead_before"] == 0:
        return "none"
    return "still" if told["relu_dead_moved"] == 0 else "moved"


def _remedy(told: dict[str, Any]) -> tuple[Say, ...]:
    if told["relu_dead_before"] == 0:
        return ()
    if told["leaky_relu_dead_before"] or told["elu_dead_before"]:
        return (_say("remedy.dead", told),)
    has_come_back = told["leaky_relu_awake"] + told["elu_awake"] > 0
    return (_say("remedy.awake" if has_come_back else "remedy.alive", told),)


def _picture(setup: "Depth", measured: Measured, told: dict[str, Any]) -> Picture:
    found = measured["activations"]
    return Picture(
        "descent",
        _say("picture", told),
        lambda: draw_descent(found),
        axes=(Word("lesson.depth.layer"), Word("lesson.depth.norm")),
        legend=(
            Legend("blue", Word("lesson.depth.deepest", told)),
            Legend("blue band", Word("lesson.word.half_of_seeds")),
            Legend("faint", Word("lesson.depth.shallower")),
        ),
        lines=[
            Line(name, np.arange(1, setup.depth + 1), one["norms"][-1])
            for name, one in found.items()
        ],
    )


def _table(measured: Measured, told: dict[str, Any]) -> Table:
    head = ("activation", "init", "slope", "kept", "arrives", "shallow", "deep")
    rows = [
        [
            name,
            one["init"],
            one["slope_mean"],
            one["kept"],
            one["arrives"],
            float(one["norms"][0][0]),
            float(one["norms"][-1][0]),
        ]
        for name, one in measured["activations"].items()
    ]
    return Table(
        _say("table", told), [Word(f"lesson.depth.head.{name}", told) for name in head], rows
    )


def _deaths(measured: Measured, told: dict[str, Any]) -> Block:
    head = ("activation", "pushed", "dead_before", "dead_after", "awake", "gradient")
    keys = ("pushed", "dead_before", "dead_after", "awake", "middle_gradient")
    rows = [[name, *(one[key] for key in keys)] for name, one in measured["deaths"].items()]
    return Table(
        _say("deaths", told), [Word(f"lesson.depth.head.{name}", told) for name in head], rows
    )
