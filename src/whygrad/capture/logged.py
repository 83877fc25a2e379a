"""What is recorded of a watched model, told to a tracker while it trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.capture.isolation import warn
from whygrad.capture.record import Recorded
from whygrad.record.tracker import notes_of_watched
from whygrad.words import t

if TYPE_CHECKING:
    from whygrad.record.tracker import Tracker


class Logged:
    """Tells a tracker of every recorded step, in a thread of its own.

    What goes wrong there, such as a server that does not answer, ends the telling with a warning,
    and neither the watching nor the training.

    Args:
        tracker: is closed at the end.
        description: of the run, as it is when it begins.
    """

    def __init__(self, tracker: Tracker, description: Mapping[str, Any]):
        self._tracker, self._description = tracker, description
        self._pool = ThreadPoolExecutor(1, "whygrad-log")
        self._under_way: list[Future] = []
        self._has_failed = Event()
        self._has_warned = False

    def take(self, step: Recorded) -> None:
        """Pass a recorded step on."""
        self._look_back()
        if not self._has_failed.is_set():
            what = (
                step.diagnostics["optimizers"],
                step.line,
                step.recorded(),
            )  # no arrays for ledgers
            self._under_way.append(self._pool.submit(self._tell, *what))

    def close(self) -> None:
        """Wait until all is told."""
        self._under_way.append(self._pool.submit(self._tracker.close))
        self._pool.shutdown()
        self._look_back()

    def _tell(
        self,
        optimizers: Sequence[Mapping[str, Any]],
        line: Mapping[str, Any],
        rows: Mapping[str, tuple[np.ndarray, np.ndarray]],
    ) -> None:
        if self._has_failed.is_set():
            return  # all that waits would wait for the server once more
        try:
            notes = notes_of_watched(self._description, optimizers)
            self._tracker.take(notes, [line], rows)
        except Exception:
            self._has_failed.set()
            raise

    def _look_back(self) -> None:
        """Say what went wrong, once; the thread cannot."""
        done = [one for one in self._under_way if one.done()]
        self._under_way = [one for one in self._under_way if not one.done()]
        errors = [error for one in done if (error := one.exception()) is not None]
        if errors and not self._has_warned:
            self._has_warned = True
            problem = f"{type(errors[0]).__name__}: {errors[0]}"
            warn(t("warning.watch_log", problem=problem))
