"""What a watched run shows: the facts of its training loop, and the rows of its neurons."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from whygrad.doctor.evidence import (
    Decay,
    Dropped,
    Evidence,
    Hidden,
    InputScale,
    LayerRows,
    StartWeights,
    TargetScale,
    rows_of,
)
from whygrad.doctor.thresholds import (
    ABSURD,
    AT_GUESSING,
    EARLY,
    ENOUGH_LOSSES,
    FALLEN,
    FALLING,
    LARGEST_TARGET,
    LEAST_LOSSES,
    LEAST_STEPS,
    MOST,
    NARROW_TARGETS,
    STRONG_DECAY,
    STRONG_L2,
)
from whygrad.errors import RunError
from whygrad.record.folder import RunFolder
from whygrad.record.layers import ADDED, KINDS
from whygrad.record.loss import named_parts

QUANTITIES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")

Call = Mapping[str, Any]


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


@dataclass(frozen=True)
class WatchedEvidence(Evidence):
    """What a check reads of a watched model.

    Attributes:
        description: ``run.json``.
        facts: how the training loop went about each recorded step.
        history: step and loss of each recorded step.
        rows: the layers of which anything was recorded, in the order of their calls.
    """

    is_watched: ClassVar[bool] = True

    description: dict[str, Any]
    facts: list[dict[str, Any]]
    history: list[dict[str, Any]]
    rows: Mapping[str, LayerRows]

    @property
    def failure(self) -> dict[str, Any]:
        """How an exception ended the loop; empty where none did."""
        return self.description.get("failure") or {}

    def raised(self, *patterns: str) -> str | None:
        """Return the first sentence of the exception that ended the loop, if it is one of these."""
        message = self.failure.get("message", "")
        is_meant = any(re.search(pattern, message) for pattern in patterns)
        return message.split(".")[0] if is_meant else None

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
        return [line for line in self.history if "loss" in line]

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
        if len(self.losses) < LEAST_LOSSES or not np.isfinite(self.losses).all():
            return False
        first, last = ends_of(self.descended)
        has_fallen = last < first - FALLEN * abs(first)
        if not has_fallen and last < first and len(self.parts) == 1:
            of_part = ends_of(next(iter(self.parts.values())).parts)
            has_fallen = of_part[1] < of_part[0] - FALLEN * abs(of_part[0])
        guessed = self.beside_guessing
        return bool(has_fallen and guessed < ABSURD and abs(guessed - 1) >= AT_GUESSING)

    @cached_property
    def is_early(self) -> bool:
        """Whether it is too early for how the loss moves, or does not, to say anything.

        A loss that is no number any more is no matter of patience.
        """
        is_short = self.description["steps"] < EARLY or len(self.facts) < ENOUGH_LOSSES
        return is_short and bool(np.isfinite(self.losses).all())

    @property
    def may_learn(self) -> bool:
        return self.has_improved or self.is_early

    @cached_property
    def is_at_rest(self) -> bool:
        """Whether the loss neither improved nor is on its way down, by as many steps as tell."""
        is_known = len(self.losses) >= ENOUGH_LOSSES and np.isfinite(self.losses).all()
        if not is_known or self.is_early or self.has_improved:
            return False
        return direction_of(self.descended) > FALLING

    @cached_property
    def is_contest(self) -> bool:
        """Whether losses are told the same of all rows, step after step: real, or not.

        So two networks are trained against each other, whose losses need not fall (Goodfellow and
        others 2014); there is nothing else to be learned from such targets.
        """
        told = [[call["targets"] for call in called_in(one)] for one in self.facts]
        values = {tuple(one.get("low") for one in targets) for targets in told}
        return len(values) == 1 and all(
            targets and all(map(_is_one_for_all, targets)) for targets in told
        )

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
        return sorted(value for value, n in counts.items() if n > MOST * len(self.facts))

    def always(self, name: str) -> list[Any]:
        """Return what a list of facts held in every recorded step."""
        held = [set(one.get(name, [])) for one in self.facts]
        return sorted(set.intersection(*held)) if held else []

    @cached_property
    def reached(self) -> set[str]:
        """The layers that a gradient came back to in any recorded step."""
        return {name for one in self.facts for name in one.get("layers", {})}

    @cached_property
    def zeroed(self) -> list[int]:
        """The steps in which gradients came back, and were 0 when the optimiser asked for them."""
        found = []
        for one in self.facts:
            came = [layer for layer in one.get("layers", {}).values() if layer["gradient"]]
            if came and not any(layer["asked"] for layer in came):
                found.append(one["step"])
        return found

    @property
    def is_zeroed_late(self) -> bool:
        """Whether that is so in most of the steps."""
        return len(self.zeroed) > MOST * len(self.facts)

    @property
    def losses_called(self) -> list[Call]:
        """Every call of a loss function that was trained, in the recorded steps."""
        return [call for one in self.facts for call in called_in(one)]

    @property
    def curve(self) -> Float[np.ndarray, " recorded"]:
        return self.losses

    @cached_property
    def shaped(self) -> list[LayerRows]:
        """The linear layers and convolutions."""
        return [rows for rows in self.rows.values() if rows.spec.traits.sums_inputs]

    @cached_property
    def well_recorded(self) -> list[LayerRows]:
        """Those of which enough steps were recorded to prove something."""
        return [rows for rows in self.shaped if len(rows.steps) >= LEAST_STEPS]

    @cached_property
    def last_shaped(self) -> LayerRows | None:
        """The layer that was called last, if it is one with an activation of its own."""
        layers = [rows for rows in self.rows.values() if rows.spec.kind not in ADDED]
        return layers[-1] if layers and layers[-1].spec.traits.sums_inputs else None

    @property
    def hidden(self) -> list[Hidden]:
        specs = [rows.spec for rows in self.shaped]
        return [Hidden(spec.name, spec.activation, spec.feeds) for spec in specs if spec.feeds]

    @property
    def output_activation(self) -> str | None:
        return self.last_shaped.spec.activation if self.last_shaped else None

    @property
    def input_scale(self) -> InputScale | None:
        first = next((r for r in self.rows.values() if r.spec.kind not in ADDED), None)
        if first is None or not first.spec.traits.sums_inputs:
            return None
        lengths = first.field("input")[first.field("input") > 0]
        size = float(np.median(lengths) / math.sqrt(first.spec.n_in)) if len(lengths) else 1.0
        return InputScale(first.name, size)

    @property
    def target_scale(self) -> TargetScale | None:
        call = most(self.calls_of_quantities, lambda c: c["targets"].get("low") is not None)
        if call is None:
            return None
        low, high = call["targets"]["low"], call["targets"]["high"]
        size, spread = max(abs(low), abs(high)), high - low
        return TargetScale(call["name"], low, high, size, spread, LARGEST_TARGET, NARROW_TARGETS)

    @property
    def dropped(self) -> list[Dropped]:
        return [Dropped(*of_layer) for of_layer in self.last.get("dropout", {}).items()]

    @property
    def decays(self) -> list[Decay]:
        found = []
        for one in self.last.get("optimizers", []):
            strong = STRONG_DECAY if one["name"] == "AdamW" else STRONG_L2
            found.append(Decay(max(one.get("weight_decays", []), default=0.0), strong, one["name"]))
        return found

    @property
    def start_weights(self) -> list[StartWeights]:
        """The weights before the first step; none where norm layers make up for their size."""
        first = self.facts[0] if self.facts else {"step": None}
        has_norms = any(KINDS[one["kind"]].is_norm for one in self.description["layers"].values())
        if first["step"] != 0 or has_norms or len(self.shaped) < 2:
            return []
        measured = first.get("layers") or {}
        lengths = [(r.spec, measured.get(r.name, {}).get("weight")) for r in self.shaped]
        return [StartWeights(s.n_in, s.n_out, length) for s, length in lengths if length]

    def usual_variances(self, n_in: int, n_out: int) -> tuple[float, ...]:
        """Return Glorot's variance, He's, and that of torch's own layers."""
        return 2 / (n_in + n_out), 2 / n_in, 1 / (3 * n_in)

    @property
    def calls_of_quantities(self) -> list[Call]:
        """The calls of losses for quantities."""
        return [call for call in self.losses_called if call["name"] in QUANTITIES]


def seen_in(run: RunFolder) -> WatchedEvidence:
    """Return what a watched run shows.

    Raises:
        RunError: nothing was recorded, or the run is damaged.
    """
    description, facts = run.description, run.facts
    if not facts and not description.get("failure"):
        raise RunError("error.watched_nothing", path=run.path)
    rows = {name: layer for name, layer in rows_of(run).items() if len(layer.steps)}
    return WatchedEvidence(description, facts, run.history_lines, rows)


def most(calls: list[Call], is_so: Callable[[Call], bool]) -> Call | None:
    """Return the last call of which something is so, where it is so for most of them."""
    found = [call for call in calls if call["claims"] and call["targets"] and is_so(call)]
    return found[-1] if calls and len(found) > MOST * len(calls) else None


def is_within(described: Mapping[str, Any], low: float, high: float) -> bool:
    """Return whether all values of claims or targets are known to lie between two numbers."""
    is_known = described.get("low") is not None and described.get("high") is not None
    return is_known and low <= described["low"] and described["high"] <= high


def called_in(facts: dict[str, Any]) -> list[Call]:
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


def _is_one_for_all(targets: Mapping[str, Any]) -> bool:
    """Return whether targets are one number for several rows."""
    is_constant = targets.get("low") is not None and targets["low"] == targets["high"]
    return is_constant and math.prod(targets["shape"]) > 1


def _guessing(call: Call) -> float:
    """Return what a loss of classes is where all are told alike; 0 where that is not known."""
    shape = call["claims"].get("shape", [])
    if call["name"] != "cross_entropy" or len(shape) != 2:
        return 0.0
    return (shape[0] if call["reduction"] == "sum" else 1) * float(np.log(max(shape[1], 2)))


def listed(names: list[str]) -> str:
    """Return some names, the first four where there are more."""
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
