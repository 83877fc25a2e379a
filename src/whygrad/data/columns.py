"""Raw columns as a user has them, before they become numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from whygrad.errors import DataError, InputError

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf(inity)?", re.I)
NUMERIC = ("number", "integer", "boolean")
Place = dict[str, object]


def row_place(index: int) -> Place:
    """Return where a sample of an array stands: its row, counted from 0."""
    return {"what": "row_from_0", "row": int(index)}


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Args:
        kind: ``number``, ``integer``, ``boolean``, ``text``, ``date``, ``empty`` (all missing), or
            the name of a type that cannot be used.
        values: float64 with NaN where a number is missing; for text an object array of str and
            None; an empty array for kinds that cannot be used.
    """

    name: str
    kind: str
    values: np.ndarray

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC

    @property
    def missing(self) -> np.ndarray:
        """Which values are missing, shape (m,), bool."""
        if self.kind == "text":
            return np.array([value is None for value in self.values], bool)
        return np.isnan(self.values)

    def words(self) -> np.ndarray:
        """Return the values as text, missing ones as None."""
        if self.kind == "text":
            return self.values
        written = [None if np.isnan(v) else self._word(v) for v in self.values.tolist()]
        return np.array(written, object)

    def _word(self, value: float) -> str:
        if self.kind == "boolean":
            return "true" if value else "false"
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)

    def take(self, rows: np.ndarray) -> Column:
        """Return the same column with only these rows."""
        return Column(self.name, self.kind, self.values[rows])


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length.

    Args:
        place: row index, counted from 0 -> where a user finds it (file line, or row).
    """

    name: str
    columns: tuple[Column, ...]
    rows: int
    place: Callable[[int], Place] = row_place

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def column_from_array(name: str, array: object) -> Column:
    """Return a one-dimensional array or list as a column.

    Raises:
        InputError: it holds neither numbers, nor booleans, nor text; or is not one-dimensional.
    """
    values = np.asarray(array)
    if values.ndim != 1:
        raise InputError("error.data_column_ndim", column=name, came=values.shape)
    if values.dtype.kind in "biuf":
        kind = {"b": "boolean", "f": "number"}.get(values.dtype.kind, "integer")
        with np.errstate(over="ignore"):  # a long double becomes infinite, which is named later
            return Column(name, kind, values.astype(np.float64))
    if values.dtype.kind in "OUST":
        return _column_from_objects(name, list(values.tolist()))
    kind = "date" if values.dtype.kind in "mM" else values.dtype.name
    return Column(name, kind, np.empty(0))


def _column_from_objects(name: str, values: list[object]) -> Column:
    values = [None if _is_missing(value) else value for value in values]
    present = [value for value in values if value is not None]
    if not present:
        return Column(name, "empty", np.full(len(values), np.nan))
    if all(isinstance(value, str) for value in present):
        return text_column(name, values)
    if all(isinstance(value, bool | int | float | np.number | np.bool_) for value in present):
        return _numbers_or_wider(name, values, present)
    return Column(name, "mixed", np.empty(0))


def _numbers_or_wider(name: str, values: list[object], present: list[object]) -> Column:
    kinds = {np.asarray(value).dtype.kind for value in present}
    kind = "boolean" if kinds == {"b"} else "integer" if kinds <= set("iu") else "number"
    if "c" in kinds or "O" in kinds:
        return Column(name, "mixed", np.empty(0))
    numbers = [np.nan if value is None else float(value) for value in values]  # type: ignore[arg-type]
    return Column(name, kind, np.array(numbers))


def _is_missing(value: object) -> bool:
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def text_column(name: str, values: list) -> Column:
    """Return text as a column: without surrounding spaces, empty text as missing."""
    stripped = [None if value is None else value.strip() or None for value in values]
    if all(value is None for value in stripped):
        return Column(name, "empty", np.full(len(stripped), np.nan))
    return Column(name, "text", np.array(stripped, object))


def settled(column: Column) -> Column:
    """Return the column as numbers where every word of it is one, else unchanged."""
    if column.kind != "text" or not all(w is None or NUMBER.fullmatch(w) for w in column.values):
        return column
    values = [np.nan if word is None else float(word) for word in column.values]
    return Column(column.name, "number", np.array(values))


def repeated_names(names: Sequence[str]) -> list[InputError]:
    """Return the problem of columns that share a name, if any do."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if not repeated:
        return []
    return [InputError("error.data_duplicate_columns", names=", ".join(repeated))]


def is_frame(raw: object) -> bool:
    """Say whether this is a DataFrame or an Arrow table, without importing either library."""
    return hasattr(raw, "__arrow_c_stream__") and hasattr(raw, "columns")


def frame_names(frame: object) -> list[str]:
    """Return the names of the columns of a DataFrame or Arrow table."""
    names = getattr(frame, "column_names", None)
    return [str(name) for name in (frame.columns if names is None else names)]  # type: ignore[attr-defined]


def table_from_frame(frame: object, name: str) -> Table:
    """Return a DataFrame (pandas, polars) or Arrow table as columns.

    Raises:
        DataError: a column mixes kinds of values, or two columns share a name.
    """
    from whygrad.data.arrow import columns_from_frame

    columns, problems = columns_from_frame(frame)
    if problems:
        raise DataError(name, problems)
    return Table(name, columns, len(frame))  # type: ignore[arg-type]


def table_from_mapping(mapping: Mapping[str, object], name: str) -> Table:
    """Return a dict of columns as a table.

    Raises:
        InputError: the columns differ in length.
    """
    columns = tuple(column_from_array(str(key), value) for key, value in mapping.items())
    lengths = {str(key): len(np.asarray(value)) for key, value in mapping.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key}: {length}" for key, length in lengths.items())
        raise InputError("error.data_column_lengths", came=listed)
    return Table(name, columns, next(iter(lengths.values()), 0))
