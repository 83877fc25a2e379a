"""Text tables as units: cut between rows, and read as values of kinds that are known."""

from __future__ import annotations

import csv as plain_csv
import io
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from whygrad.core.memory import require_memory
from whygrad.data.columns import Place
from whygrad.data.delimited import MISSING_WORDS, Text, not_utf8
from whygrad.data.json_lines import JsonLines
from whygrad.data.reading import BITS, Cells, converted
from whygrad.data.source import Source
from whygrad.data.stream_file import StreamFile
from whygrad.errors import DataError, InputError

TEXT_BYTES = 1 << 22  # of a unit of text, and the end of its last row
LARGEST_TEXT = 1 << 28  # bytes of one row
PROBE, PROBES = 1 << 16, 32  # bytes of a look at a text, and how many there are at most
PACKED_BY = 4  # times that a text is smaller by gzip, about
TYPES = {  # kind -> how cells of text are read
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    BITS: pa.int64(),
    "text": pa.dictionary(pa.int32(), pa.string()),
}
READ = (*TYPES, "date")  # kinds as which words are read


def has_line_feeds(path: Path) -> bool:
    """Return whether lines of a text end in line feeds, and not in carriage returns alone."""
    with path.open("rb") as file:
        start = file.read(PROBE)
    return b"\n" in start or b"\r" not in start


def first_row(text: Text, path: Path) -> int:
    """Return the byte at which the row after the header begins."""
    line, at = text.header[0], 0
    with path.open("rb") as file:
        for _ in range(line - 1):
            at += len(file.readline())
        quotes, header = 0, b""
        while not header or quotes % 2:
            header = file.readline()
            if not header:
                break
            quotes += header.count(b'"')
            at += len(header)
    return at


def text_units(file: StreamFile) -> Iterator[tuple[int, bytes]]:
    """Yield whole rows of a text, and the byte at which they begin.

    A line ends a row where as many quotation marks were opened as closed.
    """
    with Path(file.path).open("rb") as opened_file:
        opened_file.seek(file.start)
        at, rest, left = file.start, b"", file.size - file.start
        while left > 0 or rest:
            fresh = opened_file.read(min(TEXT_BYTES, left))
            left = left - len(fresh) if fresh else 0
            content = rest + fresh
            end = len(content) if left <= 0 else _last_end(content)
            if not end and len(content) > LARGEST_TEXT:
                raise DataError(file.name, [InputError("error.data_damaged", kind="CSV")])
            if not end:
                require_memory(3 * len(content), "error.data_long_row", source=file.name)
            whole, rest = content[:end], content[end:]
            if whole.strip():
                _check_text(file, at, whole)
                yield at, whole
            at += end


def _last_end(content: bytes) -> int:
    """Return the byte after the last row that ends; 0 where none does."""
    before = content.count(b'"')
    end = len(content)
    while end:
        newline = content.rfind(b"\n", 0, end)
        before -= content.count(b'"', newline + 1, end)
        end = newline + 1
        if before % 2 == 0:
            return end
        end = newline if newline > 0 else 0
    return 0


def _check_text(file: StreamFile, at: int, content: bytes) -> None:
    if b"\0" in content:
        raise DataError(file.name, [InputError("error.data_binary")])
    try:
        content.decode()
    except UnicodeDecodeError as error:
        place = line_of(file, at + error.start, 0, 0)
        raise not_utf8(file.name, content, place) from None


def text_rows(
    file: StreamFile,
    place: int,
    length: int,
    checksum: int,
    kinds: Mapping[str, str],
    forms: Mapping[str, str],
) -> pa.RecordBatch:
    with Path(file.path).open("rb") as opened_file:
        opened_file.seek(place)
        content = opened_file.read(length)
    if zlib.crc32(content) != checksum:
        raise file.changed()
    wanted = [name for name in kinds if name not in file.keys]
    words = {name: pa.string() for name in forms}
    types = {name: TYPES.get(kinds[name], pa.string()) for name in wanted} | words
    try:
        parsed = _parsed(file, place, content, types)
        return _as_kinds(parsed, dict.fromkeys(forms, "number"), forms) if forms else parsed
    except pa.ArrowException:  # some numbers are read one way only, such as 0x1F
        words = _parsed(file, place, content, dict.fromkeys(wanted, pa.string()))
        return _as_kinds(words, kinds, forms)


def _parsed(
    file: StreamFile, place: int, content: bytes, types: Mapping[str, pa.DataType]
) -> pa.RecordBatch:
    """Return rows of text as values of these types, or of their words' ones if that is string."""
    ragged: list[csv.InvalidRow] = []

    def put_aside(row: csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    names = [str(number) for number in range(len(file.names))]
    places = {name: str(file.names.index(name)) for name in types}
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
            csv.ParseOptions(
                delimiter=file.delimiter, newlines_in_values=True, invalid_row_handler=put_aside
            ),
            csv.ConvertOptions(
                column_types={places[name]: kind for name, kind in types.items()}
                | {name: pa.string() for name in names if name not in places.values()},
                include_columns=list(places.values()) or names[:1],
                null_values=list(MISSING_WORDS),
                strings_can_be_null=True,
                check_utf8=False,  # all of it was checked
            ),
        )
    finally:
        if ragged:  # whatever else may be wrong with it
            row = ragged[0]
            where = line_of(file, place, len(content), (row.number or 1) - 1)
            widths = {"expected": row.expected_columns, "actual": row.actual_columns}
            problem = InputError("error.data_ragged", **widths, count=len(ragged), **where)
            raise DataError(file.name, [problem])
    (batch,) = table.combine_chunks().to_batches() or [
        pa.RecordBatch.from_pylist([], schema=table.schema)
    ]
    return batch.select(list(places.values())).rename_columns(list(types))


def cells_of(file: StreamFile) -> Cells:
    """Return a file that is one unit, as it is read in memory; it was looked at before."""
    how = {"is_packed": file.kind == "packed", "encoding": file.encoding}
    source = Source(Path(file.path), file.size, lambda share: None, **how)
    if file.kind == "json":
        return JsonLines(source, file.names)
    return Text(source, file.delimiter, LARGEST_TEXT, has_plain_lines=False)


def _as_kinds(
    words: pa.RecordBatch, kinds: Mapping[str, str], forms: Mapping[str, str]
) -> pa.RecordBatch:
    """Return the columns whose kinds are told as values of these kinds, and others as they are."""
    columns = [
        converted(cells, kinds[name], forms.get(name, "")) if kinds.get(name) in READ else cells
        for name, cells in zip(words.schema.names, words.columns, strict=True)
    ]
    return pa.record_batch(columns, words.schema.names)


def rows_of_words(
    file: StreamFile, kinds: Mapping[str, str], forms: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of such a file.

    Raises:
        pyarrow.ArrowException: a cell is not of its kind.
    """
    wanted = [name for name in kinds if name not in file.keys] or list(file.names[:1])
    for batch in cells_of(file).batches(wanted):
        yield _as_kinds(batch, kinds, forms)


def line_of(file: StreamFile, place: int, length: int, row: int) -> Place:
    """Return the line at which a row of a unit of text stands.

    Args:
        place, length: the bytes of the unit.
        row: counted from 0 in the unit.
    """
    with Path(file.path).open("rb") as opened_file:
        line = 1
        for begin in range(0, place, TEXT_BYTES):
            line += opened_file.read(min(TEXT_BYTES, place - begin)).count(b"\n")
        content = opened_file.read(length)
    text = io.StringIO(content.decode(errors="replace"), newline="")
    reader, at = plain_csv.reader(text, delimiter=file.delimiter), -1
    before = 0
    try:
        for cells in reader:
            at += bool(cells)
            if at == row:
                break
            before = reader.line_num
    except plain_csv.Error:  # a field is too long for csv: take every line for a row
        before = row
    return {"what": "file_line", "row": line + before}


def estimated_lines(file: StreamFile) -> int:
    """Return how many lines a file of words has below its header, by the length of some of them."""
    read = lines = 0
    if file.kind == "packed":
        with cells_of(file).source.open() as unpacked:
            content = unpacked.read(PROBE)
        return PACKED_BY * file.size * max(content.count(b"\n"), 1) // max(len(content), 1)
    with Path(file.path).open("rb") as opened_file:
        for begin in range(file.start, file.size, max(PROBE, (file.size - file.start) // PROBES)):
            opened_file.seek(begin)
            content = opened_file.read(PROBE)
            read, lines = read + len(content), lines + content.count(b"\n")
    return (file.size - file.start) * max(lines, 1) // max(read, 1)
