"""Statement 1: the chain of one neuron, by plain arithmetic, and a verdict that can fail."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad import lessons
from whygrad.core import backprop
from whygrad.core.backprop import LayerAnatomy
from whygrad.errors import OptionError
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Say
from whygrad.words import number, speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

BEND = {"weight": 1.0, "input": 1.0, "bias": -1.0}  # z is exactly 0
SLOPES = {  # f'(z) by hand, away from 0
    "identity": lambda z: 1.0,
    "sigmoid": lambda z: 1 / (2 + math.exp(z) + math.exp(-z)),
    "tanh": lambda z: math.cosh(z) ** -2,
    "relu": lambda z: float(z > 0),
    "leaky_relu": lambda z: 1.0 if z > 0 else 0.01,
    "elu": lambda z: 1.0 if z > 0 else math.exp(z),
    "softplus": lambda z: 1 / (1 + math.exp(-z)),
}
ASKED = {  # dC/da by hand
    "squared": lambda a, y: a - y,
    "absolute": lambda a, y: math.copysign(1, a - y),
    "huber": lambda a, y: min(max(a - y, -1), 1),
}


@cache
def run(**options):
    return fresh(**options)


SYMBOLS = {"input": "∂z/∂w", "constant": "∂z/∂b", "slope": "f′(z)", "upstream": "∂C/∂a"}


def fresh(**options):
    return lessons.chain(**options).run(lambda share: None)


def laws(result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def keys(result) -> set[str]:
    blocks = result.story.blocks
    return {block.key.removeprefix("lesson.chain.") for block in blocks if isinstance(block, Say)}


def texts(figure) -> set[str]:
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def test_the_law_holds_by_default():
    assert laws(run()) == dict.fromkeys(("product", "links", "weight", "bias", "autodiff"), True)


def test_every_number_of_the_chain_is_that_of_plain_arithmetic():
    chain = run().measured["chain"]
    a = 1 / (1 + math.exp(-0.5))
    delta = (a - 1) * a * (1 - a)
    expected = {
        "weight": 0.5,
        "bias": -1.0,
        "input": 3.0,
        "target": 1.0,
        "constant": 1.0,
        "preactivation": 0.5,
        "output": a,
        "loss": (a - 1) ** 2 / 2,
        "upstream": a - 1,
        "slope": a * (1 - a),
        "delta": delta,
        "weight_gradient": 3 * delta,
        "bias_gradient": delta,
    }
    assert chain == pytest.approx(expected, rel=1e-14)


def test_nudges_and_autodiff_find_the_gradients_for_themselves():
    measured = run().measured
    for way, close in (("nudged", 1e-9), ("autodiff", 1e-15)):
        for name in ("weight_gradient", "bias_gradient", "slope", "upstream"):
            assert abs(measured[way][name] - measured["chain"][name]) < close


values = st.floats(-4, 4).map(lambda value: round(value, 3))


@settings(max_examples=15)
@given(
    weight=values,
    bias=values,
    input=values,
    target=values,
    activation=st.sampled_from(sorted(SLOPES)),
    loss=st.sampled_from(sorted(ASKED)),
)
def test_the_gradients_are_the_products_by_hand_and_the_law_holds(activation, loss, **given):
    result = fresh(activation=activation, loss=loss, **given)
    chain = result.measured["chain"]
    z = given["weight"] * given["input"] + given["bias"]
    assert result.holds
    if abs(z) > 1e-9 and abs(chain["output"] - given["target"]) > 1e-9:
        delta = ASKED[loss](chain["output"], given["target"]) * SLOPES[activation](z)
        assert chain["weight_gradient"] == pytest.approx(delta * given["input"], abs=1e-12)
        assert chain["bias_gradient"] == pytest.approx(delta, abs=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"weight": -99.0, "input": 99.0, "bias": 99.0, "target": -100.0, "activation": "identity"},
        {"weight": 99.0, "input": 99.0, "bias": -100.0, "loss": "absolute"},
        {"weight": 0.0, "input": 0.0, "bias": 0.0, "target": 0.0, "activation": "leaky_relu"},
        {"weight": 0.1, "input": 3.0, "bias": -0.3, "activation": "relu"},  # z is about 5e-17
        {**BEND, "activation": "elu", "loss": "huber"},  # both bend here at once
        {**BEND, "activation": "selu", "loss": "absolute"},
        {"input": 1e-7, "activation": "gelu"},
    ],
)
def test_the_law_holds_far_out_and_at_the_corners(options):
    assert run(**options).holds


def test_at_a_kink_any_derivative_between_the_sides_is_right_and_the_story_says_so():
    result = run(**BEND, activation="relu")
    assert result.holds
    assert result.measured["chain"]["bias_gradient"] == 0
    assert result.measured["kink"]["link"] == "slope"
    assert result.measured["kink"]["left"] == pytest.approx(0, abs=1e-9)
    assert result.measured["kink"]["right"] == pytest.approx(-1, abs=1e-9)
    assert {"kink.slope", "nudge.kink"} <= keys(result)


def test_a_loss_has_its_kink_where_the_output_is_right():
    result = run(**BEND, target=0.0, activation="tanh", loss="absolute")
    assert result.holds
    assert {"kink.upstream", "nudge.kink"} <= keys(result)
    assert not {key for key in keys(run()) if "kink" in key}


def without_slope(layer):
    return replace(layer, delta=layer.upstream)


def with_half_the_push(layer):
    return replace(layer, upstream=layer.upstream / 2, delta=layer.delta / 2)


def with_another_slope(layer):
    return replace(layer, slope=layer.slope * 1.001, delta=layer.delta * 1.001)


@pytest.mark.parametrize(
    ("breaking", "broken"),
    [
        (without_slope, {"weight", "bias", "autodiff"}),
        (with_half_the_push, {"links", "weight", "bias", "autodiff"}),
        (with_another_slope, {"links", "weight", "bias", "autodiff"}),
    ],
)
def test_a_broken_backward_pass_flips_the_verdict(monkeypatch, breaking, broken):
    original = backprop._pass_back
    monkeypatch.setattr(backprop, "_pass_back", lambda *given: breaking(original(*given)))
    result = fresh()
    assert not result.holds
    assert {name for name, holds in laws(result).items() if not holds} == broken
    assert "nudge.apart" in keys(result)


@pytest.mark.parametrize("mistake", [lambda mean: 2 * mean, lambda mean: -mean])
def test_a_wrong_mean_flips_the_verdict(monkeypatch, mistake):
    original = LayerAnatomy.mean_with_delta
    monkeypatch.setattr(
        LayerAnatomy, "mean_with_delta", lambda self, input: mistake(original(self, input))
    )
    held = laws(fresh())
    assert held == {
        "product": False, "links": True, "weight": False, "bias": False, "autodiff": False
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({}, "outcome.lowers"),
        ({"target": 0.0}, "outcome.raises"),
        ({"input": 0.0}, "outcome.bias_alone"),
        ({"bias": -50.0, "activation": "relu"}, "outcome.closed"),
        ({"activation": "identity", "target": 0.5}, "outcome.content"),
    ],
)
def test_the_story_says_what_this_run_showed(options, outcome):
    result = run(**options)
    assert {key for key in keys(result) if key.startswith("outcome")} == {outcome}


def test_what_is_left_out_is_measured():
    variants = run().measured["variants"]
    kept, moved, right = (variants[name] for name in ("input", "slope", "upstream"))
    assert kept["preactivation"] == 0.5
    assert kept["bias_gradient"] == run().measured["chain"]["bias_gradient"]
    assert kept["weight_gradient"] == 4 * kept["bias_gradient"]
    assert abs(moved["bias_gradient"]) < 1e-4
    assert right["bias_gradient"] == right["weight_gradient"] == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "variants.moved"),
        ({"activation": "identity", "loss": "absolute", "target": -9.0}, "variants.still"),
        ({"activation": "relu", "bias": -50.0}, "variants.silent"),
    ],
)
def test_the_comparison_is_told_as_it_came_out(options, told):
    assert told in keys(run(**options))


def test_the_curves_are_the_losses_of_moved_parameters():
    curves = run().measured["curves"]
    for name, input in (("weight", 3.0), ("bias", 1.0)):
        a = 1 / (1 + np.exp(-(0.5 + input * curves["move"])))
        np.testing.assert_allclose(curves[name], (a - 1) ** 2 / 2, rtol=1e-12)


def test_the_graph_shows_what_was_measured():
    result = run()
    shown = texts(result.plot("chain"))
    chain = result.measured["chain"]
    assert {number(chain[name]) for name in ("output", "loss", "delta", "weight_gradient")} <= shown
    assert {f"{symbol} = {number(chain[name], 3)}" for name, symbol in SYMBOLS.items()} <= shown


def test_tangents_touch_the_curves():
    (axes,) = run().plot("curves").axes
    tangent, curve = axes.lines[:2]
    gap = curve.get_ydata() - tangent.get_ydata()
    middle = len(gap) // 2
    assert abs(gap[middle]) < 1e-12
    assert abs(gap[middle + 1] - gap[middle - 1]) < 0.01 * abs(gap[middle + 1])


@pytest.mark.parametrize("name", ["equal", "bias_alone", "stuck"])
def test_an_exercise_is_answered_by_its_solution_alone(name):
    exercise = next(one for one in lessons.find("chain").exercises if one.name == name)
    assert run().answered()[name] is False
    assert run(**exercise.solution).answered()[name] is True


@pytest.mark.parametrize("tag", ["en", "zh"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"target": 0.0, "loss": "huber"},
        {"input": 0.0, "loss": "absolute"},
        {"bias": -50.0, "activation": "relu"},
        {**BEND, "activation": "relu"},
        {**BEND, "target": 0.0, "activation": "tanh", "loss": "absolute"},
        {"activation": "identity", "loss": "absolute", "target": -9.0},
    ],
)
def test_the_story_can_be_told(tag, options):
    with speaking(tag):
        for told in (str(run(**options)), as_html(run(**options))):
            assert "NaN" not in told
            assert "lesson.chain" not in told


def test_an_option_out_of_range_is_refused():
    with pytest.raises(OptionError) as refused:
        lessons.chain(input=100.0)
    assert str(refused.value) == (
        "input must be a finite number ≥ -100, < 100, got 100.0. Choose a value in that range."
    )
