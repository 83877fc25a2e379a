"""``whygrad train``: from a plan to a trained run, with a progress bar."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from whygrad.api import resume, train
from whygrad.cli.console import warnings_in_words
from whygrad.cli.opening import RUNS
from whygrad.cli.plan import Plan
from whygrad.core.nn.network import Network
from whygrad.data import Data, load
from whygrad.record.files import make_folder, writing
from whygrad.record.folder import find_runs
from whygrad.runs import Run
from whygrad.training.recorder import Callback, ProgressEvent
from whygrad.words import number, t
from whygrad.words.terminal import Console

if TYPE_CHECKING:
    from whygrad.cli.callback import DoctorCallback


def start_run(plan: Plan, data: Data, out: Path, callback: "DoctorCallback | None" = None) -> Run:
    """Train what a plan asks for, in a new folder."""
    settings = dict(plan.training)
    network = make_network(plan, data)
    with progress_bar() as bar:
        watch = bar if callback is None else callback.beside(bar, out)
        return train(network, data, out=out, watch=watch, origin=plan.to_dict(), **settings)


def go_on(path: Path, callback: "DoctorCallback | None" = None) -> Run:
    """Train a run from its last checkpoint to its end."""
    with progress_bar() as bar, warnings_in_words():
        watch = bar if callback is None else callback.beside(bar, path)
        return resume(path, watch=watch)


def load_data(plan: Plan, *, quiet: bool = False) -> Data:
    """Return the data that a plan names, with a bar while a file is read.

    Args:
        quiet: show no bar.
    """
    options = dict(plan.data)
    source = options.pop("source")
    with reading_bar(Path(source).name, quiet=quiet) as tick:
        return load(source, tick=tick, **options)


def make_network(plan: Plan, data: Data) -> Network:
    """Return the starting network of a plan, with as many inputs and outputs as the data needs."""
    options = dict(plan.network)
    hidden = options.pop("hidden")
    return Network.create([data.n_in, *hidden, data.n_out], **options)


@contextmanager
def folder_for(source: str, out: Path | None) -> Iterator[Path]:
    """Give the folder of a new run: ``out``, or the next free ``runs/<data>-<number>``.

    The latter is made at once, so that of several processes each has its own; if no run came of
    it, it is removed again.
    """
    if out is not None:
        yield out
        return
    stem = re.sub(r"[^\w.-]+", "-", Path(source).stem) or "run"
    path = next(filter(_reserve, (RUNS / f"{stem}-{count_}" for count_ in count(1))))
    try:
        yield path
    finally:
        with suppress(OSError):  # there is a run in it
            path.rmdir()


def _reserve(path: Path) -> bool:
    with writing(path):
        try:
            make_folder(path, is_new=True)
        except FileExistsError:
            return False
    return True


def folder_to_resume(source: str | None, out: Path | None) -> Path | None:
    """Return the run to go on with: ``out`` if it is one, or the newest unfinished of the data."""
    if out is not None:
        return out if (out / "run.json").is_file() else None
    for run in find_runs(RUNS):
        if not run.can("train"):
            continue
        description = run.description
        is_of_source = source is None or _source(description) == source
        if is_of_source and description["state"] != "finished":
            return run.path
    return None


@contextmanager
def reading_bar(name: str, *, quiet: bool = False) -> Iterator[Callable[[float], None]]:
    """Show how much of a file is read, from the first part on, on stderr where someone looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    is_off = quiet or not console.is_terminal
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=is_off)
    task = bar.add_task(escape(t("cli.reading", name=name)), total=1.0)

    def tick(share: float) -> None:
        bar.start()  # again and again, which does nothing
        bar.update(task, completed=share)

    try:
        yield tick
    finally:
        bar.stop()


@contextmanager
def progress_bar() -> Iterator[Callback]:
    """Show a bar with epoch, loss, time taken and time left, on stderr where someone looks."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    shape: dict[str, Any] = {"transient": True, "disable": not console.is_terminal}
    with Progress(*columns, console=console, **shape) as bar:
        task = bar.add_task(t("cli.compiling"), total=None, note="")
        measured: dict[str, float] = {}

        def watch(event: ProgressEvent) -> None:
            if event.epoch_end is not None:
                measured.update(event.epoch_end.validation)
            bar.update(
                task,
                description=t("cli.epoch", epoch=event.epoch),
                total=event.total_steps,
                completed=event.step,
                note=_note(event, measured),
            )

        yield watch


def _note(event: ProgressEvent, measured: dict[str, float]) -> str:
    shown = {"loss": event.loss} | {f"validation.{k}": v for k, v in measured.items()}
    return "  ".join(t(f"cli.note.{name}", value=number(v, 3)) for name, v in shown.items())


def _source(description: dict[str, Any]) -> Any:
    return description.get("origin", {}).get("data", {}).get("source")
