"""What the lesson on one bias and many samples tells, and its drawings."""

from typing import Any

import numpy as np

from whygrad.lessons.experiments.broadcast.drawing import (
    SHOWN,
    WAYS,
    draw_contraction,
    draw_courses,
)
from whygrad.lessons.experiments.broadcast.orientation import both_ways
from whygrad.lessons.instruments.nudge import NUDGE
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import arrives
from whygrad.lessons.notation import one as unit
from whygrad.lessons.story import (
    Block,
    Code,
    Fold,
    Formula,
    Legend,
    Line,
    Picture,
    Say,
    Story,
    Word,
)

MARKS = ("blue", "orange dashed", "purple dotted", "green dashed")


def tell(setup: Any, measured: Measured) -> Story:
    """Tell how one number goes to all samples, and how their answers come back as one."""
    one = _numbers(setup, measured)
    alone = "_alone" if setup.batch == 1 else ""
    return Story(
        told=(
            Say("lesson.broadcast.vector", one),
            Formula(
                rf"\frac{{\partial C}}{{\partial b_k}} = \delta_k \cdot {unit()}"
                r" \qquad \frac{\partial C}{\partial w_{jk}} = \delta_k \cdot " + arrives("a_j")
            ),
            Say(f"lesson.broadcast.forward{alone}", one),
            Say(f"lesson.broadcast.nudge{alone}", one),
            Formula(
                r"\frac{\partial C}{\partial b_k} = \frac{1}{m} \sum_i \delta_{ik} \cdot "
                + unit()
                + r" = \frac{[[sum]]}{[[batch]]} = [[gradient]]",
                one,
            ),
            _contraction(measured, one),
            Say("lesson.broadcast.written", one),
            both_ways(measured, one),
            Fold(
                Say("lesson.broadcast.fold.loop"),
                (Say(f"lesson.broadcast.loop{alone}", one),),
            ),
            _graphs(measured, one),
        ),
        left_out=_left_out(measured, one),
    )


def _numbers(setup: Any, measured: Measured) -> dict[str, Any]:
    neuron = int(np.argmax(np.abs(measured["gradient"])))
    pulls = measured["nudged"][:, neuron]
    gradient, total = (float(measured[name][neuron]) for name in ("gradient", "sum"))
    return {
        "batch": setup.batch,
        "width": setup.width,
        "neuron": neuron,
        "up": int((pulls < 0).sum()),
        "down": int((pulls > 0).sum()),
        "gradient": gradient,
        "sum": total,
        "agreement": float(measured["agreement"][neuron]),
        "nudge": NUDGE,
        "loop_difference": measured["loop_difference"],
        "rows_delta_shape": str(tuple(measured["shapes"]["delta"])),
        "turned_difference": measured["turned"]["difference"],
        **{
            f"{name}_shape": str(tuple(shape))
            for name, shape in measured["turned"]["shapes"].items()
        },
        "rate": setup.learning_rate,
        "rate_for_sum": setup.learning_rate / setup.batch,
        "rate_undivided": setup.learning_rate * setup.batch,
        "step": -setup.learning_rate * gradient,
        "start": float(measured["losses"][0, 0]),
        "steps": measured["losses"].shape[1] - 1,
        "compared": measured["compared_steps"],
        "path_difference": measured["path_difference"],
        **{f"{way}_end": float(measured["losses"][row, -1]) for row, way in enumerate(WAYS)},
    }


def _contraction(measured: Measured, one: dict[str, Any]) -> Picture:
    shown = measured["nudged"][:SHOWN, :SHOWN]
    is_mixed = ((shown > 0).any(axis=0) & (shown < 0).any(axis=0)).any()
    outcome = "_alone" if one["batch"] == 1 else "_mixed" if is_mixed else "_agreed"
    if len(shown) < one["batch"]:
        outcome += ".some"
    return Picture(
        "contraction",
        Say(f"lesson.broadcast.picture{outcome}", one | {"shown": len(shown)}),
        lambda: draw_contraction(measured["nudged"], measured["gradient"]),
        legend=(
            Legend("blue disc", Word("lesson.positive")),
            Legend("orange disc", Word("lesson.negative")),
        ),
    )


def _graphs(measured: Measured, one: dict[str, Any]) -> Fold:
    """Return what two frameworks say themselves that they run."""
    blocks: list[Block] = [Say("lesson.broadcast.graph.jax", one), Code(measured["graphs"]["jax"])]
    if measured["graphs"]["torch"] is None:
        blocks.append(Say("lesson.broadcast.graph.no_torch"))
    else:
        blocks += [Say("lesson.broadcast.graph.torch", one), Code(measured["graphs"]["torch"])]
    return Fold(Say("lesson.broadcast.fold.graphs"), tuple(blocks))


def _left_out(measured: Measured, one: dict[str, Any]) -> tuple[Block, ...]:
    if one["batch"] == 1:
        return (Say("lesson.broadcast.left_out_alone", one),)
    has_gradient = one["gradient"] != 0
    return (
        Say("lesson.broadcast.left_out", one),
        Formula(
            r"\eta' = \frac{\eta}{m} = \frac{[[rate]]}{[[batch]]} = [[rate_for_sum]]",
            one,
        ),
        Fold(
            Say("lesson.broadcast.fold.courses", one),
            (
                Say("lesson.broadcast.step" if has_gradient else "lesson.broadcast.no_step", one),
                Say("lesson.broadcast.paths", one),
                _courses(measured, one),
                Say(f"lesson.broadcast.{_outcome(one)}", one),
            ),
        ),
    )


def _outcome(one: dict[str, Any]) -> str:
    """Return which of the three ways out of a wrong factor this run has shown."""
    if not one["mean_end"] <= one["start"]:
        return "mean_runs_away"
    return "undivided_learns" if one["undivided_end"] <= one["start"] else "undivided_runs_away"


def _courses(measured: Measured, one: dict[str, Any]) -> Picture:
    steps = np.arange(measured["losses"].shape[1])
    words = [Word(f"lesson.broadcast.way.{way}", one) for way in WAYS]
    return Picture(
        "courses",
        Say("lesson.broadcast.courses", one),
        lambda: draw_courses(measured["losses"]),
        axes=(Word("lesson.word.step"), Word("lesson.word.loss")),
        legend=[Legend(mark, word) for mark, word in zip(MARKS, words, strict=True)],
        lines=[
            Line(word, steps, course)
            for word, course in zip(words, measured["losses"], strict=True)
        ],
    )
