"""From raw columns to the inputs of a network, and from its targets back to words and units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, groupby

import numpy as np

from whygrad.data.columns import (
    NUMBER,
    Column,
    Place,
    Table,
    column_from_array,
    is_frame,
    row_place,
    settled,
    shortened,
    table_from_mapping,
)
from whygrad.data.numeric import KINDS, MOST, as_array
from whygrad.errors import InputError, ShapeError

RowPlace = Callable[[int], Place]  # row counted from 0 -> where a user finds it
Features = np.ndarray | tuple[Column, ...] | list[Column]
GONE = Column("", "unread", np.empty(0))
MISSING = "?"  # the category of missing text
AT_ONCE = 1 << 20  # bytes of raw features that are worked on at once
TINY = 10 * np.finfo(np.float64).eps  # a spread below this share of the mean is rounding


@dataclass(frozen=True, eq=False)
class Encoder:
    """The fitted rules of a table; nothing here depends on validation or test rows.

    Args:
        columns: names of the raw columns, in order.
        categories: the known categories of each raw column; empty for a column of numbers.
        fill: what stands in for a missing number, shape (n_in,); NaN: must not be missing.
        mean: subtracted from each input, shape (n_in,).
        scale: each input is divided by it afterwards, shape (n_in,).
        target_mean: mean of each number to predict, shape (k,); empty unless ``numbers``.
        target_scale: spread of each number to predict, shape (k,).
    """

    columns: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    image_shape: tuple[int, int] | None
    task: str
    target_names: tuple[str, ...]
    target_mean: np.ndarray
    target_scale: np.ndarray

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """One name for each input; a category is written ``column=category``."""
        return tuple(
            name
            for column, known in zip(self.columns, self.categories, strict=True)
            for name in ([f"{column}={value}" for value in known] or [column])
        )

    def encode(self, raw: object) -> np.ndarray:
        """Return raw samples as inputs, shape (m, n_in), float32.

        Categories that training did not know become zeros in their whole group.

        Args:
            raw: an array (m, columns), a dict of columns, a DataFrame, an Arrow table, or what
                :func:`whygrad.data.loading.load_rows` read of a file. Columns are found by name
                where there are names, by position where there are none.
        Raises:
            InputError: a column is missing, is text where numbers should be, or holds a missing
                value where training had none; the width is wrong; a value is not finite.
        """
        features = self._features(raw)
        place = raw.place if isinstance(raw, Table) else row_place
        samples = len(features) if isinstance(features, np.ndarray) else len(features[0].values)
        encoded = np.empty((samples, len(self.fill)), np.float32)
        for where, values in blocks(features, self.categories):
            self._check(where, values, np.isinf(values), "error.data_encode_infinite", place)
            missing = np.isnan(values) & np.isnan(self.fill[where])
            self._check(where, values, missing, "error.data_encode_missing_value", place)
            values = filled(values, self.fill[where])
            encoded[:, where] = scaled(values, self.mean[where], self.scale[where])
            wrong = ~(np.abs(encoded[:, where]) <= MOST)
            key = "error.data_encode_too_large"
            self._check(where, values, wrong, key, place, limit=MOST)
        return encoded

    def scaled_target(self, y: np.ndarray) -> np.ndarray:
        """Return targets as they are trained on; only ``numbers`` are scaled."""
        if self.task != "numbers":
            return y
        with np.errstate(over="ignore", invalid="ignore"):
            return ((y - self.target_mean) / self.target_scale).astype(np.float32)

    def decode(self, targets: object) -> np.ndarray | list[tuple[str, ...]]:
        """Return targets in the user's words and units.

        Args:
            targets: class indices, shape (m,) or (m, 1); a 0/1 matrix of labels, shape (m, k); or
                numbers as trained on, shape (m, k).
        Returns:
            The class names, shape (m,); for each sample the tuple of its labels; or the numbers in
            their original units, shape (m, k), float64.
        Raises:
            ShapeError: the shape, or a class index, does not belong to this data.
        """
        values = _array("targets", targets)
        if values.dtype.kind not in "biuf":
            actual = KINDS.get(values.dtype.kind, values.dtype.name)
            raise InputError("error.data_array_kind", name="targets", actual=actual)
        if self.task in ("classes", "binary"):
            indices = values.reshape(-1) if values.shape[1:] in ((), (1,)) else values
            known = np.isin(indices, np.arange(len(self.target_names)))
            if indices.ndim != 1 or not known.all():
                last = len(self.target_names) - 1
                raise ShapeError("error.data_decode_class", last=last, actual=values.shape)
            return np.array(self.target_names, object)[indices.astype(np.int64)]
        if values.ndim == 1 and len(self.target_names) == 1:
            values = values[:, None]
        self._check_width(values, len(self.target_names))
        if self.task == "labels":
            return [tuple(compress(self.target_names, row)) for row in values]
        return values.astype(np.float64) * self.target_scale + self.target_mean

    def answer(self, claims: np.ndarray) -> np.ndarray | list[tuple[str, ...]]:
        """Return what a network's claims come to: class names, labels or quantities.

        Args:
            claims: shape (m, n_out): probabilities, or numbers as trained on.
        """
        return self.decode(decided(self.task, claims))

    def _features(self, raw: object) -> Features:
        if is_frame(raw):
            from whygrad.data.arrow import table_from_frame

            return self._select(table_from_frame(raw, "frame").columns)
        if isinstance(raw, Mapping):
            return self._select(table_from_mapping(raw, "dict").columns)
        if isinstance(raw, Table):
            return self._select(raw.columns, raw.place)
        array = _array("x", raw)
        if array.ndim == 3 and array.shape[1:] == self.image_shape:
            array = array.reshape(len(array), -1)
        self._check_width(array, len(self.columns))
        if not any(self.categories) and array.dtype.kind in "biuf":
            return array
        columns = zip(self.columns, array.T, strict=True)
        return self._select(tuple(column_from_array(name, values) for name, values in columns))

    def _select(self, columns: Sequence[Column], place: RowPlace = row_place) -> tuple[Column, ...]:
        actual = {column.name: column for column in columns}
        absent = [name for name in self.columns if name not in actual]
        if absent:
            values = {"missing": ", ".join(absent), "known": ", ".join(actual)}
            raise InputError("error.data_encode_missing_column", **values)
        pairs = list(zip(self.columns, self.categories, strict=True))
        chosen = tuple(actual[name] if known else settled(actual[name]) for name, known in pairs)
        for column, known in zip(chosen, self.categories, strict=True):
            if column.is_numeric or column.kind == "empty" or (known and column.kind == "text"):
                continue
            if column.kind != "text":
                raise InputError("error.data_column_kind", column=column.name, kind=column.kind)
            wrong = column.holds(np.array([not NUMBER.fullmatch(word) for word in column.known]))
            row = int(np.flatnonzero(wrong)[0])
            actual = shortened(column.known[column.values[row]])
            raise InputError(
                "error.data_encode_text", column=column.name, actual=actual, **place(row)
            )
        return chosen

    def _check_width(self, array: np.ndarray, expected: int) -> None:
        if array.ndim != 2 or array.shape[1] != expected:
            raise ShapeError("error.data_encode_width", expected=expected, actual=array.shape)

    def _check(
        self,
        where: slice,
        values: np.ndarray,
        are_wrong: np.ndarray,
        key: str,
        place: RowPlace,
        **said: object,
    ) -> None:
        if are_wrong.any():
            row, feature = np.argwhere(are_wrong)[0]
            actual = float(values[row, feature])
            column = self.feature_names[where.start + feature]
            raise InputError(key, column=column, actual=actual, **said, **place(int(row)))


def _array(name: str, given: object) -> np.ndarray:
    array, problems = as_array(name, given)
    if problems:
        raise problems[0]
    return array


def decided(task: str, claims: np.ndarray) -> np.ndarray:
    """Return what a network's claims come to: class indices (m,), labels or numbers (m, k).

    Args:
        claims: shape (m, n_out); a single output of two classes speaks for the second.
    """
    if task == "numbers":
        return claims
    if task == "labels":
        return claims > 0.5
    if claims.shape[1] == 1:
        return (claims[:, 0] > 0.5).astype(int)
    return claims.argmax(axis=1)


def blocks(
    features: Features, categories: Sequence[tuple[str, ...]], rows: np.ndarray | None = None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield raw features a few inputs at a time: which ones, and float64, NaN where missing.

    All at once they would take twice the memory of the inputs themselves, which are float32.

    Args:
        features: the columns of a list are let go, one after the other.
        categories: the known categories of each feature; none for numbers.
        rows: those that are wanted; None for all.
    """
    chosen = slice(None) if rows is None else rows
    length = len(features) if isinstance(features, np.ndarray) else len(features[0].values)
    width = max(2, AT_ONCE // (8 * max(1, length)))
    if isinstance(features, np.ndarray):
        for where in _slices(features.shape[1], width):
            with np.errstate(over="ignore"):
                yield where, features[:, where][chosen].astype(np.float64)
        return
    begun = 0
    for are_numbers, group in groupby(range(len(features)), lambda place: not categories[place]):
        places = list(group)
        if are_numbers:
            for some in _slices(len(places), width):
                numbers = [features[place].values[chosen] for place in places[some]]
                values = np.stack(numbers, axis=1)
                if isinstance(features, list):
                    features[places[0] + some.start : places[0] + some.stop] = [GONE] * len(numbers)
                del numbers
                yield slice(begun + some.start, begun + some.stop), values
            begun += len(places)
            continue
        for place in places:
            known = categories[place]
            codes = _codes(features[place], known)[chosen]
            for some in _slices(len(known), width):
                is_one = codes[:, None] == np.arange(some.start, some.stop)
                yield slice(begun + some.start, begun + some.stop), is_one.astype(np.float64)
            begun += len(known)


def _slices(length: int, width: int) -> list[slice]:
    return [slice(start, min(start + width, length)) for start in range(0, length, width)]


def _codes(column: Column, known: Sequence[str]) -> np.ndarray:
    """Return the place of each sample's category among those known, -1 for others; shape (m,)."""
    place = {word: index for index, word in enumerate(known)}
    text = column.as_text()
    if text.kind != "text":  # all are missing
        return np.full(len(text.values), place.get(MISSING, -1))
    words = [*text.known, MISSING]
    return np.array([place.get(word, -1) for word in words])[text.values]


def categories_of(features: Features, train: np.ndarray) -> tuple[tuple[str, ...], ...]:
    """Return the categories of each feature in order; none for a feature of numbers.

    Args:
        train: the rows of the training part.
    """
    if isinstance(features, np.ndarray):
        return ((),) * features.shape[1]
    found: list[tuple[str, ...]] = [()] * len(features)
    for place, column in enumerate(features):
        if column.kind == "text":
            occurs = np.bincount(column.values[train] + 1, minlength=len(column.known) + 1) > 0
            missing = {MISSING} if occurs[0] else set()
            found[place] = tuple(sorted({*compress(column.known, occurs[1:]), *missing}))
    return tuple(found)


def filled(expanded: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """Return the table with its missing numbers filled; the same one where none are missing."""
    missing = np.isnan(expanded)
    return np.where(missing, fill, expanded) if missing.any() else expanded


def medians(train: np.ndarray, are_wanted: np.ndarray) -> np.ndarray:
    """Return the median of what is there of each wanted column, NaN for the others.

    Args:
        train: the training rows, shape (m, n), NaN where missing.
        are_wanted: shape (n,), bool. A wanted column without any number has the median 0.
    """
    fill = np.full(train.shape[1], np.nan)
    for feature in np.flatnonzero(are_wanted):
        values = train[:, feature]
        present = values[~np.isnan(values)]
        fill[feature] = np.median(present) if len(present) else 0.0
    return fill


def scaled(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return (values - mean) / scale as float32; what is too large becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        centred = values - mean
        centred /= scale
        return centred.astype(np.float32)


def mean_and_scale(train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column; the scale of a constant column is 1."""
    mean = train.mean(axis=0)
    scale = train.std(axis=0)
    is_constant = (scale <= TINY * np.abs(mean)) | (scale == 0)
    return mean, np.where(is_constant, 1.0, scale)


def unit_range(train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the units in which numbers go from 0 to 1; a constant column keeps its size."""
    low, high = train.min(axis=0), train.max(axis=0)
    return low, np.where(high > low, high - low, 1.0)


def as_given(train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the units in which numbers stay as they are."""
    return np.zeros(train.shape[1:]), np.ones(train.shape[1:])
