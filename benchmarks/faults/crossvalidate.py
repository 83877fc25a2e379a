"""Would the score hold on cases that no choice was made on? ``crossvalidate CASES DIAGNOSES``

Two choices weigh findings against each other: how much a finding counts whose remedy brought
nothing back (UNEXPLAINED), and from which weight it is told. They are chosen anew on the cases of
all folds but one and measured on that one. A fold is a source of cases, so that cases of one
program do not stand on both sides.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import yaml

UNEXPLAINED = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
POWERS = (0.5, 1.0, 1.5, 2.0)  # of the confidence
FOLDS = 5


def main() -> None:
    """Print cause@1 and cause@3 as they stand, and by cross-validation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("diagnoses", type=Path)
    options = parser.parse_args()
    cases = yaml.safe_load(options.cases.read_text(encoding="utf-8"))["cases"]
    lines = options.diagnoses.read_text(encoding="utf-8").splitlines()
    diagnosed = {record["id"]: record for record in map(json.loads, lines)}
    scored = [row for case in cases if (row := _row(case, diagnosed))]
    for depth in (1, 3):
        held_out = [hit for fold in range(FOLDS) for hit in _fold(scored, fold, depth)]
        plain = [_hits(row, 0.3, 1.0, depth) for row in scored]
        print(
            f"cause@{depth}: {np.mean(plain):.1%} of {len(scored)} as it stands, "
            f"{np.mean(held_out):.1%} by {FOLDS}-fold cross-validation"
        )


def _row(case: Mapping[str, Any], diagnosed: Mapping[str, Any]) -> dict[str, Any] | None:
    wanted = (case.get("measured_attribution") or {}).get("score_components")
    if not wanted or case["id"] not in diagnosed:
        return None
    source = f"{case['data']['recipe']}"
    return {"wanted": set(wanted), "found": diagnosed[case["id"]]["findings"], "source": source}


def _fold(rows: Sequence[Mapping[str, Any]], fold: int, depth: int) -> list[bool]:
    sources = sorted({row["source"] for row in rows})
    mine = {source for place, source in enumerate(sources) if place % FOLDS == fold}
    others = [row for row in rows if row["source"] not in mine]
    best = max(
        product(UNEXPLAINED, POWERS),
        key=lambda choice: sum(_hits(row, *choice, 1) for row in others),
    )
    return [_hits(row, *best, depth) for row in rows if row["source"] in mine]


def _hits(row: Mapping[str, Any], unexplained: float, power: float, depth: int) -> bool:
    """Return whether one of the first findings, weighed anew, names what matters."""

    def weight(finding: Mapping[str, Any]) -> float:
        explained = finding["explained"] or 0.0
        return finding["confidence"] ** power * (unexplained + (1 - unexplained) * explained)

    ranked = sorted(row["found"], key=weight, reverse=True)
    return bool(row["wanted"] & {finding["component"] for finding in ranked[:depth]})


if __name__ == "__main__":
    main()
