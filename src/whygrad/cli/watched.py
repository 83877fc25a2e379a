"""What the commands print of the run of a watched model."""

from typing import Any

import numpy as np
from rich.console import Group
from rich.padding import Padding

from whygrad.errors import AddressError
from whygrad.record.description import words_of_overhead
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.folder import RunFolder
from whygrad.record.loss import told_loss
from whygrad.words import command_word, number, t
from whygrad.words.terminal import Command, RenderableType, Table, Text


def watched_page(run: RunFolder, step: int | None = None) -> RenderableType:
    """Return the layers of a watched model, and where their median neurons stand.

    Args:
        step: a recorded one; default: the last.

    Raises:
        AddressError: it was not recorded.
    """
    description = run.description
    counts = {"steps": run.steps, "recorded": len(run.history_lines)}
    lead = t("report.watched.lead", every=description["every"], **counts)
    lines = [Text(f"{run.path} · {description['model']}", style="bold"), Text(lead)]
    loss = told_loss(run, step)
    if loss is not None:
        lines.append(Text(loss))
    overhead = description.get("overhead") or {}
    if overhead:
        words = words_of_overhead(overhead)
        lines.append(Text(t("report.watched.overhead", **words)))
    if step is not None:
        lines.append(Text(t("cli.watched.at_step", step=step)))
    if not run.is_sealed:
        lines.append(Text(t("run.unsealed")))
    last, path = [Text(_explained(run))], command_word(run.path)
    if run.layers:
        address = command_word(f"{run.layers[0]}[0]")
        last.append(Command(t("cli.watched.next.why", path=path, address=address)))
    last.append(Command(t("cli.watched.next.doctor", path=path)))
    last.append(Command(t("cli.next.report", path=path)))
    return Group(*lines, Padding(_layers(run, step), (1, 0, 1, 0)), *last)


def watched_summary(run: RunFolder, step: int | None = None) -> dict[str, Any]:
    """Return the run of a watched model as JSON-able data.

    Args:
        step: a recorded one, that ``standing`` is of; default: the last.

    Raises:
        AddressError: it was not recorded.
    """
    at = {} if step is None else {"step": step}
    return run.description | {
        "path": str(run.path),
        "checksums": run.is_sealed,
        "steps": run.steps,
        "explained": run.whole_steps,
        "standing": _standings(run, step),
        **at,
    }


def _layers(run: RunFolder, step: int | None) -> RenderableType:
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


def _explained(run: RunFolder) -> str:
    """Return which steps can be explained, and that the layers take turns if they do."""
    steps, kept = ", ".join(map(str, run.whole_steps)), run.kept_whole()
    all_at_once = all(of_layer == run.whole_steps for of_layer in kept.values())
    return t(f"cli.watched.explained{'' if all_at_once else '.turns'}", steps=steps)


def _standings(run: RunFolder, step: int | None) -> dict[str, dict[str, float]]:
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
