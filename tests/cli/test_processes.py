"""Many processes train one network: what they leave, and what is left of them where one is lost."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import whygrad as wg
from whygrad.cli.supervising import JOINED, RUN, job_of, what_ended
from whygrad.core.processes import Job
from whygrad.errors import OptionError

JOB = Job("127.0.0.1:4000", 4, 2)
FIRST_GONE = (
    "UNAVAILABLE: Failed to send RPC to coordination service. Either the leader task was "
    "preempted/died/restarted unexpectedly or this task is experiencing network issues."
)
NO_HEARTBEAT = (
    "UNAVAILABLE: The following tasks are unhealthy (stopped sending heartbeats):\n3\nThe tasks "
    "have crashed. Check the task logs for an earlier error"
)
ENDS = {  # signal, what JAX wrote -> what the error says
    "first": (signal.SIGABRT, FIRST_GONE, "process 0 is gone, says process 2"),
    "other": (signal.SIGABRT, NO_HEARTBEAT, "process 3 is gone, says process 2"),
    "barrier": (signal.SIGABRT, "Task 1 heartbeat timeout.", "process 1 is gone, says process 2"),
    "unknown": (signal.SIGABRT, "", "process 2 has lost another one"),
    "killed": (signal.SIGKILL, "", "signal 9 ended process 2"),
}
# smooth, and without momentum: rounding does not grow from step to step
TRAINING = (
    *("train", "digits", "--hidden", "16", "--activation", "tanh", "--optimizer", "sgd"),
    *("--learning-rate", "0.02", "--schedule", "constant", "--weight-decay", "0"),
    *("--dropout", "0.1", "--batch-size", "50", "--record-every", "20", "--epochs", "120"),
    *("--patience", "120"),
)
STEPS = 120 * 26  # 1258 rows train
NEAR = 1e-4  # of float32 after thousands of steps


@pytest.mark.parametrize("end", ENDS)
def test_an_end_by_a_signal_is_told_in_a_sentence(tmp_path, end):
    number, said, told = ENDS[end]
    log = tmp_path / "log"
    log.write_text(f"[Gloo] Rank 0\n{JOINED}\n{RUN}/runs/a b\n{said}\n")
    error = what_ended(JOB, number, log)
    assert told in str(error)
    assert "whygrad train --resume --out /runs/a b, and" in str(error)


def test_processes_that_never_came_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("WHYGRAD_JOIN_SECONDS", "40")
    log = tmp_path / "log"
    log.write_text("F1201 client.h:80] Terminating process")
    error = what_ended(JOB, signal.SIGABRT, log)
    assert str(error) == (
        "4 processes were to join at 127.0.0.1:4000 within 40 seconds, but they did not all come. "
        "Start each of them, with the same address, and check that the machines reach one another; "
        "the variable WHYGRAD_JOIN_SECONDS lets them wait for longer. "
        f"What JAX said is in {log}."
    )


def test_a_job_is_named_whole_or_not_at_all():
    assert job_of(False) is None
    assert job_of(False, "node:80", 4, 1) == Job("node:80", 4, 1)
    with pytest.raises(OptionError, match=r"but --coordinator, --process is missing\. Add it,"):
        job_of(False, processes=4)
    with pytest.raises(OptionError, match=r"^The processes are found with --distributed, or named"):
        job_of(True, processes=4)


def test_a_job_that_cannot_be_ends_before_anything_is_read(whygrad, tmp_path):
    named = ("--coordinator", "node:80", "--processes", "2", "--process", "2")
    outcome = whygrad("train", "nowhere.csv", *named, cwd=tmp_path)
    assert outcome.code == 2
    assert outcome.err.startswith("Error: The processes have the numbers 0 to 1")
    outcome = whygrad("train", "iris", "--devices", "0", cwd=tmp_path)
    assert outcome.code == 2
    assert outcome.err.startswith("Error: devices must be a whole number ≥ 1, got 0.")


# --- processes -------------------------------------------------------------------------------

Started = list[subprocess.Popen]


@pytest.fixture
def start(environment, tmp_path) -> Iterator[Callable[..., Started]]:
    """Return the function that starts a command in some processes; the rest end with the test."""
    started: Started = []

    def run(count: int, *arguments: str) -> Started:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        job = ("--coordinator", f"127.0.0.1:{port}", "--processes", str(count), "--process")
        kept = environment | {"TMPDIR": str(tmp_path)}  # what JAX says of a lost process
        for number in range(count):
            command = [sys.executable, "-m", "whygrad", *arguments, *job, str(number)]
            with (tmp_path / f"{len(started)}.log").open("w") as log:
                told = {"stdout": log, "stderr": subprocess.STDOUT}
                started.append(subprocess.Popen(command, cwd=tmp_path, env=kept, **told))
        return started[-count:]

    yield run
    for process in started:
        process.kill()  # its child hears of it
        process.wait()


def ended(processes: Started) -> list[int]:
    return [process.wait(timeout=300) for process in processes]


def child_of(process: subprocess.Popen) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0])


def wait_for_lines(run: Path, count: int) -> None:
    """Wait until a run has so many lines of history, and read all of it meanwhile."""
    while not (run / "run.json").exists() or len(opened(run).history) < count:
        time.sleep(0.1)


def opened(path: Path) -> wg.Run:
    run = wg.open_run(path)
    assert run.description["state"] in ("training", "stopped")
    return run


@pytest.mark.long
@pytest.mark.again
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it asks Linux for children")
def test_runs_whose_processes_are_lost_go_on_with_others(process, start, tmp_path):
    draw = random.Random(1)
    whole = process(*TRAINING, "--devices", "2", "--out", "whole", cwd=tmp_path,
                    JAX_NUM_CPU_DEVICES="2")  # fmt: skip
    assert whole.code == 0, whole.said
    run, lines = tmp_path / "run", 0

    four = start(4, *TRAINING, "--out", "run")
    lines += draw.randrange(2, 20)
    wait_for_lines(run, lines)
    lost = draw.randrange(4)
    os.kill(child_of(four[lost]), signal.SIGKILL)
    assert ended(four) == [1] * 4
    said = [(tmp_path / f"{number}.log").read_text() for number in range(4)]
    assert f"but signal 9 ended process {lost}." in said[lost]
    assert all("4 processes train together, and all must stay" in one for one in said)
    assert not any("Traceback" in one or "Gloo" in one or "absl" in one for one in said)

    three = start(3, "train", "--resume", "--out", "run")
    lines = max(lines, len(opened(run).history)) + draw.randrange(2, 20)
    wait_for_lines(run, lines)
    three[draw.randrange(3)].send_signal(signal.SIGINT)
    assert ended(three) == [0] * 3
    assert opened(run).description["devices"] == 3
    assert opened(run).check().is_sound

    two = start(2, "train", "--resume", "--out", "run")
    lines = len(opened(run).history) + draw.randrange(2, 20)
    wait_for_lines(run, lines)
    os.kill(child_of(two[0]), signal.SIGKILL)
    assert ended(two) == [1] * 2

    last = process("train", "--resume", "--out", "run", cwd=tmp_path)
    assert last.code == 0, last.said
    one, other = wg.open_run(tmp_path / "whole"), wg.open_run(run)
    assert (one.steps, other.steps, other.description["devices"]) == (STEPS, STEPS, 1)
    assert len(one.history) == len(other.history)
    np.testing.assert_allclose(one.history["loss"], other.history["loss"], rtol=NEAR)
    for layer in ("hidden1", "output"):
        (steps, rows), (steps_again, again) = one.rows(layer), other.rows(layer)
        np.testing.assert_array_equal(steps, steps_again)
        size = np.abs(rows).max(axis=(0, 2), keepdims=True)  # of each field
        np.testing.assert_array_less(np.abs(rows - again) / size, NEAR)
    assert other.check().is_sound
