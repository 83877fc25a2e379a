"""How long things take. What it returns is told, and never part of a law: machines are noisy."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

REPEATS = 15
FEW = 3
SLOW = 0.02  # seconds; where one way takes longer, turns are few
Way = Callable[[], Any]


def median_seconds(
    ways: Mapping[str, Way],
    tick: Callable[[float], None] = lambda share: None,
    *,
    repeats: int | None = None,
) -> dict[str, float]:
    """Return the median seconds of each way.

    Their turns are taken one after the other, so that a busy moment of the machine meets them all.
    The first turn does not count: it warms up. What must be compiled should have been before.

    Args:
        tick: called with the share that is done.
        repeats: turns of each; default: as many as patience allows. To be given where processes
            work together, which must all do the same.
    """
    first = [_seconds(way) for way in ways.values()]
    repeats = repeats or (REPEATS if max(first) < SLOW else FEW)
    turns = []
    for turn in range(repeats):
        turns.append([_seconds(way) for way in ways.values()])
        tick((turn + 1) / repeats)
    return dict(zip(ways, np.median(turns, axis=0).tolist(), strict=True))


def _seconds(way: Way) -> float:
    begin = time.perf_counter()
    jax.block_until_ready(way())
    return time.perf_counter() - begin
