"""Forms of words that stand for numbers and dates, other than plain numbers.

    12,5  1.234,5  1,234.5    a decimal comma, or groups of thousands
    2024-01-31  31.1.2024     dates, see :mod:`whygrad.data.dates`

A form is what reads every word of a column. Where words can be read in two ways (1,234 or 3/4/2024)
nothing is guessed.

Source: Unicode CLDR for the marks between groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whygrad.data.dates import DATES, seconds_of_numpy, seconds_of_word

GAPS = " '\u2019\u00a0\u202f"  # between groups of thousands, in every language
# numbers: what reads them, marks between groups, the decimal mark
NUMBERS = {
    "comma": (r"[+-]?[0-9]+(,[0-9]+)?([eE][+-]?[0-9]+)?", "", ","),
    "grouped_comma": (
        rf"[+-]?([1-9][0-9]{{0,2}}([.{GAPS}][0-9]{{3}})+|[0-9]+)(,[0-9]+)?",
        f".{GAPS}",
        ",",
    ),
    "grouped_point": (
        rf"[+-]?([1-9][0-9]{{0,2}}([,{GAPS}][0-9]{{3}})+|[0-9]+)(\.[0-9]+)?",
        f",{GAPS}",
        ".",
    ),
}
FORMS = (*NUMBERS, *DATES)
TWO_WAYS = (("comma", "grouped_point"), ("dmy", "mdy"))  # to read the same words
FEW = 20  # words that are looked at before all of them are


def possible_forms(words: pa.Array, among: Sequence[str] = FORMS) -> tuple[str, ...]:
    """Return which forms read all of the words.

    Args:
        words: text without spaces around it; null where nothing is there.
    """
    distinct = words.unique().drop_null()
    for some in (distinct[:FEW], distinct):
        among = tuple(form for form in among if not np.isnan(values_of(some, form)).any())
    return among


def chosen_form(possible: Sequence[str], *, comma_is_decimal: bool = False) -> str | None:
    """Return the form to read a column with; None if there is none, or two that differ.

    Args:
        possible: what :func:`possible_forms` says of all its words.
        comma_is_decimal: whether something else than the words says so.
    """
    for one, other in TWO_WAYS:
        if one in possible and other in possible:
            return "comma" if one == "comma" and comma_is_decimal else None
    return next(iter(possible), None)


def kind_of_form(form: str) -> str:
    """Return the kind of a column whose words are read so: ``number`` or ``date``."""
    return "number" if form in NUMBERS else "date"


def values_of(words: pa.Array, form: str) -> np.ndarray:
    """Return words as numbers, or as seconds; NaN where one is missing or not of this form.

    Args:
        words: without spaces around them.
        form: one of :data:`FORMS`.
    Returns:
        Shape (m,), float64. Of dates the seconds since 1970-01-01, of a time those since midnight.
    """
    if form in NUMBERS:
        return _numbers(words, form)
    coded = words.dictionary_encode()
    seconds = [seconds_of_word(word, form) for word in coded.dictionary.to_pylist()]
    codes = coded.indices.fill_null(len(seconds)).to_numpy(zero_copy_only=False)
    return np.array([*seconds, np.nan])[codes]


def _numbers(words: pa.Array, form: str) -> np.ndarray:
    pattern, between, decimal = NUMBERS[form]
    call = pc.call_function
    fits = call("match_substring_regex", [words], pc.MatchSubstringOptions(f"^({pattern})$"))
    found = call("if_else", [fits, words, pa.scalar(None, pa.string())])
    if between:
        without = pc.ReplaceSubstringOptions(f"[{between}]", "")
        found = call("replace_substring_regex", [found], without)
    plain = call("replace_substring", [found], pc.ReplaceSubstringOptions(decimal, "."))
    return plain.cast(pa.float64()).to_numpy(zero_copy_only=False)


def seconds_of_arrow(array: pa.Array) -> np.ndarray:
    """Return dates, timestamps and times of Arrow as seconds, NaN where missing; shape (m,).

    Of a timestamp with a zone the clock of that zone counts.
    """
    kind = array.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        try:
            array = pc.call_function("local_timestamp", [array])
        except pa.ArrowException:  # this system does not know the zone
            array = array.cast(pa.timestamp(kind.unit))
    if pa.types.is_time(kind):
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        whole = array.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
        return whole.cast(pa.float64()).to_numpy(zero_copy_only=False) / per_second
    return seconds_of_numpy(array.to_numpy(zero_copy_only=False))
