"""Tables larger than memory: files cut into units, each of which can be read on its own.

A unit is a row group of a Parquet file, a record batch of an Arrow file, or some megabytes of whole
rows of a text file. Files keep what they were known by: whoever reads a unit later is told if it
is not the same any more.
"""

from __future__ import annotations

import csv as plain_csv
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, ipc, parquet

from whygrad.core.memory import require_memory
from whygrad.data.arrow import BATCH, DAMAGE, kind_of
from whygrad.data.columns import Place
from whygrad.data.delimited import MISSING_WORDS, Text, headed_text
from whygrad.data.json_lines import JsonLines, opened_json_lines
from whygrad.data.reading import BITS, Cells, converted
from whygrad.data.source import ARROW, BLOCK, JSON_LINES, TEXT, Source, checked_source
from whygrad.errors import DataError, InputError

TEXT_BYTES = 1 << 22  # of a unit of text, and the end of its last row
LARGEST_TEXT = 1 << 28  # bytes of one row
PROBE, PROBES = 1 << 16, 32  # bytes of a look at a text, and how many there are at most
PACKED_BY = 4  # times that a text is smaller by gzip, about
ENDS = 1 << 16  # bytes at either end of a file that it is known by
SUFFIXES = (*TEXT, *JSON_LINES, ".parquet", *ARROW)
UNIT = ("file", "place", "length", "checksum", "rows", "first", "samples")
TYPES = {  # kind -> how cells of text are read
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    BITS: pa.int64(),
    "text": pa.dictionary(pa.int32(), pa.string()),
}
READ = (*TYPES, "date")  # kinds as which words are read


@dataclass(frozen=True)
class StreamFile:
    """A file, and what it is known by.

    Args:
        name: in messages: where several files are read, its path in their folder.
        path: absolute.
        kind: ``text``, ``parquet``, ``arrow``; ``packed`` (by gzip) or ``json``, lines of it, which
            are one unit whole.
        size: bytes.
        modified: nanoseconds since 1970.
        digest: SHA-256 of its first and last bytes, in hexadecimal.
        names: of its columns, in their order.
        keys: columns that its folders name, ``year=2024``, with their value as text.
        delimiter: of text.
        start: byte at which the rows of a text begin.
    """

    name: str
    path: str
    kind: str
    size: int
    modified: int
    digest: str
    names: tuple[str, ...]
    keys: Mapping[str, str | None]
    delimiter: str = ""
    start: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> StreamFile:
        return cls(**{**told, "names": tuple(told["names"])})

    @property
    def is_of_words(self) -> bool:
        """Whether its cells are words, of which nothing tells the kind."""
        return self.kind in ("text", "packed", "json")

    def check(self) -> None:
        """Check that the file is what it was.

        Raises:
            DataError: it is gone, or another one.
        """
        path = Path(self.path)
        try:
            status = path.stat()
        except OSError:
            raise DataError(self.name, [InputError("error.stream_gone", path=path)]) from None
        if (status.st_size, status.st_mtime_ns) == (self.size, self.modified):
            return
        if status.st_size != self.size or digest_of(path, self.size) != self.digest:
            raise self.changed()

    def changed(self) -> DataError:
        """Return the error of a file that is another one than it was."""
        return DataError(self.name, [InputError("error.stream_changed", path=self.path)])


def known_file(
    path: Path, name: str, keys: Mapping[str, str | None], delimiter: str | None
) -> StreamFile:
    """Return a file with what it is known by, and the names of its columns.

    Raises:
        DataError: it is missing, damaged, or of a kind that is not read in units.
        OptionError: the delimiter is not a single character.
    """
    source, suffix = checked_source(path, lambda share: None, SUFFIXES)
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
        return StreamFile(name, str(path), "json", *known, names, keys)
    text = headed_text(source, delimiter)
    kind, start = ("packed", 0) if source.is_packed else ("text", _first_row(text, path))
    return StreamFile(name, str(path), kind, *known, text.names, keys, text.delimiter, start)


def digest_of(path: Path, size: int) -> str:
    """Return the SHA-256 of the first and last bytes of a file, in hexadecimal."""
    with path.open("rb") as file:
        first = file.read(ENDS)
        file.seek(max(0, size - ENDS))
        return hashlib.sha256(first + file.read(ENDS)).hexdigest()


def units_of(file: StreamFile) -> Iterator[tuple[int, int, int]]:
    """Yield where each unit of a file is: its place, its length in bytes, and its checksum.

    The place is the number of a row group or record batch, or the byte where it begins in a text;
    length and checksum (CRC-32) are those of text, and 0 else.

    Raises:
        DataError: the text is not UTF-8, or a row is too long to be held.
    """
    if file.kind == "text":
        for place, content in _cut(file):
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
        batches = iter([_text_rows(file, place, length, checksum, kinds, forms)])
    elif file.is_of_words:
        batches = _words_as(file, kinds, forms)
    else:
        batches = _typed_rows(file, place, [name for name in kinds if name not in file.keys])
    for batch in batches:
        if not kinds:
            yield batch
            continue
        columns = [
            _constant(file.keys[name], kind, forms.get(name, ""), batch.num_rows)
            if name in file.keys
            else _as_empty(batch.column(name), kind)
            for name, kind in kinds.items()
        ]
        yield pa.record_batch(columns, list(kinds))


def arrow_kinds(file: StreamFile) -> dict[str, str]:
    """Return the kinds of the columns of a file that has types."""
    _, schema = _opened(file.path, file.kind, file.modified)
    return {str(field.name): kind_of(field.type) for field in schema}


def line_of(file: StreamFile, place: int, length: int, row: int) -> Place:
    """Return where a row of a unit stands: its line in a text, else its number in the file.

    Args:
        row: counted from 0 in the unit.
    """
    if file.kind != "text" and file.is_of_words:
        return _cells(file).place(row)
    if file.kind != "text":
        reader, _ = _opened(file.path, file.kind, file.modified)
        if file.kind == "parquet":
            before = sum(reader.metadata.row_group(group).num_rows for group in range(place))
        else:
            before = sum(reader.get_batch(number).num_rows for number in range(place))
        return {"what": "row_from_0", "row": before + row}
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


def estimated_rows(files: Sequence[StreamFile]) -> int:
    """Return how many rows files have: as they declare it, or by the length of some lines."""
    return sum(map(_estimated_rows, files))


def _estimated_rows(file: StreamFile) -> int:
    if not file.is_of_words:
        reader, _ = _opened(file.path, file.kind, file.modified)
        if file.kind == "parquet":
            return reader.metadata.num_rows
        return sum(reader.get_batch(number).num_rows for number in range(reader.num_record_batches))
    read = lines = 0
    if file.kind == "packed":
        with _cells(file).source.open() as unpacked:
            content = unpacked.read(PROBE)
        return PACKED_BY * file.size * max(content.count(b"\n"), 1) // max(len(content), 1)
    with Path(file.path).open("rb") as opened_file:
        for begin in range(file.start, file.size, max(PROBE, (file.size - file.start) // PROBES)):
            opened_file.seek(begin)
            content = opened_file.read(PROBE)
            read, lines = read + len(content), lines + content.count(b"\n")
    return (file.size - file.start) * max(lines, 1) // max(read, 1)


def widest(files: Sequence[StreamFile]) -> int:
    """Return the bytes of the largest unit, as it lies in memory."""
    sizes = [TEXT_BYTES]
    for file in files:
        if file.kind == "parquet":
            footer = _opened(file.path, file.kind, file.modified)[0].metadata
            groups = (footer.row_group(group) for group in range(footer.num_row_groups))
            sizes += [group.total_byte_size for group in groups]
    return max(sizes)


# --- text -------------------------------------------------------------------------------------


def _first_row(text: Text, path: Path) -> int:
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


def _cut(file: StreamFile) -> Iterator[tuple[int, bytes]]:
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
        raise DataError(file.name, [InputError("error.data_not_utf8", **place)]) from None


def _text_rows(
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


def _cells(file: StreamFile) -> Cells:
    """Return a file that is one unit, as it is read in memory; it was looked at before."""
    source = Source(Path(file.path), file.size, lambda share: None, is_packed=file.kind == "packed")
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


def _words_as(
    file: StreamFile, kinds: Mapping[str, str], forms: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of such a file.

    Raises:
        pyarrow.ArrowException: a cell is not of its kind.
    """
    wanted = [name for name in kinds if name not in file.keys] or list(file.names[:1])
    for batch in _cells(file).batches(wanted):
        yield _as_kinds(batch, kinds, forms)


# --- Parquet and Arrow ------------------------------------------------------------------------


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


def _as_empty(cells: pa.Array, kind: str) -> pa.Array:
    """Return a column without any value as one of its kind, whatever it was written as."""
    if cells.null_count < len(cells):
        return cells
    return pa.nulls(len(cells), pa.string() if kind == "text" else pa.float64())


def _constant(word: str | None, kind: str, form: str, rows: int) -> pa.Array:
    cell = pa.array([word], pa.string())
    if kind in READ:
        cell = converted(cell, kind, form)
    return pa.repeat(cell[0], rows)


def _damaged(name: str, kind: str) -> DataError:
    told = {"parquet": "Parquet", "arrow": "Arrow"}[kind]
    return DataError(name, [InputError("error.data_damaged", kind=told)])
