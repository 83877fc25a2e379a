"""What the factors of a watched model's neurons show: where the chain breaks first."""

from collections.abc import Callable

import numpy as np

from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.doctor.watched.evidence import Rows, WatchedEvidence
from whygrad.doctor.watched.finding import WatchedFinding
from whygrad.record.fields import FACTORS

LEAST_STEPS = 3  # recorded; fewer prove nothing
SHARE = 0.5  # of a layer's neurons
CLOSED = 0.05  # of the steepest slope, as in whygrad.explain.cause
ALIKE = 1e-5  # of a signature's size: rounding, and nothing more
GROUP = 3  # neurons; two may meet
FADED = 1e-4  # of the push at the end of the network
GROWN = 1e4
LONG = 0.3  # update against weight; about 1e-3 is usual (Karpathy 2019; Bengio 2012)
SHORT = 1e-6
SHAPED = ("linear", "conv", "conv_transpose")
FLAT = {name for name, rule in ACTIVATIONS.items() if rule.exactly_flat} | {"relu6"}
SATURATING = ("sigmoid", "tanh", "softsign", "hard_sigmoid", "hardtanh")


def dead(seen: WatchedEvidence) -> WatchedFinding | None:
    """Neurons that are pushed and closed for every sample, in all later steps."""
    found = [(rows, _dead_of(rows)) for rows in shaped(seen)]
    found = [(rows, neurons) for rows, neurons in found if len(neurons) >= 2]
    if not found:
        return None
    rows, neurons = max(found, key=lambda one: len(one[1]) / one[0].values.shape[2])
    count = rows.values.shape[2]
    is_cause = len(neurons) >= SHARE * count and not seen.has_improved
    evidence = {"count": len(neurons), "of": count, "activation": rows.described["activation"]}
    return WatchedFinding(
        "dead", 0.85 if is_cause else 0.3, evidence, rows.name, tuple(map(int, neurons))
    )


def saturated(seen: WatchedEvidence) -> WatchedFinding | None:
    """Most neurons of a layer pass on almost nothing, far out on the flat of their activation."""
    for rows in shaped(seen):
        if rows.described["activation"] not in SATURATING or len(rows.steps) < LEAST_STEPS:
            continue
        slope = np.median(rows.later("slope"), axis=0)
        closed = np.flatnonzero(slope < CLOSED * rows.described["steepest"])
        if len(closed) >= SHARE * len(slope):
            evidence = {
                "count": len(closed),
                "of": len(slope),
                "activation": rows.described["activation"],
                "slope": float(np.median(slope)),
            }
            confidence = 0.3 if seen.has_improved else 0.8
            return WatchedFinding(
                "saturated", confidence, evidence, rows.name, tuple(map(int, closed))
            )
    return None


def clones(seen: WatchedEvidence) -> WatchedFinding | None:
    """Neurons with equal weights in and equal gradients, from the first to the last step."""
    for rows in shaped(seen):
        if len(rows.steps) < LEAST_STEPS:
            continue
        count = rows.values.shape[2]
        is_still = seen.is_at_rest and _is_still(rows)
        group = np.arange(count) if is_still else _largest_group(rows.field("signature"))
        if len(group) >= max(GROUP, SHARE * count):
            evidence = {"count": len(group), "of": count}
            return WatchedFinding("clones", 0.9, evidence, rows.name, tuple(map(int, group)))
    return None


def vanishing(seen: WatchedEvidence) -> WatchedFinding | None:
    """The push at the first layers is next to nothing beside that at the last.

    Nothing at all is no fading: there a layer is closed, or cut off.
    """
    return _along_the_chain(seen, "vanishing", _push_later, lambda ratio: 0 < ratio < FADED)


def exploding(seen: WatchedEvidence) -> WatchedFinding | None:
    """The push grows out of bounds on its way to the first layers, from the start.

    Where it does so only later, the steps were too long.
    """
    return _along_the_chain(seen, "exploding", _push_at_first, lambda ratio: ratio > GROWN)


def steps_too_long(seen: WatchedEvidence) -> WatchedFinding | None:
    """Updates as large as a good part of the weights, at first or on the whole; the loss grows."""
    ratios = _moves(seen, lambda values: max(values[0], float(np.median(values))))
    if seen.has_improved or not ratios:
        return None
    name, ratio = max(ratios.items(), key=lambda one: one[1])
    has_grown = len(seen.losses) >= LEAST_STEPS and not seen.descended[-1] < seen.descended[0]
    if ratio < LONG or not has_grown:
        return None
    return WatchedFinding("steps_too_long", 0.7, {"ratio": ratio}, name)


def steps_too_short(seen: WatchedEvidence) -> WatchedFinding | None:
    """Updates of a millionth of the weights in every layer, and a loss that does not fall."""
    ratios = _moves(seen, lambda values: float(np.median(values)))
    is_asked = any(layer["asked"] for layer in seen.last.get("layers", {}).values())
    if seen.has_improved or not ratios or not is_asked or max(ratios.values()) >= SHORT:
        return None
    return WatchedFinding("steps_too_short", 0.7, {"ratio": max(ratios.values())})


def stuck(seen: WatchedEvidence) -> WatchedFinding | None:
    """The loss does not fall, whatever the reason."""
    if not seen.is_at_rest:
        return None
    evidence = {"first": float(seen.losses[0]), "last": float(seen.losses[-1])}
    return WatchedFinding("stuck", 0.4, evidence)


def shaped(seen: WatchedEvidence) -> list[Rows]:
    """Return the linear layers and convolutions."""
    return [rows for rows in seen.layers if rows.described["kind"] in SHAPED]


def _dead_of(rows: Rows) -> np.ndarray:
    if rows.described["activation"] not in FLAT or len(rows.steps) < LEAST_STEPS:
        return np.empty(0, int)
    is_pushed = (rows.later("upstream") > 0).any(axis=0)
    return np.flatnonzero((rows.later("slope") == 0).all(axis=0) & is_pushed)


def _is_still(rows: Rows) -> bool:
    """Return whether all weights in are 0, and no gradient ever came to any of them."""
    gradients = np.prod([rows.field(factor) for factor in FACTORS], axis=0)
    return not rows.field("signature").any() and not gradients.any()


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


def _along_the_chain(
    seen: WatchedEvidence,
    kind: str,
    push: Callable[[Rows], float],
    is_so: Callable[[float], bool],
) -> WatchedFinding | None:
    """Compare the push at each layer with that at the last; what counts is that at the first.

    A layer between, such as the queries of an attention, may rightly be pushed little.
    """
    layers = [rows for rows in shaped(seen) if len(rows.steps) >= LEAST_STEPS]
    if len(layers) < 3 or seen.has_improved:
        return None
    pushes = [push(rows) for rows in layers]
    last = next((one for one in reversed(pushes) if one > 0), 0.0)
    if not last or not np.isfinite(pushes).all():
        return None
    odd = [i for i, one in enumerate(pushes) if is_so(one / last)]
    if 0 not in odd:
        return None
    steepest = max(range(len(pushes) - 1), key=lambda i: _jump(pushes[i], pushes[i + 1]))
    evidence = {"ratio": pushes[odd[0]] / last, "last": layers[-1].name}
    evidence["where"] = layers[steepest].name
    return WatchedFinding(kind, 0.75, evidence, layers[odd[0]].name)


def _push_later(rows: Rows) -> float:
    return float(np.median(rows.later("upstream").mean(axis=1)))


def _push_at_first(rows: Rows) -> float:
    return float(rows.field("upstream")[0].mean())


def _jump(push: float, following: float) -> float:
    return abs(np.log(max(push, 1e-300) / max(following, 1e-300)))


def _moves(seen: WatchedEvidence, summed_up: Callable[[list[float]], float]) -> dict[str, float]:
    """Return update against weight of each layer, over all recorded steps."""
    found: dict[str, list[float]] = {}
    for one in seen.facts:
        for name, layer in one.get("layers", {}).items():
            kind = seen.description["layers"].get(name, {}).get("kind")
            if kind in SHAPED and layer.get("weight") and layer.get("update") is not None:
                found.setdefault(name, []).append(layer["update"] / layer["weight"])
    return {name: summed_up(values) for name, values in found.items()}
