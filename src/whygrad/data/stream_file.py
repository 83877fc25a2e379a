"""A file of a stream, and what it is known by: whoever reads it later is told if it has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whygrad.errors import DataError, InputError

ENDS = 1 << 16  # bytes at either end of a file that it is known by


@dataclass(frozen=True)
class StreamFile:
    """A file, and what it is known by.

    Args:
        name: in messages: where several files are read, its path in their folder.
        path: absolute.
        kind: ``text``, ``parquet``, ``arrow``; ``packed`` (by gzip), ``whole`` (text that is not
            UTF-8, or without line feeds) or ``json``, lines of it, which are one unit whole.
        size: bytes.
        modified: nanoseconds since 1970.
        digest: SHA-256 of its first and last bytes, in hexadecimal.
        names: of its columns, in their order.
        keys: columns that its folders name, ``year=2024``, with their value as text.
        delimiter: of text.
        start: byte at which the rows of a text begin.
        encoding: of text that is not UTF-8.
    """

    name: str
    path: str
    kind: str
    size: int
    modified: int
    digest: str
    names: tuple[str, ...]
    keys: Mapping[str, str | None]
    delimiter: str = ""
    start: int = 0
    encoding: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> StreamFile:
        return cls(**{**told, "names": tuple(told["names"])})

    @property
    def is_of_words(self) -> bool:
        """Whether its cells are words, of which nothing tells the kind."""
        return self.kind in ("text", "packed", "whole", "json")

    def check(self) -> None:
        """Check that the file is what it was.

        Raises:
            DataError: it is gone, or another one.
        """
        path = Path(self.path)
        try:
            status = path.stat()
        except OSError:
            raise DataError(self.name, [InputError("error.stream_gone", path=path)]) from None
        if (status.st_size, status.st_mtime_ns) == (self.size, self.modified):
            return
        if status.st_size != self.size or digest_of(path, self.size) != self.digest:
            raise self.changed()

    def changed(self) -> DataError:
        """Return the error of a file that is another one than it was."""
        return DataError(self.name, [InputError("error.stream_changed", path=self.path)])


def digest_of(path: Path, size: int) -> str:
    """Return the SHA-256 of the first and last bytes of a file, in hexadecimal."""
    with path.open("rb") as file:
        first = file.read(ENDS)
        file.seek(max(0, size - ENDS))
        return hashlib.sha256(first + file.read(ENDS)).hexdigest()
