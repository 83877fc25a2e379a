"""Files that are never half written: a temporary name, flushed, then renamed."""

import atexit
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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


# whatever a file can do to who reads it, its content being anything at all
DAMAGE = (OSError, SafetensorError, ValueError, TypeError, LookupError, AttributeError)
DAMAGE += (OverflowError, RecursionError)


def temporary_folder() -> Path:
    """Return a new folder that is gone with the process."""
    folder = Path(tempfile.mkdtemp(prefix="whygrad-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with the content of a file into one error that names the file.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        yield
    except DAMAGE as error:
        raise RunError("error.run_file_damaged", path=path) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a refusal of the file system into an error that names the file and the reason.

    Raises:
        RunError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise RunError("error.run_not_written", path=path, problem=error.strerror) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees all of it or the file before.

    Raises:
        RunError: it cannot be written; the file before is still there.
    """
    write_together({path: content})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: each whole, and none before all of them can be.

    Raises:
        RunError: one cannot be written; what was there before still is.
    """
    temporary = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in contents}
    try:
        for path, content in contents.items():
            with writing(path):
                _write_flushed(temporary[path], content)
                if path.is_dir():  # nothing replaces that
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        for path, written in temporary.items():
            with writing(path):
                written.replace(path)
    finally:
        for written in temporary.values():
            with suppress(OSError):
                written.unlink(missing_ok=True)


def _write_flushed(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole; numbers that are not finite are an error, never ``NaN``."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    write_whole(path, text.encode() + b"\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        RunError: it is missing or damaged.
    """
    with reading(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError("not an object")
    return content


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> None:
    """Write arrays whole, with JSON-able notes beside them."""
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    words = {
        name: json.dumps(value, ensure_ascii=False, allow_nan=False)
        for name, value in notes.items()
    }
    write_whole(path, save(contiguous, metadata=words))


def read_tensors(
    path: Path, names: Sequence[str] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read arrays and their notes.

    Args:
        names: of the arrays that are wanted; None for all.

    Raises:
        RunError: the file is missing or damaged.
    """
    with reading(path), safe_open(path, framework="numpy") as file:
        wanted = file.keys() if names is None else names
        tensors = {name: file.get_tensor(name) for name in wanted}
        notes = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
    return tensors, notes


def read_names(path: Path) -> list[str]:
    """Read the names of the arrays in a file, and nothing else of it.

    Raises:
        RunError: the file is missing or damaged.
    """
    with reading(path), safe_open(path, framework="numpy") as file:
        return list(file.keys())


def append_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Append one JSON line each, after the last whole line, and flush.

    Raises:
        RunError: the file cannot be written.
    """
    with writing(path), path.open("a+b") as file:
        _cut_torn_line(file)
        file.write(_as_lines(lines))
        file.flush()
        os.fsync(file.fileno())


def write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write a file of JSON lines whole."""
    write_whole(path, _as_lines(lines))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read JSON lines; a torn last line is ignored.

    Raises:
        RunError: a line before the last is damaged.
    """
    if not path.exists():
        return []
    with reading(path):
        whole, _, _ = path.read_bytes().rpartition(b"\n")
        lines = [json.loads(line) for line in whole.split(b"\n")] if whole else []
        if not all(isinstance(line, dict) for line in lines):
            raise TypeError("not an object")
    return lines


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the right to write into a run folder; the system gives it back if the process dies.

    Raises:
        RunError: another process holds it, or the folder cannot be written.
    """
    with writing(folder):
        file = (folder / "run.lock").open("a")
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunError("error.run_in_use", path=folder) from error
        yield


def _as_lines(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode()


def _cut_torn_line(file) -> None:
    end = file.seek(0, os.SEEK_END)
    while end:
        file.seek(end - 1)
        if file.read(1) == b"\n":
            break
        end -= 1
    file.truncate(end)
    file.seek(end)
