"""What all trackers share: they can be told of a finished run, or watch one that trains."""

import atexit
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from whygrad.adapters.tracking.entry import Entry, entries, spread
from whygrad.errors import RunError, WhygradError
from whygrad.run.recorder import Moment

MOST_HISTOGRAMS = 200  # a layer and factor, spread over a run


class Tracker:
    """Someone else's record of a run.

    Give it to ``wg.train(..., watch=tracker)``, or a run to ``wg.log(run, to=tracker)``. It opens
    at the first thing it hears and closes with the last step, at the end of a ``with`` block, or
    with the process.

    Args:
        every: steps from one histogram to the next; default: so many that there are at most 200.
    """

    def __init__(self, every: int | None = None):
        self.every = every
        self.steps = 0  # that it was told of
        self.histograms = 0  # steps of which it was told the factors
        self._due = 0
        self._is_open = False

    # what a library does its own way
    def _open(self, notes: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def _write(self, entry: Entry) -> None:
        raise NotImplementedError

    def _flush(self) -> None:
        pass

    def _close(self) -> None:
        pass

    @property
    def where(self) -> str:
        """Where the record is to be found."""
        raise NotImplementedError

    def __call__(self, moment: Moment) -> None:
        """Take over what a stretch of steps recorded."""
        self.begin(moment.settings.to_dict())
        chosen = spread(moment.recorded_steps, self._due, self.spacing(moment.total_steps))
        for entry in entries(moment.lines, moment.recorded_steps, moment.rows, chosen):
            self.tell(entry, moment.total_steps)
        self._flush()
        if moment.step >= moment.total_steps:
            self.close()

    def begin(self, notes: Mapping[str, Any]) -> None:
        """Open the record, if it is not open yet.

        Args:
            notes: what was asked for: settings by name.

        Raises:
            RunError: the library refuses.
        """
        if self._is_open:
            return
        try:
            self._open(notes)
        except WhygradError:
            raise
        except Exception as error:  # of a library: no network, no key, a store it does not take
            name = type(self).__name__.removesuffix("Tracker")
            raise RunError("error.track_refused", tracker=name, problem=error) from error
        self._is_open = True
        atexit.register(self.close)  # training may stop before its last step

    def tell(self, entry: Entry, total_steps: int) -> None:
        """Write one entry."""
        self._write(entry)
        self.steps += 1
        if entry.factors:
            self.histograms += 1
            self._due = entry.step + self.spacing(total_steps)

    def end(self, entry: Entry) -> None:
        """Write what a run came to; it is of a step that was told before."""
        self._write(entry)

    def spacing(self, total_steps: int) -> int:
        """Return how many steps lie between two histograms."""
        return self.every or max(-(-total_steps // MOST_HISTOGRAMS), 1)

    def close(self) -> None:
        """Close the record; nothing happens where it is not open."""
        if self._is_open:
            self._is_open = False
            atexit.unregister(self.close)
            self._close()

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
