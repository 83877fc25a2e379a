"""Checks of the end of the chain: outputs, loss and targets must belong together."""

import math
from typing import TYPE_CHECKING

import numpy as np

from whygrad.doctor import reference
from whygrad.doctor.faults import BOTH, fault
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.reference import RANGES
from whygrad.doctor.thresholds import BEYOND, BISHOP, CHECKER, CLOSED, GOODFELLOW, HARMLESS, OUTSIDE
from whygrad.doctor.watched_evidence import WatchedEvidence, is_within, most

if TYPE_CHECKING:
    from whygrad.doctor.setup import Setup

OF_QUANTITIES = {  # how unlikely it is that a classifier is taught with it
    "squared": 0.35,
    "mean_squared": 0.35,
    "huber": 0.35,
    "log_cosh": 0.4,
    "absolute": 0.6,
    "mean_absolute": 0.6,
    "mean_absolute_percentage": 0.9,
    "mean_squared_logarithmic": 0.55,
    "poisson": 0.55,
    "broadcast_squared": 0.5,
}


OF_POSITIVE = {  # how unlikely it is with an output that may be negative
    "poisson": 0.5,
    "mean_squared_logarithmic": 0.4,
    "mean_absolute_percentage": 0.3,
}


def output_remedy(setup: "Setup") -> Remedy:
    """Return the change to the output activation that fits the task."""
    name = reference.usual_output(setup)
    return Remedy(f"output_{name}", "output_act", {"output_activation": name})


def loss_remedy(setup: "Setup") -> Remedy:
    """Return the change to the loss that fits the task."""
    name = reference.usual_loss(setup)
    return Remedy(f"loss_{name}", "loss", {"loss": name, "reduction": "mean"})


@fault("layers", "upstream", "Islam and others 2019; NeuraLint 2021", is_certain_before=True)
def too_few_outputs(evidence: OwnEvidence) -> Finding | None:
    """Fewer outputs than classes: most classes cannot be said at all."""
    setup = evidence.setup
    changes = reference.with_outputs(setup)
    if not changes:
        return None
    wider = {**changes, "hidden": tuple(max(size, 64) for size in setup.sizes[1:-1])}
    flatter = {**changes, "hidden": (128,)}
    remedies = (
        Remedy("outputs", "layers", changes, ("loss",)),
        Remedy("outputs_wider", "layers", wider, ("loss",)),
        Remedy("outputs_flatter", "layers", flatter, ("loss",)),
    )
    numbers = {"outputs": setup.sizes[-1], "classes": setup.classes}
    return Finding("too_few_outputs", 0.97, numbers, remedies, "output")


@fault("output_act", "slope", f"{GOODFELLOW}, section 6.2.2.3", of=BOTH, is_certain_before=True)
def one_unit_softmax(evidence: OwnEvidence) -> Finding | None:
    """One softmax unit: it always says 1, and its slope is exactly 0."""
    setup = evidence.setup
    if setup.activations[-1] != "softmax" or setup.sizes[-1] > 1:
        return None
    return Finding("one_unit_softmax", 0.98, {}, (output_remedy(setup),), "output")


@one_unit_softmax.watched
def _always_one(seen: WatchedEvidence) -> Finding | None:
    """A loss is given what comes out of a softmax, and all of it is 1."""
    call = most(
        seen.losses_called,
        lambda c: c["claims_from"] == "softmax" and c["claims"].get("low") == 1,
    )
    return Finding("one_unit_softmax", 0.98) if call else None


@fault(
    "output_act",
    "slope",
    "Wardat and others 2022, DeepDiagnosis; Bishop 2006, section 4.3",
    of=BOTH,
    if_learning=0.6,  # the loss may fall, but never to its end
    is_certain_before=True,
)
def out_of_range(evidence: OwnEvidence) -> Finding | None:
    """Quantities that the output activation cannot reach, whatever is learned."""
    setup = evidence.setup
    low, high = RANGES.get(setup.activations[-1], (-math.inf, math.inf))
    targets = setup.targets
    outside = float(np.mean((targets < low - 1e-6) | (targets > high + 1e-6)))
    if setup.task != "numbers" or outside < OUTSIDE:
        return None
    remedies = [output_remedy(setup)]
    if low <= 0 and high >= 1:
        remedies.append(Remedy("targets_unit", "prep_y", {"target_coding": "unit"}))
    if setup.settings.loss in reference.OF_PROBABILITIES:
        both = {**remedies[0].changes, **loss_remedy(setup).changes}
        remedies.append(Remedy("output_and_loss", "output_act", both, ("loss",)))
    numbers = {
        "low": float(targets.min()),
        "high": float(targets.max()),
        "reach_low": low,
        "reach_high": high,
        "outside": outside,
        "activation": setup.activations[-1],
    }
    sure = min(0.75 + outside / 3, 0.97)
    return Finding("out_of_range", sure, numbers, tuple(remedies), "output")


@out_of_range.watched
def _beyond_the_activation(seen: WatchedEvidence) -> Finding | None:
    """Targets that the activation behind the last layer cannot reach.

    Of a batch only the ends are recorded, so that nobody can tell how many are outside.
    """
    last, name = seen.last_shaped, seen.output_activation
    if last is None or name not in RANGES:
        return None
    least, highest = RANGES[name]
    room = BEYOND * (highest - least) if math.isfinite(highest) else BEYOND
    within = (least - room, highest + room)
    calls = [call for call in seen.calls_of_quantities if is_within(call["claims"], *within)]
    call = most(calls, lambda c: bool(c["targets"]) and not is_within(c["targets"], *within))
    if call is None:
        return None
    numbers = {"activation": name, "low": call["targets"]["low"], "high": call["targets"]["high"]}
    numbers |= {"least": least, "most": highest, "reach_low": least, "reach_high": highest}
    return Finding("out_of_range", 0.85, numbers, layer=last.name)


@fault(
    "output_act",
    "slope",
    f"{GOODFELLOW}, section 6.2.2; Maas, Hannun and Ng 2013",
    of=BOTH,
    if_learning=HARMLESS,
)
def closed_output(evidence: OwnEvidence) -> Finding | None:
    """An output for quantities with a flat region: a relu that is 0 for all says nothing more."""
    setup, name = evidence.setup, evidence.setup.activations[-1]
    if setup.task != "numbers" or name == "identity" or name == "softmax":
        return None
    open_at_start = float(np.median([state["output"].slope_share for state in evidence.starts]))
    sure = 0.6 if open_at_start < CLOSED else 0.25
    numbers = {"activation": name, "slope": open_at_start}
    return Finding("closed_output", sure, numbers, (output_remedy(setup),), "output")


@closed_output.watched
def _given_to_the_loss(seen: WatchedEvidence) -> Finding | None:
    """The loss is given what comes out of relu or its kin: where that says 0, its slope is 0."""
    last, name = seen.last_shaped, seen.output_activation
    call = most(seen.losses_called, lambda c: c["claims"].get("low") is not None)
    if last is None or call is None or not last.spec.is_exactly_flat:
        return None
    low, high = call["claims"]["low"], call["claims"]["high"]
    if low < RANGES["relu"][0] or call["claims_from"]:
        return None  # something else made what the loss is given
    numbers = {"activation": name, "loss": call["name"], "low": low, "high": high}
    return Finding("closed_output", 0.65, numbers, layer=last.name)


@fault(
    "output_act",
    "upstream",
    f"{BISHOP}; docs.pytorch.org, torch.nn.BCELoss",
    of=BOTH,
    is_certain_before=True,
)
def not_probabilities(evidence: OwnEvidence) -> Finding | None:
    """A loss of probabilities on outputs that are none."""
    setup, loss, name = evidence.setup, evidence.setup.settings.loss, evidence.setup.activations[-1]
    shares = is_shared_out(setup) and loss in reference.OF_PROBABILITIES
    fitting = "softmax" if shares else reference.usual_output(setup)
    is_asked = setup.is_classifying or shares
    if not is_asked or name == fitting or (name == "softmax" and setup.sizes[-1] == 1):
        return None
    sure = _unlikely_output(loss, name)
    if not sure:
        return None
    numbers = {"activation": name, "loss": loss, "fitting": fitting}
    remedy = Remedy(f"output_{fitting}", "output_act", {"output_activation": fitting})
    return Finding("not_probabilities", sure, numbers, (remedy,), "output")


@not_probabilities.watched
def _refused_by_torch(seen: WatchedEvidence) -> Finding | None:
    """torch itself refuses them, and ends the loop."""
    message = seen.raised("input should be between 0 and 1")
    return (
        Finding("not_probabilities", 1.0, {"message": message}, said="raised") if message else None
    )


def _unlikely_output(loss: str, name: str) -> float:
    from whygrad.core.nn.losses import is_matched

    if is_matched(loss, name):
        return 0.0
    if loss in reference.OF_PROBABILITIES:
        return {"sigmoid": 0.5, "softmax": 0.2, "hard_sigmoid": 0.3}.get(name, 0.95)
    if loss in reference.OF_MARGINS:
        return 0.0 if name in ("tanh", "identity", "softsign") else 0.2
    return {"sigmoid": 0.1, "softmax": 0.1, "hard_sigmoid": 0.2}.get(name, 0.4)


@fault("loss", "upstream", BISHOP, is_certain_before=True)
def loss_of_one_unit(evidence: OwnEvidence) -> Finding | None:
    """A cross-entropy over one output: it is its own sum, so the loss cannot move."""
    setup = evidence.setup
    if setup.settings.loss not in reference.OF_MEMBERSHIP or setup.sizes[-1] > 1:
        return None
    if setup.classes > 2 or not setup.is_classifying:
        return None
    remedies = (loss_remedy(setup),)
    return Finding("loss_of_one_unit", 0.97, {"loss": setup.settings.loss}, remedies, "output")


@fault("loss", "upstream", BISHOP, is_certain_before=True)
def loss_of_classes(evidence: OwnEvidence) -> Finding | None:
    """A loss for classes where quantities are to be told."""
    setup, loss = evidence.setup, evidence.setup.settings.loss
    if setup.task != "numbers" or loss not in (*reference.OF_PROBABILITIES, *reference.OF_MARGINS):
        return None
    targets = setup.targets
    is_share = bool(targets.min() >= 0 and targets.max() <= 1)
    if is_shared_out(setup) and loss not in reference.OF_MARGINS:
        return None  # a distribution over the outputs is what such a loss is for
    sure = 0.4 if is_share and loss in reference.OF_YES_OR_NO else 0.93
    numbers = {"loss": loss, "low": float(targets.min()), "high": float(targets.max())}
    return Finding("loss_of_classes", sure, numbers, (loss_remedy(setup),), "output")


def is_shared_out(setup: "Setup") -> bool:
    """Return whether the targets of every sample are shares that sum to 1."""
    targets = setup.targets
    if setup.sizes[-1] == 1 or targets.min() < 0:
        return False
    return bool(np.allclose(targets.sum(axis=1), 1, atol=1e-3))


@fault("loss", "upstream", "McCullagh and Nelder 1989, chapter 6", is_certain_before=True)
def misfit_loss(evidence: OwnEvidence) -> Finding | None:
    """A loss for positive quantities where some are not, or where outputs may be negative."""
    setup, loss = evidence.setup, evidence.setup.settings.loss
    if setup.task != "numbers" or loss not in OF_POSITIVE:
        return None
    below = float(np.mean(setup.targets <= 0))
    may_be_negative = RANGES.get(setup.activations[-1], (-math.inf, 0))[0] < 0
    sure = 0.93 if below > 0.01 else OF_POSITIVE[loss] * may_be_negative
    if not sure:
        return None
    numbers = {"loss": loss, "below": below}
    return Finding("misfit_loss", sure, numbers, (loss_remedy(setup),), "output")


@fault("loss", "upstream", f"{BISHOP}; Golik and others 2013")
def loss_of_quantities(evidence: OwnEvidence) -> Finding | None:
    """A loss for quantities, or of margins that the outputs cannot show, where classes are told."""
    setup, loss, name = evidence.setup, evidence.setup.settings.loss, evidence.setup.activations[-1]
    sure = OF_QUANTITIES.get(loss, 0.0)
    if loss in reference.OF_MARGINS:
        sure = 0.1 if name in ("tanh", "identity", "softsign") else 0.45
    if setup.task == "labels" and loss in reference.OF_MEMBERSHIP:
        sure = 0.6
    if setup.task == "classes" and loss in reference.OF_YES_OR_NO and setup.sizes[-1] > 1:
        sure = 0.2
    if not setup.is_classifying or not sure or setup.classes > max(setup.sizes[-1], 2):
        return None
    remedies = (loss_remedy(setup),)
    return Finding("loss_of_quantities", sure, {"loss": loss}, remedies, "output")


@fault("loss", "agreement", CHECKER)
def summed_loss(evidence: OwnEvidence) -> Finding | None:
    """A loss summed over the batch: every gradient is as many times larger."""
    setup = evidence.setup
    if setup.settings.reduction != "sum" or setup.settings.batch_size == 1:
        return None
    remedies = (Remedy("loss_mean", "loss", {"reduction": "mean"}),)
    is_adaptive = setup.settings.optimizer in reference.ADAPTIVE
    numbers = {"batch": setup.settings.batch_size}
    return Finding("summed_loss", 0.3 if is_adaptive else 0.75, numbers, remedies, "output")


@fault("loss", "upstream", CHECKER, is_certain_before=True)
def broadcast_loss(evidence: OwnEvidence) -> Finding | None:
    """Targets (n,) taken from outputs (n, 1): every output is compared with every target."""
    setup = evidence.setup
    if setup.settings.loss != "broadcast_squared":
        return None
    return Finding("broadcast_loss", 0.97, {}, (loss_remedy(setup),), "output")
