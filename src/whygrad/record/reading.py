"""Reading a run that another process may be writing, without a false alarm.

What run.json names is on disk before run.json names it, and is removed only after run.json no
longer does. So where something is missing, run.json is read again: if it has changed, so may have
what it names; if not, the run is damaged.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from whygrad.errors import RunError
from whygrad.record.description import FORMAT, UNSEALED
from whygrad.record.packing import needed, unpacked
from whygrad.record.producers import PRODUCERS, kind_of
from whygrad.record.schema import Check, sound, sound_lines
from whygrad.record.schema import watched as schema
from whygrad.record.schema.arrays import sound_arrays
from whygrad.record.schema.watched import whole_forms
from whygrad.record.sealed import KEY, TensorFile, open_tensors, read_json, read_lines

if TYPE_CHECKING:
    from whygrad.record.folder import RunFolder

Read = TypeVar("Read")
Description = dict[str, Any]
Standing = tuple[int, int, int]


class Described:
    """``run.json`` of a folder: read and verified once, and again only where it was replaced.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._path = folder / "run.json"
        self._standing: Standing | None = None  # of the file whose content is kept
        self._content: Description = {}

    def read(self, *, anew: bool = False) -> Description:
        """Return what ``run.json`` says now; whoever asks changes nothing in it.

        Args:
            anew: whether to open the file even if it looks like the one that is kept.

        Raises:
            RunError: there is no run, it is of another format, or ``run.json`` is damaged.
        """
        standing = standing_of(self._path)  # first: what is written meanwhile is read the next time
        if anew or standing is None or standing != self._standing:
            content = read_description(self._folder)
            self._content = sound(self._path, PRODUCERS[kind_of(content)].run, content)
            self._standing = standing
        return self._content

    def note(self, content: Description) -> None:
        """Keep what was just written, by the only process that may write it."""
        self._standing, self._content = standing_of(self._path), content


def standing_of(path: Path) -> Standing | None:
    """Return what another file under this name would not share; None where there is none."""
    try:
        told = path.stat()
    except (OSError, ValueError):  # also of a name that no file can have
        return None
    return told.st_ino, told.st_size, told.st_mtime_ns


def read_description(folder: Path) -> Description:
    """Return what ``run.json`` says, verified by its checksum; of a run of any kind.

    Raises:
        RunError: there is no run, it is of another format, or ``run.json`` is damaged.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise RunError("error.no_run", path=folder)
    content = read_json(path, _may_lack_checksum)
    told = content.get("format")
    if type(told) is not int or told not in (UNSEALED, FORMAT):
        expected = f"{UNSEALED}, {FORMAT}"
        raise RunError("error.run_format", path=folder, expected=expected, actual=told)
    return content


def _may_lack_checksum(content: Description) -> bool:
    told = content.get("format")
    return told != FORMAT and not (told == UNSEALED and KEY in content)


def steadily(run: "RunFolder", read: Callable[[Description], Read]) -> Read:
    """Return what ``read`` makes of run.json, called again where that has changed meanwhile.

    Raises:
        RunError: something is missing or damaged, whatever other processes do.
    """
    description = run.description
    while True:
        try:
            return read(description)
        except RunError:
            before, description = description, run.described.read(anew=True)
            if description == before:
                raise


def lines_of(
    run: "RunFolder",
    name: str,
    line_of: Callable[[Description], Check],
    are_sound: Callable[[Description, list[dict[str, Any]]], bool] = lambda run, lines: False,
) -> list[dict[str, Any]]:
    """Return the lines of ``<name>.jsonl``, verified; read again only where the file has changed.

    Args:
        line_of: what a line must be in a run of a description.
        are_sound: whether all lines are known to be that, told sooner than one by one.

    Raises:
        RunError: the file is missing or shorter than run.json says, or a line is damaged.
    """
    path = run.path / f"{name}.jsonl"

    def read(description: Description) -> list[dict[str, Any]]:
        standing = standing_of(path)  # first: what is written meanwhile is read the next time
        before, lines = run.lines_read.get(name, (None, []))
        if standing is None or standing != before:
            lines = read_lines(path, may_lack=description["format"] == UNSEALED)
            if not are_sound(description, lines):
                lines = list(sound_lines(path, line_of(description), lines))
            run.lines_read[name] = standing, lines
        told = description.get("lines", {}).get(name, 0)
        if len(lines) < told:
            raise RunError("error.run_lines_missing", path=path, expected=told, actual=len(lines))
        return lines

    return steadily(run, read)


def numbered(folder: Path) -> list[int]:
    """Return the numbers that name the tensor files of a folder, ascending."""
    return sorted(int(p.stem) for p in folder.glob("*.safetensors") if p.stem.isdecimal())


def check_recorded(run: "RunFolder", recorded: np.ndarray, found: np.ndarray) -> None:
    """Check that there are rows of every step that the history says was recorded.

    A file of rows is named by its first step, so that the first step missing names the file.

    Raises:
        RunError: a file is missing.
    """
    if np.array_equal(recorded, found):  # as a rule, and told much sooner
        return
    missing = np.setdiff1d(recorded, found)
    if len(missing):
        path = run.path / "anatomy" / f"{missing[0]}.safetensors"
        raise RunError("error.run_file_missing", path=path)


# --- full snapshots: all that a ledger needs of some steps of a watched model -----------------


def snapshot_steps(path: Path, description: Description) -> list[int]:
    """Return the steps of which a run has a full snapshot, ascending."""
    told = description.get("whole")  # of format 1 only the folder tells
    return numbered(path / "whole") if told is None else sorted(map(int, told))


def snapshot_steps_by_layer(run: "RunFolder", description: Description) -> dict[str, list[int]]:
    """Return the steps of which there is a full snapshot of each layer, ascending."""
    kept: dict[str, list[int]] = {}
    for step in snapshot_steps(run.path, description):
        names = snapshot_names(run, step, description)
        for layer in dict.fromkeys(name.rpartition("/")[0] for name in names):
            kept.setdefault(layer, []).append(step)
    return kept


def snapshot_names(run: "RunFolder", step: int, description: Description) -> list[str]:
    """Return the names of the arrays in a full snapshot."""
    with _opened_snapshot(run, step, description) as file:
        return sorted({*file.names, *file.notes.get("packed", ())})


def read_snapshot(
    run: "RunFolder",
    step: int,
    description: Description,
    wanted: Callable[[str], bool] = lambda name: True,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a full snapshot by ``layer/name``, and its notes, verified.

    Args:
        wanted: which arrays; all of a layer, or some that are small.
    """
    with _opened_snapshot(run, step, description) as file:
        told = file.notes.get("packed", {})
        every = sorted({*file.names, *told})
        layers = {name.rpartition("/")[0] for name in every}
        notes = sound(file.path, schema.whole_of(step, layers, file.names), file.notes)
        names = [name for name in every if wanted(name)]
        tensors = unpacked({n: file[n] for n in needed(names, told)}, told, names)
    forms = whole_forms(description["layers"], tensors, every)
    sound_arrays(file.path, tensors, {n: form for n, form in forms.items() if wanted(n)})
    return tensors, notes


def _opened_snapshot(
    run: "RunFolder", step: int, description: Description
) -> AbstractContextManager[TensorFile]:
    path = run.path / "whole" / f"{step}.safetensors"
    told = description["whole"].get(str(step), "") if run.is_sealed else None
    return open_tensors(path, may_lack=not run.is_sealed, checksum=told)
