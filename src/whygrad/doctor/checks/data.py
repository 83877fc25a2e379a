"""Checks of what the data hold: rows that tell nothing, and what was learned by heart only."""

import numpy as np

from whygrad.doctor.evidence import Evidence
from whygrad.doctor.finding import Finding

WORSE = 1.2  # times the lowest validation loss


def unrelated_targets(evidence: Evidence) -> Finding | None:
    """Targets that no ordinary model can tell from the inputs: labels of other rows, or noise."""
    yardstick = evidence.yardstick
    if not yardstick.is_by_heart or yardstick.is_small or yardstick.level - yardstick.floor < 0.1:
        return None
    numbers = {"samples": len(evidence.setup.x), "floor": yardstick.floor}
    return Finding("unrelated_targets", 0.25, numbers)


def overfits(evidence: Evidence) -> Finding | None:
    """A validation loss that has risen again while the training loss fell: rows known by heart."""
    losses = np.asarray(evidence.validation, float)
    if len(losses) < 4 or not np.isfinite(losses).all():
        return None
    best = int(np.argmin(losses))
    if best == len(losses) - 1 or losses[-1] < WORSE * losses[best]:
        return None
    numbers = {"epoch": best + 1, "lowest": float(losses[best]), "last": float(losses[-1])}
    return Finding("overfits", 0.7, numbers)
