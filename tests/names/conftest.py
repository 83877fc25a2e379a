"""Runs in which every name is hostile, each beside one with ordinary names of the same length."""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import whygrad as wg
from whygrad.record.sealed import write_json

# hostile names are made by the attacks, which are no part of the package
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.attack.names import KINDS, harmless, one_of_all, written

SETTINGS = {"epochs": 2, "batch_size": 16, "record_every": 2}
TEXTS = [
    name for kind, names in KINDS.items() if kind not in ("own_words", "long") for name in names
]
LAYERS = ["|".join(TEXTS[i::3]).replace(".", "_") for i in range(3)]
LAYERS += [KINDS["long"][1], "steps", "__metadata__"]
FILE = "a<b>&'\"\x1b]52;c;x\x07\u202e[red]$x$\n%s{0}`id`"  # no name of a file holds a slash


def fit_for_csv(text: str) -> str:
    """Return a name without what no text file and no Python class takes."""
    return text.encode(errors="ignore").decode().replace("\x00", "")


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """A folder whose own name must not be on any page."""
    return tmp_path_factory.mktemp("private-folder")


def watch_model(out: Path, change: Callable[[str], str]) -> wg.WatchedRun:
    """Watch a model whose layers, class and failure have these names."""
    torch.manual_seed(0)
    layers = torch.nn.ModuleDict({change(name): torch.nn.Linear(3, 3) for name in LAYERS})
    named = fit_for_csv(change(one_of_all()))
    model = type(named, (torch.nn.Module,), {"forward": _forward})()
    model.layers = layers
    with warnings.catch_warnings(), pytest.raises(RuntimeError):
        warnings.simplefilter("error")
        with wg.watch(model, every=1, out=out) as watch:
            _train(model)
            raise RuntimeError(f"{change(one_of_all())}: Target 9 is out of bounds in {out}")
    return wg.open_run(watch.run.path)


def _forward(self, x):
    for layer in self.layers.children():
        x = x + torch.tanh(layer(x))
    return x


def _train(model) -> None:
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    for _ in range(2):
        optimizer.zero_grad()
        (model(torch.ones(4, 3)) ** 2).mean().backward()
        optimizer.step()


@pytest.fixture(scope="session")
def watched(home) -> SimpleNamespace:
    return SimpleNamespace(
        hostile=watch_model(home / "hostile" / FILE, str),
        harmless=watch_model(home / "harmless" / harmless(FILE), harmless),
    )


def train_table(out: Path, change: Callable[[str], str]) -> wg.Run:
    """Train on a table whose columns, classes, target and file have these names."""
    chosen = [fit_for_csv(name) for name in written() if len(name) < 100]
    columns = [change("|".join(chosen[i::6]) + "x" * i) for i in range(6)]
    words = list(map(change, CLASSES))
    draw = np.random.default_rng(0)
    rows = [[*draw.normal(size=5).tolist(), words[i % 3]] for i in range(90)]
    out.mkdir(parents=True)
    data = _load(out / f"{change(FILE)}.csv", [*columns, change(TARGET)], rows, words)
    run = wg.train(
        wg.Network.create([data.n_in, 4, data.n_out], seed=0),
        data,
        out=out / change(FILE),
        origin={"data": {"source": str(out / change(FILE))}, change("<i>"): change(one_of_all())},
        **SETTINGS,
    )
    _written_by_a_stranger(run.path / "run.json", change)
    return wg.open_run(run.path)


# in the order that both they and their doubles have when sorted, so that the networks are the same
CLASSES = ("$x$", "<!--</script>", "<b>\x1b[2J\u202e[red]{0}%s\x9b2J")
TARGET = "<target>\x07\u2066"


def _load(path: Path, head: list[str], rows: list, words: list[str]):
    import pandas as pd

    frame = pd.DataFrame([[*row, words[i // 30]] for i, row in enumerate(rows)], columns=head)
    frame.to_csv(path, index=False)
    return wg.load(path, target=head[-1], task="classes")


def _written_by_a_stranger(path: Path, change: Callable[[str], str]) -> None:
    """Put names into every text of a description that may be any text."""
    content = json.loads(path.read_text("utf-8"))
    content |= {"created": change(one_of_all()), "device": change(one_of_all())}
    content["versions"] = {
        change("<b>"): change(one_of_all()),
        "whygrad": change("<i>1\x1b[2J</i>"),
    }
    content["data"] |= {"name": change(one_of_all())}
    content |= {"state": "failed", "steps": 3}
    failure = {"kind": change("<b>"), "key": "error.of_tomorrow"}
    content["failure"] = failure | {"message": f"{change(one_of_all())} {path}"}
    write_json(path, content)


@pytest.fixture(scope="session")
def trained(home) -> SimpleNamespace:
    return SimpleNamespace(
        hostile=train_table(home / "hostile table", str),
        harmless=train_table(home / "harmless table", harmless),
    )
