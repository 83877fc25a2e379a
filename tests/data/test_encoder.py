"""The encoder: equal to scikit-learn's, fitted on the training part only, clear about new data."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.data import from_arrays, load
from whygrad.errors import InputError, RunWarning, ShapeError
from whygrad.words import speaking


def frame(rows=40, seed=0) -> pd.DataFrame:
    """Return a table with numbers, missing numbers, words and missing words."""
    generator = np.random.default_rng(seed)
    size = generator.normal(10, 3, rows)
    size[generator.random(rows) < 0.2] = np.nan
    color = generator.choice(np.array(["red", "blue", None], object), rows)
    age = generator.integers(0, 90, rows)
    return pd.DataFrame({"size": size, "color": color, "age": age, "y": np.arange(rows) % 2})


@given(seed=st.integers(0, 200))
def test_it_equals_imputer_scaler_and_one_hot_encoder_of_scikit_learn(seed):
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table = frame(seed=seed)
    data = load(table, target="y")
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(
        SimpleImputer(missing_values=None, strategy="constant", fill_value="?"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    theirs = make_column_transformer(
        (numbers, ["size"]), (words, ["color"]), (StandardScaler(), ["age"])
    )
    table["color"] = table["color"].astype(object).where(table["color"].notna(), None)
    theirs.fit(table.iloc[data.train.rows])
    for part in data.parts.values():
        expected = theirs.transform(table.iloc[part.rows])
        np.testing.assert_allclose(part.x, expected, rtol=1e-6, atol=1e-6)


def test_validation_and_test_rows_change_nothing_in_the_encoder():
    table = frame()
    before = load(table, target="y")
    outside = np.concatenate([before.validation.rows, before.test.rows])
    table.loc[outside, "size"] = 1e6
    table.loc[outside, "age"] = 999
    table.loc[outside, "color"] = "green"
    after = load(table, target="y")
    np.testing.assert_array_equal(before.train.rows, after.train.rows)
    np.testing.assert_array_equal(before.train.x, after.train.x)
    for name in ("fill", "mean", "scale"):
        left, right = getattr(before.encoder, name), getattr(after.encoder, name)
        np.testing.assert_array_equal(left, right)
    assert after.feature_names == ("size", "color=?", "color=blue", "color=red", "age")
    np.testing.assert_array_equal(after.test.x[:, 1:4], 0)


def test_targets_are_scaled_by_the_training_part_only():
    x, y = np.arange(40.0)[:, None], np.arange(40.0) ** 2
    data = from_arrays(x, y, standardize=True)
    assert data.encoder.target_mean == pytest.approx(y[data.train.rows].mean())
    assert data.encoder.target_scale == pytest.approx(y[data.train.rows].std())


def raw_kinds(rows):
    table = frame().drop(columns="y").iloc[rows]
    as_lists = {name: [None if v != v else v for v in table[name]] for name in table}
    return [table, table[["age", "size", "color"]], as_lists, table.to_numpy(object)]


@pytest.mark.parametrize("kind", range(4))
def test_raw_rows_of_every_kind_are_encoded_bit_for_bit_like_the_parts(kind):
    data = load(frame(), target="y")
    for part in data.parts.values():
        np.testing.assert_array_equal(data.encode(raw_kinds(part.rows)[kind]), part.x)


def test_unknown_categories_are_zeros():
    data = load(frame(), target="y")
    with pytest.warns(RunWarning) as warned:
        encoded = data.encode({"size": [10.0], "color": ["green"], "age": [30]})
    np.testing.assert_array_equal(encoded[:, 1:4], 0)
    assert warned[0].filename == __file__
    assert str(warned[0].message) == (
        "Categories in color that training never saw, in 1 row: green (zero-based row 0). All "
        "inputs of the column are 0 there."
    )


NEW = {"size": [10.0, 11.0], "color": ["red", "blue"], "age": [30, 40]}
PROBLEMS = {
    "missing column": (
        {name: NEW[name] for name in ("size", "color")},
        "Some columns that the network was trained with are missing: age. The columns given are "
        "size, color. Add or rename them.",
    ),
    "width": (
        np.zeros((2, 4)),
        "Samples must be a table of 3 columns, got an array of shape (2, 4). Pass an array of "
        "shape (samples, 3).",
    ),
    "dimensions": (
        np.zeros(3),
        "Samples must be a table of 3 columns, got an array of shape (3,). Pass an array of shape "
        "(samples, 3).",
    ),
    "missing column with a near name": (
        {("Age" if name == "age" else name): cells for name, cells in NEW.items()},
        "Some columns that the network was trained with are missing: age. The columns given are "
        "size, color, Age; the nearest names are Age. Add or rename them.",
    ),
    "nothing but text": (
        NEW | {"age": [None, "old"]},
        "Column age must hold numbers as in training, but zero-based row 1 holds the text old. "
        "Correct the value.",
    ),
    "infinite": (
        NEW | {"age": [30, np.inf]},
        "Column age must hold finite numbers, but zero-based row 1 holds ∞. Replace the value.",
    ),
    "too large": (
        NEW | {"age": [30, 1e300]},
        "Column age must stay below 1e15 in size as the network sees it, since products of larger "
        "numbers overflow float32, but zero-based row 1 holds 1e300. Check the value and its unit, "
        "use a logarithm, or have the column standardised.",
    ),
    "lengths": (
        NEW | {"age": [30]},
        "All columns must have the same length, got size: 2, color: 2, age: 1. Give one value for "
        "each sample.",
    ),
    "nested": (
        NEW | {"age": [[30], [40]]},
        "Column age must be a list of single values, got an array of shape (2, 1). Give each of "
        "its parts a column of its own.",
    ),
    "dates": (
        NEW | {"age": np.array(["2024-01-01", "2024-01-02"], "datetime64[D]")},
        "Column age must hold numbers as in training, but zero-based row 0 holds the text "
        "2024-01-01. Correct the value.",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_new_data_that_does_not_fit_is_named_whole(case):
    raw, message = PROBLEMS[case]
    with pytest.raises(InputError) as caught:
        load(frame(), target="y").encode(raw)
    assert str(caught.value) == message
    with speaking("zh"):
        assert re.search("[一-鿿]", str(caught.value))


def test_numbers_written_as_text_are_numbers():
    data = load(frame(), target="y")
    written = NEW | {"age": ["30", "40"]}
    np.testing.assert_array_equal(data.encode(written), data.encode(NEW))


def test_targets_come_back_in_words_and_units():
    classes = load("iris")
    assert list(classes.decode([2, 0])) == ["virginica", "setosa"]
    assert list(classes.decode(np.array([[1], [1]]))) == ["versicolor", "versicolor"]
    labels = from_arrays(np.arange(20.0)[:, None], [[0, 0], [1, 1]] * 10, target_names=["p", "q"])
    assert labels.decode([[1, 0], [0, 0], [1, 1]]) == [("p",), (), ("p", "q")]
    numbers = from_arrays(np.arange(20.0)[:, None], np.arange(20.0), standardize=True)
    encoder = numbers.encoder
    np.testing.assert_allclose(numbers.decode([0.0, 1.0])[0, 0], encoder.target_mean[0])
    np.testing.assert_allclose(
        numbers.decode([[1.0]])[0, 0], encoder.target_mean[0] + encoder.target_scale[0]
    )


@pytest.mark.parametrize("outputs", [[3], [0.5], [-1], [[0.1, 0.2, 0.7]]])
def test_outputs_that_are_no_classes(outputs):
    with pytest.raises(ShapeError) as caught:
        load("iris").decode(outputs)
    assert str(caught.value) == (
        "Classes must be whole numbers from 0 to 2, one for each sample, got others in an array of "
        f"shape {np.shape(outputs)}. Pass the class numbers, not the outputs."
    )
