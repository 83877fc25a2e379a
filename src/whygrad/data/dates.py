"""Dates and times of day: read from words, kept as seconds, and taken apart into inputs.

    2024-01-31  31.1.2024  1/31/2024  31 Jan 2024    in one order each, maybe with a time of day
    10:30  10:30:59  1:05 PM                         a time alone

Dates are seconds since 1970 on the clock that wrote them: a zone behind them is passed over.

Source: ISO 8601 for the order of a date and for weekdays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache, partial

import numpy as np

CLOCK = (
    r"(?P<h>[0-9]{1,2}):(?P<min>[0-9]{2})(:(?P<s>[0-9]{2}([.,][0-9]+)?))?( ?(?P<half>[AaPp])[Mm])?"
)
ZONE = r"( ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?))?"
LATER = rf"((T|,? ){CLOCK}{ZONE})?"  # behind a date
DAY, MONTH, YEAR = r"(?P<d>[0-9]{1,2})", r"(?P<m>[0-9]{1,2})", r"(?P<y>[0-9]{4})"
NAME = r"(?P<m>[A-Za-z]{3,9})\.?"
DATES = {
    "ymd": (rf"{YEAR}(?P<mark>[-/.]){MONTH}(?P=mark){DAY}{LATER}",),
    "dmy": (rf"{DAY}(?P<mark>[-/.]){MONTH}(?P=mark){YEAR}{LATER}",),
    "mdy": (rf"{MONTH}(?P<mark>[-/]){DAY}(?P=mark){YEAR}{LATER}",),  # with dots it is day first
    "named": (rf"{DAY}\.?[ -]{NAME},?[ -]{YEAR}{LATER}", rf"{NAME} {DAY},? {YEAR}{LATER}"),
    "time": (CLOCK,),
}
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
A_DAY = 86_400  # seconds
CALENDAR = ("year", "month", "day", "weekday")
HOURS = ("hour", "minute", "second")
IN_SECONDS = {"hour": 3600, "minute": 60, "second": 1}


@cache
def _patterns(form: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in DATES[form])


def seconds_of_word(word: str, form: str) -> float:
    """Return a date or a time as seconds; NaN where the word is none of this form."""
    found = next((m for p in _patterns(form) if (m := p.fullmatch(word))), None)
    if found is None:
        return np.nan
    read = found.groupdict()
    try:
        days = 0 if form == "time" else _days(read["y"], read["m"], read["d"])
        return days * A_DAY + _time_of_day(read)
    except ValueError:  # there is no such day, or no such time
        return np.nan


def _days(year: str, month: str, day: str) -> int:
    named = (n for n, name in enumerate(MONTHS, 1) if name.startswith(month.lower()))
    number = next(named, 0) if month.isalpha() else int(month)
    return date(int(year), number, int(day)).toordinal() - date(1970, 1, 1).toordinal()


def _time_of_day(read: dict[str, str | None]) -> float:
    hour, minute = int(read["h"] or 0), int(read["min"] or 0)
    second = float((read["s"] or "0").replace(",", "."))
    half = (read["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("no hour of half a day")
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59 or second >= 61:
        raise ValueError("no time of day")
    return 3600 * hour + 60 * minute + second


def seconds_of_numpy(moments: np.ndarray) -> np.ndarray:
    """Return ``datetime64`` as seconds since 1970-01-01, NaN for NaT; shape (m,)."""
    days = moments.astype("datetime64[D]")
    rest = (moments - days) / np.timedelta64(1, "s")
    seconds = days.astype(np.int64).astype(np.float64) * A_DAY + rest
    return np.where(np.isnat(moments), np.nan, seconds)


def from_parts(parts: dict[str, np.ndarray]) -> np.ndarray:
    """Return the seconds of dates whose parts are given, rounded to whole ones; shape (m,).

    The weekday follows from the others.
    """
    whole = {name: np.rint(values).astype(np.int64) for name, values in parts.items()}
    seconds = sum(whole[name] * size for name, size in IN_SECONDS.items() if name in whole)
    if "year" not in whole:
        return np.asarray(seconds, np.float64)
    months = (whole["year"] - 1970) * 12 + whole["month"] - 1
    days = (
        months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + whole["day"] - 1
    )
    return (days * A_DAY + seconds).astype(np.float64)


def word_of(seconds: float, form: str) -> str:
    """Return a date or a time in the order of ISO 8601; midnight behind a date is left out."""
    moment = str(np.datetime64(0, "us") + np.timedelta64(round(seconds * 1e6), "us"))
    day, _, time = moment.partition("T")
    time = time.rstrip("0").rstrip(".") if "." in time else time
    if form == "time":
        return time
    return f"{day} {time}" if seconds % A_DAY else day


def parts_for(seconds: np.ndarray, form: str) -> tuple[str, ...]:
    """Return the parts of dates that become inputs: no time of day where all are midnight.

    Args:
        seconds: since 1970-01-01, or since midnight; NaN where missing; shape (m,).
    """
    present = seconds[~np.isnan(seconds)]
    if form == "time":
        has_seconds = bool((present % 60 != 0).any())
        return HOURS if has_seconds else HOURS[:2]
    if not (present % A_DAY != 0).any():
        return CALENDAR
    return (*CALENDAR, *parts_for(present % A_DAY, "time"))


def part_of(seconds: np.ndarray, part: str) -> np.ndarray:
    """Return one part of dates as numbers: the weekday from 1, Monday, to 7; NaN where missing."""
    is_there = ~np.isnan(seconds)
    found = np.full(seconds.shape, np.nan)
    found[is_there] = PARTS[part](seconds[is_there])
    return found


def _calendar(seconds: np.ndarray, unit: str, within: str, first: int) -> np.ndarray:
    """Return how many units a date is behind the start of the larger unit."""
    days = np.floor(seconds / A_DAY).astype(np.int64).astype("datetime64[D]")
    start = days.astype(f"datetime64[{within}]").astype(f"datetime64[{unit}]")
    return (days.astype(f"datetime64[{unit}]") - start).astype(np.int64) + first


def _years(seconds: np.ndarray) -> np.ndarray:
    days = np.floor(seconds / A_DAY).astype(np.int64).astype("datetime64[D]")
    return days.astype("datetime64[Y]").astype(np.int64)


PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "year": lambda seconds: _years(seconds) + 1970,
    "month": partial(_calendar, unit="M", within="Y", first=1),
    "day": partial(_calendar, unit="D", within="M", first=1),
    "weekday": lambda seconds: (np.floor(seconds / A_DAY) + 3) % 7 + 1,  # 1970 began on a Thursday
    "hour": lambda seconds: seconds % A_DAY // 3600,
    "minute": lambda seconds: seconds % 3600 // 60,
    "second": lambda seconds: np.floor(seconds % 60),
}
