"""The inputs of a network, out of raw columns: fitted on the training part, a few at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from whygrad.core.memory import require_memory
from whygrad.data.columns import Place, row_place
from whygrad.data.encoder import (
    Features,
    blocks,
    categories_of,
    filled,
    mean_and_scale,
    medians,
    scaled,
)
from whygrad.data.numeric import MOST, column_sizes
from whygrad.data.split import Split
from whygrad.data.table import Note
from whygrad.data.targets import Target


@dataclass(frozen=True, eq=False)
class Raw:
    """What every kind of source yields before it is split.

    Args:
        features: an array (rows of the source, columns), or a list of checked columns, which are
            let go as soon as they are encoded: they take twice the memory of the inputs.
        columns: names of the raw columns.
        rows: where each sample stands in the source and in the features, shape (m,), ascending.
        weight: sample weights, shape (m,), or None.
        divisor: the inputs are divided by it where they are not standardised.
        place: row in the source -> where a user finds it.
    """

    name: str
    features: Features
    columns: tuple[str, ...]
    target: Target
    rows: np.ndarray
    weight: np.ndarray | None = None
    image_shape: tuple[int, int] | None = None
    divisor: float = 1.0
    place: Callable[[int], Place] = row_place
    notes: tuple[Note, ...] = ()
    source: dict[str, object] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """Rows of the source."""
        is_array = isinstance(self.features, np.ndarray)
        return len(self.features) if is_array else len(self.features[0].values)


@dataclass(eq=False)
class Inputs:
    """The inputs of all parts, and what was found on the way.

    Args:
        x: of each part, shape (m, n_in), float32.
        fill: see :class:`Encoder`; as are mean and scale, all of shape (n_in,).
        missing: how many values each input lacks.
        constant: which inputs never change.
        rounded: of inputs that hold more different whole numbers than float32 can tell apart
            there: how many there are, and how many are left.
        wrong: row, input and value of the first one that is too large for float32 to multiply once
            it is scaled.
        sizes: the largest size of each input as the network sees it, shape (n_in,).
    """

    categories: tuple[tuple[str, ...], ...]
    x: dict[str, np.ndarray]
    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    missing: np.ndarray
    constant: np.ndarray
    rounded: dict[int, tuple[int, int]] = field(default_factory=dict)
    wrong: tuple[int, int, float] | None = None
    sizes: np.ndarray = field(default_factory=lambda: np.empty(0))


def inputs_of(raw: Raw, parts: Split, standardize: bool) -> Inputs:
    """Return the inputs, taken from the raw features a few at a time."""
    categories = _categories(raw.features, raw.rows[parts.train])
    is_number = np.array([not known for known in categories for _ in known or [0]], bool)
    width, samples = len(is_number), len(raw.rows)
    values = {"source": raw.name, "rows": samples, "columns": width}
    require_memory(4 * samples * width, "error.data_memory", **values)
    found = Inputs(
        categories,
        x={name: np.empty((len(rows), width), np.float32) for name, rows in vars(parts).items()},
        fill=np.full(width, np.nan),
        mean=np.zeros(width),
        scale=np.full(width, raw.divisor),
        missing=np.zeros(width, int),
        constant=np.zeros(width, bool),
        sizes=np.zeros(width),
    )
    rows = None if samples == raw.length else raw.rows
    for where, expanded in blocks(raw.features, categories, rows):
        found.missing[where] = np.isnan(expanded).sum(axis=0)
        found.fill[where] = medians(expanded[parts.train], found.missing[where] > 0)
        given = filled(expanded, found.fill[where])
        if standardize and is_number[where.start]:
            train = given[parts.train]
            if train.shape[1] == 1 < width:  # numpy adds up one column in another order than two
                train = np.repeat(train, 2, axis=1)
            mean, scale = mean_and_scale(train)
            found.mean[where], found.scale[where] = mean[: given.shape[1]], scale[: given.shape[1]]
        x = scaled(given, found.mean[where], found.scale[where])
        found.constant[where] = (given == given[:1]).all(axis=0)
        found.rounded |= _rounded(where.start, given, x, found.scale[where])
        found.sizes[where] = column_sizes(x)
        found.wrong = _first_wrong(found.wrong, where.start, given, x)
        for name, rows_of_part in vars(parts).items():
            found.x[name][:, where] = x[rows_of_part]
    return found


def _rounded(
    start: int, given: np.ndarray, x: np.ndarray, scale: np.ndarray
) -> dict[int, tuple[int, int]]:
    """Return the inputs of whole numbers of which float32 makes fewer; see :class:`Inputs`."""
    with np.errstate(invalid="ignore"):
        step = np.spacing(np.abs(x).max(axis=0, initial=0))  # from one float32 to the next
        are_near = np.flatnonzero(step * scale > 0.5)  # two whole numbers may fall into one
    found = {}
    for column in are_near:
        if np.array_equal(given[:, column], np.floor(given[:, column])):
            before, after = (len(np.unique(values[:, column])) for values in (given, x))
            if after < before:
                found[start + int(column)] = before, after
    return found


def _first_wrong(
    known: tuple[int, int, float] | None, start: int, given: np.ndarray, x: np.ndarray
) -> tuple[int, int, float] | None:
    """Return row, input and value of the first number that is too large, by row, then input."""
    for row, column in np.argwhere(~(np.abs(x) <= MOST))[:1]:
        if known is None or row < known[0]:
            return int(row), start + int(column), float(given[row, column])
    return known


def _categories(features: Features, train: np.ndarray) -> tuple[tuple[str, ...], ...]:
    if isinstance(features, np.ndarray):
        return ((),) * features.shape[1]
    return tuple(categories_of(column, train) for column in features)
