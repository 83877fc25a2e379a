"""A folded network is the same network: the same numbers by another road, and few compilations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import whygrad as wg
from whygrad.core.backprop import propagate, propagate_back
from whygrad.core.nn import folding
from whygrad.settings import Settings
from whygrad.training.feeding import plan_window
from whygrad.training.loop import prepare, train_steps
from whygrad.training.step import first_state, fold_state, run_segment, unfold_state

pytestmark = pytest.mark.long

X = np.random.default_rng(0).normal(size=(24, 5)).astype(np.float32)
Y = np.arange(24) % 3


def deep(depth: int = 5, **options) -> wg.Network:
    settings = {"activation": "tanh", "dropout": 0.2, "bias_init": "normal:0.1", "seed": 3}
    return wg.Network.create([5, *[4] * depth, 3], **settings | options)


@pytest.fixture
def eager_folding(monkeypatch):
    """Fold even three equal layers."""
    monkeypatch.setattr(folding, "FEWEST", 3)


def close(one, other) -> None:
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-7)


def test_networks_of_few_or_unequal_layers_are_left_alone():
    for network in (deep(), wg.Network.create([5, *range(4, 40), 3])):
        assert folding.fold(network) is network
        assert folding.unfold(network, network) is network


def test_a_row_of_equal_layers_becomes_one_stack(eager_folding):
    folded = folding.fold(deep())
    assert [dense.depth for dense in folded.dense] == [1, 4, 1]
    assert folded.layers == ("hidden1", "hidden2", "output")
    mixed = deep(6, activation=["tanh", "tanh", "tanh", "tanh", "relu", "relu"])
    assert [dense.depth for dense in folding.fold(mixed).dense] == [1, 3, 1, 1, 1]


def test_what_is_folded_comes_back_bit_for_bit(eager_folding):
    network = deep()
    again = folding.unfold(folding.fold(network), network)
    for a, b in zip(jax.tree.leaves(network), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(a, b)
    data = wg.from_arrays(X, Y, validation=0, test=0)
    task = prepare(network, data, Settings(epochs=1), "jax")
    state = first_state(network, task.config, 1e-3, 0)
    back = unfold_state(fold_state(state), network)
    assert jax.tree.structure(back) == jax.tree.structure(state)


@pytest.mark.parametrize("activation", ["tanh", "relu", "softmax"])
@pytest.mark.parametrize("sizes", [(5, 4, 4, 4, 4, 3), (5, 5, 5, 5, 3)])
def test_forward_and_backward_say_the_same(eager_folding, activation, sizes):
    network = wg.Network.create(
        sizes, activation=activation, dropout=0.3, bias_init="normal:0.1", seed=2
    )
    key, share = jax.random.key(1), jnp.full(24, 1 / 24)
    y = jax.nn.one_hot(Y, 3)

    def gradients(network: wg.Network) -> dict:
        trace = propagate(network, jnp.asarray(X), key)
        anatomy = propagate_back(network, trace, y, "softmax_cross_entropy", share)
        return {"loss": anatomy.sample_loss, **anatomy.gradients()}

    folded = gradients(folding.fold(network))
    loss = folded.pop("loss")
    unfolded = folding.unfold_tree(network, folded)
    plain = gradients(network)
    close(loss, plain.pop("loss"))
    close({name: unfolded[name] for name in network.layers}, plain)


@pytest.mark.sampled
@pytest.mark.parametrize("optimizer", ["adam", "momentum", "adadelta"])
def test_training_and_its_record_are_the_same(monkeypatch, optimizer):
    settings = Settings(
        epochs=2, batch_size=7, record_every=2, optimizer=optimizer, l1=1e-4, l2=1e-3, clip_norm=1.0
    )
    data = wg.from_arrays(X, Y, validation=0, test=0)

    def trained() -> tuple:
        task = prepare(deep(), data, settings, "jax")
        state = first_state(deep(), task.config, 1e-3, 0)
        segments = list(train_steps(task, state))
        rows = [segment.rows for segment in segments]
        return [segment.losses for segment in segments], rows, segments[-1].state.network

    plain = trained()
    monkeypatch.setattr(folding, "FEWEST", 3)
    assert len(folding.fold(deep()).dense) == 3
    close(trained(), plain)


@pytest.mark.again
def test_many_side_by_side_are_the_same(monkeypatch):
    data = wg.from_arrays(X, Y, validation=0, test=0)
    networks = [deep(seed=seed) for seed in (1, 2)]
    settings = Settings(epochs=2, batch_size=8, record_every=3)
    plain = wg.train_together(networks, data, settings)
    monkeypatch.setattr(folding, "FEWEST", 3)
    folded = wg.train_together(networks, data, settings)
    close((folded.networks, folded.losses, folded.rows), (plain.networks, plain.losses, plain.rows))


def test_a_deep_run_is_trained_explained_and_diagnosed():
    data = wg.from_arrays(X, Y, validation=0.2, test=0)
    network = wg.Network.create([5, *[4] * 40, 3], activation="tanh", init="orthogonal")
    run = wg.train(network, data, epochs=3, batch_size=8, record_every=2)
    ledger = run.why("hidden20.weight[1, 2]", step=2)
    assert ledger.is_recorded, "the replay was compared with what was recorded"
    assert run.neurons("hidden40").sizes["neuron"] == 4
    assert run.doctor().findings is not None


def test_a_deep_step_compiles_a_small_program():
    """Compilation grows with the program; two hundred layers must cost little more than forty."""

    def size(depth: int) -> int:
        network = wg.Network.create([5, *[4] * depth, 3], activation="tanh")
        data = wg.from_arrays(X, Y, validation=0, test=0)
        task = prepare(network, data, Settings(epochs=1, record_every=2, batch_size=8), "jax")
        state = fold_state(first_state(network, task.config, 1e-3, 0))
        plan = plan_window(next(task.feed.pools(0)).plan, 0, task.capacity)
        run = jax.jit(run_segment, static_argnums=0)
        return run.lower(task.config, state, task.feed.dataset, plan, 0, 3).as_text().count("\n")

    assert size(200) < 1.1 * size(40)
