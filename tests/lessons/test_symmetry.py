"""Statement 8: clones by a second way, the verdict made to fail, and told truly."""

import copy
import json
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from whygrad import lessons
from whygrad.core import backprop
from whygrad.lessons.experiments.symmetry import runs as symmetry_runs
from whygrad.lessons.experiments.symmetry.outcomes import matching, numbers
from whygrad.lessons.experiments.symmetry.runs import SAMPLES, task_of
from whygrad.lessons.instruments.stand_in import common
from whygrad.lessons.lesson import Result
from whygrad.lessons.rendering.html import as_html
from whygrad.words import speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

LESSON = lessons.find("symmetry")


def fresh(**options) -> Result:
    return LESSON.start(options).run(lambda share: None)


default = cache(fresh)


def holding(result: Result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def told(result: Result) -> None:
    """Tell the story in both languages."""
    for language in ("en", "zh"):
        with speaking(language):
            assert "{" not in str(result)


def drawn(result: Result) -> None:
    """Make the page, with every picture, and the data."""
    told(result)
    assert as_html(result)
    assert json.dumps(result.to_dict())


def keys(result: Result) -> set[str]:
    blocks = result.story.blocks
    return {getattr(block, "key", "").removeprefix("lesson.symmetry.") for block in blocks}


def test_the_law_holds_by_default():
    result = default()
    assert holding(result) == dict.fromkeys(("apart", "width", "replacement", "stuck"), True)
    assert not any(result.answered().values())
    assert {"result.ahead", "one.same", "apart.equal", "chain", "replaced.same"} <= keys(result)
    assert {"replaced.matching", "replaced.epsilon", "dropout.parted", "zeros"} <= keys(result)
    assert [link["difference"] for link in result.measured["links"]] == [0] * 10
    drawn(result)


def test_the_replacement_is_shown_for_every_pair_over_all_steps():
    found = default().measured["replacement"]
    pairs = {(name, how) for name, row in found.items() for how in row}
    assert pairs == {(name, how) for name in ("sigmoid", "tanh", "relu") for how in ("sgd", "adam")}
    for row in found.values():
        for one in row.values():
            assert one["steps"] == 1000
            np.testing.assert_allclose(one["clones"], one["one"], rtol=1e-12)
            assert one["unmatched"] > 1e-2 > 1e-12 > one["difference"]


def test_rates_that_do_not_match_flip_the_verdict(monkeypatch):
    monkeypatch.setattr(symmetry_runs, "matched", lambda how, rate, n: common(rate))
    result = fresh()
    assert holding(result) == {"apart": True, "width": True, "replacement": False, "stuck": True}
    assert {"one.differs", "replaced.differs"} <= keys(result)
    assert not {"one.same", "replaced.matching", "replaced.epsilon"} & keys(result)
    told(result)


def changed(**parts) -> Result:
    """Return the default result with other measurements."""
    measured = copy.deepcopy(default().measured) | parts
    return Result(LESSON, default().setup, measured, LESSON.laws(default().setup, measured))


def test_constants_that_get_further_down_flip_the_verdict():
    result = changed(lowest=1e-9)
    assert not holding(result)["stuck"]
    assert "result.level" in keys(result)


@pytest.mark.parametrize("place", range(3))
def test_a_start_that_loses_its_numbers_never_counts_as_one_neuron(place):
    starts = copy.deepcopy(default().measured["starts"])
    starts[list(starts)[place]]["width"] = float("nan")
    result = changed(starts=starts)
    assert not holding(result)["width"]
    assert "apart.lost" in keys(result)
    told(result)


def test_lost_numbers_are_told_as_lost():
    starts = copy.deepcopy(default().measured["starts"])
    starts["1.0"]["losses"][500:] = starts["1.0"]["final"] = float("nan")
    dropout = copy.deepcopy(default().measured["dropout"]) | {"width": float("nan")}
    result = changed(starts=starts, apart=float("nan"), dropout=dropout, links=[])
    assert not holding(result)["apart"] and not result.holds
    assert {"result.lost", "apart.lost", "dropout.lost", "rounding_too"} <= keys(result)
    assert not {"chain", "rounding"} & keys(result)
    drawn(result)


def test_nothing_compared_is_nothing_proved():
    replaced = copy.deepcopy(default().measured["replacement"])
    replaced["tanh"]["adam"] |= {"steps": 0, "difference": float("nan")}
    result = changed(replacement=replaced)
    assert not holding(result)["replacement"]
    assert {"one.none", "replaced.none"} <= keys(result)
    told(result)


@pytest.mark.parametrize(
    ("unmatched", "epsilon", "said"),
    [
        (0.2, 1e-6, ["matching", "epsilon"]),
        (0.2, 0.0, ["matching"]),
        (1e-12, 0.0, []),
        (np.nan, 0.0, ["matching_lost"]),
    ],
)
def test_other_rates_are_told_by_what_they_did(unmatched, epsilon, said):
    told_numbers = numbers(default().setup, default().measured)
    other = {"unmatched": unmatched, "without_epsilon": epsilon}
    assert matching(told_numbers | other) == said
    assert matching(told_numbers | other | {"difference": 1.0}) == []


@pytest.mark.parametrize(
    ("seated", "alone", "width", "key"),
    [
        (0.0, 0.0, 1, "even"),
        (0.0, 1e-9, 1, "small"),
        (0.0, 3.0, 2, "grown"),
        (1e-9, 1e-9, 1, "uneven"),
        (np.nan, 0.0, 1, "lost"),
    ],
)
def test_rounding_is_told_by_what_it_did(seated, alone, width, key):
    rounding = copy.deepcopy(default().measured["rounding"])
    rounding["seated"]["apart"] = seated
    rounding["alone"] |= {"apart": alone, "width": width}
    rounding["first"] = 3 if alone else 0
    result = changed(rounding=rounding)
    assert f"rounding.{key}" in keys(result)
    told(result)


ODD = {
    "from zeros": ({"constant": 0.0}, {"dropout.silent", "one.same"}),
    "hardly a step": ({"learning_rate": 1e-12}, {"result.level", "replaced.same"}),
    "no dropout": ({"dropout": 0.0}, {"dropout.off"}),
    "plain descent": ({"constant": 1.0, "optimizer": "sgd"}, {"one.same"}),
}


@pytest.mark.parametrize(("options", "said"), ODD.values(), ids=list(ODD))
def test_odd_options_are_told_truly(options, said):
    result = fresh(**options)
    drawn(result)
    assert said <= keys(result)
    assert ("apart.equal" in keys(result)) == (result.measured["apart"] == 0)


@pytest.mark.parametrize("data", ["circles", "xor", "digits"])
def test_no_class_is_half_of_the_samples_so_an_output_bias_has_something_to_learn(data):
    for seed in range(25):
        task = task_of(LESSON.start({"data": data, "seed": seed}).setup, "float32")
        shares = np.asarray(task.y).mean(axis=0)
        assert len(task.x) == SAMPLES
        assert not (shares == (0.1 if data == "digits" else 0.5)).all()


def test_zeros_move_only_where_the_function_says_something_at_zero():
    zeros = default().measured["zeros"]
    for name in ("tanh", "relu"):
        assert zeros[name]["value"] == 0
        assert [part for part, way in zeros[name]["moved"].items() if way] == ["output_bias"]
    assert zeros["sigmoid"]["first"] == {
        "output_bias": 1, "output_weight": 1, "hidden_weight": 2, "hidden_bias": 2
    }  # fmt: skip


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda one: one.name)
def test_a_solution_answers_its_exercise(exercise, monkeypatch):
    monkeypatch.setattr(symmetry_runs, "ACTIVATIONS", ("tanh",))  # the others are not asked about
    less = {"silent": {"steps": 4, "seeds": 1, "width": 2}}
    options = less.get(exercise.name, {}) | exercise.solution
    result = LESSON.start(options).run(lambda share: None)
    assert result.answered() == {one.name: one is exercise for one in LESSON.exercises}
    told(result)


def test_a_backward_pass_that_treats_neurons_unalike_flips_the_verdict(monkeypatch):
    right = backprop._pass_back

    def wrong(*given):
        layer = right(*given)
        return replace(layer, delta=layer.delta * (1 + jnp.arange(layer.delta.shape[1])))

    monkeypatch.setattr(backprop, "_pass_back", wrong)
    monkeypatch.setattr(symmetry_runs, "ACTIVATIONS", ("tanh",))
    jax.clear_caches()
    result = fresh(steps=12, seeds=1)
    jax.clear_caches()
    assert not any(holding(result)[name] for name in ("apart", "width", "replacement"))
    assert {"apart.parted", "rounding_too"} <= keys(result)
    assert not {"apart.equal", "rounding", "replaced.same"} & keys(result)
    drawn(result)
