"""Raw columns as a user has them, before they become numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from whygrad.data.dates import seconds_of_numpy, word_of
from whygrad.errors import InputError

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf(inity)?", re.I)
NUMERIC = ("number", "integer", "boolean")
EXACT = 2**53  # up to here float64 holds every whole number
MOST_COLUMNS = 100_000
SHOWN = 6  # at most so many names stand in a sentence
LONGEST = 60  # letters of a name or value in a sentence
Place = dict[str, object]


def row_place(index: int) -> Place:
    """Return where a sample of an array stands: its row, counted from 0."""
    return {"what": "row_from_0", "row": int(index)}


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Args:
        kind: ``number``, ``integer``, ``boolean``, ``text``, ``date``, ``empty`` (all missing),
            ``mixed``, ``unread``, or the name of a type that cannot be used.
        values: float64 with NaN where a number is missing; of dates the seconds since 1970, or
            since midnight; for text the place of each value in ``known``, int32, -1 where it is
            missing; an empty array for kinds that cannot be used.
        known: the words that a text column holds, each once, in the order of their letters.
        is_exact: False for whole numbers that float64 had to round.
        form: how words of it are read as numbers or dates, see :mod:`whygrad.data.forms`;
            ``""`` as plain numbers, or not at all.
        is_categorical: whether its words stay words, whatever they look like.
    """

    name: str
    kind: str
    values: np.ndarray
    known: tuple[str, ...] = ()
    is_exact: bool = True
    form: str = ""
    is_categorical: bool = False

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC

    @property
    def missing(self) -> np.ndarray:
        """Which values are missing, shape (m,), bool."""
        return self.values < 0 if self.kind == "text" else np.isnan(self.values)

    @property
    def counts(self) -> np.ndarray:
        """How often each known word occurs, shape (known,)."""
        return np.bincount(self.values + 1, minlength=len(self.known) + 1)[1:]

    def counts_in(self, rows: np.ndarray) -> dict[str, int]:
        """Return how often each word that occurs in some rows of text does so."""
        counts = np.bincount(self.values[rows] + 1, minlength=len(self.known) + 1)[1:]
        named = zip(self.known, counts.tolist(), strict=True)
        return {word: count for word, count in named if count}

    @property
    def counts_rows(self) -> bool:
        """Whether this looks like row numbers: whole numbers, each one more than the last."""
        if self.kind != "integer" or len(self.values) <= 10 or not np.isfinite(self.values[0]):
            return False
        return np.array_equal(self.values, self.values[0] + np.arange(len(self.values)))

    def count(self, are_meant: np.ndarray) -> int:
        """Return how many values are meant.

        Args:
            are_meant: shape (m,), bool.
        """
        return int(are_meant.sum())

    def as_text(self) -> Column:
        """Return the same column with its values as words; a column of text as it is."""
        if self.kind == "text":
            return self

        def word(value: float) -> str | None:
            if np.isnan(value):
                return None
            if self.kind == "boolean":
                return "true" if value else "false"
            if self.kind == "date":
                return word_of(value, self.form)
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)

        return text_column(self.name, [word(value) for value in self.values.tolist()])

    def as_categories(self) -> Column:
        """Return the same column as words that stay words, such as numbers that are codes."""
        return replace(self.as_text(), is_categorical=True)

    def words(self) -> np.ndarray:
        """Return the values as text, missing ones as None; shape (m,), object."""
        column = self.as_text()
        if column.kind != "text":  # all are missing
            return np.full(len(self.values), None)
        return np.array([*column.known, None], object)[column.values]

    def take(self, rows: np.ndarray) -> Column:
        """Return the same column with only these rows, ascending; itself where these are all."""
        if len(rows) == len(self.values):
            return self
        if self.kind != "text":
            return replace(self, values=self.values[rows])
        taken = coded_column(self.name, self.values[rows], self.known)
        return replace(taken, is_categorical=self.is_categorical)

    def holds(self, are_meant: np.ndarray) -> np.ndarray:
        """Return which values are one of the known words that are meant.

        Args:
            are_meant: shape (known,), bool.
        """
        return np.append(are_meant, False)[self.values]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length.

    Args:
        place: row index, counted from 0 -> where a user finds it (file line, or row).
    """

    name: str
    columns: tuple[Column, ...]
    rows: int
    place: Callable[[int], Place] = row_place

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def are_exact(values: np.ndarray) -> bool:
    """Say whether float64 holds all of these numbers as they are, if they are whole numbers."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return True
    return -EXACT <= int(values.min()) and int(values.max()) <= EXACT


def column_from_array(name: str, array: object) -> Column:
    """Return a one-dimensional array or list as a column.

    Raises:
        InputError: it holds neither numbers, nor booleans, nor text; or is not one-dimensional.
    """
    values = np.asarray(array)
    if values.ndim != 1:
        raise InputError("error.data_column_ndim", column=name, actual=values.shape)
    if values.dtype.kind in "biuf":
        kind = {"b": "boolean", "f": "number"}.get(values.dtype.kind, "integer")
        with np.errstate(over="ignore"):  # a long double becomes infinite, which is named later
            return Column(name, kind, values.astype(np.float64), is_exact=are_exact(values))
    if values.dtype.kind in "OUST":
        return _column_from_objects(name, list(values.tolist()))
    if values.dtype.kind == "M":
        return Column(name, "date", seconds_of_numpy(values), form="ymd")
    return Column(name, values.dtype.name, np.empty(0))


def _column_from_objects(name: str, values: list[object]) -> Column:
    values = [None if _is_missing(value) else value for value in values]
    present = [value for value in values if value is not None]
    if not present:
        return Column(name, "empty", np.full(len(values), np.nan))
    if all(isinstance(value, str) for value in present):
        return text_column(name, values)  # type: ignore[arg-type]
    if all(isinstance(value, bool | int | float | np.number | np.bool_) for value in present):
        kinds = {np.asarray(value).dtype.kind for value in present}
        if "c" in kinds or "O" in kinds:
            return Column(name, "mixed", np.empty(0))
        kind = "boolean" if kinds == {"b"} else "integer" if kinds <= set("iu") else "number"
        is_exact = kind != "integer" or all(-EXACT <= int(value) <= EXACT for value in present)  # type: ignore[call-overload]
        numbers = [np.nan if value is None else float(value) for value in values]  # type: ignore[arg-type]
        return Column(name, kind, np.array(numbers), is_exact=is_exact)
    if all(hasattr(value, "isoformat") for value in present):
        words = [None if value is None else str(value) for value in values]
        return settled(text_column(name, words))
    return Column(name, "mixed", np.empty(0))


def _is_missing(value: object) -> bool:
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def text_column(name: str, values: Sequence[str | None]) -> Column:
    """Return text as a column: without surrounding spaces, empty text as missing."""
    place: dict[str, int] = {}
    codes = [-1 if value is None else place.setdefault(value, len(place)) for value in values]
    return coded_column(name, np.array(codes, np.int32), list(place))


def coded_column(name: str, codes: np.ndarray, words: Sequence[str]) -> Column:
    """Return text as a column, like :func:`text_column`.

    Args:
        codes: the place of each value in ``words``, -1 where it is missing; shape (m,), integers.
        words: each once, in any order; some may not occur.
    """
    occurs = np.bincount(codes.astype(np.int64) + 1, minlength=len(words) + 1)[1:] > 0
    stripped = [word.strip() if used else "" for word, used in zip(words, occurs, strict=True)]
    known = sorted(set(stripped) - {""})
    if not known:
        return Column(name, "empty", np.full(len(codes), np.nan))
    place = {word: index for index, word in enumerate(known)}
    lookup = np.array([*(place.get(word, -1) for word in stripped), -1], np.int32)
    return Column(name, "text", lookup[codes], tuple(known))


def unread_column(name: str) -> Column:
    """Return a column that is there and was not wanted."""
    return Column(name, "unread", np.empty(0))


def settled(column: Column) -> Column:
    """Return a column of text as numbers or dates where every word of it is one, else unchanged."""
    if column.kind != "text" or column.is_categorical:
        return column
    if all(NUMBER.fullmatch(word) for word in column.known):
        numbers = np.array([*(float(word) for word in column.known), np.nan])
        return Column(column.name, "number", numbers[column.values])
    if not all(map(is_unicode, column.known)):
        return column
    import pyarrow as pa

    from whygrad.data.forms import chosen_form, kind_of_form, possible_forms, values_of

    words = pa.array(column.known)
    form = chosen_form(possible_forms(words))
    if form is None:
        return column
    values = np.append(values_of(words, form), np.nan)[column.values]
    return Column(column.name, kind_of_form(form), values, form=form)


def name_problems(names: Sequence[str]) -> list[InputError]:
    """Return what is wrong with the names of columns; at most one problem."""
    if len(names) > MOST_COLUMNS:
        return [InputError("error.data_too_many_columns", actual=len(names), most=MOST_COLUMNS)]
    wrong = [name for name in names if not is_unicode(name)]
    if wrong:
        return [InputError("error.data_name_not_unicode", names=listed([ascii(n) for n in wrong]))]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    return [InputError("error.data_duplicate_columns", names=listed(repeated))] if repeated else []


def is_unicode(text: str) -> bool:
    """Say whether a text can be written: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shortened(text: str) -> str:
    """Return the beginning of a long text, with an ellipsis."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def listed(names: Sequence[str], most: int = SHOWN) -> str:
    """Return the first names, separated by commas, and an ellipsis where there are more."""
    return ", ".join(map(shortened, names[:most])) + (", …" if len(names) > most else "")


def is_frame(raw: object) -> bool:
    """Say whether this is a DataFrame or an Arrow table, without importing either library."""
    return hasattr(raw, "__arrow_c_stream__") and hasattr(raw, "columns")


def is_dataset(raw: object) -> bool:
    """Say whether this is an Arrow dataset, without importing Arrow."""
    return hasattr(raw, "get_fragments") and hasattr(raw, "schema")


def frame_names(frame: object) -> list[str]:
    """Return the names of the columns of a DataFrame or Arrow table."""
    names = getattr(frame, "column_names", None)
    return [str(name) for name in (frame.columns if names is None else names)]  # type: ignore[attr-defined]


def table_from_mapping(mapping: Mapping[str, object], name: str) -> Table:
    """Return a dict of columns as a table.

    Raises:
        InputError: the columns differ in length.
    """
    columns = tuple(column_from_array(str(key), value) for key, value in mapping.items())
    lengths = {str(key): len(np.asarray(value)) for key, value in mapping.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key}: {length}" for key, length in lengths.items())
        raise InputError("error.data_column_lengths", actual=listed)
    return Table(name, columns, next(iter(lengths.values()), 0))
