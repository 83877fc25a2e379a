"""What a program asks for: sizes of data and starting weights, penalties, activations.

The same ailments as those of whygrad's own networks, as far as watching shows them. Where the loss
falls all the same most of them are notes.
"""

import math
from typing import Any

import numpy as np

from whygrad.doctor.checks.ends import RANGES
from whygrad.doctor.checks.grades import decades, sure
from whygrad.doctor.checks.penalties import STRONG_DROPOUT, STRONG_L2
from whygrad.doctor.checks.scales import LARGE_INPUT
from whygrad.doctor.checks.starts import LOST_DECADES, WON_DECADES
from whygrad.doctor.watched.ends import QUANTITIES, is_within, most
from whygrad.doctor.watched.evidence import Rows, WatchedEvidence
from whygrad.doctor.watched.finding import WatchedFinding
from whygrad.doctor.watched.neurons import FLAT, SHAPED, shaped

HARMLESS = 0.2  # where the loss falls all the same
SMALL_INPUT = 0.05
LARGE_TARGET = 10.0  # the largest of a batch; their root mean square is about a third of it
NARROW_TARGETS = 0.06  # from the lowest to the highest
STRONG_DECAY = 1.0  # of AdamW, whose decay is multiplied with the rate alone
BEYOND = 0.01  # of an activation's range: rounding reaches a little beyond
CONSEQUENT = 0.55  # what a large start leads to is told first


def unscaled_inputs(seen: WatchedEvidence) -> WatchedFinding | None:
    """What reaches the first layer is far from size 1."""
    first = seen.layers[0] if seen.layers else None
    if first is None or first.described["kind"] not in SHAPED:
        return None
    lengths = first.field("input")[first.field("input") > 0]
    size = float(np.median(lengths) / math.sqrt(first.described["n_in"])) if len(lengths) else 1.0
    large = sure(0.3, 0.28, decades(size, LARGE_INPUT)) if size > LARGE_INPUT else 0.0
    small = sure(0.3, 0.3, decades(SMALL_INPUT, size)) if size < SMALL_INPUT else 0.0
    return _unless_it_learns(seen, "unscaled_inputs", max(large, small), {"size": size}, first.name)


def unscaled_targets(seen: WatchedEvidence) -> WatchedFinding | None:
    """Quantities to tell that are far from size 1, or all but equal."""
    call = most(_calls_of_quantities(seen), lambda c: c["targets"].get("low") is not None)
    if call is None:
        return None
    low, high = call["targets"]["low"], call["targets"]["high"]
    size, spread = max(abs(low), abs(high)), high - low
    large = sure(0.25, 0.2, decades(size, LARGE_TARGET)) if size > LARGE_TARGET else 0.0
    is_narrow = 0 < spread < NARROW_TARGETS
    narrow = sure(0.4, 0.2, decades(NARROW_TARGETS, spread)) if is_narrow else 0.0
    evidence = {"loss": call["name"], "low": low, "high": high}
    return _unless_it_learns(seen, "unscaled_targets", max(large, narrow), evidence)


def linear_hidden(seen: WatchedEvidence) -> WatchedFinding | None:
    """Linear layers in a row without an activation between: together they are one."""
    hidden = [rows for rows in seen.layers if rows.described.get("feeds")]
    linear = [rows for rows in hidden if rows.described["activation"] == "identity"]
    if not linear:
        return None
    confidence = 0.7 if len(linear) == len(hidden) else 0.25
    evidence = {"count": len(linear), "of": len(hidden), "last": linear[0].described["feeds"]}
    return _unless_it_learns(seen, "linear_hidden", confidence, evidence, linear[0].name)


def closed_output(seen: WatchedEvidence) -> WatchedFinding | None:
    """The loss is given what comes out of relu or its kin: where that says 0, its slope is 0."""
    last = _last(seen)
    call = most(seen.losses_called, lambda c: c["claims"].get("low") is not None)
    if last is None or call is None or last.described["activation"] not in FLAT:
        return None
    low, high = call["claims"]["low"], call["claims"]["high"]
    if low < RANGES["relu"][0] or call["claims_from"]:
        return None  # something else made what the loss is given
    evidence = {"activation": last.described["activation"], "loss": call["name"]}
    evidence |= {"low": low, "high": high}
    return _unless_it_learns(seen, "closed_output", 0.65, evidence, last.name)


def out_of_range(seen: WatchedEvidence) -> WatchedFinding | None:
    """Targets that the activation behind the last layer cannot reach."""
    last = _last(seen)
    name = last.described["activation"] if last is not None else "identity"
    if last is None or name not in RANGES:
        return None
    least, highest = RANGES[name]
    room = BEYOND * (highest - least) if math.isfinite(highest) else BEYOND
    within = (least - room, highest + room)
    calls = [call for call in _calls_of_quantities(seen) if is_within(call["claims"], *within)]
    call = most(calls, lambda c: bool(c["targets"]) and not is_within(c["targets"], *within))
    if call is None:
        return None
    evidence = {"activation": name, "low": call["targets"]["low"], "high": call["targets"]["high"]}
    evidence |= {"least": least, "most": highest}
    confidence = 0.6 if seen.has_improved else 0.85  # the loss may fall, but never to its end
    return WatchedFinding("out_of_range", confidence, evidence, last.name)


def strong_dropout(seen: WatchedEvidence) -> WatchedFinding | None:
    """Dropout that leaves too little to learn with."""
    shares = seen.last.get("dropout", {})
    if not shares or max(shares.values()) < STRONG_DROPOUT:
        return None
    layer, share = max(shares.items(), key=lambda one: one[1])
    confidence = min(0.25 + 0.8 * (share - 0.4), 0.85)
    return _unless_it_learns(seen, "strong_dropout", confidence, {"share": share}, layer)


def strong_l2(seen: WatchedEvidence) -> WatchedFinding | None:
    """A decay of the weights that pulls harder than the loss."""
    found = []
    for optimizer in seen.last.get("optimizers", []):
        usual = STRONG_DECAY if optimizer["name"] == "AdamW" else STRONG_L2
        decay = max(optimizer.get("weight_decays", []), default=0.0)
        if decay >= usual:
            told = {"optimizer": optimizer["name"], "decay": decay}
            found.append((sure(0.45, 0.28, decades(decay, usual)), told))
    if not found:
        return None
    return _unless_it_learns(seen, "strong_l2", *max(found, key=lambda one: one[0]))


def small_start(seen: WatchedEvidence) -> WatchedFinding | None:
    """Starting weights so small that signals shrink on their way through the layers."""
    lost = -sum(_above_usual(seen, min))
    if lost < LOST_DECADES:
        return None
    confidence = min(sure(0.35, 0.3, lost - LOST_DECADES), 0.92)
    return _unless_it_learns(seen, "small_start", confidence, {"decades": lost})


def large_start(seen: WatchedEvidence) -> WatchedFinding | None:
    """Starting weights so large that signals grow on their way through the layers."""
    won = sum(_above_usual(seen, max))
    if won < WON_DECADES:
        return None
    confidence = min(sure(0.35, 0.35, won - WON_DECADES), CONSEQUENT)
    return _unless_it_learns(seen, "large_start", confidence, {"decades": won})


def _unless_it_learns(
    seen: WatchedEvidence,
    kind: str,
    confidence: float,
    evidence: dict[str, Any],
    layer: str | None = None,
) -> WatchedFinding | None:
    if not confidence:
        return None
    return WatchedFinding(kind, HARMLESS if seen.has_improved else confidence, evidence, layer)


def _above_usual(seen: WatchedEvidence, bound: Any) -> list[float]:
    """Return the powers of ten by which each layer starts above Glorot's, He's and torch's size.

    Nothing where the start was not seen, or where norm layers make up for it.

    Args:
        bound: of the three variances: ``min`` or ``max``.
    """
    layers = seen.description["layers"]
    kinds = {layer["kind"] for layer in layers.values()}
    first: dict[str, Any] = seen.facts[0] if seen.facts else {"step": None}
    if first["step"] != 0 or kinds & {"norm", "channel_norm"} or len(shaped(seen)) < 2:
        return []
    found = []
    for rows in shaped(seen):
        n_in, n_out = rows.described["n_in"], rows.described["n_out"]
        variance = bound(2 / (n_in + n_out), 2 / n_in, 1 / (3 * n_in))
        length = (first.get("layers") or {}).get(rows.name, {}).get("weight")
        if length:
            found.append(float(np.log10(length / math.sqrt(n_in * n_out * variance))))
    return found


def _calls_of_quantities(seen: WatchedEvidence) -> list[dict[str, Any]]:
    return [call for call in seen.losses_called if call["name"] in QUANTITIES]


def _last(seen: WatchedEvidence) -> Rows | None:
    """Return the layer that was called last, if it is one with an activation of its own."""
    layers = shaped(seen)
    return layers[-1] if layers and layers[-1] is seen.layers[-1] else None
