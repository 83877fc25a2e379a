"""The built-in sets: the same numbers as scikit-learn's, and generated ones that are worth it."""

import numpy as np
import pytest

from whygrad.data import BUILTIN, from_arrays, load
from whygrad.errors import OptionError
from whygrad.words import LANGUAGES, catalogue

SHIPPED = ["digits", "iris", "wine", "breast_cancer", "diabetes"]
GENERATED = [name for name, chosen in BUILTIN.items() if chosen.is_generated]


def theirs(name):
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}
    return getattr(datasets, f"load_{name}")(**options)


@pytest.mark.parametrize("name", SHIPPED)
def test_files_read_directly_equal_what_scikit_learn_loads(name):
    x, y = BUILTIN[name].make(0, 0.0, np.random.default_rng(0))
    loaded = theirs(name)
    np.testing.assert_array_equal(x, loaded.data)
    np.testing.assert_array_equal(y.reshape(-1), loaded.target)


@pytest.mark.parametrize("name", SHIPPED)
def test_without_the_packaged_files_scikit_learn_loads_them(name, monkeypatch, tmp_path):
    expected = load(name).fingerprint
    monkeypatch.setattr("whygrad.data.builtin.packaged", lambda file: tmp_path / file)
    assert load(name).fingerprint == expected


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_names_are_those_of_scikit_learn(name):
    data, loaded = load(name), theirs(name)
    assert data.feature_names == tuple(loaded.feature_names)
    if name != "diabetes":
        assert data.target_names == tuple(loaded.target_names)


@pytest.mark.parametrize(
    ("name", "task", "n_in", "n_out", "samples"),
    [
        ("digits", "classes", 64, 10, 1797),
        ("iris", "classes", 4, 3, 150),
        ("wine", "classes", 13, 3, 178),
        ("breast_cancer", "binary", 30, 1, 569),
        ("diabetes", "numbers", 10, 1, 442),
        ("spiral", "classes", 2, 3, 600),
        ("circles", "binary", 2, 1, 500),
        ("moons", "binary", 2, 1, 500),
        ("xor", "binary", 2, 1, 500),
        ("checkerboard", "binary", 2, 1, 1200),
        ("linear", "numbers", 2, 1, 300),
    ],
)
def test_task_and_shapes(name, task, n_in, n_out, samples):
    data = load(name)
    assert (data.task, data.n_in, data.n_out) == (task, n_in, n_out)
    assert sum(len(part) for part in data.parts.values()) == samples
    for part in data.parts.values():
        assert part.x.shape == (len(part), n_in)
        assert part.x.dtype == np.float32
        numbers = (np.dtype(np.float32), (len(part), 1))
        classes = (np.dtype(np.int32), (len(part),))
        assert (part.y.dtype, part.y.shape) == (numbers if task == "numbers" else classes)


def test_digits_are_pixels_between_0_and_1():
    data = load("digits")
    assert data.image_shape == (8, 8)
    assert (data.train.x.min(), data.train.x.max()) == (0.0, 1.0)
    images = theirs("digits").images[data.test.rows]
    np.testing.assert_array_equal(data.encode(images), data.test.x)
    assert str(data.notes[0]) == (
        "Constant inputs: 3 (pixel_0_0, pixel_4_0, pixel_4_7). They are kept, but nothing can be "
        "learned from them."
    )


def test_linear_keeps_the_units_of_its_formula():
    data = load("linear", noise=0)
    expected = 2 * data.train.x[:, 0] - 3 * data.train.x[:, 1] + 1
    np.testing.assert_allclose(data.train.y[:, 0], expected, rtol=0, atol=1e-6)


def test_diabetes_is_standardised_and_comes_back_in_its_units():
    data = load("diabetes")
    np.testing.assert_allclose(data.train.x.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(data.train.y.std(axis=0), 1, atol=1e-6)
    back = data.decode(data.test.y)
    np.testing.assert_allclose(back[:, 0], theirs("diabetes").target[data.test.rows], rtol=1e-6)


@pytest.mark.parametrize("name", GENERATED)
def test_samples_noise_and_seed_of_generated_sets(name):
    calm, same, other = (load(name, samples=90, noise=0, seed=seed) for seed in (3, 3, 4))
    assert sum(len(part) for part in calm.parts.values()) == 90
    assert calm.fingerprint == same.fingerprint != other.fingerprint
    assert calm.fingerprint != load(name, samples=90, noise=0.3, seed=3).fingerprint


@pytest.mark.parametrize("name", [name for name in GENERATED if name != "linear"])
def test_a_straight_line_does_not_part_the_generated_classes(name):
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    data = load(name)
    line = LogisticRegression().fit(data.train.x, data.train.y)
    neighbours = KNeighborsClassifier(5).fit(data.train.x, data.train.y)
    line_accuracy = line.score(data.test.x, data.test.y)
    assert line_accuracy < 0.9
    assert neighbours.score(data.test.x, data.test.y) > max(0.85, line_accuracy)


@pytest.mark.parametrize("name", BUILTIN)
def test_a_set_is_made_again_from_its_source(name):
    data = load(name, seed=7, validation=0.2)
    again = load(data.source["source"], **data.source["options"])
    assert again.fingerprint == data.fingerprint


@pytest.mark.parametrize("name", BUILTIN)
def test_every_set_is_described_in_both_languages(name):
    assert len({catalogue(language)[f"data.{name}"] for language in LANGUAGES}) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"source": "iriss"},
            "There is no data set called iriss. Did you mean iris? Known: digits, iris, wine, "
            "breast_cancer, diabetes, spiral, circles, moons, xor, checkerboard, linear.",
        ),
        (
            {"source": "iris", "samples": 50},
            "The data iris does not take the option samples. It takes validation, test, seed, "
            "standardize, target_scaling. Leave it out.",
        ),
        (
            {"source": "moons", "target": "y"},
            "The data moons does not take the option target. It takes samples, noise, validation, "
            "test, seed, standardize, target_scaling. Leave it out.",
        ),
        (
            {"source": "moons", "samples": 3},
            "The number of samples must be a whole number from 20 to 10000000, got 3. Choose one "
            "in this range.",
        ),
        (
            {"source": "moons", "noise": -0.5},
            "The noise must be a number from 0 to 1000, got −0.5. Write 0 for none.",
        ),
        (
            {"source": "iris", "test": 1.0},
            "The test share must be a number in [0, 1), got 1. Write for example 0.1, or 0 to hold "
            "nothing out.",
        ),
        (
            {"source": "iris", "test": 0.5, "validation": 0.5},
            "The shares of validation and test must leave something to train on, got 0.5 and 0.5. "
            "Make their sum less than 1.",
        ),
        (
            {"source": "iris", "seed": -1},
            "The seed must be a whole number >= 0, got -1. Write for example 0.",
        ),
    ],
)
def test_options_out_of_range(arguments, message):
    with pytest.raises(OptionError) as caught:
        load(**arguments)
    assert str(caught.value) == message


def test_arrays_with_the_numbers_of_a_set_are_trained_as_given():
    x, y = BUILTIN["wine"].make(0, 0.0, np.random.default_rng(0))
    data = from_arrays(x, y)
    np.testing.assert_array_equal(data.train.x, x[data.train.rows].astype(np.float32))
