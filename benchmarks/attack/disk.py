"""A disk that loses what was not synced: calls to the system, logged, and what is left of them.

What a power cut leaves, as strictly as POSIX allows it: the content of a file as it was when the
file was last synced, or any beginning of what was written since; a name in a folder as it was when
the folder was last synced.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Call = tuple[str, tuple[Any, ...]]


@dataclass
class Log:
    """The calls below one folder, in order."""

    root: Path
    calls: list[Call] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict)

    def wrap(self, monkeypatch: Any) -> None:
        """Log from now on."""
        for name in ("open", "write", "fsync", "ftruncate", "replace", "unlink", "mkdir", "close"):
            monkeypatch.setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name: str, real: Callable) -> Callable:
        def call(*given: Any, **named: Any) -> Any:
            told = self._before(name, given, named)
            result = real(*given, **named)
            self._after(name, told, given, result)
            return result

        return call

    def _before(self, name: str, given: tuple, named: dict) -> tuple[Any, ...] | None:
        if name in ("write", "fsync", "ftruncate", "close"):
            place = self._names.get(given[0])
            return None if place is None else (place, *given[1:])
        start = self._names.get(named.get("dir_fd", named.get("src_dir_fd")), "")
        count = 2 if name == "replace" else 1
        places = [self._place(one, start) for one in given[:count]]
        return None if None in places else (*places, *given[count:])

    def _after(self, name: str, told: tuple | None, given: tuple, result: Any) -> None:
        if told is None:
            return
        if name == "open":
            self._names[result] = told[0]
            if not told[1] & os.O_CREAT:
                return
        elif name == "close":
            del self._names[given[0]]
            return
        elif name == "write":
            told = (told[0], os.lseek(given[0], 0, os.SEEK_CUR) - result, bytes(told[1])[:result])
        self.calls.append((name, told))

    def _place(self, path: Any, start: str) -> str | None:
        if not isinstance(path, str | os.PathLike):
            return None
        whole = Path(start or ".", path) if start else Path(path)
        whole = self.root / whole if start else whole.absolute()
        return str(whole.relative_to(self.root)) if whole.is_relative_to(self.root) else None


@dataclass
class File:
    now: bytes = b""
    synced: bytes = b""


class Disk:
    """What is in memory and what is on the disk, after some calls."""

    def __init__(self) -> None:
        self.now: dict[str, dict[str, Any]] = {".": {}}  # folder -> name -> File or None, a folder
        self.synced: dict[str, dict[str, Any]] = {".": {}}

    def take(self, call: Call) -> None:
        """Take one call over."""
        name, told = call
        getattr(self, f"_{name}")(*told)

    def write_to(self, root: Path, *, partly: float | None) -> None:
        """Write what a power cut now would leave.

        Args:
            partly: share of the writes since the last sync that arrived; None for a process that
                is killed while the machine goes on: then all has arrived, names as well.
        """
        entries = self.now if partly is None else self.synced
        for folder in self._reached(entries):
            (root / folder).mkdir(exist_ok=True)
            for name, file in entries.get(folder, {}).items():
                if isinstance(file, File):
                    (root / folder / name).write_bytes(_left(file, partly))

    def _reached(self, entries: dict[str, dict[str, Any]]) -> list[str]:
        found = ["."]
        for folder in found:
            inside = entries.get(folder, {})
            found += [str(Path(folder, n)) for n, file in inside.items() if file is None]
        return found

    def _open(self, path: str, *_: Any) -> None:
        self._folder(path).setdefault(Path(path).name, File())

    def _write(self, path: str, place: int, content: bytes) -> None:
        file = self._file(path)
        file.now = file.now[:place] + content + file.now[place + len(content) :]

    def _ftruncate(self, path: str, size: int) -> None:
        file = self._file(path)
        file.now = file.now[:size]

    def _fsync(self, path: str) -> None:
        if path in self.now:
            self.synced[path] = dict(self.now[path])
        else:
            file = self._file(path)
            file.synced = file.now

    def _replace(self, old: str, new: str) -> None:
        self._folder(new)[Path(new).name] = self._folder(old).pop(Path(old).name)

    def _unlink(self, path: str, *_: Any) -> None:
        self._folder(path).pop(Path(path).name)

    def _mkdir(self, path: str, *_: Any) -> None:
        self._folder(path)[Path(path).name] = None
        self.now[path] = {}

    def _folder(self, path: str) -> dict[str, Any]:
        return self.now[str(Path(path).parent)]

    def _file(self, path: str) -> File:
        return self._folder(path)[Path(path).name]


def _left(file: File, partly: float | None) -> bytes:
    if partly is None:
        return file.now
    if file.now.startswith(file.synced):  # only appended to
        return file.now[: len(file.synced) + round(partly * (len(file.now) - len(file.synced)))]
    return file.synced
