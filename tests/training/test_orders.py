"""Which samples a step takes, and what it makes of them: orders, sums, and the sign of the step."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whygrad as wg
from whygrad.core.optimizer import apply_update
from whygrad.errors import OptionError
from whygrad.record.fields import ROW_FIELDS
from whygrad.settings import Settings
from whygrad.training.engine import steps_of
from whygrad.training.evaluation import evaluate
from whygrad.training.feeding import plan_of_epoch
from whygrad.training.loop import prepare, train_steps
from whygrad.training.state import Plan

pytestmark = pytest.mark.long

BASE = Settings(
    optimizer="sgd", loss="squared", epochs=2, batch_size=16, record_every=1, learning_rate=0.05
)


@pytest.fixture(scope="module")
def linear() -> wg.Data:
    return wg.load("linear", samples=100)


@pytest.fixture(scope="module")
def network() -> wg.Network:
    return wg.Network.create([2, 5, 1], activation="tanh", seed=1)


def trained(network: wg.Network, data: wg.Data, settings: Settings):
    """Return the trained network, all losses, and the recorded rows by layer."""
    task = prepare(network, data, settings)
    engine, settings = task.config.engine, task.settings
    first_state = steps_of(engine).first_state
    at_rate = (settings.learning_rate, settings.seed)
    state = first_state(network.on(engine), task.config, *at_rate)
    segments = list(train_steps(task, state))
    rows = {n: np.concatenate([c.rows[n] for c in segments]) for n in segments[0].rows}
    losses = np.concatenate([segment.losses for segment in segments])
    return segments[-1].state.network, losses, rows


def by_hand(network: wg.Network, data: wg.Data, settings: Settings) -> wg.Network:
    """Train by plain descent, step by step, with the public forward and backward."""
    task, part = prepare(network, data, settings), data.train
    for epoch in range(settings.epochs):
        plan = next(task.feed.pools(epoch)).plan
        told = plan.rows if plan.target_rows is None else plan.target_rows
        for rows, targets, share in zip(plan.rows, told, plan.share, strict=True):
            trace = wg.forward(network, part.x[rows])
            weight = share / share.sum()
            anatomy = wg.backward(
                network, trace, part.y[targets], loss="squared", sample_weight=weight
            )
            weighed = settings.reduction == "sum"
            length = settings.learning_rate * (share.sum() if weighed else 1)
            steps = jax.tree.map(partial(jnp.multiply, -float(length)), anatomy.gradients())
            network = network.with_parameters(apply_update(network.parameters, steps))
    return network


def assert_close(one: wg.Network, other: wg.Network) -> None:
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)


def real(plan: Plan) -> np.ndarray:
    """Return where a plan has samples, and not what fills a batch up."""
    return np.asarray(plan.share) > 0


@given(samples=st.integers(1, 60), size=st.integers(1, 70), epoch=st.integers(0, 9))
def test_without_shuffling_the_samples_keep_their_order(samples, size, epoch):
    plan = plan_of_epoch(Settings(batch_size=size, shuffle="never"), samples, epoch, None)
    np.testing.assert_array_equal(plan.rows[real(plan)], np.arange(samples))
    assert plan.target_rows is None


@given(samples=st.integers(8, 60), size=st.integers(1, 70), epoch=st.integers(0, 9))
def test_shuffled_apart_inputs_and_targets_each_come_once_in_their_own_order(samples, size, epoch):
    apart = plan_of_epoch(Settings(batch_size=size, shuffle="apart"), samples, epoch, None)
    together = plan_of_epoch(Settings(batch_size=size), samples, epoch, None)
    assert apart.target_rows is not None
    np.testing.assert_array_equal(apart.rows, together.rows)
    for rows in (apart.rows, apart.target_rows):
        np.testing.assert_array_equal(np.sort(rows[real(apart)]), np.arange(samples))
    assert (apart.rows != apart.target_rows).any()
    assert together.target_rows is None


def test_shuffled_apart_every_epoch_pairs_anew():
    pairs = [
        dict(zip(plan.rows.ravel(), plan.target_rows.ravel(), strict=True))
        for plan in (
            plan_of_epoch(Settings(batch_size=8, shuffle="apart"), 40, epoch, None)
            for epoch in range(2)
        )
    ]
    assert pairs[0] != pairs[1]


def test_a_weight_goes_with_its_target():
    weights = np.arange(1, 9, dtype=np.float32)
    plan = plan_of_epoch(Settings(batch_size=4, shuffle="apart", reduction="sum"), 8, 0, weights)
    assert plan.target_rows is not None
    np.testing.assert_array_equal(plan.share, weights[plan.target_rows])


def test_in_a_sum_a_share_is_the_weight_itself():
    settings = Settings(batch_size=4, reduction="sum")
    plain = plan_of_epoch(settings, 6, 0, None)
    np.testing.assert_array_equal(plain.share, [[1, 1, 1, 1], [1, 1, 0, 0]])
    weights = np.array([1.0, 3.0, 0.0, 4.0, 2.0, 0.5], np.float32)
    weighed = plan_of_epoch(settings, 6, 0, weights)
    np.testing.assert_array_equal(weighed.share.ravel()[:6], weights[weighed.rows.ravel()[:6]])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("shuffle", ["together", "never", "apart"])
def test_training_equals_a_loop_by_hand(linear, network, shuffle, reduction):
    assert len(linear.train) % 16, "the last batch is meant to be short"
    rate = 0.05 if reduction == "mean" else 0.005
    settings = replace(BASE, shuffle=shuffle, reduction=reduction, learning_rate=rate)
    assert_close(trained(network, linear, settings)[0], by_hand(network, linear, settings))


def in_numpy(start: wg.Network, data: wg.Data, settings: Settings) -> list[np.ndarray]:
    """Train one linear neuron on the samples in their order; batches cut short, nothing filled."""
    w, b = np.asarray(start["output"].weight, float), np.asarray(start["output"].bias, float)
    sign = -1 if settings.maximize else 1
    for _ in range(settings.epochs):
        for begin in range(0, len(data.train), settings.batch_size):
            x, y = (
                part[begin : begin + settings.batch_size] for part in (data.train.x, data.train.y)
            )
            slopes = 2 * (x @ w + b - y) / (len(x) if settings.reduction == "mean" else 1)
            pull = settings.l1 * np.sign(w)
            w, b = (
                w - settings.learning_rate * (sign * x.T @ slopes + pull),
                b - settings.learning_rate * sign * slopes.sum(axis=0),
            )
    return [w, b]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"l1": 0.3},
        {"maximize": True},
        {"reduction": "sum"},
        {"l1": 0.3, "maximize": True, "reduction": "sum"},
    ],
    ids=str,
)
def test_training_equals_a_few_lines_of_numpy(linear, given):
    start = wg.Network.create([2, 1], bias_init="constant:0.5", seed=2)
    rate = 0.001 if "reduction" in given else 0.02
    settings = replace(BASE, loss="mean_squared", shuffle="never", learning_rate=rate, **given)
    assert len(linear.train) % 16, "the last batch is meant to be short"
    output = trained(start, linear, settings)[0]["output"]
    weight, bias = in_numpy(start, linear, settings)
    assert output.bias is not None
    for ours, by_numpy in ((output.weight, weight), (output.bias, bias)):
        np.testing.assert_allclose(ours, by_numpy, rtol=1e-4, atol=1e-6)


def test_a_plan_taken_at_a_position_is_the_batch_of_that_step():
    for shuffle in ("together", "apart"):
        plan = plan_of_epoch(Settings(batch_size=4, shuffle=shuffle), 10, 0, None)
        batch = plan[2]
        np.testing.assert_array_equal(batch.rows, plan.rows[2])
        np.testing.assert_array_equal(batch.share, plan.share[2])
        if plan.target_rows is None:
            assert batch.target_rows is None
        else:
            np.testing.assert_array_equal(batch.target_rows, plan.target_rows[2])


@pytest.mark.parametrize(
    "given", [{"shuffle": "never"}, {"shuffle": "apart"}, {"reduction": "sum"}, {"l1": 0.01}]
)
def test_side_by_side_equals_alone(linear, network, given):
    settings = replace(BASE, learning_rate=0.005, **given)
    seeds = [3, 4]
    together = wg.train_together([network] * 2, linear, settings, seeds=seeds)
    for seed, came in zip(seeds, together.networks, strict=True):
        assert_close(came, trained(network, linear, replace(settings, seed=seed))[0])


def test_apart_learns_less_than_together(linear, network):
    together, apart = (
        evaluate(
            trained(network, linear, replace(BASE, shuffle=shuffle, epochs=30))[0],
            linear.train.x,
            linear.train.y,
            "squared",
            "numbers",
        )["r2"]
        for shuffle in ("together", "apart")
    )
    assert together > 0.8
    assert apart < 0.3


def test_climbing_raises_the_loss(linear, network):
    settings = replace(BASE, batch_size=1000, epochs=5)
    down, up = (
        trained(network, linear, replace(settings, maximize=climbs))[1] for climbs in (False, True)
    )
    assert (np.diff(down) < 0).all()
    assert (np.diff(up) > 0).all()


def test_in_a_sum_the_factors_multiply_and_the_open_share_stays_a_share(linear, network):
    one = replace(BASE, batch_size=16, epochs=1, learning_rate=1e-9)
    rows, summed = (
        trained(network, linear, replace(one, reduction=reduction))[2]["hidden1"][0]
        for reduction in ("mean", "sum")
    )
    place = ROW_FIELDS.index
    np.testing.assert_allclose(summed[place("upstream")], 16 * rows[place("upstream")], rtol=1e-5)
    for name in ("slope", "input", "agreement", "open"):
        np.testing.assert_allclose(summed[place(name)], rows[place(name)], rtol=1e-4)
    assert (summed[place("open")] <= 1 + 1e-6).all()


def test_a_broadcast_loss_counts_no_sample_that_fills_a_batch_up(linear, network):
    settings = replace(BASE, loss="broadcast_squared", shuffle="never", epochs=1)
    losses = trained(network, linear, replace(settings, learning_rate=1e-9))[1]
    rest = linear.train.x[len(losses) * 16 - 16 :]
    targets = linear.train.y.reshape(-1)[len(losses) * 16 - 16 :]
    outputs = np.asarray(wg.forward(network, rest).output)
    expected = ((outputs - targets[None, :]) ** 2).mean()
    np.testing.assert_allclose(losses[-1], expected, rtol=1e-5)
    said = evaluate(network, rest, targets[:, None], "broadcast_squared", "numbers")["loss"]
    np.testing.assert_allclose(said, expected, rtol=1e-5)


def test_a_broadcast_loss_is_of_one_output():
    data = wg.load("iris")
    with pytest.raises(OptionError) as raised:
        prepare(wg.Network.create([4, 3]), data, Settings(loss="broadcast_squared"))
    assert str(raised.value) == (
        "The loss broadcast_squared is of one output, the network has 3. "
        "Build the network with 1 output, or use another loss."
    )


NOT_BROADCAST = [
    "mean_squared",
    "mean_absolute",
    "mean_absolute_percentage",
    "mean_squared_logarithmic",
    "log_cosh",
    "poisson",
    "kl_divergence",
    "hinge",
    "squared_hinge",
    "categorical_hinge",
    "clipped_cross_entropy",
    "clipped_binary_cross_entropy",
    "plain_cross_entropy",
]


@pytest.mark.parametrize("loss", NOT_BROADCAST)
@pytest.mark.parametrize("name", ["iris", "xor"])
def test_no_loss_of_outputs_refuses_a_task(name, loss):
    data = wg.load(name)
    network = wg.Network.create(
        [data.n_in, 3, data.n_out], activation="tanh", output_activation="sigmoid", seed=1
    )
    settings = Settings(loss=loss, epochs=1, record_every=0, learning_rate=1e-4)
    _, losses, _ = trained(network, data, settings)
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("loss", ["clipped_cross_entropy", "poisson", "hinge"])
def test_a_loss_of_outputs_takes_numbers(linear, network, loss):
    assert prepare(network, linear, replace(BASE, loss=loss)).settings.loss == loss
