"""Rows of a stream that were read once: kept on disk as inputs and targets, for epochs to come.

Reading a text file takes longer than training on it. The file has no name, so that it is gone with
the process, however that ends.
"""

import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from whygrad.data.table import Part

ROOM = 2  # times what the rows take must be free on the disk


class ReadRows:
    """Training rows by unit, each in the order of the unit, from its first one on.

    Args:
        folder: on whose disk they are kept, where there is room.
        counts: training rows of each unit.
    """

    def __init__(self, folder: Path, counts: np.ndarray):
        self._folder = folder
        self._begins = np.cumsum(counts) - counts
        self._total = int(counts.sum())
        self._kept = np.zeros(len(counts), int)  # rows of each unit
        self._form = np.dtype([])  # of a row
        self._file: IO[bytes] | None = None
        self._is_over = False  # there was no room, or it was closed

    def keep(self, unit: int, start: int, part: Part) -> None:
        """Keep rows of a unit, the first of which is number ``start`` of it.

        What does not follow on those that are kept, as where an epoch goes on in its middle, is
        left to a later epoch. Once the disk is full, nothing is kept any more.
        """
        if self._is_over or start != self._kept[unit]:
            return
        arrays = part.arrays()
        try:
            file = self._file = self._file or self._begun(arrays)
            rows = np.empty(len(part), self._form)
            for name, array in arrays.items():
                rows[name] = array
            file.seek(self._place(unit, start))
            file.write(rows.view(np.uint8).data)
            file.flush()
        except OSError:
            self.close()
            return
        self._kept[unit] += len(part)

    def read(self, unit: int, start: int, stop: int) -> Part | None:
        """Return rows ``start`` to ``stop`` of a unit, or None where they were not all kept."""
        if stop > self._kept[unit] or self._file is None:
            return None
        size = (stop - start) * self._form.itemsize
        try:
            self._file.seek(self._place(unit, start))
            raw = self._file.read(size)
        except OSError:
            return None
        if len(raw) < size:
            return None
        rows = np.frombuffer(raw, self._form)
        return Part(**{name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names or ()})

    def close(self) -> None:
        """Let go of all rows, and keep no more."""
        self._is_over = True
        self._kept[:] = 0
        if self._file is not None:
            with suppress(OSError):  # what it could not write nobody will ask for
                self._file.close()
            self._file = None

    def _begun(self, arrays: dict[str, np.ndarray]) -> IO[bytes]:
        """Return a new file for rows of these arrays.

        Raises:
            OSError: the disk has no room for all of them.
        """
        self._form = np.dtype([(name, one.dtype, one.shape[1:]) for name, one in arrays.items()])
        if shutil.disk_usage(self._folder).free < ROOM * self._total * self._form.itemsize:
            raise OSError
        return TemporaryFile(dir=self._folder)

    def _place(self, unit: int, row: int) -> int:
        """Return where a row begins in the file."""
        return (int(self._begins[unit]) + row) * self._form.itemsize
