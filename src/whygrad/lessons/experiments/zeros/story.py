"""What the lesson on silent inputs tells."""

from typing import Any

import numpy as np

from whygrad.lessons.experiments.zeros.drawing import draw_activations, draw_losses, settled
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import arrives, one
from whygrad.lessons.story import (
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


def tell(setup: Any, measured: Measured) -> Story:
    """Tell what can be said and learnt where nothing comes in."""
    told = _numbers(setup, measured)
    return Story(
        told=(
            _say("silence", told),
            Formula(
                rf"z = \sum_j w_j \cdot {arrives('0')} + b = b"
                r" \qquad a = f(b) = f([[bias]]) = [[said]]",
                told,
            ),
            _say("gradient", told),
            Formula(
                rf"\frac{{\partial C}}{{\partial w_j}} = \delta \cdot {arrives('0')}"
                rf" = [[delta]] \cdot {arrives('0')} = [[weight]]"
                rf" \qquad \frac{{\partial C}}{{\partial b}} = \delta \cdot {one()} = [[delta]]",
                told,
            ),
            _say("task", told),
            Formula(
                r"H = -p \ln p - (1 - p) \ln (1 - p) = [[entropy]]"
                r" \qquad p = \frac{[[ones]]}{[[samples]]} = [[share]]",
                told,
            ),
            _say(_with(told), told),
            _say(_without(told), told),
            _losses(measured, told),
            Fold(_say("fold.nudge", told), (_say("nudge", told),)),
        ),
        left_out=(
            _say("at_zero", told),
            _activations(measured),
            Fold(_say("fold.table", told), (_table_at_zero(measured),)),
            _say(_heard(measured), told),
            Formula(
                r"\frac{\partial C}{\partial w_\text{out}} = " + arrives("f(0)") + r" \cdot \delta"
                r" \qquad f = \sigma: \; [[sigmoid|arrives]] \cdot \delta"
                r" \qquad f = \text{softplus}: \; [[softplus|arrives]] \cdot \delta",
                told,
            ),
            Fold(
                _say("fold.trainings", told),
                (
                    _table_of_trainings(measured),
                    *((_say("deaf", told),) if _deaf(measured) else ()),
                ),
            ),
        ),
    )


def _say(key: str, values: dict[str, Any]) -> Say:
    return Say(f"lesson.zeros.{key}", values)


def _numbers(setup: Any, measured: Measured) -> dict[str, Any]:
    own, runs = measured["neurons"][setup.activation], measured["runs"][setup.activation]
    trained = {f"{name}_{kind}": run[name] for kind, run in runs.items() for name in run}
    neurons, deaf = measured["neurons"], _deaf(measured)
    return {
        **trained,
        "activation": setup.activation,
        "zero": own["said_without"],
        "bias": setup.bias,
        "said": own["said_with"],
        "target": measured["target"],
        "delta": own["delta_with"],
        "weight": own["weight_with"],
        "nudge": measured["nudge"],
        "nudged": own["nudged_bias"],
        "moved": max(one[f"nudged_weight_{k}"] for one in neurons.values() for k in runs),
        "count": len(neurons),
        "ones": measured["ones"],
        "samples": setup.samples,
        "share": measured["share"],
        "entropy": measured["entropy"],
        "near": measured["near"],
        "width": setup.width,
        "depth": setup.depth,
        "steps": setup.steps,
        "speaking": Names(tuple(measured["speaking"])),
        "sigmoid": neurons["sigmoid"]["said_without"],
        "softplus": neurons["softplus"]["said_without"],
        "worst": _worst(measured),
        "deaf": Names(tuple(deaf)),
        "right": neurons[deaf[0]]["right"] if deaf else 0.0,
    }


def _with(told: dict[str, Any]) -> str:
    if not np.isfinite(told["last_with"]):
        return "with_diverged"
    if told["gap_with"] > told["near"]:
        return "with_not"
    is_there = abs(told["first_with"] - told["entropy"]) <= told["near"]
    return "with_there" if is_there else "with_reached"


def _without(told: dict[str, Any]) -> str:
    if not np.isfinite(told["last_without"]):
        return "without_diverged"
    is_near = told["gap_without"] <= told["near"]
    is_still = told["change_without"] == told["other_weights_without"] == 0
    if is_still and told["zero"] == 0:
        return "without_best" if is_near else "without_stuck"
    return "without_learns" if is_near else "without_not"


def _heard(measured: Measured) -> str:
    worst = _worst(measured)
    if not np.isfinite(worst):
        return "heard_diverged"
    return "heard" if worst <= measured["near"] else "heard_not"


def _worst(measured: Measured) -> float:
    """Return how far from the entropy any network is that answers to silence without biases."""
    gaps = [measured["runs"][name]["without"]["gap"] for name in measured["speaking"]]
    return float(np.max(gaps))  # NaN if any is


def _deaf(measured: Measured) -> list[str]:
    """Return whose hidden biases stayed where they were because of the slope at 0."""
    return [
        name
        for name in NAMES
        if measured["neurons"][name]["slope_without"] == 0
        and measured["runs"][name]["with"]["hidden_biases"] == 0
        and measured["runs"][name]["with"]["output_bias"] > measured["near"]
    ]


def _losses(measured: Measured, told: dict[str, Any]) -> Picture:
    curves = measured["curves"]
    shown = settled([*curves.values()], measured["entropy"])
    marks = {"with": "blue", "without": "orange dashed"}
    words = {kind: Word(f"lesson.zeros.line.{kind}") for kind in marks}
    return Picture(
        "losses",
        _say("picture.losses", told | {"shown": shown - 1}),
        lambda: draw_losses(measured, shown),
        axes=(Word("lesson.word.step"), Word("lesson.word.loss")),
        legend=[
            *(Legend(mark, words[kind]) for kind, mark in marks.items()),
            Legend("faint dotted", Word("lesson.zeros.line.entropy")),
        ],
        lines=[Line(words[kind], np.arange(shown), curves[kind][:shown]) for kind in marks],
    )


def _activations(measured: Measured) -> Picture:
    return Picture(
        "activations",
        Say("lesson.zeros.picture.activations"),
        lambda: draw_activations(measured),
        axes=(Word("lesson.zeros.z"), Word("lesson.zeros.answer")),
    )


def _table_at_zero(measured: Measured) -> Table:
    columns = ("said_without", "slope_without", "left", "right")
    rows = [
        [name, *(float(measured["neurons"][name][column]) for column in columns)] for name in NAMES
    ]
    sides = [Word(f"lesson.zeros.{side}") for side in ("left", "right")]
    head = [Word("lesson.zeros.activation"), "f(0)", "f′(0)", *sides]
    return Table(Say("lesson.zeros.table_at_zero"), head, rows)


def _table_of_trainings(measured: Measured) -> Table:
    rows = []
    for name in NAMES:
        without, with_biases = (measured["runs"][name][kind] for kind in ("without", "with"))
        moved = float(np.max([without["first_weights"], with_biases["first_weights"]]))
        rows.append(
            [name, without["last"], with_biases["last"], moved, with_biases["hidden_biases"]]
        )
    heads = ("activation", "last_without", "last_with", "first_weights", "hidden_biases")
    caption = Say("lesson.zeros.table_of_trainings", {"entropy": measured["entropy"]})
    return Table(caption, [Word(f"lesson.zeros.{head}") for head in heads], rows)
