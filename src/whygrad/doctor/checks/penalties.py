"""Checks of what is added against overfitting: dropout, l1 and l2."""

from whygrad.doctor.checks.grades import decades, sure
from whygrad.doctor.evidence import Evidence
from whygrad.doctor.finding import Finding, Remedy

STRONG_DROPOUT = 0.5
NARROW = 8  # neurons: dropping some leaves few
STRONG_L1 = 1e-3
STRONG_L2 = 5e-3


def strong_dropout(evidence: Evidence) -> Finding | None:
    """Dropout that leaves too few neurons to learn with."""
    setup = evidence.setup
    dropped = [
        (share, size, name)
        for share, size, name in zip(setup.dropout, setup.sizes[1:], setup.layers, strict=False)
        if share >= STRONG_DROPOUT or (share >= 0.2 and size <= NARROW)
    ]
    if not dropped:
        return None
    share, size, name = max(dropped)
    confidence = min(0.25 + (share - 0.4) * 0.8 * (share > 0.4) + 0.25 * (size <= NARROW), 0.85)
    remedies = (Remedy("no_dropout", "dropout", {"drop": 0.0}),)
    numbers = {"share": share, "neurons": size}
    return Finding("strong_dropout", confidence, numbers, remedies, name)


def strong_l1(evidence: Evidence) -> Finding | None:
    """A penalty on the size of weights that pulls harder than the loss."""
    l1 = evidence.setup.settings.l1
    if l1 < STRONG_L1:
        return None
    confidence = sure(0.5, 0.25, decades(l1, STRONG_L1))
    return Finding("strong_l1", confidence, {"l1": l1}, (Remedy("no_l1", "l1", {"l1": 0.0}),))


def strong_l2(evidence: Evidence) -> Finding | None:
    """A penalty on the square of weights that pulls harder than the loss."""
    l2 = evidence.setup.settings.l2
    if l2 < STRONG_L2:
        return None
    confidence = sure(0.45, 0.28, decades(l2, STRONG_L2))
    return Finding("strong_l2", confidence, {"l2": l2}, (Remedy("no_l2", "l2", {"l2": 0.0}),))
