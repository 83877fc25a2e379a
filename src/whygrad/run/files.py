"""Files that are never half written: a temporary name, flushed, then renamed."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from whygrad.errors import RunError

try:
    import fcntl
except ImportError:  # Windows has no flock; there, two writers are not kept apart
    fcntl = None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees all of it or the file before."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole; numbers that are not finite are an error, never ``NaN``."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    write_whole(path, text.encode() + b"\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        RunError: it is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise RunError("error.run_file_damaged", path=path)
    return content


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> None:
    """Write arrays whole, with JSON-able notes beside them."""
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    words = {name: json.dumps(value, ensure_ascii=False) for name, value in notes.items()}
    write_whole(path, save(contiguous, metadata=words))


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read arrays and their notes.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            notes = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
    except (OSError, SafetensorError, ValueError) as error:
        raise RunError("error.run_file_damaged", path=path) from error
    return tensors, notes


def append_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Append one JSON line each, after the last whole line, and flush."""
    text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
    with path.open("a+b") as file:
        _cut_torn_line(file)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read JSON lines; a torn last line is ignored.

    Raises:
        RunError: a line before the last is damaged.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    whole, _, _ = text.rpartition(b"\n")
    try:
        return [json.loads(line) for line in whole.splitlines()]
    except ValueError as error:
        raise RunError("error.run_file_damaged", path=path) from error


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the right to write into a run folder; the system gives it back if the process dies.

    Raises:
        RunError: another process holds it.
    """
    with (folder / "run.lock").open("a") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunError("error.run_in_use", path=folder) from error
        yield


def _cut_torn_line(file) -> None:
    end = file.seek(0, os.SEEK_END)
    while end:
        file.seek(end - 1)
        if file.read(1) == b"\n":
            break
        end -= 1
    file.truncate(end)
    file.seek(end)
