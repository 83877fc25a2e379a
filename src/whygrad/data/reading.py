"""Text tables read in two passes, block by block, so that little more than the numbers is held.

The first pass finds out what kind each column is and how many rows there are, the second fills
columns of exactly that size. Both see every cell as text and change it with the same rules, so that
what the first pass found can be relied on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from whygrad.core.memory import require_memory
from whygrad.data.arrow import bounds, fillings
from whygrad.data.columns import Table, unread_column
from whygrad.data.delimited import Text, opened_text
from whygrad.data.source import BLOCK, Skip, Source
from whygrad.errors import DataError, InputError

MISSING_WORDS = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
ROWS_AT_ONCE = 512  # of a wide table; every block costs some time a column
LARGEST_BLOCK = 256 * BLOCK  # unless a single row is longer
DATES = (pa.date32(), pa.time32("s"), pa.timestamp("s"), pa.timestamp("ns"))
BITS = "bits"  # whole numbers, all of them 0 or 1: they may yet turn out to be booleans
JOINED = {  # kinds of two blocks of one column -> its kind; all others are text
    frozenset({BITS, "integer"}): "integer",
    frozenset({BITS, "number"}): "number",
    frozenset({"integer", "number"}): "number",
    frozenset({BITS, "boolean"}): "boolean",
}


@dataclass
class Survey:
    """What the first pass finds.

    Args:
        width: how many columns the header has.
        block: bytes that are read at once.
        kinds: of the wanted columns, by their place.
        ragged: how many rows have another width than the header.
    """

    width: int
    block: int
    kinds: dict[str, str]
    rows: int = 0
    ragged: int = 0
    first_ragged: csv.InvalidRow | None = None


def read_text(source: Source, delimiter: str | None, skip: Skip, fewest: int = 2) -> Table:
    """Return the columns of a text table.

    Args:
        delimiter: what separates the columns; None finds it out.
        skip: which columns are not wanted; they come back unread.
        fewest: columns that the table may have.

    Raises:
        DataError: with what is wrong with the file as a whole.
        OptionError: the delimiter is not a single character.
        TooLargeError: the table does not fit into memory.
    """
    text, names = opened_text(replace(source, passes=2), delimiter, fewest)
    skipped = set(skip(names))
    wanted = {str(place): name for place, name in enumerate(names) if name not in skipped}
    found = _survey(text, len(names), list(wanted))
    pa.default_memory_pool().release_unused()
    kinds = {wanted[place]: kind for place, kind in found.kinds.items()}
    filled = fillings(source.name, kinds, found.rows)
    try:
        for batch in _batches(text, found, 1):
            for filling, words in zip(filled, batch.columns, strict=True):
                filling.add(converted(words, filling.kind))
        columns = {filling.name: filling.column() for filling in filled}
    except (IndexError, pa.ArrowException):  # the first pass saw something else
        raise DataError(source.name, [InputError("error.data_changed")]) from None
    pa.default_memory_pool().release_unused()
    ordered = tuple(columns.get(name) or unread_column(name) for name in names)
    return Table(source.name, ordered, found.rows, text.place)


def _survey(text: Text, width: int, wanted: Sequence[str]) -> Survey:
    """Return what the file holds.

    Raises:
        DataError: there are no rows, or rows of another width than the header.
    """
    size = text.source.size
    block = min(max(BLOCK, ROWS_AT_ONCE * sum(map(len, text.header[1]))), LARGEST_BLOCK)
    while True:
        found = Survey(width, block, dict.fromkeys(wanted, "empty"))
        try:
            for batch in _batches(text, found, 0):
                found.rows += batch.num_rows
                for place, words in zip(wanted, batch.columns, strict=True):
                    found.kinds[place] = joined(found.kinds[place], words)
            break
        except pa.ArrowException:
            if block > size:
                key = "error.data_no_rows" if len(text.starts) == 1 else "error.data_damaged"
                raise DataError(text.source.name, [InputError(key, kind="CSV")]) from None
            block *= 8  # a row is longer than the block
            require_memory(3 * min(block, size), "error.data_long_row", source=text.source.name)
    row = found.first_ragged
    if row is not None:
        # Arrow counts from 1 the lines that it skips, the header, and rows
        place = text.place((row.number or 0) - text.header[0] - 1)
        widths = {"expected": row.expected_columns, "actual": row.actual_columns}
        problem = InputError("error.data_ragged", **widths, count=found.ragged, **place)
        raise DataError(text.source.name, [problem])
    if found.rows == 0:
        raise DataError(text.source.name, [InputError("error.data_no_rows")])
    found.kinds = {p: "integer" if kind == BITS else kind for p, kind in found.kinds.items()}
    return found


def _batches(text: Text, found: Survey, number: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows below the header, a block at a time, every cell as text.

    Args:
        number: of the pass.
    """

    def put_aside(row: csv.InvalidRow) -> str:
        found.first_ragged = found.first_ragged or row
        found.ragged += 1
        return "skip"

    names = [str(place) for place in range(found.width)]
    with text.source.open(number) as file:
        yield from csv.open_csv(
            file,
            csv.ReadOptions(
                use_threads=False,
                block_size=min(found.block, text.source.size + 1),
                column_names=names,
                skip_rows=text.header[0] - 1,
                skip_rows_after_names=1,
            ),
            csv.ParseOptions(
                delimiter=text.delimiter, newlines_in_values=True, invalid_row_handler=put_aside
            ),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=list(found.kinds),
                null_values=list(MISSING_WORDS),
                strings_can_be_null=True,
                check_utf8=False,  # the whole file was checked
            ),
        )


def joined(kind: str, words: pa.Array) -> str:
    """Return the kind of a column with another block of it."""
    if kind == "text" or words.null_count == len(words):
        return kind
    trimmed = _trimmed(words)
    if kind == "number" and _is_readable(trimmed, pa.float64()):
        return kind
    found = _kind_of_words(trimmed)
    if found == kind or kind == "empty":
        return found
    return JOINED.get(frozenset({kind, found}), "text")


def _kind_of_words(words: pa.Array) -> str:
    """Return the first kind, from the narrowest on, that all words can be read as."""
    if _is_readable(words, pa.int64()):
        return BITS if {*bounds(words.cast(pa.int64()))} <= {0, 1} else "integer"
    if _is_readable(words, pa.float64()):
        return "number"
    if _is_readable(words, pa.bool_()):
        return "boolean"
    return "date" if any(_is_readable(words, kind) for kind in DATES) else "text"


def _is_readable(words: pa.Array, kind: pa.DataType) -> bool:
    try:
        words.cast(kind)
    except pa.ArrowException:
        return False
    return True


def converted(words: pa.Array, kind: str) -> pa.Array:
    """Return the words of a block as values of the kind that the whole column has.

    Raises:
        pyarrow.ArrowException: they are none.
    """
    if kind in ("text", "date", "empty"):
        return words
    trimmed = _trimmed(words)
    try:
        return trimmed.cast({"number": pa.float64(), "boolean": pa.bool_()}.get(kind, pa.int64()))
    except pa.ArrowException:  # 0x1F is a whole number to Arrow, and no other number
        return trimmed.cast(pa.int64())


def _trimmed(words: pa.Array) -> pa.Array:
    return pc.call_function("ascii_trim", [words], pc.TrimOptions(" \t"))
