"""Reading a run that another process may be writing, without a false alarm.

What run.json names is on disk before run.json names it, and is removed only after run.json no
longer does. So where something is missing, run.json is read again: if it has changed, so may have
what it names; if not, the run is damaged.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from whygrad.errors import RunError
from whygrad.record.description import UNSEALED
from whygrad.record.schema import Check, sound_lines
from whygrad.record.sealed import read_lines

Read = TypeVar("Read")

if TYPE_CHECKING:
    from whygrad.record.folder import RunFolder


def steadily(run: "RunFolder", read: Callable[[dict[str, Any]], Read]) -> Read:
    """Return what ``read`` makes of run.json, called again where that has changed meanwhile.

    Raises:
        RunError: something is missing or damaged, whatever other processes do.
    """
    description = run.description
    while True:
        try:
            return read(description)
        except RunError:
            before, description = description, run.description
            if description == before:
                raise


def is_sealed(run: "RunFolder") -> bool:
    """Return whether a run was written with checksums, so that none may be missing."""
    return run.description["format"] != UNSEALED


def lines_of(
    run: "RunFolder", name: str, line_of: Callable[[dict[str, Any]], Check]
) -> list[dict[str, Any]]:
    """Return the lines of ``<name>.jsonl``, verified.

    Args:
        line_of: what a line must be in a run of a description.

    Raises:
        RunError: the file is missing or shorter than run.json says, or a line is damaged.
    """
    path = run.path / f"{name}.jsonl"

    def read(description: dict[str, Any]) -> list[dict[str, Any]]:
        found = read_lines(path, may_lack=description["format"] == UNSEALED)
        lines = list(sound_lines(path, line_of(description), found))
        told = description.get("lines", {}).get(name, 0)
        if len(lines) < told:
            raise RunError("error.run_lines_missing", path=path, expected=told, came=len(lines))
        return lines

    return steadily(run, read)


def numbered(folder: Path) -> list[int]:
    """Return the numbers that name the tensor files of a folder, ascending."""
    return sorted(int(p.stem) for p in folder.glob("*.safetensors") if p.stem.isdecimal())


def check_recorded(run: "RunFolder", recorded: Iterable[int], found: Iterable[int]) -> None:
    """Check that there are rows of every step that the history says was recorded.

    A file of rows is named by its first step, so that the first step missing names the file.

    Raises:
        RunError: a file is missing.
    """
    missing = set(recorded).difference(found)
    if missing:
        path = run.path / "anatomy" / f"{min(missing)}.safetensors"
        raise RunError("error.run_file_missing", path=path)
