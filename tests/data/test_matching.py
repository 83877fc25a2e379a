"""New rows beside those of training: filled, counted and told, whatever form they come in."""

import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from whygrad.data import load
from whygrad.data.columns import table_from_mapping
from whygrad.data.matching import Substitutions
from whygrad.data.table import Data, pack, unpack
from whygrad.errors import InputError, RunWarning
from whygrad.words import number, speaking

ROWS = 40


@pytest.fixture(scope="module")
def data() -> Data:
    """Data without any missing value: sizes with decimal commas, words, dates and flags."""
    days = pd.date_range("2024-01-01", periods=ROWS, freq="9D")
    frame = pd.DataFrame(
        {
            "size": [f"{i * 7 % 50},5" for i in range(ROWS)],
            "colour": ["red", "blue"] * (ROWS // 2),
            "day": days.strftime("%d.%m.%Y"),
            "age": np.arange(ROWS) * 3 % 41,
            "is_new": np.arange(ROWS) % 3 == 0,
            "y": np.arange(ROWS) % 2,
        }
    )
    return load(frame, target="y", test=0, validation=0)


USUAL = {"size": "12,5", "colour": "red", "day": "1.5.2024", "age": 20, "is_new": True}


def encoded(data: Data, **cells: object) -> tuple[np.ndarray, list[str]]:
    """Return the inputs of a usual row and of one with other cells, and what was told."""
    told = Substitutions()
    table = table_from_mapping({k: [v, cells.get(k, v)] for k, v in USUAL.items()}, "t")
    x = data.encoder.encode(table, told)
    return x, [str(note) for note in told.notes(data.encoder)]


def inputs_of(data: Data, column: str) -> slice:
    names = [name for rule in data.encoder.rules if rule.column == column for name in rule.names]
    start = data.feature_names.index(names[0])
    return slice(start, start + len(names))


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        (
            "age",
            None,
            "Missing values in age: 1 (zero-based row 1). They were filled with {median}, the "
            "median of the training part.",
        ),
        (
            "size",
            "large",
            "Values in size that are no numbers: 1 (large; zero-based row 1). They count as "
            "missing, and {median} stands in for them.",
        ),
        (
            "day",
            "",
            "Missing dates in day: 1 (zero-based row 1). Each of their parts was filled with its "
            "median in the training part.",
        ),
        (
            "day",
            "31.2.2024",
            "Values in day that are no dates: 1 (31.2.2024; zero-based row 1). They count as "
            "missing, and the median of each part stands in for them.",
        ),
    ],
)
def test_what_cannot_be_read_is_filled_with_the_median(data, column, cell, said):
    x, told = encoded(data, **{column: cell})
    where = inputs_of(data, column)
    raw = data.train.x[:, where] * data.encoder.scale[where] + data.encoder.mean[where]
    median = np.median(raw, axis=0)
    expected = (median - data.encoder.mean[where]) / data.encoder.scale[where]
    np.testing.assert_allclose(x[1, where], expected, atol=1e-5)
    np.testing.assert_array_equal(np.delete(x[1], where), np.delete(x[0], where))
    assert told == [said.replace("{median}", number(float(np.round(median[0], 4))))]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (
            "green",
            "Categories in colour that training never saw, in 1 row: green (zero-based row 1). All "
            "inputs of the column are 0 there.",
        ),
        (
            None,
            "Missing values in colour, where training had none: 1 (zero-based row 1). All inputs "
            "of the column are 0 there.",
        ),
    ],
)
def test_a_category_that_training_lacks_has_no_input(data, cell, said):
    x, told = encoded(data, colour=cell)
    where = inputs_of(data, "colour")
    assert x[0, where].tolist() == [0, 1] and x[1, where].tolist() == [0, 0]
    assert told == [said]


def test_rows_are_counted_and_only_the_first_listed_over_all_blocks(data):
    told = Substitutions()
    for _ in range(3):
        cells = {name: [cell] * 2 for name, cell in USUAL.items()} | {"colour": ["green", "mauve"]}
        data.encoder.encode(cells, told)
    (note,) = told.notes(data.encoder)
    assert str(note) == (
        "Categories in colour that training never saw, in 6 rows: green, mauve (zero-based row "
        "0, 1, 0, …). All inputs of the column are 0 there."
    )
    json.dumps(dict(note.values))
    with speaking("zh"):
        assert "从未见过" in str(note)


@pytest.mark.parametrize(
    ("column", "same"),
    [
        ("size", ["12,5", "12.5", 12.5]),
        ("day", ["1.5.2024", "2024-05-01", "1 May 2024", pd.Timestamp("2024-05-01"), "01-05-2024"]),
        ("age", ["20", 20, 20.0, "2e1"]),
        ("is_new", [True, "true", "True", "TRUE", 1, "1"]),
    ],
)
def test_a_cell_may_come_in_another_form(data, column, same):
    for cell in same:
        cells = {name: [cell] for name, cell in USUAL.items()} | {column: [cell]}
        np.testing.assert_array_equal(data.encode(cells), encoded(data)[0][:1])


ALL = {name: [cell, cell] for name, cell in USUAL.items()}
REFUSED = {
    "a column of words": (
        {"age": ["old", "young"]},
        "Column age must hold numbers as in training, but zero-based row 0 holds the text old. "
        "Correct the value.",
    ),
    "numbers for dates": (
        {"day": [5, 6]},
        "Column day must hold dates as in training, but zero-based row 0 holds 5. Write them as "
        "they were written then, or as 2024-01-31.",
    ),
    "words for dates": (
        {"day": ["soon", "late"]},
        "Column day must hold dates as in training, but zero-based row 0 holds soon. Write them as "
        "they were written then, or as 2024-01-31.",
    ),
    "infinity": (
        {"size": ["1,5", "inf"]},
        "Column size must hold finite numbers, but zero-based row 1 holds ∞. Replace the value.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_column_of_training_is_refused(data, case):
    cells, message = REFUSED[case]
    with pytest.raises(InputError) as caught:
        data.encode(ALL | cells)
    assert str(caught.value) == message
    with speaking("zh"):
        assert re.search("[一-鿿]", str(caught.value))


def test_words_are_no_error_where_numbers_came_before(data):
    told = Substitutions()
    data.encoder.encode(ALL, told)
    data.encoder.encode(ALL | {"age": ["old", "young"]}, told)
    assert [note.key for note in told.notes(data.encoder)] == ["note.encode_unreadable"]


def test_plain_numbers_may_come_with_commas_and_it_is_told(data):
    told = Substitutions()
    x = data.encoder.encode(ALL | {"age": ["20,5", "1"]}, told)
    expected = data.encoder.encode(ALL | {"age": [20.5, 1]})
    np.testing.assert_array_equal(x, expected)
    assert [str(note) for note in told.notes(data.encoder)] == [
        "Column age was read with decimal commas: 12,5 is 12.5."
    ]
    later = data.encoder.encode(ALL | {"age": ["1,234", "x"]}, told)
    np.testing.assert_array_equal(later[0], data.encode(ALL | {"age": [1.234, 1.234]})[0])
    for ambiguous in ("1,234", "1.234,5"):  # 1.234 in a later block would be something else
        with pytest.raises(InputError, match=f"holds the text {ambiguous}"):
            data.encode(ALL | {"age": [ambiguous, ambiguous]})


def test_groups_of_thousands_stay_groups_where_every_word_looks_plain():
    sizes = [f"{i}.{i * 37 % 1000:03}" + ",5" * (i % 2) for i in range(1, 41)]
    data = load(pd.DataFrame({"size": sizes, "y": [0, 1] * 20}), target="y")
    np.testing.assert_array_equal(
        data.encode({"size": ["1.234", "2.500"]}), data.encode({"size": [1234, 2500]})
    )


def test_a_warning_tells_only_what_training_never_met(data):
    frame = pd.DataFrame({"a": [1.0, None, 3.0, 4.0] * 10, "b": np.arange(40.0), "y": [0, 1] * 20})
    with_gaps = load(frame, target="y", test=0, validation=0)
    with_gaps.encode(frame[:3])  # no warning: it was filled in training, too
    with pytest.warns(RunWarning, match="Missing values in b: 1") as warned:
        with_gaps.encode({"a": [None], "b": [None]})
    assert "values in a" not in str(warned[0].message)


def test_rows_of_an_array_are_filled_alike():
    rows = np.arange(60.0).reshape(20, 3) % 17
    data = load(pd.DataFrame(rows, columns=["a", "b", "y"]), target="y", task="numbers", test=0)
    given = np.array([[1.0, np.nan], [2.0, 3.0]])
    with pytest.warns(RunWarning, match="Missing values in b: 1"):
        x = data.encode(given)
    given[0, 1] = data.encoder.median[1]
    np.testing.assert_array_equal(x, data.encode(given))


def test_a_run_from_before_medians_fills_with_the_origin_and_says_so():
    numbers = load(pd.DataFrame({"age": np.arange(20.0), "y": [0, 1] * 10}), target="y")
    arrays, words = pack(numbers)
    del arrays["encoder.median"], words["forms"], words["parts"]
    old = unpack(arrays, words)
    with pytest.warns(RunWarning) as warned:
        assert old.encode(np.array([[np.nan]])).tolist() == [[0.0]]
    assert "which the network sees as 0: this run is from before" in str(warned[0].message)


def test_every_kind_of_arrow_type_is_read_as_training_read_it(data):
    days = pa.array([19844, None], pa.int32()).cast(pa.date32())
    columns = {
        "size": pa.array(["12.50", "1.00"]).cast(pa.decimal128(6, 2)),
        "colour": pa.array(["red", "blue"]).dictionary_encode(),
        "day": days.cast(pa.timestamp("ns", "UTC")),
        "age": pa.array([20, 3], pa.uint8()),
        "is_new": pa.array([True, False]),
    }
    told = Substitutions()
    x = data.encoder.encode(pa.table(columns), told)
    np.testing.assert_array_equal(x[0], encoded(data)[0][0])
    assert [note.key for note in told.notes(data.encoder)] == ["note.encode_missing_date"]
    assert str(days[0]) == "2024-05-01"


def test_dates_that_only_the_other_order_reads_are_read_so_and_told():
    days = pd.date_range("2024-01-01", periods=ROWS, freq="9D")
    for first, second in (("%d/%m/%Y", "%m/%d/%Y"), ("%m/%d/%Y", "%d/%m/%Y")):
        frame = pd.DataFrame({"day": days.strftime(first), "y": np.arange(ROWS) % 2})
        data = load(frame, target="y", test=0, validation=0)
        told = Substitutions()
        found = data.encoder.encode(frame.assign(day=days.strftime(second)), told)
        np.testing.assert_array_equal(found, data.encode(frame))
        (note,) = told.notes(data.encoder)
        order = "month" if second.startswith("%m") else "day"
        assert str(note).startswith(f"Column day was read as dates, {order} first")
        # one odd word is no other order
        words = [*days.strftime(first)[:-1], "32/32/2024"]
        told = Substitutions()
        data.encoder.encode(frame.assign(day=words), told)
        assert [note.key for note in told.notes(data.encoder)] == ["note.encode_unreadable_date"]


def test_dates_of_any_order_are_read_for_those_of_a_program():
    days = pd.date_range("2024-01-01", periods=ROWS, freq="9D")
    frame = pd.DataFrame({"day": days, "y": np.arange(ROWS) % 2})
    data = load(frame, target="y", test=0, validation=0)
    for form in ("%d.%m.%Y", "%m/%d/%Y", "%d %b %Y"):
        told = Substitutions()
        found = data.encoder.encode(frame.assign(day=days.strftime(form)), told)
        np.testing.assert_array_equal(found, data.encode(frame))
    in_two_ways = frame.assign(day="3/4/2024")
    with pytest.raises(InputError, match="3/4/2024"):
        data.encode(in_two_ways)
