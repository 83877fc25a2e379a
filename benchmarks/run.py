"""Run every comparison on this machine's processor: ``python -m benchmarks.run``.

Writes ``benchmarks/results/cpu.json``; ``python -m benchmarks.table`` then fills
docs/benchmarks.md.
"""

import json
import sys
import traceback
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from benchmarks import memory, peak, startup, steps, trained
from benchmarks.cases import LARGE, OF_NUMPY
from benchmarks.machine import describe
from benchmarks.targets import judge_all

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=steps.ROUNDS)
    results = run_all(parser.parse_args().rounds)
    write(results, "cpu")
    print(json.dumps(results["machine"]))
    for verdict in results["targets"]:
        print(json.dumps(verdict))


def run_all(rounds: int) -> dict:
    """Return all measurements; one that fails is named with its cause and stops no other."""
    parts: dict[str, Callable[[], dict]] = {
        "peak": peak.measure,
        "steps": lambda: steps.measure(rounds),
        "recording": lambda: steps.measure_recording(rounds),
        "recording_numpy": lambda: steps.measure_recording(rounds, "whygrad_numpy", OF_NUMPY),
        "trained": trained.measure,
        "startup": startup.measure,
        "memory": memory.measure,
    }
    results: dict = {"machine": describe()}
    for name, measure in parts.items():
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        results |= _attempt(name, measure)
    results |= _attempt("peak", lambda: peak.higher(results["peak"], peak.measure()))
    results |= _attempt("share_of_peak", lambda: _share_of_peak(results))
    return results | {"targets": judge_all(results)}


def write(results: dict, kind: str) -> None:
    """Write the results of one kind of machine, ``cpu`` or ``gpu``."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{kind}.json").write_text(json.dumps(results, indent=2, allow_nan=False) + "\n")


def _attempt(name: str, measure: Callable[[], object]) -> dict:
    try:
        return {name: measure()}
    except Exception:
        traceback.print_exc()
        return {f"{name}_failed": traceback.format_exc(limit=0).strip()}


def _share_of_peak(results: dict) -> dict[str, float]:
    row = results["steps"]["cases"][LARGE.name]
    gflops = results["peak"]["peak_gflops"]
    return {name: peak.share_of_peak(times["min"], gflops) for name, times in row.items()}


if __name__ == "__main__":
    main()
