"""Columns that are kept as categories, and categories that another program writes otherwise."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.cli.app import run as command_line
from whygrad.data import load
from whygrad.data.matching import Substitutions, as_known
from whygrad.errors import DataError
from whygrad.runs import Run

ROWS = 90
CODES = ["zip", "grade", "flag", "day"]


def table() -> pd.DataFrame:
    """Return codes that look like whole numbers, numbers, flags and dates, and classes."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "zip": draw.choice([1011, 9, 333], ROWS),
            "grade": draw.choice([1.0, 2.5, np.nan], ROWS),
            "flag": draw.choice([True, False], ROWS),
            "day": draw.choice(pd.date_range("2024-01-30", periods=3), ROWS),
            "size": draw.normal(size=ROWS),
        }
    )
    return frame.assign(y=np.where(frame["size"] + (frame["zip"] == 9) > 0, "u", "v"))


SOURCES = {
    "csv": lambda path: table().to_csv(path, index=False),
    "jsonl": lambda path: (
        table()
        .assign(day=table()["day"].dt.strftime("%Y-%m-%d"))
        .to_json(path, orient="records", lines=True)
    ),
    "parquet": lambda path: table().to_parquet(path),
}


def by_hand(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column of codes with an input for each, (m, codes), missing ones last."""
    codes = sorted(frame[column].dropna().unique(), key=str)
    hot = [frame[column] == code for code in codes]
    return np.stack([*hot, frame[column].isna()], axis=1).astype(float)


@pytest.mark.parametrize("ending", SOURCES)
@pytest.mark.parametrize("stream", [False, True])
def test_codes_have_an_input_each_and_are_the_same_in_every_form(tmp_path, ending, stream):
    path, frame = tmp_path / f"t.{ending}", table()
    SOURCES[ending](path)
    data = load(path, target="y", categories=CODES, stream=stream or None)
    assert data.source["options"]["categories"] == CODES
    assert [rule.column for rule in data.encoder.rules if rule.categories] == CODES
    told = Substitutions()
    found = data.encoder.encode(frame, told)  # written by another program
    assert not {kind for kind, _ in told.odd} & {"unknown", "no_category"}
    of_column = dict(zip(data.encoder.columns, data.encoder.of_rules(found.T), strict=True))
    for column in CODES:
        expected = by_hand(frame, column)[:, : len(of_column[column])]
        order = np.argsort([word == "?" for word in data.encoder.categories[CODES.index(column)]])
        np.testing.assert_array_equal(np.stack(of_column[column], axis=1)[:, order], expected)


@pytest.mark.parametrize("stream", [False, True])
def test_codes_stay_as_they_are_written(tmp_path, stream):
    frame = table().assign(zip=["007", "7", "7.0"] * (ROWS // 3))
    frame.to_csv(tmp_path / "t.csv", index=False)
    data = load(tmp_path / "t.csv", target="y", categories="zip", stream=stream or None)
    assert data.encoder.categories[0] == ("007", "7", "7.0")
    assert load(tmp_path / "t.csv", target="y").encoder.categories[0] == ()


def test_codes_are_codes_for_predict_as_well(tmp_path, capsys):
    frame = table()
    frame.to_csv(tmp_path / "t.csv", index=False)
    options = [part for code in CODES for part in ("--categories", code)]
    arguments = ["--target", "y", "--epochs", "1", "--out", str(tmp_path / "run")]
    assert command_line(["train", str(tmp_path / "t.csv"), *options, *arguments]) == 0
    frame.head(7).to_csv(tmp_path / "new.csv", index=False)
    capsys.readouterr()
    assert command_line(["predict", str(tmp_path / "run"), str(tmp_path / "new.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    run = Run(tmp_path / "run")
    found = np.array([line.split(",")[1:] for line in lines], float)
    np.testing.assert_allclose(found, run.predict_proba(frame.head(7)), rtol=1e-5)
    assert command_line(["why", str(tmp_path / "run"), "hidden1.weight[zip=9, 1]"]) == 0


def test_a_column_has_one_use_and_not_too_many_codes(tmp_path):
    frame = table().assign(id=np.arange(ROWS) * 3)
    with pytest.raises(DataError, match="were given twice: zip"):
        load(frame, target="y", categories="zip", drop="zip")
    with pytest.raises(DataError, match=r"called zop\. Did you mean zip\?"):
        load(frame, target="y", categories=["zop"])
    with pytest.raises(DataError, match="id"):
        load(frame, target="y", categories="id")
    assert len(load(frame, target="y", categories="zip,flag", drop="id").encoder.categories[0]) == 3


def test_what_another_program_writes_is_what_is_known():
    assert as_known(["1.0", "7", "True", "x", "1e0"], ["1", "007", "true"]) == [
        *("1", "007", "true"),
        *("x", "1"),
    ]
    assert as_known(["7"], ["007", "07"]) == ["7"]  # either may be meant
    assert as_known(["12345678901234567891"], ["12345678901234567890"]) == ["12345678901234567891"]


@given(st.lists(st.text("019.-e xT", min_size=1), unique=True), st.data())
def test_what_is_known_is_what_it_is(known, data):
    words = data.draw(st.lists(st.sampled_from(known))) if known else []
    assert as_known(words, known) == words


def test_numbers_for_codes_of_a_table_of_words_are_found_without_a_warning():
    words = table().assign(zip=["007", "011", "100"] * (ROWS // 3))
    data = load(words, target="y", categories="zip")
    with warnings.catch_warnings(action="error"):
        found = data.encode(words.assign(zip=words["zip"].astype(int)))
    np.testing.assert_array_equal(found, data.encode(words))


@pytest.mark.parametrize("form", ["frame", "arrow", "file"])
def test_numbers_that_are_declared_as_categories_are(tmp_path, form):
    frame = table()
    frame = frame.assign(zip=pd.Categorical(frame["zip"]), flag=pd.Categorical(frame["flag"]))
    frame.to_feather(tmp_path / "t.arrow", compression="uncompressed")
    sources = {"frame": frame, "arrow": pa.table(frame), "file": tmp_path / "t.arrow"}
    data = load(sources[form], target="y", drop="day")
    assert data.encoder.columns[:3] == ("zip", "grade", "flag")
    assert data.encoder.categories[:3] == (("1011", "333", "9"), (), ("false", "true"))
    hot = data.encode(frame)[:, :3]
    np.testing.assert_array_equal(hot[:, 2], frame["zip"] == 9)
    np.testing.assert_array_equal(hot, data.encode(table())[:, :3])


def test_classes_may_be_declared_as_categories(tmp_path):
    frame = table().drop(columns="y").assign(y=pd.Categorical([1, 2, 3] * 30))
    frame.to_feather(tmp_path / "t.arrow", compression="uncompressed")
    for source in (frame, tmp_path / "t.arrow"):
        data = load(source, target="y", drop="day")
        assert (data.task, data.target_names) == ("classes", ("1", "2", "3"))
