"""Training: every sample once an epoch, the same numbers by every road, and a named first fault."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whygrad as wg
from whygrad.core.keys import numpy_key
from whygrad.core.optimizer import schedule_of
from whygrad.data.table import Part
from whygrad.errors import OptionError, ShapeError
from whygrad.record.fields import ROW_FIELDS, directions
from whygrad.settings import OPTIMIZERS, SCHEDULES, Settings
from whygrad.training import loop as training
from whygrad.training.engine import steps_of
from whygrad.training.feeding import plan_of_epoch, plan_window
from whygrad.training.loop import Task, prepare, recorded_steps, train_steps
from whygrad.training.state import State
from whygrad.training.weighing import class_weights, weights_of

pytestmark = pytest.mark.usefixtures("engine")
BASE = Settings(epochs=3, batch_size=16, record_every=2, learning_rate=0.05)
ALONE = {  # the library's own optimisers, as a user of optax would ask for them
    "sgd": lambda rate: optax.sgd(rate),
    "momentum": lambda rate: optax.sgd(rate, momentum=0.9),
    "nesterov": lambda rate: optax.sgd(rate, momentum=0.9, nesterov=True),
    "adam": lambda rate: optax.adam(rate),
    "adamw": lambda rate: optax.adam(rate),
    "nadam": lambda rate: optax.nadam(rate),
    "adamax": lambda rate: optax.adamax(rate),
    "adagrad": lambda rate: optax.adagrad(rate, initial_accumulator_value=0.0, eps=1e-8),
    "adadelta": lambda rate: optax.adadelta(rate, rho=0.999, eps=1e-8),
    "rmsprop": lambda rate: optax.rmsprop(rate, decay=0.999),
    "lion": lambda rate: optax.lion(rate, b1=0.9, b2=0.999, weight_decay=0.0),
}


@pytest.fixture(scope="module")
def iris() -> wg.Data:
    return wg.load("iris")


@pytest.fixture(scope="module")
def network() -> wg.Network:
    return wg.Network.create([4, 5, 3], activation="tanh", seed=1)


def start(task: Task, network: wg.Network) -> State:
    settings = task.settings
    engine = task.config.engine
    first_state = steps_of(engine).first_state
    return first_state(network.on(engine), task.config, settings.learning_rate, settings.seed)


def trained(network: wg.Network, data: wg.Data, settings: Settings):
    """Return the trained network, all losses, and the recorded rows by layer."""
    task = prepare(network, data, settings)
    segments = list(train_steps(task, start(task, network)))
    losses = np.concatenate([segment.losses for segment in segments])
    rows = {n: np.concatenate([c.rows[n] for c in segments]) for n in segments[0].rows}
    return segments[-1].state.network, losses, rows


def leaves(network: wg.Network) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(network)]


def assert_equal(one: wg.Network, other: wg.Network) -> None:
    for a, b in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


@given(
    samples=st.integers(1, 60),
    size=st.integers(1, 70),
    seed=st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 9),
)
def test_every_sample_comes_once_an_epoch(samples, size, seed, epoch):
    plan = plan_of_epoch(Settings(batch_size=size, seed=seed), samples, epoch, None)
    real = plan.share > 0
    np.testing.assert_array_equal(np.sort(plan.rows[real]), np.arange(samples))
    np.testing.assert_allclose(plan.share.sum(axis=1), 1, rtol=1e-6)
    for share in plan.share:  # alike among the real ones of a batch
        np.testing.assert_allclose(share[share > 0], 1 / (share > 0).sum(), rtol=1e-6)
    assert real[:-1].all(), "only the last batch may be short"


@given(seed=st.integers(0, 99), epoch=st.integers(0, 99))
def test_the_order_depends_on_seed_and_epoch_alone(seed, epoch):
    def order(seed, epoch):
        return plan_of_epoch(Settings(batch_size=8, seed=seed), 40, epoch, None).rows.tolist()

    assert order(seed, epoch) == order(seed, epoch)
    assert order(seed, epoch) != order(seed, epoch + 1)
    assert order(seed, epoch) != order(seed + 1, epoch)


def test_shares_follow_the_sample_weights_within_a_batch():
    weights = np.array([1.0, 3.0, 0.0, 4.0, 2.0], np.float32)
    plan = plan_of_epoch(Settings(batch_size=2), 5, 0, weights)
    for rows, share in zip(plan.rows[:2], plan.share[:2], strict=True):
        wanted = weights[rows] / weights[rows].sum()
        np.testing.assert_allclose(share, wanted, rtol=1e-6)
    assert plan.share[2].tolist() == [1.0, 0.0] or weights[plan.rows[2, 0]] == 0


def test_a_batch_whose_weights_are_all_0_moves_nothing():
    plan = plan_of_epoch(Settings(batch_size=1), 3, 0, np.zeros(3, np.float32))
    assert not plan.share.any()


def test_balanced_classes_weigh_as_in_scikit_learn(iris):
    part = replace(iris.train, y=np.array([0] * 60 + [1] * 30 + [2] * (len(iris.train) - 90)))
    from sklearn.utils.class_weight import compute_sample_weight

    ours = weights_of(part, class_weights(np.bincount(part.y), "balanced"))
    np.testing.assert_allclose(ours, compute_sample_weight("balanced", part.y), rtol=1e-6)


def test_balanced_classes_and_own_weights_multiply():
    y = np.array([0, 0, 0, 1])
    own = np.array([1.0, 2.0, 1.0, 5.0], np.float32)
    part = Part(np.ones((4, 1)), y, np.arange(4), own)
    ours = weights_of(part, class_weights(np.bincount(part.y), "balanced"))
    np.testing.assert_allclose(ours, own * np.array([2 / 3, 2 / 3, 2 / 3, 2]), rtol=1e-6)


def test_balanced_needs_classes():
    with pytest.raises(OptionError) as raised:
        class_weights(None, "balanced")
    assert raised.value.key == "error.class_weight_needs_classes"


def numpy_epochs(network: wg.Network, task: Task) -> list[np.ndarray]:
    """Train tanh and softmax by hand: batches cut short, no filling, one plain mean."""
    w1, b1, w2, b2 = (leaf.astype(np.float64) for leaf in by_layer(network))
    part, settings = task.data.train, task.settings
    weights = (
        np.ones(len(part)) if task.feed.weights is None else task.feed.weights.astype(np.float64)
    )
    for epoch in range(settings.epochs):
        plan = next(task.feed.pools(epoch)).plan
        order = plan.rows.ravel()[: len(part)]
        for begin in range(0, len(part), settings.batch_size):
            rows = order[begin : begin + settings.batch_size]
            x, y, share = part.x[rows], np.eye(3)[part.y[rows]], weights[rows]
            a = np.tanh(x @ w1 + b1)
            z = a @ w2 + b2
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            d2 = (p - y) * (share / share.sum())[:, None]
            d1 = d2 @ w2.T * (1 - a**2)
            rate = settings.learning_rate
            w2, b2 = w2 - rate * a.T @ d2, b2 - rate * d2.sum(axis=0)
            w1, b1 = w1 - rate * x.T @ d1, b1 - rate * d1.sum(axis=0)
    return [w1, b1, w2, b2]


def by_layer(network: wg.Network) -> list[np.ndarray]:
    return [np.asarray(a) for dense in network.dense for a in (dense.weight, dense.bias)]


@pytest.mark.parametrize("weighting", ["plain", "balanced", "own"])
@pytest.mark.parametrize("batch_size", [16, 1000])
def test_training_equals_a_loop_in_plain_numpy(iris, network, weighting, batch_size):
    data = iris
    if weighting == "own":
        own = np.linspace(0.1, 3, len(iris.train)).astype(np.float32)
        data = replace(iris, train=replace(iris.train, sample_weight=own))
    settings = replace(
        BASE,
        optimizer="sgd",
        batch_size=batch_size,
        class_weight="balanced" if weighting == "balanced" else None,
    )
    assert len(iris.train) % 16, "the last batch is meant to be short"
    task = prepare(network, data, settings)
    result = trained(network, data, settings)[0]
    for ours, by_hand in zip(by_layer(result), numpy_epochs(network, task), strict=True):
        np.testing.assert_allclose(ours, by_hand, rtol=2e-5, atol=2e-6)


def optax_steps(network: wg.Network, task: Task, rule: optax.GradientTransformation) -> wg.Network:
    """Train step by step in Python, with the public forward and backward."""
    state = rule.init(network.parameters)
    part = task.data.train
    for epoch in range(task.settings.epochs):
        plan = next(task.feed.pools(epoch)).plan
        for rows, share in zip(plan.rows, plan.share, strict=True):
            trace = wg.forward(network, part.x[rows])
            anatomy = wg.backward(network, trace, part.y[rows], sample_weight=share)
            update, state = rule.update(anatomy.gradients(), state, network.parameters)
            network = network.with_parameters(optax.apply_updates(network.parameters, update))
    return network


@pytest.mark.long
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_compiled_loop_equals_python_and_optax(iris, network, optimizer):
    settings = replace(BASE, optimizer=optimizer, learning_rate=0.003, epochs=1)
    task = prepare(network, iris, settings)
    alone = optax_steps(network, task, ALONE[optimizer](settings.learning_rate))
    together = trained(network, iris, settings)[0]
    for a, b in zip(leaves(together), leaves(alone), strict=True):
        # adam and its kin divide small gradients by themselves: rounding grows
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)


def test_clipping_l2_and_decay_stand_in_their_order(iris, network):
    settings = replace(BASE, optimizer="sgd", clip_norm=0.05, l2=0.1, weight_decay=0.2, epochs=1)
    mask = {name: {"weight": True, "bias": False} for name in network.layers}
    rule = optax.chain(
        optax.clip_by_global_norm(0.05),
        optax.add_decayed_weights(0.1, mask=mask),
        optax.add_decayed_weights(0.2, mask=mask),
        optax.scale(-settings.learning_rate),
    )
    alone = optax_steps(network, prepare(network, iris, settings), rule)
    for a, b in zip(leaves(trained(network, iris, settings)[0]), leaves(alone), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0, 5])
def test_a_schedule_falls_over_the_run(schedule, warmup):
    settings = replace(BASE, schedule=schedule, warmup=warmup)
    shape = schedule_of(settings, 45)
    if shape is None:
        assert (schedule, warmup) == ("constant", 0)
        return
    rates = np.array([float(shape(step)) for step in range(45)])
    np.testing.assert_allclose(rates[:warmup], np.arange(1, warmup + 1) / (warmup or 1), rtol=1e-6)
    part = np.arange(45 - warmup) / (45 - warmup)
    wanted = {
        "constant": np.ones_like(part),
        "linear": 1 - part,
        "cosine": (1 + np.cos(np.pi * part)) / 2,
        "exponential": 0.01**part,
    }[schedule]
    np.testing.assert_allclose(rates[warmup:], wanted, rtol=1e-4, atol=1e-6)


def test_the_schedule_reaches_the_weights(iris, network):
    settings = replace(BASE, optimizer="sgd", schedule="linear", warmup=3, epochs=1)
    task = prepare(network, iris, settings)
    rule = optax.scale_by_schedule(
        lambda step: -settings.learning_rate * schedule_of(settings, task.total_steps)(step)
    )
    alone = optax_steps(network, task, rule)
    for a, b in zip(leaves(trained(network, iris, settings)[0]), leaves(alone), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.exact
@pytest.mark.long
@pytest.mark.parametrize("every", [0, 1, 3, 7, 1000])
def test_recording_does_not_change_the_numbers(iris, network, every):
    plain, losses, _ = trained(network, iris, replace(BASE, record_every=2))
    other, other_losses, rows = trained(network, iris, replace(BASE, record_every=every))
    assert_equal(plain, other)
    np.testing.assert_array_equal(losses, other_losses)
    wanted = -(-len(losses) // every) if every else 0
    assert all(len(values) == wanted for values in rows.values())


@given(begin=st.integers(0, 50), length=st.integers(0, 50), every=st.integers(0, 60))
def test_recording_steps_are_the_multiples(begin, length, every):
    wanted = [s for s in range(begin, begin + length) if every and s % every == 0]
    assert recorded_steps(begin, begin + length, every).tolist() == wanted


@pytest.mark.exact
@pytest.mark.parametrize("lengths", [(1,), (2, 5, 3), (4,)])
def test_stretches_of_other_lengths_give_the_same_bits(iris, network, lengths, monkeypatch):
    whole, losses, rows = trained(network, iris, BASE)
    turns = iter(lengths * 100)

    class Pace(training._Pace):
        def tell(self, steps, seconds):
            self.steps = min(next(turns), self.capacity)

    monkeypatch.setattr(training, "_Pace", Pace)
    pieces, piece_losses, piece_rows = trained(network, iris, BASE)
    assert_equal(whole, pieces)
    np.testing.assert_array_equal(losses, piece_losses)
    for name in rows:
        np.testing.assert_array_equal(rows[name], piece_rows[name])


def test_recorded_rows_hold_the_factors_of_the_step(iris, network):
    task = prepare(network, iris, BASE)
    _, _, rows = trained(network, iris, BASE)
    plan = next(task.feed.pools(0)).plan
    batch = iris.train.x[plan.rows[0]]
    anatomy = wg.backward(
        network,
        wg.forward(network, batch),
        iris.train.y[plan.rows[0]],
        sample_weight=plan.share[0],
    )
    for name in network.layers:
        first = dict(zip(ROW_FIELDS, rows[name][0], strict=True))
        gradient = np.asarray(anatomy.gradients()[name]["weight"])
        product = np.prod([first[f] for f in ("upstream", "slope", "input", "agreement")], axis=0)
        np.testing.assert_allclose(product, np.linalg.norm(gradient, axis=0), rtol=1e-4)
        pushed = plan.share[0] @ np.abs(np.asarray(anatomy[name].upstream))
        np.testing.assert_allclose(first["upstream"], pushed, rtol=1e-5)


def test_recorded_signatures_are_of_the_weights_after_the_step_and_the_gradient(iris, network):
    task = prepare(network, iris, BASE)
    batch = next(task.feed.pools(0)).plan[0]
    trace_step = steps_of(task.config.engine).trace_step
    seen, rows = trace_step(task.config, start(task, network), task.feed.dataset, batch)
    for name in network.layers:
        came = dict(zip(ROW_FIELDS, rows[name], strict=True))
        after, layer = seen.after[name], seen.anatomy[name]
        along = directions(len(after["weight"]) + 1)
        weights = along @ np.vstack([after["weight"], after["bias"]])
        reach = np.asarray(layer.share) * np.linalg.norm(layer.input, axis=1)
        pulls = np.linalg.norm(reach @ np.abs(np.asarray(layer.delta)))
        gradient = along[:-1] @ np.asarray(seen.gradients[name]["weight"])
        expected = weights + gradient * np.linalg.norm(weights) / pulls
        np.testing.assert_allclose(came["signature"], expected, rtol=1e-4, atol=1e-6)


def test_dropout_is_the_same_for_the_same_seed_and_another_for_another(iris):
    network = wg.Network.create([4, 8, 3], dropout=0.5, seed=1)
    once, again = (trained(network, iris, BASE)[0] for _ in range(2))
    assert_equal(once, again)
    # the order of samples is kept, so that only the masks differ
    task = prepare(network, iris, BASE)
    state = start(task, network)
    keys = {"jax": jax.random.key, "numpy": numpy_key}
    other = replace(state, key=keys[task.config.engine](7))
    first = next(iter(train_steps(task, start(task, network)))).losses[0]
    assert next(iter(train_steps(task, other))).losses[0] != first


def test_dropout_masks_differ_from_step_to_step():
    x, y = np.ones((2, 3), np.float32), np.array([[0.0], [0.0]], np.float32)
    data = wg.from_arrays(x, y, standardize=False, validation=0, test=0, task="numbers")
    network = wg.Network.create([3, 16, 1], init="constant:1", dropout=0.5)
    settings = replace(BASE, optimizer="sgd", learning_rate=1e-12, batch_size=2, epochs=6)
    _, losses, _ = trained(network, data, settings)
    assert len(set(losses.tolist())) > 3, "with equal masks all losses would be equal"


def test_together_equals_alone(iris):
    networks = [wg.Network.create([4, 5, 3], activation="tanh", seed=s) for s in range(3)]
    together = wg.train_together(networks, iris, BASE)
    for i, start_ in enumerate(networks):
        alone, losses, rows = trained(start_, iris, BASE)
        for a, b in zip(leaves(together.networks[i]), leaves(alone), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(together.losses[i], losses, rtol=1e-5, atol=1e-6)
        four = rows["hidden1"][:, :4]
        np.testing.assert_allclose(together.rows["hidden1"][i][:, :4], four, rtol=1e-3, atol=1e-5)


def test_together_with_own_rates_and_seeds_equals_alone(iris, network):
    rates, seeds = np.array([0.01, 0.1]), [3, 4]
    together = wg.train_together([network] * 2, iris, BASE, learning_rates=rates, seeds=seeds)
    for i, (rate, seed) in enumerate(zip(rates.tolist(), seeds, strict=True)):
        alone = trained(network, iris, replace(BASE, learning_rate=rate, seed=seed))[0]
        for a, b in zip(leaves(together.networks[i]), leaves(alone), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert together.recorded_steps.tolist() == list(range(0, 3 * -(-len(iris.train) // 16), 2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"learning_rates": [0.1]},
            "Networks that train side by side need one entry of learning_rate each: "
            "expected 2, got 1. Give as many as there are networks.",
        ),
        (
            {"learning_rates": [0.1, -1.0]},
            "learning_rate must be a finite number > 0, got -1.0. Choose a value in that range.",
        ),
    ],
)
def test_together_wants_one_sound_entry_a_network(iris, network, given, message):
    with pytest.raises(OptionError) as raised:
        wg.train_together([network] * 2, iris, BASE, **given)
    assert str(raised.value) == message


def test_together_wants_networks_alike(iris, network):
    with pytest.raises(ShapeError) as raised:
        wg.train_together([network, wg.Network.create([4, 6, 3])], iris, BASE)
    assert raised.value.key == "error.networks_differ"


@pytest.mark.parametrize(("epochs", "warmup"), [(2**31, 0), (1, 2**31)])
def test_more_steps_than_can_be_counted_are_refused(iris, network, epochs, warmup):
    settings = replace(BASE, batch_size=1000, epochs=epochs, warmup=warmup)
    with pytest.raises(OptionError) as raised:
        prepare(network, iris, settings)
    assert str(raised.value) == (
        "Training must have fewer than 2147483648 steps, warm-up included, and would have "
        f"{epochs + warmup}. Choose fewer epochs, a larger batch, or a shorter warm-up."
    )


def test_numbers_beyond_the_run_mean_its_end(iris, network):
    settings = replace(BASE, record_every=10**12, batch_size=10**12, patience=10**12)
    _, losses, rows = trained(network, iris, settings)
    assert len(losses) == 3 and len(rows["hidden1"]) == 1


@pytest.mark.parametrize(
    ("sizes", "key"), [([3, 2, 3], "error.data_inputs"), ([4, 2, 2], "error.data_outputs")]
)
def test_a_network_that_does_not_fit_the_data_is_refused(iris, sizes, key):
    with pytest.raises(ShapeError) as raised:
        prepare(wg.Network.create(sizes), iris, BASE)
    assert raised.value.key == key


def test_a_loss_of_categories_does_not_fit_numbers():
    data = wg.load("linear", samples=40)
    with pytest.raises(OptionError) as raised:
        prepare(wg.Network.create([2, 1]), data, replace(BASE, loss="binary_cross_entropy"))
    assert raised.value.key == "error.loss_of_categories"


@pytest.mark.parametrize(
    ("task_name", "sizes", "loss"),
    [
        ("xor", [2, 1], "binary_cross_entropy"),
        ("xor", [2, 2], "softmax_cross_entropy"),
        ("iris", [4, 3], "softmax_cross_entropy"),
        ("linear", [2, 1], "squared"),
    ],
)
def test_auto_takes_the_loss_that_matches(task_name, sizes, loss):
    task = prepare(wg.Network.create(sizes), wg.load(task_name), BASE)
    assert task.settings.loss == loss


def test_float64_runs_in_float64(iris, float64):
    network = wg.Network.create([4, 3, 3], dtype="float64")
    result, _, rows = trained(network, iris, replace(BASE, epochs=1))
    assert {leaf.dtype for leaf in leaves(result)} == {np.dtype("float64")}
    assert rows["hidden1"].dtype == np.float64


def test_windows_of_a_plan_keep_their_shape():
    plan = plan_of_epoch(Settings(batch_size=4), 20, 0, None)
    window = plan_window(plan, 3, 4)
    assert window.rows.shape == (4, 4)
    np.testing.assert_array_equal(window.rows[:2], plan.rows[3:])
    assert not jnp.asarray(window.share[2:]).any()
