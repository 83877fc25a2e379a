"""Arrays: what is given is what is trained, and what is wrong is named whole."""

import re

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from whygrad.data import from_arrays
from whygrad.errors import DataError, OptionError
from whygrad.words import speaking

X = np.arange(40.0).reshape(20, 2)
Y = np.arange(20) % 2
HUGE = np.where(X == 5, 1e39, X)
HOLE = np.where(X == 5, np.nan, X)

PROBLEMS = {
    "rows of different lengths": (
        ([[1, 2], [3]], [0, 1]),
        {},
        "x must be a regular array, but its rows differ in length. Give each row the same number "
        "of entries.",
    ),
    "one dimension": (
        (X[:, 0], Y),
        {},
        "The inputs x must be a table (samples, features) or images (samples, height, width), got "
        "an array of shape (20,). For a single feature use x.reshape(-1, 1).",
    ),
    "no features": (
        (X[:, :0], Y),
        {},
        "The inputs x must be a table (samples, features) or images (samples, height, width), got "
        "an array of shape (20, 0). For a single feature use x.reshape(-1, 1).",
    ),
    "four dimensions": (
        (X.reshape(20, 1, 2, 1), Y),
        {},
        "The inputs x must be a table (samples, features) or images (samples, height, width), got "
        "an array of shape (20, 1, 2, 1). For a single feature use x.reshape(-1, 1).",
    ),
    "targets of three dimensions": (
        (X, Y.reshape(20, 1, 1)),
        {},
        "The targets y must be a list (samples,) or a table (samples, targets), got an array of "
        "shape (20, 1, 1). Reshape it.",
    ),
    "a single target": (
        (X, 1.0),
        {},
        "The targets y must be a list (samples,) or a table (samples, targets), got an array of "
        "shape (). Reshape it.",
    ),
    "lengths": (
        (X, Y[:19]),
        {"sample_weight": np.ones(18)},
        "All arrays must have one entry for each sample, got lengths x: 20, y: 19, "
        "sample_weight: 18. Leave out what has no counterpart.",
    ),
    "objects": (
        (np.full((20, 2), None), Y),
        {},
        "x must hold real numbers, but its type is object. Convert it with astype(float), or pass "
        "a DataFrame to load().",
    ),
    "text": (
        (X.astype(str), Y),
        {},
        "x must hold real numbers, but its type is text. Convert it with astype(float), or pass a "
        "DataFrame to load().",
    ),
    "complex": (
        (X, Y + 1j),
        {},
        "y must hold real numbers, but its type is complex. Convert it with astype(float), or pass "
        "a DataFrame to load().",
    ),
    "mixed classes": (
        (X, np.array(["u", 1.5] * 10, object)),
        {},
        "y must hold real numbers, but its type is object. Convert it with astype(float), or pass "
        "a DataFrame to load().",
    ),
    "not a number": (
        (HOLE, Y),
        {},
        "x must hold finite numbers, but x[2, 1] is NaN; values like this: 1. Replace them or "
        "leave the samples out.",
    ),
    "masked": (
        (np.ma.masked_equal(X, 5), Y),
        {},
        "x must hold finite numbers, but x[2, 1] is NaN; values like this: 1. Replace them or "
        "leave the samples out.",
    ),
    "infinity in the targets": (
        (X, np.where(Y, np.inf, 0.5)),
        {},
        "y must hold finite numbers, but y[1] is ∞; values like this: 10. Replace them or leave "
        "the samples out.",
    ),
    "too large": (
        (HUGE, Y),
        {},
        "x must hold numbers up to 3.403e38, the largest float32, but x[2, 1] is 1e39; values like "
        "this: 1. Use another unit or a logarithm.",
    ),
    "too large for a double": (
        (np.where(X == 5, np.longdouble("1e400"), X), Y),
        {},
        "x must hold numbers up to 3.403e38, the largest float32, but x[2, 1] is ∞; values like "
        "this: 1. Use another unit or a logarithm.",
    ),
    "pandas NA": (
        (X, pd.Series([True, True, pd.NA, False] * 5, dtype="boolean")),
        {},
        "The target y must have a value for every sample, but it is missing in zero-based row 2. "
        "Leave the sample out.",
    ),
    "missing class": (
        (X, ["u", "v", None, "u"] * 5),
        {},
        "The target y must have a value for every sample, but it is missing in zero-based row 2. "
        "Leave the sample out.",
    ),
    "no samples": (
        (X[:0], Y[:0]),
        {"validation": 0, "test": 0},
        "At least 5 samples with a target are needed to divide them into parts, got 0. Add "
        "samples, or train on all of them with validation=0 and test=0.",
    ),
    "few samples": (
        (X[:4], Y[:4]),
        {},
        "At least 5 samples with a target are needed to divide them into parts, got 4. Add "
        "samples, or train on all of them with validation=0 and test=0.",
    ),
    "feature names": (
        (X, Y),
        {"feature_names": ["a"]},
        "The inputs need 2 names, one for each feature, got 1. Give one name a column.",
    ),
    "feature names twice": (
        (X, Y),
        {"feature_names": ["a", "a"]},
        "Each column needs a name of its own, but these come more than once: a. Rename or remove "
        "them.",
    ),
    "target names": (
        (X, Y),
        {"target_names": ["a", "b", "c"]},
        "The targets need 2 names, one for each class, label or number, got 3. Give the names of "
        "those that occur, in their order.",
    ),
    "image shape": (
        (X, Y),
        {"image_shape": (2, 2)},
        "The image shape (2, 2) must have as many pixels as the inputs: 2. Give (height, width).",
    ),
    "weights of two dimensions": (
        (X, Y),
        {"sample_weight": np.ones((20, 1))},
        "The sample weights must be one number for each sample, got an array of shape (20, 1). "
        "Give an array of one dimension.",
    ),
    "negative weights": (
        (X, Y),
        {"sample_weight": -np.ones(20)},
        "The sample weights in sample_weight must be at least 0, and not all 0. Write 0 to leave a "
        "sample out.",
    ),
    "weights outside training": (
        (X, Y),
        {"sample_weight": np.arange(20) == 0, "seed": 7},
        "The sample weights of the training part are all 0, so nothing can be learned. Use another "
        "seed, or give more samples a weight.",
    ),
    "one class": (
        (X, Y * 0),
        {},
        "The target y must take at least two values, but it is 0 in every sample. Choose another "
        "target, or add samples.",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_each_problem_is_named_whole(case):
    (x, y), options, message = PROBLEMS[case]
    with pytest.raises(DataError) as caught:
        from_arrays(x, y, **options)
    assert str(caught.value) == (f"arrays cannot be used yet. Problems found: 1.\n- {message}")
    with speaking("zh"):
        assert re.search("[一-鿿]", str(caught.value.problems[0]))


def test_all_problems_come_at_once():
    with pytest.raises(DataError) as caught:
        from_arrays(HOLE, Y[:3] + 1j, feature_names=["a"], sample_weight=[-1.0] * 20)
    assert [problem.key for problem in caught.value.problems] == [
        "error.data_array_not_finite",
        "error.data_array_kind",
        "error.data_weight_values",
        "error.data_lengths",
    ]


def test_an_unknown_task():
    with pytest.raises(OptionError) as caught:
        from_arrays(X, Y, task="class")
    assert str(caught.value) == (
        "There is no task called class. Did you mean classes? Known: classes, binary, labels, "
        "numbers."
    )


@pytest.mark.parametrize(
    ("y", "options", "task", "names"),
    [
        (Y, {}, "binary", ("0", "1")),
        (Y == 1, {}, "binary", ("false", "true")),
        (Y * 1.0, {}, "binary", ("0", "1")),
        (Y, {"target_names": ["no", "yes"]}, "binary", ("no", "yes")),
        (np.arange(20) % 4, {}, "classes", ("0", "1", "2", "3")),
        (np.array(["u", "v", "w", "w"] * 5), {}, "classes", ("u", "v", "w")),
        (["u", "v"] * 10, {}, "binary", ("u", "v")),
        (X[:, 0], {}, "numbers", ("y",)),
        (X[:, :1], {}, "numbers", ("y",)),
        (X, {}, "numbers", ("y0", "y1")),
        (np.eye(4, dtype=int)[np.arange(20) % 4], {}, "classes", ("y0", "y1", "y2", "y3")),
        (np.eye(4)[np.arange(20) % 4], {"task": "labels"}, "labels", ("y0", "y1", "y2", "y3")),
        (np.stack([Y, Y], axis=1), {"target_names": ["p", "q"]}, "labels", ("p", "q")),
        (np.arange(20) % 4, {"task": "numbers"}, "numbers", ("y",)),
        (pd.Series(Y, name="bought"), {"task": "numbers"}, "numbers", ("bought",)),
    ],
)
def test_the_task_is_found_out_from_the_targets(y, options, task, names):
    data = from_arrays(X, y, **options)
    assert (data.task, data.target_names) == (task, names)
    assert data.n_out == (1 if task == "binary" else len(names))


def test_class_indices_follow_the_order_of_the_values():
    data = from_arrays(X, np.array([7, 3, 5, 3] * 5), validation=0, test=0)
    assert data.target_names == ("3", "5", "7")
    np.testing.assert_array_equal(data.train.y, [2, 0, 1, 0] * 5)
    assert list(data.decode(data.train.y[:3])) == ["7", "3", "5"]


def test_names_may_be_arrays_as_scikit_learn_gives_them():
    names = np.array(["p", "q"])
    data = from_arrays(X, Y, feature_names=names, target_names=names, image_shape=[1, 2])
    assert (data.feature_names, data.target_names) == (("p", "q"), ("p", "q"))
    assert data.image_shape == (1, 2)


def test_nothing_is_scaled_unless_it_is_asked_for():
    x, y = X * 1000 + 3, X[:, 0] * 50 - 7
    given = from_arrays(x, y)
    np.testing.assert_array_equal(given.test.x, x[given.test.rows].astype(np.float32))
    np.testing.assert_array_equal(given.test.y[:, 0], y[given.test.rows].astype(np.float32))
    scaled = from_arrays(x, y, standardize=True)
    np.testing.assert_allclose(scaled.train.x.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.train.x.std(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(scaled.train.y.std(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(scaled.decode(scaled.test.y)[:, 0], y[scaled.test.rows], rtol=1e-6)


@pytest.mark.parametrize(
    "given", [jnp.asarray(X, jnp.float32), X.tolist(), X.astype(int), pd.DataFrame(X)]
)
def test_arrays_of_every_kind_give_the_same_numbers(given):
    data = from_arrays(given, jnp.asarray(Y))
    np.testing.assert_array_equal(data.train.x, X[data.train.rows].astype(np.float32))
    np.testing.assert_array_equal(data.train.y, Y[data.train.rows])


def test_images_are_flattened_and_keep_their_shape():
    images = np.arange(240.0).reshape(20, 3, 4)
    data = from_arrays(images, Y)
    assert (data.image_shape, data.n_in) == ((3, 4), 12)
    np.testing.assert_array_equal(data.encode(images[:2]), images[:2].reshape(2, 12))


def test_the_four_samples_of_xor_can_all_be_trained():
    data = from_arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], validation=0, test=0)
    assert data.task == "binary"
    np.testing.assert_array_equal(data.train.y, [0, 1, 1, 0])


def test_a_single_sample_can_be_trained():
    data = from_arrays([[1.0]], [[0.0]], validation=0, test=0)
    assert (data.task, data.train.x.tolist(), data.train.y.tolist()) == ("numbers", [[1]], [[0]])


def test_weights_stay_with_their_samples():
    data = from_arrays(X, Y, sample_weight=np.arange(20) + 1)
    for part in data.parts.values():
        np.testing.assert_array_equal(part.sample_weight, part.rows + 1)


def test_the_arrays_given_are_copied_and_those_returned_are_read_only():
    x = X.astype(np.float32)
    data = from_arrays(x, Y, validation=0, test=0)
    x[0, 0] = 99
    assert data.train.x[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        data.train.x[0, 0] = 1


def test_what_was_decided_about_the_target_is_noted():
    classes = from_arrays(X, np.arange(20) % 3, validation=0)
    assert [str(note) for note in classes.notes] == [
        'The target y has 3 different whole numbers, taken as classes. Use task="numbers" if it '
        "is a quantity."
    ]
    one_hot = from_arrays(X, np.eye(4)[np.arange(20) % 4], validation=0)
    assert [str(note) for note in one_hot.notes] == [
        "Every row of the 4 targets holds a single 1, so they are taken as 4 classes. Use "
        'task="labels" if several can hold at once.'
    ]


def test_the_fingerprint_changes_with_any_number_or_name():
    first = from_arrays(X, Y)
    assert first.fingerprint == from_arrays(X, Y).fingerprint
    others = [
        from_arrays(np.where(X == 5, 5.5, X), Y),
        from_arrays(X, 1 - Y),
        from_arrays(X, Y, feature_names=["a", "b"]),
        from_arrays(X, Y, seed=1),
        from_arrays(X, Y, sample_weight=np.ones(20)),
    ]
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 6


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize(("scaling", "high"), [("unit", [1, 0]), ("none", [24, 7])])
def test_numbers_to_predict_may_be_scaled_apart_from_the_inputs(standardize, scaling, high):
    y = np.stack([np.arange(20.0) + 5, np.full(20, 7.0)], axis=1)
    data = from_arrays(X, y, standardize=standardize, target_scaling=scaling, validation=0, test=0)
    np.testing.assert_allclose(data.train.y.max(axis=0), high, atol=1e-6)
    back = data.train.y * data.encoder.target_scale + data.encoder.target_mean
    np.testing.assert_allclose(np.sort(back, axis=0), y, rtol=1e-6)
    assert (abs(data.train.x.mean()) < 1e-6) == standardize


def test_an_unknown_scaling_of_targets_is_told():
    with pytest.raises(OptionError, match="unti"):
        from_arrays(X, np.arange(20.0), target_scaling="unti")
