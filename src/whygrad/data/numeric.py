"""Arrays of finite real numbers, and why something is not one."""

from __future__ import annotations

import numpy as np

from whygrad.errors import InputError
from whygrad.settings import LARGEST, SMALLEST

# What training squares and multiplies stays inside float32 between these two sizes.
MOST = 1e15
LEAST = 1e-18
KINDS = {"O": "object", "U": "text", "S": "text", "c": "complex", "M": "date", "m": "date"}


def as_array(name: str, given: object) -> tuple[np.ndarray, list[InputError]]:
    """Return what numpy makes of lists, frames, Series and jax arrays; masked numbers are NaN."""
    try:
        if isinstance(given, np.ma.MaskedArray) and given.dtype.kind in "biuf":
            return np.ma.filled(given.astype(np.float64), np.nan), []
        return np.asarray(given), []
    except ValueError:  # rows of different lengths
        return np.empty(0), [InputError("error.data_ragged_array", name=name)]


def real_numbers(name: str, given: object) -> tuple[np.ndarray, list[InputError]]:
    """Return an array of finite real numbers that float32 can hold, or what stands against it."""
    array, problems = as_array(name, given)
    if problems:
        return array, problems
    if array.dtype.kind not in "biuf":
        actual = KINDS.get(array.dtype.kind, array.dtype.name)
        return array, [InputError("error.data_array_kind", name=name, actual=actual)]
    if array.dtype.kind != "f":
        return array, []
    wrong, key = ~np.isfinite(array), "error.data_array_not_finite"
    if not wrong.any() and array.dtype.itemsize > 4:
        wrong, key = np.abs(array) > LARGEST, "error.data_array_too_large"
    if not wrong.any():
        return array, []
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    values = {"name": name, "index": list(index), "count": int(wrong.sum()), "limit": LARGEST}
    return array, [InputError(key, **values, actual=float(array[index]))]


def column_sizes(values: np.ndarray) -> np.ndarray:
    """Return the largest size in every column, (columns,); NaN where one is not a number."""
    if not len(values):
        return np.zeros(values.shape[1])
    with np.errstate(invalid="ignore"):
        return np.maximum(values.max(axis=0), -values.min(axis=0))


def weights_in_float32(weight: np.ndarray | None) -> tuple[np.ndarray | None, list[InputError]]:
    """Return sample weights in float32, or the problem that one above 0 is 0 or infinite there."""
    if weight is None:
        return None, []
    with np.errstate(over="ignore"):
        kept = weight.astype(np.float32)
    lost = (weight > 0) & ~((kept >= SMALLEST) & np.isfinite(kept))
    actual = weight[lost][:1].tolist()
    return kept, [InputError("error.data_weight_float32", actual=float(one)) for one in actual]
