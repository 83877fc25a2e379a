"""Checks of the hidden layers: do their slopes let the error through, and is there room enough."""

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from whygrad.doctor.evidence import Evidence
from whygrad.doctor.faults import BOTH, CONSEQUENCE, SYMPTOM, WATCHED, fault
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.thresholds import (
    CANCELLED,
    CLOSED,
    DEEP,
    FADED,
    FADED_SLOPES,
    GLOROT,
    GOODFELLOW,
    GROWN,
    HARMLESS,
    HE,
    HOCHREITER,
    NARROW,
    SHARE,
)
from whygrad.doctor.watched_evidence import WatchedEvidence
from whygrad.record.activations import FACTS

if TYPE_CHECKING:
    from whygrad.doctor.setup import Setup

SIGMOIDS = {"sigmoid": 1.0, "hard_sigmoid": 1.0, "softmax": 1.5, "tanh": 0.4, "softsign": 0.4}
TINY = {1: 0.45, 2: 0.35, 3: 0.25, 4: 0.2}


def activation_remedies(now: Sequence[str], names: tuple[str, ...]) -> tuple[Remedy, ...]:
    """Return the changes of all hidden activations to one of ``names``, those of today left out."""
    return tuple(
        Remedy(f"hidden_{name}", "hidden_act", {"activation": name})
        for name in names
        if any(name != activation for activation in now)
    )


@fault(
    "hidden_act",
    "slope",
    f"Minsky and Papert 1969; NeuraLint 2021; {GOODFELLOW}, section 6.1",
    of=BOTH,
    if_learning=HARMLESS,
)
def linear_hidden(evidence: Evidence) -> Finding | None:
    """Hidden layers without an activation: however many, together they are one linear map."""
    hidden = evidence.hidden
    linear = [layer for layer in hidden if layer.activation == "identity"]
    if not linear:
        return None
    of_all = 0.7 if evidence.is_watched else 0.8  # a function between may have gone unseen
    confidence = of_all if len(linear) == len(hidden) else 0.25
    numbers = {"linear": len(linear), "hidden": len(hidden), "last": linear[0].feeds}
    numbers |= {"count": len(linear), "of": len(hidden)}
    remedies = activation_remedies([layer.activation for layer in hidden], ("tanh", "relu"))
    return Finding("linear_hidden", confidence, numbers, remedies, linear[0].name)


@fault("hidden_act", "slope", "Zhang and others 2021, AutoTrainer", is_certain_before=True)
def exploding_hidden(evidence: OwnEvidence) -> Finding | None:
    """Hidden layers whose slope grows without end."""
    setup = evidence.setup
    hidden = setup.activations[:-1]
    if "exponential" not in hidden:
        return None
    confidence = 0.95 if hidden.count("exponential") > 1 else 0.7
    remedies = activation_remedies(hidden, ("tanh", "relu"))
    first = setup.layers[hidden.index("exponential")]
    return Finding("exploding_hidden", confidence, {"layers": len(hidden)}, remedies, first)


@fault("hidden_act", "slope", f"{GLOROT}; {HOCHREITER}")
def saturating_hidden(evidence: OwnEvidence) -> Finding | None:
    """Layers of small slopes one after the other: what is left of the error at the first one.

    What cancels on its way back, or meets weights of 0, is lost without them: there slopes count
    only where they would lose it by themselves.
    """
    setup = evidence.setup
    hidden = setup.activations[:-1]
    burden = sum(SIGMOIDS.get(name, 0.0) for name in hidden)
    if not burden:
        return None
    state = evidence.starts[0]
    left = state["hidden1"].factors["upstream"] / max(state["output"].factors["upstream"], 1e-30)
    through = prod(
        state[name].slope_share * FACTS[activation].steepest
        for name, activation in zip(setup.layers, hidden, strict=False)
    )
    is_lost = any(not share >= CANCELLED for share in evidence.left_over.values())
    if is_lost and through >= FADED_SLOPES:
        return None
    confidence = min(0.05 + 0.17 * burden + 0.1 * (left < FADED_SLOPES), 0.93)
    numbers = {"layers": len(hidden), "left": left, "through": through}
    remedies = activation_remedies(hidden, ("tanh", "relu"))
    return Finding("saturating_hidden", confidence, numbers, remedies, "hidden1")


@fault("layers", "slope", "Lu and others 2020, Dying ReLU and Initialization")
def too_deep(evidence: OwnEvidence) -> Finding | None:
    """Many narrow layers: each one may close, and one closed layer closes all below it."""
    setup = evidence.setup
    widths = setup.sizes[1:-1]
    if len(widths) < DEEP or min(widths) > NARROW:
        return None
    is_relu = "relu" in setup.activations[:-1]
    confidence = min(0.3 + 0.03 * (len(widths) - DEEP) + 0.15 * is_relu, 0.8)
    numbers = {"layers": len(widths), "width": min(widths)}
    return Finding("too_deep", confidence, numbers, (shallow(setup), wide(setup)), "hidden1")


@fault("layers", "upstream", f"{GOODFELLOW}, section 6.4.1")
def too_narrow(evidence: OwnEvidence) -> Finding | None:
    """A layer of very few neurons: all that is learned must pass through them."""
    setup = evidence.setup
    widths = setup.sizes[1:-1]
    if not widths:
        if evidence.learned > 0.5 or setup.sizes[0] < 2:
            return None
        return Finding("too_narrow", 0.3, {"width": 0}, (shallow(setup),), "output")
    confidence = TINY.get(min(widths), 0.0)
    if not confidence:
        return None
    layer = setup.layers[widths.index(min(widths))]
    return Finding("too_narrow", confidence, {"width": min(widths)}, (wide(setup),), layer)


def shallow(setup: "Setup") -> Remedy:
    """Return the change to two hidden layers."""
    width = max(16, min(max(setup.sizes[1:-1], default=16), 128))
    return Remedy("shallow", "layers", {"hidden": (width, width)})


def wide(setup: "Setup") -> Remedy:
    """Return the change to at least 32 neurons in every hidden layer."""
    return Remedy("wide", "layers", {"hidden": tuple(max(size, 32) for size in setup.sizes[1:-1])})


@fault(
    "hidden_act",
    "slope",
    "Maas, Hannun and Ng 2013",
    of=BOTH,
    role=CONSEQUENCE,
    if_learning=0.3,
    is_there_before=False,
)
def dead(evidence: OwnEvidence) -> Finding | None:
    """Neurons that are closed for every sample, at the end of the run."""
    ends = [end for end in evidence.ends if end is not None]
    shares = {
        name: float(np.median([len(end[name].dead) / end[name].neurons for end in ends]))
        for name in (evidence.setup.layers[:-1] if ends else ())
    }
    worst = max(shares, key=lambda name: shares[name], default=None)
    if worst is None or shares[worst] < SHARE:
        return None
    remedies = activation_remedies(evidence.setup.activations[:-1], ("leaky_relu", "tanh"))
    numbers = {"share": shares[worst], "neurons": ends[0][worst].neurons}
    shut = ends[0][worst].dead
    record = evidence.rows.get(worst)
    since = record.first_shut(shut) if record and shut else None
    return Finding("dead", 0.3, numbers, remedies, worst, shut, since)


@dead.watched
def _pushed_and_closed(seen: WatchedEvidence) -> Finding | None:
    """Neurons that are pushed and closed for every sample, in all later steps."""
    found = []
    for rows in seen.well_recorded:
        is_pushed = (rows.later("upstream") > 0).any(axis=0)
        neurons = np.flatnonzero((rows.later("slope") == 0).all(axis=0) & is_pushed)
        if rows.spec.is_exactly_flat and len(neurons) >= 2:
            found.append((rows, neurons))
    if not found:
        return None
    rows, neurons = max(found, key=lambda one: len(one[1]) / one[0].neurons)
    numbers = {"count": len(neurons), "of": rows.neurons, "activation": rows.spec.activation}
    numbers |= {"share": len(neurons) / rows.neurons, "neurons": rows.neurons}
    confidence = 0.85 if len(neurons) >= SHARE * rows.neurons else 0.3
    shut = tuple(map(int, neurons))
    return Finding("dead", confidence, numbers, layer=rows.name, neurons=shut)


SATURATING = {name for name, facts in FACTS.items() if facts.saturates}


@fault("hidden_act", "slope", GLOROT, of=WATCHED, role=CONSEQUENCE, if_learning=0.3)
def saturated(seen: WatchedEvidence) -> Finding | None:
    """Most neurons of a layer pass on almost nothing, far out on the flat of their activation."""
    for rows in seen.well_recorded:
        if rows.spec.activation not in SATURATING:
            continue
        slope = np.median(rows.later("slope"), axis=0)
        closed = np.flatnonzero(slope < CLOSED * rows.spec.steepest)
        if len(closed) >= SHARE * len(slope):
            numbers = {
                "count": len(closed),
                "of": len(slope),
                "activation": rows.spec.activation,
                "slope": float(np.median(slope)),
            }
            return Finding(
                "saturated", 0.8, numbers, layer=rows.name, neurons=tuple(map(int, closed))
            )
    return None


@fault(
    "hidden_act",
    "upstream",
    f"{HOCHREITER}; {GLOROT}; {HE}",
    of=WATCHED,
    role=SYMPTOM,
    if_learning=0.0,
)
def vanishing(seen: WatchedEvidence) -> Finding | None:
    """The push at the first layers is next to nothing beside that at the last.

    Nothing at all is no fading: there a layer is closed, or cut off.
    """
    pushes = [float(np.median(r.later("upstream").mean(axis=1))) for r in seen.well_recorded]
    return _along_the_chain(seen, "vanishing", pushes, lambda ratio: 0 < ratio < FADED)


@fault(
    "init",
    "upstream",
    f"{HOCHREITER}; {GLOROT}; {HE}",
    of=WATCHED,
    role=SYMPTOM,
    if_learning=0.0,
)
def exploding(seen: WatchedEvidence) -> Finding | None:
    """The push grows out of bounds on its way to the first layers, from the start.

    Where it does so only later, the steps were too long.
    """
    pushes = [float(rows.field("upstream")[0].mean()) for rows in seen.well_recorded]
    return _along_the_chain(seen, "exploding", pushes, lambda ratio: ratio > GROWN)


def _along_the_chain(
    seen: WatchedEvidence,
    kind: str,
    pushes: Sequence[float],
    is_so: Callable[[float], bool],
) -> Finding | None:
    """Compare the push at each layer with that at the last; what counts is that at the first.

    A layer between, such as the queries of an attention, may rightly be pushed little.
    """
    layers = seen.well_recorded
    if len(layers) < 3:
        return None
    last = next((one for one in reversed(pushes) if one > 0), 0.0)
    if not last or not np.isfinite(pushes).all():
        return None
    odd = [i for i, one in enumerate(pushes) if is_so(one / last)]
    if 0 not in odd:
        return None
    jumps = np.abs(np.diff(np.log(np.maximum(pushes, 1e-300))))
    numbers = {"ratio": pushes[odd[0]] / last, "last": layers[-1].name}
    at = int(np.argmax(jumps))
    numbers |= {"where": layers[at].name, "after": layers[at + 1].name}
    return Finding(kind, 0.75, numbers, layer=layers[odd[0]].name)
