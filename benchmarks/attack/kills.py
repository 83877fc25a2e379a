"""Trainings killed at drawn moments: each must go on to the end of one that was left alone."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import whygrad as wg
from benchmarks.attack import Trial

COMMAND = [sys.executable, "-m", "whygrad", "train", "iris", "--hidden", "16,8"]
COMMAND += ["--record-every", "1", "--epochs"]
EPOCHS = (20, 400, 2000)  # what begins, what flushes in between, what checkpoints in between
KILLS = 3  # at most, of one training
PATIENCE = 120.0  # seconds that one command may take


def attack(seed: int, folder: Path) -> Iterator[Trial]:
    """Yield a trial a training: killed up to three times, resumed, compared byte by byte.

    Args:
        folder: for the runs; new or empty.
    """
    draw = random.Random(seed)
    ends: dict[int, tuple[str, float]] = {}
    for number in range(sys.maxsize):
        epochs = draw.choice(EPOCHS)
        if epochs not in ends:
            ends[epochs] = _left_alone(folder / f"alone-{epochs}", epochs)
        expected, seconds = ends[epochs]
        delays = [draw.uniform(0, 1.1 * seconds) for _ in range(draw.randint(1, KILLS))]
        run = folder / f"killed-{number}"
        what = f"iris, {epochs} epochs, killed after " + ", ".join(f"{d:.3f} s" for d in delays)
        yield Trial(what, _problem(run, epochs, delays, expected))


def _left_alone(run: Path, epochs: int) -> tuple[str, float]:
    """Return the end of a training that nobody kills, and the seconds that it takes."""
    begun = time.perf_counter()
    done = _train(run, epochs)
    assert done.returncode == 0, done.stderr
    return end_of(run), time.perf_counter() - begun


def _problem(run: Path, epochs: int, delays: list[float], expected: str) -> str:
    for delay in delays:
        _train_and_kill(run, epochs, delay)
    done = _train(run, epochs)
    if done.returncode:
        return f"not resumed: {done.stderr.strip()}"
    return "" if end_of(run) == expected else "another end than without being killed"


def _train(run: Path, epochs: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(run, epochs), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def _train_and_kill(run: Path, epochs: int, delay: float) -> None:
    process = subprocess.Popen(
        _command(run, epochs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()


def _command(run: Path, epochs: int) -> list[str]:
    is_begun = (run / "run.json").exists()
    return [*COMMAND, str(epochs), "--out", str(run), *(["--resume"] if is_begun else [])]


def end_of(path: Path) -> str:
    """Return a digest of what a finished run holds: results, history, rows and parameters."""
    run = wg.open_run(path)
    digest = hashlib.sha256(json.dumps(run.description["result"], sort_keys=True).encode())
    digest.update(json.dumps(run.history_lines).encode())
    for name in run.layers:
        dense = run.network[name]
        for array in (*run.rows(name), dense.weight, dense.bias):
            digest.update(np.asarray(array).tobytes())
    return digest.hexdigest()
