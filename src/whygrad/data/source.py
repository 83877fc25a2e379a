"""Files that a user names: opened only if they are ordinary ones, read only as far as they go.

A pipe waits for ever, a device never ends, and some files of ``/proc`` do both. Opening a device
may even do something. So what stands at a path is looked at before it is opened, and again after.
A table's ``Source`` is opened as often as it is needed, and never read past the size that it had.
Text may be packed by gzip: it is unpacked on the way, and progress counts the packed bytes.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from whygrad.data.encodings import Recoded, checked_encoding
from whygrad.errors import DataError, InputError, OptionError
from whygrad.words import byte_size

BLOCK = 1 << 18  # bytes that are read at once
Tick = Callable[[float], None]  # is told which share of the work is done, from 0 to 1
Skip = Callable[[Sequence[str]], Collection[str]]  # names of all columns -> those to leave out
TEXT = (".csv", ".tsv", ".txt")
JSON_LINES = (".jsonl", ".ndjson")
ARROW = (".arrow", ".feather", ".ipc")
PACKED = ".gz"  # may stand behind the ending of a text
SUFFIXES = (*TEXT, *JSON_LINES, ".parquet", ".npz")
SPECIAL: dict[str, Callable[[int], bool]] = {
    "folder": stat.S_ISDIR,
    "pipe": stat.S_ISFIFO,
    "socket": stat.S_ISSOCK,
    "device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
}


def open_given(path: Path) -> tuple[io.BufferedReader, int]:
    """Open an ordinary file and return it with its size in bytes, which no reader should pass.

    Files of ``/proc`` have the size 0.

    Raises:
        InputError: it is a folder, a pipe, a socket or a device.
        OSError: it is not there, or may not be opened.
    """
    try:
        _check_kind(path, path.stat().st_mode)
        plain = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, plain), "rb")
    except ValueError as error:  # a name that no file can have
        if isinstance(error, InputError):
            raise
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
    status = os.fstat(file.fileno())
    try:
        _check_kind(path, status.st_mode)
    except InputError:
        file.close()
        raise
    return file, status.st_size


def read_given(path: Path, most: int) -> bytes:
    """Return the content of an ordinary file.

    Args:
        most: bytes that it may have.

    Raises:
        InputError: it is no ordinary file, or longer.
        OSError: it cannot be read.
    """
    file, size = open_given(path)
    with file:
        if size > most:
            values = {"actual": byte_size(size), "most": byte_size(most)}
            raise InputError("error.file_too_long", path=path, **values)
        return file.read(size)


def _check_kind(path: Path, mode: int) -> None:
    kind = next((kind for kind, is_kind in SPECIAL.items() if is_kind(mode)), None)
    if kind is not None:
        raise InputError("error.special_file", path=path, what=kind)


@dataclass(frozen=True)
class Source:
    """A file that was there when reading began.

    Args:
        size: bytes it had then; what is appended later is not read.
        tick: is told how far reading has come.
        passes: how often the whole file will be read.
        is_packed: whether it is unpacked by gzip as it is read.
        encoding: of text that becomes UTF-8 as it is read; ``""`` for what is read as it is.
    """

    path: Path
    size: int
    tick: Tick
    passes: int = 1
    is_packed: bool = False
    encoding: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    def open(self, number: int | None = None) -> io.BufferedReader:
        """Return the file, from its beginning to where it ended when reading began.

        Args:
            number: of the pass that this is, from 0; None for a look that is no progress.

        Raises:
            DataError: it is gone meanwhile, or may not be read; or what is read turns out to be
                damaged where it is packed.
        """
        stretch = _Stretch(self, number)
        raw: io.RawIOBase = _Unpacked(stretch) if self.is_packed else stretch
        raw = Recoded(raw, self.encoding, self.name) if self.encoding else raw
        return io.BufferedReader(raw, BLOCK)


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


class _Unpacked(io.RawIOBase):
    """The bytes that a stretch was before gzip packed it."""

    def __init__(self, stretch: _Stretch):
        super().__init__()
        self.stretch, self.file = stretch, gzip.GzipFile(fileobj=stretch)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            return self.file.readinto(buffer)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            problem = InputError("error.data_damaged", kind=PACKED)
            raise DataError(self.stretch.source.name, [problem]) from None

    def close(self) -> None:
        self.stretch.close()
        super().close()


def opened(path: Path) -> tuple[io.BufferedReader, int]:
    """Open a data file.

    Raises:
        DataError: it is missing, no ordinary file, or may not be read.
    """
    try:
        return open_given(path)
    except FileNotFoundError:
        beside: list[str] = []
        with suppress(OSError, ValueError):
            beside = [entry.name for entry in path.parent.iterdir() if entry.name != path.name]
        problem = InputError("error.data_no_file", path=path)
        for near in get_close_matches(path.name, beside, n=1):
            near_path = str(path.with_name(near))
            problem = InputError("error.data_no_file_near", path=path, near=near_path)
        raise DataError(path.name or str(path), [problem]) from None
    except InputError as problem:
        is_folder = problem.values["what"] == "folder"
        problem = InputError("error.data_folder", path=path) if is_folder else problem
        raise DataError(path.name or str(path), [problem]) from None
    except OSError:
        raise DataError(
            path.name or str(path), [InputError("error.data_not_allowed", path=path)]
        ) from None


def checked_source(
    path: Path, tick: Tick, suffixes: Sequence[str] = SUFFIXES, encoding: str | None = None
) -> tuple[Source, str]:
    """Return a file that can be read, and its kind: its ending in small letters, without .gz.

    Args:
        suffixes: of the kinds that the caller can read.
        encoding: of text; None for UTF-8.

    Raises:
        DataError: it is missing, empty, no ordinary file, or of a kind that cannot be read.
        OptionError: there is no such encoding, or the file is no text.
    """
    recoded_from = checked_encoding(encoding)
    file, size = opened(path)
    with file:
        start = file.read(1) if size else b""
    is_packed = path.suffix.lower() == PACKED
    suffix = Path(path.stem if is_packed else path.name).suffix.lower()
    if suffix not in ((*TEXT, *JSON_LINES) if is_packed else suffixes):
        known = ", ".join(suffixes)
        raise DataError(path.name, [InputError("error.data_suffix", path=path, known=known)])
    if not start:
        raise DataError(path.name, [InputError("error.data_empty")])
    if encoding is not None and suffix not in (*TEXT, *JSON_LINES):
        raise OptionError("error.data_encoding_of_no_text", path=path)
    return Source(path, size, tick, is_packed=is_packed, encoding=recoded_from), suffix
