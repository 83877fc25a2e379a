"""Reading files: text tables and Parquet through pyarrow, .npz through numpy; never pickle."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from whygrad.data.columns import Table
from whygrad.errors import DataError, InputError

TEXT = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT, ".parquet", ".npz")
KEYS = (("x", "y"), ("X", "y"), ("X", "Y"), ("data", "target"), ("x_train", "y_train"))


def checked_suffix(path: Path) -> str:
    """Return the kind of a file by its ending, in small letters.

    Raises:
        DataError: it is missing, a folder, or of a kind that cannot be read.
    """
    if not _is_there(path):
        raise DataError(path.name, [_missing(path)])
    if path.is_dir():
        raise DataError(path.name, [InputError("error.data_folder", path=path)])
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise DataError(path.name, [InputError("error.data_suffix", path=path, known=known)])
    return suffix


def read_table(path: Path, suffix: str, delimiter: str | None) -> Table:
    """Return the columns of a text table or Parquet file.

    Raises:
        DataError: with what is wrong with the file as a whole.
    """
    content = read_bytes(path)
    if suffix in TEXT:
        from whygrad.data.delimited import read_delimited

        return read_delimited(path.name, content, delimiter)
    return _parquet(path.name, content)


def read_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        DataError: it is empty or may not be read.
    """
    try:
        content = path.read_bytes()
    except OSError:
        raise DataError(path.name, [InputError("error.data_not_allowed", path=path)]) from None
    if not content.strip():
        raise DataError(path.name, [InputError("error.data_empty")])
    return content


def _parquet(name: str, content: bytes) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from whygrad.data.arrow import columns_from_frame

    try:
        table = pq.read_table(pa.BufferReader(content))
        columns, problems = columns_from_frame(table)
    except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError):
        raise DataError(name, [InputError("error.data_damaged", kind="Parquet")]) from None
    if problems:
        raise DataError(name, problems)
    return Table(name, columns, table.num_rows)


def read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets of an .npz file.

    Raises:
        DataError: the file is damaged, holds no such pair, or holds Python objects.
    """
    from io import BytesIO

    content = read_bytes(path)
    try:
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            names = _pair(path.name, archive.files)
            x, y = archive[names[0]], archive[names[1]]
            if not (isinstance(x, np.ndarray) and isinstance(y, np.ndarray)):
                raise EOFError  # an entry that is no array comes back as bytes
            return x, y
    except DataError:
        raise
    except ValueError as error:
        key = "error.data_npz_objects" if "pickle" in str(error) else "error.data_damaged"
        raise DataError(path.name, [InputError(key, kind=".npz")]) from None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, *_UNFORESEEN):
        raise DataError(path.name, [InputError("error.data_damaged", kind=".npz")]) from None


_UNFORESEEN = (AttributeError, IndexError, KeyError, MemoryError, NotImplementedError)
_UNFORESEEN += (OverflowError, RuntimeError, SyntaxError, TypeError, UnicodeError)


def _pair(name: str, found: Sequence[str]) -> tuple[str, str]:
    for pair in KEYS:
        if set(pair) <= set(found):
            return pair
    problem = InputError("error.data_npz_keys", found=", ".join(found) or "—")
    raise DataError(name, [problem])


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _missing(path: Path) -> InputError:
    try:
        beside = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        beside = []
    near = get_close_matches(path.name, beside, n=1)
    if near:
        return InputError("error.data_no_file_near", path=path, near=str(path.with_name(near[0])))
    return InputError("error.data_no_file", path=path)
