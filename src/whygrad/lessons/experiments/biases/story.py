"""What the lesson on biases tells."""

from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.lessons.experiments.biases.drawing import draw_differences
from whygrad.lessons.instruments.curves_drawing import (
    BLUE_LINE,
    INK_DASHED,
    ORANGE_LINE,
    PURPLE_DOTTED,
    Curve,
    draw_curves,
)
from whygrad.lessons.instruments.statistics import Band, Interval
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import arrives
from whygrad.lessons.story import (
    Cell,
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

if TYPE_CHECKING:
    from whygrad.lessons.experiments.biases import Biases

WEAK = 1.25  # a loss so many times as large is worse
LOOKS = {
    "zero": BLUE_LINE,
    "random": PURPLE_DOTTED,
    "alone": ORANGE_LINE,
    "neither": INK_DASHED,
}
LINKS = ("slope", "output", "weights_out", "weights_in")


def tell(setup: "Biases", measured: Measured) -> Story:
    """Tell what random biases add to random weights, and what they do on their own."""
    told = _numbers(setup, measured)
    return Story(
        told=(
            _say("setup", told),
            Formula(rf"z_k = \sum_j {arrives('a_j')} w_{{jk}} + b_k"),
            _say("differ" if told["width_at_start"] == setup.width else "differ_not", told),
            _first_step(measured, told),
            _differences(measured, told),
            _say(_verdict(measured), told),
            Fold(_say("fold.pairs", told), (_say("pairs", told), _finals(measured, told))),
            _summary(),
        ),
        left_out=(
            _say(_alone(told), told),
            _curves(setup, measured, told),
            Fold(
                _say("fold.ways", told),
                (
                    *_way(told),
                    _say("ways", told),
                    _parting(setup, measured, told),
                    _say(_straight(measured), told),
                    _ends(setup, measured, told),
                ),
            ),
        ),
    )


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.biases.{key}", values)


def _numbers(setup: "Biases", measured: Measured) -> dict[str, Any]:
    """Return every number that a sentence may need, by its name in the sentences."""
    starts, gap = measured["curved"], measured["difference"]
    return {
        **{name: getattr(setup, name) for name in vars(setup)},
        "sizes": "-".join(map(str, measured["sizes"])),
        "width_at_start": measured["width_at_start"],
        "count": setup.seeds * len(starts),
        "low": gap["low"],
        "high": gap["high"],
        "middle": gap["middle"],
        "sure": round(100 * gap["level"], 1),
        "reach": measured["reach"],
        "seeds_apart": measured["seeds_apart"],
        **{f"{name}_final": one["final"]["middle"] for name, one in starts.items()},
        **{f"{name}_neurons": round(one["neurons"]) for name, one in _known(starts).items()},
        **{f"{name}_way": round(100 * one["one_way"], 1) for name, one in _known(starts).items()},
        "straight_final": measured["straight"]["alone"]["final"]["middle"],
        "straight_zero": measured["straight"]["zero"]["final"]["middle"],
        "open": round(100 * measured["parting"]["straight"]["open"], 1),
        "slope": measured["parting"]["curved"]["slope"],
    }


def _known(starts: dict[str, Any]) -> dict[str, Any]:
    """Return the starts of which some network kept its numbers."""
    return {name: one for name, one in starts.items() if np.isfinite(one["neurons"])}


def _verdict(measured: Measured) -> str:
    """Return what the interval says: 0 is inside, or it is small, or it is not."""
    gap = measured["difference"]
    if not np.isfinite([gap["low"], gap["high"]]).all():
        return "interval.lost"
    if measured["reach"] > measured["seeds_apart"]:
        is_sure = gap["low"] > 0 or gap["high"] < 0
        return "interval.matters" if is_sure else "interval.wide"
    return "interval.around" if gap["low"] <= 0 <= gap["high"] else "interval.small"


def _alone(told: dict[str, Any]) -> str:
    """Return what became of random biases under constant weights."""
    if "alone_neurons" not in told or "neither_neurons" not in told:
        return "alone.lost"
    if told["alone_neurons"] <= told["neither_neurons"]:
        return "alone.same"
    weak = told["alone_final"] > WEAK * told["zero_final"]
    return "alone.weak" if weak else "alone.enough"


def _way(told: dict[str, Any]) -> tuple[Say, ...]:
    """Return what remains of having differed in one number only, where something does."""
    remains = told.get("alone_way", 0) > told.get("zero_way", 100)
    return (_say("way", told),) if remains else ()


def _straight(measured: Measured) -> str:
    links = measured["parting"]["straight"]
    if links["slope"]:
        return "straight.kink"
    return "straight.closed" if links["output"] else "straight.silent"


def _differences(measured: Measured, told: dict[str, Any]) -> Picture:
    gap = measured["difference"]
    finals = measured["finals"]
    with np.errstate(invalid="ignore"):
        differences = finals["random"] - finals["zero"]
    return Picture(
        "differences",
        _say("picture", told),
        lambda: draw_differences(differences, Interval(**gap), measured["seeds_apart"]),
        axes=(Word("lesson.biases.axis.right"), Word("lesson.biases.axis.up")),
        legend=(
            Legend("orange", Word("lesson.biases.legend.interval", told)),
            Legend("blue band", Word("lesson.biases.legend.room", told)),
        ),
        lines=[
            Line(Word("lesson.biases.line"), np.arange(len(differences)), np.sort(differences)),
        ],
    )


def _finals(measured: Measured, told: dict[str, Any]) -> Table:
    head: list[Cell] = [Word(f"lesson.biases.head.{name}") for name in ("start", "final", "half")]
    rows = [
        [_start(name, told), one["final"]["middle"], _range(one["final"])]
        for name, one in measured["curved"].items()
        if name in ("zero", "random")
    ]
    return Table(_say("finals", told), head, rows)


def _curves(setup: "Biases", measured: Measured, told: dict[str, Any]) -> Picture:
    weight = f"w = {number(setup.constant)}"
    labels = {
        "zero": "w ∼ N, b = 0",
        "random": "w ∼ N, b ∼ N",
        "alone": f"{weight}, b ∼ N",
        "neither": f"{weight}, b = 0",
    }
    curves = {
        name: Curve(labels[name], LOOKS[name], Band(**one["half"]), Band(**one["most"]))
        for name, one in measured["curved"].items()
    }
    return Picture(
        "curves",
        _say("curves", told),
        lambda: draw_curves(list(curves.values())),
        axes=(Word("lesson.word.epoch"), Word("lesson.word.loss")),
        legend=(
            *(Legend(LOOKS[name].mark, _start(name, told)) for name in labels),
            Legend("blue band", Word("lesson.word.half_of_seeds")),
        ),
        lines=[
            Line(_start(name, told), np.arange(len(curve.half.middle)), curve.half.middle)
            for name, curve in curves.items()
        ],
        is_wide=True,
    )


def _start(name: str, told: dict[str, Any]) -> Word:
    return Word(f"lesson.biases.start.{name}", told)


def _range(final: dict[str, float]) -> str:
    return f"{number(final['low'])} … {number(final['high'])}"


def _parting(setup: "Biases", measured: Measured, told: dict[str, Any]) -> Table:
    curved, straight = measured["parting"]["curved"], measured["parting"]["straight"]
    head: list[Cell] = [Word("lesson.biases.head.link"), setup.activation, setup.straight]
    rows = [
        [Word(f"lesson.biases.link.{name}", told), curved[name], straight[name]] for name in LINKS
    ]
    return Table(_say("parting", told), head, rows)


def _first_step(measured: Measured, told: dict[str, Any]) -> Table:
    """Return how far weights, outputs and gradients are apart, before any step is taken."""
    links = ("weights", "output", "first_weights_in")
    starts = ("zero", "neither")
    head: list[Cell] = [Word("lesson.biases.head.link"), *(_start(name, told) for name in starts)]
    rows = [
        [Word(f"lesson.biases.first.{link}"), *(measured["parting"][name][link] for name in starts)]
        for link in links
    ]
    return Table(_say("first", told), head, rows)


def _summary() -> Table:
    """Return how weights and biases start, and why."""
    rows = [
        [Word(f"lesson.biases.summary.{name}"), Word(f"lesson.biases.summary.{name}.start"),
         Word(f"lesson.biases.summary.{name}.why")]
        for name in ("weights", "biases")
    ]  # fmt: skip
    head = [Word(f"lesson.biases.summary.{name}") for name in ("what", "start", "why")]
    return Table(Say("lesson.biases.summary"), head, rows)


def _ends(setup: "Biases", measured: Measured, told: dict[str, Any]) -> Table:
    head: list[Cell] = [
        Word(f"lesson.biases.head.{name}") for name in ("start", "neurons", "apart", "way", "final")
    ]
    named = [
        (activation, name, one)
        for activation, kind in ((setup.activation, "curved"), (setup.straight, "straight"))
        for name, one in measured[kind].items()
    ]
    rows = [
        [
            Word(f"lesson.biases.row.{name}", told | {"activation": activation}),
            one["neurons"],
            one["apart"],
            one["one_way"],
            one["final"]["middle"],
        ]
        for activation, name, one in named
    ]
    return Table(_say("ends", told), head, rows)
