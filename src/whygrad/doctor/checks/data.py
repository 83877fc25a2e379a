"""Checks of what the data hold: rows that tell nothing, and what was learned by heart only."""

import numpy as np

from whygrad.doctor.faults import fault, row
from whygrad.doctor.finding import Finding
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.sources import CHECKER, GOODFELLOW, KARPATHY
from whygrad.doctor.thresholds import OVERFITTED
from whygrad.doctor.triage import NOTE


@fault("data", "agreement", f"{CHECKER}; {KARPATHY}")
def unrelated_targets(evidence: OwnEvidence) -> Finding | None:
    """Targets that no ordinary model can tell from the inputs: labels of other rows, or noise."""
    baseline = evidence.baseline
    if not baseline.is_by_heart or baseline.is_small or baseline.level - baseline.floor < 0.1:
        return None
    numbers = {"samples": len(evidence.setup.x), "floor": baseline.floor}
    return Finding("unrelated_targets", 0.25, numbers)


@fault("data", "agreement", f"{GOODFELLOW}, section 7.8", role=NOTE)
def overfits(evidence: OwnEvidence) -> Finding | None:
    """A validation loss that has risen again while the training loss fell: rows known by heart."""
    losses = np.asarray(evidence.validation, float)
    if len(losses) < 4 or not np.isfinite(losses).all():
        return None
    best = int(np.argmin(losses))
    if best == len(losses) - 1 or losses[-1] < OVERFITTED * losses[best]:
        return None
    numbers = {"epoch": best + 1, "lowest": float(losses[best]), "last": float(losses[-1])}
    return Finding("overfits", 0.7, numbers)


# what no check sees: a trial that helped, and a failure that nothing explains
row("found_by_trial", "opt", "optimizer", "the trials themselves")
row("unexplained", "opt", "optimizer", KARPATHY)
