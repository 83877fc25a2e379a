"""Checks of the hidden layers: do their slopes let the error through, and is there room enough."""

import numpy as np

from whygrad.doctor.evidence import Evidence
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.setup import Setup

SIGMOIDS = {"sigmoid": 1.0, "hard_sigmoid": 1.0, "softmax": 1.5, "tanh": 0.4, "softsign": 0.4}
DEEP = 6  # hidden layers
NARROW = 16  # neurons a layer
TINY = {1: 0.45, 2: 0.35, 3: 0.25, 4: 0.2}


def activation_remedies(setup: Setup, names: tuple[str, ...]) -> tuple[Remedy, ...]:
    """Return the changes of all hidden activations to one of ``names``, those of today left out."""
    return tuple(
        Remedy(f"hidden_{name}", "hidden_act", {"activation": name})
        for name in names
        if any(name != now for now in setup.activations[:-1])
    )


def linear_hidden(evidence: Evidence) -> Finding | None:
    """Hidden layers without an activation: however many, together they are one linear map."""
    setup = evidence.setup
    hidden = setup.activations[:-1]
    linear = [name for name, f in zip(setup.layers, hidden, strict=False) if f == "identity"]
    if not linear:
        return None
    confidence = 0.8 if len(linear) == len(hidden) else 0.25
    numbers = {"linear": len(linear), "hidden": len(hidden)}
    remedies = activation_remedies(setup, ("tanh", "relu"))
    return Finding("linear_hidden", confidence, numbers, remedies, linear[0])


def exploding_hidden(evidence: Evidence) -> Finding | None:
    """Hidden layers whose slope grows without end."""
    setup = evidence.setup
    hidden = setup.activations[:-1]
    if "exponential" not in hidden:
        return None
    confidence = 0.95 if hidden.count("exponential") > 1 else 0.7
    remedies = activation_remedies(setup, ("tanh", "relu"))
    first = setup.layers[hidden.index("exponential")]
    return Finding("exploding_hidden", confidence, {"layers": len(hidden)}, remedies, first)


def saturating_hidden(evidence: Evidence) -> Finding | None:
    """Layers of small slopes one after the other: what is left of the error at the first one."""
    setup = evidence.setup
    hidden = setup.activations[:-1]
    burden = sum(SIGMOIDS.get(name, 0.0) for name in hidden)
    if not burden:
        return None
    state = evidence.starts[0]
    left = state["hidden1"].factors["upstream"] / max(state["output"].factors["upstream"], 1e-30)
    confidence = min(0.05 + 0.17 * burden + 0.1 * (left < 1e-3), 0.93)
    numbers = {"layers": len(hidden), "left": left, "slope": state["hidden1"].slope_share}
    remedies = activation_remedies(setup, ("tanh", "relu"))
    return Finding("saturating_hidden", confidence, numbers, remedies, "hidden1")


def too_deep(evidence: Evidence) -> Finding | None:
    """Many narrow layers: each one may close, and one closed layer closes all below it."""
    setup = evidence.setup
    widths = setup.sizes[1:-1]
    if len(widths) < DEEP or min(widths) > NARROW:
        return None
    is_relu = "relu" in setup.activations[:-1]
    confidence = min(0.3 + 0.03 * (len(widths) - DEEP) + 0.15 * is_relu, 0.8)
    numbers = {"layers": len(widths), "width": min(widths)}
    return Finding("too_deep", confidence, numbers, (shallow(setup), wide(setup)), "hidden1")


def too_narrow(evidence: Evidence) -> Finding | None:
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


def shallow(setup: Setup) -> Remedy:
    """Return the change to two hidden layers."""
    width = max(16, min(max(setup.sizes[1:-1], default=16), 128))
    return Remedy("shallow", "layers", {"hidden": (width, width)})


def wide(setup: Setup) -> Remedy:
    """Return the change to at least 32 neurons in every hidden layer."""
    return Remedy("wide", "layers", {"hidden": tuple(max(size, 32) for size in setup.sizes[1:-1])})


def dead(evidence: Evidence) -> Finding | None:
    """Neurons that are closed for every sample, at the end of the run."""
    ends = [end for end in evidence.ends if end is not None]
    shares = {
        name: float(np.median([len(end[name].dead) / end[name].neurons for end in ends]))
        for name in (evidence.setup.layers[:-1] if ends else ())
    }
    worst = max(shares, key=lambda name: shares[name], default=None)
    if worst is None or shares[worst] < 0.5:
        return None
    remedies = activation_remedies(evidence.setup, ("leaky_relu", "tanh"))
    numbers = {"share": shares[worst], "neurons": ends[0][worst].neurons}
    shut = ends[0][worst].dead
    record = evidence.rows.get(worst)
    since = record.first_shut(shut) if record and shut else None
    return Finding("dead", 0.3, numbers, remedies, worst, shut, since)
