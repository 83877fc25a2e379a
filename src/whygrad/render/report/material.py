"""What a report is made from: a run, read once, its long series made short enough to draw."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from whygrad.errors import RunError
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.layers import LayerSpec
from whygrad.render.report.in_lab import LabLinks
from whygrad.words.markup import Markup, element, said

if TYPE_CHECKING:
    from whygrad.core.nn.network import Network
    from whygrad.doctor.health import Health
    from whygrad.runs import Run

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


class Material:
    """A run, read for a report. What is needed more than once is kept.

    What a run does not hold is None or empty, and the sections that tell of it are left out.

    Args:
        links: into the lab; None for a page that has none.
    """

    def __init__(self, run: "Run", *, links: LabLinks | None = None):
        self.run, self.links = run, links

    @cached_property
    def description(self) -> dict[str, Any]:
        """``run.json``."""
        return self.run.description

    @property
    def path(self) -> Path:
        return self.run.path

    @property
    def name(self) -> str:
        """What the run's folder is called."""
        return self.path.resolve().name

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """What each layer is."""
        return self.run.specs

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """A line a recorded step or ended epoch, in order."""
        return self.run.history_lines

    def series(self, name: str) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Return the steps at which the history holds a number of this name, and the numbers."""
        lines = [line for line in self.history if line.get(name) is not None]
        steps, values = ([line[of] for line in lines] for of in ("step", name))
        return np.array(steps, int), np.array(values, float)

    @cached_property
    def facts(self) -> list[dict[str, Any]]:
        """How the training loop went about each recorded step, where somebody else wrote it."""
        return self.run.facts

    @cached_property
    def records(self) -> dict[str, Record]:
        """What was recorded, by layer; empty if nothing was."""
        found = {}
        for layer in self.run.layers:
            steps, rows = self.run.rows(layer)
            if len(steps):
                shown = evenly(len(steps), COLUMNS)
                found[layer] = Record(layer, steps[shown].astype(int), rows[shown], len(steps))
        return found

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
    def hidden(self) -> dict[str, Record]:
        """What was recorded of the hidden layers of a network of whygrad's own."""
        return {layer: record for layer, record in self.records.items() if layer != "output"}

    @property
    def has_network(self) -> bool:
        """Whether the run holds its networks, with data and settings, so that steps replay."""
        return self.run.can("network")

    @cached_property
    def health(self) -> "Health | None":
        """How the layers of the trained network are."""
        if not self.has_network:
            return None
        from whygrad.doctor.health import health_of

        return health_of(self.run)

    @property
    def network(self) -> "Network":
        """The trained network, as the engine of the run has it."""
        return self.run.trained.network

    @cached_property
    def start(self) -> "Network | None":
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


def evenly(count: int, most: int) -> Int[np.ndarray, " kept"]:
    """Return at most ``most`` of the positions 0 to count - 1, even apart, with both ends."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def envelope(
    x: Shaped[np.ndarray, " n"], y: Float[np.ndarray, " n"], most: int
) -> tuple[Shaped[np.ndarray, " kept"], Float[np.ndarray, " kept"]]:
    """Return a series with at most ``most`` points that keeps its peaks and its valleys.

    The series is cut into stretches; of each its lowest and its highest point stay.
    """
    if len(y) <= most:
        return x, y
    kept = {0, len(y) - 1}
    for piece in np.array_split(np.arange(len(y)), (most - 2) // 2):
        finite = piece[np.isfinite(y[piece])]
        if len(finite):
            kept |= {int(finite[y[finite].argmin()]), int(finite[y[finite].argmax()])}
    places = np.array(sorted(kept))
    return x[places], y[places]
