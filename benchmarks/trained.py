"""Time to a trained model, from cold, everything after import: ``python -m benchmarks.trained``.

scikit-learn's handwritten digits, to 97 % of the test part or 20 epochs. Between epochs the same
NumPy code looks at the accuracy, for everyone. PyTorch runs fused on one thread, which is its best
at small sizes.
"""

import json

import numpy as np

from benchmarks.cases import Case
from benchmarks.peers import MODULES
from benchmarks.workers import Worker, workers

DIGITS = Case((64, 100, 10), 32, 1408, 440)
GOAL, EPOCHS, ROUNDS = 0.97, 20, 3


def measure(rounds: int = ROUNDS) -> dict:
    """Return, by peer, seconds, seconds of set-up and compilation, epochs and accuracy.

    Every round starts fresh processes, so every one is cold; the round with the median time is
    returned.
    """
    found: dict[str, list[dict]] = {}
    missing: dict[str, str] = {}
    for _ in range(rounds):
        with workers(MODULES) as (present, absent):
            missing |= absent
            for worker in present:
                found.setdefault(worker.name, []).append(_train(worker))
    peers = {name: _middle(times) for name, times in found.items()}
    return {"case": DIGITS.name, "peers": peers, "missing": missing}


def split_digits() -> tuple[np.ndarray, ...]:
    """Return x and y of the training part and of the test part."""
    from sklearn.datasets import load_digits

    x, y = (np.asarray(part) for part in load_digits(return_X_y=True))
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype(np.float32), y[order].astype(np.int32)
    count = DIGITS.samples
    return x[:count], y[:count], x[count:], y[count:]


def _train(worker: Worker) -> dict:
    choice = worker.ask("first_choice")
    return worker.ask("time_to_accuracy", DIGITS, split_digits(), choice, GOAL, EPOCHS)


def _middle(rounds: list[dict]) -> dict:
    return sorted(rounds, key=lambda one: one["seconds"])[len(rounds) // 2]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
