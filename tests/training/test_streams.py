"""Training on streams: the same numbers as in memory, every row once, and a run that goes on."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import whygrad as wg
from whygrad.core.arrays import leaves
from whygrad.data import read_rows
from whygrad.data.read_rows import ReadRows
from whygrad.data.stream import Stream
from whygrad.data.table import Part
from whygrad.errors import AddressError, DataError, OptionError
from whygrad.settings import Settings
from whygrad.training.engine import steps_of
from whygrad.training.loop import prepare, train_steps

ROWS = 900
TRAINING = {"epochs": 3, "batch_size": 16, "record_every": 5, "learning_rate": 0.01}


def table(rows: int = ROWS) -> pa.Table:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3)).round(4)
    kind = np.array(["red", "green", "blue"])[rng.integers(0, 3, rows)]
    y = (x[:, 0] + x[:, 1] ** 2 + (kind == "red") > 1).astype(int)
    weight = rng.integers(1, 4, rows)
    columns = {f"x{i}": x[:, i] for i in range(3)}
    return pa.table(columns | {"kind": kind, "weight": weight, "y": y})


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("streams") / "t.parquet"
    pq.write_table(table(), file, row_group_size=64)
    return file


def load(path: Path, **options) -> wg.Data:
    return wg.load(path, target="y", stream=True, **options)


def network(data: wg.Data) -> wg.Network:
    return wg.Network.create([data.n_in, 8, data.n_out], seed=0)


def numbers_of(run: wg.Run) -> dict[str, bytes]:
    """Return all that training left, to the bit."""
    state = run.checkpoint(run.steps).state
    left = {f"state {i}": np.asarray(leaf) for i, leaf in enumerate(leaves(state.network))}
    left |= {f"rows of {layer}": run.rows(layer)[1] for layer in run.layers}
    history = json.dumps(run.history_lines).encode()
    return {name: array.tobytes() for name, array in left.items()} | {"history": history}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("engine", ["numpy", "jax"])
@pytest.mark.parametrize(
    "options",
    [{}, {"shuffle": "never"}, {"shuffle": "apart"}, {"class_weight": "balanced"}],
    ids=["plain", "never", "apart", "balanced"],
)
@pytest.mark.exact
def test_one_pool_gives_the_bits_of_the_same_rows_in_memory(path, engine, options):
    data = load(path, weight="weight")
    settings = Settings(**TRAINING, **options)
    ends = []
    for given in (data, data.sampled):
        start = network(given)
        task = prepare(start, given, settings, engine)
        first = steps_of(engine).first_state(start, task.config, settings.learning_rate, 0)
        segments = list(train_steps(task, first))
        losses = np.concatenate([segment.losses for segment in segments])
        ends.append((losses, [np.asarray(leaf) for leaf in leaves(segments[-1].state.network)]))
    assert (ends[0][0] == ends[1][0]).all()
    assert all((a == b).all() for a, b in zip(ends[0][1], ends[1][1], strict=True))


def test_every_row_comes_once_an_epoch_and_in_another_order(path):
    data = load(path, buffer=100)
    task = prepare(network(data), data, Settings(**TRAINING))
    orders = []
    for epoch in range(3):
        pools = list(task.feed.pools(epoch))
        assert [pool.first for pool in pools] == [6 * number for number in range(len(pools))]
        assert pools[-1].stop == task.steps_per_epoch
        rows = [pool.numbers[pool.plan.rows][pool.plan.share > 0] for pool in pools]
        orders.append(np.concatenate([one.ravel() for one in rows]))
        np.testing.assert_array_equal(np.sort(orders[-1]), data.train.rows)
        for pool in pools:
            place = np.searchsorted(data.train.rows, pool.numbers)
            np.testing.assert_array_equal(
                np.asarray(pool.dataset.x)[: len(place)], data.train.x[place]
            )
            np.testing.assert_array_equal(pool.targets, data.train.y[place])
    assert not (orders[0] == orders[1]).all() and not (orders[1] == orders[2]).all()
    again = prepare(network(data), load(path, buffer=100), Settings(**TRAINING))
    rows = [pool.numbers[pool.plan.rows] for pool in again.feed.pools(2, 13)]
    later = np.concatenate([one.ravel() for one in rows])
    np.testing.assert_array_equal(later[:96], orders[2][12 * 16 : 12 * 16 + 96])


def test_a_pool_mixes_several_units(path):
    data = load(path, buffer=96)
    task = prepare(network(data), data, Settings(**TRAINING))
    pool = next(task.feed.pools(0))
    assert len(set(pool.numbers // 64)) >= data.stream.lanes == 4


@pytest.mark.parametrize("buffer", [None, 100, 16])
def test_a_run_replays_explains_and_shows(path, buffer, tmp_path):
    data = load(path, buffer=buffer, validation=0.2)
    run = wg.train(network(data), data, out=tmp_path / "run", **TRAINING)
    run = wg.open_run(run.path)
    assert run.description["data"]["samples"] == data.samples
    assert set(run.description["result"]) == {"train", "validation", "test"}
    for step in (0, 5, 17, run.steps - 1):
        ledger = run.why("hidden1.weight[0, 1]", step=step)
        assert f"at step {step}" in str(ledger)
    row = int(data.train.rows[70])
    chain = str(run.why("hidden1[2]", sample=row))
    assert f"row {row}, target {data.decode(data.train.y[70:71])[0]}" in chain
    with pytest.raises(AddressError):
        run.why("hidden1[2]", sample=int(data.test.rows[0]))
    assert len(run.predict(table(7).to_pandas())) == 7
    assert run.check().is_sound
    assert len(run.data.train) == len(data.train)


@pytest.mark.sampled
@pytest.mark.parametrize("buffer", [None, 100])
def test_stopped_anywhere_it_goes_on_to_the_same_bits(path, buffer, tmp_path):
    data = load(path, buffer=buffer)
    whole = wg.train(network(data), data, out=tmp_path / "whole", **TRAINING)
    for stop in (1, 41, 60):
        out = tmp_path / f"stopped {stop}"
        wg.train(network(data), data, out=out, watch=lambda e, s=stop: e.step >= s, **TRAINING)
        assert numbers_of(wg.resume(out)) == numbers_of(whole)


def test_a_run_without_its_files_opens_and_says_what_is_missing(tmp_path):
    file = tmp_path / "t.parquet"
    pq.write_table(table(), file, row_group_size=64)
    data = load(file, buffer=100)
    run = wg.train(network(data), data, out=tmp_path / "run", **TRAINING)
    file.unlink()
    run = wg.open_run(run.path)
    assert run.evaluate("test").items() >= run.description["result"]["test"].items()
    assert len(run.predict_proba(table(5).to_pandas())) == 5
    with pytest.raises(DataError) as raised:
        run.why("hidden1[0]", step=3)
    assert [one.key for one in raised.value.problems] == ["error.stream_gone"]


@pytest.mark.parametrize("has_room", [True, False])
def test_files_are_read_once_where_the_disk_has_room(path, has_room, tmp_path, monkeypatch):
    data, read, tables = load(path, weight="weight", buffer=160), [], Stream.tables
    usage = read_rows.shutil.disk_usage(tmp_path)
    room = usage if has_room else usage._replace(free=1000)
    monkeypatch.setattr(read_rows.shutil, "disk_usage", lambda folder: room)
    monkeypatch.setattr(
        Stream, "tables", lambda self, unit: read.append(unit) or tables(self, unit)
    )
    run = wg.train(network(data), data, out=tmp_path / "run", **TRAINING)
    assert sorted(read) == sorted([*range(len(data.stream.units))] * (1 if has_room else 3))
    assert not [file for file in (tmp_path / "run").rglob("*") if "tmp" in file.name]
    monkeypatch.setattr(ReadRows, "read", lambda self, unit, start, stop: None)
    again = wg.train(network(data), data, out=tmp_path / "again", **TRAINING)
    assert numbers_of(run) == numbers_of(again)


def test_rows_are_kept_from_the_first_of_a_unit_on(tmp_path):
    rng, counts = np.random.default_rng(0), np.array([5, 0, 7])
    rows = np.arange(7)
    part = Part(rng.random((7, 2)).astype(np.float32), rows.astype(np.int32), rows + 20)
    piece = lambda a, b: Part(*(array[a:b] for array in part.arrays().values()))  # noqa: E731
    kept = ReadRows(tmp_path, counts)
    assert kept.read(2, 0, 1) is None
    kept.keep(2, 3, piece(3, 7))  # its beginning is not known yet
    assert kept.read(2, 3, 7) is None
    kept.keep(2, 0, piece(0, 4))
    kept.keep(2, 4, piece(4, 7))
    assert kept.read(0, 0, 5) is None
    for start, stop in ((0, 7), (2, 6), (6, 7)):
        for name, array in kept.read(2, start, stop).arrays().items():
            assert array.dtype == part.arrays()[name].dtype
            assert (array == part.arrays()[name][start:stop]).all()
    kept.close()
    assert kept.read(2, 0, 7) is None


def test_networks_side_by_side_need_memory(path):
    data = load(path)
    with pytest.raises(OptionError) as raised:
        wg.train_together([network(data)] * 2, data, epochs=1)
    assert raised.value.key == "error.stream_together"
    wg.train_together([network(data)] * 2, data.sampled, epochs=1)


def test_the_doctor_looks_at_the_sample(path, tmp_path):
    data = load(path)
    run = wg.train(network(data), replace(data), out=tmp_path / "run", **TRAINING)
    small = wg.train(network(data), data.sampled, out=tmp_path / "small", **TRAINING)
    assert run.doctor().to_dict() == small.doctor().to_dict()


CHILD = """
import sys
import whygrad as wg
path, out = sys.argv[1:]
data = wg.load(path, target="y", stream=True, buffer=500)
net = wg.Network.create([data.n_in, 8, data.n_out], seed=0)
wg.train(net, data, out=out, epochs=20, batch_size=32, record_every=10)
"""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> tuple[Path, wg.Run]:
    """Return a file, and a run over it that nothing cut off."""
    folder = tmp_path_factory.mktemp("whole")
    pq.write_table(table(6000), folder / "t.parquet", row_group_size=350)
    assert started(folder / "t.parquet", folder / "run").wait() == 0
    return folder / "t.parquet", wg.open_run(folder / "run")


def started(file: Path, out: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(file), str(out)])


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.parametrize("share", [0.1, 0.7])
def test_killed_on_its_way_it_goes_on_to_the_same_bits(uninterrupted, tmp_path, share):
    file, whole = uninterrupted
    history, process = tmp_path / "run" / "history.jsonl", started(file, tmp_path / "run")
    while process.poll() is None:
        lines = history.read_bytes().count(b"\n") if history.exists() else 0
        if lines >= share * len(whole.history_lines):
            break
        os.sched_yield()
    process.kill()
    process.wait()
    assert numbers_of(wg.resume(tmp_path / "run")) == numbers_of(whole)


LIMITED = """
import re, resource, sys
from pathlib import Path
def told(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
import jax, optax, pyarrow.parquet
import whygrad as wg
path, out, room = sys.argv[1], sys.argv[2], int(sys.argv[3])
jax.jit(lambda x: x @ x)(jax.numpy.ones((9, 9)))
limit = told("VmData") + room
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
data = wg.load(path, target="y", validation=0.05, test=0.05)
assert data.stream is not None, "it does not fit, and is streamed without being asked to be"
net = wg.Network.create([data.n_in, 16, data.n_out], seed=0)
wg.train(net, data, out=out, epochs=1, batch_size=4096, record_every=100)
print(told("VmHWM"))
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="limits and peaks of memory are read there")
def test_a_table_larger_than_the_memory_that_may_be_used(tmp_path):
    rng, file = np.random.default_rng(0), tmp_path / "t.parquet"
    room, columns, groups, rows = 900_000_000, 24, 14, 250_000
    schema = pa.schema([(f"x{i}", pa.float64()) for i in range(columns)] + [("y", pa.int64())])
    with pq.ParquetWriter(file, schema) as writer:
        for _ in range(groups):  # few different numbers, so that the file is small
            x = rng.integers(0, 9, (rows, columns)).astype(float)
            arrays = [*x.T, (x[:, 0] > 4).astype(int)]
            writer.write_table(pa.table(arrays, schema=schema), row_group_size=125_000)
    assert groups * rows * (12 * columns + 16) > room
    command = [sys.executable, "-c", LIMITED, str(file), str(tmp_path / "run"), str(room)]
    # what is only reserved would count too
    environment = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert int(re.findall(r"\d+", done.stdout)[-1]) < 1_500_000_000
