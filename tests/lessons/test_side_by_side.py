"""Starts trained side by side: pairs, curves, and runs that lost their numbers."""

import numpy as np
import pytest

from whygrad.core.backprop import forward
from whygrad.core.nn import Network
from whygrad.core.nn.initializers import parse
from whygrad.data import load
from whygrad.lessons.instruments.side_by_side import Start, proper, train_groups
from whygrad.settings import Settings
from whygrad.training.batched import train_together

SETTINGS = Settings(optimizer="sgd", learning_rate=0.1, batch_size=32, epochs=3, record_every=0)
SEEDS = (3, 4)


@pytest.fixture(scope="module")
def data():
    return load("iris")


@pytest.fixture(scope="module")
def shares():
    return []


@pytest.fixture(scope="module")
def groups(data, shares):
    starts = {"plain": Start("he_normal"), "biased": Start("he_normal", "normal:0.1")}
    return train_groups(
        starts,
        data,
        SETTINGS,
        hidden=[5, 4],
        activation="relu",
        seeds=SEEDS,
        tick=shares.append,
    )


def test_a_group_is_what_training_alone_gives(data, groups):
    for seed, start, end, losses in zip(
        SEEDS,
        groups["biased"].before,
        groups["biased"].after,
        groups["biased"].losses,
        strict=True,
    ):
        alone = train_together([start], data, SETTINGS, seeds=[seed])
        np.testing.assert_allclose(losses.ravel(), alone.losses[0], rtol=1e-4)
        weight = alone.networks[0]["hidden2"].weight
        np.testing.assert_allclose(end["hidden2"].weight, weight, rtol=1e-3, atol=1e-5)


def test_runs_of_a_seed_are_pairs(groups):
    for plain, biased in zip(groups["plain"].before, groups["biased"].before, strict=True):
        for layer in plain.layers:
            np.testing.assert_array_equal(plain[layer].weight, biased[layer].weight)
            assert not np.asarray(plain[layer].bias).any()
            assert np.asarray(biased[layer].bias).all()
    first, second = groups["plain"].before
    assert not np.array_equal(first["hidden1"].weight, second["hidden1"].weight)


def test_curves_begin_before_the_first_step_and_end_with_the_last_epoch(groups):
    group = groups["plain"]
    assert group.losses.shape == (2, 3, 4)
    np.testing.assert_array_equal(group.curves[:, 0], group.losses[:, 0, 0])
    np.testing.assert_allclose(group.curves[:, 1:], group.losses.mean(axis=2))
    np.testing.assert_array_equal(group.curves[:, -1], group.finals)


def test_signs_of_life_rise_to_1(groups, shares):
    assert shares == sorted(set(shares))
    assert shares[0] > 0 and shares[-1] == 1


def test_hits_are_the_share_of_right_answers(data, groups):
    network = groups["plain"].after[1]
    right = np.asarray(forward(network, data.test.x).output).argmax(axis=1) == data.test.y
    assert groups["plain"].hits(data)[1] == right.mean()


def test_a_network_without_numbers_is_told_apart(data):
    lost = train_groups(
        {"huge": Start("normal:1e15")},
        data,
        SETTINGS,
        hidden=[4, 4, 4],
        activation="relu",
        seeds=SEEDS,
    )["huge"]
    assert lost.finite == ()
    assert lost.hits(data).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("activation", "n_in", "n_out", "variance"),
    [
        ("relu", 50, 20, 2 / 50),
        ("gelu", 50, 20, 2 / 50),
        ("selu", 50, 20, 1 / 50),
        ("tanh", 50, 20, 2 / 70),
        ("sigmoid", 50, 20, 2 / 70),
    ],
)
def test_the_proper_initialiser_has_the_variance_of_its_paper(activation, n_in, n_out, variance):
    drawn = [
        parse(proper(activation))(np.random.default_rng(seed), n_in, n_out) for seed in range(40)
    ]
    assert np.var(drawn) == pytest.approx(variance, rel=0.05)


def test_every_activation_has_a_proper_initialiser():
    from whygrad.core.nn.activations import ACTIVATIONS

    for activation in ACTIVATIONS:
        Network.create([3, 2, 1], init=proper(activation))
