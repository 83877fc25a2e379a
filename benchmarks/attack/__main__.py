"""Attack whygrad for ten minutes: ``python -m benchmarks.attack [--seed 1] [--seconds 600]``.

A line a failure on stderr, with what is needed to do it again; the last line on stdout is
``totals {kind: [held, tried], ...}``. The exit code is 1 where anything did not hold.
"""

import argparse
import json
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

KINDS = ("commands", "kills", "descriptions", "flips", "tables", "names", "extremes")


def main() -> int:
    """Give every kind the same share of the time."""
    parser = argparse.ArgumentParser(prog="make attack", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn")
    parser.add_argument("--seconds", type=float, default=600.0, help="for all kinds together")
    parser.add_argument("--only", choices=KINDS, action="append", help="these kinds alone")
    options = parser.parse_args()
    kinds = options.only or KINDS
    totals = {}
    with tempfile.TemporaryDirectory(prefix="whygrad-attack-") as folder:
        for kind in kinds:
            place = Path(folder) / kind
            place.mkdir()
            totals[kind] = attack(kind, options.seed, options.seconds / len(kinds), place)
    print("totals", json.dumps(totals))
    return int(any(held < tried for held, tried in totals.values()))


def attack(kind: str, seed: int, seconds: float, folder: Path) -> tuple[int, int]:
    """Return how many attacks of one kind held, and how many were tried in the time."""
    end = time.monotonic() + seconds
    held = tried = 0
    for trial in import_module(f"benchmarks.attack.{kind}").attack(seed, folder):
        tried += 1
        held += not trial.problem
        if trial.problem:
            print(f"{kind}, seed {seed}, {trial.what}: {trial.problem}", file=sys.stderr)
        if time.monotonic() > end:
            break
    print(f"{kind}: {held} of {tried} held", file=sys.stderr)
    return held, tried


if __name__ == "__main__":
    sys.exit(main())
