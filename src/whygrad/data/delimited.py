"""Text tables: columns separated by commas, semicolons, tabs or bars, read a block at a time."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

import pyarrow as pa
from pyarrow import csv as arrow_csv

from whygrad.core.memory import require_memory
from whygrad.data.columns import NUMBER, Place, name_problems, shortened
from whygrad.data.encodings import likely_encoding
from whygrad.data.source import BLOCK, Source
from whygrad.errors import DataError, InputError, OptionError

DELIMITERS = (",", ";", "\t", "|")
SPOKEN = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}
LOOKED_AT = 50  # lines that decide about the delimiter
LOOKED_AT_MOST = 1 << 22  # letters of them
LONGEST_LINE = 1 << 26  # letters
NAMED_DELIMITER = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)  # a first line that Excel reads
MISSING_WORDS = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
ROWS_AT_ONCE = 512  # of a wide table; every block costs some time a column
LARGEST_BLOCK = 256 * BLOCK  # unless a single row is longer
END = "\x00"  # a last line that no text holds; it is swallowed where a quotation mark stays open


@dataclass(frozen=True, eq=False)
class Text:
    """A text table, whose cells are read as words.

    Args:
        source: all of it is known to be UTF-8 text.
        length: bytes of text.
        has_plain_lines: whether every line below the header is a row, as where there are no
            quotation marks and no blank lines.
    """

    source: Source
    delimiter: str
    length: int
    has_plain_lines: bool

    @cached_property
    def header(self) -> tuple[int, list[str]]:
        """The line of the first row that is not blank, and its cells."""
        return next(iter(self.rows()))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, empty ones as ``column1`` …"""
        trimmed = (name.strip() for name in self.header[1])
        return tuple(name or f"column{place}" for place, name in enumerate(trimmed, 1))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row that is not blank after its first line, counted from 1; then END."""

        def lines(file: io.TextIOWrapper) -> Iterator[str]:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), "")):
                if len(line) == LONGEST_LINE:  # it should not be held
                    raise csv.Error("a line without an end")
                yield "\n" if number == 0 and NAMED_DELIMITER.fullmatch(line) else line
            yield END

        with _opened(self.source) as file:
            reader, before = csv.reader(lines(file), delimiter=self.delimiter), 0
            for row in reader:
                if row:
                    yield before + 1, row
                before = reader.line_num

    def open_quote(self) -> int | None:
        """Return the line of the row whose quotation mark is never closed; None if all are."""
        line, last = 1, [END]
        for line, last in self.rows():  # noqa: B007 - the last one counts
            pass
        return None if last == [END] else line

    def place(self, row: int) -> Place:
        """Return the line of a row, counted from 0 below the header."""
        if self.has_plain_lines:
            return {"what": "file_line", "row": self.header[0] + 1 + row}
        try:
            line, _ = next(islice(self.rows(), row + 1, None))
        except csv.Error:  # a field is too long for csv: take every line for a row
            with _opened(self.source) as file:
                numbered = (line for line, text in enumerate(file, 1) if text.strip())
                line = next(islice(numbered, row + 1, None))
        return {"what": "file_line", "row": line}

    def batches(self, wanted: Sequence[str], number: int | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows below the header, a block at a time, every cell as a word.

        Args:
            wanted: names of at least one column.
            number: of the pass over the source, from 0; None for a look that is no progress.

        Raises:
            DataError: a row has another width than the header, or the file is damaged.
            TooLargeError: a row does not fit into memory.
        """
        if self._has_no_rows():
            return  # which Arrow takes for an error
        block = min(max(BLOCK, ROWS_AT_ONCE * sum(map(len, self.header[1]))), LARGEST_BLOCK)
        done = 0
        while True:
            skipped = done
            try:
                for batch in self._blocks(wanted, number, block):
                    fresh = batch.slice(min(skipped, batch.num_rows))
                    skipped -= batch.num_rows - fresh.num_rows
                    if fresh.num_rows:
                        yield fresh
                        done += fresh.num_rows
                return
            except pa.ArrowException:  # a row is longer than the block
                if block > self.length:
                    problem = InputError("error.data_damaged", kind="CSV")
                    raise DataError(self.source.name, [problem]) from None
                block *= 8
                needed = 3 * min(block, self.length)
                require_memory(needed, "error.data_long_row", source=self.source.name)

    def _has_no_rows(self) -> bool:
        try:
            return next(islice(self.rows(), 1, None))[1] == [END]
        except csv.Error:  # a field is too long for csv
            return False

    def _blocks(
        self, wanted: Sequence[str], number: int | None, block: int
    ) -> Iterator[pa.RecordBatch]:
        ragged: list[arrow_csv.InvalidRow] = []

        def put_aside(row: arrow_csv.InvalidRow) -> str:
            ragged.append(row)
            return "skip"

        names = [str(place) for place in range(len(self.names))]
        columns = [str(self.names.index(name)) for name in wanted]
        with self.source.open(number) as file:
            for batch in arrow_csv.open_csv(
                file,
                arrow_csv.ReadOptions(
                    use_threads=False,
                    block_size=min(block, self.length + 1),
                    column_names=names,
                    skip_rows=self.header[0] - 1,
                    skip_rows_after_names=1,
                ),
                arrow_csv.ParseOptions(
                    delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=put_aside
                ),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=columns,
                    null_values=list(MISSING_WORDS),
                    strings_can_be_null=True,
                    check_utf8=False,  # the whole file was checked
                ),
            ):
                if not ragged:  # else the rest is read to count them
                    yield pa.record_batch(batch.columns, list(wanted))
        if ragged:
            raise self._ragged(ragged[0], len(ragged))

    def _ragged(self, row: arrow_csv.InvalidRow, count: int) -> DataError:
        # Arrow counts from 1 the lines that it skips, the header, and rows
        place = self.place((row.number or 0) - self.header[0] - 1)
        widths = {"expected": row.expected_columns, "actual": row.actual_columns}
        problem = InputError("error.data_ragged", **widths, count=count, **place)
        return DataError(self.source.name, [problem])


def opened_text(source: Source, delimiter: str | None, fewest: int = 2) -> Text:
    """Return a text table.

    Args:
        fewest: columns that it may have.

    Raises:
        DataError: with what is wrong with the file as a whole.
        OptionError: the delimiter is not a single character.
    """
    requested = checked_delimiter(delimiter)
    found = checked_bytes(source)
    text = Text(source, requested or _found_delimiter(source), found.length, found.has_plain_lines)
    with _told_of_long_fields(source):
        open_quote = text.open_quote() if found.quotes % 2 else None  # spares a slow walk
    if open_quote is not None:
        where = {"what": "file_line", "row": open_quote}
        raise DataError(source.name, [InputError("error.data_open_quote", **where)])
    _check_header(text, fewest)
    return text


def headed_text(source: Source, delimiter: str | None) -> Text:
    """Return a text table of which only the header was looked at.

    Raises:
        DataError: with what is wrong with the header.
        OptionError: the delimiter is not a single character.
    """
    requested = checked_delimiter(delimiter)
    try:
        text = Text(source, requested or _found_delimiter(source), source.size, False)
        _check_header(text, 2)
    except UnicodeDecodeError:
        checked_bytes(source)  # says where
        raise
    return text


def _check_header(text: Text, fewest: int) -> None:
    source = text.source
    with _told_of_long_fields(source):
        if text.header[1] == [END]:
            raise DataError(source.name, [InputError("error.data_empty")])
        header = [name.strip() for name in text.header[1]]
    problems = _problems_of_one_column(header[0], text, fewest) if len(header) == 1 else []
    if not problems and _looks_like_numbers(header):
        problems = [InputError("error.data_no_header", actual=header[0])]
    problems = problems or name_problems(text.names)
    if problems:
        raise DataError(source.name, problems)


@contextmanager
def _told_of_long_fields(source: Source) -> Iterator[None]:
    try:
        yield
    except csv.Error:  # a field of more than 131072 characters
        raise DataError(source.name, [InputError("error.data_long_field")]) from None


def checked_delimiter(delimiter: str | None) -> str | None:
    """Return a delimiter as one character.

    Raises:
        OptionError: it is not one, or cannot separate columns.
    """
    if delimiter is None:
        return None
    character = SPOKEN.get(delimiter, delimiter)
    is_usable = isinstance(character, str) and len(character) == 1 and character.isascii()
    if not is_usable or character in '"\r\n\0' or character.isalnum():
        raise OptionError("error.data_delimiter", actual=repr(delimiter))
    return character


def _opened(source: Source) -> io.TextIOWrapper:
    return io.TextIOWrapper(source.open(), encoding="utf-8-sig", newline="")


def _found_delimiter(source: Source) -> str:
    """Return the delimiter with which the first rows have equally many columns, and the most."""
    with _opened(source) as file:
        start = file.read(LOOKED_AT_MOST)
    lines = list(islice(io.StringIO(start, newline=""), LOOKED_AT))
    named = NAMED_DELIMITER.fullmatch(lines[0]) if lines else None
    if named:
        return named[1]
    if len(start) == LOOKED_AT_MOST and len(lines) > 1:
        del lines[-1]  # it may be cut off

    def evenness(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            return (0.0, 0)
        if not widths or widths[0] == 1:
            return (0.0, 0)
        return (widths.count(widths[0]) / len(widths), widths[0])

    return max(DELIMITERS, key=evenness)


@dataclass
class Bytes:
    """What a look at all bytes of a text finds."""

    length: int = 0
    quotes: int = 0
    has_plain_lines: bool = True


def checked_bytes(source: Source) -> Bytes:
    """Return what a file holds, once all of it is known to be UTF-8 text.

    Raises:
        DataError: it is something else, or nothing.
    """
    decoder, lines, is_blank, found = codecs.getincrementaldecoder("utf-8-sig")(), 1, True, Bytes()
    end = b"\n"  # of the block before
    with source.open() as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            if b"\0" in block:
                likely = likely_encoding(block) if found.length == 0 else None
                raise DataError(
                    source.name, [_of_encoding(likely) or InputError("error.data_binary")]
                )
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                line = lines + error.object.count(b"\n", 0, error.start)
                raise not_utf8(source.name, block, {"what": "file_line", "row": line}) from None
            lines += block.count(b"\n")
            found.length += len(block)
            found.quotes += block.count(b'"')
            joined = (end + block).replace(b"\r\n", b"\n")
            found.has_plain_lines &= b"\n\n" not in joined and b"\r" not in joined[:-1]
            is_blank = is_blank and not block.strip()
            end = joined[-2:] if block.endswith(b"\r") else joined[-1:]  # \n may follow
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise not_utf8(source.name, b"", {"what": "file_line", "row": lines}) from None
    if is_blank:
        raise DataError(source.name, [InputError("error.data_empty")])
    found.has_plain_lines &= not found.quotes
    return found


def not_utf8(source: str, content: bytes, place: Place) -> DataError:
    """Return the error of text that is in another encoding than UTF-8.

    Args:
        source: name of the table.
        content: some of the text, in which it is.
        place: of the first byte that is not UTF-8.
    """
    told = _of_encoding(likely_encoding(content), **place)
    return DataError(source, [told or InputError("error.data_not_utf8", **place)])


def _of_encoding(likely: str | None, **place: object) -> InputError | None:
    if likely is None:
        return None
    key = "error.data_other_encoding_at" if place else "error.data_other_encoding"
    return InputError(key, encoding=likely, **place)


def _problems_of_one_column(header: str, text: Text, fewest: int) -> list[InputError]:
    candidates = (*DELIMITERS, " ", ":")
    found = next((mark for mark in candidates if mark in header and mark != text.delimiter), None)
    if found is None and fewest == 1:
        return []
    values = {"delimiter": spoken(text.delimiter), "found": spoken(found or "")}
    key = "error.data_one_column_other" if found else "error.data_one_column"
    return [InputError(key, **values, header=shortened(header))]


def spoken(delimiter: str) -> str:
    """Return a delimiter as it can be typed: ``tab`` and ``space`` by name."""
    return {"\t": "tab", " ": "space"}.get(delimiter, delimiter)


def _looks_like_numbers(names: list[str]) -> bool:
    """Say whether the first row is data: mostly numbers, other than the headers 0, 1, 2 …"""
    numbers = [float(name) for name in names if NUMBER.fullmatch(name)]
    counts_up = all(b - a == 1 for a, b in pairwise(numbers))
    is_numbered = counts_up and all(number.is_integer() for number in numbers)
    return len(numbers) * 2 >= len(names) and not (is_numbered and len(numbers) > 1)
