"""What the lesson on detectors leaves to the end: how random weights should be."""

from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.lessons.experiments.detectors.drawing import draw_scales
from whygrad.lessons.instruments.curves_drawing import (
    BLUE_LINE,
    GREEN_DASHED,
    ORANGE_LINE,
    PURPLE_DOTTED,
    Curve,
    draw_curves,
)
from whygrad.lessons.instruments.statistics import Band
from whygrad.lessons.notation import arrives
from whygrad.lessons.story import (
    Block,
    Cell,
    Fold,
    Formula,
    Legend,
    Line,
    Picture,
    Say,
    Table,
    Word,
)
from whygrad.words import number

if TYPE_CHECKING:
    from whygrad.lessons.experiments.detectors import Detectors

FAILED = 25  # percent of ten digits read right: little above guessing
LOOKS = {"narrow": PURPLE_DOTTED, "wide": BLUE_LINE, "other": ORANGE_LINE}
LEARNING = {"small": PURPLE_DOTTED, "best": BLUE_LINE, "large": GREEN_DASHED}

Kinds = dict[str, dict[str, Any]]


def left_out(setup: "Detectors", kinds: Kinds) -> tuple[Block, ...]:
    """Tell where the safe scale of a start lies, and what becomes of the others."""
    told = {name: getattr(setup, name) for name in vars(setup)} | _numbers(kinds)
    return (
        _say("scale", told),
        Formula(r"| z | \approx \sqrt{n} \cdot \sigma \cdot | " + arrives("x") + " |"),
        _scales(kinds, told),
        _say("fail" if _both_fail(told) else "ends", told),
        Fold(
            _say("fold.scales", told),
            (
                _say(_fan_in(told), told),
                _say(_activation(told), told),
                _windows(kinds, told),
                _learning(kinds, told),
            ),
        ),
    )


def percent(share: float) -> float:
    return round(100 * share, 1)


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.detectors.{key}", values)


def _numbers(kinds: Kinds) -> dict[str, Any]:
    found: dict[str, Any] = {
        "smallest": float(kinds["wide"]["scales"][0]),
        "largest": float(kinds["wide"]["scales"][-1]),
    }
    for name, kind in kinds.items():
        found |= {
            f"{name}_best": float(kind["scales"][kind["best"]]),
            f"{name}_right": percent(float(kind["middle"][kind["best"]])),
            f"{name}_rule": kind["rule"],
            f"{name}_small": percent(float(kind["middle"][0])),
            f"{name}_large": percent(float(kind["middle"][-1])),
        }
    return found


def _fan_in(told: dict[str, Any]) -> str:
    """Return what the two widths show: only who learns at all has a best scale."""
    if told["narrow"] == told["wide"]:
        return "fan_in.same"
    if min(told["narrow_right"], told["wide_right"]) <= FAILED:
        return "fan_in.failed"
    is_larger = (told["narrow"] < told["wide"]) == (told["narrow_best"] > told["wide_best"])
    return "fan_in.larger" if is_larger and told["narrow_best"] != told["wide_best"] else "fan_in"


def _activation(told: dict[str, Any]) -> str:
    """Return what the two activations show."""
    if told["activation"] == told["other_activation"]:
        return "activation.same"
    is_failed = min(told["wide_right"], told["other_right"]) <= FAILED
    return "activation.failed" if is_failed else "activation"


def _both_fail(told: dict[str, Any]) -> bool:
    """Return whether the smallest and the largest scale leave every network little to show."""
    ends = [told[f"{name}_{end}"] for name in LOOKS for end in ("small", "large")]
    return max(ends) <= FAILED


def _scales(kinds: Kinds, told: dict[str, Any]) -> Picture:
    return Picture(
        "scales",
        _say("picture.scales", told),
        lambda: draw_scales([kinds[name] for name in LOOKS], list(LOOKS.values())),
        axes=(Word("lesson.detectors.axis.scale"), Word("lesson.detectors.axis.right")),
        legend=[Legend(look.mark, _kind(kinds[name])) for name, look in LOOKS.items()],
        lines=[
            Line(_kind(kind), np.asarray(kind["scales"]), kind["middle"]) for kind in kinds.values()
        ],
    )


def _kind(kind: dict[str, Any]) -> str:
    return f"{kind['activation']}, n = {kind['width']}"


def _windows(kinds: Kinds, told: dict[str, Any]) -> Table:
    names = ("network", "rule", "best", "window", "right")
    rows: list[list[Cell]] = [
        [
            _kind(kind),
            kind["rule"],
            told[f"{name}_best"],
            _window(kind) if told[f"{name}_right"] > FAILED else "—",
            f"{number(told[f'{name}_right'])} %",
        ]
        for name, kind in kinds.items()
    ]
    return Table(_say("windows", told), [Word(f"lesson.detectors.head.{n}") for n in names], rows)


def _window(kind: dict[str, Any]) -> str:
    return " … ".join(number(float(kind["scales"][end]), 2) for end in kind["window"])


def _learning(kinds: Kinds, told: dict[str, Any]) -> Picture:
    """Draw how the best start learns, and the nearest that are not safe, if any were tried."""
    wide = kinds["wide"]
    scales = {name: float(wide["scales"][place]) for name, place in wide["shown"].items()}
    curves = {
        name: Curve(f"σ = {number(scales[name], 2)}", LEARNING[name], *[_band(kinds, name)] * 2)
        for name in scales
    }
    return Picture(
        "learning",
        _say("picture.learning" if len(scales) > 1 else "picture.learning.best", told),
        lambda: draw_curves(list(curves.values())),
        axes=(Word("lesson.word.epoch"), Word("lesson.word.loss")),
        legend=[Legend(LEARNING[name].mark, curve.label) for name, curve in curves.items()],
        lines=[
            Line(curve.label, np.arange(len(curve.half.middle)), curve.half.middle)
            for curve in curves.values()
        ],
        is_wide=True,
    )


def _band(kinds: Kinds, name: str) -> Band:
    return Band(**kinds["wide"]["curves"][name])
