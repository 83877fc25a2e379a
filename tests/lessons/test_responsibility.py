"""Statement 4: who listens decides who is responsible. Checked by automatic differentiation."""

import json
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad import lessons
from whygrad.core import backprop
from whygrad.lessons.experiments.responsibility.network import (
    LOUD,
    QUIET,
    TORN,
    Responsibility,
    build,
)
from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Formula, Say
from whygrad.words import speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

KNOWN = {"relu": jax.nn.relu, "gelu": lambda z: jax.nn.gelu(z, approximate=False)} | {
    name: getattr(jax.nn, name)
    for name in ("sigmoid", "tanh", "leaky_relu", "elu", "selu", "silu", "softplus", "identity")
}


def fresh(**options):
    return lessons.responsibility(**options).run(lambda share: None)


run = cache(fresh)


def holding(result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def keys(result) -> set[str]:
    blocks = result.story.blocks
    return {block.key.rpartition(".")[2] for block in blocks if isinstance(block, Say)}


def read_in_both_languages(result) -> None:
    for tag in ("en", "zh"):
        with speaking(tag):
            assert str(result)
    assert as_html(result)
    json.dumps(result.to_dict(), allow_nan=False)


def by_autodiff(**options):
    """Return dC/da of the first hidden layer by jax.grad of a loss that is written anew here."""
    setup = Responsibility(**options)
    with jax.enable_x64(True):
        network, x, y = build(setup)
        rule = KNOWN[setup.activation]
        layers = [(jnp.asarray(d.weight), jnp.asarray(d.bias)) for d in network.dense]

        def loss(a):
            for weight, bias in layers[1:-1]:
                a = rule(a @ weight + bias)
            return jnp.sum((a @ layers[-1][0] + layers[-1][1] - y) ** 2) / 2

        first = rule(x @ layers[0][0] + layers[0][1])
        return np.asarray(jax.grad(loss)(first))[0]


def test_the_law_holds_with_the_options_as_they_are():
    assert holding(run()) == dict.fromkeys(("sum", "paths", "quieter", "carries"), True)


@pytest.mark.parametrize("activation", NAMES)
def test_sums_are_what_autodiff_finds(activation):
    found = by_autodiff(activation=activation, depth=3)
    result = run(activation=activation, depth=3)
    np.testing.assert_allclose(result.measured["sum"], found, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(result.measured["nudged"], found, rtol=1e-6, atol=1e-9)


@settings(max_examples=6)
@given(
    st.integers(0, 2**31 - 1),
    st.integers(1, 8),
    st.integers(3, 12),
    st.sampled_from(NAMES),
    st.floats(-4.9, 4.9),
)
def test_contributions_add_up_whatever_the_network(seed, depth, width, activation, critical):
    result = fresh(seed=seed, depth=depth, width=width, activation=activation, critical=critical)
    assert holding(result)["sum"] and holding(result)["paths"]


def test_parts_are_weights_times_deltas():
    measured = run().measured
    for name, neuron in (("quiet", QUIET), ("loud", LOUD), ("torn", TORN)):
        expected = measured["weights"][name] * measured["next_delta"]
        np.testing.assert_allclose(measured["parts"][name], expected, rtol=1e-12)
        np.testing.assert_allclose(expected.sum(), measured["sum"][neuron], atol=1e-12)


def test_as_much_flows_into_every_neuron_of_the_picture_as_out_of_it():
    for root in run().measured["roots"].values():
        edges = root["edges"]
        total = sum(part for level, _, _, part in edges if level == 0)
        assert total == pytest.approx(run().measured["sum"][root["neuron"]], abs=1e-12)
        for neuron in {above for level, _, above, _ in edges if level == 0}:
            arriving = sum(e[3] for e in edges if e[0] == 0 and e[2] == neuron)
            leaving = sum(e[3] for e in edges if e[0] == 1 and e[1] == neuron)
            assert arriving == pytest.approx(leaving, abs=1e-12)


def test_a_path_is_the_product_of_its_factors():
    for depth in (1, 2, 4):
        root = run(depth=depth).measured["roots"]["quiet"]
        product = np.prod([value for _, value in root["factors"]])
        assert len(root["factors"]) == 2 * depth
        assert product == pytest.approx(root["paths"][0][1], rel=1e-12)


def test_loudness_does_not_enter_the_sum():
    loud, quiet = run(), run(quiet=0.001)
    np.testing.assert_allclose(loud.measured["sum"], quiet.measured["sum"], rtol=1e-9, atol=1e-12)
    ratio = quiet.measured["gradient_out"][QUIET] / loud.measured["gradient_out"][QUIET]
    assert ratio == pytest.approx(0.001 / 0.05)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_the_torn_neuron_ends_with_nothing_though_much_flows_to_it(depth):
    measured = run(depth=depth).measured
    assert measured["size"][TORN] == pytest.approx(2 * measured["size"][QUIET])
    assert measured["left_over"][TORN] < 1e-12
    assert abs(measured["later"]) > 1e-6


def test_a_broken_backward_pass_flips_the_verdict(monkeypatch):
    right = backprop._pass_back

    def wrong(*given):
        layer = right(*given)
        return replace(layer, delta=layer.delta * 1.01)

    monkeypatch.setattr(backprop, "_pass_back", wrong)
    result = fresh()
    assert not holding(result)["sum"] and not result.holds


def test_a_lost_contribution_flips_the_verdict(monkeypatch):
    from whygrad.core import attribution as responsibility
    from whygrad.lessons.experiments import responsibility as lesson

    def losing(*given):
        one = responsibility.contributions(*given)
        parts = one.parts.copy()
        parts[:, 0] = 0
        return replace(one, parts=parts, mean=parts.mean(axis=0))

    monkeypatch.setattr(lesson, "contributions", losing)
    held = holding(fresh())
    assert not held["sum"] and not held["paths"]


def test_a_loud_neuron_with_heavy_weights_out_carries_more_and_the_story_says_so():
    result = run(side=3.0)
    assert holding(result) == {"sum": True, "paths": True, "quieter": True, "carries": False}
    assert "carries_not" in keys(result) and "carries" not in keys(result)


def test_names_that_do_not_fit_are_called_so():
    result = run(quiet=0.9, loud=0.1)
    assert not holding(result)["quieter"]
    assert "pair_not_louder" in keys(result) and "pair" not in keys(result)
    assert "carries_alone" in keys(run(side=0.0))


@pytest.mark.parametrize("exercise", lessons.find("responsibility").exercises, ids=lambda e: e.name)
def test_exercises_are_answered_by_their_solution_only(exercise):
    assert run().answered()[exercise.name] is False
    assert run(**exercise.solution).answered()[exercise.name] is True


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"depth": 1},
        {"depth": 8, "width": 3, "critical": -4.9},
        {"width": 64, "activation": "relu"},
        {"quiet": 1e-12, "activation": "sigmoid"},
        {"critical": 0.0, "side": 0.0, "depth": 1},
        {"side": 3.0},
    ],
    ids=str,
)
def test_every_telling_can_be_read_in_both_languages(options):
    result = run(**options)
    assert holding(result)["sum"] and holding(result)["paths"]
    read_in_both_languages(result)
    assert [picture.name for picture in result.story.pictures] == ["paths", "torn"]


def test_long_paths_are_told_without_a_formula():
    assert {"opened", "opened_long"} & keys(run(depth=1)) == set()
    assert "opened" in keys(run()) and "opened_long" in keys(run(depth=5))
    formulas = [block for block in run().story.blocks if isinstance(block, Formula)]
    assert any(r"\cdot \class{slope}{f'(z)} \cdot" in formula.latex for formula in formulas)
