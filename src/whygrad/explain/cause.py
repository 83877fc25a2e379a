"""Which factor makes a gradient small, and the sentence that says so.

The thresholds are absolute where the chain rule gives a measure (a slope has a steepest value,
agreement lies in [0, 1]), and relative to the neighbours where it does not.
"""

from collections.abc import Iterator, Sequence
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


def causes(
    factors: Sequence[Factor],
    layer: LayerSpec,
    samples: int,
    left_over: float | None,
    pushed: float,
    *,
    is_from_loss: bool = False,
) -> Iterator[Cause]:
    """Yield what makes a gradient small, the plainest cause first.

    Args:
        factors: the four.
        layer: what they come from.
        samples: how many the batch had; 0 where nobody knows.
        left_over: share of the upstream that the next neurons leave after cancelling, if known;
            None where they do not push at all.
        pushed: mean |upstream| of the output layer, where all pushing begins.
        is_from_loss: whether the loss itself pushes.
    """
    values = {factor.name: factor.value for factor in factors}
    of_slope = {"activation": layer.activation, "value": values["slope"]}
    for name, value in values.items():
        if not np.isfinite(value):
            yield Cause(name, "cause.not_finite", {"value": value})
    if left_over is not None and left_over < CANCELLED:
        yield Cause("upstream", "cause.upstream.cancelled", {"left": left_over})
    for name, value in values.items():
        if value == 0:
            of_loss = ".loss" if name == "upstream" and is_from_loss else ""
            of_table = ".table" if name == "input" and layer.traits.is_lookup else ""
            yield Cause(name, f"cause.{name}.zero{of_loss or of_table}", of_slope)

    if values["upstream"] < VANISHED * pushed:
        yield Cause("upstream", "cause.upstream.vanished", {"share": values["upstream"] / pushed})
    if not layer.is_matched and values["slope"] < CLOSED * layer.steepest:
        key = "cause.slope.mostly_closed" if layer.is_exactly_flat else "cause.slope.closed"
        yield Cause("slope", key, of_slope)

    ratios = {one.name: one.value / one.median for one in factors if one.median > 0}
    name = min(ratios, key=lambda factor: ratios[factor], default=None)
    if name is not None and ratios[name] < UNUSUAL:
        yield Cause(name, f"cause.{name}.unusual", {"ratio": ratios[name]})

    by_chance = max(samples, 1) ** -0.5
    if samples > 1 and values["agreement"] < TORN * by_chance:
        told = {"value": values["agreement"], "chance": by_chance}
        yield Cause("agreement", "cause.agreement.torn", told)
    yield Cause(None, "cause.none")
