"""What the doctor says of a network, as a value; printing it tells it."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.html import as_html
from whygrad.doctor.rendering import render

if TYPE_CHECKING:
    from whygrad.doctor.baseline import Baseline
    from whygrad.doctor.trials import Outcome
    from whygrad.doctor.verifying import Trial


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor says of a network.

    Of a watched model there are findings, notes and the number of steps that they rest on. Of an
    own network it is measured, besides, what it learned, and what became of the trials.

    Attributes:
        findings: most likely first; empty where the network learns.
        notes: what is odd and harmless.
        learned: share of what can be learned that was learned; NaN where nobody measured it.
        measures: accuracy or r2 of the original on the training part, one a seed.
        verdict: ``held``, ``did not hold``, ``worse`` or ``not tried``.
        best: the trial of the remedy that is advised; None without trials.
        trials: all of them, in order.
        seconds: wall time.
        baseline: what can be learned.
        plateau: where it got stuck: ``base_rate``, ``range`` or ``linear``; None if at none.
        measure: what is measured, ``accuracy`` or ``r2``.
        remaining: faults of what was changed that the checks still find after the remedy.
        before: the original, trained from several seeds; None where a run's record was enough.
        steps: of a watched model, the recorded steps that it rests on; else None.
        is_early: whether these are too few to say whether its loss falls.
    """

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    learned: float = math.nan
    measures: tuple[float, ...] = ()
    verdict: str = "not tried"
    best: "Trial | None" = None
    trials: "tuple[Trial, ...]" = ()
    seconds: float = 0.0
    baseline: "Baseline | None" = None
    before: "Outcome | None" = None
    plateau: str | None = None
    measure: str = "accuracy"
    remaining: tuple[str, ...] = ()
    steps: int | None = None
    is_early: bool = False

    def __repr__(self) -> str:
        found = ", ".join(f"{one.kind} {one.confidence:.2f}" for one in self.findings)
        return f"Diagnosis({found or 'healthy'}; notes: {len(self.notes)})"

    def __str__(self) -> str:
        return render(self)

    def _repr_html_(self) -> str:
        return as_html(self)

    @property
    def is_healthy(self) -> bool:
        return not self.findings

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """What is advised."""
        return self.best.remedies if self.best else ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        told: dict[str, Any] = {
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": [finding.to_dict() for finding in self.notes],
        }
        if self.steps is not None:
            return told | {"steps": self.steps, "early": self.is_early}
        return told | {
            "learned": self.learned,
            "measures": list(self.measures),
            "measure": self.measure,
            "plateau": self.plateau,
            "remaining": list(self.remaining),
            "verdict": self.verdict,
            "remedy": {k: v for remedy in self.remedies for k, v in remedy.changes.items()},
            "after": list(self.best.outcome.measures) if self.best else [],
            "seconds": self.seconds,
        }
