"""Files of NumPy's ``savez``: every header is read and asked for before its numbers are."""

from __future__ import annotations

import io
import lzma
import math
import sys
import tokenize
import warnings
import zipfile
import zlib

import numpy as np
from numpy.lib import format as npy

from whygrad.core.memory import require_memory
from whygrad.data.columns import listed
from whygrad.data.source import BLOCK, Source
from whygrad.errors import DataError, InputError

KEYS = (("x", "y"), ("X", "y"), ("X", "Y"), ("data", "target"), ("x_train", "y_train"))
LONGEST_HEADER = 10_000  # NumPy's own limit; a header of plain numbers has 128 bytes
DAMAGE = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RuntimeError),
    *(ArithmeticError, SyntaxError, MemoryError, tokenize.TokenError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)


def read_npz(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets.

    Raises:
        DataError: the file is damaged, holds no such pair, or holds Python objects.
        TooLargeError: an array does not fit into memory.
    """
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            found = [name.removesuffix(".npy") for name in archive.namelist()]
            names = next((pair for pair in KEYS if set(pair) <= set(found)), None)
            if names is None:
                known = listed(found) or "—"
                raise DataError(source.name, [InputError("error.data_npz_keys", found=known)])
            shares = [archive.getinfo(f"{name}.npy").file_size for name in names]
            x = _array(source, archive, names[0], 0.0, shares[0] / max(1, sum(shares)))
            y = _array(source, archive, names[1], shares[0] / max(1, sum(shares)), 1.0)
            return x, y
    except InputError:
        raise
    except DAMAGE:
        raise DataError(source.name, [InputError("error.data_damaged", kind=".npz")]) from None


def _array(
    source: Source, archive: zipfile.ZipFile, name: str, begun: float, done: float
) -> np.ndarray:
    """Return one array.

    Args:
        begun: share of the work before it.
        done: share of the work after it.
    """
    with archive.open(f"{name}.npy") as file:
        start = io.BytesIO(file.read(LONGEST_HEADER + 16))
        shape, is_fortran, dtype = _header(start)
        if dtype.hasobject:
            raise DataError(source.name, [InputError("error.data_npz_objects", kind=".npz")])
        count = math.prod(shape)
        if any(length < 0 for length in shape):
            raise ValueError(shape)
        # beside the array itself, its numbers as float32
        values = {"source": source.name, "name": name, "shape": shape}
        require_memory(count * (dtype.itemsize + 4), "error.data_array_memory", **values)
        array = np.empty(count, dtype)
        raw = array.view(np.uint8) if array.nbytes else np.empty(0, np.uint8)
        filled = start.readinto(raw.data)
        while filled < len(raw):
            block = file.readinto(raw[filled : filled + BLOCK].data)  # type: ignore[attr-defined]
            if not block:
                raise EOFError(name)
            filled += block
            source.tick(begun + (done - begun) * filled / len(raw))
    source.tick(done)
    if dtype.kind == "b":  # any other byte than 0 and 1 would be a number of its own
        np.not_equal(raw, 0, out=array)
    if dtype.kind == "U" and len(raw):
        letters = raw.view(dtype.str[0] + "u4")
        if letters.max() > sys.maxunicode:
            raise ValueError(name)
    return array.reshape(shape, order="F" if is_fortran else "C")


def _header(file: io.BufferedIOBase) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = npy.read_magic(file)
    if version == (3, 0):  # written for names of fields that Latin-1 has not, and nothing else
        raise InputError("error.data_array_kind", name="x", actual="structured")
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
    with warnings.catch_warnings(action="ignore"):  # of headers that Python 2 wrote
        return read(file, max_header_size=LONGEST_HEADER)
