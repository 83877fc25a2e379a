"""Diagnose PyTorch programs, broken and repaired: ``make faults-torch CASES=FOLDER OUT=FILE``.

A folder holds ``cases/NAME.py``, one program each, and what they import. Names that begin with
``f`` have a fault: ``train(True, watch)`` runs the broken program, ``train(False, watch)`` the
repaired one; those with ``h`` are healthy. ``train`` returns its models and its score. A finding
names the cause where one of the case's regular expressions ``CAUSE`` matches its kind or its
printed text.

Every program runs in a process of its own, watched and not. A line of JSON each goes to OUT; the
last line printed is ``totals {…}``: of each figure how many, and of how many.
"""

import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import warnings
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from joblib import Parallel, delayed

from whygrad.errors import RunError

SECONDS = 60.0  # that one program may take, with its diagnosis


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path, help="folder that holds cases/NAME.py")
    parser.add_argument("out", type=Path, help="file for a line of JSON a program")
    parser.add_argument("--only", nargs="*", default=[""], help="names that begin so")
    parser.add_argument("--one", action="store_true", help="print the line of one, in this process")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(compared(options.cases, options.only[0]), default=str))
        return
    found = sorted(path.stem for path in (options.cases / "cases").glob("[fh]*.py"))
    names = [name for name in found if name.startswith(tuple(options.only))]
    work = Parallel(n_jobs=os.cpu_count(), return_as="generator", prefer="threads")
    rows = []
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", encoding="utf-8") as lines:
        for row in filter(None, work(delayed(in_own_process)(options.cases, n) for n in names)):
            rows.append(row)
            lines.write(json.dumps(row) + "\n")
            lines.flush()
            print(line(row), flush=True)
    print(f"totals {json.dumps(totals(rows))}")


def in_own_process(folder: Path, name: str) -> dict[str, Any]:
    """Return what :func:`compared` finds; a program that fails or takes too long says so."""
    command = [sys.executable, "-m", "benchmarks.faults.programs", str(folder), os.devnull]
    parts = 4 if name.startswith("f") else 2
    try:
        done = subprocess.run(
            [*command, "--one", "--only", name],
            capture_output=True,
            text=True,
            timeout=parts * SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"name": name, "failed": f"took more than {parts * SECONDS:.0f} s"}
    if done.returncode:
        return {"name": name, "failed": done.stderr[-500:]}
    return json.loads(done.stdout.splitlines()[-1])


def compared(folder: Path, name: str) -> dict[str, Any]:
    """Return of one case what each of its programs scored, and what the doctor says of it."""
    import torch

    torch.set_num_threads(1)  # so that no sum depends on who else works
    sys.path.insert(0, str(folder.resolve()))
    module = loaded(folder / "cases" / f"{name}.py")
    told: dict[str, Any] = {"name": name, "cause": list(module.CAUSE)}
    if name.startswith("f"):
        told["broken"] = watched_and_not(module, is_broken=True)
    return told | {"healthy": watched_and_not(module, is_broken=False)}


def loaded(path: Path) -> ModuleType:
    """Return a case as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def watched_and_not(module: ModuleType, *, is_broken: bool) -> dict[str, Any]:
    """Return what one program scored, whether watching changed it, and the findings."""
    plain, state, _ = played(module, is_broken, is_watched=False)
    watched, other, watches = played(module, is_broken, is_watched=True)
    began = time.perf_counter()
    diagnoses = []
    for one in watches:
        with contextlib.suppress(RunError):  # nothing was recorded, so nothing is found
            diagnoses.append(one.run.doctor())
    return {
        "score": plain["score"],
        "same": state == other and plain["error"] == watched["error"],
        "error": plain["error"],
        "findings": [f.to_dict() for of in diagnoses for f in of.findings],
        "notes": [f.to_dict() for of in diagnoses for f in of.notes],
        "seconds": time.perf_counter() - began,
    }


def played(
    module: ModuleType, is_broken: bool, *, is_watched: bool
) -> tuple[dict[str, Any], list[bytes], list[Any]]:
    """Run a program; return its score or error, all it left as bytes, and the watches."""
    import torch

    import whygrad as wg

    watches: list[Any] = []

    @contextlib.contextmanager
    def watch(*models: torch.nn.Module) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if is_watched:
                watches.extend(stack.enter_context(wg.watch(model)) for model in models)
            yield

    torch.manual_seed(0)
    told: dict[str, Any] = {"score": None, "error": None}
    state: list[bytes] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            models, told["score"] = module.train(is_broken, watch)
        except Exception as error:  # some faults end in one, watched or not
            told["error"] = f"{type(error).__name__}: {error}"[:300]
        else:
            left = [v for model in models for v in model.state_dict().values()]
            state = [v.detach().numpy().tobytes() for v in [*left, torch.get_rng_state()]]
    return told, state, watches


def names_cause(row: dict[str, Any], findings: list[dict[str, Any]]) -> bool:
    """Return whether any of some findings names the cause of a case."""
    if not findings:
        return False
    texts = [f"{finding['kind']} {finding['text']}".lower() for finding in findings]
    return any(re.search(cause, text) for cause in row["cause"] for text in texts)


def totals(rows: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Return of each figure how many programs reach it, and of how many.

    A case that failed counts where it is in question, and reaches nothing.
    """
    faulty = [row for row in rows if row["name"].startswith("f")]
    broken = [row.get("broken", {}).get("findings", []) for row in faulty]
    healthy = [row.get("healthy", {}).get("findings", [None]) for row in rows]
    runs = [row.get(part, {}).get("same", False) for row in rows for part in parts_of(row)]
    reached = {
        "recall": [bool(found) for found in broken],
        "silence": [not found for found in healthy],
        "cause@1": [names_cause(row, found[:1]) for row, found in zip(faulty, broken, strict=True)],
        "cause@3": [names_cause(row, found[:3]) for row, found in zip(faulty, broken, strict=True)],
        "cured": [],
        "identical": runs,
    }
    return {name: [sum(each), len(each)] for name, each in reached.items()}


def parts_of(row: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of a case's programs."""
    return ("broken", "healthy") if row["name"].startswith("f") else ("healthy",)


def line(row: dict[str, Any]) -> str:
    """Return what is printed of a case."""
    if "failed" in row:
        return f"{row['name']:36} could not be tried: {row['failed']}"
    told = []
    for part in parts_of(row):
        kinds = ", ".join(f["kind"] for f in row[part]["findings"]) or "silent"
        differs = "" if row[part]["same"] else ", DIFFERS"
        told.append(f"{part}: {kinds}{differs}")
    if "broken" in row:
        found = row["broken"]["findings"]
        place = 1 if names_cause(row, found[:1]) else 3 if names_cause(row, found[:3]) else "-"
        told.append(f"cause: {place}")
    return f"{row['name']:36} {'; '.join(told)}"


if __name__ == "__main__":
    main()
