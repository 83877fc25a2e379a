"""Which steps are recorded, and which of these whole: every n-th, and those that were asked for."""

import math
from collections import deque
from statistics import median

REMEMBERED = 10  # losses that a spike is told from
FEWEST = 5
JUMP = 3  # times as far above the median as the losses before lie apart
MOST_SPIKES = 4  # after which no step is recorded for one: a whole step takes room on the disk


class Pace:
    """Says which steps are recorded.

    Args:
        every: how many steps from one recorded step to the next.

    Attributes:
        is_asked: whether the next step is to be recorded whole, whichever it is.
    """

    def __init__(self, every: int):
        self._every = every
        self._losses = deque[float](maxlen=REMEMBERED)
        self._spikes = 0
        self._has_overflown = False
        self.is_asked = False

    def is_due(self, step: int) -> bool:
        """Return whether a step is to be recorded."""
        return self.is_asked or step % self._every == 0

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
