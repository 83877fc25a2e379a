"""Arrays made smaller without loss: byte by byte, each plane deflated where that helps.

The highest bytes of floating-point numbers, signs and exponents, repeat; the lowest are as good as
random, unless the number was rounded, and are then 0. So the bytes of one place are laid side by
side, and each such plane is deflated alone. What stands in a file twice is written once.

Source: the shuffle filter of HDF5, The HDF Group 2002; Deutsch 1996, RFC 1950.
"""

import zlib
from collections.abc import Collection, Hashable, Mapping
from typing import Any

import numpy as np

FASTEST = 1  # of zlib's levels; higher ones gain a hundredth on such numbers
SAMPLED = 2**16  # bytes of a plane that are deflated first, to see whether it helps
WORTH = 0.95  # of the length before
LEAST = 1024  # bytes of an array below which a file's own header is what takes room

Arrays = Mapping[str, np.ndarray]
Notes = Mapping[str, Any]


class Packing:
    """Packs arrays one by one, so that each can be let go before the next is made.

    Attributes:
        written: what is to be written, by name.
        notes: how it is read. For each array that is not written as it is ``{"type", "shape",
            "planes"}``, with the bytes that each plane takes, or ``{"as": name}`` where another
            name holds it.
    """

    def __init__(self) -> None:
        self.written: dict[str, np.ndarray] = {}
        self.notes: dict[str, Any] = {}
        self._names: dict[Hashable, str] = {}

    def holds(self, name: str, key: Hashable) -> bool:
        """Return whether what a key stands for is there, and can be read by this name, too."""
        if key not in self._names:
            return False
        self.notes[name] = {"as": self._names[key]}
        return True

    def add(self, name: str, array: np.ndarray, key: Hashable = None) -> None:
        """Pack an array.

        Args:
            key: what it is, where other names may stand for the same.
        """
        if key is not None:
            self._names[key] = name
        if array.nbytes < LEAST:
            self.written[name] = array
            return
        planes = [_deflated(plane) for plane in _planes(array)]
        told = {"type": array.dtype.str, "shape": list(array.shape)}
        self.notes[name] = told | {"planes": [len(plane) for plane in planes]}
        self.written[name] = np.frombuffer(b"".join(planes), np.uint8)


def needed(names: Collection[str], notes: Notes) -> set[str]:
    """Return under which names arrays are written."""
    return {notes.get(name, {}).get("as", name) for name in names}


def unpacked(written: Arrays, notes: Notes, names: Collection[str]) -> dict[str, np.ndarray]:
    """Return arrays as they were.

    Raises:
        ValueError: their bytes are not what the notes say.
    """
    return {name: _unpacked(written, notes, notes.get(name, {}).get("as", name)) for name in names}


def _unpacked(written: Arrays, notes: Notes, name: str) -> np.ndarray:
    array, note = written[name], notes.get(name)
    if note is None:
        return array
    dtype = np.dtype(note["type"])
    count = int(np.prod(note["shape"]))
    planes, end = np.empty((dtype.itemsize, count), np.uint8), 0
    if len(note["planes"]) != dtype.itemsize or sum(note["planes"]) != array.size:
        raise ValueError("not as many bytes as were packed")
    for plane, length in zip(planes, note["planes"], strict=True):
        begin, end = end, end + length
        plane[:] = _inflated(array[begin:end], count)
    return np.ascontiguousarray(planes.T).view(dtype).reshape(note["shape"])


def _planes(array: np.ndarray) -> np.ndarray:
    of_bytes = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return np.ascontiguousarray(of_bytes.reshape(-1, array.itemsize).T)


def _deflated(plane: np.ndarray) -> bytes:
    """Return a plane deflated, or as it is, which its length tells."""
    middle = len(plane) // 2
    part = plane[middle : middle + SAMPLED]
    if len(zlib.compress(part.data, FASTEST)) < WORTH * len(part):
        small = zlib.compress(plane.data, FASTEST)
        if len(small) < len(plane):
            return small
    return plane.tobytes()


def _inflated(part: np.ndarray, count: int) -> np.ndarray:
    if len(part) == count:
        return part
    inflating = zlib.decompressobj()
    found = inflating.decompress(part.data, count)
    if len(found) != count or not inflating.eof:
        raise ValueError("not as many bytes as were packed")
    return np.frombuffer(found, np.uint8)
