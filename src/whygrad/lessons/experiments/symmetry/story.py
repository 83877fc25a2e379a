"""What the lesson on symmetry tells."""

from typing import Any

import numpy as np

from whygrad.lessons.experiments.symmetry import outcomes
from whygrad.lessons.experiments.symmetry.drawing import (
    APART,
    RANDOM,
    draw_apart,
    draw_losses,
    draw_stand_in,
    looks,
)
from whygrad.lessons.experiments.symmetry.setup import Symmetry
from whygrad.lessons.instruments.seats import PARTS
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

SYMBOLS = {
    "weight_in": "w",
    "bias": "b",
    "preactivation": "z = x w + b",
    "output": "a = f(z)",
    "weight_out": "v",
    "upstream": "u = δ v",
    "delta": "δ = u f′(z)",
    "gradient_in": "∂C/∂w",
    "gradient_bias": "∂C/∂b",
    "gradient_out": "∂C/∂v",
}


def tell(setup: Symmetry, measured: Measured) -> Story:
    """Tell that clones stay clones, which one neuron they are, and what parts them after all."""
    told = outcomes.numbers(setup, measured)
    return Story(
        told=(
            _say("setup", told),
            _losses(setup, measured, told),
            _say(f"result.{outcomes.result(measured)}", told),
            _say(f"one.{outcomes.one(setup, measured)}", told),
            _say(f"apart.{outcomes.apart(measured)}", told),
            _starts(measured, told),
            *_chain(measured, told),
            Fold(_say("fold.replacing", told), _replacing(setup, measured, told)),
        ),
        left_out=(
            _say("outgoing" if measured["outgoing"]["apart"] else "outgoing.silent", told),
            _say("zeros.short", told),
            Fold(
                _say("fold.zeros", told),
                (
                    _say("zeros", told),
                    _zeros(measured, told),
                    _say("zeros.base", told),
                    *([_say("closed", told)] if measured["open"] == 0 else []),
                ),
            ),
            _say(f"dropout.{outcomes.dropout(setup, measured)}", told),
            Fold(
                _say("fold.rounding", told),
                (
                    _say(
                        "rounding" if outcomes.apart(measured) == "equal" else "rounding_too", told
                    ),
                    _say(f"rounding.{outcomes.rounding(measured)}", told),
                    _parting(measured, told),
                ),
            ),
        ),
    )


def _say(key: str, told: dict[str, Any]) -> Say:
    return Say(f"lesson.symmetry.{key}", told)


def _word(key: str, told: dict[str, Any] | None = None) -> Word:
    return Word(f"lesson.symmetry.{key}", told or {})


def _losses(setup: Symmetry, measured: Measured, told: dict[str, Any]) -> Picture:
    starts = {start["constant"]: start["losses"] for start in measured["starts"].values()}
    one = measured["replacement"][setup.activation][setup.optimizer]["one"]
    random = measured["random"]["losses"]
    names = {c: _word("start", {"constant": c}) for c in starts}
    steps = np.arange(1, setup.steps + 1)
    return Picture(
        "losses",
        _say("picture.losses", told),
        lambda: draw_losses(starts, setup.constant, one, random, measured["guessing"]),
        axes=(Word("lesson.word.step"), Word("lesson.word.loss")),
        legend=(
            Legend(RANDOM.mark, _word("random")),
            Legend("blue band", Word("lesson.word.half_of_seeds")),
            *(Legend(look.mark, names[c]) for c, look in looks([*starts], setup.constant).items()),
            Legend("ink disc", _word("one")),
        ),
        lines=(
            Line(_word("random"), steps, random["middle"]),
            *(Line(names[c], steps, curve) for c, curve in starts.items()),
            Line(_word("one"), steps, one),
        ),
        is_wide=True,
    )


def _starts(measured: Measured, told: dict[str, Any]) -> Table:
    rows: list[list[Any]] = [
        [_word("start", start), start["final"], start["apart"], start["width"]]
        for start in measured["starts"].values()
    ]
    random = measured["random"]
    rows.append([_word("random"), random["final"], random["apart"], random["width"]])
    head = [_word(f"head.{name}") for name in ("start", "final", "apart", "width")]
    return Table(_say("table.starts", told), head, rows)


def _chain(measured: Measured, told: dict[str, Any]) -> tuple[Block, ...]:
    if not measured["links"]:
        return ()
    rows = [
        [SYMBOLS[link["name"]], _word(f"link.{link['name']}"), link["difference"]]
        for link in measured["links"]
    ]
    head = [_word(f"head.{name}") for name in ("number", "because", "apart")]
    return (_say("chain", told), Table(_say("table.chain", told), head, rows))


def _replacing(setup: Symmetry, measured: Measured, told: dict[str, Any]) -> tuple[Block, ...]:
    """Return what "matched" means, and that it is so."""
    is_whole = told["shortest"] == setup.steps
    return (
        _say("replace", told),
        Formula(r"\sum_{k=1}^{n} v \, f(z) = (n v) \, f(z), \qquad n = [[width]]", told),
        _say("replace.sgd", told),
        Formula(
            r"\eta_\text{in} = \frac{\eta}{n} = \frac{[[learning_rate]]}{[[width]]} = [[rate_in]],"
            r" \qquad \eta_\text{out} = n \eta = [[width]] \cdot [[learning_rate]] = [[rate_out]]",
            told,
        ),
        _say("replace.adam", told),
        Formula(
            r"\eta \, \frac{\hat{m} / n}{\sqrt{\hat{s}} / n + \epsilon}"
            r" = \eta \, \frac{\hat{m}}{\sqrt{\hat{s}} + n \epsilon},"
            r" \qquad n \epsilon = [[width]] \cdot [[epsilon]] = [[epsilon_in]]",
            told,
        ),
        Picture("stand_in", _say("picture.stand_in", told), lambda: draw_stand_in(setup.width)),
        _say(f"replaced.{outcomes.replaced(told)}", told),
        *(_say(f"replaced.{name}", told) for name in outcomes.matching(told)),
        *(() if is_whole else (_say("replaced.shorter", told),)),
        _pairs(measured, told),
    )


def _pairs(measured: Measured, told: dict[str, Any]) -> Table:
    rows = [
        [
            f"{activation}, {how}",
            *(_compared(one, who) for who in ("clones", "one")),
            one["steps"],
            one["difference"],
            one["unmatched"],
        ]
        for activation, row in measured["replacement"].items()
        for how, one in row.items()
    ]
    head = [
        _word(f"head.{name}", told)
        for name in ("pair", "clones", "one", "steps", "matched", "unmatched")
    ]
    return Table(_say("table.pairs", told), head, rows)


def _compared(one: dict[str, Any], who: str) -> float:
    """Return the last loss that was compared; NaN where none was."""
    return float(one[who][one["steps"] - 1]) if one["steps"] else float("nan")


def _zeros(measured: Measured, told: dict[str, Any]) -> Table:
    parts = ("output_bias", "output_weight", "hidden_weight")
    assert set(parts) < set(PARTS)
    rows = [
        [
            activation,
            one["value"],
            *(one["first"][part] or _word("never") for part in parts),
            one["final"],
        ]
        for activation, one in measured["zeros"].items()
    ]
    head = [_word(f"head.{name}") for name in ("activation", "f0", *parts, "final")]
    return Table(_say("table.zeros", told), head, rows)


def _parting(measured: Measured, told: dict[str, Any]) -> Picture:
    rounding = measured["rounding"]
    curves = {
        "dropout": measured["dropout"]["curve"],
        "alone": rounding["alone"]["curve"],
        "seated": rounding["seated"]["curve"],
    }
    steps = np.arange(1, len(curves["alone"]) + 1)
    names = {name: _word(f"parting.{name}", told) for name in curves}
    return Picture(
        "parting",
        _say("picture.parting", told),
        lambda: draw_apart(curves),
        axes=(Word("lesson.word.step"), _word("apart")),
        legend=[Legend(APART[name].mark, names[name]) for name in curves],
        lines=[Line(names[name], steps, curve) for name, curve in curves.items()],
    )
