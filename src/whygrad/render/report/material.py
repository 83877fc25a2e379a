"""What a report is made from: a run, read once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from whygrad.core.nn.network import Network
from whygrad.doctor.asking import diagnose_run
from whygrad.doctor.diagnosis import Diagnosis
from whygrad.doctor.health import Health, health_of
from whygrad.errors import RunError
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.watched import WatchedFolder
from whygrad.render.report.thinning import evenly
from whygrad.training.folder import RunFolder
from whygrad.words.markup import Markup, element, said

COLUMNS = 300  # recorded steps that are shown at most
LAYERS = 24  # that are drawn at most, so that a deep model's report is made in seconds


@dataclass(frozen=True)
class Record:
    """What was recorded of one layer, thinned to what can be shown.

    Attributes:
        steps: the steps shown; the first and the last recorded one are among them.
        rows: shape (shown, fields, neurons).
        recorded: how many steps were recorded.
    """

    layer: str
    steps: Int[np.ndarray, " shown"]
    rows: Float[np.ndarray, "shown fields neurons"]
    recorded: int

    @property
    def neurons(self) -> int:
        return self.rows.shape[2]

    def field(self, name: str) -> Float[np.ndarray, "shown neurons"]:
        """Return one of the recorded quantities."""
        return self.rows[:, ROW_FIELDS.index(name)]

    @cached_property
    def gradient(self) -> Float[np.ndarray, "shown neurons"]:
        """The four factors multiplied: the norm of each neuron's weight gradient."""
        size = np.ones((len(self.steps), self.neurons))
        for name in FACTORS:
            size = size * self.field(name)
        return size


class Recording:
    """What any run recorded, read for a report. What is needed more than once is kept."""

    def __init__(self, run: RunFolder | WatchedFolder):
        self.description = run.description
        self._recorded = run

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """A line a recorded step or ended epoch, in order."""
        return self._recorded.history_lines

    def series(self, name: str) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Return the steps at which the history holds a number of this name, and the numbers."""
        found = [(line["step"], line[name]) for line in self.history if line.get(name) is not None]
        steps, values = zip(*found, strict=True) if found else ((), ())
        return np.array(steps, int), np.array(values, float)

    @cached_property
    def records(self) -> dict[str, Record]:
        """What was recorded, by layer; empty if nothing was."""
        found = {layer: _record(self._recorded, layer) for layer in self._recorded.layers}
        return {layer: record for layer, record in found.items() if record.recorded}

    @cached_property
    def drawn(self) -> dict[str, Record]:
        """The layers that are drawn: all, or some of a deep model, spread evenly."""
        names = list(self.records)
        return {names[at]: self.records[names[at]] for at in evenly(len(names), LAYERS)}

    def drawn_of(self) -> Markup | None:
        """Say how many layers are drawn, where not all of them are."""
        counts = {"drawn": len(self.drawn), "layers": len(self.records)}
        some = len(self.drawn) < len(self.records)
        return element("p", said("report.layers_drawn", **counts), class_="axes") if some else None

    @property
    def path(self) -> Path:
        return self._recorded.path

    @property
    def name(self) -> str:
        """What the run's folder is called."""
        return self.path.resolve().name


class Material(Recording):
    """A run of whygrad's own."""

    def __init__(self, run: RunFolder):
        super().__init__(run)
        self.run = run

    @property
    def hidden(self) -> dict[str, Record]:
        """What was recorded of the hidden layers."""
        return {layer: record for layer, record in self.records.items() if layer != "output"}

    @cached_property
    def health(self) -> Health:
        return health_of(self.run)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What the doctor says of the run's record, without a trial."""
        return diagnose_run(self.run)

    @property
    def network(self) -> Network:
        """The trained network."""
        return self.run.network

    @cached_property
    def start(self) -> Network | None:
        """The network before the first step; None if it was not kept."""
        try:
            return self.run.checkpoint(0).state.network
        except RunError:
            return None

    @cached_property
    def step_to_explain(self) -> int:
        """The last recorded step that can be taken again; where there is none, the last step."""
        last = max(self.run.checkpoints[-1] - 1, 0)
        steps = [int(s) for s in next(iter(self.records.values())).steps] if self.records else []
        return max((step for step in steps if step <= last), default=last)


def _record(run: RunFolder | WatchedFolder, layer: str) -> Record:
    steps, rows = run.rows(layer)
    shown = evenly(len(steps), COLUMNS)
    return Record(layer, steps[shown].astype(int), rows[shown], len(steps))
