"""Checks of what the factors of a watched model's neurons show: where the chain breaks first."""

from collections.abc import Callable

import numpy as np

from whygrad.doctor.evidence import LayerRows
from whygrad.doctor.faults import WATCHED, fault
from whygrad.doctor.finding import Finding
from whygrad.doctor.sources import GLOROT, HE, HOCHREITER
from whygrad.doctor.thresholds import CLOSED, FADED, GROWN, LEAST_STEPS, SHARE
from whygrad.doctor.triage import CONSEQUENCE, SYMPTOM
from whygrad.doctor.watched_evidence import WatchedEvidence
from whygrad.record.activations import FACTS

SATURATING = {name for name, facts in FACTS.items() if facts.saturates}


@fault("hidden_act", "slope", GLOROT, of=WATCHED, role=CONSEQUENCE, if_learning=0.3)
def saturated(seen: WatchedEvidence) -> Finding | None:
    """Most neurons of a layer pass on almost nothing, far out on the flat of their activation."""
    for rows in seen.shaped:
        if rows.spec.activation not in SATURATING or len(rows.steps) < LEAST_STEPS:
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
    return _along_the_chain(seen, "vanishing", _push_later, lambda ratio: 0 < ratio < FADED)


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
    return _along_the_chain(seen, "exploding", _push_at_first, lambda ratio: ratio > GROWN)


def _along_the_chain(
    seen: WatchedEvidence,
    kind: str,
    push: Callable[[LayerRows], float],
    is_so: Callable[[float], bool],
) -> Finding | None:
    """Compare the push at each layer with that at the last; what counts is that at the first.

    A layer between, such as the queries of an attention, may rightly be pushed little.
    """
    layers = [rows for rows in seen.shaped if len(rows.steps) >= LEAST_STEPS]
    if len(layers) < 3:
        return None
    pushes = [push(rows) for rows in layers]
    last = next((one for one in reversed(pushes) if one > 0), 0.0)
    if not last or not np.isfinite(pushes).all():
        return None
    odd = [i for i, one in enumerate(pushes) if is_so(one / last)]
    if 0 not in odd:
        return None
    steepest = max(range(len(pushes) - 1), key=lambda i: _jump(pushes[i], pushes[i + 1]))
    numbers = {"ratio": pushes[odd[0]] / last, "last": layers[-1].name}
    numbers["where"] = layers[steepest].name
    return Finding(kind, 0.75, numbers, layer=layers[odd[0]].name)


def _push_later(rows: LayerRows) -> float:
    return float(np.median(rows.later("upstream").mean(axis=1)))


def _push_at_first(rows: LayerRows) -> float:
    return float(rows.field("upstream")[0].mean())


def _jump(push: float, following: float) -> float:
    return abs(np.log(max(push, 1e-300) / max(following, 1e-300)))
