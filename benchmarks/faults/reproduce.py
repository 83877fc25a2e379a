"""Do the re-expressed networks do what the file says? ``benchmarks.faults.reproduce CASES``

A network reproduces where the median of our seeds lies within the figures of the file, or as far
outside of them as they lie apart. Data from files have surrogates, whose own figures count.
"""

import argparse
import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.faults.run import workers

SLACK = 0.05  # of accuracy or r2: figures of few seeds are no tighter than that


def main() -> None:
    """Train everything once and list what does not reproduce."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, help="write every figure as a line of JSON")
    options = parser.parse_args()
    jobs = jobs_of(yaml.safe_load(options.cases.read_text(encoding="utf-8")))
    with ProcessPoolExecutor(workers(), get_context("spawn")) as pool:
        rows = list(pool.map(measured, jobs))
    if options.out:
        options.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    missed = [row for row in rows if not row["reproduces"]]
    for row in missed:
        ours, theirs = (", ".join(f"{v:.3g}" for v in row[k]) for k in ("ours", "theirs"))
        print(f"{row['id']:30s} ours {ours}   the file's {theirs}")
    print(f"{len(rows) - len(missed)} of {len(rows)} networks reproduce the file's figures.")


def jobs_of(content: Mapping[str, Any]) -> list[tuple[str, Mapping, Mapping, list]]:
    """Return (name, case, configuration, figures) of every case and control."""
    jobs = []
    fixed_of = {}
    for case in content["cases"]:
        figures = case["check_here"].get("surrogate_data") or case["check_here"]
        fixed_of[case["id"]] = figures["fixed"]
        jobs.append((case["id"], case, case["faulty"], figures["faulty"]))
    for control in content["controls"]:
        figures = fixed_of.get(control.get("of"), control["metric"])
        jobs.append((control["id"], control, control["config"], figures))
    return jobs


def measured(job: tuple[str, Mapping, Mapping, list]) -> dict[str, Any]:
    """Return our figures of one network beside the file's."""
    from benchmarks.faults.expressing import express
    from whygrad.doctor.trials import try_out

    name, case, config, figures = job
    ours = [float(value) for value in try_out(express(case, config)).measures]
    theirs = [float(value) for value in figures]
    return {"id": name, "ours": ours, "theirs": theirs, "reproduces": reproduces(ours, theirs)}


def reproduces(ours: list[float], theirs: list[float]) -> bool:
    """Return whether our median lies within their figures, give or take their own spread.

    What is worse than knowing nothing is one thing, however much worse: it has no scale.
    """
    floor = -1.0
    low_high = np.nan_to_num(np.maximum(theirs, floor), nan=floor)
    low, high = float(low_high.min()), float(low_high.max())
    middle = float(np.median(np.nan_to_num(np.maximum(ours, floor), nan=floor)))
    slack = max(high - low, SLACK)
    return low - slack <= middle <= high + slack


if __name__ == "__main__":
    main()
