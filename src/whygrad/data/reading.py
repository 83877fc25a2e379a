"""Files of words read in two passes, block by block, so that little more than the numbers is held.

The first pass finds out what kind each column is and how many rows there are, the second fills
columns of exactly that size. Both see every cell as text and change it with the same rules, so that
what the first pass found can be relied on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from whygrad.data.arrow import bounds, fillings
from whygrad.data.columns import Table, unread_column
from whygrad.data.delimited import Text, opened_text
from whygrad.data.forms import FORMS, chosen_form, kind_of_form, possible_forms, values_of
from whygrad.data.json_lines import JsonLines, opened_json_lines
from whygrad.data.source import JSON_LINES, Skip, Source
from whygrad.errors import DataError, InputError

BITS = "bits"  # whole numbers, all of them 0 or 1: they may yet turn out to be booleans
JOINED = {  # kinds of two blocks of one column -> its kind; all others are text
    frozenset({BITS, "integer"}): "integer",
    frozenset({BITS, "number"}): "number",
    frozenset({"integer", "number"}): "number",
    frozenset({BITS, "boolean"}): "boolean",
}


Cells = Text | JsonLines  # files whose every cell is a word


def opened_cells(source: Source, suffix: str, delimiter: str | None, fewest: int = 2) -> Cells:
    """Return a text table or a file of JSON lines.

    Args:
        suffix: the ending that tells which.
        delimiter: what separates the columns of a text table; None finds it out.
        fewest: columns that a text table may have.

    Raises:
        DataError: with what is wrong with the file as a whole.
        OptionError: the delimiter is not a single character.
    """
    is_json = suffix in JSON_LINES
    return opened_json_lines(source) if is_json else opened_text(source, delimiter, fewest)


def read_cells(cells: Cells, skip: Skip, as_words: Skip = lambda names: ()) -> Table:
    """Return all columns of a file whose every cell is a word.

    Args:
        skip: which columns are not wanted; they come back unread.
        as_words: which columns stay words, whatever these look like.

    Raises:
        DataError: with what is wrong with the file as a whole.
        TooLargeError: the table does not fit into memory.
    """
    source, names = cells.source, cells.names
    skipped = set(skip(names))
    wanted = [name for name in names if name not in skipped]
    found = survey(cells, wanted, as_words(names))
    pa.default_memory_pool().release_unused()
    filled = fillings(source.name, found.kinds, found.rows, found.forms)
    try:
        for batch in cells.batches(wanted, 1):
            for filling, words in zip(filled, batch.columns, strict=True):
                filling.add(converted(words, filling.kind, filling.form))
        columns = {filling.name: filling.column() for filling in filled}
    except (IndexError, pa.ArrowException):  # the first pass saw something else
        raise DataError(source.name, [InputError("error.data_changed")]) from None
    pa.default_memory_pool().release_unused()
    ordered = tuple(columns.get(name) or unread_column(name) for name in names)
    return Table(source.name, ordered, found.rows, cells.place)


@dataclass(frozen=True)
class Survey:
    """What a look at all cells finds out.

    Args:
        kinds: of the columns, by name.
        forms: of those columns whose words are read in a form of their own.
    """

    kinds: dict[str, str]
    forms: dict[str, str]
    rows: int


def survey(cells: Cells, wanted: Sequence[str], as_words: Collection[str] = ()) -> Survey:
    """Return the kinds of the wanted columns, and how many rows there are.

    Args:
        as_words: those that are text, whatever their words look like.

    Raises:
        DataError: there are no rows, or what is wrong with the file as a whole.
    """
    kinds = {name: "text" if name in as_words else "empty" for name in wanted}
    rows = 0
    for batch in cells.batches(wanted, 0):
        rows += batch.num_rows
        for name, words in zip(wanted, batch.columns, strict=True):
            kinds[name] = joined(kinds[name], words)
    if rows == 0:
        raise DataError(cells.source.name, [InputError("error.data_no_rows")])
    kinds = {name: "integer" if kind == BITS else kind for name, kind in kinds.items()}
    texts = [name for name, kind in kinds.items() if kind == "text" and name not in as_words]
    forms = _forms(cells, texts)
    return Survey(kinds | {name: kind_of_form(form) for name, form in forms.items()}, forms, rows)


def _forms(cells: Cells, texts: Sequence[str]) -> dict[str, str]:
    """Return the forms in which columns of text turn out to be numbers or dates."""
    possible = dict.fromkeys(texts, FORMS)
    for batch in cells.batches(texts) if texts else ():
        for name, words in zip(texts, batch.columns, strict=True):
            if possible[name]:
                possible[name] = possible_forms(_trimmed(words), possible[name])
        if not any(possible.values()):  # soon, where all are words
            break
    is_decimal = isinstance(cells, Text) and cells.delimiter == ";"  # else it would be a comma
    found = {n: chosen_form(some, comma_is_decimal=is_decimal) for n, some in possible.items()}
    return {name: form for name, form in found.items() if form is not None}


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
    return "boolean" if _is_readable(words, pa.bool_()) else "text"


def fits(kind: str, cells: pa.Array) -> bool:
    """Return whether a block that was read as values of a kind is of that kind."""
    if kind == BITS:
        return {*bounds(cells)} <= {0, 1}
    return kind != "empty" or cells.null_count == len(cells)


def _is_readable(words: pa.Array, kind: pa.DataType) -> bool:
    try:
        words.cast(kind)
    except pa.ArrowException:
        return False
    return True


def converted(words: pa.Array, kind: str, form: str = "") -> pa.Array:
    """Return the words of a block as values of the kind that the whole column has.

    Args:
        form: how they are read, where they are no plain numbers.

    Raises:
        pyarrow.ArrowException: they are none.
    """
    if kind in ("text", "empty"):
        return words
    trimmed = _trimmed(words)
    if form:
        values = pa.array(values_of(trimmed, form), from_pandas=True)
        if values.null_count > words.null_count:
            raise pa.ArrowInvalid(form)
        return values
    try:
        return trimmed.cast({"number": pa.float64(), "boolean": pa.bool_()}.get(kind, pa.int64()))
    except pa.ArrowException:  # 0x1F is a whole number to Arrow, and no other number
        return trimmed.cast(pa.int64())


def _trimmed(words: pa.Array) -> pa.Array:
    return pc.call_function("ascii_trim", [words], pc.TrimOptions(" \t"))
