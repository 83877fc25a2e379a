"""Which weights are in which full snapshot: what a ledger needs of one costs time and room.

Of a small model all are in that of every recorded step. Those of a larger one take turns: each
recorded step holds as many as a share of its work and some room allow, until all had their turn.
That is a round. The next begins with the 4th, 16th, 64th … recorded step, so that the number of
rounds grows with the logarithm of the length of the run.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from whygrad.record.layers import KINDS

ARRAYS = 6  # kept of every weight: before, after, gradient, pulls, and what the optimiser remembers
SMALL = 2**20  # bytes of a model that needs no turns
STEP = 32 * 2**20  # bytes that one step may hold
ROUND = 256 * 2**20  # bytes of one round; the largest weights are left out
SHARE = 1 / 12  # of the work of a recorded step that may be done once more, for ledgers
BESIDE = 64  # what reading an output some times takes, in products with an input


class SnapshotSchedule:
    """Which weights are in the full snapshot of which recorded step.

    Args:
        bytes_of: size of every weight that learns, in the order of the model.
        asked: names of layers that come first, and whatever their size.

    Attributes:
        explained: the weights that get a turn, in the order in which they get it.
        bytes_a_round: of all arrays that are kept of them.
    """

    def __init__(self, bytes_of: Mapping[str, int], asked: Sequence[str] = ()):
        self._bytes = {name: ARRAYS * size for name, size in bytes_of.items()}
        self._asked = {n for n in bytes_of if any(n.startswith(f"{layer}.") for layer in asked)}
        self._least = sum(self._bytes[name] for name in self._asked)
        fitting = _fitting(self._small_first(), self._bytes, max(ROUND, self._least))
        # in the order of the model, so that neighbours are explained together
        places = {name: place for place, name in enumerate(self._bytes)}
        self.explained = sorted(fitting, key=lambda name: (name not in self._asked, places[name]))
        self.bytes_a_round = sum(self._bytes[name] for name in self.explained)
        self._waiting = list(self.explained)
        self._work: Mapping[str, float] = {}
        self._taken = 0

    @property
    def begins_a_round(self) -> bool:
        """Whether no weight has had its turn yet since the last round."""
        return self._waiting == self.explained

    def now(self) -> frozenset[str]:
        """Return the weights that are in the coming step's full snapshot."""
        if self._is_small:
            return frozenset(self.explained)
        if not self._work:  # the first step; what it costs is not known before it
            return frozenset(self._within(self._small_first(), self._bytes, max(STEP, self._least)))
        limit = SHARE * sum(self._work.values())
        within_room = self._within(self._waiting, self._bytes, STEP)
        return frozenset(self._within(within_room, self._work, limit))

    def taken(self, work: Mapping[str, float]) -> None:
        """Go on, after a recorded step.

        Args:
            work: what each weight's layers had to do in it, see :func:`work_of`.
        """
        had = self.now()
        self._taken += 1
        self._work = work
        self._waiting = [name for name in self._waiting if name not in had]
        if self._is_small or (not self._waiting and _is_power_of_four(self._taken)):
            self._waiting = list(self.explained)

    def _within(self, names: Sequence[str], costs: Mapping[str, float], limit: float) -> list[str]:
        """Return the first waiting names within a limit, with one at least that costs anything."""
        waiting = [name for name in names if name in self._waiting]
        first = next((costs[name] for name in waiting if costs.get(name)), 0.0)
        return _fitting(waiting, costs, max(limit, first))

    @property
    def _is_small(self) -> bool:
        return self.bytes_a_round <= SMALL

    def _small_first(self) -> list[str]:
        return sorted(self._bytes, key=lambda name: (name not in self._asked, self._bytes[name]))


def work_of(layers: Mapping[str, Mapping[str, Any]], rows: Mapping[str, int]) -> dict[str, float]:
    """Return by weight what it takes to sum delta times input, relative to the longest layer.

    Relative, so that processes with batches of different sizes take the same turns.

    Args:
        layers: what each layer is.
        rows: by layer, samples times positions.
    """
    most, work = max(rows.values(), default=1) or 1, dict[str, float]()
    for name, layer in layers.items():
        inputs = 1 if KINDS[layer["kind"]].is_lookup else layer["n_in"]
        more = rows[name] / most * layer["n_out"] * (inputs + BESIDE)
        work[layer["weight"]] = work.get(layer["weight"], 0.0) + more
    return work


def _fitting(names: Sequence[str], costs: Mapping[str, float], limit: float) -> list[str]:
    """Return the first names whose costs stay within a limit together."""
    totals = list(accumulate(costs.get(name, 0.0) for name in names))
    return list(names[: bisect_right(totals, limit)])


def _is_power_of_four(count: int) -> bool:
    """Return whether a count is 4, 16, 64 …"""
    return count > 1 and count & (count - 1) == 0 and count.bit_length() % 2 == 1
