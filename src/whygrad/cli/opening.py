"""A run by its name on the command line."""

from pathlib import Path

from whygrad.runs import Run, open_run

RUNS = Path("runs")


def open_named(name: str) -> Run:
    """Open a run by its folder, or by its name under ``runs/``."""
    return open_run(path_of(name))


def path_of(name: str) -> Path:
    """Return the folder of a run, which may not be there."""
    path, under = Path(name), RUNS / name
    return under if not path.exists() and under.exists() else path
