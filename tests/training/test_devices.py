"""A batch shared by many devices gives the numbers of one device."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import whygrad as wg
from whygrad.core import memory
from whygrad.errors import OptionError
from whygrad.settings import Settings
from whygrad.training.beginning import layout_of
from whygrad.training.loop import prepare

OVER_DEVICES = Path(__file__).parent / "over_devices.py"
OVER_PROCESSES = Path(__file__).parent / "over_processes.py"
JOBS = 4
FOUR = {"JAX_NUM_CPU_DEVICES": "4", "JAX_ENABLE_X64": "1"}
NEAR = 1e-9  # of float64, which some steps of Adam have made larger
NEAR_FLOAT32 = 1e-5


@pytest.fixture(scope="module")
def jobs() -> list[dict]:
    """Return how far jobs on many devices differ from the same on one."""
    done = subprocess.run(
        [sys.executable, str(OVER_DEVICES), str(JOBS)],
        env=os.environ | FOUR,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(JOBS))
@pytest.mark.parametrize("what", ["losses", "rows", "measured", "state"])
def test_many_devices_leave_what_one_leaves(jobs, seed, what):
    assert jobs[seed][what] <= NEAR, jobs[seed]


@pytest.mark.long
def test_the_work_is_shared(jobs):
    assert all(job["sums_over_devices"] for job in jobs)
    assert {job["is_split"] for job in jobs} == {True, False}


@pytest.mark.long
def test_a_weight_that_is_split_lies_in_parts(jobs):
    for job in jobs:
        part, (n_in, n_out) = job["rows_of_a_weight"], job["weight"]
        is_cut = job["is_split"] and n_out % job["devices"] == 0
        assert part == [n_in, n_out // job["devices"] if is_cut else n_out], job


@pytest.fixture(scope="module")
def iris() -> wg.Data:
    return wg.load("iris")


@pytest.mark.parametrize("devices", [0, -1, 1.5, True])
def test_devices_are_a_whole_number(iris, tmp_path, devices):
    network = wg.Network.create([4, 3], engine="numpy")
    with pytest.raises(OptionError, match=r"^devices must be a whole number ≥ 1, got .+\.$"):
        wg.train(network, iris, devices=devices, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_there_are_no_more_devices_than_jax_finds(iris, tmp_path):
    with pytest.raises(OptionError) as raised:
        wg.train(wg.Network.create([4, 3]), iris, devices=64, out=tmp_path / "run")
    assert str(raised.value) == (
        "The run was to be shared by 64 devices, but JAX finds 1 here. Ask for as many or fewer; "
        "the variable JAX_NUM_CPU_DEVICES divides a CPU into more."
    )
    assert not (tmp_path / "run").exists()


def test_a_run_of_numpy_stays_on_its_one_device(iris, monkeypatch):
    network, settings = wg.Network.create([4, 3], engine="numpy"), Settings(epochs=1)
    task = prepare(network, iris, settings, "numpy")
    assert layout_of(task, network.sizes, None) is None
    assert layout_of(task, network.sizes, 1) is None
    monkeypatch.setattr("whygrad.core.processes.count", lambda: 2)
    with pytest.raises(OptionError, match=r"^The run is to be shared by many devices, but NumPy"):
        layout_of(task, network.sizes, None)


def test_a_single_device_needs_no_layout(iris):
    network = wg.Network.create([4, 3])
    task = prepare(network, iris, Settings(epochs=1), "jax")
    assert layout_of(task, network.sizes, None) is None


def test_a_batch_goes_round_all_devices(iris, monkeypatch):
    from whygrad.training import devices

    network = wg.Network.create([4, 3])
    task = prepare(network, iris, Settings(batch_size=3), "jax")
    monkeypatch.setattr(devices, "_by_process", lambda: [["one"] * 4])
    with pytest.raises(OptionError) as raised:
        devices.layout_for(task, network.sizes, 4)
    assert str(raised.value) == (
        "Every device takes at least one sample of each batch, but 4 devices were to share batches "
        "of 3 samples. Choose a larger batch size, or fewer devices."
    )


def test_bytes_of_a_step_count_parameters_and_outputs():
    # 3 * 5 + 6 * 2 parameters, four times each; four arrays of 9 neurons for 7 samples
    assert memory.bytes_of_step([2, 5, 2], 7) == 4 * (4 * (3 * 5 + 6 * 2) + 4 * 7 * 9)


def test_one_device_that_is_asked_for_changes_nothing(iris, tmp_path):
    network = wg.Network.create([4, 3], engine="numpy")
    run = wg.train(network, iris, epochs=1, devices=1, out=tmp_path / "run")
    assert run.description["engine"] == "numpy"
    assert "devices" not in run.description
    wg.resume(run.path, devices=1)


@pytest.mark.long
def test_a_program_may_join_other_processes_by_itself(iris, tmp_path):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
    both = [
        subprocess.Popen(
            [sys.executable, str(OVER_PROCESSES), address, number],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in "01"
    ]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    network = wg.Network.create([4, 8, 3], activation="tanh", seed=1, engine="jax")
    alone = wg.train(
        network, iris, optimizer="sgd", epochs=3, batch_size=30, devices=1, out=tmp_path / "alone"
    )
    for name in ("one", "other"):  # a second run in the same job
        run = wg.open_run(tmp_path / name)
        assert run.description["devices"] == 2
        assert run.check().is_sound
        assert run.evaluate()["loss"] == pytest.approx(alone.evaluate()["loss"], rel=NEAR_FLOAT32)
        assert all(f"{name} {run.steps} {run.evaluate()['loss']}" in text for text in said)
