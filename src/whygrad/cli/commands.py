"""What the commands do, once their options are read."""

from pathlib import Path
from typing import Any

from whygrad.cli.callback import DoctorCallback
from whygrad.cli.console import show, show_json
from whygrad.cli.pages import (
    data_page,
    health_page,
    network_line,
    result_page,
    run_page,
    runs_page,
    step_page,
)
from whygrad.cli.plan import make_plan
from whygrad.cli.training import (
    RUNS,
    files_bar,
    folder_for,
    folder_to_resume,
    go_on,
    load_data,
    make_network,
    start_run,
)
from whygrad.cli.watched import watched_page, watched_summary
from whygrad.doctor.health import health_of
from whygrad.record.folder import RunFolder, find_runs
from whygrad.record.producers import WATCHED
from whygrad.runs import Run, open_run
from whygrad.training.checking import check_run
from whygrad.training.evaluation import evaluate
from whygrad.words import t
from whygrad.words.terminal import Text

FOUND = 1


def train_command(
    options: dict[str, Any],
    config: Path | None,
    out: Path | None,
    resume: bool,
    as_json: bool,
    callback: DoctorCallback | None = None,
) -> int:
    """Train a new run, or go on with one.

    Args:
        callback: tells findings while it trains.
    """
    unfinished = folder_to_resume(options["source"], out) if resume else None
    if unfinished is not None:
        run = Run(unfinished)
        if not as_json:
            show(t("cli.going_on", path=run.path))
        if callback is not None and callback.sees_again(run.trained):
            return _not_begun(callback, as_json)
        run = go_on(unfinished, callback)
    else:
        plan = make_plan(config, options)
        data = load_data(plan, quiet=as_json)
        if not as_json:
            show(data_page(data))
            show(network_line(make_network(plan, data)))
        if callback is not None and callback.sees_at_start(plan, data):
            return _not_begun(callback, as_json)
        with folder_for(str(plan.data["source"]), out) as folder:
            run = start_run(plan, data, folder, callback)
    health = health_of(run.trained)
    if as_json:
        findings = {} if callback is None else _findings(callback)
        show_json(_summary(run) | {"health": health.to_dict()} | findings)
    else:
        show(result_page(run.trained, health))
    return FOUND if callback is not None and callback.stopped else 0


def _not_begun(callback: DoctorCallback, as_json: bool) -> int:
    if as_json:
        show_json(_findings(callback))
    return FOUND


def _findings(callback: DoctorCallback) -> dict[str, Any]:
    return {"findings": [finding.to_dict() for finding in callback.told]}


def runs_command(folder: Path, as_json: bool) -> int:
    """List the runs in a folder."""
    found = [run for run in find_runs(folder) if run.can("train")]
    if as_json:
        show_json([_summary(run) for run in found])
    elif found:
        show(runs_page(found))
    else:
        show(t("cli.no_runs", folder=folder))
    return 0


def show_command(name: str, step: int | None, as_json: bool) -> int:
    """Show what a run was asked for, how it ended or stood at a step, and how its layers are."""
    run = open_named(name)
    if run.kind == WATCHED:
        show_json(watched_summary(run, step)) if as_json else show(watched_page(run, step))
        return 0
    if step is not None:
        return _show_step(run, step, as_json)
    health = health_of(run.trained)
    if as_json:
        told = {"path": str(run.path), "checksums": run.is_sealed, "health": health.to_dict()}
        show_json(run.description | told)
        return 0
    show(run_page(run))
    if not run.is_sealed:
        show(t("run.unsealed"))
    is_over = "result" in run.description
    show(result_page(run.trained, health) if is_over else health_page(health))
    return 0


def _show_step(run: Run, step: int, as_json: bool) -> int:
    network, data, loss = run.network_at(step), run.data, run.task.settings.loss
    result = {
        name: evaluate(network, part.x, part.y, loss, data.task)
        for name, part in data.parts.items()
        if len(part)
    }
    health = health_of(run.trained, network)
    if as_json:
        told = {"path": str(run.path), "step": step, "result": result, "health": health.to_dict()}
        show_json(run.description | told)
    else:
        line = t("cli.network.at_step", step=step, total=run.task.total_steps)
        show(run_page(run))
        show(step_page(line, result, health))
    return 0


def check_command(name: str, as_json: bool) -> int:
    """Verify the folder of a run whole."""
    with files_bar() as tick:
        checked = check_run(_path_of(name), tick)
    show_json(checked.to_dict()) if as_json else show(Text(str(checked)))
    return 0 if checked.is_sound else FOUND


def report_command(name: str, out: Path | None, as_json: bool) -> int:
    """Write a run as a page."""
    written = open_named(name).report(out)
    if as_json:
        show_json({"report": str(written)})
    else:
        show(t("cli.report_is_in", path=written))
    return 0


def open_named(name: str) -> Run:
    """Open a run by its folder, or by its name under ``runs/``."""
    return open_run(_path_of(name))


def _path_of(name: str) -> Path:
    path, under = Path(name), RUNS / name
    return under if not path.exists() and under.exists() else path


def _summary(run: RunFolder) -> dict[str, Any]:
    description = run.description
    kept = ("state", "created", "steps", "result", "best", "data", "network", "settings")
    return {"path": str(run.path)} | {name: description.get(name) for name in kept}
