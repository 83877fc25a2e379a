"""A batch written in both orientations: rows as samples, and columns as samples.

The numbers are the same, turned. ``turned`` computes the gradients once more in NumPy with columns
as samples, so that it can be measured that they are.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from whygrad.core.backprop import Anatomy
from whygrad.core.nn import Network
from whygrad.lessons.lesson import Measured
from whygrad.lessons.notation import arrives
from whygrad.lessons.notation import one as unit
from whygrad.lessons.story import Cell, Code, Fold, Formula, Oriented, Say, Table, Word

SHOWN = 8  # samples and neurons of a table

ROWS = """\
z = a_prev @ W + b
# {input} @ {weight} + {bias} -> {delta}
db = np.sum(delta, axis=0) / m
# {delta} -> {bias}
dW = a_prev.T @ delta / m
# {input_turned} @ {delta} -> {weight}"""
COLUMNS = """\
Z = W @ A_prev + b
# {weight} @ {input} + {bias} -> {delta}
db = np.sum(Delta, axis=1, keepdims=True) / m
# {delta} -> {bias}
dW = Delta @ A_prev.T / m
# {delta} @ {input_turned} -> {weight}"""


def turned(network: Network, anatomy: Anatomy) -> Measured:
    """Return the gradients with columns as samples, and how far they are from whygrad's."""
    layer, gradient = anatomy["hidden1"], anatomy.gradients()["hidden1"]
    a_prev, delta = np.asarray(layer.input).T, np.asarray(layer.delta).T
    m = delta.shape[1]
    weight, bias = np.asarray(network["hidden1"].weight).T, np.asarray(network["hidden1"].bias)
    of_bias = np.sum(delta, axis=1, keepdims=True) / m
    flat, by_ones = np.sum(delta, axis=1) / m, delta @ np.ones((m, 1)) / m
    of_weight = delta @ a_prev.T / m
    return {
        "delta": delta,
        "weight": of_weight,
        "bias": of_bias,
        "difference": max(
            _furthest(of_bias[:, 0], gradient["bias"]),
            _furthest(of_weight.T, gradient["weight"]),
            _furthest(by_ones, of_bias),
        ),
        "shapes": {
            "columns_input": a_prev.shape,
            "columns_weight": weight.shape,
            "columns_delta": delta.shape,
            "columns_bias": of_bias.shape,
            "flat": flat.shape,
            "wrong": (bias[:, None] - flat).shape,
        },
    }


def both_ways(measured: Measured, one: dict[str, Any]) -> Oriented:
    """Return forward, backward, code and numbers of one batch in both orientations."""
    turned = measured["turned"]
    delta: Float[np.ndarray, "n m"] = turned["delta"]
    rows = {name: tuple(shape) for name, shape in measured["shapes"].items()}
    columns = {name.removeprefix("columns_"): tuple(s) for name, s in turned["shapes"].items()}
    is_trap = columns["wrong"] != columns["bias"]
    a_prev = arrives(r"a_\text{prev}"), arrives(r"A_\text{prev}")
    return Oriented(
        "batch",
        rows=(
            Formula(
                rf"Z = {a_prev[0]} \, W + b"
                rf" \qquad \nabla_b C = \frac{{1}}{{m}} \, {unit()}^\top \delta"
                rf" \qquad \nabla_W C = \frac{{1}}{{m}} \, {a_prev[0]}^\top \delta"
            ),
            _numbers("rows", delta, turned["bias"], one),
            Fold(Say("lesson.broadcast.fold.summary", one), (_summary("rows", one),)),
            Fold(
                Say("lesson.broadcast.fold.code", one),
                (Code(_code(ROWS, rows)), Say("lesson.broadcast.no_trap", one)),
            ),
        ),
        columns=(
            Formula(
                rf"Z = W {a_prev[1]} + b \qquad \nabla_b J = \frac{{1}}{{m}} \, \Delta \, {unit()}"
                rf" \qquad \nabla_W J = \frac{{1}}{{m}} \, \Delta {a_prev[1]}^\top"
            ),
            _numbers("columns", delta, turned["bias"], one),
            Fold(Say("lesson.broadcast.fold.summary", one), (_summary("columns", one),)),
            Fold(
                Say("lesson.broadcast.fold.trap", one),
                (
                    Code(_code(COLUMNS, columns)),
                    Say(
                        "lesson.broadcast.trap" if is_trap else "lesson.broadcast.trap_hidden", one
                    ),
                ),
            ),
        ),
    )


def _furthest(first: Any, second: Any) -> float:
    return float(np.abs(np.asarray(first) - np.asarray(second)).max())


def _code(program: str, shapes: dict[str, tuple[int, ...]]) -> str:
    return program.format(**shapes, input_turned=shapes["input"][::-1])


def _numbers(
    side: str, delta: Float[np.ndarray, "n m"], mean: Float[np.ndarray, "n 1"], one: dict[str, Any]
) -> Table:
    """Return the deltas with their sums, as a table of rows or of columns."""
    n, m = (min(SHOWN, size) for size in delta.shape)
    sums = [float(value) for value in delta.sum(axis=1)[:n]]
    means = [float(value) for value in mean[:n, 0]]
    cells = [[float(value) for value in row] for row in delta[:n, :m]]
    neurons, samples = [f"k = {k}" for k in range(n)], [f"i = {i}" for i in range(m)]
    ends = ["Σ", "Σ / m"]
    rows: list[list[Cell]]
    if side == "columns":
        head: list[Cell] = ["Δ", *samples, *ends]
        rows = [
            [name, *row, total, average]
            for name, row, total, average in zip(neurons, cells, sums, means, strict=True)
        ]
    else:
        head = ["δ", *neurons]
        rows = [[name, *(row[i] for row in cells)] for i, name in enumerate(samples)]
        rows += [[ends[0], *sums], [ends[1], *means]]
    is_all = delta.shape == (n, m)
    key = f"lesson.broadcast.numbers.{side}" + ("" if is_all else ".some")
    return Table(Say(key, one | {"shown": m, "neurons": n}), head, rows)


def _summary(side: str, one: dict[str, Any]) -> Table:
    """Return what happens to weights and bias forward, backward and in code."""
    of = {
        "rows": ("np.sum(delta, axis=0)", "a_prev.T @ delta"),
        "columns": ("np.sum(Delta, axis=1, keepdims=True)", "Delta @ A_prev.T"),
    }[side]
    rows: list[list[Cell]] = [
        [
            Word(f"lesson.broadcast.summary.{name}"),
            Word(f"lesson.broadcast.summary.{name}.forward"),
            Word(f"lesson.broadcast.summary.{name}.logic"),
            code,
        ]
        for name, code in zip(("bias", "weight"), of, strict=True)
    ]
    head = [
        Word(f"lesson.broadcast.summary.{name}") for name in ("what", "forward", "logic", "code")
    ]
    return Table(Say("lesson.broadcast.summary", one), head, rows)
