"""A run with all that trackers are told: recorded steps, ended epochs, a result."""

import pytest

import whygrad as wg


@pytest.fixture(scope="session")
def ask():
    """Return what every training of these tests is asked for."""
    network = wg.Network.create([4, 5, 3], seed=1)
    return {"network": network, "data": wg.load("iris"), "epochs": 3, "record_every": 2}


@pytest.fixture(scope="session")
def run(ask, tmp_path_factory):
    return wg.train(**ask, out=tmp_path_factory.mktemp("runs") / "iris-1")
