"""Reading files: text tables and Parquet through pyarrow, .npz through numpy; never pickle."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from whygrad.data.columns import Table
from whygrad.data.source import Skip, Source, Tick, opened
from whygrad.errors import DataError, InputError

TEXT = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT, ".parquet", ".npz")


def checked_source(path: Path, tick: Tick) -> tuple[Source, str]:
    """Return a file that can be read, and its kind: its ending in small letters.

    Raises:
        DataError: it is missing, empty, no ordinary file, or of a kind that cannot be read.
    """
    file, size = opened(path)
    with file:
        start = file.read(1) if size else b""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise DataError(path.name, [InputError("error.data_suffix", path=path, known=known)])
    if not start:
        raise DataError(path.name, [InputError("error.data_empty")])
    return Source(path, size, tick), suffix


def everything(names: Sequence[str]) -> Collection[str]:
    """Leave out no column."""
    return ()


def read_table(
    source: Source,
    suffix: str,
    delimiter: str | None = None,
    skip: Skip = everything,
    fewest: int = 2,
) -> Table:
    """Return the columns of a text table or Parquet file.

    Args:
        skip: which columns are not wanted; they come back unread.
        fewest: columns that a text table may have: one where no target is needed.

    Raises:
        DataError: with what is wrong with the file as a whole.
        TooLargeError: the table does not fit into memory.
    """
    if suffix in TEXT:
        from whygrad.data.reading import read_text

        return read_text(source, delimiter, skip, fewest)
    from whygrad.data.parquet import read_parquet

    return read_parquet(source, skip)


def read_npz(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets of an .npz file; see :func:`whygrad.data.npz.read_npz`."""
    from whygrad.data import npz

    return npz.read_npz(source)
