"""The file that a table comes from: opened as often as it is needed, never read past its end."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from whygrad.data.given import open_given
from whygrad.errors import DataError, InputError

BLOCK = 1 << 18  # bytes that are read at once
Tick = Callable[[float], None]  # is told which share of the work is done, from 0 to 1
Skip = Callable[[Sequence[str]], Collection[str]]  # names of all columns -> those to leave out


@dataclass(frozen=True)
class Source:
    """A file that was there when reading began.

    Args:
        size: bytes it had then; what is appended later is not read.
        tick: is told how far reading has come.
        passes: how often the whole file will be read.
    """

    path: Path
    size: int
    tick: Tick
    passes: int = 1

    @property
    def name(self) -> str:
        return self.path.name

    def open(self, number: int | None = None) -> io.BufferedReader:
        """Return the file, from its beginning to where it ended when reading began.

        Args:
            number: of the pass that this is, from 0; None for a look that is no progress.

        Raises:
            DataError: it is gone meanwhile, or may not be read.
        """
        return io.BufferedReader(_Stretch(self, number), BLOCK)


class _Stretch(io.RawIOBase):
    """The bytes of a source."""

    def __init__(self, source: Source, number: int | None):
        super().__init__()
        self.source, self.number, self.at = source, number, 0
        self.file, _ = opened(source.path)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.source.size}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self.at = self.file.seek(start + offset)
        return self.at

    def readinto(self, buffer) -> int:
        room = memoryview(buffer)[: max(0, self.source.size - self.at)]
        count = self.file.readinto(room) or 0 if len(room) else 0  # type: ignore[attr-defined]
        self.at += count
        if self.number is not None:
            self.source.tick((self.number + self.at / self.source.size) / self.source.passes)
        return count

    def close(self) -> None:
        self.file.close()
        super().close()


def opened(path: Path) -> tuple[io.BufferedReader, int]:
    """Open a data file.

    Raises:
        DataError: it is missing, no ordinary file, or may not be read.
    """
    try:
        return open_given(path)
    except FileNotFoundError:
        raise DataError(path.name, [_missing(path)]) from None
    except InputError as problem:
        is_folder = problem.values["what"] == "folder"
        problem = InputError("error.data_folder", path=path) if is_folder else problem
        raise DataError(path.name, [problem]) from None
    except OSError:
        raise DataError(path.name, [InputError("error.data_not_allowed", path=path)]) from None


def _missing(path: Path) -> InputError:
    try:
        beside = [entry.name for entry in path.parent.iterdir() if entry.name != path.name]
    except (OSError, ValueError):
        beside = []
    near = get_close_matches(path.name, beside, n=1)
    if near:
        return InputError("error.data_no_file_near", path=path, near=str(path.with_name(near[0])))
    return InputError("error.data_no_file", path=path)
