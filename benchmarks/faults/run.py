"""Diagnose all of a fault file: ``python -m benchmarks.faults.run CASES OUT``."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml

BUDGET = 60.0  # seconds for the trials of one network


def main() -> None:
    """Diagnose, write a line a network, and say where the lines are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", help="ids that contain this")
    parser.add_argument("--controls", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    content = yaml.safe_load(options.cases.read_text(encoding="utf-8"))
    networks = jobs_of(content, options.only, options.controls)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", encoding="utf-8") as lines:
        for number, record in enumerate(_diagnosed(networks), start=1):
            lines.write(json.dumps(record) + "\n")
            lines.flush()
            _show(number, len(networks), record)


def jobs_of(
    content: Mapping[str, Any], only: str | None, with_controls: bool
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return (case, configuration) for everything that is to be diagnosed."""
    cases = [(case, case["faulty"]) for case in content["cases"]]
    controls = [(control, control["config"]) for control in content["controls"]]
    found = cases + (controls if with_controls else [])
    return [(case, config) for case, config in found if not only or only in case["id"]]


def workers() -> int:
    """Return how many networks are worked on at a time: one a core."""
    return os.cpu_count() or 1


def _diagnosed(networks: list) -> Any:
    blind = [(case["id"], {"task": case["task"], "data": case["data"]}, c) for case, c in networks]
    with ProcessPoolExecutor(workers(), get_context("spawn")) as pool:
        yield from pool.map(diagnose_safely, blind)


def diagnose_safely(job: tuple[str, Mapping[str, Any], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the diagnosis of one network; what cannot be expressed is told and ends nothing."""
    try:
        return diagnose_one(job)
    except Exception as error:
        print(f"{job[0]}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return {"id": job[0], "findings": [], "remedy": {}, "verdict": "not tried", "seconds": 0.0}


def diagnose_one(job: tuple[str, Mapping[str, Any], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the diagnosis of one network, which sees its task, data and configuration alone."""
    name, case, config = job
    from benchmarks.faults.expressing import express
    from benchmarks.faults.words import finding_in_words, remedy_in_words
    from whygrad.doctor.diagnosing import diagnose

    setup = express(case, config)
    diagnosis = diagnose(setup, verify=True, budget=BUDGET)
    best = diagnosis.best
    return {
        "id": name,
        "findings": [finding_in_words(finding) for finding in diagnosis.findings],
        "remedy": remedy_in_words(config, setup, best.setup) if best else {},
        "verdict": diagnosis.verdict,
        "before": [_number(value) for value in diagnosis.measures] if best else [],
        "after": [_number(value) for value in best.outcome.measures] if best else [],
        "seconds": round(diagnosis.seconds, 2),
        "learned": diagnosis.learned,
    }


def _number(value: float) -> float | str:
    """Return a number as JSON can hold it."""
    return value if abs(value) < float("inf") else str(value)


def _show(number: int, total: int, record: dict[str, Any]) -> None:
    named = ", ".join(finding["kind"] for finding in record["findings"]) or "healthy"
    print(f"{number:4d}/{total} {record['id']:28s} {named}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
