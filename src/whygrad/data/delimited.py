"""Text tables: columns separated by commas, semicolons, tabs or bars."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

import numpy as np

from whygrad.data.columns import NUMBER, Place, name_problems, shortened
from whygrad.data.source import BLOCK, Source
from whygrad.errors import DataError, InputError, OptionError

DELIMITERS = (",", ";", "\t", "|")
SPOKEN = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}
LOOKED_AT = 50  # lines that decide about the delimiter
LOOKED_AT_MOST = 1 << 22  # letters of them
LONGEST_LINE = 1 << 26  # letters
END = "\x00"  # a last line that no text holds; it is swallowed where a quotation mark stays open


@dataclass(frozen=True, eq=False)
class Text:
    """A text file, with its delimiter and the line at which each of its rows starts."""

    source: Source
    delimiter: str

    @cached_property
    def header(self) -> tuple[int, list[str]]:
        """The line of the first row that is not blank, and its cells."""
        return next(iter(self.rows()))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row that is not blank after its first line, counted from 1; then END."""

        def lines(file: io.TextIOWrapper) -> Iterator[str]:
            for line in iter(lambda: file.readline(LONGEST_LINE), ""):
                if len(line) == LONGEST_LINE:  # it should not be held
                    raise csv.Error("a line without an end")
                yield line
            yield END

        with _opened(self.source) as file:
            reader, before = csv.reader(lines(file), delimiter=self.delimiter), 0
            for row in reader:
                if row:
                    yield before + 1, row
                before = reader.line_num

    @cached_property
    def starts(self) -> np.ndarray:
        """The line at which each row starts, the header first."""
        try:
            return np.fromiter((line for line, row in self.rows() if row != [END]), np.int64)
        except csv.Error:  # a field is too long for csv: take every line for a row
            with _opened(self.source) as file:
                numbered = enumerate(file, 1)
                return np.fromiter((line for line, text in numbered if text.strip()), np.int64)

    def open_quote(self) -> int | None:
        """Return the line of the row whose quotation mark is never closed; None if all are."""
        line, last = 1, [END]
        for line, last in self.rows():  # noqa: B007 - the last one counts
            pass
        return None if last == [END] else line

    def place(self, row: int) -> Place:
        """Return the line of a row, counted from 0 below the header."""
        return {"what": "file_line", "row": int(self.starts[min(row + 1, len(self.starts) - 1)])}


def opened_text(source: Source, delimiter: str | None, fewest: int = 2) -> tuple[Text, list[str]]:
    """Return a text table and the names of its columns, empty ones as ``column1`` …

    Args:
        fewest: columns that it may have.

    Raises:
        DataError: with what is wrong with the file as a whole.
        OptionError: the delimiter is not a single character.
    """
    requested = checked_delimiter(delimiter)
    quotes = _checked_bytes(source)
    if quotes % 2:  # spares a slow walk
        text = Text(source, requested or _found_delimiter(source))
        with _told_of_long_fields(source):
            open_quote = text.open_quote()
        if open_quote is not None:
            where = {"what": "file_line", "row": open_quote}
            raise DataError(source.name, [InputError("error.data_open_quote", **where)])
    return headed_text(source, delimiter, fewest)


def headed_text(source: Source, delimiter: str | None, fewest: int = 2) -> tuple[Text, list[str]]:
    """Return what :func:`opened_text` does, of a text of which only the beginning was looked at.

    Raises:
        DataError: with what is wrong with the header.
        OptionError: the delimiter is not a single character.
    """
    text = Text(source, checked_delimiter(delimiter) or _found_delimiter(source))
    with _told_of_long_fields(source):
        header = [name.strip() for name in text.header[1]]
    problems = _problems_of_one_column(header[0], text, fewest) if len(header) == 1 else []
    if not problems and _looks_like_numbers(header):
        problems = [InputError("error.data_no_header", actual=header[0])]
    names = [name or f"column{place}" for place, name in enumerate(header, 1)]
    problems = problems or name_problems(names)
    if problems:
        raise DataError(source.name, problems)
    return text, names


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


def _checked_bytes(source: Source) -> int:
    """Return how many quotation marks a file holds, once all of it is known to be UTF-8 text.

    Raises:
        DataError: it is something else, or nothing.
    """
    decoder, lines, quotes, is_blank = codecs.getincrementaldecoder("utf-8-sig")(), 1, 0, True
    with source.open() as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            is_utf16 = is_blank and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            if is_utf16 or b"\0" in block:
                key = "error.data_utf16" if is_utf16 else "error.data_binary"
                raise DataError(source.name, [InputError(key)])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                raise _not_utf8(source, lines + error.object.count(b"\n", 0, error.start)) from None
            lines += block.count(b"\n")
            quotes += block.count(b'"')
            is_blank = is_blank and not block.strip()
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _not_utf8(source, lines) from None
    if is_blank:
        raise DataError(source.name, [InputError("error.data_empty")])
    return quotes


def _not_utf8(source: Source, line: int) -> DataError:
    problem = InputError("error.data_not_utf8", what="file_line", row=line)
    return DataError(source.name, [problem])


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
