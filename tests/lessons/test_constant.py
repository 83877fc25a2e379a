"""Statement 5: a bias is a weight from a 1. Trained once more in NumPy, and made to fail."""

import json
from functools import cache

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad import forward, lessons
from whygrad.core import backprop
from whygrad.data import from_arrays
from whygrad.lessons.experiments.constant import network as constant_network
from whygrad.lessons.experiments.constant import training as constant_training
from whygrad.lessons.experiments.constant.network import (
    draw_biased,
    with_constants,
    with_drawn_rows,
    without_constants,
)
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Say
from whygrad.settings import Settings
from whygrad.training.batched import train_together
from whygrad.words import speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

SHORT = {"steps": 40, "width": 4, "depth": 1}


def fresh(**options):
    return lessons.constant(**options).run(lambda share: None)


run = cache(fresh)


def holding(result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def keys(result) -> list[str]:
    blocks = result.story.blocks
    return [block.key.rpartition(".")[2] for block in blocks if isinstance(block, Say)]


def read_in_both_languages(result) -> None:
    for tag in ("en", "zh"):
        with speaking(tag):
            assert str(result)
    assert as_html(result)
    json.dumps(result.to_dict())


def draw(seed=0, width=4, depth=1, activation="tanh"):
    """Draw the samples and the network of the lesson once more, in the order in which it does."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(64, 2))
    y = 1 + np.sin(2 * x[:, :1]) + x[:, 1:] / 2
    return x, y, draw_biased([2, *[width] * depth, 1], activation, rng)


def trained_in_numpy(x, y, network, steps, rate, optimizer):
    """Return the losses of one hidden layer of tanh, with biases, by the chain rule in NumPy."""
    p = [np.array(v) for d in network.dense for v in (d.weight, d.bias)]
    mean, square, losses = [0.0] * 4, [0.0] * 4, []
    for step in range(1, steps + 1):
        a = np.tanh(x @ p[0] + p[1])
        error = a @ p[2] + p[3] - y
        losses.append(float((error**2).mean() / 2))
        delta = error @ p[2].T * (1 - a**2)
        g = [one / len(x) for one in (x.T @ delta, delta.sum(0), a.T @ error, error.sum(0))]
        if optimizer == "adam":
            mean = [0.9 * m + 0.1 * one for m, one in zip(mean, g, strict=True)]
            square = [0.999 * s + 0.001 * one**2 for s, one in zip(square, g, strict=True)]
            g = [
                m / (1 - 0.9**step) / (np.sqrt(s / (1 - 0.999**step)) + 1e-8)
                for m, s in zip(mean, square, strict=True)
            ]
        p = [value - rate * one for value, one in zip(p, g, strict=True)]
    return np.array(losses)


def test_the_law_holds_with_the_options_as_they_are():
    assert holding(run()) == dict.fromkeys(("loss", "parameters", "one", "spared"), True)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu"])
def test_both_networks_train_alike(optimizer, activation):
    result = run(optimizer=optimizer, activation=activation, **SHORT)
    assert result.holds
    assert result.measured["apart"]["loss"] < 1e-14
    assert result.measured["apart"]["parameters"] < 1e-13
    assert result.measured["losses"]["biases"][-1] < result.measured["losses"]["biases"][0]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_both_curves_are_those_of_plain_numpy(optimizer):
    result = run(optimizer=optimizer, activation="tanh", **SHORT)
    x, y, network = draw()
    expected = trained_in_numpy(x, y, network, 40, 0.02, optimizer)
    # the starts are drawn in float64 and rounded to float32 outside of the lesson
    for name in ("biases", "constants"):
        np.testing.assert_allclose(result.measured["losses"][name], expected, rtol=1e-6)


@settings(max_examples=5)
@given(
    st.integers(0, 1000),
    st.integers(1, 6),
    st.integers(1, 3),
    st.sampled_from(NAMES),
    st.sampled_from(["sgd", "momentum", "adam", "rmsprop", "lion"]),
)
def test_the_law_holds_whatever_is_trained(seed, width, depth, activation, optimizer):
    options = {"seed": seed, "width": width, "depth": depth, "activation": activation}
    assert fresh(**options, optimizer=optimizer, steps=20, learning_rate=0.01).holds


@pytest.mark.parametrize("activation", NAMES)
def test_constants_say_the_same_as_biases_and_go_back_into_them(activation, float64):
    x, _, network = draw(width=3, depth=3, activation=activation)
    parameters = jax.tree.map(lambda p: p + 0.1, network.parameters)
    network = network.with_parameters(parameters)
    constant = with_constants(network)
    with_one = np.hstack([x, np.ones((64, 1))])
    expected, found = forward(network, x), forward(constant, with_one)
    np.testing.assert_allclose(found.output, expected.output, rtol=1e-12)
    for name in ("hidden1", "hidden2", "hidden3"):
        np.testing.assert_allclose(found[name].output[:, -1], 1, rtol=1e-14)
    back = without_constants(constant)
    jax.tree.map(np.testing.assert_array_equal, back, parameters)


def test_only_the_rows_of_the_constants_are_drawn_anew(float64):
    constant = with_constants(draw(width=3, depth=2)[2])
    drawn = with_drawn_rows(constant, np.random.default_rng(0))
    for before, after, name in zip(constant.dense, drawn.dense, constant.layers, strict=True):
        changed = np.asarray(before.weight != after.weight)
        assert not changed[:-1].any()
        own = changed[-1] if name == "output" else changed[-1, :-1]
        assert own.all() and changed.sum() == own.size


@pytest.mark.parametrize("kind", ["l2", "weight_decay"])
def test_sparing_biases_is_what_training_does(kind, float64):
    """The lesson's own loop, with decay, against ``train_together`` with the same settings."""
    x, y, network = draw()
    made = from_arrays(x, y[:, 0], test=0, validation=0)
    plain = Settings(
        optimizer="adam",
        learning_rate=0.02,
        batch_size=64,
        epochs=30,
        record_every=0,
        **{kind: 0.5},
    )
    theirs = train_together([network], made, plain).losses[0]
    options = {"activation": "tanh", "width": 4, "depth": 1, "steps": 30, "decay_kind": kind}
    ours = run(**options).measured["losses"]["decayed"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_decay_and_a_drawn_start_part_the_two_and_sparing_joins_them():
    measured = run().measured
    assert measured["apart"]["decayed"] > 1e-3 and measured["apart"]["drawn"] > 1e-2
    assert measured["apart"]["spared"] < 1e-12
    assert measured["lengths"]["row_decays"][-1] < measured["lengths"]["decayed"][-1]


def test_constants_that_are_not_held_drift_unless_their_slope_is_0():
    drifting, flat = run(**SHORT).measured, run(activation="tanh", **SHORT).measured
    assert drifting["pivot_slope"] == 1 and drifting["apart"]["unheld"] > 1e-5
    assert flat["pivot_slope"] == 0 and flat["unheld_low"] == flat["unheld_high"] == 1


def test_a_bias_with_another_gradient_flips_the_verdict(monkeypatch):
    right = backprop.LayerAnatomy.gradient

    def wrong(self):
        gradient = right(self)
        return gradient | ({"bias": 2 * gradient["bias"]} if self.has_bias else {})

    monkeypatch.setattr(backprop.LayerAnatomy, "gradient", wrong)
    jax.clear_caches()
    result = fresh(optimizer="sgd", **SHORT)
    jax.clear_caches()
    assert holding(result) == {"loss": False, "parameters": False, "one": True, "spared": False}
    assert "differs" in keys(result) and "same" not in keys(result)
    read_in_both_languages(result)


def test_constants_that_say_something_else_flip_the_verdict(monkeypatch):
    monkeypatch.setattr(constant_network, "preactivation_for", lambda name, output: 1.5)
    held = holding(fresh(**SHORT, seed=1))
    assert held == {"loss": False, "parameters": False, "one": False, "spared": False}


def test_a_training_that_runs_away_does_not_hold_and_says_so():
    result = run(learning_rate=1e38, optimizer="sgd", **SHORT)
    assert not result.holds
    assert {"diverged", "decay_diverged"} <= set(keys(result))
    assert not {"same", "differs", "start"} & set(keys(result))
    read_in_both_languages(result)


def test_rounding_that_has_grown_is_not_called_small():
    result = run(activation="tanh", steps=2000)
    assert result.holds
    assert "grown" in keys(result) and "orders" not in keys(result)
    read_in_both_languages(result)


@pytest.mark.parametrize("exercise", lessons.find("constant").exercises, ids=lambda e: e.name)
def test_exercises_are_answered_by_their_solution_only(exercise):
    assert run().answered()[exercise.name] is False
    assert run(**exercise.solution).answered()[exercise.name] is True


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, ("hand_on", "unheld", "same", "orders", "decay", "spared", "start")),
        ({"activation": "tanh", **SHORT}, ("hand_on_flat", "unheld_flat", "same", "orders")),
        ({"decay": 0.0, **SHORT}, ("hand_on", "unheld", "same", "orders", "decay_none")),
        ({"steps": 1}, ("unheld_unmoved", "same", "orders", "decay_none")),
        ({"decay": 1000.0, **SHORT, "steps": 300}, ("same", "orders", "decay_diverged")),
    ],
    ids=str,
)
def test_every_telling_can_be_read_in_both_languages(options, told):
    result = run(**options)
    assert set(told) <= set(keys(result))
    read_in_both_languages(result)


def test_a_difference_that_stays_where_the_row_is_spared_is_told(monkeypatch):
    right = constant_training._decays

    def spares_biases_only(network, decay, is_spared):
        return right(network, decay, is_spared and not constant_network.has_constants(network))

    monkeypatch.setattr(constant_training, "_decays", spares_biases_only)
    result = fresh(**SHORT, seed=2)
    assert holding(result) == {"loss": True, "parameters": True, "one": True, "spared": False}
    assert "spared" not in keys(result)
    read_in_both_languages(result)
