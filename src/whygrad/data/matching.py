"""New rows beside those of training: columns found by name, and what stands in for odd cells.

    a missing number or date    the median of the training part
    a word that is neither      the same; where nothing but such words comes, it is an error
    a category never seen       that of rare words; 0 in every input of a column without one

All of that is counted, with the first rows where it is.
"""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from inspect import currentframe
from typing import TYPE_CHECKING

import numpy as np

from whygrad.data.categories import MISSING, RARE
from whygrad.data.columns import (
    NUMBER,
    SHOWN,
    Column,
    Place,
    Table,
    coded_column,
    is_unicode,
    listed,
    row_place,
    shortened,
)
from whygrad.data.notes import Note
from whygrad.errors import InputError, RunWarning
from whygrad.words.visible import lines

if TYPE_CHECKING:
    from whygrad.data.encoder import Encoder

FLAGS = {"true": 1.0, "false": 0.0}  # words of a column of booleans
# forms in which plain numbers may come: where 1.234 is 1234, a block of such words is misread
SAFE = ("comma", "grouped_point")
# form of a column of dates -> those in which its cells may come, if it cannot read all of them
OTHERS = {"dmy": ("mdy",), "mdy": ("dmy",)} | dict.fromkeys(("ymd", "named"), ("dmy", "mdy"))
PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.IGNORECASE)
SHOWN_ROWS = 3  # at most so many rows stand in a sentence
RowPlace = Callable[[int], Place]  # row counted from 0 -> where a user finds it


@dataclass(frozen=True)
class Rule:
    """How one raw column becomes inputs.

    Args:
        categories: those that are known; none for numbers and dates.
        form: how words of it are read as numbers or dates; ``""`` as plain numbers.
        parts: of dates, those that are inputs.
    """

    column: str
    categories: tuple[str, ...] = ()
    form: str = ""
    parts: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether its one input is the column itself."""
        return not (self.categories or self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """Of its inputs: ``column``, ``column=category`` or ``column.part``."""
        of_categories = tuple(f"{self.column}={known}" for known in self.categories)
        return of_categories or tuple(f"{self.column}.{p}" for p in self.parts) or (self.column,)

    @property
    def columns_apart(self) -> tuple[str, ...]:
        """The column, or one for each part of a date."""
        return self.names if self.parts else (self.column,)

    @property
    def kind(self) -> str:
        """Of the raw column, as :meth:`whygrad.data.blocks.TableFile.blocks` takes it."""
        return "number" if self.is_number and not self.form else "text"


@dataclass
class Odd:
    """Cells of one column that are not as in training.

    Args:
        rows: where the first of them are: number of the block and row in it.
        words: what the first different ones hold.
    """

    count: int = 0
    rows: list[tuple[int, int]] = field(default_factory=list)
    words: dict[str, None] = field(default_factory=dict)


class Substitutions:
    """What stood in for cells of new rows that are not as in training, block by block."""

    def __init__(self) -> None:
        self.odd: dict[tuple[str, str], Odd] = {}  # by kind and column
        self.read: set[str] = set()  # columns of which some cell could be read
        self.forms: dict[str, str] = {}  # in which columns came, other than that of training
        self.places: list[RowPlace] = []  # of the rows of each block

    def begin(self, place: RowPlace) -> None:
        """Count what comes now as another block."""
        self.places.append(place)

    def add(self, kind: str, column: str, are_odd: np.ndarray, words: Sequence[str] = ()) -> None:
        """Count the odd cells of a column of the block.

        Args:
            kind: ``missing``, ``unreadable``, ``unknown``, ``rare`` or ``no_category``.
            are_odd: which cells they are, shape (m,), bool.
            words: what they hold, each once.
        """
        rows = np.flatnonzero(are_odd)
        if not len(rows):
            return
        odd, block = self.odd.setdefault((kind, column), Odd()), len(self.places) - 1
        odd.count += len(rows)
        odd.rows += [(block, int(row)) for row in rows[: SHOWN_ROWS - len(odd.rows)]]
        odd.words.update(dict.fromkeys(words[: SHOWN + 1 - len(odd.words)]))

    def notes(self, encoder: Encoder) -> tuple[Note, ...]:
        """Return what was found: a sentence for each kind and column."""
        return (*self._forms(encoder), *self._told(encoder, list(self.odd)))

    def warn(self, encoder: Encoder) -> None:
        """Warn of what training never met; a column that it filled, or a rare word, is no news."""
        met = {
            rule.column
            for rule, fill in zip(encoder.rules, encoder.of_rules(encoder.fill), strict=True)
            if not np.isnan(fill[0])
        }
        known = {("missing", column) for column in met}
        news = [key for key in self.odd if key[0] != "rare" and key not in known]
        told = (*self._forms(encoder), *self._told(encoder, news))
        if told:
            warnings.warn(lines(told), RunWarning, stacklevel=_of_the_caller())

    def _forms(self, encoder: Encoder) -> tuple[Note, ...]:
        names = {rule.column: ", ".join(rule.names) for rule in encoder.rules}
        return tuple(
            Note(f"note.data_form_{form}", {"column": name, "names": names[name]})
            for name, form in self.forms.items()
        )

    def told(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, object]]:
        """Return what a sentence says of odd cells: how many, where, and what they hold.

        Args:
            keys: kind and column.
        """
        found = [key for key in keys if key in self.odd]
        rows = sorted({row for key in found for row in self.odd[key].rows})
        places = {(block, row): self.places[block](row) for block, row in rows}  # walks a file once
        return {key: _values_of(key[1], self.odd[key], places) for key in found}

    def _told(self, encoder: Encoder, keys: Sequence[tuple[str, str]]) -> tuple[Note, ...]:
        rules = zip(encoder.rules, encoder.of_rules(encoder.stand_in), strict=True)
        fills = {rule.column: fill for rule, fill in rules}
        lacks_medians = encoder.median is None
        return tuple(
            _note(kind, values, fills[column], lacks_medians)
            for (kind, column), values in self.told(keys).items()
        )


def _values_of(column: str, odd: Odd, found: Mapping[tuple[int, int], Place]) -> dict[str, object]:
    places = [found[row] for row in odd.rows]
    rows = ", ".join(str(place["row"]) for place in places)
    more = ", …" if odd.count > len(places) else ""
    values: dict[str, object] = {"column": column, "count": odd.count, "what": places[0]["what"]}
    return values | {"row": rows + more, "names": listed(list(odd.words))}


def _note(kind: str, values: dict[str, object], fill: np.ndarray, lacks_medians: bool) -> Note:
    if kind not in ("missing", "unreadable"):
        return Note(f"note.encode_{kind}", values)
    if len(fill) > 1:
        return Note(f"note.encode_{kind}_date", values)
    by_origin = "_origin" if lacks_medians and kind == "missing" else ""
    return Note(f"note.encode_{kind}{by_origin}", values | {"fill": float(fill[0])})


def _of_the_caller() -> int:
    """Return which frame above is the first that is not ours, counted from 1, who asks."""
    level, frame = 0, currentframe()
    while frame is not None and frame.f_globals["__name__"].partition(".")[0] == "whygrad":
        level, frame = level + 1, frame.f_back
    return level


def as_trained(encoder: Encoder, table: Table, told: Substitutions) -> tuple[Column, ...]:
    """Return the columns of a table that the encoder knows, each of the kind that it had.

    Args:
        told: takes in the cells that are not as in training.

    Raises:
        InputError: a column is missing, or is of another kind.
    """
    told.begin(table.place)
    actual = {column.name: column for column in table.columns}
    require_columns(encoder.columns, tuple(actual))
    return tuple(_matched(rule, actual[rule.column], table.place, told) for rule in encoder.rules)


def require_columns(needed: Sequence[str], known: Sequence[str]) -> None:
    """Check that a table has all columns that are needed.

    Raises:
        InputError: it lacks some; those with the nearest names are told.
    """
    absent = [name for name in needed if name not in set(known)]
    if not absent:
        return
    spare = [name for name in known if name not in set(needed)]
    near = dict.fromkeys(one for name in absent for one in _nearest(name, spare))
    values = {"missing": listed(absent), "known": listed(known)}
    if near:
        raise InputError("error.data_encode_missing_column_near", **values, near=listed(list(near)))
    raise InputError("error.data_encode_missing_column", **values)


def _nearest(name: str, spare: Sequence[str]) -> list[str]:
    alike = [one for one in spare if one.casefold() == name.casefold()]
    return alike[:1] or get_close_matches(name, spare, n=1)


def _matched(rule: Rule, column: Column, place: RowPlace, told: Substitutions) -> Column:
    is_date = column.kind == "date"
    if not (column.is_numeric or is_date or column.kind in ("text", "empty")):
        raise InputError("error.data_column_kind", column=column.name, kind=column.kind)
    if rule.categories:
        return _with_categories(rule, column.as_text(), told)
    told.add("missing", rule.column, column.missing)
    if column.kind == "text":
        return _read(rule, column, place, told)
    if column.kind != "empty" and is_date != bool(rule.parts):
        row = int(np.flatnonzero(~column.missing)[0])
        raise _of_another_kind(rule, str(column.words()[row]), place(row))
    if not column.missing.all():
        told.read.add(rule.column)
    return column


def _with_categories(rule: Rule, column: Column, told: Substitutions) -> Column:
    if MISSING not in rule.categories:
        told.add("no_category", rule.column, column.missing)
    if column.kind == "text":
        words = as_known(column.known, rule.categories)
        if tuple(words) != column.known:
            column = coded_column(column.name, column.values, words)
        known = set(rule.categories)
        are_strange = np.array([word not in known for word in column.known])
        strange = [word for word in column.known if word not in known]
        kind = "rare" if RARE in known else "unknown"
        told.add(kind, rule.column, column.holds(are_strange), strange)
    return column


def as_known(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return words as they are known, where another program writes numbers and flags otherwise.

    1.0 for 1, 7 for 007, True for true: if one word alone that is known may be meant. Others stay.
    """
    exactly, by_value = set(known), defaultdict(list)
    if exactly.issuperset(words):
        return list(words)
    for word in known:
        by_value[_value(word)].append(word)
    meant = ([word] if word in exactly else by_value[_value(word)] for word in words)
    return [some[0] if len(some) == 1 else word for word, some in zip(words, meant, strict=True)]


def _value(word: str) -> str | Decimal:
    """Return a number as one, a flag in small letters, and any other word as it is."""
    if PLAIN.fullmatch(word):
        return Decimal(word)
    return word.lower() if word.lower() in FLAGS else word


def _read(rule: Rule, column: Column, place: RowPlace, told: Substitutions) -> Column:
    """Return a column of words as the numbers or dates that they stand for."""
    values = _values(rule, column.known, told)
    are_odd = np.isnan(values)
    unreadable = column.holds(are_odd)
    if are_odd.all() and rule.column not in told.read:
        row = int(np.flatnonzero(unreadable)[0])
        raise _of_another_kind(rule, column.known[column.values[row]], place(row))
    words = [word for word, is_odd in zip(column.known, are_odd, strict=True) if is_odd]
    told.add("unreadable", rule.column, unreadable, words)
    if not are_odd.all():
        told.read.add(rule.column)
    kind = "date" if rule.parts else "number"
    return Column(rule.column, kind, np.append(values, np.nan)[column.values], form=rule.form)


def _values(rule: Rule, words: Sequence[str], told: Substitutions) -> np.ndarray:
    """Return what each word stands for; NaN where it stands for nothing.

    What had a form of its own may come back as a program writes it, and plain numbers in a form.
    """
    form = told.forms.get(rule.column, rule.form)
    plain = np.array([np.nan if rule.parts else _number(word) for word in words])
    if not form and not np.isnan(plain).any():
        return plain
    import pyarrow as pa

    from whygrad.data.forms import chosen_form, possible_forms, values_of

    given = pa.array([word if is_unicode(word) else None for word in words], pa.string())
    if rule.parts and rule.form != "time":  # these have one reading whatever the column's form
        plain = np.fmax(values_of(given, "ymd"), values_of(given, "named"))
    among = SAFE if not form else OTHERS.get(form, ())
    found = values_of(given, form) if form else plain
    if among and np.isnan(found).any() and rule.column not in told.read:
        other = chosen_form(possible_forms(given, among))  # the first cells that come decide
        if other is not None:
            told.forms[rule.column] = other
            found = values_of(given, other)
    return np.where(np.isnan(found), plain, found)


def _number(word: str) -> float:
    return float(word) if NUMBER.fullmatch(word) else FLAGS.get(word.lower(), np.nan)


def _of_another_kind(rule: Rule, actual: str, place: Place) -> InputError:
    key = "error.data_encode_date" if rule.parts else "error.data_encode_text"
    return InputError(key, column=rule.column, actual=shortened(actual), **place)


def missing_of_array(encoder: Encoder, array: np.ndarray, told: Substitutions) -> None:
    """Count the missing numbers of rows that are an array, shape (m, columns)."""
    told.begin(row_place)
    if array.dtype.kind == "f":
        for column, values in zip(encoder.columns, array.T, strict=True):
            told.add("missing", column, np.isnan(values))
