"""Checks of what is added against overfitting: dropout, l1 and l2."""

from whygrad.doctor.checks.grades import decades, sure
from whygrad.doctor.evidence import Evidence
from whygrad.doctor.faults import BOTH, fault
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.sources import KARPATHY
from whygrad.doctor.thresholds import (
    FEW_NEURONS,
    HARMLESS,
    NOTABLE_DROPOUT,
    STRONG_DROPOUT,
    STRONG_L1,
)


@fault("dropout", "slope", "Srivastava and others 2014", of=BOTH, if_learning=HARMLESS)
def strong_dropout(evidence: Evidence) -> Finding | None:
    """Dropout that leaves too few neurons to learn with."""
    dropped = [
        layer
        for layer in evidence.dropped
        if layer.share >= STRONG_DROPOUT
        or (layer.share >= NOTABLE_DROPOUT and layer.neurons <= FEW_NEURONS)
    ]
    if not dropped:
        return None
    worst = max(dropped, key=lambda layer: (layer.share, layer.neurons))
    share, is_narrow = worst.share, worst.neurons <= FEW_NEURONS
    confidence = min(0.25 + (share - 0.4) * 0.8 * (share > 0.4) + 0.25 * is_narrow, 0.85)
    remedies = (Remedy("no_dropout", "dropout", {"drop": 0.0}),)
    numbers = {"share": share} | (
        {} if worst.neurons == float("inf") else {"neurons": worst.neurons}
    )
    return Finding("strong_dropout", confidence, numbers, remedies, worst.layer)


@fault("l1", "optimizer", KARPATHY)
def strong_l1(evidence: OwnEvidence) -> Finding | None:
    """A penalty on the size of weights that pulls harder than the loss."""
    l1 = evidence.setup.settings.l1
    if l1 < STRONG_L1:
        return None
    confidence = sure(0.5, 0.25, decades(l1, STRONG_L1))
    return Finding("strong_l1", confidence, {"l1": l1}, (Remedy("no_l1", "l1", {"l1": 0.0}),))


DECAY = f"{KARPATHY}; Krogh and Hertz 1991; Loshchilov and Hutter 2019"


@fault("l2", "optimizer", DECAY, of=BOTH, if_learning=HARMLESS)
def strong_l2(evidence: Evidence) -> Finding | None:
    """A penalty on the square of weights, or a decay, that pulls harder than the loss."""
    strong = [decay for decay in evidence.decays if decay.amount >= decay.strong]
    if not strong:
        return None
    worst = max(strong, key=lambda decay: decay.amount / decay.strong)
    confidence = sure(0.45, 0.28, decades(worst.amount, worst.strong))
    numbers = {"l2": worst.amount, "decay": worst.amount, "optimizer": worst.optimizer}
    return Finding("strong_l2", confidence, numbers, (Remedy("no_l2", "l2", {"l2": 0.0}),))
