"""Checks of what a program does with its gradients: zeroing, adding up, the optimizer, its rate."""

import numpy as np

from whygrad.doctor.faults import WATCHED, fault
from whygrad.doctor.finding import Finding
from whygrad.doctor.thresholds import HARMLESS, LEAST_LOSSES, LOWER, MOST, PYTORCH
from whygrad.doctor.watched_evidence import WatchedEvidence, called_in, ends_of, listed


@fault("loop", "optimizer", f"{PYTORCH}, Optimizer.zero_grad", of=WATCHED)
def zero_grad_missing(seen: WatchedEvidence) -> Finding | None:
    """Gradients of earlier steps are there when a step begins, and the optimiser uses the sum."""
    steps = [one for one in seen.facts if one["step"] > 0]
    held = [
        [name for name in one.get("left_over", []) if name not in one.get("not_held", [])]
        for one in steps
    ]
    found = [one["step"] for one, names in zip(steps, held, strict=True) if names]
    if not steps or len(found) <= MOST * len(steps):
        return None
    numbers = {"count": len(found), "steps": len(steps), "parameters": len(held[-1])}
    return Finding("zero_grad_missing", 0.95, numbers, step=found[0])


@fault("loop", "optimizer", f"{PYTORCH}, Optimizer.zero_grad", of=WATCHED)
def zero_grad_too_late(seen: WatchedEvidence) -> Finding | None:
    """Gradients came back, and were 0 again when the optimiser asked for them."""
    if not seen.is_zeroed_late:
        return None
    numbers = {"count": len(seen.zeroed), "steps": len(seen.facts)}
    return Finding("zero_grad_too_late", 0.95, numbers, step=seen.zeroed[0])


@fault("loop", "optimizer", f"{PYTORCH}, notes on autocast", of=WATCHED, if_learning=HARMLESS)
def undivided_accumulation(seen: WatchedEvidence) -> Finding | None:
    """Several backward passes of the same mean loss add up to one update, undivided.

    Harmless to an optimiser that divides by the size of its gradients.
    """
    counts = []
    for one in seen.facts:
        names = {call["name"] for call in called_in(one)}
        values = [call["value"] for call in called_in(one)]
        passes = one.get("backwards", [])
        if len(passes) > 1 and len(names) == 1 and passes == values:
            counts.append(len(passes))
    if not counts or len(counts) <= MOST * len(seen.facts):
        return None
    confidence = HARMLESS if seen.is_adaptive else 0.7
    return Finding("undivided_accumulation", confidence, {"passes": counts[-1]})


@fault("opt", "optimizer", f"{PYTORCH}, torch.optim.SGD", of=WATCHED)
def maximized_loss(seen: WatchedEvidence) -> Finding | None:
    """An optimiser climbs what is to fall; a loss that is negated as well falls again."""
    is_known = len(seen.losses) >= LEAST_LOSSES and np.isfinite(seen.losses).all()
    if seen.climber is None or not is_known:
        return None
    if any(np.median(part.weights) < 0 for part in seen.parts.values()):
        return None
    first, last = ends_of(seen.losses)
    numbers = {"optimizer": seen.climber, "first": first, "last": last}
    is_named = bool(seen.parts) and last > LOWER * first and not seen.is_early
    return Finding("maximized_loss", 0.8 if is_named else 0.3, numbers)


@fault("loop", "optimizer", f"{PYTORCH}, torch.optim", of=WATCHED)
def not_in_optimizer(seen: WatchedEvidence) -> Finding | None:
    """Parameters learn nothing because no optimiser holds them."""
    names = seen.last.get("not_held", [])
    if not names:
        return None
    return Finding("not_in_optimizer", 0.85, {"names": listed(names), "count": len(names)})


@fault("loop", "optimizer", f"{PYTORCH}, torch.Tensor.requires_grad_", of=WATCHED)
def frozen(seen: WatchedEvidence) -> Finding | None:
    """Parameters do not ask for gradients. Often that is meant; not where the rest cannot learn."""
    names = seen.last.get("frozen", [])
    if not names:
        return None
    confidence = 0.6 if seen.is_at_rest else 0.2
    return Finding("frozen", confidence, {"names": listed(names), "count": len(names)})


@fault("opt", "optimizer", f"{PYTORCH}, torch.optim.lr_scheduler", of=WATCHED)
def rate_at_zero(seen: WatchedEvidence) -> Finding | None:
    """The learning rate of every group is 0, in most steps; at the start it may be warming up."""
    later = seen.facts[len(seen.facts) // 2 :]
    rates = [[r for o in one.get("optimizers", []) for r in o["rates"]] for one in later]
    zero = [one["step"] for one, r in zip(later, rates, strict=True) if r and not any(r)]
    if not zero or len(zero) <= MOST * len(later):
        return None
    confidence = 0.9 if not seen.has_improved or len(zero) == len(later) else 0.5
    return Finding("rate_at_zero", confidence, {}, step=zero[0])


@fault("loop", "optimizer", f"{PYTORCH}, torch.optim.lr_scheduler", of=WATCHED)
def scheduler_first(seen: WatchedEvidence) -> Finding | None:
    """A scheduler took a step before the optimiser's first, so that the first rate is skipped."""
    names = [name for one in seen.facts[:1] for name in one.get("early_schedulers", [])]
    return Finding("scheduler_first", 0.6, {"names": listed(names)}) if names else None
