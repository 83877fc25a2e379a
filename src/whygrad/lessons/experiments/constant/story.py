"""What the lesson on constant neurons tells."""

from typing import Any

import numpy as np

from whygrad.lessons.experiments.constant.drawing import (
    draw_difference,
    draw_networks,
    draw_parting,
    draw_race,
)
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import arrives, one
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

ARRIVING = arrives("a_j")
FLAT = 1e-12  # slope of a constant neuron that as good as holds itself
PARTED = 1e-6  # of the largest loss: by then nobody would call two curves the same
MARKS_OF = {
    "biases": "ink",
    "decayed": "blue",
    "row_decays": "orange dashed",
    "drawn": "purple dotted",
}
AXES = (Word("lesson.word.step"), Word("lesson.word.loss"))


def tell(setup: Any, measured: Measured) -> Story:
    """Tell how a bias becomes a weight, that nothing changes, and what would change it."""
    told = _numbers(setup, measured)
    return Story(
        told=(
            _say("row", told),
            Formula(
                rf"z_k = \sum_{{j=1}}^{{n}} {ARRIVING} w_{{jk}} + b_k"
                rf" = \sum_{{j=0}}^{{n}} {ARRIVING} w_{{jk}}"
                rf" \qquad a_0 = {one()} \qquad w_{{0k}} = b_k"
            ),
            _say("gradient", told),
            Formula(
                r"\frac{\partial C}{\partial w_{0k}} = \frac{1}{m} \sum_i "
                + arrives("a_{i0}")
                + r" \cdot \delta_{ik} = \frac{1}{m} \sum_i "
                + one()
                + r" \cdot \delta_{ik} = \frac{\partial C}{\partial b_k}"
            ),
            _say("tap", told),
            _table_of_terms(),
            _networks(setup, measured),
            Fold(
                _say("fold.hand_on", told),
                (
                    _say("hand_on_flat" if _is_flat(measured) else "hand_on", told),
                    Formula(r"f(c) = f([[pivot]]) = [[said]]", told),
                    _say(_held(measured), told),
                    _say("matched", told),
                ),
            ),
            *_outcome(measured, told),
        ),
        left_out=(
            *_decay(measured, told),
            _parting(measured),
            Fold(
                _say("fold.start", told),
                (
                    *((_say("start", told),) if np.isfinite(told["drawn"]) else ()),
                    _say("lesson", told),
                ),
            ),
        ),
    )


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.constant.{key}", values)


def _numbers(setup: Any, measured: Measured) -> dict[str, Any]:
    losses, lengths, apart = measured["losses"], measured["lengths"], measured["apart"]
    last = {f"last_{name}": float(curve[-1]) for name, curve in losses.items()}
    long = {f"length_{name}": float(curve[-1]) for name, curve in lengths.items()}
    named = ("pivot", "pivot_slope", "said", "unheld_low", "unheld_high", "factor", "least")
    return {
        **last,
        **long,
        **{name: measured[name] for name in named},
        **{name: apart[name] for name in apart},
        "first": float(losses["biases"][0]),
        "first_drawn": float(losses["drawn"][0]),
        "reordered": measured["reordered"]["loss"],
        "room_spared": measured["room"]["spared"],
        "shrinking": measured["shrinking"],
        "activation": setup.activation,
        "optimizer": setup.optimizer,
        "steps": setup.steps,
        "decay": setup.decay,
        "decay_kind": setup.decay_kind,
        "width": setup.width,
    }


def _is_flat(measured: Measured) -> bool:
    return abs(measured["pivot_slope"]) < FLAT


def _has_parted(measured: Measured, name: str) -> bool:
    return measured["apart"][name] > PARTED * measured["scale"]


def _held(measured: Measured) -> str:
    if not np.isfinite([measured["unheld_low"], measured["unheld_high"]]).all():
        return "unheld_diverged"
    error = max(abs(measured["unheld_low"] - 1), abs(measured["unheld_high"] - 1))
    if error > FLAT:
        return "unheld"
    return "unheld_flat" if _is_flat(measured) else "unheld_unmoved"


def _decay(measured: Measured, told: dict[str, Any]) -> tuple[Say, ...]:
    if not np.isfinite([told["decayed"], told["spared"]]).all():
        return (_say("decay_diverged", told),)
    if not _has_parted(measured, "decayed"):
        return (_say("decay_none", told),)
    is_same = told["spared"] <= told["room_spared"]
    return _say("decay", told), _say("spared" if is_same else "spared_not", told)


def _outcome(measured: Measured, told: dict[str, Any]) -> tuple[Block, ...]:
    if not np.isfinite(measured["scale"]):
        return (_say("diverged", told),)
    apart, room = measured["apart"], measured["room"]
    same = apart["loss"] <= room["loss"] and apart["parameters"] <= room["parameters"]
    if not same:
        return (_say("differs", told), _race(measured), _difference(measured))
    outcome = _say("grown" if _has_parted(measured, "loss") else "orders", told)
    rounding = Fold(_say("fold.rounding", told), (outcome, _difference(measured)))
    return _say("same", told), _race(measured), rounding


def _table_of_terms() -> Table:
    """Return weight and bias side by side: gradient, the factor of its own, what it is like."""
    rows = [
        [
            Word(f"lesson.constant.terms.{name}"),
            gradient,
            factor,
            Word(f"lesson.constant.terms.{name}.like"),
        ]
        for name, gradient, factor in (
            ("weight", "∂C/∂w = δ · aᵢₙ", "∂z/∂w = aᵢₙ"),
            ("bias", "∂C/∂b = δ · 1", "∂z/∂b = 1"),
        )
    ]
    head = [
        Word(f"lesson.constant.terms.{name}") for name in ("what", "gradient", "factor", "like")
    ]
    return Table(Say("lesson.constant.terms"), head, rows)


def _networks(setup: Any, measured: Measured) -> Picture:
    return Picture(
        "networks",
        Say("lesson.constant.picture.networks"),
        lambda: draw_networks(measured["sizes"]),
        legend=(
            Legend("blue", Word("lesson.constant.legend.bias")),
            Legend("orange dashed", Word("lesson.constant.legend.held")),
        ),
        is_wide=False,
    )


def _race(measured: Measured) -> Picture:
    marks = {"biases": "blue", "constants": "orange dotted"}
    key = "race_parted" if _has_parted(measured, "loss") else "race"
    return Picture(
        "race",
        Say(f"lesson.constant.picture.{key}"),
        lambda: draw_race(measured),
        axes=AXES,
        legend=[Legend(mark, _word(name)) for name, mark in marks.items()],
        lines=[Line(_word(name), *_points(measured["losses"][name])) for name in marks],
    )


def _difference(measured: Measured) -> Picture:
    marks = {"between": "orange", "between_orders": "ink dotted"}
    return Picture(
        "difference",
        Say("lesson.constant.picture.difference"),
        lambda: draw_difference(measured),
        axes=(AXES[0], _word("apart")),
        legend=[Legend(mark, _word(name)) for name, mark in marks.items()],
        lines=[Line(_word(name), *_points(measured[name])) for name in marks],
    )


def _parting(measured: Measured) -> Picture:
    words = {name: _word(name) for name in MARKS_OF} | {"biases": _word("plain")}
    return Picture(
        "parting",
        Say("lesson.constant.picture.parting"),
        lambda: draw_parting(measured),
        axes=(AXES[0], Word("lesson.constant.loss_and_length")),
        legend=[Legend(mark, words[name]) for name, mark in MARKS_OF.items()],
        lines=[Line(words[name], *_points(measured["losses"][name])) for name in MARKS_OF],
    )


def _word(name: str) -> Word:
    return Word(f"lesson.constant.line.{name}")


def _points(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(len(values)), values
