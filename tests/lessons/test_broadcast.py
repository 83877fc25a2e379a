"""Statement 12: one bias, many samples. Its numbers by plain NumPy, and a verdict that can fail."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad import lessons
from whygrad.core import backprop
from whygrad.lessons.experiments.broadcast import STEPS, story
from whygrad.lessons.experiments.broadcast.story import tell
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Code, Oriented, Say, Table, every_block
from whygrad.words import speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]


def fresh(**options):
    return lessons.broadcast(**options).run(lambda share: None)


run = cache(fresh)  # a run costs seconds, most of them the compiler's


@pytest.fixture(scope="module")
def default():
    return run()


def parameters(batch=5, inputs=4, width=3, seed=0):
    """Draw the lesson's network and data once more, in the order in which it draws them."""
    rng = np.random.default_rng(seed)
    weights = [
        rng.normal(0, 1 / np.sqrt(inputs), (inputs, width)),
        rng.normal(0, 1 / np.sqrt(width), (width, 1)),
    ]
    biases = [rng.normal(0, 0.1, width), rng.normal(0, 0.1, 1)]
    return weights, biases, rng.normal(size=(batch, inputs)), rng.normal(size=(batch, 1))


def step(weights, biases, x, y, rate):
    """Take one gradient step by the chain rule in NumPy; return δ, loss and what comes out."""
    a = np.tanh(x @ weights[0] + biases[0])
    error = a @ weights[1] + biases[1] - y
    delta = error @ weights[1].T * (1 - a**2)
    m = len(x)
    moved = (
        [weights[0] - rate * x.T @ delta / m, weights[1] - rate * a.T @ error / m],
        [biases[0] - rate * delta.mean(0), biases[1] - rate * error.mean(0)],
    )
    return delta, float((error**2).mean() / 2), moved


def laws(result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def keys(story) -> set[str]:
    return {block.key for block in story.blocks if isinstance(block, Say)}


def test_the_law_holds_by_default(default):
    assert default.holds
    assert set(laws(default)) == {"sample", "mean", "loop", "shape", "turned", "rate"}


def test_every_answer_and_the_gradient_are_those_of_the_chain_rule_in_numpy(default):
    delta, loss, _ = step(*parameters(), rate=0.1)
    np.testing.assert_allclose(default.measured["nudged"], delta, rtol=0, atol=1e-9)
    np.testing.assert_allclose(default.measured["gradient"], delta.mean(0), rtol=1e-12)
    np.testing.assert_allclose(default.measured["losses"][:, 0], loss, rtol=1e-12)


def test_the_four_trainings_are_those_of_numpy(default):
    for way, rate in enumerate((0.1, 0.1, 0.5, 0.1 / 5)):
        weights, biases, x, y = parameters()
        for _ in range(STEPS):
            _, _, (weights, biases) = step(weights, biases, x, y, rate)
        _, loss, _ = step(weights, biases, x, y, rate)
        assert default.measured["losses"][way, -1] == pytest.approx(loss, rel=1e-9)
    assert default.measured["compared_steps"] == STEPS


def test_the_bias_is_spread_over_the_rows_and_the_rows_are_added_up(default):
    assert default.measured["shapes"] == {
        "input": [5, 4], "weight": [4, 3], "product": [5, 3], "bias": [3],
        "preactivation": [5, 3], "delta": [5, 3], "sum": [3], "gradient": [3],
    }  # fmt: skip


def numbers_in(blocks) -> list[float]:
    """Return the numbers of all tables, sorted."""
    tables = (block for block in every_block(blocks) if isinstance(block, Table))
    return sorted(
        one for table in tables for row in table.rows for one in row if type(one) is float
    )


def test_both_orientations_show_the_same_numbers(default):
    (both,) = (block for block in default.story.blocks if isinstance(block, Oriented))
    rows, columns = numbers_in(both.rows), numbers_in(both.columns)
    assert rows == columns and len(rows) == 15 + 3 + 3
    delta, _, _ = step(*parameters(), rate=0.1)
    np.testing.assert_allclose(default.measured["turned"]["delta"], delta.T, rtol=1e-12)
    codes = {
        side: next(block.text for block in every_block(blocks) if isinstance(block, Code))
        for side, blocks in (("rows", both.rows), ("columns", both.columns))
    }
    assert "delta, axis=0)" in codes["rows"] and "# (5, 3) -> (3,)" in codes["rows"]
    assert "Delta, axis=1, keepdims=True)" in codes["columns"]
    assert "Delta @ A_prev.T" in codes["columns"] and "# (3, 5) -> (3, 1)" in codes["columns"]


def test_a_sum_without_its_axis_is_broadcast_by_mistake(default):
    shapes = default.measured["turned"]["shapes"]
    assert (shapes["columns_bias"], shapes["flat"], shapes["wrong"]) == ((3, 1), (3,), (3, 3))
    assert "lesson.broadcast.trap" in keys(default.story)
    assert "lesson.broadcast.trap_hidden" in keys(run(**ODD[0]).story)


def test_the_frameworks_write_down_the_sum_themselves(default):
    jax, torch = (default.measured["graphs"][name] for name in ("jax", "torch"))
    assert "f32[3] = reduce_sum[axes=(1,)" in jax and "dot_general" in jax
    assert torch is None or "sum.dim_IntList" in torch
    without = default.measured | {"graphs": {"jax": jax, "torch": None}}
    assert "lesson.broadcast.graph.no_torch" in keys(tell(default.setup, without))


def test_a_page_lets_its_reader_choose_without_a_script(default):
    page = as_html(default)
    assert page.count('type="radio" name="broadcast-batch"') == 2
    assert ':has([value="rows"]:checked) > .columns' in page


def forget_the_slope(monkeypatch):
    right = backprop._pass_back

    def wrong(dense, trace, upstream, share, is_matched_here):
        return replace(right(dense, trace, upstream, share, is_matched_here), delta=upstream)

    monkeypatch.setattr(backprop, "_pass_back", wrong)


def take_the_sum(monkeypatch):
    right = backprop.LayerAnatomy.mean_with_delta
    monkeypatch.setattr(
        backprop.LayerAnatomy,
        "mean_with_delta",
        lambda self, input: right(self, input) * self.delta.shape[0],
    )


def drop_a_sample(monkeypatch):
    monkeypatch.setattr(
        backprop.LayerAnatomy,
        "mean_with_delta",
        lambda self, input: input[1:].T @ (self.share[:, None] * self.delta)[1:],
    )


def divide_in_a_second_place(monkeypatch):
    monkeypatch.setattr(
        backprop.LayerAnatomy,
        "mean_with_delta",
        lambda self, input: input.T @ self.delta / self.delta.shape[0],
    )


@pytest.mark.parametrize(
    ("breaks", "broken"),
    [
        (forget_the_slope, {"sample", "mean"}),
        (take_the_sum, {"mean", "loop", "turned"}),
        (drop_a_sample, {"mean", "loop", "turned"}),
        (divide_in_a_second_place, {"rate"}),
    ],
)
def test_a_broken_backward_pass_flips_the_verdict(breaks, broken, monkeypatch):
    breaks(monkeypatch)
    result = fresh()
    assert not result.holds
    assert {name for name, holds in laws(result).items() if not holds} == broken


ODD = [
    {"batch": 1, "inputs": 1, "width": 1, "activation": "identity"},
    {"batch": 64},
    {"width": 64},
    {"learning_rate": 20.0},
    {"batch": 40, "learning_rate": 999.0, "activation": "softplus"},
]


@pytest.mark.parametrize("options", ODD, ids=str)
def test_odd_options_hold_and_are_told_in_both_languages(options):
    result = run(**options)
    assert result.holds, [law for law in result.laws if not law.holds]
    for language, verdict in (("en", "The law held"), ("zh", "规律成立")):
        with speaking(language):
            assert verdict in str(result)
    assert as_html(result).count("<figure") == len(result.story.pictures)


@given(
    batch=st.integers(1, 33),
    inputs=st.integers(1, 9),
    width=st.integers(1, 9),
    activation=st.sampled_from(("identity", "sigmoid", "tanh", "softplus", "silu", "gelu")),
    learning_rate=st.floats(1e-3, 50),
    seed=st.integers(0, 2**31 - 1),
)
@settings(max_examples=3)
def test_the_law_holds_for_every_network(**options):
    result = fresh(**options)
    assert result.holds, [law for law in result.laws if not law.holds]


def test_what_is_told_follows_what_was_measured(default):
    assert "lesson.broadcast.undivided_learns" in keys(default.story)
    assert "lesson.broadcast.undivided_runs_away" in keys(run(batch=64).story)
    assert "lesson.broadcast.mean_runs_away" in keys(run(learning_rate=20.0).story)
    assert "lesson.broadcast.left_out_alone" in keys(run(**ODD[0]).story)


def test_a_gradient_of_0_is_told_as_no_step(default):
    still = default.measured | {"gradient": np.zeros(3), "sum": np.zeros(3)}
    story = tell(default.setup, still)
    assert "lesson.broadcast.no_step" in keys(story)
    assert "lesson.broadcast.step" not in keys(story)
    assert "NaN" not in str(replace(default, measured=still))


def test_the_picture_says_whether_the_samples_agree(default):
    agreed = default.measured | {"nudged": np.abs(default.measured["nudged"])}
    assert default.story.pictures[0].caption.key == "lesson.broadcast.picture_mixed"
    assert tell(default.setup, agreed).pictures[0].caption.key == "lesson.broadcast.picture_agreed"


def test_a_run_that_leaves_the_finite_numbers_counts_as_run_away():
    measured = run(**ODD[-1]).measured
    assert not np.isfinite(measured["losses"]).all()
    assert measured["compared_steps"] >= 1


def test_exercises_are_open_by_default_and_solved_by_their_solutions(default):
    assert default.answered() == {"cancel": False, "run_away": False}
    for exercise in default.lesson.exercises:
        assert run(**exercise.solution).answered()[exercise.name]


def test_the_picture_says_how_much_it_shows_where_that_is_not_all(default, monkeypatch):
    monkeypatch.setattr(story, "SHOWN", 4)
    assert tell(default.setup, default.measured).pictures[0].caption.key.endswith("_mixed.some")
