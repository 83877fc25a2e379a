"""``whygrad show``, ``runs`` and ``report``, and the pages of others: what is known of a run.

What only runs of whygrad's own need is imported where it is needed: whoever asks about a model that
PyTorch trained does not wait for JAX.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from whygrad.cli.console import show, show_json
from whygrad.cli.runs import open_named, path_of
from whygrad.errors import AddressError, NonFiniteError
from whygrad.record.description import told_steps, words_of_overhead
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.folder import RunFolder, find_runs
from whygrad.record.loss import told_loss
from whygrad.runs import Run
from whygrad.words import command_word, number, percent, t
from whygrad.words.terminal import Command, Console, RenderableType, Table, Text

if TYPE_CHECKING:
    from whygrad.core.nn.network import Network
    from whygrad.data import Data
    from whygrad.doctor.health import Health
    from whygrad.training.comparing import Comparison
    from whygrad.training.trained import TrainedRun

FOUND = 1
STYLES = {"well": "green", "worth_a_look": "yellow", "ill": "red"}
MARKS = {"well": "●", "worth_a_look": "▲", "ill": "■"}


def runs_command(folder: Path, as_json: bool) -> int:
    """List the runs in a folder."""
    found = [run for run in find_runs(folder) if run.can("train")]
    if as_json:
        show_json([summary(run) for run in found])
    elif found:
        show(runs_page(found))
    else:
        show(t("cli.no_runs", folder=folder))
    return 0


def summary(run: RunFolder) -> dict[str, Any]:
    """Return what a run is and how it ended, as data."""
    description = run.description
    kept = ("state", "created", "steps", "result", "best", "data", "network", "settings")
    return {"path": str(run.path)} | {name: description.get(name) for name in kept}


def show_command(name: str, step: int | None, as_json: bool) -> int:
    """Show what a run was asked for, how it ended or stood at a step, and how its layers are."""
    run = open_named(name)
    show_json(show_data(run, step)) if as_json else show(show_page(run, step))
    return 0


def check_command(name: str, as_json: bool) -> int:
    """Verify the folder of a run whole."""
    from whygrad.training.checking import check_run

    with parts_bar(t("cli.checking")) as tick:
        checked = check_run(path_of(name), tick)
    show_json(checked.to_dict()) if as_json else show(Text(str(checked)))
    return 0 if checked.is_sound else FOUND


def report_command(name: str, out: Path | None, lab: bool, as_json: bool) -> int:
    """Write a run as a page, and beside it the lab that it links into."""
    with parts_bar(t("cli.report_writing")) as tick:
        written = open_named(name).report(out, lab=lab, progress=tick)
    if as_json:
        show_json({"report": str(written)})
    else:
        show(t("cli.report_is_in", path=written))
    return 0


def show_page(run: Run, step: int | None = None) -> RenderableType:
    """Return what a run was asked for, how it ended or stood at a step, and how its layers are.

    The layers are told by the network where the run holds it, else by what was recorded.

    Args:
        step: default: the last one.

    Raises:
        AddressError: the run has not taken so many steps, or did not record this one.
    """
    about = run_page(run) if run.can("network") else _model_page(run)
    unsealed = [] if run.is_sealed else [Text(t("run.unsealed"))]
    how = _trained_page(run, step) if run.can("network") else _recorded_page(run, step)
    return Group(about, *unsealed, how)


def show_data(run: Run, step: int | None = None) -> dict[str, Any]:
    """Return the same as JSON-able data.

    Raises:
        AddressError: as :func:`show_page`.
    """
    told = run.description | {"path": str(run.path), "checksums": run.is_sealed}
    told |= {} if step is None else {"step": step}
    if not run.can("network"):
        standing = _standings(run, step)
        return told | {"steps": run.steps, "explained": run.whole_steps, "standing": standing}
    from whygrad.doctor.health import health_of

    network = run.trained.network_at(step)
    told |= {"health": health_of(run, network).to_dict(), "measures": measures_data(run, step)}
    return told if step is None else told | {"result": _result_of(run, network)}


def _trained_page(run: Run, step: int | None) -> RenderableType:
    from whygrad.doctor.health import health_of

    network = run.trained.network_at(step)
    health = health_of(run, network)
    if step is not None:
        line = t("cli.network.at_step", step=step, total=run.task.total_steps)
        measured = _measured_page(run.trained, step)
        return step_page(line, _result_of(run, network), health, measured)
    if "result" not in run.description:
        return health_page(health)
    return result_page(run.trained, health, _measured_page(run.trained))


def measures_data(run: Run, step: int | None = None) -> dict[str, Any] | None:
    """Return the measures of the held-out part as data; None where the outputs overflow."""
    with suppress(NonFiniteError):
        return run.measures(run.trained.held_out, step=step).to_dict()
    return None


def _measured_page(run: "TrainedRun", step: int | None = None) -> RenderableType:
    """Return everything that is measured of the held-out part."""
    from whygrad.training.measures.text import as_rich

    try:
        return as_rich(run.measures(run.held_out, step=step))
    except NonFiniteError as error:
        return Text(str(error))


def short_measures(run: "TrainedRun") -> RenderableType:
    """Return what a reader wants first of the measures of the held-out part."""
    from whygrad.training.measures.phrases import short

    try:
        lines = short(run.measures(run.held_out))
    except NonFiniteError as error:
        lines = [str(error)]
    part = t("cli.measured_on", part=t(f"cli.part.{run.held_out}"))
    return Group(Text(part), *(Padding(Text(line), (0, 0, 0, 2)) for line in lines))


def _result_of(run: Run, network: "Network") -> dict[str, dict[str, float]]:
    from whygrad.training.evaluation import evaluate

    loss, parts = run.task.settings.loss, run.data.parts
    return {
        name: evaluate(network, part.x, part.y, loss, run.data.task)
        for name, part in parts.items()
        if len(part)
    }


def _model_page(run: Run) -> RenderableType:
    description = run.description
    lead = told_steps(description, steps=run.steps, recorded=len(run.history_lines))
    lines = [Text(f"{run.path} · {description['model']}", style="bold"), Text(lead)]
    overhead = description.get("overhead")
    if overhead:
        lines.append(Text(t("report.watched.overhead", **words_of_overhead(overhead))))
    return Group(*lines)


def _recorded_page(run: Run, step: int | None) -> RenderableType:
    """Return the loss, where the median neuron of each layer stands, and what to ask next."""
    loss, path = told_loss(run, step), command_word(run.path)
    lines = [] if loss is None else [Text(loss)]
    if step is not None:
        lines.append(Text(t("cli.watched.at_step", step=step)))
    steps, kept = run.whole_steps, run.kept_whole()
    all_at_once = all(of_layer == steps for of_layer in kept.values())
    key = f"cli.watched.explained{'' if all_at_once else '.some'}"
    last = [Text(t(key, steps=", ".join(map(str, steps))))]
    if run.layers:
        address = command_word(f"{run.layers[0]}[0]")
        last.append(Command(t("cli.watched.next.why", path=path, address=address)))
    last.append(Command(t("cli.watched.next.doctor", path=path)))
    last.append(Command(t("cli.next.report", path=path)))
    return Group(*lines, Padding(_layers(run, step), (1, 0, 1, 0)), *last)


def _layers(run: Run, step: int | None) -> RenderableType:
    table = Table()
    table.add_column(t("report.column.layer"))
    for name in ("kind", "activation"):
        table.add_column(t(f"report.column.{name}"))
    for name in FACTORS:
        table.add_column(t(f"factor.{name}"), justify="right", no_wrap=True)
    standings = _standings(run, step)
    for name, layer in run.description["layers"].items():
        values = standings[name]
        kind = t(f"watched.kind.{layer['kind']}")
        shown = [number(values[factor], 3) if values else "" for factor in FACTORS]
        table.add_row(name, kind, layer["activation"], *shown)
    return table


def _standings(run: Run, step: int | None) -> dict[str, dict[str, float]]:
    """Return by layer the factors of its median neuron; nothing where the layer had no part.

    Args:
        step: default: the last recorded one of each layer.
    """
    rows = {name: run.rows(name) for name in run.layers}
    recorded = sorted({int(one) for steps, _ in rows.values() for one in steps})
    if step is not None and step not in recorded:
        near = min(recorded, key=lambda one: abs(one - step), default=0)
        raise AddressError("error.step_not_recorded", step=step, near=near, count=len(recorded))
    found = {}
    for name, (steps, of_layer) in rows.items():
        chosen = of_layer[-1:] if step is None else of_layer[steps == step]
        found[name] = {}
        if len(chosen):
            medians = np.median(chosen[0], axis=1)
            shown = (*FACTORS, "open")
            found[name] = {factor: float(medians[ROW_FIELDS.index(factor)]) for factor in shown}
    return found


def data_page(data: "Data") -> RenderableType:
    """Return what was loaded, with everything worth knowing about it."""
    counts = data.samples
    values = {"name": data.name, "inputs": data.n_in, "targets": len(data.target_names)}
    line = t(f"cli.data.{data.task}", **values, **counts)
    notes = [Padding(Text(t("cli.data.note", note=str(note))), (0, 0, 0, 2)) for note in data.notes]
    return Group(Text(line), *notes)


def network_line(network: "Network") -> str:
    """Return a network in one line: sizes and activations."""
    sizes = " → ".join(map(str, network.sizes))
    activations = ", ".join(dict.fromkeys(dense.activation for dense in network.dense))
    return t("cli.network", sizes=sizes, activations=activations)


def compared_line(comparison: "Comparison", task: str) -> str:
    """Return in one line what two ways to train came to."""
    is_number = task == "numbers"
    digits = 3 if is_number else 1
    write = number if is_number else percent
    key = "cli.compared.numbers" if is_number else "cli.compared.wrong"
    return t(key, **{name: write(value, digits) for name, value in asdict(comparison).items()})


def result_page(run: "TrainedRun", health: "Health", measured: RenderableType) -> RenderableType:
    """Return how a run ended: its measures, its health, and what to ask next.

    Args:
        measured: how good its predictions are, in short or in full.
    """
    from whygrad.doctor.health import is_still_falling

    description, path = run.description, command_word(run.path)
    return Group(
        Text(t(f"cli.state.{description['state']}", steps=description["steps"]), style="bold"),
        measures_page(description["result"]),
        *([Text(t("cli.still_falling"))] if is_still_falling(run) else []),
        Padding(measured, (1, 0, 0, 0)),
        Padding(health_page(health), (1, 0, 1, 0)),
        Text(t("cli.run_is_in", path=run.path)),
        Command(t("cli.next.why", path=path)),
        Command(t("cli.next.doctor", path=path)),
        Command(t("cli.next.report", path=path)),
    )


def step_page(
    line: str, result: dict[str, dict[str, float]], health: "Health", measured: RenderableType
) -> RenderableType:
    """Return how a run stood at one of its steps; ``line`` says at which."""
    return Group(
        Text(line, style="bold"),
        measures_page(result),
        Padding(measured, (1, 0, 0, 0)),
        Padding(health_page(health), (1, 0, 1, 0)),
    )


def health_page(health: "Health") -> RenderableType:
    """Return the verdict on every layer."""
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for layer in health.layers:
        key, values = layer.verdict
        mark = Text(f"{MARKS[layer.severity]} {layer.layer}", style=STYLES[layer.severity])
        table.add_row(mark, Text(t(key, **values)))
    key, values = health.sentence
    title = Text(t("health.title"), style="bold")
    return Group(title, Text(t(key, **values), style=STYLES[health.severity]), table)


def runs_page(runs: list[RunFolder]) -> RenderableType:
    """Return a table of runs."""
    table = Table()
    for name in ("run", "data", "network", "state", "steps", "test"):
        table.add_column(t(f"cli.runs.{name}"), no_wrap=name != "network")
    for run in runs:
        description = run.description
        measures = description.get("result", {}).get("test", {})
        first = next((name for name in ("accuracy", "r2", "loss") if name in measures), None)
        table.add_row(
            str(run.path),
            description["data"]["name"],
            "-".join(map(str, description["network"]["sizes"])),
            t(f"cli.runs.state.{description['state']}"),
            str(description.get("steps", "")),
            _measured(first, measures[first]) if first else "",
        )
    return table


def run_page(run: RunFolder) -> RenderableType:
    """Return everything that a run was asked for."""
    description = run.description
    table = Table(show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column()
    for name, value in _flat(description, ("origin", "result", "failure", "format")):
        table.add_row(name, value)
    return Group(Text(str(run.path), style="bold"), Padding(table, (1, 0, 1, 0)))


def measures_page(result: dict[str, dict[str, float]]) -> RenderableType:
    """Return loss and measures by part of the data."""
    table = Table(show_header=False)
    for part, measures in result.items():
        shown = [_measured(name, value) for name, value in measures.items()]
        table.add_row(t(f"cli.part.{part}"), *shown, style="bold" if part == "test" else "")
    return Padding(table, (0, 0, 0, 2))


def _measured(name: str, value: float) -> str:
    """Return a measure as it is read: an accuracy in per cent, anything else as a number."""
    written = percent(value, 1) if name == "accuracy" else number(value)
    return t(f"cli.measure.{name}", value=written)


def _flat(
    content: dict[str, Any], without: tuple[str, ...], prefix: str = ""
) -> Iterable[tuple[str, str]]:
    for name, value in content.items():
        if name in without:
            continue
        if isinstance(value, dict):
            yield from _flat(value, without, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", str(value)


@contextmanager
def parts_bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with how many parts are done, on stderr where someone looks."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
