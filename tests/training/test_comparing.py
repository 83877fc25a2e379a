"""Two ways to train are tried on a small job, and validation decides between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, mean_squared_error

import whygrad as wg
from whygrad.cli.plan import Plan
from whygrad.core.arrays import leaves
from whygrad.core.nn.network import Network
from whygrad.settings import Settings
from whygrad.training.comparing import (
    FEWEST,
    MOST,
    Comparison,
    can_compare,
    compare,
    kept_network,
    sample_of,
)
from whygrad.training.evaluation import misses_by_sample

SHORT = Plan({"source": "rows"}, {"hidden": [16]}, {"epochs": 15, "batch_size": 32})


def exact(samples: int = 200) -> wg.Data:
    """Return samples of a product of two inputs, without noise."""
    x = np.random.default_rng(3).uniform(-1, 1, (samples, 2))
    return wg.from_arrays(x, x[:, 0] * x[:, 1], validation=0.2, test=0)


def noisy(samples: int = 200) -> wg.Data:
    """Return samples of a target that has nothing to do with its eight inputs."""
    generator = np.random.default_rng(4)
    x, y = generator.normal(size=(samples, 8)), generator.normal(size=samples)
    return wg.from_arrays(x, y, validation=0.2, test=0)


def trial(data: wg.Data, hidden: int = 4, **settings) -> tuple[Network, Settings]:
    sizes = [data.n_in, hidden, data.n_out]
    return Network.create(sizes, engine="numpy"), Settings.from_dict({"epochs": 3} | settings)


def test_a_target_without_noise_is_followed_thoroughly_and_noise_is_not_learnt_by_heart():
    followed, held_back = SHORT.completed(exact()), SHORT.completed(noisy())
    assert followed.network["dropout"] == 0 and held_back.network["dropout"] > 0
    assert followed.comparison is not None and followed.comparison.prefers_second
    assert held_back.comparison is not None and not held_back.comparison.prefers_second


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), min_size=3, max_size=30))
def test_the_second_is_preferred_beyond_one_standard_error(pairs):
    first, second = np.array(pairs).T
    error = float(stats.sem(first - second))
    told = Comparison(float(first.mean()), float(second.mean()), error).prefers_second
    if error > 1e-6:  # t of a paired test; at 1 itself rounding decides
        statistic = float(stats.ttest_rel(first, second).statistic)
        assert told == (statistic > 1) or statistic == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(("right", "prefers"), [(0, False), (1, False), (2, True)])
@pytest.mark.parametrize("samples", [10, 15, 44, 180, 1000])
def test_one_sample_alone_decides_nothing(samples, right, prefers):
    """Of ``samples`` answers the first way has some more wrong than the second."""
    gained = np.zeros(samples)
    gained[:right] = 1
    comparison = Comparison(0.1 + float(gained.mean()), 0.1, float(stats.sem(gained)))
    assert comparison.prefers_second == prefers


@pytest.mark.parametrize(("first", "second"), [(np.nan, 0.1), (0.1, np.nan), (np.nan, np.nan)])
def test_what_is_not_finite_is_never_preferred(first, second):
    assert not Comparison(first, second, np.nan).prefers_second


def test_a_comparison_comes_out_the_same_every_time():
    data = exact(80)
    trials = trial(data), trial(data, hidden=8, learning_rate=0.01)
    again = compare(trials, data)
    assert again is not None and compare(trials, data) == again


def test_what_misses_nothing_needs_no_rival():
    x = np.linspace(-1, 1, 100)[:, None]
    data = wg.from_arrays(x, (x[:, 0] > 0).astype(int), validation=0.2, test=0)
    easy = trial(data, hidden=16, epochs=60, learning_rate=0.02)
    nobody = (Network.create([7, 1], engine="numpy"), Settings())  # would not even fit
    assert compare((easy, nobody), data) is None


@pytest.mark.parametrize("patience", [None, 1, 6])
@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_a_trial_keeps_what_a_run_of_the_same_settings_keeps(tmp_path, patience, rate):
    data = noisy(60)
    network, settings = trial(data, epochs=6, patience=patience, learning_rate=rate)
    kept, loss = kept_network(network, settings, data)
    run = wg.train(network, data, out=tmp_path / "run", **settings.to_dict())
    assert loss == "squared"
    for ours, its in zip(leaves(kept), leaves(run.network), strict=True):
        assert np.array_equal(ours, its)


def test_small_jobs_alone_are_tried_and_only_where_validation_can_tell():
    data = exact()
    small = trial(data)
    assert can_compare((small, small), data)
    assert not can_compare((small, trial(data, hidden=4096, epochs=20_000)), data)
    few = wg.from_arrays(data.train.x, data.train.y, validation=(FEWEST - 1) / 160, test=0)
    assert not can_compare((small, small), few)


def test_of_a_long_table_a_sample_with_every_class_is_tried():
    samples = 4 * MOST
    y = np.where(np.arange(samples) < 4, 2, np.arange(samples) % 2)  # four samples of a third class
    x, weight = np.arange(samples, dtype=np.float64)[:, None], np.arange(samples) + 1.0
    data = wg.from_arrays(x, y, sample_weight=weight, validation=0.4, test=0)
    sample = sample_of(data)
    assert len(sample.train) == len(sample.validation) == MOST
    assert set(sample.train.y) == {0, 1, 2}
    assert np.array_equal(np.asarray(sample.train.sample_weight), sample.train.rows + 1)
    assert not set(sample.train.rows) & set(sample.validation.rows)
    assert np.array_equal(sample_of(data).train.rows, sample.train.rows)
    short = exact()
    assert sample_of(short).train is short.train


def test_nothing_is_tried_where_nothing_is_left_to_choose():
    given = {"epochs": 3, "learning_rate": 0.01, "weight_decay": 0.1}
    plan = Plan({"source": "rows"}, {"dropout": 0.2}, given).completed(exact())
    assert plan.comparison is None and plan.network["dropout"] == 0.2


def test_a_plan_that_was_compared_is_exact_and_is_not_compared_again():
    data = exact(80)
    plan = Plan({"source": "rows"}, {}, {"epochs": 4}).completed(data)
    again = Plan(plan.data, plan.network, plan.training).completed(data)
    assert again.comparison is None and again.to_dict() == plan.to_dict()
    assert plan.comparison is not None


@pytest.mark.parametrize("engine", ["numpy", "jax"])
@pytest.mark.parametrize("task", ["classes", "binary", "labels", "numbers"])
def test_misses_are_wrong_answers_and_squared_errors(task, engine):
    generator = np.random.default_rng(5)
    x = generator.normal(size=(40, 3)).astype(np.float32)
    outputs = {"classes": 4, "binary": 1, "labels": 3, "numbers": 2}[task]
    y = {
        "classes": generator.integers(0, 4, 40),
        "binary": generator.integers(0, 2, 40),
        "labels": generator.integers(0, 2, (40, 3)).astype(np.float32),
        "numbers": generator.normal(size=(40, 2)).astype(np.float32),
    }[task]
    network = Network.create([3, 5, outputs], seed=2, engine=engine)
    loss = {"classes": "softmax_cross_entropy", "numbers": "squared"}
    misses = misses_by_sample(network, x, y, loss.get(task, "binary_cross_entropy"), task)
    z = np.asarray(wg.forward(network, x)["output"].preactivation)
    assert misses.shape == (40,)
    if task == "numbers":
        assert misses.mean() == pytest.approx(2 * mean_squared_error(y, z), rel=1e-5)
    elif task == "classes":
        assert 1 - misses.mean() == pytest.approx(accuracy_score(y, z.argmax(axis=1)))
    else:
        right = [accuracy_score(y.reshape(40, -1)[i], z[i] > 0) for i in range(40)]
        assert 1 - misses == pytest.approx(np.array(right))
