"""``whygrad train``: from a plan to a trained run, with a bar and, where wanted, the doctor."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from whygrad.api import resume as resume_run
from whygrad.api import train
from whygrad.cli.console import problem, show, show_json, warnings_in_words
from whygrad.cli.plan import Plan, as_options, make_network, make_plan, read_options
from whygrad.cli.runs import folder_for, folder_to_resume
from whygrad.cli.showing import (
    compared_line,
    data_page,
    measures_data,
    network_line,
    result_page,
    short_measures,
    summary,
)
from whygrad.cli.supervising import note_run
from whygrad.core.nn.network import Network
from whygrad.data import Data, load
from whygrad.doctor.finding import Finding
from whygrad.doctor.health import health_of
from whygrad.runs import Run
from whygrad.settings import Settings
from whygrad.training.beginning import check_devices
from whygrad.training.recorder import Callback, ProgressEvent
from whygrad.training.trained import TrainedRun
from whygrad.words import number, t
from whygrad.words.terminal import Console

FOUND = 1


class DoctorCallback:
    """Reports each finding once, as soon as it is certain.

    Args:
        stops: whether the first finding stops the run.
    """

    def __init__(self, stops: bool):
        self.stops = stops
        self.told: list[Finding] = []
        self._files = 0  # of recorded rows, when they were last looked at

    @property
    def stopped(self) -> bool:
        """Whether a finding has stopped the run."""
        return self.stops and bool(self.told)

    def sees_at_start(self, plan: Plan, network: Network, data: Data) -> bool:
        """Tell what is certain before the first step; return whether it stops the run."""
        settings = Settings.from_dict(plan.training)
        return self._sees(network, data, settings, plan.to_dict())

    def sees_again(self, run: TrainedRun) -> bool:
        """Tell what was certain before the first step of a run that is to go on."""
        start = run.checkpoint(0).state.network
        return self._sees(start, run.data, run.settings, run.description.get("origin"))

    def _sees(
        self, start: Network, data: Data, settings: Settings, origin: dict[str, Any] | None
    ) -> bool:
        from whygrad.doctor.during_training import before_training
        from whygrad.doctor.setup import setup_of

        self._tell(before_training(setup_of(start, data, settings, origin), start))
        if self.stopped:
            problem(t("cli.watch.not_begun"))
        return self.stopped

    def beside(self, bar: Callback, path: Path) -> Callback:
        """Return a callback that moves the bar and looks at the record when it has grown."""

        def watch(event: ProgressEvent) -> bool:
            from whygrad.doctor.during_training import during_training

            bar(event)
            if event.epoch_end is not None:
                files = len(list((path / "anatomy").glob("*.safetensors")))
                if files != self._files:  # reading all of them takes time
                    self._files = files
                    self._tell(during_training(TrainedRun(path), self.told))
            return self.stopped

        return watch

    def _tell(self, findings: Iterable[Finding]) -> None:
        from whygrad.doctor.wording import name_of, sentence

        for finding in findings:
            self.told.append(finding)
            where = finding.layer or t("cli.watch.whole")
            values = {"step": finding.step or 0, "where": where, "name": name_of(finding)}
            problem(t("cli.watch.finding", **values, says=sentence(finding)))


def train_command(
    options: dict[str, Any],
    config: Path | None,
    out: Path | None,
    resume: bool,
    as_json: bool,
    callback: DoctorCallback | None = None,
    devices: int | None = None,
) -> int:
    """Train a new run, or go on with one.

    Args:
        options: as they are written on the command line, by name; None is not given.
        callback: tells findings while it trains.
        devices: how many share each batch; None for all.
    """
    options = read_options(options)
    check_devices(devices)
    unfinished = folder_to_resume(options["source"], out) if resume else None
    if unfinished is not None:
        run = Run(unfinished)
        if not as_json:
            show(t("cli.going_on", path=run.path))
        if callback is not None and callback.sees_again(run.trained):
            return _not_begun(callback, as_json)
        note_run(unfinished)
        run = go_on(unfinished, callback, devices)
    else:
        plan = make_plan(config, options)
        data = load_data(plan, quiet=as_json)
        if not as_json:
            show(data_page(data))
        plan = plan.completed(data)
        network = make_network(plan, data)
        if not as_json:
            show(network_line(network))
            if plan.comparison is not None:
                show(compared_line(plan.comparison, data.task))
            if plan.chosen:
                show(t("cli.chosen", options=as_options(plan.chosen)))
        if callback is not None and callback.sees_at_start(plan, network, data):
            return _not_begun(callback, as_json)
        with folder_for(str(plan.data["source"]), out) as folder:
            note_run(folder)
            run = start_run(plan, network, data, folder, callback, devices)
    health = health_of(run)
    if as_json:
        findings = {} if callback is None else _findings(callback)
        told = {"health": health.to_dict(), "measures": measures_data(run)}
        show_json(summary(run) | told | findings)
    else:
        show(result_page(run.trained, health, short_measures(run.trained)))
    return FOUND if callback is not None and callback.stopped else 0


def _not_begun(callback: DoctorCallback, as_json: bool) -> int:
    if as_json:
        show_json(_findings(callback))
    return FOUND


def _findings(callback: DoctorCallback) -> dict[str, Any]:
    return {"findings": [finding.to_dict() for finding in callback.told]}


def start_run(
    plan: Plan,
    network: Network,
    data: Data,
    out: Path,
    callback: DoctorCallback | None = None,
    devices: int | None = None,
) -> Run:
    """Train what a plan asks for, in a new folder."""
    with progress_bar() as bar:
        watch = bar if callback is None else callback.beside(bar, out)
        kept = {"out": out, "origin": plan.to_dict()}
        return train(network, data, watch=watch, devices=devices, **kept, **plan.training)


def go_on(path: Path, callback: DoctorCallback | None = None, devices: int | None = None) -> Run:
    """Train a run from its last checkpoint to its end."""
    with progress_bar() as bar, warnings_in_words():
        watch = bar if callback is None else callback.beside(bar, path)
        return resume_run(path, watch=watch, devices=devices)


def load_data(plan: Plan, *, quiet: bool = False) -> Data:
    """Return the data that a plan names, with a bar while a file is read.

    Args:
        quiet: show no bar.
    """
    options = dict(plan.data)
    source = options.pop("source")
    with reading_bar(Path(source).name, quiet=quiet) as tick:
        return load(source, tick=tick, **options)


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
            shown = {"loss": event.loss} | {f"validation.{k}": v for k, v in measured.items()}
            notes = [t(f"cli.note.{name}", value=number(v, 3)) for name, v in shown.items()]
            bar.update(
                task,
                description=t("cli.epoch", epoch=event.epoch),
                total=event.total_steps,
                completed=event.step,
                note="  ".join(notes),
            )

        yield watch
