"""One pass over a table that is larger than memory: what its columns are, and what is wrong.

The pass takes every column for the narrowest kind that all cells so far have. Where words come
after numbers, what was summed up is of no use: the pass goes on to find the kinds alone, and one
more follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from whygrad.data.arrow import Filling
from whygrad.data.columns import NUMBER, Column, Place, Table, settled
from whygrad.data.folders import columns_of
from whygrad.data.forms import FORMS, chosen_form, kind_of_form, possible_forms
from whygrad.data.reading import BITS, JOINED, fits, joined
from whygrad.data.selecting import ChosenNames
from whygrad.data.source import Tick
from whygrad.data.stream import TEST, TRAIN, VALIDATION, Shares, place_of, table_of
from whygrad.data.stream_file import StreamFile
from whygrad.data.summary import Summary, Witness
from whygrad.data.table import PARTS
from whygrad.data.units import UNIT, arrow_kinds, rows_of, units_of
from whygrad.errors import DataError, InputError

KEPT = ("sample", "validation", "test")
COMPATIBLE = (BITS, "integer", "number", "boolean")  # numbers all of them


@dataclass(eq=False)
class Kept:
    """Raw rows that stay in memory: a part, or the sample of the training part."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)

    def table(self, name: str, kinds: Mapping[str, str], forms: Mapping[str, str]) -> Table:
        """Return these rows as one table."""
        count = sum(map(len, self.rows))
        columns = []
        for column, kind in kinds.items():
            filling = Filling(column, kind, count, forms.get(column, ""))
            for batch in self.batches:
                filling.add(batch.column(column))
            columns.append(filling.column())
        return Table(name, tuple(columns), count)

    @property
    def numbers(self) -> np.ndarray:
        """Number of each row in the source."""
        return np.concatenate([np.empty(0, np.int64), *self.rows])


class Scan:
    """What a pass over the files finds.

    Args:
        chosen: columns whose use was told; those to drop are not read.

    Attributes:
        kinds: of the columns that are read.
        forms: of those columns whose words are read in a form of their own.
        summaries: of them.
        units: see :class:`whygrad.data.stream.Stream`.
        kept: raw rows by use.
        samples: rows with all targets, of each part.
        dropped: rows that lack a target.
        are_01, is_one_hot: of the targets of all rows: whether all are 0 or 1, and whether each row
            holds a single 1.
        ones: training rows in which each target is 1.

    Raises:
        DataError: with what is wrong with a file as a whole.
    """

    def __init__(
        self,
        name: str,
        files: Sequence[StreamFile],
        chosen: ChosenNames,
        shares: Shares,
        tick: Tick,
    ):
        self.name, self.files, self.shares = name, files, shares
        self._chosen, self._targets, self._tick = chosen, chosen.targets, tick
        wanted = [column for column in columns_of(files[0]) if column not in chosen.drop]
        self.kinds = _first_kinds(files, wanted) | dict.fromkeys(chosen.categories, "text")
        self.forms: dict[str, str] = {}
        self._as_numbers: set[str] = set()  # texts of which every word is a number
        for _ in range(len(COMPATIBLE) + 2):
            self._is_clean = True
            self._pass()
            if self._is_clean and not self._read_otherwise():
                break
        self.kinds = {k: "integer" if kind == BITS else kind for k, kind in self.kinds.items()}
        for one in self.summaries.values():
            one.kind = "integer" if one.kind == BITS else one.kind

    def _read_otherwise(self) -> bool:
        """Return whether columns of text turn out to be numbers or dates, and note which."""
        texts = [
            one
            for one in self.summaries.values()
            if one.kind == "text" and one.name not in self._chosen.categories
        ]
        numbers = {
            one.name for one in texts if all(NUMBER.fullmatch(str(word)) for word in one.values)
        }
        self._as_numbers |= numbers
        is_decimal = all(file.delimiter == ";" for file in self.files)  # else it would be a comma
        found = {
            one.name: form
            for one in texts
            if (form := chosen_form(self._possible[one.name], comma_is_decimal=is_decimal))
            is not None
            and one.name not in numbers
        }
        self.forms |= found
        self.kinds |= {name: kind_of_form(form) for name, form in found.items()}
        return bool(numbers or found)

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return int(self.units[:, 4].sum())

    def place(self, row: int) -> Place:
        """Return where a row of the whole source stands."""
        return place_of(self.files, self.units, row)

    def witness(self, name: str) -> tuple[Witness, Table]:
        """Return what the rules for columns look at, and it as a table that knows its places."""
        column = self.summaries[name].witness()
        table = Table(
            self.name, (column,), self.rows, lambda index: self.place(int(column.places[index]))
        )
        return column, table

    def _pass(self) -> None:
        keeps = {*self._targets, *self._chosen.weight}
        self.summaries = {
            name: Summary(name, kind, name in keeps) for name, kind in self.kinds.items()
        }
        self.kept = {name: Kept() for name in KEPT}
        self._possible = dict.fromkeys(self.kinds, FORMS) | dict.fromkeys(
            self._chosen.categories, ()
        )
        self.samples: dict[str, int] = dict.fromkeys(PARTS, 0)
        self.dropped = 0
        self.are_01 = self.is_one_hot = True
        self.ones = np.zeros(len(self._targets), int)
        units: list[list[int]] = []
        total, done, first = sum(file.size for file in self.files), 0, 0
        for which, file in enumerate(self.files):
            of_file = list(units_of(file)) if file.kind != "text" else units_of(file)
            for number, (place, length, checksum) in enumerate(of_file):
                rows, samples = self._unit(file, place, length, checksum, first)
                units.append([which, place, length, checksum, rows, first, samples])
                first += rows
                share = number / len(of_file) if isinstance(of_file, list) else place / file.size
                self._tick((done + share * file.size) / total)
            done += file.size
        self.units = np.array(units, np.int64).reshape(-1, len(UNIT))
        self._tick(1.0)

    def _unit(
        self, file: StreamFile, place: int, length: int, checksum: int, first: int
    ) -> tuple[int, int]:
        """Take in a unit, and return how many rows it has, and how many of them train."""
        while True:
            rows = samples = 0
            try:
                for batch in rows_of(file, place, length, checksum, self.kinds, self.forms):
                    if file.is_of_words:
                        self._check_fit(batch)
                    samples += self._take(batch, file, first + rows)
                    rows += batch.num_rows
                return rows, samples
            except pa.ArrowException:
                if not file.is_of_words:
                    problem = InputError("error.data_damaged", kind=file.kind.capitalize())
                    raise DataError(file.name, [problem]) from None
                words = dict.fromkeys(self.kinds, "words")
                for batch in rows_of(file, place, length, checksum, words, {}):
                    self._widen(batch)
                self._is_clean &= file.kind == "text"  # else some of it was taken in

    def _check_fit(self, batch: pa.RecordBatch) -> None:
        """Check what a type does not: columns that were empty so far, or held 0 and 1 alone.

        Raises:
            pyarrow.ArrowException: they do so no more.
        """
        for kind, cells in zip(self.kinds.values(), batch.columns, strict=True):
            if not fits(kind, cells):
                raise pa.ArrowInvalid(kind)

    def _widen(self, words: pa.RecordBatch) -> None:
        for name, cells in zip(words.schema.names, words.columns, strict=True):
            before = self.kinds[name]
            after = before if name in self.forms else joined(before, cells)
            if after == before:
                continue
            self.kinds[name] = self.summaries[name].kind = after
            is_lost = not (before in COMPATIBLE and after in COMPATIBLE)
            self._is_clean &= not is_lost or before == "empty"

    def _take(self, batch: pa.RecordBatch, file: StreamFile, first: int) -> int:
        """Take in some rows, and return how many of them train."""
        kinds = {k: "integer" if kind == BITS else kind for k, kind in self.kinds.items()}
        if not self._is_clean:
            return 0
        table = table_of(batch, kinds, self.forms, file.name)
        columns = {
            column.name: settled(column) if column.name in self._as_numbers else column
            for column in table.columns
        }
        targets = [columns[name] for name in self._targets]
        is_there = ~np.any([_missing(one, table.rows) for one in targets], axis=0)
        parts = self.shares.parts(first, table.rows)
        is_train = is_there & (parts == TRAIN)
        for name, column in columns.items():
            summary = self.summaries[name]
            if name in self._as_numbers and column.is_numeric:
                summary.kind = "number"
            summary.add(column, first, is_train)
            if column.kind == "text" and self._possible.get(name):
                words = pa.array(column.known, pa.string())
                self._possible[name] = possible_forms(words, self._possible[name])
        self._note_targets(targets, is_there, is_train)
        chosen = {
            "sample": is_train & self.shares.sampled(first, table.rows),
            "validation": is_there & (parts == VALIDATION),
            "test": is_there & (parts == TEST),
        }
        for name, which in chosen.items():
            if which.any():
                self.kept[name].batches.append(batch.filter(pa.array(which)))
                self.kept[name].rows.append(first + np.flatnonzero(which))
        self.dropped += int((~is_there).sum())
        for name, which in (("train", is_train), *list(chosen.items())[1:]):
            self.samples[name] += int(which.sum())
        return int(is_train.sum())

    def _note_targets(
        self, targets: Sequence[Column], is_there: np.ndarray, is_train: np.ndarray
    ) -> None:
        if not all(column.is_numeric for column in targets):
            self.are_01 = self.is_one_hot = False
            return
        values = np.stack([column.values for column in targets], axis=1)
        self.ones += (values[is_train] == 1).sum(axis=0)
        given = values[is_there]
        self.are_01 &= bool(np.isin(given, (0, 1)).all())
        self.is_one_hot &= self.are_01 and bool((given.sum(axis=1) == 1).all())


def _missing(column: Column, rows: int) -> np.ndarray:
    """Return which values are missing; none of a kind that is not kept, which is a problem."""
    return column.missing if len(column.values) == rows else np.zeros(rows, bool)


def _first_kinds(files: Sequence[StreamFile], wanted: Sequence[str]) -> dict[str, str]:
    """Return what is known of the kinds before a row is read.

    Raises:
        DataError: a column is of one kind in a file, and of another in the next.
    """
    kinds = dict.fromkeys(wanted, "empty")
    for file in files:
        words = {
            name: joined("empty", pa.array([word], pa.string())) for name, word in file.keys.items()
        }
        told = {} if file.is_of_words else arrow_kinds(file)
        for name, kind in (told | words).items():
            before = kinds.get(name, kind)
            if name not in kinds or kind in ("empty", before):
                continue
            both = JOINED.get(frozenset({before, kind}), "text" if name in words else None)
            if before != "empty" and both is None:
                values = {"column": name, "kind": kind, "other": before}
                raise DataError(file.name, [InputError("error.stream_kinds", **values)])
            kinds[name] = kind if before == "empty" else str(both)
    return kinds
