"""Statement 13: the sum in the matrix product. Its numbers by plain NumPy, and its failures."""

from dataclasses import replace
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whygrad import lessons
from whygrad.core import backprop
from whygrad.lessons.experiments.outer import _peak_bytes, _rank
from whygrad.lessons.experiments.outer.story import tell
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Say
from whygrad.words import speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]


def fresh(**options):
    return lessons.outer(**options).run(lambda share: None)


run = cache(fresh)


@pytest.fixture(scope="module")
def default():
    return run()


def laws(result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def keys(story) -> set[str]:
    return {block.key for block in story.blocks if isinstance(block, Say)}


def input_and_delta(batch=64, inputs=8, width=6):
    """Draw the lesson's network and data once more, and take δ by the chain rule in NumPy."""
    rng = np.random.default_rng(0)
    first = rng.normal(0, 1 / np.sqrt(inputs), (inputs, width))
    last = rng.normal(0, 1 / np.sqrt(width), (width, 1))
    biases = rng.normal(0, 0.1, width), rng.normal(0, 0.1, 1)
    x, y = rng.normal(size=(batch, inputs)), rng.normal(size=(batch, 1))
    a = np.tanh(x @ first + biases[0])
    return x, (a @ last + biases[1] - y) @ last.T * (1 - a**2)


def test_the_law_holds_by_default(default):
    assert default.holds
    assert set(laws(default)) == {"sample", "sum", "rank_of_one", "rank"}


def test_the_gradient_is_the_sum_over_samples_written_out(default):
    x, delta = input_and_delta()
    expected = [
        [sum(x[i, j] * delta[i, k] for i in range(64)) / 64 for k in range(6)] for j in range(8)
    ]
    np.testing.assert_allclose(default.measured["gradient"], expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(default.measured["delta"], delta, rtol=0, atol=1e-14)


def test_the_outer_products_of_the_picture_are_those_of_input_and_delta(default):
    x, delta = input_and_delta()
    np.testing.assert_allclose(
        default.measured["outers"], np.einsum("ij,ik->ijk", x, delta)[:3], rtol=0, atol=1e-14
    )


def test_sizes_in_memory_are_those_of_the_shapes(default):
    measured = default.measured
    assert measured["stack_bytes"] == 64 * 8 * 6 * 8
    assert measured["factor_bytes"] == 64 * (8 + 6) * 8
    assert measured["gradient_bytes"] == 8 * 6 * 8
    assert measured["bytes"]["stack"] >= measured["stack_bytes"]
    assert measured["gradient_bytes"] <= measured["bytes"]["product"] < measured["stack_bytes"]


def test_the_memory_seen_is_that_of_the_arrays_made():
    assert 80_000 <= _peak_bytes(lambda: np.zeros(10_000)) < 81_000
    assert _peak_bytes(lambda: None) < 1_000


def test_the_rank_grows_by_one_a_sample_up_to_the_narrow_side(default):
    sizes = default.measured["rank_sizes"]
    np.testing.assert_array_equal(sizes, np.arange(1, 13))
    np.testing.assert_array_equal(default.measured["ranks"], np.minimum(sizes, 6))


@given(
    x=arrays(np.float64, (3, 5), elements=st.floats(-4, 4, width=16)),
    delta=arrays(np.float64, (3, 4), elements=st.floats(-4, 4, width=16)),
)
def test_a_sum_of_m_outer_products_has_rank_m_at_most(x, delta):
    assert _rank(x.T @ delta) <= 3
    assert _rank(x[:1].T @ delta[:1]) <= 1


def forget_the_slope(monkeypatch):
    right = backprop._pass_back

    def wrong(dense, trace, upstream, share, is_matched_here):
        return replace(right(dense, trace, upstream, share, is_matched_here), delta=upstream)

    monkeypatch.setattr(backprop, "_pass_back", wrong)


def forget_the_input(monkeypatch):
    right = backprop.LayerAnatomy.mean_with_delta
    monkeypatch.setattr(
        backprop.LayerAnatomy,
        "mean_with_delta",
        lambda self, input: right(self, jnp.ones_like(input)),
    )


def turn_the_sign(monkeypatch):
    right = backprop.LayerAnatomy.mean_with_delta
    monkeypatch.setattr(
        backprop.LayerAnatomy, "mean_with_delta", lambda self, input: -right(self, input)
    )


@pytest.mark.parametrize(
    ("breaks", "broken"),
    [(forget_the_slope, {"sample"}), (forget_the_input, {"sum"}), (turn_the_sign, {"sum"})],
)
def test_a_broken_backward_pass_flips_the_verdict(breaks, broken, monkeypatch):
    breaks(monkeypatch)
    result = fresh()
    assert not result.holds
    assert {name for name, holds in laws(result).items() if not holds} == broken


SILENT = {"batch": 1, "inputs": 1, "width": 1, "activation": "relu"}  # its neuron is closed
ODD = [
    SILENT,
    {"batch": 2, "activation": "gelu", "seed": 5},
    {"activation": "identity"},
    {"batch": 300, "inputs": 64, "width": 64, "activation": "leaky_relu"},
]


@pytest.mark.parametrize("options", ODD, ids=str)
def test_odd_options_hold_and_are_told_in_both_languages(options):
    result = run(**options)
    assert result.holds, [law for law in result.laws if not law.holds]
    for language, verdict in (("en", "The law held"), ("zh", "规律成立")):
        with speaking(language):
            assert verdict in str(result)
    assert as_html(result).count("<figure") == len(result.story.pictures)


def test_what_is_told_of_the_rank_follows_what_was_measured(default):
    assert "lesson.outer.rank_full" in keys(default.story)
    assert "lesson.outer.rank_none" in keys(run(**SILENT).story)
    assert "lesson.outer.rank_few_samples" in keys(run(**ODD[1]).story)
    assert "lesson.outer.rank_below" in keys(run(activation="identity").story)


@pytest.mark.parametrize(
    ("product", "compiled", "told"),
    [
        (1e-6, 2e-6, {"product_faster", "compiled_slower"}),
        (9e-6, 2e-6, {"product_not_faster", "compiled_faster"}),
    ],
)
def test_what_is_told_of_time_follows_what_was_measured(default, product, compiled, told):
    seconds = {"loop": 5e-6, "stack": 3e-6, "product": product, "compiled": compiled}
    story = tell(default.setup, default.measured | {"seconds": seconds})
    races = {"product_faster", "product_not_faster", "compiled_faster", "compiled_slower"}
    assert {key.split(".")[-1] for key in keys(story)} & races == told


def test_exercises_are_open_by_default_and_solved_by_their_solutions(default):
    assert default.answered() == {"rank_one": False, "memory": False}
    for exercise in default.lesson.exercises:
        assert run(**exercise.solution).answered()[exercise.name]
