"""Data of published faults: every recipe has the shape, the range and the classes of its text."""

import numpy as np
import pytest
from benchmarks.faults.preparing import PREPARATIONS, prepare_inputs, prepare_targets
from benchmarks.faults.recipes import RECIPES, make_data
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whygrad.errors import OptionError

SHAPES = {
    "and4": ((4, 2), (4,)),
    "avg2": ((4000, 2), (4000,)),
    "bcancer": ((569, 30), (569,)),
    "bitperm": ((256, 8), (256, 8)),
    "blob": ((700, 2), (700,)),
    "cars": ((963, 5), (963,)),
    "circle": ((700, 2), (700,)),
    "const128": ((2000, 128), (2000,)),
    "copycoord": ((4000, 30), (4000,)),
    "diabetes_raw": ((442, 10), (442,)),
    "digits": ((1797, 64), (1797,)),
    "five_rows": ((5, 1), (5,)),
    "grid10": ((100, 2), (100, 2)),
    "heart": ((413, 9), (413,)),
    "iris": ((150, 4), (150,)),
    "letters21": ((21, 3), (21,)),
    "lin200": ((200, 1), (200,)),
    "lin3_big": ((4000, 3), (4000,)),
    "lin8": ((8, 1), (8,)),
    "linT": ((100, 2), (100,)),
    "merged5": ((5, 5), (5, 4)),
    "mkc": ((1000, 20), (1000,)),
    "mkc5": ((1000, 5), (1000,)),
    "mkr": ((1000, 10), (1000,)),
    "mkr1": ((1000, 5), (1000,)),
    "mkr_pos_dist": ((1000, 28), (1000, 6)),
    "mnist": ((1797, 64), (1797,)),
    "mnist255": ((1797, 64), (1797,)),
    "mpg": ((392, 9), (392,)),
    "mpg10": ((392, 9), (392,)),
    "mult66": ((44, 2), (44,)),
    "multilabel": ((4000, 20), (4000, 3)),
    "multilabel1": ((1000, 4), (1000,)),
    "negreg200": ((200, 2), (200,)),
    "packets": ((21, 11), (21,)),
    "pima": ((768, 8), (768,)),
    "poly5": ((200, 1), (200,)),
    "quad": ((201, 1), (201,)),
    "quad_noise": ((50, 1), (50,)),
    "randint50": ((50, 10), (50,)),
    "rows11": ((11, 3), (11,)),
    "sin_dir": ((299, 2), (299,)),
    "sine": ((1000, 1), (1000,)),
    "sq4": ((4, 2), (4,)),
    "sq_lin": ((1000, 1), (1000,)),
    "thresh1d": ((1000, 1), (1000,)),
    "thresh1d_file": ((1000, 1), (1000,)),
    "toy2": ((200, 2), (200,)),
    "two_points": ((2, 1), (2,)),
    "x4": ((400, 1), (400,)),
    "xor4": ((4, 2), (4,)),
    "xor6": ((6, 2), (6,)),
}
# How many samples each class has: of the recipe itself, or, for a stand-in, of the file it stands
# for; a stand-in draws its labels, so the first class may be off by a share of the samples.
CLASSES = {
    "and4": ((3, 1), 0),
    "xor4": ((2, 2), 0),
    "xor6": ((4, 2), 0),
    "two_points": ((1, 1), 0),
    "bcancer": ((212, 357), 0),
    "iris": ((50, 50, 50), 0),
    "rows11": ((2, 3, 3, 3), 0),
    "const128": ((1000, 1000), 0),
    "toy2": ((100, 100), 0),
    "sin_dir": ((0, 299), 0),
    "pima": ((500, 268), 0.01),
    "thresh1d_file": ((491, 509), 0.05),
    "heart": ((267, 146), 0.05),
}
# The least and the greatest target, as the recipe gives them.
RANGES = {
    "avg2": (0.5, 99.5),
    "cars": (500, 30_000),
    "diabetes_raw": (25, 346),
    "mpg": (9, 47),
    "mpg10": (90, 470),
    "mult66": (6, 72),
    "quad": (3, 103),
    "randint50": (600, 3999),
    "sine": (-1, 1),
    "sq_lin": (0, 100),
    "x4": (0, 1e8),
    "mkr_pos_dist": (0, 1),
}
GIVEN = [
    ("mkc", {"n": 500, "d": 5}, (500, 5), (500,), 2),
    ("mkc", {"n": 1000, "d": 33, "k": 20, "inf": 20}, (1000, 33), (1000,), 20),
    ("mkc", {"n": 1000, "d": 283, "k": 4, "inf": 4}, (1000, 283), (1000,), 4),
    ("mkr", {"n": 200, "d": 16}, (200, 16), (200,), 200),
    ("mkr", {"n": 50, "d": 4, "k": 3}, (50, 4), (50, 3), 150),
    ("toy2", {"n": 60}, (60, 2), (60,), 2),
    ("const128", {"n": 7}, (14, 128), (14,), 2),
    ("mnist", {"n": 100}, (100, 64), (100,), 10),
    ("mnist255", {"n": 100}, (100, 64), (100,), 10),
]
columns = arrays(
    float,
    st.tuples(st.integers(2, 9), st.integers(1, 4)),
    elements=st.floats(-1e6, 1e6).map(lambda value: round(value, 2)),
)


def test_every_recipe_has_a_shape_here():
    assert sorted(SHAPES) == sorted(RECIPES)


@pytest.mark.parametrize("recipe", SHAPES)
def test_a_recipe_has_the_shape_of_its_text_and_is_finite(recipe):
    x, y = make_data(recipe)
    assert (x.shape, y.shape) == SHAPES[recipe]
    assert x.dtype == float
    assert np.isfinite(x).all() and np.isfinite(y).all()


@pytest.mark.parametrize("recipe", SHAPES)
def test_a_recipe_gives_the_same_again_and_owns_its_arrays(recipe):
    (x, y), again = make_data(recipe), make_data(recipe)
    assert np.array_equal(x, again[0]) and np.array_equal(y, again[1])
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize("recipe", CLASSES)
def test_classes_are_as_frequent_as_the_text_says(recipe):
    counts, share = CLASSES[recipe]
    y = make_data(recipe)[1]
    assert y.dtype.kind == "i"
    found = np.bincount(y)
    assert len(found) == len(counts)
    assert np.abs(found - counts).max() <= share * len(y)


@pytest.mark.parametrize("recipe", RANGES)
def test_targets_stay_in_the_range_of_the_text(recipe):
    low, high = RANGES[recipe]
    y = make_data(recipe)[1]
    assert low <= y.min() < y.max() <= high
    assert y.max() - y.min() > 0.6 * (high - low)


@pytest.mark.parametrize(("recipe", "args", "inputs", "targets", "different"), GIVEN)
def test_arguments_set_the_numbers_of_rows_columns_and_classes(
    recipe, args, inputs, targets, different
):
    x, y = make_data(recipe, args)
    assert (x.shape, y.shape) == (inputs, targets)
    assert len(np.unique(y)) == different


def test_formulas_hold_row_by_row():
    (a, mean), (b, line), (c, first) = (make_data(name) for name in ("avg2", "lin3_big", "linT"))
    assert np.array_equal(mean, (a[:, 0] + a[:, 1]) / 2)
    assert np.allclose(line, 2 * b[:, 0] + b[:, 1] + 0.5 * b[:, 2] + 2.2)
    assert np.array_equal(c[:, 1], np.ones(100))
    assert ((first - 2 * c[:, 0] - 4 >= 0) & (first - 2 * c[:, 0] - 4 <= 10)).all()
    x, copied = make_data("copycoord")
    assert np.array_equal(copied, x[:, 1])
    x, y = make_data("mult66")
    assert np.array_equal(y, 2 * x[:, 1] - x[:, 0])


def test_the_polynomial_is_the_one_of_the_text():
    x, y = make_data("poly5")
    t = x[40, 0]
    assert t == pytest.approx(2.0) and x[-1, 0] == pytest.approx(9.95)
    terms = (15.72807 * 2, -7.273893 * 4, 1.4912 * 8, -0.1384615 * 16, 0.00474359 * 32)
    assert y[40] == pytest.approx(0.05 * sum(terms))


def test_bit_patterns_are_all_there_and_their_order_alone_differs():
    x, y = make_data("bitperm")
    assert len(np.unique(x, axis=0)) == 256
    assert np.array_equal(np.unique(x, axis=0), np.unique(y, axis=0))
    assert not np.array_equal(x, y)


def test_packets_have_two_huge_columns_and_five_flags():
    x, y = make_data("packets")
    assert ((x[:, 4:6] >= 3.232e9) & (x[:, 4:6] <= 3.233e9)).all()
    assert np.array_equal(np.unique(x[:, 6:]), [0, 1])
    assert np.array_equal(y, x[:, 0] > 30_000)


def test_the_columns_of_mpg_are_those_of_the_text():
    x, y = make_data("mpg")
    assert np.array_equal(np.unique(x[:, 0]), [4, 6, 8])
    assert np.array_equal(np.unique(x[:, 5]), np.arange(70, 83))
    assert np.array_equal(x[:, 6:].sum(axis=1), np.ones(392))
    assert np.allclose(x[:, 6:].mean(axis=0), (0.62, 0.18, 0.2), atol=0.05)
    assert np.array_equal(make_data("mpg10")[1], 10 * y)


def test_the_text_s_other_figures_hold():
    heart, letters = make_data("heart")[0], make_data("letters21")
    assert np.array_equal(np.unique(heart[:, 4]), [0, 1])
    assert heart.min() == 0
    assert np.array_equal(letters[1], letters[0].sum(axis=1) > 202)
    assert np.array_equal(np.unique(letters[0]), np.arange(65, 71))
    assert np.allclose(make_data("mkr_pos_dist")[1].sum(axis=1), 1)
    assert (make_data("mnist")[0].max(), make_data("mnist255")[0].max()) == (1, 255)
    rows = make_data("rows11")[0]
    assert 0 <= rows.min() and rows.max() <= 7


def test_an_unknown_recipe_is_named_with_the_nearest():
    with pytest.raises(OptionError) as caught:
        make_data("pimas")
    known = ", ".join(RECIPES)
    assert str(caught.value) == (
        f"There is no recipe called pimas. Did you mean pima? Known: {known}."
    )


def test_an_argument_that_a_recipe_does_not_take_is_refused():
    with pytest.raises(OptionError) as caught:
        make_data("mkc", {"m": 3})
    assert str(caught.value) == (
        "Recipe mkc: there is no argument called m. Arguments that it takes: n, d, k, inf."
        " Take m out of the case, or correct it."
    )
    with pytest.raises(OptionError) as caught:
        make_data("iris", {"n": 3})
    assert str(caught.value) == (
        "Recipe iris: there is no argument called n. Arguments that it takes: –."
        " Take n out of the case, or correct it."
    )


@given(columns)
def test_every_preparation_keeps_the_shape_and_stays_finite(values):
    for name in PREPARATIONS:
        for prepared in (prepare_inputs(values, name), prepare_targets(values, name, 0)):
            assert prepared.shape == values.shape
            assert np.isfinite(prepared).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", [[1, 5], [3, 5], [5, 5]]),
        ("standard", [[-(1.5**0.5), 0], [0, 0], [1.5**0.5, 0]]),
        ("minmax", [[0, 0], [0.5, 0], [1, 0]]),
        ("minmax01", [[0, 0], [0.5, 0], [1, 0]]),
        ("minmax-11", [[-1, -1], [0, -1], [1, -1]]),
        ("double_minmax", [[0, 0], [0.125, 0], [0.25, 0]]),
        ("div255", [[1 / 255, 5 / 255], [3 / 255, 5 / 255], [5 / 255, 5 / 255]]),
        ("div100", [[0.01, 0.05], [0.03, 0.05], [0.05, 0.05]]),
    ],
)
def test_a_preparation_works_on_each_column_alone(name, expected):
    values = np.array([[1, 5], [3, 5], [5, 5]])
    assert np.allclose(prepare_inputs(values, name), expected)
    assert np.allclose(prepare_targets(values, name, 0), expected)
    assert np.allclose(prepare_targets(values[:, 0], name, 0), np.array(expected)[:, 0])


def test_onehot_gives_each_sample_one_row():
    labels = np.array([2, 0])
    assert prepare_targets(labels, "onehot", 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert prepare_targets(labels[:, None], "onehot", 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    several = prepare_targets(np.array([[0, 1], [1, 1], [0, 0]]), "onehot", 2)
    assert several.tolist() == [[1, 0, 0, 1], [0, 1, 0, 1], [1, 0, 1, 0]]


def test_an_unknown_preparation_is_named_with_the_nearest():
    known = "none, standard, minmax, minmax01, minmax-11, double_minmax, div255, div100"
    with pytest.raises(OptionError) as caught:
        prepare_inputs(np.ones((2, 2)), "standart")
    assert str(caught.value) == (
        f"There is no preparation called standart. Did you mean standard? Known: {known}."
    )
    with pytest.raises(OptionError) as caught:
        prepare_targets(np.ones(2), "onehott", 2)
    assert str(caught.value) == (
        f"There is no preparation called onehott. Did you mean onehot? Known: {known}, onehot."
    )
