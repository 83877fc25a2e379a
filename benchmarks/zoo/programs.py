"""Published training programs, run by themselves and under ``whygrad watch``.

Nothing of them is kept here: a folder holds checkouts of their repositories, as ``OWNER/NAME``.
What they print, their exit codes and the files that they leave are compared byte by byte; how long
something took is no part of that.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.zoo.published import PROGRAMS, Program

LONGEST = 900  # seconds
SEEDS = "import random, numpy, torch; random.seed(0); numpy.random.seed(0); torch.manual_seed(0)"


def run_all(folder: Path) -> list[dict[str, Any]]:
    """Run those that are there, and print a line of each."""
    found = []
    for program in PROGRAMS:
        if not (folder / program.repository / program.script).exists():
            print(f"{program.repository}/{program.script} is not there", flush=True)
            continue
        told = compared(program, folder)
        if told["code"] != 0:
            print(f"{told['name']:60} fails by itself, exit code {told['code']}", flush=True)
            continue
        found.append(told)
        same = "same" if told["same"] else "DIFFERS"
        print(f"{told['name']:60} {same}, {told['recorded']} recorded", flush=True)
    return found


def compared(program: Program, folder: Path) -> dict[str, Any]:
    """Return whether a program leaves the same when it is watched, and how much is recorded."""
    plain, watched = (_run(program, folder, is_watched=watch) for watch in (False, True))
    keys = ("code", "out", "files")
    return {
        "name": program.name,
        "same": all(plain[key] == watched[key] for key in keys),
        "differs": [key for key in keys if plain[key] != watched[key]],
        "code": plain["code"],
        "has_times": bool(program.times or program.timed),
        "recorded": watched["recorded"],
    }


def _run(program: Program, folder: Path, *, is_watched: bool) -> dict[str, Any]:
    with TemporaryDirectory() as place:
        copy = Path(place) / "program"
        shutil.copytree(folder / program.repository, copy)
        script = copy / program.script
        _sow(script)
        program.prepare(script.parent)
        kept = {path: path.stat().st_mtime_ns for path in _files(copy)}
        run = Path(place) / "run"
        watch = ["-m", "whygrad", "watch", "--out", str(run)] if is_watched else []
        seed = {"PYTHONHASHSEED": "0", "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
        if program.path:
            seed["PYTHONPATH"] = os.pathsep.join(
                filter(None, (str(copy / program.path), os.environ.get("PYTHONPATH")))
            )
        done = subprocess.run(
            [sys.executable, *watch, script.name, *program.arguments],
            cwd=script.parent,
            env=os.environ | seed,
            capture_output=True,
            timeout=LONGEST,
        )
        left = {
            str(path.relative_to(copy)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in _files(copy)
            if kept.get(path) != path.stat().st_mtime_ns and not path.match(program.timed or "/")
        }
        return {
            "code": done.returncode,
            "out": re.sub(program.times.encode(), b"", done.stdout),
            "files": left,
            "recorded": _recorded(run),
        }


def _sow(script: Path) -> None:
    """Set the seeds in front of a copy of a script, for torch draws its own anew each time."""
    lines = script.read_text(encoding="utf-8").split("\n")
    future = [at for at, line in enumerate(lines) if line.startswith("from __future__")]
    lines.insert(future[-1] + 1 if future else 0, SEEDS)
    script.write_text("\n".join(lines), encoding="utf-8")


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if "__pycache__" not in path.parts]


def _recorded(run: Path) -> int:
    """Return how many steps were recorded, of all models."""
    return sum(len(path.read_text().splitlines()) for path in run.rglob("history.jsonl"))
