"""Checks of the start: clones, weights and biases of a size that lets nothing through."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from whygrad.doctor.checks.grades import sure
from whygrad.doctor.evidence import Evidence
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.reference import usual_init
from whygrad.doctor.setup import Setup

LOST_DECADES = 1.0  # of the size of a signal, over all layers together
WON_DECADES = 0.7
CLOSED = 0.5  # of a layer's neurons
LARGE_BIAS = 0.3  # smaller ones close nothing that the weights leave open


def init_remedies(setup: Setup) -> tuple[Remedy, ...]:
    """Return the starts that keep a signal's size: the one for the activations first."""
    usual = usual_init(setup.activations[0])
    other = "glorot_uniform" if usual == "he_normal" else "he_normal"
    return tuple(Remedy(f"init_{name}", "init", {"init": name}) for name in (usual, other))


def clones(evidence: Evidence) -> Finding | None:
    """Neurons of a layer that start equal: equal gradients keep them equal for ever."""
    start = evidence.starts[0]
    hidden = [(name, layer) for name, layer in start.items() if name != "output"]
    alike = [(name, layer) for name, layer in hidden if layer.width < layer.neurons]
    if not alike:
        return None
    name, layer = alike[0]
    share = 1 - layer.width / layer.neurons
    numbers = {"neurons": layer.neurons, "width": layer.width}
    remedies = init_remedies(evidence.setup)
    return Finding("clones", 0.95 * share**0.5, numbers, remedies, name)


def small_start(evidence: Evidence) -> Finding | None:
    """Weights so small that signals shrink on their way through the layers."""
    lost = -_decades(evidence, min)
    if lost < LOST_DECADES or not evidence.setup.layers[:-1]:
        return None
    confidence = min(sure(0.35, 0.3, lost - LOST_DECADES), 0.92)
    remedies = init_remedies(evidence.setup)
    return Finding("small_start", confidence, {"decades": lost}, remedies, "hidden1")


def large_start(evidence: Evidence) -> Finding | None:
    """Weights so large that signals grow on their way through the layers."""
    won = _decades(evidence, max)
    if won < WON_DECADES or not evidence.setup.layers[:-1]:
        return None
    confidence = min(sure(0.35, 0.35, won - WON_DECADES), 0.92)
    remedies = init_remedies(evidence.setup)
    return Finding("large_start", confidence, {"decades": won}, remedies, "hidden1")


def _decades(evidence: Evidence, bound: Callable[[float, float], float]) -> float:
    """Return the powers of ten by which all layers together are larger than a usual start.

    Equal weights have no spread; :func:`clones` sees to them.

    Args:
        bound: of Glorot's and He's variance: ``min`` or ``max``.
    """
    total = 0.0
    state = evidence.starts[0]
    for name, (n_in, n_out) in zip(state, pairwise(evidence.setup.sizes), strict=True):
        variance = bound(2 / (n_in + n_out), 2 / n_in)
        usual = np.sqrt(n_in * n_out * variance)  # norm of the whole matrix
        if state[name].weight > 0:
            total += float(np.log10(state[name].weight / usual))
    return total


def closed_start(evidence: Evidence) -> Finding | None:
    """Biases that close neurons before the first step."""
    setup, state = evidence.setup, evidence.starts[0]
    plain = [name for name in setup.bias_inits if isinstance(name, str)]
    if all(name == "zeros" for name in plain) and len(plain) == len(setup.bias_inits):
        return None
    size = max(state[name].bias for name in setup.layers)
    shut = {name: (*state[name].dead, *state[name].closed) for name in setup.layers[:-1]}
    worst = max(shut, key=lambda name: len(set(shut[name])) / state[name].neurons, default=None)
    share = len(set(shut[worst])) / state[worst].neurons if worst else 0.0
    if size < 1 and (size < LARGE_BIAS or share < CLOSED):
        return None
    confidence = max(min(0.5 + share / 2, 0.97), sure(0.35, 0.3, float(np.log10(max(size, 1)))))
    remedies = (Remedy("bias_zeros", "bias_init", {"bias_init": "zeros"}),)
    numbers = {"size": size, "share": share}
    neurons = tuple(sorted(set(shut[worst]))) if worst else ()
    return Finding("closed_start", confidence, numbers, remedies, worst, neurons)
