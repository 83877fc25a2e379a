"""Side by side, several epochs a compiled call: the same numbers however many calls there are."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.settings import Settings
from whygrad.training import batched

pytestmark = pytest.mark.long

BASE = Settings(
    optimizer="sgd", loss="squared", epochs=5, batch_size=16, record_every=4, learning_rate=0.02
)
GIVEN = {  # settings, and the seeds of the orders
    "plain": ({}, None),
    "apart": ({"shuffle": "apart"}, [3, 4]),
    "adam that falls": ({"optimizer": "adam", "schedule": "cosine", "warmup": 3}, None),
    "unrecorded": ({"record_every": 0}, None),
    "recorded now and then": ({"record_every": 11}, [3, 4]),
}
CALLS = {1: [0.2, 0.4, 0.6, 0.8, 1], 2: [0.4, 0.8, 1], 3: [0.6, 1], 5: [1], 9: [1]}


@pytest.fixture(scope="module")
def linear() -> wg.Data:
    return wg.load("linear", samples=100)


@pytest.fixture(scope="module")
def networks() -> list[wg.Network]:
    sizes, dropout = [2, 4, 3, 1], [0.2, 0.0]
    return [wg.Network.create(sizes, activation="tanh", dropout=dropout, seed=s) for s in range(2)]


def side_by_side(networks, data, settings, at_once: int, monkeypatch, **given):
    steps = -(-len(data.train.x) // settings.batch_size)
    monkeypatch.setattr(batched, "SEGMENT_STEPS", at_once * steps)
    return wg.train_together(networks, data, settings, **given)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("case", GIVEN)
def test_many_calls_give_what_one_gives(networks, linear, monkeypatch, case):
    given, seeds = GIVEN[case]
    settings = replace(BASE, **given)
    one, many = (
        side_by_side(networks, linear, settings, at_once, monkeypatch, seeds=seeds)
        for at_once in (5, 2)
    )
    np.testing.assert_allclose(many.losses, one.losses, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(many.recorded_steps, one.recorded_steps)
    assert set(many.rows) == set(one.rows)
    for name, rows in one.rows.items():
        assert many.rows[name].shape[:2] == (2, len(one.recorded_steps))
        np.testing.assert_allclose(many.rows[name], rows, rtol=1e-3, atol=1e-5)
    for a, b in zip(jax.tree.leaves(many.networks), jax.tree.leaves(one.networks), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("at_once", CALLS)
def test_signs_of_life_rise_to_1(networks, linear, monkeypatch, at_once):
    shares = []
    side_by_side(networks, linear, BASE, at_once, monkeypatch, watch=shares.append)
    assert shares == CALLS[at_once]


def test_an_epoch_longer_than_a_call_still_goes_in_one(networks, linear, monkeypatch):
    shares = []
    monkeypatch.setattr(batched, "SEGMENT_STEPS", 1)
    wg.train_together(networks, linear, BASE, watch=shares.append)
    assert shares == CALLS[1]
