"""The folder of a new run: private, and written by one process."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from whygrad.errors import RunError
from whygrad.record.files import make_folder, only_writer, writing

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
