"""Forms of numbers and dates: held to Babel and pandas, and never guessed between two readings."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from babel.dates import format_datetime
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from whygrad.data import load
from whygrad.data.dates import CALENDAR, HOURS, from_parts, part_of, parts_for, word_of
from whygrad.data.forms import chosen_form, possible_forms, values_of

A_DAY = 86_400
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)
LOCALES = {"de": "grouped_comma", "fr": "grouped_comma", "en_US": "grouped_point", "de_CH": None}


def form_of(*words: str | None) -> str | None:
    return chosen_form(possible_forms(pa.array(words, pa.string())))


def seconds_of(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1)) / timedelta(seconds=1)


@given(
    locale=st.sampled_from(list(LOCALES)),
    values=st.lists(st.integers(-(10**12), 10**12), min_size=1).map(lambda n: np.array(n) / 100),
)
def test_numbers_are_read_as_each_language_writes_them(locale, values):
    values = np.append(values, -1234567.25)  # has groups and a fraction, so there is one reading
    words = [format_decimal(value, "#,##0.##", locale).replace("\u2212", "-") for value in values]
    form = form_of(*words)
    assert form == (LOCALES[locale] or "grouped_point")
    np.testing.assert_array_equal(values_of(pa.array(words), form), values)


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (["1,5", "2"], "comma"),
        (["0,125", "0,250"], "comma"),  # no group begins with a 0
        (["1.234,5", "12"], "grouped_comma"),
        (["1.234.567"], "grouped_comma"),
        (["1,234.5", "12"], "grouped_point"),
        (["1'234.5"], "grouped_point"),
        (["1,234", "5,678"], None),  # either
        (["1,5", "1.5"], None),  # neither
        (["1,23,456"], None),
        (["2024-01-31", None, "2024-2-3"], "ymd"),
        (["31.1.2024", "1.2.2024"], "dmy"),
        (["1.2.2024"], "dmy"),  # with dots it is day first everywhere
        (["31/1/2024", "1/2/2024"], "dmy"),
        (["1/31/2024", "1/2/2024"], "mdy"),
        (["1/2/2024", "3/4/2024"], None),  # either
        (["31/1/2024", "1/31/2024"], None),  # neither
        (["2024-02-30"], None),
        (["31 Jan 2024", "February 3, 2024 13:05"], "named"),
        (["31 Foo 2024"], None),
        (["13:05", "1:05:30 PM"], "time"),
        (["13:05 PM"], None),
        (["24:00"], None),
        (["red"], None),
    ],
)
def test_a_form_is_what_reads_every_word_in_one_way(words, form):
    assert form_of(*words) == form


@given(moment=MOMENTS, has_time=st.booleans())
def test_dates_are_read_as_they_are_written(moment, has_time):
    clock = " HH:mm:ss" if has_time else ""
    day = moment if has_time else moment.replace(hour=0, minute=0, second=0)
    for form, pattern in {
        "ymd": "yyyy-MM-dd",
        "dmy": "d.M.yyyy",
        "mdy": "M/d/yyyy",
        "named": "d MMM yyyy",
    }.items():
        word = format_datetime(moment, pattern + clock, locale="en_US")
        assert values_of(pa.array([word]), form).tolist() == [seconds_of(day)]
    for behind in ("Z", "+02:00", " UTC"):  # the clock that wrote it counts
        word = moment.isoformat() + behind
        assert values_of(pa.array([word]), "ymd").tolist() == [seconds_of(moment)]


@given(moments=st.lists(MOMENTS, min_size=1, max_size=20))
def test_parts_are_those_of_the_calendar_and_lead_back(moments):
    seconds = np.array([seconds_of(moment) for moment in moments])
    expected = {
        "weekday": [moment.isoweekday() for moment in moments],
        **{
            name: [getattr(moment, name) for moment in moments]
            for name in ("year", "month", "day", *HOURS)
        },
    }
    found = {name: part_of(seconds, name) for name in (*CALENDAR, *HOURS)}
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
    np.testing.assert_array_equal(from_parts(found), seconds)
    words = [word_of(one, "ymd") for one in seconds]
    np.testing.assert_array_equal(values_of(pa.array(words), "ymd"), seconds)


def test_a_time_of_day_is_an_input_where_there_is_one():
    day = np.array([0.0, A_DAY, np.nan])
    assert parts_for(day, "ymd") == CALENDAR
    assert parts_for(day + 60, "ymd") == (*CALENDAR, "hour", "minute")
    assert parts_for(day + 1, "ymd") == (*CALENDAR, *HOURS)
    assert parts_for(np.array([60.0]), "time") == ("hour", "minute")


MOMENTS_OF_A_TABLE = pd.date_range("2021-12-30 06:30", periods=60, freq="1747min")


def frame() -> pd.DataFrame:
    sizes = np.arange(60) / 8
    return pd.DataFrame({"when": MOMENTS_OF_A_TABLE, "size": sizes, "y": np.arange(60) % 7 / 2})


def by_pandas() -> np.ndarray:
    """Return the parts of the dates, (60, 6), as pandas finds them."""
    at = MOMENTS_OF_A_TABLE
    return np.stack([at.year, at.month, at.day, at.day_of_week + 1, at.hour, at.minute], axis=1)


def written(kind: str, folder) -> object:
    """Return the table as a source of data."""
    table, path = frame(), folder / f"t.{kind.partition(' ')[0]}"
    words = table["when"].dt.strftime("%d.%m.%Y %H:%M")
    if kind == "frame":
        return table
    if kind == "zone frame":
        return table.assign(when=table["when"].dt.tz_localize("Asia/Tokyo"))
    if kind == "objects":
        return table.assign(when=[moment.to_pydatetime() for moment in table["when"]])
    if kind == "parquet":
        table.to_parquet(path)
    elif kind == "parquet zone":
        table.assign(when=table["when"].dt.tz_localize("Europe/Berlin")).to_parquet(path)
    elif kind == "csv":
        table.to_csv(path, index=False)
    elif kind == "csv comma":
        table.assign(when=words).to_csv(path, index=False, sep=";", decimal=",")
    else:
        table.assign(when=table["when"].astype(str)).to_json(path, orient="records", lines=True)
    return path


@pytest.mark.parametrize(
    "kind",
    ["frame", "zone frame", "objects", "parquet", "parquet zone", "csv", "csv comma", "jsonl"],
)
def test_dates_become_numbers_in_every_kind_of_table(tmp_path, kind):
    data = load(written(kind, tmp_path), target="y")
    names = (*CALENDAR, "hour", "minute")
    assert data.feature_names == (*(f"when.{name}" for name in names), "size")
    raw = np.column_stack([by_pandas(), np.arange(60) / 8])
    train = raw[data.train.rows]
    for part in data.parts.values():
        expected = (raw[part.rows] - train.mean(axis=0)) / train.std(axis=0)
        np.testing.assert_allclose(part.x, expected, atol=1e-5)
    told = [str(note) for note in data.notes]
    assert any("Its inputs are when.year, when.month, when.day, when.weekday" in n for n in told)
    is_comma = "Column y was read with decimal commas: 12,5 is 12.5." in told
    assert is_comma == (kind == "csv comma")


def test_missing_dates_are_filled_part_by_part(tmp_path):
    table = frame()
    table.loc[::5, "when"] = pd.NaT
    table.to_csv(tmp_path / "t.csv", index=False)
    for source in (table, tmp_path / "t.csv"):
        data = load(source, target="y", test=0, validation=0)
        there = by_pandas()[table["when"].notna()]
        np.testing.assert_array_equal(data.encoder.stand_in[:6], np.median(there, axis=0))
        filled = (np.median(there, axis=0) - data.encoder.mean[:6]) / data.encoder.scale[:6]
        np.testing.assert_allclose(data.train.x[0, :6], filled, rtol=1e-6)
        assert (
            "Missing dates in when: 12. Each of their parts was filled with its median in the "
            in (" ".join(map(str, data.notes)))
        )
