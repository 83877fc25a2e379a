"""Writing a run: its folder, private and of one process, and whatever is put into it, in order."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from whygrad.errors import RunError
from whygrad.record.files import Content, make_folder, only_writer, prepared, writing
from whygrad.record.sealed import sealed_json, sealed_lines

# what may be in a folder before it is a run, where a process was killed while it began one
BEGUN = re.compile(
    r"run\.lock|(data|checkpoints/0)\.safetensors|(history|facts)\.jsonl|anatomy|checkpoints|whole"
    r"|([^/]*/)?\.[^/]*\.part"
)


@contextmanager
def new_run(path: Path, folders: Sequence[str]) -> Iterator[None]:
    """Make the folder of a new run, with folders in it, and hold the right to write there.

    Raises:
        RunError: there is something at ``path``, another process writes there, or none can.
    """
    with writing(path):
        _check_free(path)
        make_folder(path)
    with only_writer(path):
        with writing(path):
            _check_free(path)  # again: another process may have been faster
            for name in folders:
                make_folder(path / name)
        yield


def _check_free(path: Path) -> None:
    """Check that nothing is there, or only what a run that was killed while it began left."""
    if not path.exists():
        return
    found = [file.relative_to(path).as_posix() for file in path.rglob("*")] if path.is_dir() else []
    is_begun = "run.lock" in found and all(BEGUN.fullmatch(name) for name in found)
    if not path.is_dir() or (found and not is_begun):
        raise RunError("error.run_exists", path=path)


def publish(
    folder: Path,
    description: Mapping[str, Any] | None = None,
    *,
    files: Mapping[Path, Content] | None = None,
    lines: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> None:
    """Write files and append lines, and only then ``run.json``, which tells of them.

    Args:
        description: of the run; None where ``run.json`` stays as it is.
        files: contents by path.
        lines: by the name of their file, such as ``history``.

    Raises:
        RunError: something cannot be written; ``run.json`` tells of nothing that is not there.
    """
    files = files or {}
    described = {} if description is None else {folder / "run.json": sealed_json(description)}
    appended = {
        folder / f"{name}.jsonl": sealed_lines(new) for name, new in (lines or {}).items() if new
    }
    with prepared({**files, **described}) as waiting:
        waiting.publish(*files, appended=appended)
        waiting.publish(*described)
