"""Checks of the steps: their size, number and direction, and what pulls beside the loss."""

import numpy as np

from whygrad.doctor import reference
from whygrad.doctor.evidence import Evidence
from whygrad.doctor.faults import BOTH, fault
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.thresholds import (
    BARELY,
    BENGIO,
    CHECKER,
    FAR_RATE,
    FEW_NEURONS,
    FEW_STEPS,
    GROWN_LOSS,
    HARMLESS,
    KARPATHY,
    LARGE_BATCH,
    LED,
    NOTABLE_DROPOUT,
    SHARE,
    SHORT_REACH,
    SMALL_BATCH,
    STRONG_DROPOUT,
    STRONG_L1,
    decades,
    sure,
)


@fault("opt", "optimizer", CHECKER, is_certain_before=True)
def flipped_sign(evidence: OwnEvidence) -> Finding | None:
    """Steps along the gradient instead of against it."""
    if not evidence.setup.settings.maximize:
        return None
    remedies = (Remedy("descend", "opt", {"maximize": False}),)
    return Finding("flipped_sign", 0.98, {}, remedies)


@fault("opt", "optimizer", BENGIO)
def rate_too_high(evidence: OwnEvidence) -> Finding | None:
    """Steps that overshoot: the loss grows, jumps, or is no number any more."""
    settings = evidence.setup.settings
    above = decades(settings.learning_rate, reference.USUAL_RATE[settings.optimizer])
    steps = [step for step in evidence.first_bad_step if step is not None]
    losses = evidence.losses
    with np.errstate(invalid="ignore", over="ignore"):
        grown = losses.shape[1] > 1 and np.mean(losses[:, -1] > GROWN_LOSS * losses[:, 0]) > 0.5
    is_wild = bool(steps) or grown
    if above < FAR_RATE and not is_wild:
        return None
    confidence = sure(0.15, 0.3, max(above, 0.0)) + 0.15 * is_wild + 0.15 * _died(evidence)
    remedies = (_rate(evidence, 0.1), _rate(evidence, 0.01), Remedy("adam", "opt", reference.ADAM))
    numbers = {
        "rate": settings.learning_rate,
        "usual": reference.USUAL_RATE[settings.optimizer],
        "optimizer": settings.optimizer,
    }
    first = min(steps, default=0)
    return Finding("rate_too_high", min(confidence, 0.98), numbers, remedies, step=first)


def _died(evidence: OwnEvidence) -> bool:
    """Return whether training closed half of a layer's neurons that were open before."""
    pairs = zip(evidence.starts, evidence.ends, strict=True)
    return any(
        len(end[name].dead) - len(start[name].dead) >= end[name].neurons * SHARE
        for start, end in pairs
        if end is not None
        for name in evidence.setup.layers[:-1]
    )


@fault("opt", "optimizer", BENGIO)
def rate_too_low(evidence: OwnEvidence) -> Finding | None:
    """Steps so short that the weights barely leave their start."""
    setup, settings = evidence.setup, evidence.setup.settings
    below = -decades(settings.learning_rate, reference.USUAL_RATE[settings.optimizer])
    reach = settings.learning_rate * setup.total_steps
    by_rate = sure(0.3, 0.25, below) if below >= FAR_RATE else 0.0
    is_adaptive = settings.optimizer in reference.ADAPTIVE
    is_short = is_adaptive and reach < SHORT_REACH
    by_reach = sure(0.35, 0.3, -decades(reach, SHORT_REACH)) if is_short else 0.0
    known = [moved for moved in evidence.moved if np.isfinite(moved)]
    moved = float(np.median(known)) if known else None
    # where no gradient is left to follow, longer steps would not have gone anywhere either
    is_led = evidence.gradient_left >= LED
    by_move = 0.45 if moved is not None and moved < BARELY and is_led else 0.0
    slack = 0.1 * evidence.is_still_falling
    confidence = max(by_rate, by_reach, by_move)
    if not confidence:
        return None
    numbers = {
        "rate": settings.learning_rate,
        "usual": reference.USUAL_RATE[settings.optimizer],
        "optimizer": settings.optimizer,
        "steps": setup.total_steps,
        "moved": moved,
    }
    remedies = (
        _rate(evidence, 10),
        _rate(evidence, 100),
        *(() if settings.optimizer == "adam" else (_adam(evidence),)),
    )
    return Finding("rate_too_low", min(confidence + slack, 0.97), numbers, remedies)


@fault("opt", "optimizer", "Kingma and Ba 2015")
def slow_optimizer(evidence: OwnEvidence) -> Finding | None:
    """One rate for all weights, where their gradients differ by powers of ten."""
    settings = evidence.setup.settings
    if settings.optimizer in reference.ADAPTIVE:
        return None
    confidence = {"adadelta": 0.45, "adagrad": 0.35}.get(settings.optimizer, 0.25)
    if settings.optimizer == "adadelta" and settings.learning_rate < 0.1:
        confidence = 0.8
    numbers = {"optimizer": settings.optimizer}
    remedies = (_adam(evidence), Remedy("adam", "opt", reference.ADAM))
    return Finding("slow_optimizer", confidence, numbers, remedies)


def _adam(evidence: OwnEvidence) -> Remedy:
    """Return the change to Adam, with a rate that can get anywhere in the steps there are."""
    needed = 5 / max(evidence.setup.total_steps, 1)
    rate = float(np.clip(10 ** np.round(np.log10(needed)), 1e-3, 0.1))
    name = "adam" if rate == 1e-3 else "adam_fast"
    return Remedy(name, "opt", {**reference.ADAM, "learning_rate": rate})


def _rate(evidence: OwnEvidence, times: float) -> Remedy:
    name = "rate_up" if times > 1 else "rate_down"
    rate = float(f"{evidence.setup.settings.learning_rate * times:.3g}")
    return Remedy(name, "opt", {"learning_rate": rate})


@fault("epochs", "optimizer", BENGIO)
def too_few_steps(evidence: OwnEvidence) -> Finding | None:
    """A run that ends before its network could get anywhere."""
    setup = evidence.setup
    few = decades(FEW_STEPS, setup.total_steps)
    falls = evidence.is_still_falling
    if few <= 0 and not falls:
        return None
    confidence = sure(0.2, 0.25, max(few, 0.0)) + 0.12 * falls
    remedies = tuple(
        Remedy("longer", "epochs", {"epochs": setup.settings.epochs * times}) for times in (5, 20)
    )
    numbers = {"steps": setup.total_steps, "epochs": setup.settings.epochs}
    return Finding("too_few_steps", min(confidence, 0.9), numbers, remedies)


@fault("batch", "agreement", f"{BENGIO}; McCandlish and others 2018")
def noisy_batch(evidence: OwnEvidence) -> Finding | None:
    """A step a sample, or little more: each one answers to its own noise."""
    setup = evidence.setup
    size = setup.settings.batch_size
    if size > SMALL_BATCH or len(setup.x) < 16 * size:
        return None
    confidence = 0.68 if size == 1 else 0.3
    remedies = (Remedy("batch", "batch", {"batch_size": 32}),)
    numbers = {"batch": size, "samples": len(setup.x)}
    return Finding("noisy_batch", confidence, numbers, remedies)


@fault("batch", "optimizer", BENGIO)
def few_batches(evidence: OwnEvidence) -> Finding | None:
    """Batches so large that few steps are left."""
    setup = evidence.setup
    size = setup.settings.batch_size
    if size <= LARGE_BATCH or setup.steps_per_epoch > 8 or setup.total_steps > FEW_STEPS:
        return None
    remedies = (Remedy("batch", "batch", {"batch_size": 32}),)
    numbers = {"batch": size, "samples": len(setup.x), "steps": setup.total_steps}
    return Finding("few_batches", 0.35, numbers, remedies)


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
