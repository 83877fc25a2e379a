"""Microseconds a training step, of every peer at every case: ``python -m benchmarks.steps``.

The peers take turns, A B C ... A B C, so that a slow minute of the machine hits all of them.
"""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.cases import CASES, Case
from benchmarks.peers import MODULES, RECORDING
from benchmarks.workers import Worker, workers

ROUNDS = 11


def measure(rounds: int = ROUNDS) -> dict:
    """Return microseconds a step by case and peer, and the peers that are missing."""
    with workers(MODULES) as (present, missing):
        cases = {case.name: _measure_case(case, present, rounds) for case in CASES}
    return {"cases": cases, "missing": missing}


def measure_recording(
    rounds: int = ROUNDS, module: str = MODULES["whygrad"], cases: Sequence[Case] = CASES
) -> dict:
    """Return whygrad's microseconds a step by case and by how often it records."""
    with workers(dict.fromkeys(RECORDING, module)) as (present, _):
        return {case.name: _measure_recording(case, present, rounds) for case in cases}


def _measure_case(case: Case, present: list[Worker], rounds: int) -> dict:
    choices = {worker.name: worker.ask("choose", case) for worker in present}
    times = interleave(case, present, rounds)
    return {
        worker.name: {
            **spread(times[number]),
            "choice": choices[worker.name],
            "train_accuracy": worker.ask("accuracy"),
        }
        for number, worker in enumerate(present)
    }


def _measure_recording(case: Case, present: list[Worker], rounds: int) -> dict:
    for worker, choice in zip(present, RECORDING, strict=True):
        worker.ask("prepare", case, choice)
    times = interleave(case, present, rounds)
    plain = times[0]  # RECORDING starts with not recording
    return {
        choice: {**spread(own), "cost": float(np.median(own / plain))}  # round by round
        for choice, own in zip(RECORDING, times, strict=True)
    }


def interleave(case: Case, present: list[Worker], rounds: int) -> np.ndarray:
    """Return microseconds a step, (workers, rounds): one call each, in turn, round after round."""
    times = [[worker.ask("seconds", case.steps) for worker in present] for _ in range(rounds)]
    return np.array(times).T / case.steps * 1e6


def spread(times: np.ndarray) -> dict[str, Any]:
    """Return median, minimum and quartiles."""
    low, middle, high = np.percentile(times, [25, 50, 75])
    return {
        "median": float(middle),
        "min": float(times.min()),
        "quartiles": [float(low), float(high)],
    }


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    found = {"steps": measure(rounds), "recording": measure_recording(rounds)}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
