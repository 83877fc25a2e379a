"""``whygrad evaluate``, ``predict``, ``export`` and ``log``: a run that is put to use."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rich.padding import Padding

from whygrad.cli.console import LongList, remark, show, show_json, show_table
from whygrad.cli.predictions import Write, as_delimited, check_out, table_of, written_to
from whygrad.cli.runs import open_named
from whygrad.cli.showing import measures_page
from whygrad.cli.training import reading_bar
from whygrad.data.matching import Substitutions
from whygrad.data.notes import Note
from whygrad.data.rows import new_rows
from whygrad.data.source import Tick
from whygrad.errors import OptionError
from whygrad.interop.tracking import log
from whygrad.runs import Run
from whygrad.training.measures import Measures
from whygrad.training.measures.text import as_rich
from whygrad.training.new_rows import evaluate_rows
from whygrad.training.trained import TrainedRun
from whygrad.words import t


def evaluate_command(
    name: str,
    part: str | None,
    target: str | None,
    step: int | None,
    weighted: bool,
    encoding: str | None,
    as_json: bool,
) -> int:
    """Print loss and measures of a run's network on a part of the run's own data."""
    for option, given in (("target", target), ("encoding", encoding)):
        if given is not None:
            raise OptionError("error.evaluate_without_rows", option=f"--{option}")
    run, part = _own(name), part or "test"
    recorded = run.trained.evaluate(part, step=step, weighted=weighted)
    measures = run.measures(part, step=step, weighted=weighted)
    if as_json:
        told = {"path": str(run.path), "part": part, **network_at(run, step)}
        show_json(told | _figures(recorded, measures))
    else:
        show(step_line(run, step))
        show(measures_page({part: recorded}))
        show(Padding(as_rich(measures), (1, 0, 0, 0)))
    return 0


def evaluate_rows_command(
    name: str,
    rows: Path,
    part: str | None,
    target: str | None,
    step: int | None,
    weighted: bool,
    encoding: str | None,
    as_json: bool,
) -> int:
    """Print loss and measures of a run's network on the rows of a file."""
    if part is not None:
        raise OptionError("error.evaluate_part_of_rows", path=rows)
    run = _own(name)
    options: dict[str, Any] = {"target": target, "step": step, "weighted": weighted}
    with reading_bar(rows.name, quiet=as_json) as tick:
        found = evaluate_rows(run.trained, rows, **options, encoding=encoding, tick=tick)
    if as_json:
        told = {"path": str(run.path), "file": str(rows), "rows": found.rows}
        told |= network_at(run, step) | {"notes": told_of(found.notes)}
        show_json(told | _figures(found.recorded, found.measures))
        return 0
    _remark(found.notes)
    show(step_line(run, step))
    show(t("cli.evaluated", rows=found.rows, name=rows.name))
    show(measures_page({"rows": found.recorded}))
    show(Padding(as_rich(found.measures), (1, 0, 0, 0)))
    return 0


def _figures(recorded: dict[str, float], measures: Measures) -> dict[str, Any]:
    """Return measures as data, those that a run records with the numbers that it records."""
    return recorded | measures.figures | recorded | {"measures": measures.to_dict()}


def predict_command(
    name: str,
    rows: Path,
    out: Path | None,
    encoding: str | None,
    step: int | None,
    as_json: bool,
) -> int:
    """Write what a run's network predicts for the rows of a file, a block at a time."""
    if out is not None:
        check_out(out, rows)
    run = _own(name)
    with ExitStack() as stack:
        is_seen = out is None and sys.stdout.isatty()
        tick = stack.enter_context(reading_bar(rows.name, quiet=as_json or is_seen))
        predicted, listed = Predicted(run.trained, rows, encoding, step, tick), None
        if out is not None:
            write = stack.enter_context(written_to(out))
        elif as_json:
            listed = stack.enter_context(LongList())
            write = _into(listed)
        else:
            remark(step_line(run, step))
            write = _on_stdout()
        for table in predicted.tables():
            write(table)
        if listed is not None:
            listed.show_json(_told(run, step, predicted), "predictions")
            return 0
    if as_json:
        show_json(_told(run, step, predicted) | {"out": str(out)})
        return 0
    _remark(predicted.notes)
    if out is not None:
        show(step_line(run, step))
        show(t("cli.predicted", rows=predicted.rows, path=out))
    return 0


class Predicted:
    """The predictions of a file, as they come."""

    def __init__(
        self, run: TrainedRun, rows: Path, encoding: str | None, step: int | None, tick: Tick
    ):
        self.run, self.step, self.rows = run, step, 0
        self.opened = new_rows(rows, run.data, encoding=encoding, tick=tick)
        self.told = Substitutions()

    def tables(self) -> Iterator[pa.Table]:
        """Yield the predictions in the order of the rows; without rows, one table without any."""
        blocks = self.run.claims_in_blocks(self.opened.blocks, step=self.step, told=self.told)
        for _, claims in blocks:
            self.rows += len(claims)
            yield table_of(self.run, claims)
        if not self.rows:
            yield table_of(self.run, np.empty((0, self.run.skeleton.sizes[-1]), np.float32))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was passed over, and what stood in for odd cells, once all tables have come."""
        return self.opened.notes + self.told.notes(self.run.data.encoder)


def _told(run: Run, step: int | None, predicted: Predicted) -> dict[str, Any]:
    told: dict[str, Any] = {"path": str(run.path), "rows": predicted.rows}
    return told | network_at(run, step) | {"notes": told_of(predicted.notes)}


def _into(listed: LongList) -> Write:
    return lambda table: listed.extend(table.to_pylist())


def _on_stdout() -> Write:
    heads = iter([True])

    def write(table: pa.Table) -> None:
        show_table(as_delimited(table, ",", with_head=next(heads, False)))

    return write


def _remark(notes: Iterable[Note]) -> None:
    for note in notes:
        remark(t("cli.data.note", note=str(note)))


def told_of(notes: Iterable[Note]) -> list[dict[str, Any]]:
    """Return notes as data: key, message and values."""
    return [{"key": note.key, "message": str(note), **note.values} for note in notes]


def network_at(run: Run, step: int | None) -> dict[str, Any]:
    """Return which network it is, as data: after how many steps, or the best and its epoch."""
    if step is not None:
        return {"step": step}
    last = run.last_checkpoint()
    return {"step": int(last.state.step)} if last.best is None else {"best": last.best.epoch}


def step_line(run: Run, step: int | None) -> str:
    """Return which network it is, in words."""
    told = network_at(run, step)
    if "best" in told:
        return t("cli.network.best", epoch=told["best"])
    return t("cli.network.at_step", step=told["step"], total=run.task.total_steps)


def _own(name: str) -> Run:
    run = open_named(name)
    run.require("network")
    return run


def export_command(
    name: str, format: str | None, out: Path | None, step: int | None, as_json: bool
) -> int:
    """Write a run in a format that others read, and say how it did in its trial."""
    exported = open_named(name).export(out, format=format, step=step)
    if as_json:
        show_json(exported.to_dict())
    else:
        show(str(exported))
    return 0


def log_command(name: str, to: str, out: str | None, project: str | None, as_json: bool) -> int:
    """Write a run into the record of another tool, and say where it is."""
    place = {"tensorboard": "folder", "wandb": "folder", "mlflow": "tracking_uri"}.get(to, "folder")
    group = {"wandb": "project", "mlflow": "experiment"}.get(to)
    options = {} if out is None else {place: out}
    if project is not None:
        if group is None:
            raise OptionError("error.track_project", to=to)
        options[group] = project
    logged = log(open_named(name), to, **options)
    if as_json:
        show_json(logged.to_dict())
    else:
        show(str(logged))
    return 0
