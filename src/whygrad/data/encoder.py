"""From raw columns to the inputs of a network, and from its targets back to words and units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress, groupby

import numpy as np

from whygrad.data.categories import codes_of, known_categories
from whygrad.data.columns import (
    Column,
    Table,
    column_from_array,
    is_frame,
    row_place,
    table_from_mapping,
)
from whygrad.data.dates import part_of, parts_for
from whygrad.data.matching import (
    RowPlace,
    Rule,
    Substitutions,
    as_trained,
    missing_of_array,
)
from whygrad.data.numeric import KINDS, MOST, as_array
from whygrad.errors import InputError, ShapeError

Features = np.ndarray | tuple[Column, ...] | list[Column]
GONE = Column("", "unread", np.empty(0))
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
        forms: how words of each raw column are read as numbers or dates, see
            :mod:`whygrad.data.forms`; ``""`` as plain numbers. Empty where all are.
        parts: of each raw column of dates those parts that are inputs; none for others.
        median: of each input of numbers in the training part, shape (n_in,), NaN for categories;
            None in a run from before they were stored.
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
    forms: tuple[str, ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()
    median: np.ndarray | None = None

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """How each raw column becomes inputs."""
        plain, whole = ("",) * len(self.columns), ((),) * len(self.columns)
        of_each = (self.columns, self.categories, self.forms or plain, self.parts or whole)
        return tuple(Rule(*rule) for rule in zip(*of_each, strict=True))

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """One name for each input, such as ``size``, ``colour=red`` or ``day.month``."""
        return tuple(name for rule in self.rules for name in rule.names)

    def of_rules(self, values: np.ndarray) -> list[np.ndarray]:
        """Return what stands for each input, shape (n_in,), in one array a raw column."""
        return np.split(values, np.cumsum([len(rule.names) for rule in self.rules])[:-1])

    @cached_property
    def stand_in(self) -> np.ndarray:
        """What stands in for any missing number, shape (n_in,).

        That is the median of the training part; in a run from before those were stored, the origin
        of the scaling where training had none missing.
        """
        median = self.mean if self.median is None else self.median
        return np.where(np.isnan(self.fill), median, self.fill)

    def with_dates_apart(self) -> Encoder:
        """Return the same rules for rows in which each part of a date is a number of its own."""
        pairs = [(name, rule.categories) for rule in self.rules for name in rule.columns_apart]
        columns, categories = zip(*pairs, strict=True)
        return replace(self, columns=columns, categories=categories, forms=(), parts=())

    def encode(self, raw: object, told: Substitutions | None = None) -> np.ndarray:
        """Return raw samples as inputs, shape (m, n_in), float32.

        A missing cell is filled with the median of the training part, and so is a word that cannot
        be read as a number or a date. A category that training did not know counts as a rare one;
        in a column without such, and a missing one where training had none, it becomes zeros in
        its whole group.

        Args:
            raw: an array (m, columns), a dict of columns, a DataFrame, an Arrow table, or a block
                of a file. Columns are found by name where there are names, by position where there
                are none.
            told: takes in what stands in for cells that are not as in training; without it a
                warning says so.

        Raises:
            InputError: a column is missing, or nothing in it is a number where training had
                numbers; the width is wrong; a value is not finite.
        """
        found = Substitutions() if told is None else told
        features = self._features(raw, found)
        place = raw.place if isinstance(raw, Table) else row_place
        samples = len(features) if isinstance(features, np.ndarray) else len(features[0].values)
        encoded = np.empty((samples, len(self.fill)), np.float32)
        for where, values in blocks(features, self.rules):
            self._check(where, values, np.isinf(values), "error.data_encode_infinite", place)
            values = filled(values, self.stand_in[where])
            encoded[:, where] = scaled(values, self.mean[where], self.scale[where])
            wrong = ~(np.abs(encoded[:, where]) <= MOST)
            key = "error.data_encode_too_large"
            self._check(where, values, wrong, key, place, limit=MOST)
        if told is None:
            found.warn(self)
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

    def _features(self, raw: object, told: Substitutions) -> Features:
        if is_frame(raw):
            from whygrad.data.arrow import table_from_frame

            return as_trained(self, table_from_frame(raw, "frame"), told)
        if isinstance(raw, Mapping):
            return as_trained(self, table_from_mapping(raw, "dict"), told)
        if isinstance(raw, Table):
            return as_trained(self, raw, told)
        array = _array("x", raw)
        if array.ndim == 3 and array.shape[1:] == self.image_shape:
            array = array.reshape(len(array), -1)
        self._check_width(array, len(self.columns))
        is_plain = not any(rule.categories or rule.parts for rule in self.rules)
        if is_plain and array.dtype.kind in "biuf":
            missing_of_array(self, array, told)
            return array
        pairs = zip(self.columns, array.T, strict=True)
        columns = tuple(column_from_array(name, values) for name, values in pairs)
        return as_trained(self, Table("array", columns, len(array)), told)

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
    features: Features, rules: Sequence[Rule], rows: np.ndarray | None = None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield raw features a few inputs at a time: which ones, and float64, NaN where missing.

    All at once they would take twice the memory of the inputs themselves, which are float32.

    Args:
        features: the columns of a list are let go, one after the other.
        rules: of each feature.
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
    for are_numbers, group in groupby(range(len(features)), lambda place: rules[place].is_number):
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
            rule = rules[place]
            if rule.parts:
                parts = [part_of(features[place].values[chosen], part) for part in rule.parts]
                yield slice(begun, begun + len(parts)), np.stack(parts, axis=1)
                begun += len(parts)
                continue
            codes = codes_of(features[place], rule.categories)[chosen]
            for some in _slices(len(rule.categories), width):
                is_one = codes[:, None] == np.arange(some.start, some.stop)
                yield slice(begun + some.start, begun + some.stop), is_one.astype(np.float64)
            begun += len(rule.names)


def _slices(length: int, width: int) -> list[slice]:
    return [slice(start, min(start + width, length)) for start in range(0, length, width)]


def rules_of(columns: Sequence[str], features: Features, train: np.ndarray) -> tuple[Rule, ...]:
    """Return how each raw column becomes inputs, as the training part tells.

    Args:
        columns: the names of the features.
        train: the rows of the training part.
    """
    if isinstance(features, np.ndarray):
        return tuple(map(Rule, columns))
    return tuple(_rule(name, one, train) for name, one in zip(columns, features, strict=True))


def _rule(name: str, column: Column, train: np.ndarray) -> Rule:
    if column.kind == "text":
        counts = column.counts_in(train)
        return Rule(name, known_categories(counts, lacks_some=sum(counts.values()) < len(train)))
    is_date = column.kind == "date"
    return Rule(
        name, (), column.form, parts_for(column.values[train], column.form) if is_date else ()
    )


def filled(expanded: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """Return the table with its missing numbers filled; the same one where none are missing."""
    missing = np.isnan(expanded)
    return np.where(missing, fill, expanded) if missing.any() else expanded


def medians(train: np.ndarray) -> np.ndarray:
    """Return the median of what is there of each column, shape (n,); 0 where nothing is.

    Args:
        train: the training rows, shape (m, n), NaN where missing.
    """
    found = np.zeros(train.shape[1])
    for feature, values in enumerate(train.T):
        present = values[~np.isnan(values)]
        if len(present):
            found[feature] = np.median(present)
    return found


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
