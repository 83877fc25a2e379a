"""Columns of Arrow tables, DataFrames and Parquet files, told apart by kind.

Of a Parquet file, what the footer declares is asked for first, then a few columns at a time are
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from whygrad.core.memory import require_memory
from whygrad.data.columns import (
    EXACT,
    NUMERIC,
    Column,
    Place,
    Table,
    coded_column,
    frame_names,
    name_problems,
    row_place,
    unread_column,
)
from whygrad.data.forms import seconds_of_arrow
from whygrad.data.source import BLOCK, Skip, Source
from whygrad.errors import DataError, InputError, TooLargeError

KINDS = {  # kind of a column -> how to know its Arrow type; the first that fits
    "empty": pa.types.is_null,
    "boolean": pa.types.is_boolean,
    "integer": pa.types.is_integer,
    "number": lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind),
    "text": lambda kind: (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    ),
    "date": lambda kind: (
        pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind)
    ),
}
# bytes a value of the kinds that are kept, raw and as an input
BYTES = {"boolean": 12, "integer": 12, "number": 12, "date": 36, "text": 4}
ROW = 16  # bytes a row: its target, and its place in the source
AT_ONCE = 4 * BLOCK  # bytes of columns of a Parquet file that are open at the same time
BATCH = 32_768  # rows of one, fewer of a wide table
CELLS = 1 << 22  # of one
DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, MemoryError, IndexError, KeyError)
WORD = 150  # bytes that a word takes at most, beside its letters: as a string, and in a dict


def kind_of(arrow_type: pa.DataType) -> str:
    """Return the kind of a column by its Arrow type, or the name of a type that cannot be used."""
    if pa.types.is_dictionary(arrow_type):
        arrow_type = arrow_type.value_type
    return next((kind for kind, fits in KINDS.items() if fits(arrow_type)), str(arrow_type))


def are_codes(arrow_type: pa.DataType) -> bool:
    """Return whether numbers are declared to be categories, as by pandas' ``category``."""
    return pa.types.is_dictionary(arrow_type) and kind_of(arrow_type) in NUMERIC


def bounds(array: pa.Array) -> tuple[int, int]:
    """Return the smallest and the largest of whole numbers; 0 where there are none."""
    found = pc.call_function("min_max", [array]).as_py()
    return found["min"] or 0, found["max"] or 0


class Filling:
    """A column of known length, into which Arrow arrays are written one after the other.

    Args:
        kind: of the column; what cannot be used as numbers, dates or text is counted and not kept.
        rows: how many values will come.
        form: how words were read that come as numbers or seconds.
    """

    def __init__(self, name: str, kind: str, rows: int, form: str = ""):
        self.name, self.kind, self.rows, self.form = name, kind, rows, form
        self.filled = 0
        self.is_exact, self.are_codes = True, False
        self.places: dict[str, int] = {}  # of the words that came so far
        self.seen: pa.Array | None = None  # the dictionary of the last array of words
        self.lookup = np.empty(0, np.int32)
        self.values = np.empty(0)
        if kind == "text":
            self.values = np.empty(rows, np.int32)
        elif kind in (*NUMERIC, "date"):
            self.values = np.empty(rows)

    def add(self, array: pa.Array | pa.ChunkedArray) -> None:
        """Write the next values.

        Raises:
            IndexError: more come than there is room for.
            pyarrow.ArrowException: they are of another kind.
        """
        end = self.filled + len(array)
        if end > self.rows:
            raise IndexError(end)
        for chunk in array.chunks if isinstance(array, pa.ChunkedArray) else [array]:
            where = slice(self.filled, self.filled + len(chunk))
            if self.kind == "text":
                self.values[where] = self._codes(chunk)
            elif self.kind in NUMERIC:
                self.values[where] = self._numbers(chunk)
            elif self.kind == "date":
                self.values[where] = self._seconds(chunk)
            self.filled = where.stop

    def column(self) -> Column:
        """Return what has been filled.

        Raises:
            IndexError: less came than was announced.
        """
        if self.filled != self.rows and self.kind in BYTES:
            raise IndexError(self.filled)
        if self.kind == "text":
            return coded_column(self.name, self.values, list(self.places))
        if self.kind not in (*NUMERIC, "date"):
            return Column(self.name, self.kind, np.broadcast_to(np.nan, self.rows))
        column = self._of_values()
        return column.as_categories() if self.are_codes else column

    def _of_values(self) -> Column:
        kind, missing = self.kind, np.isnan(self.values)
        if missing.all():
            kind = "empty"
        elif kind == "number" and missing.any():
            present = self.values[~missing]
            # pandas stores whole numbers as floats where one is missing
            kind = "integer" if np.array_equal(np.floor(present), present) else "number"
        return Column(self.name, kind, self.values, is_exact=self.is_exact, form=self.form)

    def _seconds(self, array: pa.Array) -> np.ndarray:
        if pa.types.is_floating(array.type):  # of words that were read
            return array.to_numpy(zero_copy_only=False)
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
        self.form = "time" if pa.types.is_time(array.type) else "ymd"
        return seconds_of_arrow(array)

    def _numbers(self, array: pa.Array) -> np.ndarray:
        self.are_codes = self.are_codes or are_codes(array.type)
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
        if pa.types.is_integer(array.type) and array.type.bit_width == 64:
            low, high = bounds(array)
            self.is_exact &= -EXACT <= low and high <= EXACT
        numbers = array.cast(pa.uint8()) if pa.types.is_boolean(array.type) else array
        return numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)

    def _codes(self, array: pa.Array) -> np.ndarray:
        coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        words = coded.dictionary
        if self.seen is None or not words.equals(self.seen):  # often it is that of the last array
            size = words.nbytes + WORD * len(words)
            require_memory(size, "error.data_words_memory", column=self.name)
            known = self.places
            told = words.to_pylist()
            places = [-1 if word is None else known.setdefault(word, len(known)) for word in told]
            self.seen, self.lookup = words, np.array([*places, -1], np.int32)
        codes = coded.indices.cast(pa.int64()).fill_null(len(words))
        return self.lookup[codes.to_numpy(zero_copy_only=False)]


def fillings(
    source: str, kinds: Mapping[str, str], rows: int, forms: Mapping[str, str] | None = None
) -> list[Filling]:
    """Return a column to be filled for each name.

    Args:
        kinds: of the columns, by name.
        rows: that each of them will have.
        forms: of those columns whose words are read in a form of their own.

    Raises:
        TooLargeError: they do not fit into memory beside the numbers that a network trains on.
    """
    needed = rows * (ROW + sum(BYTES.get(kind, 0) for kind in kinds.values()))
    require_memory(needed, "error.data_memory", source=source, rows=rows, columns=len(kinds))
    return [Filling(name, kind, rows, (forms or {}).get(name, "")) for name, kind in kinds.items()]


def filled_column(name: str, array: pa.Array | pa.ChunkedArray) -> Column:
    """Return an Arrow array as a column of the kind that its type tells.

    Raises:
        pyarrow.ArrowException: it cannot be read as numbers, though its type says so.
    """
    filling = Filling(name, kind_of(array.type), len(array))
    filling.add(array)
    return filling.column()


def table_from_frame(frame: object, name: str) -> Table:
    """Return a DataFrame (pandas, polars) or Arrow table as columns.

    Raises:
        DataError: a column mixes kinds of values, or two columns share a name.
    """
    columns, problems = columns_from_frame(frame)
    if problems:
        raise DataError(name, problems)
    return Table(name, columns, len(frame))  # type: ignore[arg-type]


def columns_from_frame(frame: Any) -> tuple[tuple[Column, ...], list[InputError]]:
    """Return the columns of a DataFrame or Arrow table, and what is wrong with them."""
    names = frame_names(frame)
    problems = name_problems(names)
    if problems:
        return (), problems
    if hasattr(frame, "iloc"):  # of pandas
        given = [frame.iloc[:, index] for index in range(frame.shape[1])]
    else:
        given = pa.table(frame).columns
    columns = []
    for name, series in zip(names, given, strict=True):
        try:
            fillings(name, {name: "number"}, len(series))  # asks for the memory
            is_arrow = isinstance(series, pa.Array | pa.ChunkedArray)
            array = series if is_arrow else pa.array(series, from_pandas=True)
            columns.append(filled_column(name, array))
        except TooLargeError:
            raise
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            problems.append(InputError("error.data_mixed_column", column=name))
    return tuple(columns), problems


@dataclass(frozen=True, eq=False)
class ParquetTable:
    """A Parquet file whose footer was read.

    Args:
        schema: of all columns.
        footer: what it declares; the numbers themselves may not be there.
    """

    source: Source
    schema: pa.Schema
    footer: Any

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(map(str, self.schema.names))

    def place(self, row: int) -> Place:
        """Return the row itself, counted from 0."""
        return row_place(row)

    def batches(self, wanted: Sequence[str], number: int | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in their order, at most :data:`BATCH` at a time.

        Args:
            wanted: names of columns.
            number: None for a look that is no progress.

        Raises:
            DataError: the file is damaged.
            TooLargeError: a part of it that is read in one piece does not fit into memory.
        """
        # each column is smaller, but to ask for one may end the process where a footer is damaged
        groups = range(self.footer.num_row_groups)
        largest = max((self.footer.row_group(group).total_byte_size for group in groups), default=0)
        require_memory(largest, "error.data_long_row", source=self.source.name)
        texts = [field.name for field in self.schema if kind_of(field.type) == "text"]
        done = 0
        with _told_of_damage(self.source), self.source.open() as file:
            opened = parquet.ParquetFile(file, read_dictionary=texts, buffer_size=BLOCK)
            rows = max(1, min(BATCH, CELLS // len(wanted)))
            for batch in opened.iter_batches(rows, columns=list(wanted), use_threads=False):
                yield batch.select(list(wanted))
                done += batch.num_rows
                if number is not None:
                    self.source.tick(min(1.0, done / max(1, self.footer.num_rows)))


def opened_parquet(source: Source) -> ParquetTable:
    """Return a Parquet file with its footer.

    Raises:
        DataError: with what is wrong with the file as a whole.
    """
    with _told_of_damage(source), source.open() as file:
        table = ParquetTable(source, parquet.read_schema(file), parquet.read_metadata(file))
    problems = name_problems(table.names)
    if problems:
        raise DataError(source.name, problems)
    return table


def read_parquet(table: ParquetTable, skip: Skip) -> Table:
    """Return all columns of a Parquet file.

    Args:
        skip: which columns are not wanted; they come back unread.

    Raises:
        DataError: with what is wrong with the file as a whole.
        TooLargeError: the table that the footer declares does not fit into memory.
    """
    source, rows = table.source, table.footer.num_rows
    skipped = set(skip(table.names))
    kinds = {f.name: kind_of(f.type) for f in table.schema if f.name not in skipped}
    filled = {one.name: one for one in fillings(source.name, kinds, rows)}
    wanted = [name for name, kind in kinds.items() if kind in BYTES]
    width = max(1, AT_ONCE // (8 * max(rows, 1)))
    with _told_of_damage(source):
        for start in range(0, len(wanted), width):
            group = wanted[start : start + width]
            for batch in table.batches(group):
                for name in group:
                    filled[name].add(batch.column(name))
            source.tick(min(1.0, (start + width) / len(wanted)))
        columns = {name: one.column() for name, one in filled.items()}
    pa.default_memory_pool().release_unused()
    ordered = tuple(columns.get(name) or unread_column(name) for name in table.names)
    return Table(source.name, ordered, rows)


@contextmanager
def _told_of_damage(source: Source) -> Iterator[None]:
    try:
        yield
    except (DataError, TooLargeError):
        raise
    except DAMAGE:
        raise DataError(source.name, [InputError("error.data_damaged", kind="Parquet")]) from None
