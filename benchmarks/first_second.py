"""The first second of our estimators beside scikit-learn's: ``python -m benchmarks.first_second``.

Every measurement is a fresh process, importing included; the two libraries take turns. Writes
``benchmarks/results/first_second.json``; ``python -m benchmarks.table`` fills docs/benchmarks.md.
"""

import os
import resource
import subprocess
import sys
import time
import warnings
from argparse import ArgumentParser
from typing import Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.run import write

BY = ("whygrad", "scikit-learn")
SIZES = ((10,), (50,), (100,), (50, 50))
ALPHAS = (1e-4, 1e-3, 1e-2)


def measure(rounds: int = 5) -> dict[str, dict[str, dict[str, float]]]:
    """Return, by case and library, wall and processor seconds of a process: medians."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for case in CASES:
        print(f"measuring: {case}", file=sys.stderr, flush=True)
        lines: dict[str, list] = {by: [] for by in BY}
        for turn in range(rounds):
            for by in BY if turn % 2 else reversed(BY):
                lines[by].append(_in_a_process(case, by))
        table[case] = {
            by: {key: float(np.median([line[key] for line in of])) for key in of[0]}
            for by, of in lines.items()
        }
    return table


def _in_a_process(case: str, by: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.first_second", "--only", case, by]
    before, began = _spent(), time.perf_counter()
    subprocess.run(command, check=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    return {"seconds": time.perf_counter() - began, "processor": _spent() - before}


def _spent() -> float:
    """Return the processor seconds of all children that have ended."""
    of_children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of_children.ru_utime + of_children.ru_stime


def _breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def importing(kind: Any) -> None:
    """Do nothing more: the class was imported."""


def first_fit(kind: Any) -> None:
    """Fit once, with the defaults."""
    kind(random_state=0).fit(*_breast_cancer())


def grid(kind: Any, jobs: int | None = None) -> None:
    """Fit four sizes with three alphas, each once."""
    from sklearn.model_selection import GridSearchCV, ShuffleSplit
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline: Any = make_pipeline(StandardScaler(), kind(random_state=0))
    name = pipeline.steps[-1][0]
    asked = {f"{name}__hidden_layer_sizes": SIZES, f"{name}__alpha": ALPHAS}
    split = ShuffleSplit(1, test_size=0.2, random_state=0)
    GridSearchCV(pipeline, asked, cv=split, n_jobs=jobs, refit=False).fit(*_breast_cancer())


def grid_of_two_jobs(kind: Any) -> None:
    """Fit the same grid in two processes."""
    grid(kind, jobs=2)


CASES = {one.__name__: one for one in (importing, first_fit, grid, grid_of_two_jobs)}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs=2, metavar=("CASE", "LIBRARY"), help="one of them, here")
    parser.add_argument("-n", "--rounds", type=int, default=5)
    options = parser.parse_args()
    if not options.only:
        write({"machine": describe(), "first_second": measure(options.rounds)}, "first_second")
        return
    case, by = options.only
    if by == "whygrad":
        from whygrad.estimators import MLPClassifier
    else:
        from sklearn.neural_network import MLPClassifier
    warnings.simplefilter("ignore")  # some stop at 200 epochs, and say so
    CASES[case](MLPClassifier)


if __name__ == "__main__":
    main()
