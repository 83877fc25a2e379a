"""Faults of a training loop: what only a program that is written out can do wrong."""

import re

from whygrad.doctor.watched.evidence import WatchedEvidence, called_in
from whygrad.doctor.watched.finding import WatchedFinding

MOST = 0.5  # of the recorded steps: once or twice may be meant
ALL = 0.95
MESSAGES = {  # patterns in torch's own exceptions
    "modified by an inplace operation": "inplace_reuse",
    "backward through the graph a second time": "graph_used_twice",
    "expected scalar type Long": "wrong_dtype",
    "expected target dtype": "wrong_dtype",
    "must have the same dtype": "wrong_dtype",
    "Found dtype": "wrong_dtype",
    "input should be between 0 and 1": "not_probabilities",
    r"Target -?\d+ is out of bounds": "class_out_of_range",
}


def exception(seen: WatchedEvidence) -> WatchedFinding | None:
    """The loop ended with an exception that torch raises for one cause alone."""
    message = seen.failure.get("message", "")
    for part, kind in MESSAGES.items():
        if re.search(part, message):
            return WatchedFinding(kind, 1.0, {"message": message.split(".")[0]})
    return None


def zero_grad_missing(seen: WatchedEvidence) -> WatchedFinding | None:
    """Gradients of earlier steps are there when a step begins, and the optimiser uses the sum."""
    steps = [one for one in seen.facts if one["step"] > 0]
    held = [_held(one, one.get("left_over", [])) for one in steps]
    found = [one["step"] for one, names in zip(steps, held, strict=True) if names]
    if not steps or len(found) <= MOST * len(steps):
        return None
    evidence = {"count": len(found), "steps": len(steps), "parameters": len(held[-1])}
    return WatchedFinding("zero_grad_missing", 0.95, evidence, step=found[0])


def zero_grad_too_late(seen: WatchedEvidence) -> WatchedFinding | None:
    """Gradients came back, and were 0 again when the optimiser asked for them."""
    late = []
    for one in seen.facts:
        layers = one.get("layers", {}).values()
        came = [layer for layer in layers if layer["gradient"]]
        if came and not any(layer["asked"] for layer in came):
            late.append(one["step"])
    if not late or len(late) <= MOST * len(seen.facts):
        return None
    evidence = {"count": len(late), "steps": len(seen.facts)}
    return WatchedFinding("zero_grad_too_late", 0.95, evidence, step=late[0])


def undivided_accumulation(seen: WatchedEvidence) -> WatchedFinding | None:
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
    confidence = 0.2 if seen.is_adaptive or seen.has_improved else 0.7
    return WatchedFinding("undivided_accumulation", confidence, {"passes": counts[-1]})


def in_eval_mode(seen: WatchedEvidence) -> WatchedFinding | None:
    """Dropout or batch norm layers train as in evaluation; a few may be meant, all are not."""
    names = seen.most("in_eval_mode")
    if not names:
        return None
    trained = seen.last.get("modal", len(names))
    confidence = 0.8 if len(names) >= trained else 0.3
    evidence = {"names": _listed(names), "count": len(names), "of": trained}
    return WatchedFinding("in_eval_mode", confidence, evidence, layer=names[0])


def not_in_optimizer(seen: WatchedEvidence) -> WatchedFinding | None:
    """Parameters learn nothing because no optimiser holds them."""
    names = seen.last.get("not_held", [])
    if not names:
        return None
    return WatchedFinding("not_in_optimizer", 0.85, {"names": _listed(names), "count": len(names)})


def frozen(seen: WatchedEvidence) -> WatchedFinding | None:
    """Parameters do not ask for gradients. Often that is meant; not where the rest cannot learn."""
    names = seen.last.get("frozen", [])
    if not names:
        return None
    confidence = 0.6 if seen.is_at_rest else 0.2
    return WatchedFinding("frozen", confidence, {"names": _listed(names), "count": len(names)})


def detached(seen: WatchedEvidence) -> WatchedFinding | None:
    """A layer was called for a loss, and nothing ever came back: the graph is cut behind it.

    A head that other steps are made for is called in vain in the rest of them.
    """
    names = [name for name in seen.most("cut_off") if name not in seen.reached]
    if not names:
        return None
    evidence = {"names": _listed(names), "count": len(names)}
    return WatchedFinding("detached", 0.9, evidence, layer=names[0])


def unreached(seen: WatchedEvidence) -> WatchedFinding | None:
    """An optimiser holds parameters that never get a gradient."""
    cut = {seen.description["layers"].get(name, {}).get("weight") for name in seen.most("cut_off")}
    known = {p.rpartition(".")[0] for p in cut if p}
    held = set(seen.last.get("not_held", []))
    names = [
        name
        for name in seen.always("without_gradient")
        if name not in held and name.rpartition(".")[0] not in known
    ]
    if not names or zero_grad_too_late(seen):
        return None
    confidence = 0.6 if not seen.has_improved else 0.3
    evidence = {"names": _listed(names), "count": len(names)}
    return WatchedFinding("unreached", confidence, evidence)


def made_in_forward(seen: WatchedEvidence) -> WatchedFinding | None:
    """Weights are used that are nobody's, and gone with the step."""
    counts = [one.get("made_in_forward", 0) for one in seen.facts]
    if not counts or sum(map(bool, counts)) <= MOST * len(counts):
        return None
    return WatchedFinding("made_in_forward", 0.9, {"count": max(counts)})


def rate_at_zero(seen: WatchedEvidence) -> WatchedFinding | None:
    """The learning rate of every group is 0, in most steps; at the start it may be warming up."""
    later = seen.facts[len(seen.facts) // 2 :]
    rates = [[r for o in one.get("optimizers", []) for r in o["rates"]] for one in later]
    zero = [one["step"] for one, r in zip(later, rates, strict=True) if r and not any(r)]
    if not zero or len(zero) <= MOST * len(later):
        return None
    confidence = 0.9 if not seen.has_improved or len(zero) == len(later) else 0.5
    return WatchedFinding("rate_at_zero", confidence, {}, step=zero[0])


def scheduler_first(seen: WatchedEvidence) -> WatchedFinding | None:
    """A scheduler took a step before the optimiser's first, so that the first rate is skipped."""
    names = [name for one in seen.facts[:1] for name in one.get("early_schedulers", [])]
    return WatchedFinding("scheduler_first", 0.6, {"names": _listed(names)}) if names else None


def _held(facts: dict, names: list[str]) -> list[str]:
    return [name for name in names if name not in set(facts.get("not_held", []))]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
