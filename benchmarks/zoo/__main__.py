"""Watch public architectures, and say what differs: ``make zoo SEED=1``.

Of each a line, last a line ``totals {…}``. Writes ``benchmarks/results/zoo.json`` when all were
tried; ``python -m benchmarks.table`` fills docs/benchmarks.md. Programs are tried where a folder
holds them: ``--programs FOLDER``, see :mod:`benchmarks.zoo.programs`.
"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from benchmarks.machine import describe
from benchmarks.run import write
from benchmarks.zoo import by_hand, from_libraries
from benchmarks.zoo.case import Case
from benchmarks.zoo.programs import run_all
from benchmarks.zoo.summing import totals
from benchmarks.zoo.trying import tried


def attempt(case: Case, seed: int) -> dict[str, Any]:
    """Return what :func:`tried` finds, or why the case cannot be tried."""
    import torch

    torch.set_num_threads(1)  # so that no sum depends on who else works
    try:
        return tried(case, seed)
    except Exception as error:
        return {"name": case.name, "failed": f"{type(error).__name__}: {error}"[:300]}


def cases(seed: int, only: str = "") -> list[Case]:
    """Return all cases of the families in question.

    Args:
        seed: of what is drawn.
        only: how their names begin.
    """
    families = {"by hand": by_hand.cases} | from_libraries.FAMILIES
    asked = (of for family, of in families.items() if only[: len(family)] in family)
    return [case for of in asked for case in of(seed) if case.name.startswith(only)]


def line(one: dict[str, Any]) -> str:
    """Return what is printed of a case."""
    if "failed" in one:
        return f"{one['name']:44} could not be tried: {one['failed']}"
    same = "same" if one["same"] else "DIFFERS"
    differ = f", GRADIENTS DIFFER: {one['differ'][:3]}" if one["differ"] else ""
    missing = f", missing: {list(one['missing'])[:3]}" if one["share"] < 1 else ""
    alarms = f", alarms: {', '.join(one['alarms'])}" if one["alarms"] else ""
    share = f"{one['share']:.1%} of {one['parameters']:,} parameters ({one['alone']:.1%} alone)"
    return f"{one['name']:44} {same}, {share}, ×{one['ratio']:.1f}{differ}{missing}{alarms}"


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn, and of the weights")
    parser.add_argument("--only", default="", help="cases whose names begin so")
    parser.add_argument("--jobs", type=int, default=-1, help="processes")
    parser.add_argument("--programs", type=Path, help="folder of checkouts: OWNER/NAME/…")
    options = parser.parse_args()
    chosen = cases(options.seed, options.only)
    work = (delayed(attempt)(case, options.seed) for case in chosen)
    found = []
    for one in Parallel(n_jobs=options.jobs, return_as="generator_unordered")(work):
        found.append(one)
        print(line(one), flush=True)
    programs = run_all(options.programs) if options.programs else []
    told = totals(found)
    if programs:
        told |= {"programs": len(programs), "programs_same": sum(p["same"] for p in programs)}
    if not options.only:
        results = {"machine": describe(), "seed": options.seed, "totals": told}
        write(
            results | {"cases": sorted(found, key=lambda one: one["name"]), "programs": programs},
            "zoo",
        )
    print(f"totals {json.dumps(told)}")
    return 0 if told["same"] == told["architectures"] and not told["gradients_differ"] else 1


if __name__ == "__main__":
    sys.exit(main())
