"""Text tables: columns separated by commas, semicolons, tabs or bars."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, pairwise

import pyarrow as pa
from pyarrow import csv as arrow_csv

from whygrad.data.arrow import columns_from_arrow
from whygrad.data.columns import NUMBER, Place, Table, repeated_names
from whygrad.errors import DataError, InputError, OptionError

DELIMITERS = (",", ";", "\t", "|")
SPOKEN = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}
MISSING_WORDS = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
LOOKED_AT = 50  # lines that decide about the delimiter
END = "\x00"  # a last line that no text holds; it is swallowed where a quotation mark stays open


@dataclass(frozen=True, eq=False)
class Text:
    """The text of a file, with the line at which each of its rows starts."""

    content: str
    delimiter: str

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row that is not blank after its first line, counted from 1; then END."""
        lines = chain(io.StringIO(self.content, newline=""), [END])
        reader, before = csv.reader(lines, delimiter=self.delimiter), 0
        for row in reader:
            if row:
                yield before + 1, row
            before = reader.line_num

    @cached_property
    def starts(self) -> list[int]:
        """The line at which each row starts, the header first."""
        try:
            return [line for line, row in self.rows() if row != [END]]
        except csv.Error:  # a field is too long for csv: take every line for a row
            lines = enumerate(io.StringIO(self.content, newline=""), 1)
            return [number for number, line in lines if line.strip()]

    @cached_property
    def open_quote(self) -> int | None:
        """The line of the row whose quotation mark is never closed; None if all are."""
        if self.content.count('"') % 2 == 0:  # spares a slow walk through a large file
            return None
        *_, (line, last) = self.rows()
        return None if last == [END] else line

    def place(self, row: int) -> Place:
        """Return the line of a row, counted from 0 below the header."""
        return {"what": "file_line", "row": self.starts[min(row + 1, len(self.starts) - 1)]}


def read_delimited(name: str, content: bytes, delimiter: str | None) -> Table:
    """Return the columns of a text table; what each value means is found out by its column.

    Raises:
        DataError: with what is wrong with the file as a whole.
        OptionError: the delimiter is not a single character.
    """
    text = _decoded(name, content)
    chosen = checked_delimiter(delimiter) or found_delimiter(text)
    source = Text(text, chosen)
    try:
        problems = _problems_of_quotes(source) or _problems_of_header(source)
        if problems:
            raise DataError(name, problems)
        table = _parsed(name, source)
    except csv.Error:  # a field of more than 131072 characters
        raise DataError(name, [InputError("error.data_long_field")]) from None
    if table.num_rows == 0:
        raise DataError(name, [InputError("error.data_no_rows")])
    return Table(name, columns_from_arrow(table), table.num_rows, source.place)


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
        raise OptionError("error.data_delimiter", came=repr(delimiter))
    return character


def found_delimiter(text: str) -> str:
    """Return the delimiter with which the first rows have equally many columns, and the most."""
    lines = list(islice(io.StringIO(text, newline=""), LOOKED_AT))
    return max(DELIMITERS, key=lambda delimiter: _evenness(lines, delimiter))


def _evenness(lines: list[str], delimiter: str) -> tuple[float, int]:
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return (0.0, 0)
    if not widths or widths[0] == 1:
        return (0.0, 0)
    return (widths.count(widths[0]) / len(widths), widths[0])


def _decoded(name: str, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(name, [InputError("error.data_utf16")])
    if b"\0" in content:
        raise DataError(name, [InputError("error.data_binary")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = InputError("error.data_not_utf8", what="file_line", row=line)
        raise DataError(name, [problem]) from None


def _problems_of_quotes(text: Text) -> list[InputError]:
    if text.open_quote is None:
        return []
    return [InputError("error.data_open_quote", what="file_line", row=text.open_quote)]


def _problems_of_header(text: Text) -> list[InputError]:
    names = [name.strip() for name in next(text.rows())[1]]
    if len(names) == 1:
        return _problems_of_one_column(names[0], text)
    if _looks_like_numbers(names):
        return [InputError("error.data_no_header", came=names[0])]
    return repeated_names([name for name in names if name])


def _problems_of_one_column(header: str, text: Text) -> list[InputError]:
    candidates = (*DELIMITERS, " ", ":")
    found = next((mark for mark in candidates if mark in header and mark != text.delimiter), None)
    values = {"delimiter": spoken(text.delimiter), "found": spoken(found or "")}
    key = "error.data_one_column_other" if found else "error.data_one_column"
    return [InputError(key, **values, header=header[:60])]


def spoken(delimiter: str) -> str:
    """Return a delimiter as it can be typed: ``tab`` and ``space`` by name."""
    return {"\t": "tab", " ": "space"}.get(delimiter, delimiter)


def _looks_like_numbers(names: list[str]) -> bool:
    """Say whether the first row is data: mostly numbers, other than the headers 0, 1, 2 …"""
    numbers = [float(name) for name in names if NUMBER.fullmatch(name)]
    counts_up = all(b - a == 1 for a, b in pairwise(numbers))
    is_numbered = counts_up and all(number.is_integer() for number in numbers)
    return len(numbers) * 2 >= len(names) and not (is_numbered and len(numbers) > 1)


def _parsed(name: str, text: Text) -> pa.Table:
    invalid = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        invalid.append(row)
        return "skip"

    content = text.content.encode()
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(use_threads=False, block_size=min(len(content) + 1, 2**31 - 1)),
            arrow_csv.ParseOptions(
                delimiter=text.delimiter, newlines_in_values=True, invalid_row_handler=skip
            ),
            arrow_csv.ConvertOptions(null_values=list(MISSING_WORDS), strings_can_be_null=True),
        )
    except (pa.ArrowException, OSError, MemoryError):
        key = "error.data_no_rows" if len(text.starts) == 1 else "error.data_damaged"
        raise DataError(name, [InputError(key, kind="CSV")]) from None
    if invalid:
        raise DataError(name, [_ragged(invalid, text)])
    names = [column.strip() or f"column{i}" for i, column in enumerate(table.column_names, 1)]
    problems = repeated_names(names)
    if problems:
        raise DataError(name, problems)
    return table.rename_columns(names)


def _ragged(invalid: list, text: Text) -> InputError:
    first = invalid[0]
    values = {"expected": first.expected_columns, "came": first.actual_columns}
    place = text.place((first.number or 2) - 2)  # Arrow counts from 1, the header too
    return InputError("error.data_ragged", **values, count=len(invalid), **place)
