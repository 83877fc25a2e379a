"""Checks of what came of it: whether there was anything to learn, and how the loss went."""

from collections.abc import Callable

import numpy as np

from whygrad.doctor.faults import NOTE, SYMPTOM, VAGUE, WATCHED, fault, row
from whygrad.doctor.finding import Finding
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.thresholds import (
    BENGIO,
    CHECKER,
    GOODFELLOW,
    KARPATHY,
    LEAST_STEPS,
    LONG,
    OVERFITTED,
    RISEN,
    RISING,
    SHORT,
)
from whygrad.doctor.watched_evidence import WatchedEvidence, direction_of, ends_of
from whygrad.record.layers import KINDS


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


@fault("opt", "optimizer", f"{BENGIO}, section 3.1.1", of=WATCHED, role=SYMPTOM, if_learning=0.0)
def steps_too_long(seen: WatchedEvidence) -> Finding | None:
    """Updates as large as a good part of the weights, at first or on the whole; the loss grows."""
    ratios = _moves(seen, lambda values: max(values[0], float(np.median(values))))
    if not ratios:
        return None
    name, ratio = max(ratios.items(), key=lambda one: one[1])
    has_grown = len(seen.losses) >= LEAST_STEPS and not seen.descended[-1] < seen.descended[0]
    if ratio < LONG or not has_grown:
        return None
    return Finding("steps_too_long", 0.7, {"ratio": ratio}, layer=name)


@fault(
    "opt",
    "optimizer",
    f"{BENGIO}, section 3.1.1; {KARPATHY}",
    of=WATCHED,
    role=SYMPTOM,
    if_learning=0.0,
    yields_to=("dead", "saturated"),
)
def steps_too_short(seen: WatchedEvidence) -> Finding | None:
    """Updates of a millionth of the weights in every layer, and a loss that does not fall."""
    ratios = _moves(seen, lambda values: float(np.median(values)))
    is_asked = any(layer["asked"] for layer in seen.last.get("layers", {}).values())
    if not ratios or not is_asked or max(ratios.values()) >= SHORT:
        return None
    return Finding("steps_too_short", 0.7, {"ratio": max(ratios.values())})


@fault("data", "optimizer", KARPATHY, of=WATCHED, role=VAGUE)
def stuck(seen: WatchedEvidence) -> Finding | None:
    """The loss does not fall, whatever the reason."""
    if not seen.is_at_rest or seen.is_contest:
        return None
    numbers = {"first": float(seen.losses[0]), "last": float(seen.losses[-1])}
    return Finding("stuck", 0.4, numbers)


@fault("opt", "optimizer", KARPATHY, of=WATCHED, role=VAGUE)
def rising_loss(seen: WatchedEvidence) -> Finding | None:
    """The loss that is trained goes up, step by step, whatever the reason."""
    if not seen.is_at_rest or seen.is_contest or direction_of(seen.descended) < RISING:
        return None
    first, last = ends_of(seen.descended)
    if not last > first + RISEN * abs(first):
        return None
    return Finding("rising_loss", 0.45, {"first": first, "last": last})


def _moves(seen: WatchedEvidence, summed_up: Callable[[list[float]], float]) -> dict[str, float]:
    """Return update against weight of each layer, over all recorded steps."""
    found: dict[str, list[float]] = {}
    for one in seen.facts:
        for name, layer in one.get("layers", {}).items():
            kind = seen.description["layers"].get(name, {}).get("kind")
            sums = kind in KINDS and KINDS[kind].sums_inputs
            if sums and layer.get("weight") and layer.get("update") is not None:
                found.setdefault(name, []).append(layer["update"] / layer["weight"])
    return {name: summed_up(values) for name, values in found.items()}
