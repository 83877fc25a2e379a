"""Which factor makes a gradient small, and the sentence that says so.

The thresholds are absolute where the chain rule gives a measure (a slope has a steepest value,
agreement lies in [0, 1]), and relative to the neighbours where it does not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from whygrad.explain.ledger import Factor
from whygrad.record.layers import LayerSpec

CLOSED = 0.05  # of the steepest slope: what is left of a sigmoid at |z| = 4.3, of a tanh at 2.2
CANCELLED = 1e-3  # of the next neurons' parts left over; independent signs leave 1 / sqrt(n)
TORN = 0.3  # of the agreement that m samples with random signs would show, 1 / sqrt(m)
VANISHED = 1e-3  # of the push at the output
UNUSUAL = 0.1  # of the neighbours' median


@dataclass(frozen=True)
class Cause:
    """What makes a gradient small.

    Attributes:
        factor: its name, or None where nothing is unusually small.
        key: of the sentence.
        values: what the sentence says.
    """

    factor: str | None
    key: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Case:
    values: dict[str, float]
    medians: dict[str, float]
    layer: LayerSpec
    samples: int
    left_over: float | None
    pushed: float


def find_cause(
    factors: Sequence[Factor],
    layer: LayerSpec,
    samples: int,
    left_over: float | None,
    pushed: float,
) -> Cause:
    """Return the cause of a small gradient; the first rule that speaks wins.

    Args:
        factors: the four.
        layer: what they come from.
        samples: how many the batch had; 0 where nobody knows.
        left_over: share of the upstream that the next neurons leave after cancelling, if known.
        pushed: mean |upstream| of the output layer, where all pushing begins.
    """
    case = _Case(
        {f.name: f.value for f in factors},
        {f.name: f.median for f in factors},
        layer,
        samples,
        left_over,
        pushed,
    )
    found = (rule(case) for rule in RULES)
    return next((cause for cause in found if cause), Cause(None, "cause.none"))


def _not_finite(case: _Case) -> Cause | None:
    for name, value in case.values.items():
        if not np.isfinite(value):
            return Cause(name, "cause.not_finite", {"value": value})
    return None


def _first_zero(case: _Case) -> Cause | None:
    for name, value in case.values.items():
        if value == 0:
            return Cause(name, f"cause.{name}.zero", _slope_words(case))
    return None


def _cancelled(case: _Case) -> Cause | None:
    if case.left_over is not None and case.left_over < CANCELLED:
        return Cause("upstream", "cause.upstream.cancelled", {"left": case.left_over})
    return None


def _vanished(case: _Case) -> Cause | None:
    if case.values["upstream"] < VANISHED * case.pushed:
        share = case.values["upstream"] / case.pushed
        return Cause("upstream", "cause.upstream.vanished", {"share": share})
    return None


def _closed(case: _Case) -> Cause | None:
    layer = case.layer
    if layer.is_matched or case.values["slope"] >= CLOSED * layer.steepest:
        return None
    key = "cause.slope.mostly_closed" if layer.is_exactly_flat else "cause.slope.closed"
    return Cause("slope", key, _slope_words(case))


def _unusual(case: _Case) -> Cause | None:
    ratios = {
        name: value / case.medians[name]
        for name, value in case.values.items()
        if case.medians[name] > 0
    }
    if not ratios:
        return None
    name = min(ratios, key=lambda factor: ratios[factor])
    if ratios[name] < UNUSUAL:
        return Cause(name, f"cause.{name}.unusual", {"ratio": ratios[name]})
    return None


def _torn(case: _Case) -> Cause | None:
    samples = case.samples
    by_chance = max(samples, 1) ** -0.5
    if samples > 1 and case.values["agreement"] < TORN * by_chance:
        values = {"value": case.values["agreement"], "chance": by_chance}
        return Cause("agreement", "cause.agreement.torn", values)
    return None


def _slope_words(case: _Case) -> dict[str, Any]:
    return {"activation": case.layer.activation, "value": case.values["slope"]}


RULES: tuple[Callable[[_Case], Cause | None], ...] = (
    _not_finite,
    _first_zero,
    _cancelled,
    _vanished,
    _closed,
    _unusual,
    _torn,
)
