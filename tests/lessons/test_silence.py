"""Statement 3: four factors by plain loops over samples, and a verdict that can fail."""

import json
import math
from dataclasses import replace
from functools import cache

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad import lessons
from whygrad.core import backprop
from whygrad.core.backprop import LayerAnatomy
from whygrad.lessons.experiments import silence
from whygrad.lessons.experiments.silence.network import NEURONS, Silence, build
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Formula, Say, Table
from whygrad.record.fields import FACTORS
from whygrad.render.page.canvas import styled
from whygrad.words import number, speaking

HEALTHY, SATURATED, CUT, STARVED, TORN = range(len(NEURONS))
SLOPES = {  # f'(z) by hand
    "sigmoid": lambda z: 1 / (2 + math.exp(z) + math.exp(-z)),
    "tanh": lambda z: math.cosh(z) ** -2,
    "relu": lambda z: float(z > 0),
    "elu": lambda z: 1.0 if z > 0 else math.exp(z),
    "softplus": lambda z: 1 / (1 + math.exp(-z)),
}
EDGE = {"activation": "gelu", "distance": 1.2, "push": 1.0, "seed": 4}  # astride its valley
ACTIVATIONS = ("sigmoid", "tanh", "relu", "elu", "selu", "gelu", "silu", "softplus")


def fresh(**options):
    return lessons.silence(**options).run(lambda share: None)


run = cache(fresh)


def holding(result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def broken(result) -> set[str]:
    return {name for name, holds in holding(result).items() if not holds}


def keys(result) -> set[str]:
    blocks = result.story.blocks
    return {block.key.removeprefix("lesson.silence.") for block in blocks if isinstance(block, Say)}


def by_hand(**options) -> dict[str, list[float]]:
    """Return the factors, walking sample by sample through the chain of every neuron."""
    setup = Silence(**options)
    with jax.enable_x64(True):
        case = build(setup)
        weight, out = (np.diag(np.asarray(one.weight)) for one in case.network.dense)
        bias = np.asarray(case.network["hidden1"].bias)
    table: dict[str, list[float]] = {name: [] for name in (*FACTORS, "gradient", "bias")}
    for k in range(len(NEURONS)):
        pushes = [error * out[k] for error in case.error[:, k]]
        slopes = [SLOPES[setup.activation](weight[k] * x + bias[k]) for x in case.x[:, k]]
        deltas = [u * s for u, s in zip(pushes, slopes, strict=True)]
        pulls = [d * x for d, x in zip(deltas, case.x[:, k], strict=True)]
        sizes = [math.fsum(map(abs, one)) / setup.batch for one in (pushes, deltas, pulls)]
        sizes.append(abs(math.fsum(pulls)) / setup.batch)
        ratios = [b / a if a else 0.0 for a, b in zip([1.0, *sizes[:3]], sizes, strict=True)]
        for name, value in zip(FACTORS, ratios, strict=True):
            table[name].append(value)
        table["gradient"].append(sizes[3])
        table["bias"].append(abs(math.fsum(deltas)) / setup.batch)
    return table


def test_the_law_holds_by_default():
    assert holding(run()) == dict.fromkeys(("delta", "product", "gradient", "cause"), True)
    assert run().measured["cause"] == [None, "slope", "upstream", "input", "agreement"]


@pytest.mark.parametrize("activation", list(SLOPES))
def test_factors_are_those_of_a_loop_over_samples(activation):
    expected = by_hand(activation=activation, batch=9, exit=0.02, seed=3)
    measured = run(activation=activation, batch=9, exit=0.02, seed=3).measured
    close = {"rtol": 1e-10, "atol": 1e-13}
    for name in FACTORS:
        np.testing.assert_allclose(measured["factors"][name], expected[name], **close)
    for name in ("product", "autodiff"):
        np.testing.assert_allclose(measured[name], expected["gradient"], **close)
    for name in ("bias_product", "bias_autodiff"):
        np.testing.assert_allclose(measured[name], expected["bias"], **close)


def test_two_ways_to_fall_silent_do_not_need_each_other():
    found = run().measured["factors"]
    assert found["upstream"][SATURATED] == pytest.approx(10 * found["upstream"][HEALTHY])
    assert found["slope"][SATURATED] < 0.01 * found["slope"][HEALTHY]
    sample = run().measured["sample"]
    assert sample["slope"][CUT] == sample["slope"][HEALTHY] and sample["upstream"][CUT] == 0


def test_no_factor_is_said_to_be_0_that_could_not_be_measured():
    (table,) = (b for b in run().story.blocks if isinstance(b, Table) and len(b.head) == 7)
    of_cut = list(table.rows[CUT])
    assert of_cut[1:] == [0, "–", "–", "–", 0, 0]
    assert 0 not in table.rows[SATURATED] and "–" not in table.rows[SATURATED]
    assert run().measured["sample"]["slope"][CUT] > 0.1  # what a 0 would have denied


def test_the_batch_adds_two_more():
    measured = run(leftover=0.25, whisper=0.125, batch=7).measured
    assert measured["factors"]["agreement"][TORN] == pytest.approx(0.25, rel=1e-12)
    assert measured["factors"]["input"][TORN] == pytest.approx(1, rel=1e-12)
    assert measured["factors"]["input"][STARVED] < 0.125 * 1.5
    louder = run(leftover=0.25, whisper=0.5, batch=7).measured["loudness"]
    assert measured["loudness"][STARVED] < louder[STARVED]
    assert measured["bias_product"][STARVED] > 5 * measured["product"][STARVED]


@settings(max_examples=8)
@given(
    activation=st.sampled_from(ACTIVATIONS),
    distance=st.floats(0, 699),
    push=st.floats(1, 9e5),
    exit=st.floats(0, 9.9),
    whisper=st.floats(0, 0.99),
    leftover=st.floats(0, 0.99),
    seed=st.integers(0, 2**31 - 1),
)
def test_factors_multiply_to_the_gradient_however_ill_the_neurons_are(**options):
    result = fresh(**options)
    assert broken(result) <= {"cause"}
    np.testing.assert_allclose(
        result.measured["product"], result.measured["autodiff"], rtol=1e-9, atol=1e-9
    )


MISTAKES = {  # what is broken, and the laws that notice
    "no slope": (lambda one: replace(one, delta=one.upstream), "delta product gradient"),
    "sign": (lambda one: replace(one, delta=-one.delta), "delta gradient"),
    "half": (lambda one: replace(one, delta=one.delta / 2), "delta product gradient"),
    "another slope": (lambda one: replace(one, slope=1.001 * one.slope), "delta"),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_a_broken_backward_pass_flips_the_verdict(monkeypatch, mistake):
    breaking, failing = MISTAKES[mistake]
    right = backprop._pass_back

    def wrong(dense, *given):
        layer = right(dense, *given)
        return layer if dense.activation == "identity" else breaking(layer)

    monkeypatch.setattr(backprop, "_pass_back", wrong)
    result = fresh(distance=5.0)
    assert not result.holds
    assert broken(result) - {"cause"} == set(failing.split())
    assert "reading.apart" in keys(result) and "reading.alike" not in keys(result)


@pytest.mark.parametrize(
    ("mistake", "failing"),
    [(lambda mean: 2 * mean, "product gradient"), (lambda mean: -mean, "gradient")],
    ids=["twice", "negative"],
)
def test_a_wrong_mean_flips_the_verdict(monkeypatch, mistake, failing):
    right = LayerAnatomy.mean_with_delta
    monkeypatch.setattr(
        LayerAnatomy, "mean_with_delta", lambda self, input: mistake(right(self, input))
    )
    result = fresh(leftover=0.5)  # no agreement may exceed 1, and one of 0.5 can be doubled
    assert broken(result) - {"cause"} == set(failing.split())


def test_factors_in_the_wrong_place_flip_the_verdict(monkeypatch):
    right = silence._diagonal

    def swapped(found):
        one = right(found)
        return one | {"slope": one["upstream"], "upstream": one["slope"]}

    monkeypatch.setattr(silence, "_diagonal", swapped)
    assert broken(fresh()) == {"cause"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "saturated.silent cut.unasked starved.silent torn.silent apart"),
        ({"distance": 0.0}, "saturated.awake"),
        (EDGE, "saturated.mixed"),
        ({"exit": 0.01}, "cut.silent apart"),
        ({"exit": 5.0}, "cut.awake"),
        ({"whisper": 0.9, "leftover": 0.9}, "starved.awake torn.awake"),
    ],
    ids=str,
)
def test_the_story_says_what_this_run_showed(options, told):
    result = run(**options)
    assert set(told.split()) <= keys(result)
    are_silent = result.measured["is_silent"][[SATURATED, CUT]].all()
    assert ("apart" in keys(result)) == are_silent


def test_chapters_show_the_product_of_the_first_sample():
    told = next(b for b in run().story.told if isinstance(b, Formula) and "saturated_u" in b.values)
    u, s, d = (told.values[f"saturated_{part}"] for part in "usd")
    assert u * s == pytest.approx(d, rel=1e-12)
    assert u == pytest.approx(10 * told.values["healthy_u"])


def test_a_bias_of_0_has_no_sign():
    with speaking("en"):
        assert "a bias of 0, towards" in " ".join(str(run(distance=0.0)).split())


def test_pictures_show_how_the_push_shrinks():
    pair, batch = run().story.pictures
    for picture, neurons in ((pair, (HEALTHY, SATURATED, CUT)), (batch, (HEALTHY, STARVED, TORN))):
        for line, k in zip(picture.lines, neurons, strict=True):
            assert line.y[-1] == pytest.approx(run().measured["product"][k])
        with styled(picture.name):
            panels = picture.draw().axes
        assert len(panels) == 2
    left = number(run().measured["factors"]["upstream"][CUT], 2)
    with styled(pair.name):
        assert left in {text.get_text() for text in pair.draw().axes[1].texts}


@pytest.mark.parametrize("exercise", lessons.find("silence").exercises, ids=lambda one: one.name)
def test_an_exercise_is_answered_by_its_solution_alone(exercise):
    assert run().answered()[exercise.name] is False
    assert run(**exercise.solution).answered()[exercise.name] is True


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"distance": 0.0, "exit": 5.0, "whisper": 0.9, "leftover": 0.9},
        EDGE,
        {"distance": 699.0, "push": 9e5, "exit": 1e-300, "whisper": 0.0, "leftover": 0.0},
        {"batch": 2, "activation": "relu", "exit": 0.01},
    ],
    ids=str,
)
def test_every_telling_can_be_read_in_both_languages(options):
    for tag in ("en", "zh"):
        with speaking(tag):
            for told in (str(run(**options)), as_html(run(**options))):
                assert "NaN" not in told and "lesson.silence" not in told
    json.dumps(run(**options).to_dict(), allow_nan=False)
