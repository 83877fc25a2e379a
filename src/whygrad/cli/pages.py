"""What the commands print to read."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding

from whygrad.doctor.progress import is_still_falling
from whygrad.words import command_word, number, t
from whygrad.words.terminal import Command, RenderableType, Table, Text

if TYPE_CHECKING:
    from whygrad.core.nn.network import Network
    from whygrad.data import Data
    from whygrad.doctor.health import Health
    from whygrad.record.folder import RunFolder
    from whygrad.training.trained import TrainedRun

STYLES = {"well": "green", "worth_a_look": "yellow", "ill": "red"}
MARKS = {"well": "●", "worth_a_look": "▲", "ill": "■"}


def data_page(data: "Data") -> RenderableType:
    """Return what was loaded, with everything worth knowing about it."""
    counts = {part: len(samples) for part, samples in data.parts.items()}
    values = {"name": data.name, "inputs": data.n_in, "targets": len(data.target_names)}
    line = t(f"cli.data.{data.task}", **values, **counts)
    notes = [Padding(Text(t("cli.data.note", note=str(note))), (0, 0, 0, 2)) for note in data.notes]
    return Group(Text(line), *notes)


def network_line(network: "Network") -> str:
    """Return a network in one line: sizes and activations."""
    sizes = " → ".join(map(str, network.sizes))
    activations = ", ".join(dict.fromkeys(dense.activation for dense in network.dense))
    return t("cli.network", sizes=sizes, activations=activations)


def result_page(run: "TrainedRun", health: "Health") -> RenderableType:
    """Return how a run ended: its measures, its health, and what to ask next."""
    description, path = run.description, command_word(run.path)
    return Group(
        Text(t(f"cli.state.{description['state']}", steps=description["steps"]), style="bold"),
        measures_page(description["result"]),
        *([Text(t("cli.still_falling"))] if is_still_falling(run) else []),
        Padding(health_page(health), (1, 0, 1, 0)),
        Text(t("cli.run_is_in", path=run.path)),
        Command(t("cli.next.why", path=path)),
        Command(t("cli.next.doctor", path=path)),
        Command(t("cli.next.report", path=path)),
    )


def step_page(line: str, result: dict[str, dict[str, float]], health: "Health") -> RenderableType:
    """Return how a run stood at one of its steps; ``line`` says at which."""
    return Group(
        Text(line, style="bold"), measures_page(result), Padding(health_page(health), (1, 0, 1, 0))
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


def runs_page(runs: "Sequence[RunFolder]") -> RenderableType:
    """Return a table of runs."""
    table = Table()
    for name in ("run", "data", "network", "state", "steps", "test"):
        table.add_column(t(f"cli.runs.{name}"), no_wrap=name != "network")
    for run in runs:
        description = run.description
        table.add_row(
            str(run.path),
            description["data"]["name"],
            "-".join(map(str, description["network"]["sizes"])),
            t(f"cli.runs.state.{description['state']}"),
            str(description.get("steps", "")),
            _short_measure(description),
        )
    return table


def run_page(run: "RunFolder") -> RenderableType:
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
    written = f"{100 * value:.1f} %" if name == "accuracy" else number(value)
    return t(f"cli.measure.{name}", value=written)


def _short_measure(description: dict[str, Any]) -> str:
    measures = description.get("result", {}).get("test", {})
    for name in ("accuracy", "r2", "loss"):
        if name in measures:
            return _measured(name, measures[name])
    return ""


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
