"""Runs by their names and folders: opened, begun, and found again to go on with."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from whygrad.record.files import make_folder, writing
from whygrad.record.folder import find_runs
from whygrad.runs import Run, open_run

RUNS = Path("runs")


def open_named(name: str) -> Run:
    """Open a run by its folder, or by its name under ``runs/``."""
    return open_run(path_of(name))


def path_of(name: str) -> Path:
    """Return the folder of a run, which may not be there."""
    path, under = Path(name), RUNS / name
    return under if not path.exists() and under.exists() else path


@contextmanager
def folder_for(source: str, out: Path | None) -> Iterator[Path]:
    """Give the folder of a new run: ``out``, or the next free ``runs/<data>-<number>``.

    The latter is made at once, so that of several processes each has its own; if no run came of
    it, it is removed again.
    """
    if out is not None:
        yield out
        return
    path = reserve(RUNS, Path(source).stem)
    try:
        yield path
    finally:
        with suppress(OSError):  # there is a run in it
            path.rmdir()


def reserve(folder: Path, name: str) -> Path:
    """Make and return the next free ``<name>-<number>`` in a folder."""
    stem = re.sub(r"[^\w.-]+", "-", name) or "run"
    return next(filter(_reserve, (folder / f"{stem}-{count_}" for count_ in count(1))))


def _reserve(path: Path) -> bool:
    with writing(path):
        try:
            make_folder(path, is_new=True)
        except FileExistsError:
            return False
    return True


def folder_to_resume(source: str | None, out: Path | None) -> Path | None:
    """Return the run to go on with: ``out`` if it is one, or the newest unfinished of the data."""
    if out is not None:
        return out if (out / "run.json").is_file() else None
    for run in find_runs(RUNS):
        if not run.can("train"):
            continue
        description = run.description
        of_run = description.get("origin", {}).get("data", {}).get("source")
        if source in (None, of_run) and description["state"] != "finished":
            return run.path
    return None
