"""How random: the same networks from starts of every scale."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from whygrad.data.table import Data
from whygrad.lessons.instruments.side_by_side import Group, Start, proper, train_groups
from whygrad.lessons.instruments.statistics import band
from whygrad.lessons.lesson import Tick
from whygrad.settings import Settings

if TYPE_CHECKING:
    from whygrad.lessons.experiments.detectors import Detectors

SCALES = 10.0 ** (np.arange(-10, 4.5) / 4)  # standard deviations, 0.003 to 10
DEPTH = 3  # hidden layers: what one layer does to the size of a signal, the next does again
SEEDS = 4
GUESSING = 0.1  # of ten digits, equally frequent
SETTINGS = Settings(optimizer="sgd", learning_rate=0.05, epochs=10, record_every=0)


def sweep(setup: "Detectors", data: Data, tick: Tick) -> dict[str, dict[str, Any]]:
    """Train from every scale and several seeds, each kind of network in one compiled call."""
    kinds = {
        "narrow": (setup.activation, setup.narrow),
        "wide": (setup.activation, setup.wide),
        "other": (setup.other_activation, setup.wide),
    }
    found = {}
    for place, (name, (activation, width)) in enumerate(kinds.items()):
        groups = train_groups(
            {f"{scale:g}": Start(f"normal:{scale}") for scale in SCALES},
            data,
            SETTINGS,
            hidden=[width] * DEPTH,
            activation=activation,
            seeds=range(setup.seed, setup.seed + SEEDS),
            tick=lambda share, place=place: tick((place + share) / len(kinds)),
        )
        kind = {"activation": activation, "width": width, "rule": rule(activation, width)}
        found[name] = kind | _described(groups, data)
    return found


def rule(activation: str, fan_in: int) -> float:
    """Return the standard deviation that the proper initialiser takes between two hidden layers."""
    numerator = {"he_normal": 2, "lecun_normal": 1, "glorot_normal": 1}[proper(activation)]
    return float(np.sqrt(numerator / fan_in))


def _described(groups: dict[str, Group], data: Data) -> dict[str, Any]:
    named = list(groups.values())
    hits = band(np.stack([group.hits(data) for group in named], axis=1))
    first, last = window(hits.middle)
    best = int(np.argmax(hits.middle))
    places = {"small": first - 1, "best": best, "large": last + 1}
    shown = {name: place for name, place in places.items() if 0 <= place < len(SCALES)}
    return {
        "scales": SCALES,
        **vars(hits),
        "best": best,
        "window": [first, last],
        "shown": shown,
        "curves": {name: vars(band(named[place].curves)) for name, place in shown.items()},
    }


def window(hits: Float[np.ndarray, " scales"]) -> tuple[int, int]:
    """Return the first and the last scale around the best that get half as far above guessing."""
    best = int(np.argmax(hits))
    is_good = hits >= GUESSING + (hits[best] - GUESSING) / 2
    first = last = best
    while first > 0 and is_good[first - 1]:
        first -= 1
    while last < len(hits) - 1 and is_good[last + 1]:
        last += 1
    return first, last
