"""Weights & Biases: a stand-in with the library's signatures, and the library where it is."""

import inspect
import json
import struct
import sys
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import pytest

import whygrad as wg

OURS = "whygrad.interop.tracking.weights_and_biases"
BLOCK, WHOLE, LAST = 32 * 1024, 1, 4


class Histogram:
    def __init__(self, sequence=None, np_histogram=None, num_bins=64):
        self.values = sequence


class FakeRun:
    offline, url, dir = False, "https://example.org/run", "somewhere"

    def __init__(self, **options):
        self.options, self.told, self.finished = options, [], 0

    def log(self, data, step=None, commit=None):
        self.told.append((step, data))

    def finish(self, exit_code=None):
        self.finished += 1


@pytest.fixture
def library(monkeypatch):
    """Put a stand-in in the place of the library, and return the runs that it was asked for."""
    runs: list[FakeRun] = []

    def init(project=None, dir=None, name=None, config=None, mode=None):
        options = {"project": project, "dir": dir, "name": name, "config": config, "mode": mode}
        runs.append(FakeRun(**options))
        return runs[-1]

    module = ModuleType("wandb")
    module.__dict__.update(init=init, Histogram=Histogram)
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.delitem(sys.modules, OURS, raising=False)
    yield runs
    sys.modules.pop(OURS, None)


def test_a_run_is_told_step_by_step(run, library):
    logged = wg.log(run, "wandb", project="mine", name="first")
    (made,) = library
    assert made.options["project"] == "mine" and made.options["name"] == "first"
    assert made.options["config"]["network.sizes"] == [4, 5, 3]
    steps = [step for step, _ in made.told]
    assert steps == sorted(steps) == [*run.history["step"], 5]  # the library takes no step back
    assert [data["loss/batch"] for _, data in made.told[:-1]] == run.history["loss"].tolist()
    first = made.told[0][1]["hidden1/upstream"].values
    np.testing.assert_allclose(first, run.neurons("hidden1").upstream.values[0])
    assert made.told[-1][1] == {f"{k}/test": v for k, v in run.evaluate("test").items()}
    assert made.finished == 1
    assert logged.to_dict() == {
        "to": "wandb", "where": "https://example.org/run", "steps": 6, "histograms": 3,
    }  # fmt: skip


def test_watching_tells_the_same(ask, run, library):
    wg.train(**ask, watch=wg.WandB("mine"))
    (made,) = library
    assert [step for step, _ in made.told] == run.history["step"].tolist()
    assert [data["loss/batch"] for _, data in made.told] == run.history["loss"].tolist()
    assert made.options["config"]["record_every"] == 2 and made.finished == 1


def test_a_training_that_stops_early_is_closed_by_the_block(ask, library):
    with wg.WandB() as tracker:
        wg.train(**ask, watch=lambda event: tracker(event) or event.epoch == 1)
        assert library[0].finished == 0
    assert library[0].finished == 1


def test_a_library_that_refuses_is_an_error_in_our_words(run, library, monkeypatch):
    def refuse(**options):
        raise ConnectionError("no network.")

    monkeypatch.setattr(sys.modules["wandb"], "init", refuse)
    with pytest.raises(wg.WhygradError) as caught:
        wg.log(run, "wandb")
    assert str(caught.value) == (
        "WandB should have begun a record, but its library refused: no network. Check its address, "
        "key and folder; nothing was logged."
    )


@pytest.mark.skipif(find_spec("wandb") is None, reason="wandb is not installed")
@pytest.mark.filterwarnings("default")  # what the library itself warns of
def test_the_library_itself_takes_it_offline(run, tmp_path):
    import wandb

    given = inspect.signature(wandb.init).parameters
    assert {"project", "dir", "name", "config", "mode"} <= set(given)
    logged = wg.log(run, "wandb", mode="offline", folder=tmp_path)
    assert logged.where.startswith(str(tmp_path))
    told = list(stored(tmp_path))
    losses = [row["loss/batch"] for row in told if "loss/batch" in row]
    assert losses == run.history["loss"].tolist()
    counts = "hidden1/slope/values"
    histograms = [row[counts] for row in told if counts in row]
    assert [sum(one) for one in histograms] == [5, 5, 5]


def stored(folder):
    """Yield the rows of an offline run: the library writes its own records, and reads none."""
    from wandb.proto import wandb_internal_pb2

    for message in messages(next(folder.rglob("*.wandb")).read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(message)
        items = record.history.item
        if items:
            names = [item.key or "/".join(item.nested_key) for item in items]
            yield dict(zip(names, [json.loads(item.value_json) for item in items], strict=True))


def messages(content: bytes):
    """Yield the messages of a log in LevelDB's format: pieces in blocks of 32 KiB.

    Source: https://github.com/google/leveldb/blob/main/doc/log_format.md
    """
    place, waiting = 7, b""  # after the file's own header
    while place + 7 <= len(content):
        left = BLOCK - place % BLOCK
        if left < 7:
            place += left
            continue
        _, size, kind = struct.unpack_from("<IHB", content, place)
        waiting += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (WHOLE, LAST):
            yield waiting
            waiting = b""
