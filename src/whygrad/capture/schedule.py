"""Which recorded steps can be explained: what a ledger needs of one takes room.

Of a small model sums are taken and written at every recorded step. Of a larger one the latest
recorded step is held in memory and written once: when the run is asked for, and when watching ends.
So the last recorded step can always be explained, and others as far as the room on the disk goes:
the 1st, 4th, 16th, 64th … recorded one, and those that were asked for.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

ARRAYS = 6  # kept of every weight: before, after, gradient, pulls, and what the optimiser remembers
SMALL = 2**20  # bytes of a model of which every recorded step is summed at once
PACKED = 3  # a held weight's arrays, in those of single precision, once they are packed
LEAN = 2.5  # the same of a model so large that all but the gradient is in half precision
LARGE = 2**26  # bytes of the parameters of such a model
ROUNDS = 16  # steps on disk at most that nobody asked for
ROOM_A_BYTE, LEAST_ROOM = 3, 10 * 2**20  # on disk, for a byte of the parameters, and at least
HELD_A_BYTE, LEAST_HELD = 1, 64 * 2**20  # the same in memory, for samples


class SnapshotSchedule:
    """Which weights are explained, and which recorded steps are written.

    Args:
        bytes_of: size of every weight that learns, in the order of the model.
        asked: names of layers that come first where not all have room.
        room: bytes on disk that all steps may take together; None for the default.

    Attributes:
        explained: the weights that are explained, in the order in which they have room.
        room: bytes on disk that all steps may take together.
        held: bytes in memory that the samples of one step may take.
    """

    def __init__(
        self, bytes_of: Mapping[str, int], asked: Sequence[str] = (), room: int | None = None
    ):
        total = sum(bytes_of.values())
        self.room = max(ROOM_A_BYTE * total, LEAST_ROOM) if room is None else room
        self.held = max(HELD_A_BYTE * total, LEAST_HELD)
        self.is_lean = total > LARGE
        self.is_small = ARRAYS * total <= SMALL
        times = ARRAYS if self.is_small else LEAN if self.is_lean else PACKED
        bytes_on_disk = {name: int(times * size) for name, size in bytes_of.items()}
        wanted = {n for n in bytes_of if any(n.startswith(f"{layer}.") for layer in asked)}
        order = sorted(bytes_on_disk, key=lambda name: (name not in wanted, bytes_on_disk[name]))
        fitting = _fitting(order, bytes_on_disk, self.room)
        places = {name: place for place, name in enumerate(bytes_of)}
        self.explained = sorted(fitting, key=lambda name: (name not in wanted, places[name]))
        self._bytes_a_step = sum(bytes_on_disk[name] for name in self.explained)
        self._taken = 0

    @property
    def most(self) -> int:
        """How many steps there is room for, the last one and those asked for among them."""
        return min(self.room // max(self._bytes_a_step, 1), ROUNDS)

    def taken(self) -> bool:
        """Return, of every recorded step that nobody asked for, whether it is written at once."""
        self._taken += 1
        if self.is_small:
            return True
        return self.most > 1 and (self._taken == 1 or _is_power_of_four(self._taken))


def _fitting(names: Sequence[str], costs: Mapping[str, int], limit: float) -> list[str]:
    """Return the first names whose costs stay within a limit together."""
    totals = list(accumulate(costs[name] for name in names))
    return list(names[: bisect_right(totals, limit)])


def _is_power_of_four(count: int) -> bool:
    """Return whether a count is 4, 16, 64 …"""
    return count > 1 and count & (count - 1) == 0 and count.bit_length() % 2 == 1
