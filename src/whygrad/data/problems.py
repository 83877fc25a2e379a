"""What is wrong with a single column of a table: one rule a problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from whygrad.data.columns import NUMBER, Column, Place
from whygrad.data.encoder import MISSING
from whygrad.data.numeric import LARGEST
from whygrad.data.table import Note
from whygrad.errors import InputError

KNOWN = ("number", "integer", "boolean", "text", "date", "empty", "mixed")
MANY = 50  # categories; more of them need many samples each
MOST = 1000  # categories
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
    if column.kind in ("date", "mixed") or column.kind not in KNOWN:
        key = (
            f"error.data_{column.kind}_column" if column.kind in KNOWN else "error.data_column_kind"
        )
        return [InputError(key, column=column.name, kind=column.kind)]
    if column.is_numeric:
        return _not_finite(column, place)
    if column.kind == "empty":
        return []
    return (
        _dates(column, place)
        or _mostly_numbers(column, place)
        or ([] if is_target else _too_many(column))
    )


def notes_of(column: Column) -> tuple[Note, ...]:
    """Return what is worth knowing about a column of inputs that can be used."""
    if column.kind == "text" and _numbers_among(column).any():
        known = sorted({str(word) for word in column.values if word is not None})
        values = {"column": column.name, "names": ", ".join(known[:6])}
        return (Note("note.data_numbers_as_categories", values),)
    if column.kind == "text" and column.missing.any():
        count = int(column.missing.sum())
        values = {"column": column.name, "count": count, "name": f"{column.name}={MISSING}"}
        return (Note("note.data_missing_category", values),)
    if counts_rows(column):
        return (Note("note.data_row_numbers", {"column": column.name}),)
    return ()


def counts_rows(column: Column) -> bool:
    """Say whether a column looks like row numbers: whole numbers, each one more than the last."""
    if column.kind != "integer" or len(column.values) <= 10 or not np.isfinite(column.values[0]):
        return False
    return np.array_equal(column.values, column.values[0] + np.arange(len(column.values)))


def _not_finite(column: Column, place: Callable[[int], Place]) -> list[InputError]:
    infinite = np.isinf(column.values)
    if infinite.any():
        return [_at("error.data_infinite", column, infinite, place)]
    large = np.abs(column.values) > LARGEST
    return [_at("error.data_too_large", column, large, place)] if large.any() else []


def _dates(column: Column, place: Callable[[int], Place]) -> list[InputError]:
    present = ~column.missing
    if not all(DATE.fullmatch(word) for word in column.values[present]):
        return []
    return [InputError("error.data_date_column", column=column.name)]


def _mostly_numbers(column: Column, place: Callable[[int], Place]) -> list[InputError]:
    """Return the problem of a column of numbers with words in it.

    Words that come again and again beside few different numbers (such as 0, 1, 2, 3+) are
    categories, and no problem.
    """
    are_numbers, present = _numbers_among(column), ~column.missing
    are_commas = _matching(column, COMMA)
    if are_commas.any() and (are_numbers | are_commas | ~present).all():
        return [_at("error.data_decimal_comma", column, are_commas, place)]
    others = present & ~are_numbers
    if are_numbers.sum() < others.sum() or not are_numbers.any():
        return []
    _, counts = np.unique(column.values[others].astype(str), return_counts=True)
    distinct = len(np.unique(column.values[present].astype(str)))
    if counts.min() > 1 and distinct * 5 <= present.sum() and distinct <= MANY:
        return []
    return [_at("error.data_text_in_numbers", column, others, place)]


def _too_many(column: Column) -> list[InputError]:
    words = column.values[~column.missing].astype(str)
    count, rows = len(np.unique(words)), len(words)
    all_differ = count == rows and rows >= 10
    if not (all_differ or (count > MANY and count > 0.2 * rows) or count > MOST):
        return []
    return [
        InputError("error.data_too_many_categories", column=column.name, count=count, rows=rows)
    ]


def _numbers_among(column: Column) -> np.ndarray:
    return _matching(column, NUMBER)


def _matching(column: Column, pattern: re.Pattern[str]) -> np.ndarray:
    return np.array([w is not None and bool(pattern.fullmatch(w)) for w in column.values], bool)


def _at(
    key: str, column: Column, are_wrong: np.ndarray, place: Callable[[int], Place]
) -> InputError:
    row = int(np.flatnonzero(are_wrong)[0])
    came = column.values[row]
    values = {"column": column.name, "came": came if isinstance(came, str) else float(came)}
    if isinstance(came, str) and len(came) > 40:
        values["came"] = came[:40] + "…"
    return InputError(key, **values, count=int(are_wrong.sum()), **place(row))


def unknown_columns(asked: Sequence[str], known: Sequence[str]) -> list[InputError]:
    """Return one problem for each name that is no column, with the nearest one that is."""
    from whygrad.errors import unknown_name

    return [unknown_name("column", name, known) for name in asked if name not in known]
