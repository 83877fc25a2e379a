"""From a set-up to a diagnosis: measure, judge, and try the remedies."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whygrad.doctor.book import twin
from whygrad.doctor.checks import run_checks
from whygrad.doctor.evidence import Evidence, gather
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.setup import Setup
from whygrad.doctor.trials import SEEDS, Outcome, try_out
from whygrad.doctor.verifying import Search, Trial, search
from whygrad.doctor.yardstick import Yardstick, yardstick_of

LEARNS = 0.88  # of what an ordinary model knows of rows that it has not seen
LEARNS_BY_HEART = 0.7
LEARNS_OF_TWIN = 0.6  # of what the same network by the book learned in as many steps
HELPED = 0.1  # of what can be learned: less is no gain
MOST_FINDINGS = 5
LEAST_WEIGHT = 0.1


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor says of a set-up.

    Attributes:
        findings: most likely first; empty where the network learns.
        notes: what is odd and harmless.
        learned: share of what can be learned that was learned.
        measures: accuracy or r2 of the original on the training part, one a seed.
        verdict: ``held``, ``did not hold``, ``worse`` or ``not tried``.
        best: the trial of the remedy that is advised; None without trials.
        trials: all of them, in order.
        seconds: wall time.
    """

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    learned: float
    measures: tuple[float, ...]
    verdict: str = "not tried"
    best: Trial | None = None
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0
    yardstick: Yardstick | None = None

    @property
    def is_healthy(self) -> bool:
        return not self.findings

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """What is advised."""
        return self.best.remedies if self.best else ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": [finding.to_dict() for finding in self.notes],
            "learned": self.learned,
            "measures": list(self.measures),
            "verdict": self.verdict,
            "remedy": {k: v for remedy in self.remedies for k, v in remedy.changes.items()},
            "after": list(self.best.outcome.measures) if self.best else [],
            "seconds": self.seconds,
        }


def diagnose(
    setup: Setup,
    *,
    verify: bool = False,
    budget: float = 60.0,
    tell: Callable[[str], None] = lambda name: None,
) -> Diagnosis:
    """Train a set-up from several seeds and say why it does not learn, or that it does.

    Args:
        verify: try the remedies beside the original.
        budget: seconds after which no new trial begins.
        tell: called with the name of what is tried next.
    """
    began = time.monotonic()
    tell("original")
    outcome = try_out(setup, SEEDS)
    evidence = gather(setup, yardstick_of(setup), outcome)
    found = run_checks(evidence)
    tell("twin")
    reference = with_twin(evidence, try_out(twin(setup)))
    learned = reference.learned(outcome.median)
    if learns(evidence, reference):
        return Diagnosis(
            (), tuple(found), learned, outcome.measures, seconds=time.monotonic() - began
        )
    if not verify:
        return replace(_of(found, learned, outcome), seconds=time.monotonic() - began)
    tried = search(setup, found, reference, learned, budget=budget, tell=tell)
    diagnosis = _verified(tried, learned, outcome)
    return replace(diagnosis, seconds=time.monotonic() - began, yardstick=reference)


def with_twin(evidence: Evidence, trained: Outcome) -> Yardstick:
    """Return the yardstick raised to what the twin learned."""
    level = max(evidence.yardstick.level, trained.median)
    return replace(evidence.yardstick, level=level)


def learns(evidence: Evidence, reference: Yardstick) -> bool:
    """Return whether a network learned what there is to learn."""
    wanted = LEARNS_BY_HEART if evidence.yardstick.is_by_heart else LEARNS
    of_twin = reference.learned(float(np.median(evidence.measures)))
    return evidence.learned >= wanted and of_twin >= LEARNS_OF_TWIN


def _of(found: list[Finding], learned: float, outcome: Outcome) -> Diagnosis:
    findings = tuple(f for f in found if f.weight >= LEAST_WEIGHT)[:MOST_FINDINGS]
    findings = findings or (Finding("unexplained", 0.3),)
    return Diagnosis(findings, (), learned, outcome.measures)


def _verified(tried: Search, learned: float, outcome: Outcome) -> Diagnosis:
    plain = _of(list(tried.findings), learned, outcome)
    best = tried.best
    if best is None:
        return plain
    return replace(plain, verdict=verdict_of(best, outcome), best=best, trials=tried.trials)


def verdict_of(best: Trial, before: Outcome) -> str:
    """Return what the figures say of a remedy."""
    after, was = best.outcome.median, before.median
    if after > was:
        return "held"
    return "worse" if after < was else "did not hold"
