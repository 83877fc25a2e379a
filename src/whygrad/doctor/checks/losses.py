"""Checks of a program's loss: what it is called with, how it counts, and the way back."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from whygrad.doctor.faults import SYMPTOM, WATCHED, fault
from whygrad.doctor.finding import Finding
from whygrad.doctor.thresholds import (
    BISHOP,
    ENOUGH_CALLS,
    HARMLESS,
    KARPATHY,
    LOWER,
    MOST,
    PYTORCH,
)
from whygrad.doctor.watched_evidence import (
    QUANTITIES,
    Call,
    WatchedEvidence,
    ends_of,
    is_within,
    listed,
    most,
)

ELEMENTWISE = (*QUANTITIES, "binary_cross_entropy")
LOGITS = "binary_cross_entropy_with_logits"


@fault("prep_y", "upstream", f"{PYTORCH}, torch.nn.BCEWithLogitsLoss", of=WATCHED)
def targets_out_of_range(seen: WatchedEvidence) -> Finding | None:
    """Binary targets outside 0 to 1: the loss falls without end, or towards nothing."""
    calls = [c for c in seen.losses_called if c["name"] in (LOGITS, "binary_cross_entropy")]
    call = most(
        calls, lambda c: c["targets"].get("low") is not None and not is_within(c["targets"], 0, 1)
    )
    if call is None:
        return None
    low, high = call["targets"]["low"], call["targets"]["high"]
    return Finding("targets_out_of_range", 0.95, {"loss": call["name"], "low": low, "high": high})


@fault("loss", "upstream", f"{PYTORCH}, torch.nn.MSELoss", of=WATCHED)
def broadcast_targets(seen: WatchedEvidence) -> Finding | None:
    """Claims and targets differ in shape, so that every one is held against every other."""
    calls = [c for c in seen.losses_called if c["name"] in (*ELEMENTWISE, LOGITS)]
    call = most(calls, lambda c: c["claims"].get("shape") != c["targets"].get("shape"))
    if call is None:
        return None
    shapes = {side: _shape(call[side]) for side in ("claims", "targets")}
    return Finding("broadcast_targets", 0.95, {"loss": call["name"], **shapes})


@fault("output_act", "slope", f"{PYTORCH}, torch.nn.CrossEntropyLoss", of=WATCHED)
def softmax_twice(seen: WatchedEvidence) -> Finding | None:
    """``cross_entropy`` takes the softmax of what has been through one."""
    calls = [c for c in seen.losses_called if c["name"] == "cross_entropy"]
    call = most(calls, lambda c: c["claims_from"] == "softmax")
    if call is not None:
        return Finding("softmax_twice", 0.95, _range(call))
    call = most(calls, lambda c: is_within(c["claims"], 0, 1) and c["claims"]["sums_to_one"])
    return None if call is None else Finding("softmax_twice", 0.9, _range(call))


@fault("output_act", "slope", f"{PYTORCH}, torch.nn.CrossEntropyLoss", of=WATCHED)
def sigmoid_before_softmax(seen: WatchedEvidence) -> Finding | None:
    """``cross_entropy`` takes the softmax of what has been through a sigmoid."""
    calls = [c for c in seen.losses_called if c["name"] == "cross_entropy"]
    call = most(calls, lambda c: c["claims_from"] == "sigmoid")
    if call is None:
        return None
    classes = call["claims"]["shape"][1] if len(call["claims"]["shape"]) > 1 else 2
    least = math.log(1 + (classes - 1) / math.e)  # of a row whose class has 1, the others 0
    return Finding("sigmoid_before_softmax", 0.9, _range(call) | {"least": least})


@fault("output_act", "slope", f"{PYTORCH}, torch.nn.BCEWithLogitsLoss", of=WATCHED)
def sigmoid_twice(seen: WatchedEvidence) -> Finding | None:
    """``binary_cross_entropy_with_logits`` takes the sigmoid of what has been through one."""
    calls = [c for c in seen.losses_called if c["name"] == LOGITS]
    call = most(calls, lambda c: c["claims_from"] == "sigmoid")
    if call is not None:
        return Finding("sigmoid_twice", 0.95, _range(call))
    if len(calls) < ENOUGH_CALLS:
        return None  # the first logits of a healthy model may be small
    call = most(calls, lambda c: is_within(c["claims"], 0, 1) and c["claims"]["high"] > 0)
    return None if call is None else Finding("sigmoid_twice", 0.5, _range(call))


@fault("output_act", "upstream", f"{PYTORCH}, torch.nn.NLLLoss", of=WATCHED)
def not_log_probabilities(seen: WatchedEvidence) -> Finding | None:
    """``nll_loss`` is given what is no logarithm of a probability: it is above 0."""
    calls = [c for c in seen.losses_called if c["name"] == "nll_loss"]
    call = most(calls, lambda c: (c["claims"].get("high") or 0.0) > 1e-6)
    return None if call is None else Finding("not_log_probabilities", 0.9, _range(call))


@fault("layers", "slope", BISHOP, of=WATCHED)
def one_column(seen: WatchedEvidence) -> Finding | None:
    """``cross_entropy`` over a single class: its softmax is 1, whatever the network says."""
    calls = [c for c in seen.losses_called if c["name"] == "cross_entropy"]
    call = most(calls, lambda c: c["claims"].get("shape", [])[1:2] == [1])
    if call is None:
        return None
    return Finding("one_column", 0.95, {"claims": _shape(call["claims"])})


@fault("loss", "upstream", f"{PYTORCH}, torch.Tensor.backward", of=WATCHED)
def negated_loss(seen: WatchedEvidence) -> Finding | None:
    """A loss function counts with a weight below 0, and what it says does not fall.

    In one of several parts that may be meant, as where two networks work against each other.
    """
    if seen.climber is not None:
        return None
    for name, part in seen.parts.items():
        if np.median(part.weights) >= 0:
            continue
        first, last = ends_of(part.values)
        numbers = {"loss": name, "weight": float(np.median(part.weights))}
        numbers |= {"first": first, "last": last}
        is_all = len(seen.parts) == 1 and not seen.is_early and last > LOWER * first
        return Finding("negated_loss", 0.8 if is_all else 0.3, numbers)
    return None


@fault(
    "loss",
    "agreement",
    f"{PYTORCH}, torch.nn.CrossEntropyLoss",
    of=WATCHED,
    if_learning=HARMLESS,
)
def summed_batch(seen: WatchedEvidence) -> Finding | None:
    """A loss summed over the batch; harmless to an optimiser that divides by the gradients' size.

    A rate that is small enough makes up for it: where the loss falls it is a note.
    """
    call = most(seen.losses_called, lambda c: c["reduction"] == "sum")
    if call is None:
        return None
    count = (call["claims"].get("shape") or [1])[0]
    confidence = HARMLESS if seen.is_adaptive else 0.6
    return Finding("summed_batch", confidence, {"loss": call["name"], "count": count})


@fault("opt", "upstream", KARPATHY, of=WATCHED, role=SYMPTOM)
def not_finite(seen: WatchedEvidence) -> Finding | None:
    """The loss is no number any more."""
    bad = np.flatnonzero(~np.isfinite(seen.losses))
    if not len(bad):
        return None
    step = seen.loss_steps[int(bad[0])]
    return Finding("not_finite", 0.9, {"count": len(bad)}, step=step)


def _shape(described: Mapping[str, Any]) -> str:
    return f"({', '.join(map(str, described.get('shape', [])))})"


def _range(call: Call) -> dict[str, Any]:
    return {"low": call["claims"]["low"], "high": call["claims"]["high"]}


@fault("loop", "upstream", f"{PYTORCH}, notes on autograd mechanics", of=WATCHED)
def inplace_reuse(seen: WatchedEvidence) -> Finding | None:
    """A value that backward still needs was overwritten."""
    message = seen.raised("modified by an inplace operation")
    return Finding("inplace_reuse", 1.0, {"message": message}) if message else None


@fault("loop", "upstream", f"{PYTORCH}, torch.Tensor.backward", of=WATCHED)
def graph_used_twice(seen: WatchedEvidence) -> Finding | None:
    """backward went through a graph that was freed."""
    message = seen.raised("backward through the graph a second time")
    return Finding("graph_used_twice", 1.0, {"message": message}) if message else None


@fault("loss", "upstream", f"{PYTORCH}, torch.nn.CrossEntropyLoss", of=WATCHED)
def wrong_dtype(seen: WatchedEvidence) -> Finding | None:
    """The targets have a type that the loss cannot work with."""
    message = seen.raised(
        "expected scalar type Long",
        "expected target dtype",
        "must have the same dtype",
        "Found dtype",
    )
    return Finding("wrong_dtype", 1.0, {"message": message}) if message else None


@fault("data", "upstream", f"{PYTORCH}, torch.nn.CrossEntropyLoss", of=WATCHED)
def class_out_of_range(seen: WatchedEvidence) -> Finding | None:
    """A class has a number for which there is no output."""
    message = seen.raised(r"Target -?\d+ is out of bounds")
    return Finding("class_out_of_range", 1.0, {"message": message}) if message else None


@fault("loop", "upstream", f"{PYTORCH}, torch.Tensor.detach", of=WATCHED)
def detached(seen: WatchedEvidence) -> Finding | None:
    """A layer was called for a loss, and nothing ever came back: the graph is cut behind it.

    A head that other steps are made for is called in vain in the rest of them.
    """
    names = [name for name in seen.most("cut_off") if name not in seen.reached]
    if not names:
        return None
    numbers = {"names": listed(names), "count": len(names)}
    return Finding("detached", 0.9, numbers, layer=names[0])


@fault("loop", "upstream", f"{PYTORCH}, torch.no_grad", of=WATCHED, if_learning=0.3)
def unreached(seen: WatchedEvidence) -> Finding | None:
    """An optimiser holds parameters that never get a gradient."""
    cut = {seen.description["layers"].get(name, {}).get("weight") for name in seen.most("cut_off")}
    known = {p.rpartition(".")[0] for p in cut if p}
    held = set(seen.last.get("not_held", []))
    names = [
        name
        for name in seen.always("without_gradient")
        if name not in held and name.rpartition(".")[0] not in known
    ]
    if not names or seen.is_zeroed_late:
        return None
    numbers = {"names": listed(names), "count": len(names)}
    return Finding("unreached", 0.6, numbers)


@fault("loop", "optimizer", f"{PYTORCH}, torch.nn.Module", of=WATCHED)
def made_in_forward(seen: WatchedEvidence) -> Finding | None:
    """Weights are used that are nobody's, and gone with the step."""
    counts = [one.get("made_in_forward", 0) for one in seen.facts]
    if not counts or sum(map(bool, counts)) <= MOST * len(counts):
        return None
    return Finding("made_in_forward", 0.9, {"count": max(counts)})


@fault("loop", "slope", f"{PYTORCH}, torch.nn.Module.train", of=WATCHED)
def in_eval_mode(seen: WatchedEvidence) -> Finding | None:
    """Dropout or batch norm layers train as in evaluation; a few may be meant, all are not."""
    names = seen.most("in_eval_mode")
    if not names:
        return None
    trained = seen.last.get("modal", len(names))
    confidence = 0.8 if len(names) >= trained else 0.3
    numbers = {"names": listed(names), "count": len(names), "of": trained}
    return Finding("in_eval_mode", confidence, numbers, layer=names[0])
