"""From a set-up to a diagnosis: measure, judge, and try the remedies."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whygrad.doctor.baseline import Yardstick, yardstick_of
from whygrad.doctor.checks import run_checks
from whygrad.doctor.checks.steps import is_still_falling
from whygrad.doctor.evidence import Evidence, Record, gather
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.plateau import plateau_of
from whygrad.doctor.reference import twin
from whygrad.doctor.setup import Setup
from whygrad.doctor.trials import Outcome, try_out
from whygrad.doctor.verifying import HALF, Search, Trial, gain, search
from whygrad.words import t

LEARNS = 0.88  # of what an ordinary model knows of rows that it has not seen
LEARNS_BY_HEART = 0.7
LEARNS_OF_TWIN = 0.6  # of what the same network by the book learned in as many steps
LEARNS_THOUGH_ODD = 0.8  # of that, where a check finds something odd; from the sweep over faults
ALMOST = 0.7  # learned, and the loss still falls: it is on its way
UNFINISHED = ("too_few_steps", "slow_optimizer", "rate_too_low")
FAULTY = 0.4  # confidence from which something else is wrong than the length of the run
CONSEQUENCES = ("overfits",)  # no cause of not learning; always a note
ODD = 0.6  # confidence of a finding that is told, as a note where the network learns
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
        yardstick: what can be learned.
        plateau: where it got stuck: ``base_rate``, ``range`` or ``linear``; None if at none.
        measure: what is measured, ``accuracy`` or ``r2``.
        remaining: ailments of what was changed that the checks still find after the remedy.
        before: the original, trained from several seeds; None where a run's record was enough.
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
    before: Outcome | None = None
    plateau: str | None = None
    measure: str = "accuracy"
    remaining: tuple[str, ...] = ()

    def __str__(self) -> str:
        from whygrad.doctor.rendering import tell

        return tell(self)

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
            "measure": self.measure,
            "plateau": self.plateau,
            "remaining": list(self.remaining),
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
    record: Mapping[str, Record] | None = None,
) -> Diagnosis:
    """Train a set-up from several seeds and say why it does not learn, or that it does.

    Args:
        verify: try the remedies beside the original.
        budget: seconds after which no new trial begins.
        tell: called with what is tried next, in words.
        record: what a run of the set-up recorded, by layer.
    """
    began = time.monotonic()
    tell(t("doctor.tried.original"))
    outcome = try_out(setup)
    evidence = gather(setup, yardstick_of(setup), outcome, record)
    tell(t("doctor.tried.twin"))
    reference = with_twin(evidence, try_out(twin(setup)))
    diagnosis = judge(evidence, reference)
    if verify and not diagnosis.is_healthy:
        tried = search(
            setup, run_checks(evidence), reference, diagnosis.learned, budget=budget, tell=tell
        )
        diagnosis = _verified(diagnosis, tried, evidence)
    return replace(diagnosis, before=outcome, seconds=time.monotonic() - began)


def judge(evidence: Evidence, reference: Yardstick | None = None) -> Diagnosis:
    """Say what evidence alone shows, without a trial.

    Args:
        reference: the yardstick raised to what the twin learned, where it was tried.
    """
    reference = reference or evidence.yardstick
    found = run_checks(evidence)
    learned = _of_twin(evidence, reference)
    of_all = {
        "learned": learned,
        "measures": evidence.measures,
        "yardstick": reference,
        "measure": "accuracy" if evidence.setup.is_classifying else "r2",
    }
    if nothing_to_explain(evidence, reference, found):
        notes = tuple(finding for finding in found if finding.confidence >= ODD)
        return Diagnosis((), notes, **of_all)
    notes = tuple(finding for finding in found if finding.kind in CONSEQUENCES)
    plateau = plateau_of(evidence.setup, float(np.median(evidence.measures)), reference)
    return Diagnosis(_worth_telling(found), notes, **of_all, plateau=plateau)


def nothing_to_explain(evidence: Evidence, reference: Yardstick, found: Sequence[Finding]) -> bool:
    """Return whether there is nothing to explain."""
    is_odd = any(f.confidence >= ODD for f in found if f.kind not in CONSEQUENCES)
    if is_odd and _of_twin(evidence, reference) < LEARNS_THOUGH_ODD:
        return False
    return learns(evidence, reference) or is_on_its_way(evidence, found)


def _of_twin(evidence: Evidence, reference: Yardstick) -> float:
    return reference.learned(float(np.median(evidence.measures)))


def with_twin(evidence: Evidence, trained: Outcome) -> Yardstick:
    """Return the yardstick raised to what the twin learned."""
    level = max(evidence.yardstick.level, trained.median)
    return replace(evidence.yardstick, level=level)


def learns(evidence: Evidence, reference: Yardstick) -> bool:
    """Return whether a network learned what there is to learn."""
    wanted = LEARNS_BY_HEART if evidence.yardstick.is_by_heart else LEARNS
    return evidence.learned >= wanted and _of_twin(evidence, reference) >= LEARNS_OF_TWIN


def is_on_its_way(evidence: Evidence, found: Sequence[Finding]) -> bool:
    """Return whether nothing is wrong but that the run ended while the loss still fell."""
    others = [f for f in found if f.kind not in UNFINISHED and f.confidence >= FAULTY]
    return evidence.learned >= ALMOST and is_still_falling(evidence) and not others


def _worth_telling(found: Sequence[Finding]) -> tuple[Finding, ...]:
    causes = [finding for finding in found if finding.kind not in CONSEQUENCES]
    likely = tuple(f for f in causes if f.weight >= LEAST_WEIGHT)[:MOST_FINDINGS]
    return likely or (Finding("unexplained", 0.3),)


def _verified(diagnosis: Diagnosis, tried: Search, evidence: Evidence) -> Diagnosis:
    findings = _worth_telling(tried.findings)
    if tried.best is None:
        return replace(diagnosis, findings=findings)
    return replace(
        diagnosis,
        findings=findings,
        verdict=verdict_of(tried.best, evidence.measures, diagnosis.learned),
        best=tried.best,
        trials=tried.trials,
        remaining=_remaining(tried.best, findings, evidence.yardstick),
    )


def _remaining(best: Trial, findings: Sequence[Finding], yardstick: Yardstick) -> tuple[str, ...]:
    """Return which ailments of the components that were changed the checks still find."""
    meant = {f.kind for f in findings if f.component in best.components}
    after = run_checks(gather(best.setup, yardstick, best.outcome))
    return tuple(f.kind for f in after if f.kind in meant and f.confidence >= FAULTY)


def verdict_of(best: Trial, before: Sequence[float], learned: float) -> str:
    """Return what the figures say of a remedy: it held if it brought half of the loss back.

    Args:
        before: accuracy or r2 of the original, one a seed.
        learned: share of what can be learned that the original learned.
    """
    after, was = best.outcome.median, float(np.median(before))
    if after < was:
        return "worse"
    return "held" if after > was and gain(best, learned) >= HALF else "did not hold"
