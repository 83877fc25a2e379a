"""A file as blocks of raw columns: of any length, for little more memory than one block takes.

table = open_table(path)            the whole file is looked at once, where it is text
table.names                         of all its columns
for block in table.blocks({"size": "number", "colour": "text"}):
    block.columns, block.rows       a :class:`Table` of these columns, in this order
    block.place(3)                  where the fourth row of the block stands in the file
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from whygrad.data.arrow import ParquetTable, filled_column, opened_parquet
from whygrad.data.columns import NUMERIC, Column, Place, Table
from whygrad.data.reading import Cells, converted, opened_cells
from whygrad.data.source import JSON_LINES, TEXT, Tick, checked_source
from whygrad.errors import DataError, InputError


@dataclass(frozen=True, eq=False)
class TableFile:
    """A table in a file: text, JSON lines or Parquet, which may be larger than memory."""

    file: Cells | ParquetTable

    @property
    def name(self) -> str:
        return self.file.source.name

    @property
    def names(self) -> tuple[str, ...]:
        """Of all columns, in their order."""
        return self.file.names

    def blocks(self, kinds: Mapping[str, str], most: int | None = None) -> Iterator[Table]:
        """Yield the rows in their order, some thousands at a time.

        Args:
            most: rows of a block; None for what suits the file.
            kinds: of the wanted columns, at least one, by name. ``number``, ``integer`` and
                ``boolean`` columns come as numbers where all cells of the block are some, else as
                text; others come as they are in a file that has types (Parquet), else as text.

        Raises:
            DataError: with what is wrong with the file as a whole, such as a ragged row.
        """
        begun = 0
        for batch in _at_most(most, self.file.batches(list(kinds), 0)):
            pairs = zip(kinds.items(), batch.columns, strict=True)
            columns = tuple(_column(name, kind, cells) for (name, kind), cells in pairs)
            yield Table(self.name, columns, batch.num_rows, partial(_from, begun, self.file.place))
            begun += batch.num_rows


def open_table(
    path: str | Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    tick: Tick | None = None,
    fewest: int = 1,
) -> TableFile:
    """Open a table in a file to read it in blocks.

    Args:
        path: ending in .csv, .tsv, .txt, .jsonl or .ndjson, all of them also with .gz behind, or
            in .parquet.
        delimiter: what separates the columns of a text table; None finds it out.
        encoding: of text; None for UTF-8.
        tick: is called with the share of the blocks that is read, from 0 to 1.
        fewest: columns that a text table may have.

    Raises:
        DataError: with what is wrong with the file as a whole.
        OptionError: the delimiter is not a single character, or there is no such encoding.
    """
    source, suffix = checked_source(Path(path), tick or (lambda share: None), encoding=encoding)
    if suffix in (*TEXT, *JSON_LINES):
        return TableFile(opened_cells(source, suffix, delimiter, fewest))
    if suffix == ".parquet":
        return TableFile(opened_parquet(source))
    problem = InputError("error.data_not_in_blocks", path=path, kind=suffix)
    raise DataError(source.name, [problem])


def _at_most(most: int | None, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        width = most or batch.num_rows
        yield from (batch.slice(start, width) for start in range(0, batch.num_rows, width))


def _column(name: str, kind: str, cells: pa.Array) -> Column:
    if kind in NUMERIC and pa.types.is_string(cells.type):
        try:
            cells = converted(cells, kind)
        except pa.ArrowException:  # a word that is no number
            kind = "text"
    return filled_column(name, cells)


def _from(begun: int, place: Callable[[int], Place], row: int) -> Place:
    return place(begun + row)
