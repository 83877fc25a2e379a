"""What is wrong with a single column of a table: one rule a problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from whygrad.data.categories import MANY, MISSING, are_mostly_rare
from whygrad.data.columns import NUMBER, Column, Place, is_unicode, listed, shortened
from whygrad.data.notes import Note
from whygrad.errors import InputError, unknown_name
from whygrad.settings import LARGEST

KNOWN = ("number", "integer", "boolean", "text", "date", "empty", "mixed")
LOOKED_AT = 1000  # words of a column, before all of them are
COMMA = re.compile(r"[+-]?[0-9][0-9.' ]*,[0-9]+|[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
DATE = re.compile(
    r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{1,4}([ T][0-9:.]+.*)?|[0-9]{1,2}(:[0-9]{2})+"
)


def problems_of(
    column: Column, place: Callable[[int], Place], *, is_target: bool = False
) -> list[InputError]:
    """Return what is wrong with a column; at most one problem, the first that explains it.

    Args:
        place: row -> where a user finds it.
        is_target: then many different words are no problem of the column; the task decides.
    """
    if column.kind == "mixed" or column.kind not in KNOWN:
        key = "error.data_mixed_column" if column.kind == "mixed" else "error.data_column_kind"
        return [InputError(key, column=column.name, kind=column.kind)]
    if column.kind == "date":
        return [InputError("error.data_date_target", column=column.name)] if is_target else []
    if column.is_numeric:
        infinite, large = np.isinf(column.values), np.abs(column.values) > LARGEST
        found = {"error.data_infinite": infinite, "error.data_too_large": large}
        return [_at(key, column, wrong, place) for key, wrong in found.items() if wrong.any()][:1]
    if column.kind == "empty":
        return []
    problems = not_unicode(column, place)
    if not column.is_categorical:
        problems = problems or _mostly_dates(column, place) or _mostly_numbers(column, place)
    if problems or is_target:
        return problems
    counts = column.counts
    count, rows = len(counts), int(counts.sum())
    all_differ = count == rows and rows >= 10
    if not (all_differ or are_mostly_rare(counts)):
        return []
    values = {"column": column.name, "count": count, "rows": rows}
    return [InputError("error.data_too_many_categories", **values)]


def notes_of(column: Column) -> tuple[Note, ...]:
    """Return what is worth knowing about a column of inputs that can be used."""
    if column.kind == "text" and not column.is_categorical and _matching(column, NUMBER).any():
        values = {"column": column.name, "names": listed(column.known)}
        return (Note("note.data_numbers_as_categories", values),)
    if column.kind == "text" and column.missing.any():
        count = column.count(column.missing)
        values = {"column": column.name, "count": count, "name": f"{column.name}={MISSING}"}
        return (Note("note.data_missing_category", values),)
    if column.is_numeric and column.form:
        return (Note(f"note.data_form_{column.form}", {"column": column.name}),)
    if not column.is_exact:
        return (Note("note.data_not_exact", {"column": column.name}),)
    if column.counts_rows:
        return (Note("note.data_row_numbers", {"column": column.name}),)
    return ()


def _mostly_dates(column: Column, place: Callable[[int], Place]) -> list[InputError]:
    """Return the problem of a column of dates that are not read as such."""
    are_dates = _mostly_read(column, "date")
    if are_dates is not None and not are_dates.all():
        return [_at("error.data_text_in_dates", column, ~are_dates, place)]
    if are_dates is None and not _matching(column, DATE).all():
        return []
    in_two_ways = np.ones(len(column.known), bool)
    return [_at("error.data_date_column", column, in_two_ways, place)]


def _mostly_numbers(column: Column, place: Callable[[int], Place]) -> list[InputError]:
    """Return the problem of a column of numbers with words in it.

    Words that come again and again beside few different numbers (such as 0, 1, 2, 3+) are
    categories, and no problem.
    """
    plain, are_commas = _matching(column, NUMBER), _matching(column, COMMA)
    if are_commas.any() and (plain | are_commas).all():
        return [_at("error.data_decimal_comma", column, are_commas, place)]
    counts, present = column.counts, column.counts.sum()
    are_numbers = plain if counts[plain].sum() * 2 >= present else None
    are_numbers = _mostly_read(column, "number") if are_numbers is None else are_numbers
    if are_numbers is None or not are_numbers.any() or are_numbers.all():
        return []
    distinct = len(column.known)
    if counts[~are_numbers].min() > 1 and distinct * 5 <= present and distinct <= MANY:
        return []
    return [_at("error.data_text_in_numbers", column, ~are_numbers, place)]


def _mostly_read(column: Column, kind: str) -> np.ndarray | None:
    """Return which known words the form reads that reads the most values; None if under half.

    Args:
        kind: of the forms that are tried, ``number`` or ``date``.
    """
    import pyarrow as pa

    from whygrad.data.forms import FORMS, kind_of_form, values_of

    forms = [form for form in FORMS if kind_of_form(form) == kind]
    some = column.known[:: max(1, len(column.known) // LOOKED_AT)]  # free text has very many
    if not any((~np.isnan(values_of(pa.array(some), form))).any() for form in forms):
        return None
    counts, words = column.counts, pa.array(column.known)
    read = [~np.isnan(values_of(words, form)) for form in forms]
    most = max(read, key=lambda are_read: counts[are_read].sum())
    return most if counts[most].sum() * 2 >= counts.sum() else None


def _matching(column: Column, pattern: re.Pattern[str]) -> np.ndarray:
    """Return which of the known words are of this form, shape (known,)."""
    return np.array([bool(pattern.fullmatch(word)) for word in column.known], bool)


def not_unicode(column: Column, place: Callable[[int], Place]) -> list[InputError]:
    """Return the problem of words that cannot be written, if there are any."""
    wrong = np.array([not is_unicode(word) for word in column.known], bool)
    return [_at("error.data_not_unicode", column, wrong, place)] if wrong.any() else []


def _at(
    key: str, column: Column, are_wrong: np.ndarray, place: Callable[[int], Place]
) -> InputError:
    """Return the problem of some values, with the first of them.

    Args:
        are_wrong: of the values, or of the known words of a text column.
    """
    wrong = column.holds(are_wrong) if column.kind == "text" else are_wrong
    row = int(np.flatnonzero(wrong)[0])
    if column.kind == "text":
        actual = shortened(column.known[column.values[row]])
        actual = actual if is_unicode(actual) else ascii(actual)
    else:
        actual = float(column.values[row])
    values = {"column": column.name, "actual": actual, "count": column.count(wrong)}
    return InputError(key, **values, **place(row))


def unknown_columns(requested: Sequence[str], known: Sequence[str]) -> list[InputError]:
    """Return one problem for each name that is no column, with the nearest one that is."""
    names = set(known)
    return [unknown_name("column", name, known) for name in requested if name not in names]
