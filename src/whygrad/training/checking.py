"""Whether a run folder holds what was written, whole: every file, every tensor, every line."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from whygrad.errors import RunError, WhygradError
from whygrad.record.folder import RunFolder
from whygrad.record.merging import folder_of_rank, folders_of_ranks
from whygrad.record.reading import numbered, read_description
from whygrad.record.sealed import read_lines, read_tensors
from whygrad.words import t
from whygrad.words.visible import lines

Tick = Callable[[int, int], None]  # told how many files of how many are done
Found = TypeVar("Found")
FOLDERS = ("anatomy", "checkpoints", "whole")
OF_HERE = ("error.run_needs_x64", "error.checkpoint_of_other_versions")  # no fault of the file


@dataclass(frozen=True)
class Checked:
    """What verifying a run folder found.

    Attributes:
        path: the folder.
        files: how many files were verified.
        problems: what is wrong, by file, as named from ``path``.
        unknown: files that belong to no run, such as a report; they are no fault.
        is_sealed: whether the run was written with checksums.
    """

    path: Path
    files: int
    problems: dict[str, WhygradError]
    unknown: tuple[str, ...]
    is_sealed: bool

    @property
    def is_sound(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        problems = [{"file": name} | error.to_dict() for name, error in self.problems.items()]
        told = {"path": str(self.path), "sound": self.is_sound, "checksums": self.is_sealed}
        return told | {"files": self.files, "problems": problems, "unknown": list(self.unknown)}

    def __str__(self) -> str:
        sound = "sound" if self.is_sealed else "readable"
        key = f"check.{sound if self.is_sound else 'damaged'}"
        told = [t(key, path=self.path, files=self.files, count=len(self.problems))]
        told += [f"- {error}" for error in self.problems.values()]
        if not self.is_sealed:
            told.append(t("run.unsealed"))
        if self.unknown:
            told.append(t("check.unknown", files=", ".join(self.unknown)))
        return lines(told)


def check_run(path: Path, tick: Tick = lambda done, total: None) -> Checked:
    """Verify the folder of a run of any kind, which another process may be writing meanwhile.

    Args:
        tick: called after every file.

    Raises:
        RunError: there is no run at ``path``.
    """
    if not (path / "run.json").is_file() and not (folder_of_rank(path, 0)).is_dir():
        raise RunError("error.no_run", path=path)
    ranks = folders_of_ranks(path)
    folders = [path] if (path / "run.json").is_file() or not ranks else []  # not merged yet
    parts = [_checked(folder, path, tick) for folder in (*folders, *ranks)]
    return Checked(
        path,
        sum(part.files for part in parts),
        {name: error for part in parts for name, error in part.problems.items()},
        tuple(name for part in parts for name in part.unknown),
        all(part.is_sealed for part in parts),
    )


def _checked(folder: Path, root: Path, tick: Tick) -> Checked:
    """Check a folder, again where run.json has changed meanwhile and something was missing."""
    while True:
        before = _described(folder)
        checked = _checked_once(folder, root, tick)
        if checked.is_sound or _described(folder) == before:
            return checked


def _described(folder: Path) -> dict[str, Any] | None:
    with suppress(RunError):
        return read_description(folder)


class _Looking:
    """Looks at one file after another, and keeps what is wrong with each."""

    def __init__(self, root: Path, folder: Path, tick: Tick):
        self.problems: dict[str, WhygradError] = {}
        self.seen: list[Path] = []
        self._root, self._tick = root, tick
        self._total = len(_files_in(folder))

    def __call__(self, path: Path, look: Callable[[], Found]) -> Found | None:
        """Return what ``look`` returns, or None where it found something wrong."""
        self.seen.append(path)
        try:
            return look()
        except WhygradError as error:
            if error.key not in OF_HERE:
                told = error.values.get("path")  # of the file at fault, where that is another one
                if isinstance(told, Path) and told.parent.is_relative_to(self._root):
                    path = told
                self.problems.setdefault(self.name(path), error)
            return None
        finally:
            self._tick(len(self.seen), max(self._total, len(self.seen)))

    def name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


def _checked_once(folder: Path, root: Path, tick: Tick) -> Checked:
    def opened() -> RunFolder:
        run = RunFolder(folder)
        assert not run.can("train") or run.settings, "reading them checks them"
        return run

    look = _Looking(root, folder, tick)
    run = look(folder / "run.json", opened)
    if run is not None:
        _look_at_parts(run, look)
    for path in _files_in(folder) if run is None else ():  # nothing tells what belongs together
        if path.suffix == ".safetensors":
            look(path, lambda path=path: read_tensors(path, may_lack=True))
        elif path.suffix == ".jsonl":
            look(path, lambda path=path: read_lines(path, may_lack=True))
    known = {*look.seen, folder / "run.lock"}
    unknown = tuple(look.name(path) for path in _files_in(folder) if path not in known)
    is_sealed = run is None or run.is_sealed
    return Checked(folder, len(look.seen), look.problems, unknown, is_sealed)


def _look_at_parts(run: RunFolder, look: _Looking) -> None:
    """Look at every file that run.json tells of."""
    described = run.description
    if run.can("replay"):
        from whygrad.training.trained import TrainedRun  # brings JAX, that no watched run needs

        own, data = TrainedRun.of(run), run.path / "data.safetensors"
        look(data, lambda: (_tensors(run, data), own.data))
        told = described.get("checkpoints", {})
        for step in run.checkpoints:
            path, checksum = run.path / "checkpoints" / f"{step}.safetensors", told.get(str(step))
            look(path, lambda p=path, c=checksum, n=step: (_tensors(run, p, c), own.checkpoint(n)))
    else:
        told = described.get("whole", {})
        for step in run.whole_steps:
            path, checksum = run.path / "whole" / f"{step}.safetensors", told.get(str(step))
            look(path, lambda p=path, c=checksum: _tensors(run, p, c))
    if run.producer.facts_of is not None:
        look(run.path / "facts.jsonl", lambda: run.facts)
    history = look(run.path / "history.jsonl", lambda: run.history_lines) or []
    every = run.producer.every_of(described)
    counted = described.get("lines", {}).get("history")
    steps = [line["step"] for line in history[:counted]]
    _look_at_rows(run, [step for step in steps if every and step % every == 0], look)


def _look_at_rows(run: RunFolder, recorded: list[int], look: _Looking) -> None:
    folder = run.path / "anatomy"
    merged = run.description.get("rows")
    found: set[int] = set()
    for number in numbered(folder) if merged is None else merged:
        path = folder / f"{number}.safetensors"
        rows = look(path, lambda path=path: _tensors(run, path))
        found.update([] if rows is None else rows["steps"].tolist())
    is_before = True  # whether the recorded step before has its rows
    for step in recorded if merged is None else ():
        path = folder / f"{step}.safetensors"
        if step not in found and is_before and path not in look.seen:
            look(path, lambda path=path: _tensors(run, path))  # it is missing, and that is told
        is_before = step in found


def _tensors(run: RunFolder, path: Path, checksum: str | None = None) -> dict[str, np.ndarray]:
    return read_tensors(path, may_lack=not run.is_sealed, checksum=checksum)[0]


def _files_in(folder: Path) -> list[Path]:
    own = folder.iterdir() if folder.is_dir() else ()
    inside = [*own, *(p for name in FOLDERS for p in (folder / name).glob("*"))]
    return sorted(path for path in inside if not path.is_dir())
