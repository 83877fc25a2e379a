"""What a watched run shows, read once: the facts of its steps, and the rows of its neurons."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from whygrad.recording import ROW_FIELDS
from whygrad.run.watched import WatchedFolder

LATER = 0.5  # of the recorded steps: what holds from here on is no matter of the start
HALF = 0.5
ABSURD = 2.0  # times the loss of guessing
CLOSE = 0.02
ENOUGH = 6  # recorded losses that tell a direction
FALLING = -0.6  # rank correlation of loss and step below which a noisy curve goes down


@dataclass(frozen=True)
class Rows:
    """What was recorded of one layer.

    Attributes:
        name: of the layer, as the model calls it.
        described: what it is: kind, activation, steepest slope, shape.
        steps: the recorded steps.
        values: (recorded, fields, neurons).
    """

    name: str
    described: dict[str, Any]
    steps: np.ndarray
    values: Float[np.ndarray, "recorded fields neurons"]

    def field(self, name: str) -> Float[np.ndarray, "recorded neurons"]:
        """Return one of the recorded quantities."""
        return self.values[:, ROW_FIELDS.index(name)]

    def later(self, name: str) -> Float[np.ndarray, "recorded neurons"]:
        """Return one of the recorded quantities, of the later half of the steps."""
        return self.field(name)[int(LATER * len(self.steps)) :]


class WatchedEvidence:
    """A watched run, read for the checks."""

    def __init__(self, run: WatchedFolder):
        self.description = run.description
        self.facts = run.facts
        self._run = run

    @cached_property
    def layers(self) -> list[Rows]:
        """The layers of which anything was recorded, in the order of their calls."""
        described = self.description["layers"]
        found = [Rows(name, described[name], *self._run.rows(name)) for name in described]
        return [rows for rows in found if len(rows.steps)]

    @property
    def failure(self) -> dict[str, Any]:
        """How an exception ended the loop; empty where none did."""
        return self.description.get("failure") or {}

    @cached_property
    def losses(self) -> Float[np.ndarray, " recorded"]:
        """The loss of each recorded step of which one is known; NaN where it was not finite."""
        values = [line["loss"] for line in self._with_loss]
        return np.array([np.nan if value is None else value for value in values], float)

    @cached_property
    def loss_steps(self) -> list[int]:
        """The steps that the losses are of."""
        return [line["step"] for line in self._with_loss]

    @cached_property
    def _with_loss(self) -> list[dict[str, Any]]:
        return [line for line in self._run.history_lines if "loss" in line]

    @cached_property
    def has_improved(self) -> bool:
        """Whether the loss fell by a tenth, from the first quarter to the last, by their medians.

        A loss of classes that is still far above that of guessing has not, nor one that came down
        to it and stays there: nothing was learned of the inputs.
        """
        if len(self.losses) < 4 or not np.isfinite(self.losses).all():
            return False
        quarter = max(len(self.losses) // 4, 1)
        first, last = np.median(self.losses[:quarter]), np.median(self.losses[-quarter:])
        is_a_guess = abs(last - self.guessing) < CLOSE * self.guessing < math.inf
        has_fallen = last < first - 0.1 * abs(first) and last < ABSURD * self.guessing
        return bool(has_fallen and not is_a_guess)

    @cached_property
    def is_at_rest(self) -> bool:
        """Whether the loss neither improved nor is on its way down, by as many steps as tell."""
        count = len(self.losses)
        if count < ENOUGH or self.has_improved or not np.isfinite(self.losses).all():
            return False
        ranks = np.argsort(np.argsort(self.losses, kind="stable"))
        return bool(np.corrcoef(np.arange(count), ranks)[0, 1] > FALLING)

    @cached_property
    def guessing(self) -> float:
        """The loss of guessing all classes alike, ln(classes); infinite where it is not known."""
        for call in reversed(self.losses_called):
            shape = call["claims"].get("shape", [])
            count = shape[0] if call["reduction"] == "sum" and shape else 1
            if call["name"] == "cross_entropy" and len(shape) == 2:
                return count * float(np.log(max(shape[1], 2)))
        return float("inf")

    @cached_property
    def is_adaptive(self) -> bool:
        """Whether every optimiser divides by the size of its gradients, whatever that is."""
        names = [one["name"] for one in self.last.get("optimizers", [])]
        return bool(names) and all("Adam" in n or n in ("RMSprop", "Adagrad") for n in names)

    @property
    def last(self) -> dict[str, Any]:
        """The facts of the last recorded step."""
        return self.facts[-1] if self.facts else {}

    def most(self, name: str) -> list[Any]:
        """Return what a list of facts held in more than half of the recorded steps."""
        counts: dict[Any, int] = {}
        for one in self.facts:
            for value in one.get(name, []):
                counts[value] = counts.get(value, 0) + 1
        return sorted(value for value, n in counts.items() if n > HALF * len(self.facts))

    def always(self, name: str) -> list[Any]:
        """Return what a list of facts held in every recorded step."""
        held = [set(one.get(name, [])) for one in self.facts]
        return sorted(set.intersection(*held)) if held else []

    @cached_property
    def reached(self) -> set[str]:
        """The layers that a gradient came back to in any recorded step."""
        return {name for one in self.facts for name in one.get("layers", {})}

    @property
    def losses_called(self) -> list[dict[str, Any]]:
        """Every call of a loss function in the recorded steps."""
        return [call for one in self.facts for call in one.get("losses", [])]
