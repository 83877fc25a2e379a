"""Our estimators beside scikit-learn's: ``python -m benchmarks.estimators``.

Five real data sets, the same folds, seeds and settings, all of them scikit-learn's defaults. Each
library fits each data set in a process of its own, compilation included; the two take turns.
Writes ``benchmarks/results/estimators.json``; ``python -m benchmarks.table``
fills docs/benchmarks.md.
"""

import json
import subprocess
import sys
import time
import warnings
from argparse import ArgumentParser
from typing import Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.run import write

CLASSES = ("iris", "wine", "breast_cancer", "digits")
SETS = (*CLASSES, "diabetes")
BY = ("whygrad", "scikit-learn")
FOLDS, SEEDS = 5, 5


def measure(rounds: int = 3) -> dict[str, dict[str, dict[str, float]]]:
    """Return, by data set and library, seconds for all fits (median round) and the mean score."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for name in SETS:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        lines: dict[str, list] = {by: [] for by in BY}
        for turn in range(rounds):
            for by in BY if turn % 2 else reversed(BY):
                lines[by].append(_in_a_process(name, by))
        table[name] = {by: _summed(of) for by, of in lines.items()}
    return table


def _summed(lines: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.median([line[key] for line in lines])) for key in lines[0]}


def _in_a_process(name: str, by: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.estimators", "--fit", name, by]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def fit_all(name: str, by: str) -> dict[str, float]:
    """Fit every fold with every seed, and return the seconds that took and the mean score."""
    from sklearn import datasets
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    is_classes = name in CLASSES
    kind: Any = _estimators(by)[0 if is_classes else 1]
    warnings.simplefilter("ignore")  # all stop at 200 epochs somewhere, and say so
    began, scores = time.perf_counter(), []
    for seed in range(SEEDS):
        model: Any = kind(random_state=seed)
        if not is_classes:
            model = TransformedTargetRegressor(model, transformer=StandardScaler())
        folds = (StratifiedKFold if is_classes else KFold)(FOLDS, shuffle=True, random_state=seed)
        scores.append(cross_val_score(make_pipeline(StandardScaler(), model), x, y, cv=folds))
    return {"seconds": time.perf_counter() - began, "score": float(np.mean(scores))}


def _estimators(by: str) -> tuple:
    if by == "whygrad":
        import whygrad

        return whygrad.MLPClassifier, whygrad.MLPRegressor
    from sklearn import neural_network

    return neural_network.MLPClassifier, neural_network.MLPRegressor


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--fit", nargs=2, metavar=("SET", "LIBRARY"), help="one of them, here")
    parser.add_argument("-n", "--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit_all(*options.fit)))
        return
    write({"machine": describe(), "estimators": measure(options.rounds)}, "estimators")


if __name__ == "__main__":
    main()
