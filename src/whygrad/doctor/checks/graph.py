"""Checks of the way from the model to the loss and back: where a program cuts or breaks it."""

from whygrad.doctor.faults import WATCHED, fault
from whygrad.doctor.finding import Finding
from whygrad.doctor.sources import PYTORCH
from whygrad.doctor.thresholds import MOST
from whygrad.doctor.watched_evidence import WatchedEvidence, listed


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
