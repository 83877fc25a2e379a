"""What watching costs, measured while it happens."""

import time
from collections import deque
from statistics import median

from whygrad.record.description import words_of_overhead
from whygrad.words import t

KEPT = 200  # latest steps of each sort


class Overhead:
    """Seconds a step, apart for recorded and other steps."""

    def __init__(self) -> None:
        self._seconds = {True: deque[float](maxlen=KEPT), False: deque[float](maxlen=KEPT)}
        self._counts = {True: 0, False: 0}
        self._total = {True: 0.0, False: 0.0}
        self._at: float | None = None

    def begin(self) -> None:
        """Start the clock before the first step."""
        self._at = None

    def step_ended(self, was_recorded: bool) -> None:
        """Note a step; the first is left out, because all sorts of things start with it."""
        now = time.perf_counter()
        if self._at is not None:
            self._seconds[was_recorded].append(now - self._at)
            self._total[was_recorded] += now - self._at
            self._counts[was_recorded] += 1
        self._at = now

    def to_dict(self) -> dict[str, float]:
        """Return the medians, their ratio, and the share of all time that recording took.

        Nothing where there were not steps of both sorts.
        """
        recording, others = self._seconds[True], self._seconds[False]
        if not recording or not others:
            return {}
        slow, fast = median(recording), median(others)
        total = self._total[True] + self._total[False]
        more = self._total[True] - self._counts[True] * fast
        return {
            "recording_step": slow,
            "other_step": fast,
            "ratio": slow / fast,
            "share": more / total,
        }

    def __str__(self) -> str:
        told = self.to_dict()
        return t("report.watched.overhead", **words_of_overhead(told)) if told else t("watch.brief")
