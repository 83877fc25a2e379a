"""Runs of one small table with everything in it: numbers, gaps, words, odd names."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import whygrad as wg

TARGETS = ("price", "size", "town")


def table() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    count = 90
    area = draw.normal(50, 9, count)
    frame = pd.DataFrame(
        {
            "area": area,
            "finance": draw.integers(1, 6, count).astype(float),  # a name with a nan in it
            "heating": draw.choice(["gas", "öl", "no heat"], count),
            "class": draw.choice(["x", "y"], count),  # an output of the file has this name
            "year": draw.normal(1e6, 1, count),  # needs float64 to be scaled well
        }
    )
    frame.loc[3, "finance"] = np.nan
    frame.loc[5, "heating"] = None
    frame["price"] = area * 3 + 1e5
    frame["size"] = np.where(area > 50, "big", "small")
    frame["town"] = draw.choice(["A", "B", "C"], count)
    return frame


@pytest.fixture(scope="session")
def flats(tmp_path_factory) -> dict[str, SimpleNamespace]:
    """A trained run for every kind of target, with rows as they come, two of them incomplete."""
    frame, folder = table(), tmp_path_factory.mktemp("flats")
    path = folder / "flats.csv"
    frame.to_csv(path, index=False)
    raw = frame.drop(columns=list(TARGETS))
    made = {}
    for target in TARGETS:
        drop = [name for name in TARGETS if name != target]
        data = wg.load(path, target=target, drop=drop)
        network = wg.Network.create([data.n_in, 4, data.n_out], activation="tanh")
        run = wg.train(network, data, epochs=2, batch_size=32, out=folder / target)
        made[target] = SimpleNamespace(run=run, raw=raw)
    return made


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """A run of numbers alone, with several labels a row."""
    draw = np.random.default_rng(1)
    x = draw.normal(size=(40, 3))
    labels = (x[:, :2] > 0).astype(int)
    data = wg.from_arrays(x, labels, task="labels", target_names=["up", "left"], standardize=True)
    network = wg.Network.create([3, 4, 2], activation="softplus", dropout=0.25)
    return wg.train(network, data, epochs=2, out=tmp_path_factory.mktemp("labels") / "run")
