"""How good a network is on rows of a file that it was not made with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whygrad.core.memory import require_memory
from whygrad.data.answers import Answers
from whygrad.data.blocks import open_table
from whygrad.data.columns import listed
from whygrad.data.matching import Substitutions
from whygrad.data.notes import Note
from whygrad.data.problems import unknown_columns
from whygrad.data.rows import rows_of
from whygrad.data.selecting import target_columns
from whygrad.data.source import Tick
from whygrad.errors import DataError, InputError
from whygrad.training.evaluation import claims_by_piece, evaluate
from whygrad.training.measures import Measures
from whygrad.training.trained import TrainedRun


@dataclass(frozen=True)
class Evaluated:
    """What a network comes to on the rows of a file.

    Args:
        rows: how many were measured.
        recorded: loss and measures, as :func:`whygrad.training.evaluation.evaluate` returns them.
        measures: how good the predictions are, beside the baseline of the training part.
        notes: what was passed over or left out, and what stood in for odd cells.
    """

    rows: int
    recorded: dict[str, float]
    measures: Measures
    notes: tuple[Note, ...]


def evaluate_rows(
    run: TrainedRun,
    path: Path,
    *,
    target: str | None = None,
    step: int | None = None,
    tick: Tick | None = None,
) -> Evaluated:
    """Measure a run's network on the rows of a file which holds the target, too.

    Rows without a target, or of a class that training never had, are left out and told.

    Args:
        target: the column of the target, or several as ``"a,b"``; None: those that the run was
            trained to predict.
        step: of the network, see :meth:`TrainedRun.network_at`.

    Raises:
        DataError: with what is wrong with the file.
        InputError: a column is missing, a target cannot be read, or there is no row to measure.
        TooLargeError: the inputs of all rows do not fit into memory.
    """
    data, told, source = run.data, Substitutions(), path.name
    table = open_table(path, tick=tick)
    asked = data.source if target is None else {"options": {"target": target}}
    targets = target_columns(asked, table.names)
    if not targets:
        raise DataError(source, [InputError("error.rows_no_target", known=listed(table.names))])
    problems = unknown_columns(targets, table.names) if target is not None else []
    if problems:
        raise DataError(source, problems)
    answers = Answers(data.encoder, targets, source)
    opened = rows_of(table, data, answers.kinds)
    inputs: list[np.ndarray] = []
    for block in opened.blocks:
        kept = answers.take(block)
        x = data.encoder.encode(block, told)[kept]
        needed = sum(one.nbytes for one in (*inputs, x))  # once more, to lay them side by side
        require_memory(needed, "error.rows_memory", source=source)
        inputs.append(x)
    if not sum(map(len, inputs)):
        raise DataError(source, [InputError("error.rows_none")])
    x = np.concatenate(inputs)
    network, loss, tally = run.network_at(step), run.task.settings.loss, run.tally()
    recorded = evaluate(network, x, answers.y, loss, data.task)
    for rows, claims in claims_by_piece(network, x, loss):
        tally.add(claims, answers.y[rows])
    notes = (*opened.notes, *answers.notes, *told.notes(data.encoder))
    return Evaluated(len(x), recorded, tally.measures(source), notes)
