"""Checks of the steps: their size, their number, their direction, and how many samples agree."""

import numpy as np

from whygrad.doctor import reference as book
from whygrad.doctor.checks.grades import decades, sure
from whygrad.doctor.evidence import Evidence
from whygrad.doctor.finding import Finding, Remedy

FAR_RATE = 0.9  # powers of ten from the usual learning rate
SHORT_REACH = 1.0  # steps * rate of an optimiser whose steps are as long as its rate
FEW_STEPS = 1000
BARELY = 0.1  # of the size of the weights
STILL_FALLING = 0.95
SMALL_BATCH = 4


def flipped_sign(evidence: Evidence) -> Finding | None:
    """Steps along the gradient instead of against it."""
    if not evidence.setup.settings.maximize:
        return None
    remedies = (Remedy("descend", "opt", {"maximize": False}),)
    return Finding("flipped_sign", 0.98, {}, remedies)


def rate_too_high(evidence: Evidence) -> Finding | None:
    """Steps that overshoot: the loss grows, jumps, or is no number any more."""
    settings = evidence.setup.settings
    above = decades(settings.learning_rate, book.USUAL_RATE[settings.optimizer])
    is_lost = any(step is not None for step in evidence.first_bad_step)
    is_wild = is_lost or _is_wild(evidence.losses)
    if above < FAR_RATE and not is_wild:
        return None
    died = _died(evidence)
    confidence = sure(0.15, 0.3, max(above, 0.0)) + 0.15 * is_wild + 0.15 * died
    remedies = (_rate(evidence, 0.1), _rate(evidence, 0.01), Remedy("adam", "opt", book.ADAM))
    steps = [step for step in evidence.first_bad_step if step is not None]
    numbers = {
        "rate": settings.learning_rate,
        "usual": book.USUAL_RATE[settings.optimizer],
        "optimizer": settings.optimizer,
    }
    first = min(steps) if steps else 0
    return Finding("rate_too_high", min(confidence, 0.98), numbers, remedies, step=first)


def _died(evidence: Evidence) -> bool:
    """Return whether training closed half of a layer's neurons that were open before."""
    pairs = zip(evidence.starts, evidence.ends, strict=True)
    return any(
        len(end[name].dead) - len(start[name].dead) >= end[name].neurons / 2
        for start, end in pairs
        if end is not None
        for name in evidence.setup.layers[:-1]
    )


def _is_wild(losses: np.ndarray) -> bool:
    """Return whether the loss of most seeds ends above its start, or jumps about."""
    with np.errstate(invalid="ignore", over="ignore"):
        grown = losses[:, -1] > 1.2 * losses[:, 0]
    return bool(np.mean(grown) > 0.5) if losses.shape[1] > 1 else False


def rate_too_low(evidence: Evidence) -> Finding | None:
    """Steps so short that the weights barely leave their start."""
    setup, settings = evidence.setup, evidence.setup.settings
    below = -decades(settings.learning_rate, book.USUAL_RATE[settings.optimizer])
    reach = settings.learning_rate * setup.total_steps
    by_rate = sure(0.3, 0.25, below) if below >= FAR_RATE else 0.0
    is_adaptive = settings.optimizer in book.ADAPTIVE
    by_reach = (
        sure(0.35, 0.3, -decades(reach, SHORT_REACH))
        if is_adaptive and reach < SHORT_REACH
        else 0.0
    )
    moved = _moved(evidence)
    by_move = 0.45 if moved is not None and moved < BARELY else 0.0
    slack = 0.1 * is_still_falling(evidence)
    confidence = max(by_rate, by_reach, by_move)
    if not confidence:
        return None
    numbers = {
        "rate": settings.learning_rate,
        "usual": book.USUAL_RATE[settings.optimizer],
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


def slow_optimizer(evidence: Evidence) -> Finding | None:
    """One rate for all weights, where their gradients differ by powers of ten."""
    settings = evidence.setup.settings
    if settings.optimizer in book.ADAPTIVE:
        return None
    confidence = {"adadelta": 0.45, "adagrad": 0.35}.get(settings.optimizer, 0.25)
    if settings.optimizer == "adadelta" and settings.learning_rate < 0.1:
        confidence = 0.8
    numbers = {"optimizer": settings.optimizer}
    remedies = (_adam(evidence), Remedy("adam", "opt", book.ADAM))
    return Finding("slow_optimizer", confidence, numbers, remedies)


def _adam(evidence: Evidence) -> Remedy:
    """Return the change to Adam, with a rate that can get anywhere in the steps there are."""
    needed = 5 / max(evidence.setup.total_steps, 1)
    rate = float(np.clip(10 ** np.round(np.log10(needed)), 1e-3, 0.1))
    name = "adam" if rate == 1e-3 else "adam_fast"
    return Remedy(name, "opt", {**book.ADAM, "learning_rate": rate})


def _rate(evidence: Evidence, times: float) -> Remedy:
    name = "rate_up" if times > 1 else "rate_down"
    rate = float(f"{evidence.setup.settings.learning_rate * times:.3g}")
    return Remedy(name, "opt", {"learning_rate": rate})


def _moved(evidence: Evidence) -> float | None:
    """Return how far the weights went, as a share of their size: the furthest of the layers."""
    moved = [m for m in evidence.moved if np.isfinite(m)]
    return float(np.median(moved)) if moved else None


def is_still_falling(evidence: Evidence) -> bool:
    """Return whether the loss fell by more than 5 % over the last quarter of the run."""
    losses = np.median(evidence.losses, axis=0)
    if len(losses) < 4 or not np.isfinite(losses).all():
        return False
    before = losses[int(len(losses) * 0.75) - 1]
    return bool(losses[-1] < before - (1 - STILL_FALLING) * abs(before))


def too_few_steps(evidence: Evidence) -> Finding | None:
    """A run that ends before its network could get anywhere."""
    setup = evidence.setup
    few = decades(FEW_STEPS, setup.total_steps)
    falls = is_still_falling(evidence)
    if few <= 0 and not falls:
        return None
    confidence = sure(0.2, 0.25, max(few, 0.0)) + 0.12 * falls
    remedies = tuple(
        Remedy("longer", "epochs", {"epochs": setup.settings.epochs * times}) for times in (5, 20)
    )
    numbers = {"steps": setup.total_steps, "epochs": setup.settings.epochs}
    return Finding("too_few_steps", min(confidence, 0.9), numbers, remedies)


def noisy_batch(evidence: Evidence) -> Finding | None:
    """A step a sample, or little more: each one answers to its own noise."""
    setup = evidence.setup
    size = setup.settings.batch_size
    if size > SMALL_BATCH or len(setup.x) < 16 * size:
        return None
    confidence = 0.68 if size == 1 else 0.3
    remedies = (Remedy("batch", "batch", {"batch_size": 32}),)
    numbers = {"batch": size, "samples": len(setup.x)}
    return Finding("noisy_batch", confidence, numbers, remedies)


def few_batches(evidence: Evidence) -> Finding | None:
    """Batches so large that few steps are left."""
    setup = evidence.setup
    size = setup.settings.batch_size
    if size <= 64 or setup.steps_per_epoch > 8 or setup.total_steps > FEW_STEPS:
        return None
    remedies = (Remedy("batch", "batch", {"batch_size": 32}),)
    numbers = {"batch": size, "samples": len(setup.x), "steps": setup.total_steps}
    return Finding("few_batches", 0.35, numbers, remedies)
