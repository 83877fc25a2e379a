"""Runs that reports are made of: a usual one, and some that went nowhere."""

from pathlib import Path

import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import NonFiniteError
from whygrad.render.report import write_report
from whygrad.settings import Settings

NASTY = '<script>alert("1")</script>'
SMALL = {"epochs": 2, "batch_size": 32, "record_every": 2}


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="session")
def digits(folder) -> wg.Run:
    """Images, two hidden layers, settings unlike the default."""
    network = wg.Network.create([64, 12, 8, 10], seed=1)
    return wg.train(network, wg.load("digits"), out=folder / "digits", l2=1e-4, **SMALL)


@pytest.fixture(scope="session")
def clones(folder) -> wg.Run:
    """A hidden layer that is one neuron, eight times over."""
    network = wg.Network.create([4, 8, 3], activation="tanh", init="constant:0.5")
    return wg.train(network, wg.load("iris"), out=folder / "clones", **SMALL)


@pytest.fixture(scope="session")
def dead(folder) -> wg.Run:
    """A hidden layer of relus that no sample opens."""
    network = wg.Network.create([4, 8, 3], bias_init="constant:-1000")
    return wg.train(network, wg.load("iris"), out=folder / "dead", **SMALL)


@pytest.fixture(scope="session")
def saturated(folder) -> wg.Run:
    network = wg.Network.create([4, 8, 3], activation="sigmoid", init="normal:50")
    return wg.train(network, wg.load("iris"), out=folder / "saturated", **SMALL)


@pytest.fixture(scope="session")
def numbers(folder) -> wg.Run:
    """Regression that may stop early."""
    data = wg.load("diabetes")
    network = wg.Network.create([data.n_in, 6, 1], activation="tanh")
    return wg.train(network, data, out=folder / "numbers", patience=1, **SMALL)


@pytest.fixture(scope="session")
def unrecorded(folder) -> wg.Run:
    settings = SMALL | {"record_every": 0}
    return wg.train(wg.Network.create([4, 6, 3]), wg.load("iris"), out=folder / "none", **settings)


@pytest.fixture(scope="session")
def one_step(folder) -> wg.Run:
    data = wg.load("xor", validation=0, test=0)
    network = wg.Network.create([2, 1])
    return wg.train(network, data, out=folder / "one", epochs=1, batch_size=10_000)


@pytest.fixture(scope="session")
def begun(folder) -> wg.Run:
    """A run that has not taken a step yet."""
    from whygrad.training.beginning import begin

    network = wg.Network.create([4, 6, 3])
    begin(folder / "begun", network, wg.load("iris"), Settings(), {"data": {"source": "iris"}})
    return wg.open_run(folder / "begun")


@pytest.fixture(scope="session")
def failed(folder) -> wg.Run:
    network = wg.Network.create([4, 6, 6, 3])
    settings = SMALL | {"optimizer": "sgd", "learning_rate": 1e30}
    with pytest.raises(NonFiniteError):
        wg.train(network, wg.load("iris"), out=folder / "failed", **settings)
    return wg.open_run(folder / "failed")


@pytest.fixture(scope="session")
def nasty(folder) -> wg.Run:
    """Names that would break a page, or run in it, if they were taken for HTML."""
    generator = np.random.default_rng(0)
    data = wg.from_arrays(
        generator.normal(size=(60, 2)),
        np.arange(60) % 2,
        name=f"a & b {NASTY}",
        feature_names=[NASTY, '"><img src=x onerror=alert(2)>'],
        target_names=["</span>", "it's"],
        task="classes",
    )
    network = wg.Network.create([2, 3, 2])
    return wg.train(network, data, out=folder / "<b>&amp;'", origin={NASTY: NASTY}, **SMALL)


@pytest.fixture(scope="session")
def page_of(folder, request):
    """Return the report of a run, by the name of its fixture."""
    pages: dict[str, str] = {}

    def page(name: str) -> str:
        if name not in pages:
            run = request.getfixturevalue(name)
            pages[name] = write_report(run, folder / "pages" / f"{name}.html").read_text("utf-8")
        return pages[name]

    return page
