"""Tables of JSON lines: an object a line, whose names are columns and whose values are cells.

Every cell is read as the word that stands in the file, as it is in a text table, so that kinds are
found and changed by the same rules. A name that a line lacks is a missing cell.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from whygrad.data.columns import Place, name_problems
from whygrad.data.delimited import LONGEST_LINE, MISSING_WORDS, checked_bytes
from whygrad.data.source import Source
from whygrad.errors import DataError, InputError

ROWS = 16_384  # of a block
LETTERS = 1 << 22  # of a block, unless a single line is longer
FLAGS = {True: "true", False: "false"}
# numbers stay as they are written: no digit is lost, and no whole number is too long
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


class _Twice(Exception):
    """A name that stands in one object more than once."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


CHECKING = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=str, parse_int=str, parse_constant=str
)


@dataclass(frozen=True, eq=False)
class JsonLines:
    """A file of JSON lines, whose cells are read as words.

    Args:
        source: every line of it that is not blank is known to be an object.
        names: of all columns, in the order in which they come first.
    """

    source: Source
    names: tuple[str, ...]

    def place(self, row: int) -> Place:
        """Return the line of a row, counted from 0."""
        line, _ = next(islice(_lines(self.source, None), row, None))
        return {"what": "file_line", "row": line}

    def batches(self, wanted: Sequence[str], number: int | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows, a block at a time, every cell as a word; see :meth:`Text.batches`."""
        lines = _lines(self.source, number)
        while True:
            block, letters = [], 0
            for line, text in islice(lines, ROWS):
                block.append((line, _object(self.source, line, text)))
                letters += len(text)
                if letters > LETTERS:
                    break
            if not block:
                return
            yield pa.record_batch([self._words(name, block) for name in wanted], list(wanted))

    def _words(self, name: str, block: list[tuple[int, dict[str, object]]]) -> pa.Array:
        cells = [row.get(name) for _, row in block]
        try:
            words = pa.array(cells, pa.string())
        except (pa.ArrowException, UnicodeEncodeError):
            pairs = zip(block, cells, strict=True)
            words = pa.array([self._word(name, line, cell) for (line, _), cell in pairs])
        missing = pc.call_function("is_in", [words], pc.SetLookupOptions(pa.array(MISSING_WORDS)))
        return pc.call_function("if_else", [missing, pa.scalar(None, pa.string()), words])

    def _word(self, name: str, line: int, cell: object) -> str | None:
        """Return a cell as a word; half of a surrogate pair as its escape."""
        if isinstance(cell, dict | list):
            where = {"what": "file_line", "row": line}
            problem = InputError("error.data_json_nested", column=name, **where)
            raise DataError(self.source.name, [problem])
        if isinstance(cell, bool):
            return FLAGS[cell]
        return None if cell is None else str(cell).encode(errors="backslashreplace").decode()


def opened_json_lines(source: Source) -> JsonLines:
    """Return a file of JSON lines, every one of which was read.

    Raises:
        DataError: with what is wrong with the file as a whole.
    """
    checked_bytes(source)
    names: dict[str, None] = {}
    for line, text in _lines(source, None):
        names.update(dict.fromkeys(_object(source, line, text, CHECKING)))
    problems = name_problems(list(names))
    if problems or not names:
        raise DataError(source.name, problems or [InputError("error.data_no_rows")])
    return JsonLines(source, tuple(names))


def _lines(source: Source, number: int | None) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank after its number, counted from 1."""
    with io.TextIOWrapper(source.open(number), encoding="utf-8-sig", newline="\n") as file:
        lines = iter(lambda: file.readline(LONGEST_LINE), "")
        for number_of_line, text in enumerate(lines, 1):
            if not text.isspace():
                yield number_of_line, text


def _object(
    source: Source, line: int, text: str, decoder: json.JSONDecoder = DECODER
) -> dict[str, object]:
    try:
        found = decoder.decode(text) if len(text) < LONGEST_LINE else None
    except _Twice as error:
        values = {"name": str(error), "what": "file_line", "row": line}
        raise DataError(source.name, [InputError("error.data_json_twice", **values)]) from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        problem = InputError("error.data_json_line", what="file_line", row=line)
        raise DataError(source.name, [problem])
    return found
