"""How good a network is on rows of a file that it was not made with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whygrad.data.answers import Answers
from whygrad.data.blocks import TableFile, open_table
from whygrad.data.columns import Table, listed, settled
from whygrad.data.matching import Substitutions
from whygrad.data.notes import Note
from whygrad.data.numeric import weights_in_float32
from whygrad.data.problems import unknown_columns
from whygrad.data.rows import rows_of
from whygrad.data.selecting import target_columns, weight_column, weight_problems
from whygrad.data.source import Tick
from whygrad.errors import DataError, InputError, NonFiniteError, OptionError
from whygrad.training.evaluation import claims_by_piece, lay_out, measure
from whygrad.training.measures import Measures
from whygrad.training.trained import TrainedRun

RECORDED = ("accuracy", "r2")  # measures that a run records beside the loss


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
    weighted: bool = False,
    encoding: str | None = None,
    tick: Tick | None = None,
) -> Evaluated:
    """Measure a run's network on the rows of a file which holds the target, too.

    Rows without a target, or of a class that training never had, are left out and told. One block
    of rows is held at a time.

    Args:
        target: the column of the target, or several as ``"a,b"``; None: those that the run was
            trained to predict.
        step: of the network, see :meth:`TrainedRun.network_at`.
        weighted: count rows by the column of weights that the run was trained with; else each
            counts once.
        encoding: of text; None for UTF-8.

    Raises:
        DataError: with what is wrong with the file.
        InputError: a column is missing, a target cannot be read, or there is no row to measure.
        OptionError: the run has no weights, or there is no such encoding.
        NonFiniteError: the outputs overflow.
    """
    data, told, source = run.data, Substitutions(), path.name
    table = open_table(path, encoding=encoding, tick=tick)
    answers = Answers(data.encoder, _targets(run, table, target), source)
    weight = _weight(run) if weighted else None
    opened = rows_of(table, data, answers.kinds | ({} if weight is None else {weight: "number"}))
    network, loss = run.network_at(step), run.task.settings.loss
    tally, lost, counted = run.tally(weighted=weighted), 0.0, 0.0
    for block in opened.blocks:
        kept, y = answers.take(block)
        x = data.encoder.encode(block, told)[kept]
        own = None if weight is None else _weights(weight, block)[kept]
        part = lay_out(x, y, network.engine, own)
        lost += part.total * measure(network, part, loss, data.task).get("loss", 0.0)
        counted += part.total
        for rows, claims in claims_by_piece(network, x, loss):
            tally.add(claims, y[rows], None if own is None else own[rows])
    if not tally.samples:
        raise DataError(source, [InputError("error.rows_none")])
    if not np.isfinite(lost):
        raise NonFiniteError("error.measure_not_finite", samples=tally.samples)
    measures = tally.measures(source)
    recorded = {name: measures.values[name] for name in RECORDED if name in measures.values}
    notes = (*opened.notes, *answers.notes, *told.notes(data.encoder))
    return Evaluated(tally.samples, {"loss": lost / counted, **recorded}, measures, notes)


def _targets(run: TrainedRun, table: TableFile, target: str | None) -> tuple[str, ...]:
    """Return the columns of the target.

    Raises:
        DataError: there is no such column, or none is known.
    """
    asked = run.data.source if target is None else {"options": {"target": target}}
    targets = target_columns(asked, table.names)
    problems = unknown_columns(targets, table.names) if target is not None else []
    if not targets:
        problems = [InputError("error.rows_no_target", known=listed(table.names))]
    if problems:
        raise DataError(table.name, problems)
    return targets


def _weight(run: TrainedRun) -> str:
    weight = weight_column(run.data.source)
    if weight is None:
        raise OptionError("error.no_sample_weights", path=run.path)
    return weight


def _weights(name: str, block: Table) -> np.ndarray:
    """Return how much each row of a block counts, (m,), float32.

    Raises:
        DataError: one is missing, below 0, or no number that float32 can hold.
    """
    column = settled(next(column for column in block.columns if column.name == name))
    problems = weight_problems(column, block, is_whole=False)
    weights, of_float32 = weights_in_float32(None if problems else column.values)
    if weights is None or of_float32:
        raise DataError(block.name, [*problems, *of_float32])
    return weights
