"""Tables larger than memory: files cut into units, each of which can be read on its own.

A unit is a row group of a Parquet file, a record batch of an Arrow file, or some megabytes of whole
rows of a text file. Files keep what they were known by: whoever reads a unit later is told if it
is not the same any more.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc, parquet

from whygrad.data import text_units
from whygrad.data.arrow import BATCH, DAMAGE, are_codes, filled_column, kind_of
from whygrad.data.columns import Place
from whygrad.data.delimited import headed_text
from whygrad.data.json_lines import opened_json_lines
from whygrad.data.reading import converted
from whygrad.data.source import ARROW, BLOCK, JSON_LINES, TEXT, checked_source
from whygrad.data.stream_file import StreamFile, digest_of
from whygrad.data.text_units import READ, cells_of
from whygrad.errors import DataError, InputError

SUFFIXES = (*TEXT, *JSON_LINES, ".parquet", *ARROW)
UNIT = ("file", "place", "length", "checksum", "rows", "first", "samples")


def known_file(
    path: Path,
    name: str,
    keys: Mapping[str, str | None],
    delimiter: str | None,
    encoding: str | None,
) -> StreamFile:
    """Return a file with what it is known by, and the names of its columns.

    Raises:
        DataError: it is missing, damaged, or of a kind that is not read in units.
        OptionError: the delimiter is not a single character, or there is no such encoding.
    """
    source, suffix = checked_source(path, lambda share: None, SUFFIXES, encoding)
    path, status = path.absolute(), path.stat()
    known = (source.size, status.st_mtime_ns, digest_of(path, source.size))
    if suffix == ".parquet" or suffix in ARROW:
        kind = "parquet" if suffix == ".parquet" else "arrow"
        try:
            names = tuple(map(str, _opened(str(path), kind, status.st_mtime_ns)[1].names))
        except DAMAGE:
            raise _damaged(name, kind) from None
        return StreamFile(name, str(path), kind, *known, names, keys)
    if suffix in JSON_LINES:
        names = opened_json_lines(source).names
        return StreamFile(name, str(path), "json", *known, names, keys, encoding=source.encoding)
    text = headed_text(source, delimiter)
    is_cut = not source.encoding and text_units.has_line_feeds(path)
    kind = "packed" if source.is_packed else "text" if is_cut else "whole"
    start = text_units.first_row(text, path) if kind == "text" else 0
    of_text = (text.names, keys, text.delimiter, start, source.encoding)
    return StreamFile(name, str(path), kind, *known, *of_text)


def units_of(file: StreamFile) -> Iterator[tuple[int, int, int]]:
    """Yield where each unit of a file is: its place, its length in bytes, and its checksum.

    The place is the number of a row group or record batch, or the byte where it begins in a text;
    length and checksum (CRC-32) are those of text, and 0 else.

    Raises:
        DataError: the text is not UTF-8, or a row is too long to be held.
    """
    if file.kind == "text":
        for place, content in text_units.text_units(file):
            yield place, len(content), zlib.crc32(content)
    elif file.is_of_words:
        yield 0, 0, 0
    else:
        reader, _ = _opened(file.path, file.kind, file.modified)
        is_parquet = file.kind == "parquet"
        for number in range(reader.num_row_groups if is_parquet else reader.num_record_batches):
            yield number, 0, 0


def rows_of(
    file: StreamFile,
    place: int,
    length: int,
    checksum: int,
    kinds: Mapping[str, str],
    forms: Mapping[str, str],
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a unit, the wanted columns in their order.

    Args:
        kinds: of the wanted columns, by name; cells of text are read as such.
        forms: of those columns whose words are read in a form of their own.

    Raises:
        DataError: the file is damaged, not what it was, or a row has another width than the header.
        pyarrow.ArrowException: a cell of text is not of its kind.
    """
    if file.kind == "text":
        batches = iter([text_units.text_rows(file, place, length, checksum, kinds, forms)])
    elif file.is_of_words:
        batches = text_units.rows_of_words(file, kinds, forms)
    else:
        batches = _typed_rows(file, place, [name for name in kinds if name not in file.keys])
    for batch in batches:
        if not kinds:
            yield batch
            continue
        columns = [
            _constant(file.keys[name], kind, forms.get(name, ""), batch.num_rows)
            if name in file.keys
            else _as_kind(batch.column(name), kind, forms.get(name, ""))
            for name, kind in kinds.items()
        ]
        yield pa.record_batch(columns, list(kinds))


def arrow_kinds(file: StreamFile) -> dict[str, str]:
    """Return the kinds of the columns of a file that has types."""
    _, schema = _opened(file.path, file.kind, file.modified)
    return {str(field.name): kind_of(field.type) for field in schema}


def columns_of_codes(file: StreamFile) -> tuple[str, ...]:
    """Return the columns whose numbers the file declares to be categories."""
    if file.is_of_words:
        return ()
    _, schema = _opened(file.path, file.kind, file.modified)
    return tuple(str(field.name) for field in schema if are_codes(field.type))


def place_in(file: StreamFile, place: int, length: int, row: int) -> Place:
    """Return where a row of a unit stands: its line in a text, else its number in the file.

    Args:
        row: counted from 0 in the unit.
    """
    if file.kind == "text":
        return text_units.line_of(file, place, length, row)
    if file.is_of_words:
        return cells_of(file).place(row)
    reader, _ = _opened(file.path, file.kind, file.modified)
    if file.kind == "parquet":
        before = sum(reader.metadata.row_group(group).num_rows for group in range(place))
    else:
        before = sum(reader.get_batch(number).num_rows for number in range(place))
    return {"what": "row_from_0", "row": before + row}


def estimated_rows(files: Sequence[StreamFile]) -> int:
    """Return how many rows files have: as they declare it, or by the length of some lines."""
    return sum(map(_estimated_rows, files))


def _estimated_rows(file: StreamFile) -> int:
    if file.is_of_words:
        return text_units.estimated_lines(file)
    reader, _ = _opened(file.path, file.kind, file.modified)
    if file.kind == "parquet":
        return reader.metadata.num_rows
    return sum(reader.get_batch(number).num_rows for number in range(reader.num_record_batches))


def widest(files: Sequence[StreamFile]) -> int:
    """Return the bytes of the largest unit, as it lies in memory."""
    sizes = [text_units.TEXT_BYTES]
    for file in files:
        if file.kind == "parquet":
            footer = _opened(file.path, file.kind, file.modified)[0].metadata
            groups = (footer.row_group(group) for group in range(footer.num_row_groups))
            sizes += [group.total_byte_size for group in groups]
    return max(sizes)


@lru_cache(maxsize=8)
def _opened(path: str, kind: str, modified: int) -> tuple[Any, pa.Schema]:
    """Return a file that is open, and its schema; a few stay open."""
    if kind == "arrow":
        reader = ipc.open_file(pa.memory_map(path))
        return reader, reader.schema
    schema = parquet.read_schema(path)
    texts = [field.name for field in schema if kind_of(field.type) == "text"]
    return parquet.ParquetFile(path, read_dictionary=texts, buffer_size=BLOCK), schema


def _typed_rows(file: StreamFile, place: int, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    try:
        reader, _ = _opened(file.path, file.kind, file.modified)
        if file.kind == "arrow":
            batch = reader.get_batch(place)
            for begin in range(0, batch.num_rows, BATCH):
                yield batch.slice(begin, BATCH).select(wanted)
        else:
            yield from reader.iter_batches(
                BATCH, row_groups=[place], columns=list(wanted), use_threads=False
            )
    except DAMAGE:
        raise _damaged(file.name, file.kind) from None


def _as_kind(cells: pa.Array, kind: str, form: str) -> pa.Array:
    """Return a column as one of its kind: without any value, whatever it was written as.

    Args:
        form: how the words of a file that has types are read.
    """
    if are_codes(cells.type):  # of a target they are plain numbers
        cells = cells.cast(cells.type.value_type)
    if cells.null_count < len(cells):
        has_words = kind_of(cells.type) == "text"
        if kind == "text" and not has_words:  # a column of categories
            return pa.array(filled_column("", cells).words(), pa.string())
        return converted(cells.cast(pa.string()), kind, form) if form and has_words else cells
    return pa.nulls(len(cells), pa.string() if kind == "text" else pa.float64())


def _constant(word: str | None, kind: str, form: str, rows: int) -> pa.Array:
    cell = pa.array([word], pa.string())
    if kind in READ:
        cell = converted(cell, kind, form)
    return pa.repeat(cell[0], rows)


def _damaged(name: str, kind: str) -> DataError:
    told = {"parquet": "Parquet", "arrow": "Arrow"}[kind]
    return DataError(name, [InputError("error.data_damaged", kind=told)])
