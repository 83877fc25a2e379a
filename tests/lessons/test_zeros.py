"""Statement 6: silence by plain NumPy, and a verdict that can fail."""

import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from whygrad import lessons
from whygrad.core import backprop
from whygrad.core.backprop import LayerAnatomy
from whygrad.errors import OptionError
from whygrad.lessons.experiments.zeros.drawing import settled
from whygrad.lessons.instruments.elementwise import NAMES, VALUES
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Say
from whygrad.render.page.canvas import styled
from whygrad.words import speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

SHORT = {"steps": 40}
WILD = {"learning_rate": 1e300, "steps": 40}


def fresh(**options):
    return lessons.zeros(**options).run(lambda share: None)


run = cache(fresh)


def broken(result) -> set[str]:
    return {law.name for law in result.laws if not law.holds}


def keys(result) -> set[str]:
    blocks = result.story.blocks
    return {block.key.removeprefix("lesson.zeros.") for block in blocks if isinstance(block, Say)}


def logit_of_tanh(steps: int, seed: int = 0) -> float:
    """Return what a network of one hidden layer of tanh says in the end, all in plain NumPy."""
    rng = np.random.default_rng(seed)
    rng.normal(size=4)  # the neurons are drawn first
    rng.normal(0, 1 / 2, (4, 3))
    out, hidden, last = rng.normal(0, 1 / math.sqrt(3), 3), np.zeros(3), 0.0
    for _ in range(steps):
        a = np.tanh(hidden)
        delta = 1 / (1 + math.exp(-(out @ a + last))) - 0.8
        back = delta * out * (1 - a**2)
        out, hidden, last = out - 0.1 * delta * a, hidden - 0.1 * back, last - 0.1 * delta
    return float(out @ np.tanh(hidden) + last)


def test_the_law_holds_by_default():
    assert run().holds
    assert run().measured["speaking"] == ["sigmoid", "softplus"]
    assert run().measured["entropy"] == pytest.approx(
        -0.8 * math.log(0.8) - 0.2 * math.log(0.2), rel=1e-14
    )


@pytest.mark.parametrize("steps", [1, 40])
def test_trainings_are_those_of_plain_numpy_to_the_last_step(steps):
    own = run(steps=steps).measured["runs"]["tanh"]["with"]
    probability = 1 / (1 + math.exp(-logit_of_tanh(steps)))
    assert own["probability"] == pytest.approx(probability, rel=1e-12)
    loss = -0.8 * math.log(probability) - 0.2 * math.log(1 - probability)
    assert own["last"] == pytest.approx(loss, rel=1e-12)
    assert own["first"] == pytest.approx(math.log(2), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_neuron_says_f_of_its_bias_and_only_the_bias_learns(name):
    one = run(bias=1.5, **SHORT).measured["neurons"][name]
    nudge = 1e-6
    up, here, down = VALUES[name](1.5 + nudge * np.array([1.0, 0.0, -1.0]))
    assert one["said_with"] == pytest.approx(here)
    assert one["said_without"] == pytest.approx(float(VALUES[name](np.zeros(1))[0]), abs=1e-15)
    assert one["bias"] == pytest.approx((here + 1) * (up - down) / (2 * nudge), rel=1e-6)
    assert one["weight_with"] == one["weight_without"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_without_biases_only_those_learn_that_answer_to_silence(name):
    own = run().measured["runs"][name]["without"]
    assert (own["change"] == 0) == (VALUES[name](np.zeros(1))[0] == 0)
    assert (own["gap"] < 1e-4) == (name in ("sigmoid", "softplus"))
    assert own["first_weights"] == own["hidden_biases"] == own["output_bias"] == 0


@pytest.mark.parametrize("depth", [1, 3])
def test_the_law_holds_deep_and_skewed(depth):
    result = run(depth=depth, seed=7, share=0.3, samples=7, inputs=1, width=8)
    assert result.measured["ones"] == 2 and result.holds


def test_a_broken_delta_flips_the_verdict(monkeypatch):
    right = backprop._pass_back

    def wrong(*given):
        layer = right(*given)
        return replace(layer, delta=layer.delta * 1.001)

    monkeypatch.setattr(backprop, "_pass_back", wrong)
    assert "bias" in broken(fresh(**SHORT))


def test_weights_that_learn_from_nothing_flip_the_verdict(monkeypatch):
    right = LayerAnatomy.mean_with_delta
    monkeypatch.setattr(
        LayerAnatomy, "mean_with_delta", lambda self, input: right(self, input + 0.001)
    )
    result = fresh(steps=41)  # another number of steps: compiled anew
    assert {"weights", "first_weights"} <= broken(result)
    assert "without_stuck" not in keys(result)


def test_too_short_a_training_is_told_as_it_came_out():
    result = run(steps=1)
    assert broken(result) == {"base_rate", "heard"}
    assert {"with_not", "without_stuck", "heard_not"} <= keys(result)


def test_a_training_that_leaves_the_finite_numbers_holds_no_law_of_learning():
    result = run(activation="softplus", **WILD)
    assert {"base_rate", "heard"} <= broken(result)
    assert "with_diverged" in keys(result)
    assert {"heard_not", "heard_diverged"} & keys(result) and "heard" not in keys(result)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "with_reached without_stuck heard deaf"),
        ({"activation": "sigmoid"}, "with_reached without_learns heard"),
        ({"share": 0.5}, "with_there without_best heard"),
        ({"activation": "sigmoid", **SHORT}, "with_not without_not heard_not"),
    ],
    ids=str,
)
def test_the_story_says_what_this_run_showed(options, told):
    assert set(told.split()) <= keys(run(**options))


def test_nothing_finite_is_taken_for_reached():
    measured = run().measured
    runs = {
        name: both | {"without": both["without"] | {"gap": math.nan}}
        if name == "softplus"
        else both
        for name, both in measured["runs"].items()
    }
    result = replace(run(), measured=measured | {"runs": runs})
    assert "heard_diverged" in keys(result)


def test_the_picture_ends_when_the_curves_have_settled():
    losses = 0.5 + 0.5 ** np.arange(100.0)
    assert settled([losses, np.full(100, 0.7)], 0.5) == 14
    assert settled([np.full(100, 0.5)], 0.5) == settled([np.full(100, 0.7)], 0.5) == 100


@pytest.mark.parametrize("options", [{}, {"share": 0.5}, {"steps": 1}, WILD], ids=str)
def test_pictures_show_what_was_measured(options):
    result = run(**options)
    for picture in result.story.pictures:
        with styled(picture.name):
            picture.draw()
    losses = result.story.pictures[0]
    assert losses.caption.values["shown"] == len(losses.lines[0].x) - 1 >= 1


@pytest.mark.parametrize("exercise", lessons.find("zeros").exercises, ids=lambda one: one.name)
def test_an_exercise_is_answered_by_its_solution_alone(exercise):
    assert run().answered()[exercise.name] is False
    assert run(**exercise.solution).answered()[exercise.name] is True


@pytest.mark.parametrize(
    "options", [{}, {"share": 0.5}, {"activation": "sigmoid", **SHORT}, {"steps": 1}, WILD], ids=str
)
def test_every_telling_can_be_read_in_both_languages(options):
    result = run(**options)
    for tag in ("en", "zh"):
        with speaking(tag):
            for told in (str(result), as_html(result)):
                assert "lesson.zeros" not in told
                assert result.holds <= ("NaN" not in told)
    json.dumps(result.to_dict())


def test_an_option_out_of_range_is_refused():
    with pytest.raises(OptionError) as refused:
        lessons.zeros(share=1.0)
    assert str(refused.value) == (
        "share must be a finite number ≥ 0.05, < 0.95, got 1.0. Choose a value in that range."
    )
