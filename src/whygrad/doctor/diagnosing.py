"""From a set-up to a diagnosis: measure, judge, and try the remedies."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from whygrad.doctor.baseline import Baseline, baseline_of
from whygrad.doctor.diagnosis import Diagnosis
from whygrad.doctor.evidence import LayerRows
from whygrad.doctor.faults import is_odd, likely_causes, run_checks, triage
from whygrad.doctor.finding import Finding
from whygrad.doctor.gathering import evidence_of, gather
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.reference import RANGES, reference_of
from whygrad.doctor.setup import Setup, standardised
from whygrad.doctor.thresholds import (
    ALMOST,
    AT_PLATEAU,
    FAULTY,
    HALF_BACK,
    LEARNS,
    LEARNS_BY_HEART,
    LEARNS_OF_REFERENCE,
    LEARNS_THOUGH_ODD,
    ROOM,
)
from whygrad.doctor.trials import Outcome, explained, measure_of, try_out
from whygrad.doctor.verifying import Search, Trial, gain, search
from whygrad.record.folder import RunFolder
from whygrad.training.trained import TrainedRun
from whygrad.words import t

UNEXPLAINED = (Finding("unexplained", 0.3, step=0),)
UNFINISHED = ("too_few_steps", "slow_optimizer", "rate_too_low")

Tell = Callable[[str], None]


def diagnose_trained(run: RunFolder, *, verify: bool, budget: float, tell: Tell) -> Diagnosis:
    """Say what a run of whygrad's own shows, see :func:`whygrad.doctor.asking.diagnose_run`."""
    evidence = evidence_of(TrainedRun.of(run))
    if not verify:
        return judge(evidence)
    return diagnose(evidence.setup, verify=True, budget=budget, tell=tell, record=evidence.rows)


def diagnose(
    setup: Setup,
    *,
    verify: bool = False,
    budget: float = 60.0,
    tell: Tell = lambda name: None,
    record: Mapping[str, LayerRows] | None = None,
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
    evidence = gather(setup, baseline_of(setup), outcome, record)
    tell(t("doctor.tried.reference"))
    reference = raised_by(evidence, try_out(reference_of(setup)))
    diagnosis = judge(evidence, reference)
    if verify and not diagnosis.is_healthy:
        tried = search(
            setup, run_checks(evidence), reference, diagnosis.learned, budget=budget, tell=tell
        )
        diagnosis = _verified(diagnosis, tried, evidence)
    return replace(diagnosis, before=outcome, seconds=time.monotonic() - began)


def judge(evidence: OwnEvidence, reference: Baseline | None = None) -> Diagnosis:
    """Say what evidence alone shows, without a trial.

    Args:
        reference: the baseline raised to what the reference configuration
            learned, where that was tried.
    """
    reference = reference or evidence.baseline
    found = run_checks(evidence)
    learned = _of_reference(evidence, reference)
    of_all = {
        "learned": learned,
        "measures": evidence.measures,
        "baseline": reference,
        "measure": "accuracy" if evidence.setup.is_classifying else "r2",
    }
    has_learned = nothing_to_explain(evidence, reference, found)
    alarms, notes = triage(found, has_learned)
    if has_learned:
        return Diagnosis(alarms, notes, **of_all)
    plateau = plateau_of(evidence.setup, float(np.median(evidence.measures)), reference)
    return Diagnosis(alarms or UNEXPLAINED, notes, **of_all, plateau=plateau)


def plateau_of(setup: Setup, measure: float, baseline: Baseline) -> str | None:
    """Return at which of three plateaus a measure is: ``base_rate``, ``range``, ``linear``.

    None where it is at none of them, or at what can be learned anyway.
    """
    targets, reach = np.asarray(setup.targets, np.float64), RANGES.get(setup.activations[-1])
    clipped = None if setup.is_classifying or reach is None else np.clip(targets, *reach)
    inputs = np.column_stack([standardised(setup.inputs), np.ones(len(setup.inputs))])
    weights, *_ = np.linalg.lstsq(inputs, targets, rcond=None)
    levels = {
        "base_rate": baseline.floor,
        "range": None if clipped is None else explained(setup, clipped),
        "linear": measure_of(setup, inputs @ weights),
    }
    for name, level in levels.items():
        if level is None or level >= baseline.level - ROOM:
            continue
        if abs(measure - level) < AT_PLATEAU:
            return name
    return None


def nothing_to_explain(
    evidence: OwnEvidence, reference: Baseline, found: Sequence[Finding]
) -> bool:
    """Return whether there is nothing to explain."""
    if is_odd(found) and _of_reference(evidence, reference) < LEARNS_THOUGH_ODD:
        return False
    return learns(evidence, reference) or is_on_its_way(evidence, found)


def _of_reference(evidence: OwnEvidence, reference: Baseline) -> float:
    return reference.learned(float(np.median(evidence.measures)))


def raised_by(evidence: OwnEvidence, trained: Outcome) -> Baseline:
    """Return the baseline raised to what the reference configuration learned."""
    level = max(evidence.baseline.level, trained.median)
    return replace(evidence.baseline, level=level)


def learns(evidence: OwnEvidence, reference: Baseline) -> bool:
    """Return whether a network learned what there is to learn."""
    wanted = LEARNS_BY_HEART if evidence.baseline.is_by_heart else LEARNS
    return evidence.learned >= wanted and _of_reference(evidence, reference) >= LEARNS_OF_REFERENCE


def is_on_its_way(evidence: OwnEvidence, found: Sequence[Finding]) -> bool:
    """Return whether nothing is wrong but that the run ended while the loss still fell."""
    others = [f for f in found if f.kind not in UNFINISHED and f.confidence >= FAULTY]
    return evidence.learned >= ALMOST and evidence.is_still_falling and not others


def _verified(diagnosis: Diagnosis, tried: Search, evidence: OwnEvidence) -> Diagnosis:
    """Return a diagnosis with what became of the trials.

    What remains are the faults of the components that were changed which the checks still find.
    """
    best, findings = tried.best, likely_causes(tried.findings) or UNEXPLAINED
    if best is None:
        return replace(diagnosis, findings=findings)
    meant = {f.kind for f in findings if f.component in best.components}
    after = run_checks(gather(best.setup, evidence.baseline, best.outcome))
    return replace(
        diagnosis,
        findings=findings,
        verdict=verdict_of(best, evidence.measures, diagnosis.learned),
        best=best,
        trials=tried.trials,
        remaining=tuple(f.kind for f in after if f.kind in meant and f.confidence >= FAULTY),
    )


def verdict_of(best: Trial, before: Sequence[float], learned: float) -> str:
    """Return what the figures say of a remedy: it held if it brought half of the loss back.

    Args:
        before: accuracy or r2 of the original, one a seed.
        learned: share of what can be learned that the original learned.
    """
    after, was = best.outcome.median, float(np.median(before))
    if after < was:
        return "worse"
    return "held" if after > was and gain(best, learned) >= HALF_BACK else "did not hold"
