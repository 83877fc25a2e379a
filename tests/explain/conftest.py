"""Runs that many ledgers are asked of."""

import pytest

import whygrad as wg


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> wg.Run:
    """A run with every stage that an optimiser can have."""
    return wg.train(
        wg.Network.create([4, 6, 5, 3], activation="tanh", seed=1),
        wg.load("iris"),
        out=tmp_path_factory.mktemp("ledger") / "run",
        epochs=3,
        batch_size=16,
        record_every=2,
        learning_rate=0.02,
        clip_norm=0.5,
        l2=0.01,
        optimizer="adamw",
        weight_decay=0.1,
    )


@pytest.fixture(scope="session")
def numbers(tmp_path_factory) -> wg.Run:
    """A run on two columns of numbers, a softmax output and a loss that does not match it."""
    return wg.train(
        wg.Network.create([4, 6, 3], output_activation="softmax", bias=False, seed=1),
        wg.load("iris"),
        out=tmp_path_factory.mktemp("ledger") / "numbers",
        epochs=2,
        loss="squared",
        optimizer="sgd",
        record_every=0,
    )
