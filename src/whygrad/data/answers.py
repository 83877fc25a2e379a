"""The targets of new rows, as a network was trained on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from whygrad.data.columns import NUMBER, Column, Table, listed, settled, shortened
from whygrad.data.encoder import Encoder
from whygrad.data.matching import Substitutions, as_known
from whygrad.data.notes import Note
from whygrad.errors import DataError, InputError


class Answers:
    """What a network should say of rows that come block by block.

    Args:
        encoder: of the network.
        columns: names of the target's columns.
        source: name of the table.

    Raises:
        InputError: it has another number of columns.
    """

    def __init__(self, encoder: Encoder, columns: Sequence[str], source: str):
        self.encoder, self.columns, self.source = encoder, tuple(columns), source
        names, has_classes = encoder.target_names, encoder.task in ("classes", "binary")
        self.are_words = has_classes and len(columns) == 1
        if len(columns) != len(names) and not self.are_words:
            values = {"names": listed(names), "expected": 1 if has_classes else len(names)}
            raise InputError("error.rows_targets", **values, actual=len(columns))
        self.odd = Substitutions()

    @property
    def kinds(self) -> dict[str, str]:
        """How the columns are read, for :meth:`whygrad.data.blocks.TableFile.blocks`."""
        return dict.fromkeys(self.columns, "text" if self.are_words else "number")

    @property
    def notes(self) -> tuple[Note, ...]:
        """The rows that were left out, and why."""
        told = self.odd.told(list(self.odd.odd))
        return tuple(Note(f"note.rows_{kind}", values) for (kind, _), values in told.items())

    def take(self, block: Table) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows of a block have a target, (m,), ascending, and these targets.

        The targets are as in :class:`whygrad.data.Part`.

        Raises:
            DataError: a target is no number where the network predicts numbers or labels.
            InputError: a target is too large for float32.
        """
        self.odd.begin(block.place)
        found = {column.name: column for column in block.columns}
        columns = [found[name] for name in self.columns]
        if self.are_words:
            y = self._classes(columns[0])
            kept = np.flatnonzero(y >= 0)
            return kept, y[kept]
        values = np.stack([self._numbers(column, block) for column in columns], axis=1)
        lacks_one = np.asarray(np.isnan(values).any(axis=1))
        self.odd.add("without_target", ", ".join(self.columns), lacks_one)
        kept = np.flatnonzero(~lacks_one)
        return kept, self._as_trained(values[kept])

    def _as_trained(self, values: np.ndarray) -> np.ndarray:
        if self.encoder.task == "labels":
            return values.astype(np.float32)
        if self.encoder.task == "numbers":
            return self.encoder.scaled_target(values)
        return values.argmax(axis=1).astype(np.int32)  # a column a class

    def _classes(self, column: Column) -> np.ndarray:
        """Return the index of each row's class, -1 where there is none; shape (m,), int32."""
        column, known = column.as_text(), self.encoder.target_names
        self.odd.add("without_target", column.name, column.missing)
        if column.kind != "text":  # all are missing
            return np.full(len(column.values), -1, np.int32)
        places = {name: place for place, name in enumerate(known)}
        codes = [places.get(word, -1) for word in as_known(column.known, known)]
        strange = [word for word, code in zip(column.known, codes, strict=True) if code < 0]
        self.odd.add("of_other_classes", column.name, column.holds(np.less(codes, 0)), strange)
        return np.array([*codes, -1], np.int32)[column.values]

    def _numbers(self, column: Column, block: Table) -> np.ndarray:
        column = settled(column)
        if column.kind == "empty":
            return column.values
        if not column.is_numeric:
            raise DataError(self.source, [_no_number(column, block)])
        wrong = np.isinf(column.values)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            values = {"column": column.name, "count": int(wrong.sum()), **block.place(row)}
            problem = InputError("error.data_infinite", actual=float(column.values[row]), **values)
            raise DataError(self.source, [problem])
        return column.values


def _no_number(column: Column, block: Table) -> InputError:
    if column.kind != "text":
        return InputError("error.data_column_kind", column=column.name, kind=column.kind)
    wrong = column.holds(np.array([not NUMBER.fullmatch(word) for word in column.known]))
    row = int(np.flatnonzero(wrong)[0])
    actual = shortened(column.known[column.values[row]])
    values = {"column": column.name, "actual": actual, "count": int(wrong.sum())}
    return InputError("error.data_text_in_numbers", **values, **block.place(row))
