"""What must not change a diagnosis: the order of neurons, features and rows, and idle settings."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad.doctor.faults import run_checks

SEED = 1000
ILL = {  # sick in several ways at once, so that many checks speak
    "classes": {"init": "normal:2", "bias_init": "constant:-6", "epochs": 20},
    "numbers": {"activation": "sigmoid", "init": "normal:0.01", "output_activation": "relu"},
}
TASKS = pytest.mark.parametrize("task", sorted(ILL))


@pytest.fixture(scope="module")
def sick(make):
    """Return the function to a sick set-up whose start is given as arrays."""

    def of(task: str):
        setup = make(task, **ILL[task]).changed({"input_scale": np.array([40.0, 1, 1, 1])})
        return as_arrays(setup)

    return of


def as_arrays(setup):
    """Return the same set-up with the very numbers that its start would draw."""
    dense = setup.start(SEED).dense
    return replace(
        setup,
        inits=tuple(np.array(layer.weight) for layer in dense),
        bias_inits=tuple(np.array(layer.bias) for layer in dense),
    )


def rewired(setup, weights=(), biases=()):
    """Return a set-up with some layers' arrays replaced, by number."""
    inits, starts = dict(enumerate(setup.inits)), dict(enumerate(setup.bias_inits))
    inits |= dict(weights)
    starts |= dict(biases)
    return replace(setup, inits=tuple(inits.values()), bias_inits=tuple(starts.values()))


@pytest.fixture(scope="module")
def told(examined):
    """Return what is found, and how surely."""

    def of(setup):
        return {f.kind: f.confidence for f in run_checks(examined(setup, measured=True))}

    return of


def permutations(count: int):
    return st.permutations(range(count)).map(list)


@TASKS
def test_the_sick_are_sick_in_many_ways(sick, told, task):
    assert len(told(sick(task))) >= 4


@TASKS
@settings(max_examples=5)
@given(order=permutations(12))
def test_the_order_of_hidden_neurons_does_not_matter(sick, told, task, order):
    setup = sick(task)
    first, second, _ = setup.inits
    renamed = rewired(
        setup, {0: first[:, order], 1: second[order]}, {0: setup.bias_inits[0][order]}
    )
    assert told(renamed) == pytest.approx(told(setup), rel=1e-4)


@TASKS
@settings(max_examples=5)
@given(order=permutations(4))
def test_the_order_of_features_does_not_matter(sick, told, task, order):
    setup = sick(task)
    reordered = replace(setup, x=setup.x[:, order])
    reordered = rewired(reordered, {0: setup.inits[0][order]})
    assert told(reordered) == pytest.approx(told(setup), rel=1e-4)


@TASKS
@settings(max_examples=5)
@given(order=permutations(64))
def test_the_order_of_rows_does_not_matter(sick, told, task, order):
    setup = sick(task)
    shuffled = replace(setup, x=setup.x[order], y=setup.y[order], labels=setup.labels[order])
    assert told(shuffled) == pytest.approx(told(setup), rel=1e-4)


def test_the_numbers_of_the_classes_do_not_matter(sick, told):
    setup, order = sick("classes"), [2, 0, 1]
    renamed = replace(setup, y=setup.y[:, order], labels=np.argsort(order)[setup.labels])
    last = {2: setup.inits[2][:, order]}
    assert told(rewired(renamed, last, {2: setup.bias_inits[2][order]})) == pytest.approx(
        told(setup), rel=1e-4
    )


@TASKS
def test_every_row_twice_and_batches_twice_as_large_is_the_same(sick, told, task):
    setup = sick(task)
    twice = [np.repeat(values, 2, axis=0) for values in (setup.x, setup.y, setup.labels)]
    doubled = replace(setup, x=twice[0], y=twice[1], labels=twice[2]).changed({"batch_size": 16})
    assert told(doubled) == pytest.approx(told(setup), rel=1e-4)


@pytest.mark.parametrize("idle", [{"momentum": 0.1}, {"seed": 9}, {"record_every": 1}], ids=str)
def test_settings_that_nothing_uses_do_not_matter(make, told, idle):
    setup = make(init="normal:2", epochs=20)  # trained by Adam, which has no momentum
    assert told(setup.changed(idle)) == told(setup)


def test_weights_that_all_count_alike_do_not_matter(make, told):
    setup = make(init="normal:2", epochs=20)
    assert told(replace(setup, weights=np.ones(64, np.float32))) == told(setup)


@TASKS
def test_arrays_and_the_names_that_draw_them_are_the_same(make, told, task):
    named = make(task, **ILL[task])
    assert told(as_arrays(named)) == pytest.approx(told(named), rel=1e-6)
