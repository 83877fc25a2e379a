"""Of which weights a recorded step keeps everything, and how: summed at once, or held."""

from dataclasses import dataclass, field

from whygrad.capture.held import HeldSnapshot
from whygrad.capture.held import Room as RoomOfHeld
from whygrad.capture.layer_calls import FullSnapshot, Room

ROOM = 2**20  # bytes of samples kept for the ledgers of one step of a small model


@dataclass(frozen=True)
class Snapshot:
    """What a recorded step keeps, for ledgers.

    Attributes:
        names: of the weights.
        held: the room in which a large model's calls are held; None where sums are taken at once.
        is_lean: whether parameters are kept in half precision, and no gradient that can be had from
            the samples.
    """

    names: frozenset[str]
    held: RoomOfHeld | None = None
    is_lean: bool = False
    _room: Room = field(default_factory=lambda: Room(ROOM))
    _begun: dict[str, list[HeldSnapshot]] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def of(self, weight: str) -> FullSnapshot | HeldSnapshot | None:
        """Return what takes in the calls of a weight's layer; None where nothing of it is kept."""
        if weight not in self.names:
            return None
        if self.held is None:
            return FullSnapshot(self._room)
        self._begun.setdefault(weight, []).append(HeldSnapshot(self.held))
        return self._begun[weight][-1]

    def has_all(self, weight: str) -> bool:
        """Return whether a weight's gradient can be had from what is held."""
        begun = self._begun.get(weight, [])
        return bool(begun) and all(one.is_complete and one.calls for one in begun)
