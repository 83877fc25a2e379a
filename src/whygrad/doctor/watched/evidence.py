"""What a watched run shows, read once: the facts of its steps, and the rows of its neurons."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from whygrad.record.fields import ROW_FIELDS
from whygrad.record.watched import WatchedFolder
from whygrad.record.watched_loss import named_parts

LATER = 0.5  # of the recorded steps: what holds from here on is no matter of the start
HALF = 0.5
ABSURD = 2.0  # times the loss of guessing
CLOSE = 0.02
ENOUGH = 6  # recorded losses that tell a direction
FALLEN = 0.1  # of its size
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


@dataclass(frozen=True)
class NamedPart:
    """What the loss functions of one name gave to the loss, at the steps where they did.

    Attributes:
        weights: with which they count; below 0 where they are negated.
        parts: how much of the loss they are.
    """

    weights: Float[np.ndarray, " recorded"]
    parts: Float[np.ndarray, " recorded"]

    @property
    def values(self) -> Float[np.ndarray, " recorded"]:
        """What they returned, as a mean over their calls."""
        return self.parts / np.where(self.weights == 0, np.nan, self.weights)


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
    def climber(self) -> str | None:
        """The name of an optimiser that makes the loss larger, where all of them do."""
        optimizers = self.last.get("optimizers", [])
        does = bool(optimizers) and all(one.get("maximizes", False) for one in optimizers)
        return optimizers[0]["name"] if does else None

    @cached_property
    def descended(self) -> Float[np.ndarray, " recorded"]:
        """What is to fall: the loss, turned over where the optimisers climb."""
        return self.losses if self.climber is None else -self.losses

    @cached_property
    def has_improved(self) -> bool:
        """Whether the loss fell by a tenth, from the first quarter to the last, by their medians.

        Or its named part did, where a constant beside it hides that. A loss of classes that is
        still far above that of guessing has not, nor one that came down to it and stays there:
        nothing was learned of the inputs.
        """
        if len(self.losses) < 4 or not np.isfinite(self.losses).all():
            return False
        first, last = ends_of(self.descended)
        has_fallen = last < first - FALLEN * abs(first)
        if not has_fallen and last < first and len(self.parts) == 1:
            of_part = ends_of(next(iter(self.parts.values())).parts)
            has_fallen = of_part[1] < of_part[0] - FALLEN * abs(of_part[0])
        guessed = self.beside_guessing
        return bool(has_fallen and guessed < ABSURD and abs(guessed - 1) >= CLOSE)

    @cached_property
    def is_at_rest(self) -> bool:
        """Whether the loss neither improved nor is on its way down, by as many steps as tell."""
        count = len(self.losses)
        if count < ENOUGH or self.has_improved or not np.isfinite(self.losses).all():
            return False
        return direction_of(self.descended) > FALLING

    @cached_property
    def beside_guessing(self) -> float:
        """The loss of classes in the later steps, over that of guessing all of them alike.

        That is ln(classes) a row. 0 where the loss is no, or not only, one of classes.
        """
        ratios = []
        for one in self.facts:
            calls = called_in(one)
            known = [call for call in calls if _guessing(call) and call["value"] is not None]
            if calls and len(known) == len(calls):
                ratios.append(sum(c["value"] for c in known) / sum(map(_guessing, known)))
        return float(ends_of(np.array(ratios))[1]) if ratios else 0.0

    @cached_property
    def parts(self) -> dict[str, NamedPart]:
        """What loss functions gave to the loss, by their names, in the steps where they did."""
        found: dict[str, list[tuple[float, float]]] = {}
        for one in self.facts:
            for name, weight, part in named_parts(one):
                found.setdefault(name, []).append((weight, part))
        return {name: NamedPart(*np.array(pairs, float).T) for name, pairs in found.items()}

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
        """Every call of a loss function that was trained, in the recorded steps."""
        return [call for one in self.facts for call in called_in(one)]


def called_in(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the calls of loss functions that lead to the loss of a step.

    Others may only be measured. Where none is known to lead there, all of them.
    """
    calls = facts.get("losses", [])
    return [call for call in calls if call.get("weight") is not None] or calls


def ends_of(values: Float[np.ndarray, " recorded"]) -> tuple[float, float]:
    """Return the medians of the first and of the last quarter."""
    quarter = max(len(values) // 4, 1)
    return float(np.median(values[:quarter])), float(np.median(values[-quarter:]))


def direction_of(values: Float[np.ndarray, " recorded"]) -> float:
    """Return the rank correlation of values with their steps: 1 where each is above the last."""
    ranks = np.argsort(np.argsort(values, kind="stable"))
    return float(np.corrcoef(np.arange(len(values)), ranks)[0, 1])


def _guessing(call: dict[str, Any]) -> float:
    """Return what a loss of classes is where all are told alike; 0 where that is not known."""
    shape = call["claims"].get("shape", [])
    if call["name"] != "cross_entropy" or len(shape) != 2:
        return 0.0
    return (shape[0] if call["reduction"] == "sum" else 1) * float(np.log(max(shape[1], 2)))
