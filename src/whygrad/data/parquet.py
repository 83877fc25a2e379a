"""Parquet: what the footer declares is asked for first, then a few columns at a time are read."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from whygrad.core.memory import require_memory
from whygrad.data.arrow import BYTES, fillings, kind_of
from whygrad.data.columns import Table, name_problems, unread_column
from whygrad.data.source import BLOCK, Skip, Source
from whygrad.errors import DataError, InputError, TooLargeError

AT_ONCE = 4 * BLOCK  # bytes of columns that are open at the same time
BATCH = 32_768  # rows
DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, MemoryError, IndexError, KeyError)


def read_parquet(source: Source, skip: Skip) -> Table:
    """Return the columns of a Parquet file.

    Args:
        skip: which columns are not wanted; they come back unread.

    Raises:
        DataError: with what is wrong with the file as a whole.
        TooLargeError: the table that the footer declares does not fit into memory.
    """
    try:
        with source.open() as file:
            return _read(source, file, skip)
    except (DataError, TooLargeError):
        raise
    except DAMAGE:
        raise DataError(source.name, [InputError("error.data_damaged", kind="Parquet")]) from None


def _read(source: Source, file: io.BufferedIOBase, skip: Skip) -> Table:
    schema = pq.read_schema(file)
    texts = [field.name for field in schema if kind_of(field.type) == "text"]
    opened = pq.ParquetFile(file, read_dictionary=texts, buffer_size=BLOCK)
    rows, names = opened.metadata.num_rows, [str(name) for name in schema.names]
    problems = name_problems(names)
    if problems:
        raise DataError(source.name, problems)
    skipped = set(skip(names))
    kinds = {f.name: kind_of(f.type) for f in schema if f.name not in skipped}
    require_memory(_largest_group(opened.metadata), "error.data_long_row", source=source.name)
    filled = {one.name: one for one in fillings(source.name, kinds, rows)}
    wanted = [name for name, kind in kinds.items() if kind in BYTES]
    width = max(1, AT_ONCE // (8 * max(rows, 1)))
    for start in range(0, len(wanted), width):
        group = wanted[start : start + width]
        for batch in opened.iter_batches(BATCH, columns=group, use_threads=False):
            for name in group:
                filled[name].add(batch.column(name))
        source.tick(min(1.0, (start + width) / len(wanted)))
    columns = {name: one.column() for name, one in filled.items()}
    pa.default_memory_pool().release_unused()
    return Table(source.name, tuple(columns.get(n) or unread_column(n) for n in names), rows)


def _largest_group(footer: pq.FileMetaData) -> int:
    """Return the bytes of the largest row group, as the footer declares.

    Each column of it is smaller, but to ask for one may end the process where a footer is damaged.
    """
    groups = (footer.row_group(index) for index in range(footer.num_row_groups))
    return max((group.total_byte_size for group in groups), default=0)
