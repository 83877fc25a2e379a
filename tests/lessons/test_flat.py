"""Statement 2: flat regions by formulas of their own, and a verdict that can fail."""

import json
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
from whygrad.lessons.experiments.flat import NAMES
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Say, Table, every_block
from whygrad.render.page.canvas import styled
from whygrad.words import number, speaking

PHI = 1 / math.sqrt(2 * math.pi)


def logistic(z: float) -> float:
    return math.exp(-math.log1p(math.exp(-z))) if z > -700 else 0.0


SLOPES = {  # f'(z) by hand
    "identity": lambda z: 1.0,
    "sigmoid": lambda z: logistic(z) * logistic(-z),
    "tanh": lambda z: math.cosh(z) ** -2,
    "relu": lambda z: float(z > 0),
    "leaky_relu": lambda z: 1.0 if z > 0 else 0.01,
    "elu": lambda z: 1.0 if z > 0 else math.exp(z),
    "selu": lambda z: 1.0507009873554805 * (1 if z > 0 else 1.6732632423543772 * math.exp(z)),
    "gelu": lambda z: math.erfc(-z / math.sqrt(2)) / 2 + z * PHI * math.exp(-(z**2) / 2),
    "silu": lambda z: logistic(z) * (1 + z * logistic(-z)),
    "softplus": logistic,
}
ENDS = {  # where |f'| is 1 % of its largest, worked out by hand where that can be done
    "sigmoid": (-math.acosh(199), math.acosh(199)),
    "tanh": (-math.acosh(10), math.acosh(10)),
    "relu": (0.0, None),
    "elu": (math.log(0.01), None),
    "selu": (math.log(0.01), None),
    "softplus": (math.log(0.01 / 0.99), None),
}


def fresh(**options):
    return lessons.flat(**options).run(lambda share: None)


run = cache(fresh)


def holding(result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def keys(result) -> set[str]:
    blocks = result.story.blocks
    return {block.key.removeprefix("lesson.flat.") for block in blocks if isinstance(block, Say)}


def names_in(result, key: str) -> tuple[str, ...]:
    (told,) = (
        block
        for block in every_block(result.story.left_out)
        if isinstance(block, Say) and block.key == f"lesson.flat.{key}"
    )
    return told.values["names"].names


def test_the_law_holds_by_default():
    assert holding(run()) == dict.fromkeys(("weight", "bias", "slope"), True)
    assert tuple(run().measured["activations"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_slope_by_hand_times_a_constant(name):
    measured = run(input=-7.0, upstream=0.25).measured
    found = measured["activations"][name]
    expected = np.array([SLOPES[name](float(z)) for z in measured["z"]])
    np.testing.assert_allclose(found["slope"], expected, rtol=1e-6, atol=1e-13)
    np.testing.assert_allclose(found["bias"], 0.25 * expected, rtol=1e-6, atol=1e-13)
    np.testing.assert_allclose(found["weight"], -7 * 0.25 * expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", list(ENDS))
def test_the_table_tells_where_each_activation_is_flat(name):
    measured = run(points=2000).measured
    found, step = measured["activations"][name], 24 / 1999
    for end, expected in zip(("flat_to", "flat_from"), ENDS[name], strict=True):
        if expected is None:
            assert found[end] is None
        else:
            assert found[end] == pytest.approx(expected, abs=1.01 * step)


def test_valleys_are_found_however_coarse_the_sweep():
    for points in (5, 481):
        found = run(points=points).measured["activations"]
        crossings = {name: one["zeros"] for name, one in found.items() if one["zeros"]}
        assert list(crossings) == ["gelu", "silu"]
        for name, (place,) in crossings.items():
            assert abs(SLOPES[name](place)) < 1e-9


@pytest.mark.long
@settings(max_examples=10)
@given(
    input=st.floats(-999, 999),
    upstream=st.floats(1e-6, 1e8),
    share=st.floats(1e-6, 0.249),
    reach=st.floats(0.5, 99),
    points=st.sampled_from([5, 82, 301]),  # each is compiled anew
)
def test_the_law_holds_whatever_is_swept(**options):
    result = fresh(**options)
    assert result.holds
    for one in result.measured["activations"].values():
        assert one["largest_flat"] < options["share"] * one["steepest"]


def without_slope(layer):
    return replace(layer, delta=layer.upstream)


def with_the_other_sign(layer):
    return replace(layer, delta=-layer.delta)


def with_half_the_slope(layer):
    return replace(layer, slope=layer.slope / 2, delta=layer.delta / 2)


def with_nothing_defined(layer):
    return replace(layer, delta=layer.delta * np.nan)


@pytest.mark.parametrize(
    ("breaking", "broken"),
    [
        (without_slope, "weight bias slope"),
        (with_the_other_sign, "slope"),
        (with_half_the_slope, "slope"),
        (with_nothing_defined, "weight bias slope"),
    ],
)
def test_a_broken_backward_pass_flips_the_verdict(monkeypatch, breaking, broken):
    right = backprop._pass_back

    def wrong(dense, *given):
        layer = right(dense, *given)
        return layer if dense.activation == "identity" else breaking(layer)

    monkeypatch.setattr(backprop, "_pass_back", wrong)
    result = fresh()
    assert {name for name, holds in holding(result).items() if not holds} == set(broken.split())
    assert "outcome.apart" in keys(result) and "outcome.frozen" not in keys(result)


def test_a_bias_that_always_learns_flips_the_verdict(monkeypatch):
    right = LayerAnatomy.gradient
    monkeypatch.setattr(
        LayerAnatomy,
        "gradient",
        lambda self: right(self) | {"bias": self.upstream[0]},  # the slope is left out
    )
    assert holding(fresh()) == {"weight": True, "bias": False, "slope": False}


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({}, "outcome.frozen"),
        ({"input": 0.0}, "outcome.no_input"),
        ({"activation": "identity"}, "outcome.awake"),
        ({"activation": "gelu", "reach": 1.0, "points": 5}, "outcome.awake"),
    ],
    ids=str,
)
def test_the_story_says_what_this_run_showed(options, outcome):
    assert {key for key in keys(run(**options)) if key.startswith("outcome")} == {outcome}


def test_every_kind_of_flatness_is_told_of_where_there_is_one():
    assert names_in(run(), "exact") == ("relu",)
    assert names_in(run(), "never") == ("identity", "leaky_relu")
    assert "rounded" not in keys(run())
    far = run(reach=99.0, points=5)
    assert names_in(far, "exact") == ("relu",)
    assert names_in(far, "rounded") == ("tanh", "gelu")
    # a valley between two places: flat at neither, and yet no push gets through at its bottom
    between = run(activation="gelu", reach=1.0, points=5)
    assert {"zeros"} == keys(between) & {"zeros", "never", "exact", "rounded"}


def test_lists_of_names_are_written_as_each_language_does():
    with speaking("en"):
        assert "identity, leaky_relu" in str(run())
    with speaking("zh"):
        assert "identity、leaky_relu" in str(run())


def test_the_table_shows_what_was_measured():
    (table,) = (block for block in every_block(run().story.left_out) if isinstance(block, Table))
    row = dict((row[0], row) for row in table.rows)["gelu"]
    found = run().measured["activations"]["gelu"]
    assert row[3:] == ["", number(found["zeros"][0]), found["steepest"], found["steepest_at"]]
    assert row[2] == f"z ≤ {number(found['flat_to'])}"


def test_the_picture_has_a_panel_for_every_activation_and_shades_what_is_flat():
    (picture,) = run().story.pictures
    with styled("slopes"):
        panels = picture.draw().axes
    assert len(panels) == len(NAMES)
    for axes, one in zip(panels, run().measured["activations"].values(), strict=True):
        runs = np.flatnonzero(np.diff([0, *one["is_flat"].astype(int)]) == 1)
        assert len(axes.patches) == len(runs)


@pytest.mark.parametrize("exercise", lessons.find("flat").exercises, ids=lambda one: one.name)
def test_an_exercise_is_answered_by_its_solution_alone(exercise):
    assert run().answered()[exercise.name] is False
    assert run(**exercise.solution).answered()[exercise.name] is True


def test_another_measure_of_flatness_answers_nothing():
    assert not any(run(activation="sigmoid", share=1e-6).answered().values())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation": "softplus", "share": 0.2, "points": 5},
        {"reach": 99.0, "points": 5, "input": 0.0},
        {"reach": 0.5, "upstream": 1e8, "input": -999.0},
        {"activation": "leaky_relu"},
    ],
    ids=str,
)
def test_every_telling_can_be_read_in_both_languages(options):
    for tag in ("en", "zh"):
        with speaking(tag):
            for told in (str(run(**options)), as_html(run(**options))):
                assert "NaN" not in told and "lesson.flat" not in told
    json.dumps(run(**options).to_dict(), allow_nan=False)
