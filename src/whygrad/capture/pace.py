"""Which steps are recorded, and which of these whole: every n-th, and those that were asked for.

Or, with ``"auto"``, as many as a share of all time allows: a recorded step that takes r seconds
where others take s costs r - s, so that of ``(r - s) / (share * s)`` steps one may be recorded. And
some whatever they take, for a short run is to be diagnosed as well as a long one: the first 20 as
training goes on by an eighth, then one whenever it has gone on by a quarter.
"""

import math
from collections import deque
from statistics import median
from typing import Literal

from whygrad.capture.isolation import Overhead

Every = int | Literal["auto"]
SHARE = 0.05  # of all time that recording may take
LEAST = 20  # recorded steps that there are to be, whatever they take
EARLY = 8  # the first ones come when training has gone on by an eighth
LATER = 4  # and later ones by a quarter, so that a short run is told by more than its beginning
OF_MANY = 10  # steps from one to the next where processes must agree, whose clocks do not

REMEMBERED = 10  # losses that a spike is told from
FEWEST = 5
JUMP = 3  # times as far above the median as the losses before lie apart
MOST_SPIKES = 4  # after which no step is recorded for one: a whole step takes room on the disk


class Pace:
    """Says which steps are recorded.

    Args:
        every: how many steps from one recorded step to the next; ``"auto"`` for as many as
            :data:`SHARE` of all time asks for, and some whatever that is.
        overhead: what steps have taken so far.
        is_parallel: whether other processes are to record the same steps.

    Attributes:
        is_asked: whether the next step is to be recorded whole, whichever it is.
    """

    def __init__(self, every: Every, overhead: Overhead, *, is_parallel: bool = False):
        self._every, self._overhead, self._is_parallel = every, overhead, is_parallel
        self._recorded, self._next = 0, 0
        self._losses = deque[float](maxlen=REMEMBERED)
        self._spikes = 0
        self._has_overflown = False
        self.is_asked = False

    def is_due(self, step: int) -> bool:
        """Return whether a step is to be recorded."""
        if isinstance(self._every, str):
            return self.is_asked or step >= self._next
        return self.is_asked or step % self._every == 0

    def note_recorded(self, step: int) -> None:
        """Choose the next one, where that depends on what they take."""
        self._recorded += 1
        part = EARLY if self._recorded < LEAST else LATER
        gone_on, affordable = max(1, step // part), self._affordable()
        self._next = step + min(gone_on, affordable or gone_on)

    def _affordable(self) -> int | None:
        """Return of how many steps one may be recorded; None while there were none of a sort."""
        if self._is_parallel:
            return OF_MANY
        told = self._overhead.to_dict()
        return max(1, math.ceil((told["ratio"] - 1) / SHARE)) if told else None

    def ask(self) -> None:
        """Have the next step recorded whole."""
        self.is_asked = True

    def note_loss(self, loss: float | None) -> None:
        """Ask for the next step after a spike, or the first loss that is not finite."""
        if loss is None or self._has_overflown:
            return
        self._has_overflown = not math.isfinite(loss)
        is_spike = self._is_spike(loss) and self._spikes < MOST_SPIKES
        self._spikes += is_spike
        if is_spike or self._has_overflown:
            self.ask()
        self._losses.append(loss)

    def _is_spike(self, loss: float) -> bool:
        known = self._losses
        if len(known) < FEWEST:
            return False
        return loss > median(known) + JUMP * max(max(known) - min(known), abs(median(known)) / 10)
