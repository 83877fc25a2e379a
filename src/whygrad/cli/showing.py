"""``whygrad show``, ``check`` and ``report``: what is known of a run, whoever trained it.

What only runs of whygrad's own need is imported where it is needed: whoever asks about a model that
PyTorch trained does not wait for JAX.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from whygrad.cli.console import show, show_json
from whygrad.cli.opening import open_named, path_of
from whygrad.cli.pages import health_page, result_page, run_page, step_page
from whygrad.errors import AddressError
from whygrad.record.description import words_of_overhead
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.loss import told_loss
from whygrad.runs import Run
from whygrad.words import command_word, number, t
from whygrad.words.terminal import Command, Console, RenderableType, Table, Text

if TYPE_CHECKING:
    from whygrad.core.nn.network import Network

FOUND = 1


def show_command(name: str, step: int | None, as_json: bool) -> int:
    """Show what a run was asked for, how it ended or stood at a step, and how its layers are."""
    run = open_named(name)
    show_json(show_data(run, step)) if as_json else show(show_page(run, step))
    return 0


def check_command(name: str, as_json: bool) -> int:
    """Verify the folder of a run whole."""
    from whygrad.training.checking import check_run

    with files_bar() as tick:
        checked = check_run(path_of(name), tick)
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

    network = run.network_at(step)
    told["health"] = health_of(run, network).to_dict()
    return told if step is None else told | {"result": _result_of(run, network)}


def _trained_page(run: Run, step: int | None) -> RenderableType:
    from whygrad.doctor.health import health_of

    network = run.network_at(step)
    health = health_of(run, network)
    if step is not None:
        line = t("cli.network.at_step", step=step, total=run.task.total_steps)
        return step_page(line, _result_of(run, network), health)
    return result_page(run.trained, health) if "result" in run.description else health_page(health)


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
    counts = {"steps": run.steps, "recorded": len(run.history_lines)}
    lead = t("report.watched.lead", every=description["every"], **counts)
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
    last = [Text(_explained(run))]
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


def _explained(run: Run) -> str:
    """Return which steps can be explained, and that the layers take turns if they do."""
    steps, kept = ", ".join(map(str, run.whole_steps)), run.kept_whole()
    all_at_once = all(of_layer == run.whole_steps for of_layer in kept.values())
    return t(f"cli.watched.explained{'' if all_at_once else '.turns'}", steps=steps)


def _standings(run: Run, step: int | None) -> dict[str, dict[str, float]]:
    """Return by layer the factors of its median neuron at a recorded step; nothing without one."""
    rows = {name: run.rows(name) for name in run.layers}
    recorded = sorted({int(one) for steps, _ in rows.values() for one in steps})
    if step is not None and step not in recorded:
        near = min(recorded, key=lambda one: abs(one - step), default=0)
        raise AddressError("error.step_not_recorded", step=step, near=near, count=len(recorded))
    return {name: _standing(*of_layer, step) for name, of_layer in rows.items()}


def _standing(steps: np.ndarray, rows: np.ndarray, step: int | None) -> dict[str, float]:
    """Return the factors of a layer's median neuron at a step; default: the last recorded one."""
    chosen = rows[-1:] if step is None else rows[steps == step]
    if not len(chosen):
        return {}
    values = np.median(chosen[0], axis=1)
    return {name: float(values[ROW_FIELDS.index(name)]) for name in (*FACTORS, "open")}


@contextmanager
def files_bar() -> Iterator[Callable[[int, int], None]]:
    """Show a bar with how many files are done, on stderr where someone looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(t("cli.checking"), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
