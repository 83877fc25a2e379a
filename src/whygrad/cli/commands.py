"""What the commands do, once their options are read."""

from pathlib import Path
from typing import Any

from whygrad.cli.callback import DoctorCallback
from whygrad.cli.console import show, show_json
from whygrad.cli.pages import (
    data_page,
    network_line,
    result_page,
    runs_page,
)
from whygrad.cli.plan import make_plan
from whygrad.cli.training import (
    folder_for,
    folder_to_resume,
    go_on,
    load_data,
    make_network,
    start_run,
)
from whygrad.doctor.health import health_of
from whygrad.record.folder import RunFolder, find_runs
from whygrad.runs import Run
from whygrad.words import t

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
    health = health_of(run)
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


def _summary(run: RunFolder) -> dict[str, Any]:
    description = run.description
    kept = ("state", "created", "steps", "result", "best", "data", "network", "settings")
    return {"path": str(run.path)} | {name: description.get(name) for name in kept}
