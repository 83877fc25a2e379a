"""Checks of the start: clones, weights and biases of a size that lets nothing through."""

from dataclasses import replace

import numpy as np

from whygrad.doctor.evidence import Evidence
from whygrad.doctor.faults import BOTH, fault
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.own_evidence import OwnEvidence
from whygrad.doctor.reference import usual_init
from whygrad.doctor.thresholds import (
    ALIKE,
    CANCELLED,
    GLOROT,
    GOODFELLOW,
    GROUP,
    HARMLESS,
    HE,
    LARGE_BIAS,
    LOST_DECADES,
    SHARE,
    SHUT_START,
    WON_DECADES,
    sure,
)
from whygrad.doctor.watched_evidence import WatchedEvidence
from whygrad.record.fields import FACTORS

SUREST = 0.92  # of a size alone
CONSEQUENT = 0.55  # in a watched model what a large start leads to is told first


def init_remedies(activation: str) -> tuple[Remedy, ...]:
    """Return the starts that keep a signal's size: the one for the activation first."""
    usual = usual_init(activation)
    other = "glorot_uniform" if usual == "he_normal" else "he_normal"
    return tuple(Remedy(f"init_{name}", "init", {"init": name}) for name in (usual, other))


@fault("init", None, f"{GOODFELLOW}, section 8.4", of=BOTH, is_certain_before=True)
def clones(evidence: OwnEvidence) -> Finding | None:
    """Neurons of a layer that start equal: equal gradients keep them equal for ever.

    Each gradient may be as healthy as can be. In front of a softmax it may be nothing, too: its
    deltas sum to 0, so where a neuron's outgoing weights are all equal, they cancel.
    """
    start = evidence.starts[0]
    hidden = [(name, layer) for name, layer in start.items() if name != "output"]
    alike = [(name, layer) for name, layer in hidden if layer.width < layer.neurons]
    if not alike:
        return None
    name, layer = alike[0]
    share = 1 - layer.width / layer.neurons
    numbers = {"neurons": layer.neurons, "width": layer.width}
    remedies = init_remedies(evidence.setup.activations[0])
    found = Finding("clones", 0.95 * share**0.5, numbers, remedies, name)
    last, left = hidden[-1][0], evidence.left_over[hidden[-1][0]]
    if left < CANCELLED and evidence.ends_in_softmax:
        more = {"left": left, "last": last, "factor": "upstream"}
        return replace(found, evidence=numbers | more, said="cancels")
    return found


@clones.watched
def _alike_throughout(seen: WatchedEvidence) -> Finding | None:
    """Neurons with equal weights in and equal gradients, from the first to the last step.

    The weights out were not recorded, so that it takes as many neurons as are no chance; or
    weights in that are all 0, to which no gradient ever came.
    """
    for rows in seen.well_recorded:
        count, marks = rows.neurons, rows.field("signature")
        gradients = np.prod([rows.field(factor) for factor in FACTORS], axis=0)
        is_still = seen.is_at_rest and not marks.any() and not gradients.any()
        group = np.arange(count) if is_still else _largest_group(marks)
        if len(group) >= max(GROUP, SHARE * count):
            numbers = {"count": len(group), "of": count}
            numbers |= {"neurons": count, "width": count - len(group) + 1}
            neurons = tuple(map(int, group))
            return Finding("clones", 0.9, numbers, layer=rows.name, neurons=neurons)
    return None


def _largest_group(marks: np.ndarray) -> np.ndarray:
    """Return the largest group of neurons whose signatures are alike at every recorded step."""
    if not np.isfinite(marks).all():
        return np.empty(0, int)
    size = np.abs(marks).max(axis=1, keepdims=True)
    if not size.all():
        return np.empty(0, int)
    order = np.argsort(marks[-1], kind="stable")
    gaps = (np.abs(np.diff(marks[:, order], axis=1)) > ALIKE * size).any(axis=0)
    return max(np.split(order, np.flatnonzero(gaps) + 1), key=len)


@fault("init", "upstream", f"{GLOROT}; {HE}", of=BOTH, if_learning=HARMLESS)
def small_start(evidence: Evidence) -> Finding | None:
    """Weights so small that signals shrink on their way through the layers."""
    lost = -evidence.above_usual(min)
    if lost < LOST_DECADES:
        return None
    confidence = min(sure(0.35, 0.3, lost - LOST_DECADES), SUREST)
    return _of_all_layers(evidence, "small_start", confidence, lost)


@fault("init", "slope", f"{GLOROT}; {HE}", of=BOTH, if_learning=HARMLESS)
def large_start(evidence: Evidence) -> Finding | None:
    """Weights so large that signals grow on their way through the layers."""
    won = evidence.above_usual(max)
    if won < WON_DECADES:
        return None
    surest = CONSEQUENT if evidence.is_watched else SUREST
    confidence = min(sure(0.35, 0.35, won - WON_DECADES), surest)
    return _of_all_layers(evidence, "large_start", confidence, won)


def _of_all_layers(evidence: Evidence, kind: str, confidence: float, decades: float) -> Finding:
    """Return a finding of all layers together; in a watched model it is no single layer's."""
    layer = None if evidence.is_watched else evidence.hidden[0].name
    activation = evidence.hidden[0].activation if evidence.hidden else "identity"
    return Finding(kind, confidence, {"decades": decades}, init_remedies(activation), layer)


@fault("bias_init", "slope", f"{GOODFELLOW}, section 8.4", is_certain_before=True)
def closed_start(evidence: OwnEvidence) -> Finding | None:
    """Biases that close neurons before the first step."""
    setup, state = evidence.setup, evidence.starts[0]
    plain = [name for name in setup.bias_inits if isinstance(name, str)]
    if all(name == "zeros" for name in plain) and len(plain) == len(setup.bias_inits):
        return None
    size = max(state[name].bias for name in setup.layers)
    shut = {name: (*state[name].dead, *state[name].closed) for name in setup.layers[:-1]}
    worst = max(shut, key=lambda name: len(set(shut[name])) / state[name].neurons, default=None)
    share = len(set(shut[worst])) / state[worst].neurons if worst else 0.0
    if size < 1 and (size < LARGE_BIAS or share < SHUT_START):
        return None
    confidence = max(min(0.5 + share / 2, 0.97), sure(0.35, 0.3, float(np.log10(max(size, 1)))))
    remedies = (Remedy("bias_zeros", "bias_init", {"bias_init": "zeros"}),)
    numbers = {"size": size, "share": share}
    neurons = tuple(sorted(set(shut[worst]))) if worst else ()
    return Finding("closed_start", confidence, numbers, remedies, worst, neurons)
