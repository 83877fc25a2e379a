"""Statement 7: relu lets δ through above 0. Gradients by PyTorch, deaths by a walk of our own."""

import json
from dataclasses import replace
from functools import cache

import jax
import numpy as np
import pytest
import torch

from whygrad import Network, forward, lessons
from whygrad.core import backprop
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.lessons.experiments import depth
from whygrad.lessons.experiments.depth import death as depth_death
from whygrad.lessons.instruments.side_by_side import proper
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Say
from whygrad.words import speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

SHORT = {"depth": 3, "width": 6, "batch": 5, "seeds": 2, "steps": 8}


def fresh(**options):
    return lessons.depth(**options).run(lambda share: None)


run = cache(fresh)


def holding(result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def keys(result) -> list[str]:
    blocks = result.story.blocks
    return [block.key.removeprefix("lesson.depth.") for block in blocks if isinstance(block, Say)]


def read_in_both_languages(result) -> None:
    for tag in ("en", "zh"):
        with speaking(tag):
            assert str(result)
    assert as_html(result)
    json.dumps(result.to_dict())


def norms_in_torch(name: str, depth: int, seed: int) -> list[float]:
    """Return the norms of the weight gradients of the hidden layers, as PyTorch finds them."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 6)), rng.integers(0, 10, 5)
    network = Network.create(
        [6] * (SHORT["depth"] + 1) + [10], activation=name, init=proper(name), seed=seed
    )
    dense = (*network.dense[:depth], network.dense[-1])
    weights = [torch.tensor(np.asarray(d.weight, np.float64), requires_grad=True) for d in dense]
    a = torch.tensor(x)
    for weight in weights[:-1]:
        a = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}[name](a @ weight)
    torch.nn.functional.cross_entropy(a @ weights[-1], torch.tensor(y)).backward()
    return [float(weight.grad.norm()) for weight in weights[:-1] if weight.grad is not None]


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_norms_of_every_depth_are_those_of_pytorch(name):
    found = run(**SHORT).measured["activations"][name]
    assert [len(norms) for norms in found["norms"]] == [1, 2, 3]
    for norms in found["norms"]:
        deep = len(norms)
        both = np.array([norms_in_torch(name, deep, seed) for seed in range(2)])
        np.testing.assert_allclose(norms, both.mean(axis=0), rtol=1e-10)


def test_the_law_holds_and_is_told():
    result = run()
    assert result.holds
    assert {"sigmoid.fades", "open.exact", "relu.keeps", "halves.paid"} <= set(keys(result))
    assert {"dead.still", "remedy.awake", "for_good"} <= set(keys(result))
    read_in_both_languages(result)


def test_what_is_left_after_all_layers_is_a_power_of_what_one_keeps():
    for found in run().measured["activations"].values():
        assert found["kept"] ** 19 == pytest.approx(found["arrives"], rel=1e-12)


def test_a_sigmoid_keeps_a_quarter_at_most_for_every_seed_tried():
    assert all(
        run(**SHORT, seed=seed).measured["activations"]["sigmoid"]["kept"] < 0.25
        for seed in range(3)
    )


def test_pushed_neurons_are_dead_for_every_sample_and_take_no_step():
    setup = depth.Depth(**SHORT)
    x, y = depth_death._samples(setup)
    network = depth_death._pushed(setup, "relu", x, seed=1)
    z = np.asarray(x, np.float64) @ np.asarray(network.parameters["hidden1"]["weight"], np.float64)
    highest = (z + np.asarray(network.parameters["hidden1"]["bias"], np.float64)).max(axis=0)
    np.testing.assert_allclose(highest[:3], -0.5, atol=1e-5)
    assert (highest[3:] > 0).all()
    gradient = backprop.backward(network, forward(network, x), y).gradients()["hidden1"]
    assert not np.asarray(gradient["weight"])[:, :3].any()
    assert not np.asarray(gradient["bias"])[:3].any()
    assert np.asarray(gradient["bias"])[3:].all()


def test_a_slope_that_leaks_flips_the_verdict(monkeypatch):
    """Nothing is dead then, and autodiff, which knows the right slope, disagrees."""
    leaky = replace(ACTIVATIONS["relu"], slope=ACTIVATIONS["leaky_relu"].slope)
    monkeypatch.setitem(ACTIVATIONS, "relu", leaky)
    jax.clear_caches()
    result = fresh(**SHORT)
    jax.clear_caches()
    assert not holding(result)["gradient"] and not holding(result)["dead"]
    read_in_both_languages(result)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"init": "glorot_normal", "depth": 6, "steps": 1},
            ("setup.same", "relu.fades", "halves.unpaid"),
        ),
        ({"margin": -2.0, **SHORT}, ("dead.none",)),
        ({"margin": 99.0, **SHORT}, ("remedy.dead",)),
        ({"width": 2, "batch": 1, "depth": 12, "seeds": 1}, ("open.none", "relu.silent")),
        ({"depth": 2, "width": 256, "batch": 1, "steps": 1}, ("setup.proper",)),
        ({"activations": depth.NAMES, **SHORT}, ("setup.proper",)),
        ({"learning_rate": 9.9, **SHORT}, ("dead.still",)),
    ],
    ids=str,
)
def test_every_telling_can_be_read_in_both_languages(options, told):
    result = run(**options)
    assert set(told) <= set(keys(result))
    read_in_both_languages(result)


def test_nothing_dead_means_that_the_law_could_not_be_shown():
    assert holding(run(margin=-2.0, **SHORT))["dead"] is False


@pytest.mark.parametrize("exercise", lessons.find("depth").exercises, ids=lambda e: e.name)
def test_exercises_are_answered_by_their_solution_only(exercise):
    assert run().answered()[exercise.name] is False
    assert run(**exercise.solution).answered()[exercise.name] is True
