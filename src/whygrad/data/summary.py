"""What is known of the columns of a table after its rows went by, a block at a time.

Counts, extremes, means and spreads are exact; of words, and of the values of a target, as many are
kept as there may be different ones, and a few more.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from whygrad.data.categories import MOST_WORDS
from whygrad.data.columns import NUMERIC, Column
from whygrad.data.dates import CALENDAR, HOURS, part_of, parts_for

KEPT = (*NUMERIC, "text", "date", "empty")  # kinds of which there are values
MOST_VALUES = 2000  # different numbers that are kept; more than there may be classes


@dataclass
class Moments:
    """Count, mean and sum of squared distances from the mean.

    Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", eq. 1.5.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, count: int, mean: float, squares: float) -> None:
        """Take in the moments of other values."""
        if not count:
            return
        total, distance = self.count + count, mean - self.mean
        self.squares += squares + distance * distance * (self.count * count / total)
        self.mean += distance * (count / total)
        self.count = total

    def add_values(self, values: np.ndarray) -> None:
        """Take in values, (m,)."""
        if len(values):
            with np.errstate(over="ignore", invalid="ignore"):
                mean = float(values.mean())
                self.add(len(values), mean, float(np.sum((values - mean) ** 2)))

    @property
    def spread(self) -> float:
        """The standard deviation."""
        return float(np.sqrt(self.squares / self.count)) if self.count else 0.0


@dataclass(frozen=True, eq=False)
class Witness(Column):
    """A column in whose place stand a few of its values, each with how often it occurs, and where.

    Args:
        weights: how often each value occurs, (values,).
        places: the first row that holds it, (values,).
        row_numbers: whether all rows hold whole numbers, each one more than the one before.
    """

    weights: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    places: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    row_numbers: bool = False

    @property
    def counts(self) -> np.ndarray:
        return np.bincount(self.values + 1, self.weights, len(self.known) + 1)[1:].astype(int)

    @property
    def counts_rows(self) -> bool:
        return self.row_numbers

    def count(self, are_meant: np.ndarray) -> int:
        return int(self.weights[are_meant].sum())


class Summary:
    """One column of all rows that went by.

    Args:
        keeps_values: whether the different numbers are kept, as of a target.

    Attributes:
        rows, missing: how many went by, and how many of them lack a value.
        moments: of the numbers of the training rows.
        low, high: the smallest and the largest finite number, with its row.
        train_low, train_high: of the training rows.
        least: the smallest number above 0.
        values: numbers, or words, that occur: how often, in which row first.
        train_counts: how often each of them occurs in training rows.
        train_missing: how many training rows lack a value.
        form: how words of it are read.
        parts: of dates, each part that may be an input, as a column of its own.
        used: those of the parts that are inputs, as the training rows tell.
        is_exact: False for whole numbers that float64 had to round.
    """

    def __init__(self, name: str, kind: str, keeps_values: bool):
        self.name, self.kind, self.keeps_values = name, kind, keeps_values
        self.rows = self.missing = self.train_missing = self.infinite = 0
        self.moments = Moments()
        self.low, self.high = (np.inf, -1), (-np.inf, -1)
        self.train_low, self.train_high, self.least = np.inf, -np.inf, np.inf
        self.first_infinite: tuple[float, int] | None = None
        self.values: dict[float | str, list[int]] = {}
        self.train_counts: dict[float | str, int] = {}
        self.is_exact = self.counts_up = True
        self.begin = np.nan  # what row 0 would hold, were these row numbers
        self.form = ""
        self.parts: dict[str, Summary] = {}
        self._used: set[str] = set()

    def add(self, column: Column, first: int, train: np.ndarray) -> None:
        """Take in a block.

        Args:
            column: numbers, or words.
            first: number of its first row.
            train: which of its rows are of the training part, (m,), bool.
        """
        missing = column.missing
        self.rows += len(missing)
        self.missing += int(missing.sum())
        self.train_missing += int((missing & train).sum())
        self.form = column.form or self.form
        if column.kind == "date":
            self._add_dates(column, first, train)
        elif column.kind == "text":
            self._add_words(column, first, train)
        elif column.is_numeric:
            self._add_numbers(column, first, train, missing)

    def _add_dates(self, column: Column, first: int, train: np.ndarray) -> None:
        self._used.update(parts_for(column.values[train], self.form))
        for part in HOURS if self.form == "time" else (*CALENDAR, *HOURS):
            one = self.parts.setdefault(part, Summary(f"{self.name}.{part}", "number", False))
            one.add(Column(one.name, "number", part_of(column.values, part)), first, train)

    @property
    def used(self) -> tuple[str, ...]:
        return tuple(part for part in (*CALENDAR, *HOURS) if part in self._used)

    def _add_words(self, column: Column, first: int, train: np.ndarray) -> None:
        counts = column.counts
        in_training = np.bincount(column.values[train] + 1, minlength=len(counts) + 1)[1:]
        for code, word in enumerate(column.known):
            row = -1
            if word not in self.values and len(self.values) <= MOST_WORDS:
                row = first + int(np.argmax(column.values == code))
            self._note(word, int(counts[code]), int(in_training[code]), row, MOST_WORDS)

    def _add_numbers(
        self, column: Column, first: int, train: np.ndarray, missing: np.ndarray
    ) -> None:
        values = column.values
        self.is_exact &= column.is_exact
        infinite = np.isinf(values)
        if infinite.any():
            if self.first_infinite is None:
                row = int(np.argmax(infinite))
                self.first_infinite = float(values[row]), first + row
            self.infinite += int(infinite.sum())
        usable = ~(missing | infinite)
        present = values if usable.all() else np.where(usable, values, np.nan)
        if not usable.any():
            self.counts_up = False
            return
        least, most = int(np.nanargmin(present)), int(np.nanargmax(present))
        self.low = min(self.low, (float(values[least]), first + least))
        self.high = max(self.high, (float(values[most]), -first - most))
        if self.keeps_values:
            above = np.where(present > 0, present, np.inf)
            self.least = min(self.least, float(above.min()))
        of_training = values[usable & train]
        self.moments.add_values(of_training)
        if len(of_training):
            self.train_low = min(self.train_low, float(of_training.min()))
            self.train_high = max(self.train_high, float(of_training.max()))
        if self.counts_up:
            begin = values[0] - first
            self.begin = begin if np.isnan(self.begin) else self.begin
            self.counts_up = bool(
                begin == self.begin and np.array_equal(values, values[0] + np.arange(len(values)))
            )
        if self.keeps_values and len(self.values) <= MOST_VALUES:
            found, where, counts = np.unique(values[usable], return_index=True, return_counts=True)
            rows = np.flatnonzero(usable)[where] + first
            in_training = np.bincount(np.searchsorted(found, of_training), minlength=len(found))
            for number, *noted in zip(found, counts, in_training, rows, strict=True):
                count, trains, row = map(int, noted)
                self._note(float(number), count, trains, row, MOST_VALUES)

    def _note(self, value: float | str, count: int, in_training: int, row: int, most: int) -> None:
        noted = self.values.get(value)
        if noted is not None:
            noted[0] += count
        elif len(self.values) <= most:
            self.values[value] = [count, row]
        else:
            return
        if in_training:
            self.train_counts[value] = self.train_counts.get(value, 0) + in_training

    @property
    def train_words(self) -> dict[str, int]:
        """How many training rows hold each word."""
        return {str(word): count for word, count in self.train_counts.items()}

    @property
    def settled(self) -> str:
        """The kind of the column when all of it is known."""
        if self.missing == self.rows and self.kind in KEPT:
            return "empty"
        return self.kind

    def witness(self) -> Witness:
        """Return what the rules for columns are put to in the place of all values."""
        kind = self.settled
        if kind == "text":
            known = sorted(map(str, self.values))
            noted = [self.values[word] for word in known]
            gaps = [-1] if self.missing else []
            return Witness(
                self.name,
                kind,
                np.array([*range(len(known)), *gaps], np.int32),
                tuple(known),
                weights=np.array([one[0] for one in noted] + [self.missing] * len(gaps), int),
                places=np.array([one[1] for one in noted] + [0] * len(gaps), int),
            )
        if kind not in ("number", "integer", "boolean"):
            return Witness(self.name, kind, np.empty(0), form=self.form)
        ends = [(*self.low, 1), (self.high[0], -self.high[1], 1)]
        if self.first_infinite is not None:
            ends.insert(0, (*self.first_infinite, self.infinite))
        if self.missing:
            ends.append((np.nan, 0, self.missing))
        values, places, weights = zip(*ends, strict=True)
        return Witness(
            self.name,
            kind,
            np.array(values, float),
            is_exact=self.is_exact,
            form=self.form,
            weights=np.array(weights, int),
            places=np.array(places, int),
            row_numbers=kind == "integer" and self.counts_up and self.rows > 10,
        )
