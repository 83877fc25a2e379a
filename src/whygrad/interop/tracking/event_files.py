"""TensorBoard, by its own writer, which needs no TensorFlow."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[attr-defined] - protobuf makes it
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from whygrad.record.files import writing
from whygrad.record.tracker import Entry, Tracker

BINS = 30


class TensorBoardTracker(Tracker):
    """A folder of event files, for ``tensorboard --logdir``.

    Args:
        folder: made where it is not there.
        every: steps from one histogram to the next; default: see :class:`Tracker`.
    """

    def __init__(self, folder: str | Path = "logs", *, every: int | None = None):
        super().__init__(every)
        self.folder = Path(folder)

    @property
    def where(self) -> str:
        return str(self.folder)

    def _open(self, notes: Mapping[str, Any]) -> None:
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventFileWriter(str(self.folder))
        told = json.dumps(notes, indent=2, default=str)
        self._add(0, text_pb("settings", f"```\n{told}\n```"))

    def _write(self, entry: Entry) -> None:
        for name, value in entry.scalars.items():
            self._add(entry.step, scalar_pb(name, value))
        for name, values in entry.factors.items():
            self._add(entry.step, histogram_pb(name, values, buckets=BINS))

    def _add(self, step: int, summary: Any) -> None:
        self._writer.add_event(Event(step=step, wall_time=time.time(), summary=summary))

    def _flush(self) -> None:
        self._writer.flush()

    def _close(self) -> None:
        self._writer.close()
