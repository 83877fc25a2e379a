"""Faults at the end of a network: the loss, what it is given, and what it is held against."""

from collections.abc import Callable
from typing import Any

import numpy as np

from whygrad.doctor.watched.evidence import WatchedEvidence, direction_of, ends_of
from whygrad.doctor.watched.finding import WatchedFinding

MOST = 0.5  # of the calls
LEAST = 4  # recorded losses, before their first and last quarters are compared
LOWER = 0.9  # of where it began: a loss that is below has fallen all the same
RISING = 0.6  # rank correlation of loss and step above which it goes up
RISEN = 0.1  # of its size
ENOUGH = 10  # calls, before a guess is made from their values alone
QUANTITIES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
ELEMENTWISE = (*QUANTITIES, "binary_cross_entropy")
LOGITS = "binary_cross_entropy_with_logits"


def broadcast_targets(seen: WatchedEvidence) -> WatchedFinding | None:
    """Claims and targets differ in shape, so that every one is held against every other."""
    calls = [c for c in seen.losses_called if c["name"] in (*ELEMENTWISE, LOGITS)]
    call = most(calls, lambda c: c["claims"].get("shape") != c["targets"].get("shape"))
    if call is None:
        return None
    shapes = {side: _shape(call[side]) for side in ("claims", "targets")}
    return WatchedFinding("broadcast_targets", 0.95, {"loss": call["name"], **shapes})


def softmax_twice(seen: WatchedEvidence) -> WatchedFinding | None:
    """``cross_entropy`` takes the softmax of what has been through one."""
    calls = [c for c in seen.losses_called if c["name"] == "cross_entropy"]
    call = most(calls, lambda c: c["claims_from"] == "softmax")
    if call is not None:
        return WatchedFinding("softmax_twice", 0.95, _range(call))
    call = most(calls, lambda c: is_within(c["claims"], 0, 1) and c["claims"]["sums_to_one"])
    return None if call is None else WatchedFinding("softmax_twice", 0.9, _range(call))


def sigmoid_twice(seen: WatchedEvidence) -> WatchedFinding | None:
    """``binary_cross_entropy_with_logits`` takes the sigmoid of what has been through one."""
    calls = [c for c in seen.losses_called if c["name"] == LOGITS]
    call = most(calls, lambda c: c["claims_from"] == "sigmoid")
    if call is not None:
        return WatchedFinding("sigmoid_twice", 0.95, _range(call))
    if len(calls) < ENOUGH:
        return None  # the first logits of a healthy model may be small
    call = most(calls, lambda c: is_within(c["claims"], 0, 1) and c["claims"]["high"] > 0)
    return None if call is None else WatchedFinding("sigmoid_twice", 0.5, _range(call))


def not_log_probabilities(seen: WatchedEvidence) -> WatchedFinding | None:
    """``nll_loss`` is given what is no logarithm of a probability: it is above 0."""
    calls = [c for c in seen.losses_called if c["name"] == "nll_loss"]
    call = most(calls, lambda c: (c["claims"].get("high") or 0.0) > 1e-6)
    return None if call is None else WatchedFinding("not_log_probabilities", 0.9, _range(call))


def one_column(seen: WatchedEvidence) -> WatchedFinding | None:
    """``cross_entropy`` over a single class: its softmax is 1, whatever the network says."""
    calls = [c for c in seen.losses_called if c["name"] == "cross_entropy"]
    call = most(calls, lambda c: len(c["claims"].get("shape", [])) > 1 and _columns(c) == 1)
    if call is None:
        return None
    return WatchedFinding("one_column", 0.95, {"claims": _shape(call["claims"])})


def targets_out_of_range(seen: WatchedEvidence) -> WatchedFinding | None:
    """Binary targets outside 0 to 1: the loss falls without end, or towards nothing."""
    calls = [c for c in seen.losses_called if c["name"] in (LOGITS, "binary_cross_entropy")]
    call = most(
        calls, lambda c: c["targets"].get("low") is not None and not is_within(c["targets"], 0, 1)
    )
    if call is None:
        return None
    low, high = call["targets"]["low"], call["targets"]["high"]
    return WatchedFinding(
        "targets_out_of_range", 0.95, {"loss": call["name"], "low": low, "high": high}
    )


def summed_batch(seen: WatchedEvidence) -> WatchedFinding | None:
    """A loss summed over the batch; harmless to an optimiser that divides by the gradients' size.

    A rate that is small enough makes up for it: where the loss falls it is a note.
    """
    call = most(seen.losses_called, lambda c: c["reduction"] == "sum")
    if call is None:
        return None
    count = (call["claims"].get("shape") or [1])[0]
    confidence = 0.2 if seen.is_adaptive or seen.has_improved else 0.6
    return WatchedFinding("summed_batch", confidence, {"loss": call["name"], "count": count})


def not_finite(seen: WatchedEvidence) -> WatchedFinding | None:
    """The loss is no number any more."""
    bad = np.flatnonzero(~np.isfinite(seen.losses))
    if not len(bad):
        return None
    step = seen.loss_steps[int(bad[0])]
    return WatchedFinding("not_finite", 0.9, {"count": len(bad)}, step=step)


def negated_loss(seen: WatchedEvidence) -> WatchedFinding | None:
    """A loss function counts with a weight below 0, and what it says does not fall.

    In one of several parts that may be meant, as where two networks work against each other.
    """
    if seen.climber is not None:
        return None
    for name, part in seen.parts.items():
        if np.median(part.weights) >= 0:
            continue
        first, last = ends_of(part.values)
        evidence = {"loss": name, "weight": float(np.median(part.weights))}
        evidence |= {"first": first, "last": last}
        is_all = len(seen.parts) == 1 and len(part.weights) >= LEAST and last > LOWER * first
        return WatchedFinding("negated_loss", 0.8 if is_all else 0.3, evidence)
    return None


def maximized_loss(seen: WatchedEvidence) -> WatchedFinding | None:
    """An optimiser climbs what is to fall; a loss that is negated as well falls again."""
    if seen.climber is None or len(seen.losses) < LEAST or not np.isfinite(seen.losses).all():
        return None
    if any(np.median(part.weights) < 0 for part in seen.parts.values()):
        return None
    first, last = ends_of(seen.losses)
    evidence = {"optimizer": seen.climber, "first": first, "last": last}
    is_named = bool(seen.parts) and last > LOWER * first
    return WatchedFinding("maximized_loss", 0.8 if is_named else 0.3, evidence)


def rising_loss(seen: WatchedEvidence) -> WatchedFinding | None:
    """The loss that is trained goes up, step by step, whatever the reason."""
    if not seen.is_at_rest or direction_of(seen.descended) < RISING:
        return None
    first, last = ends_of(seen.descended)
    if not last > first + RISEN * abs(first):
        return None
    return WatchedFinding("rising_loss", 0.45, {"first": first, "last": last})


def most(calls: list[dict[str, Any]], is_so: Callable[[dict], bool]) -> dict[str, Any] | None:
    """Return the last call of which something is so, where it is so for most of them."""
    found = [call for call in calls if call["claims"] and call["targets"] and is_so(call)]
    return found[-1] if calls and len(found) > MOST * len(calls) else None


def is_within(described: dict[str, Any], low: float, high: float) -> bool:
    """Return whether all values of claims or targets are known to lie between two numbers."""
    is_known = described.get("low") is not None and described.get("high") is not None
    return is_known and low <= described["low"] and described["high"] <= high


def _columns(call: dict[str, Any]) -> int:
    return call["claims"]["shape"][1]


def _shape(described: dict[str, Any]) -> str:
    return f"({', '.join(map(str, described.get('shape', [])))})"


def _range(call: dict[str, Any]) -> dict[str, Any]:
    return {"low": call["claims"]["low"], "high": call["claims"]["high"]}
