"""The beginning of a run: its folder, private and written by one process, and its first files."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.core.nn.network import Network
from whygrad.data import pack
from whygrad.data.table import Data
from whygrad.errors import OptionError, RunError
from whygrad.record.description import FORMAT, PARTS
from whygrad.record.files import Content, make_folder, only_writer, prepared, writing
from whygrad.record.sealed import sealed_json, sealed_tensors
from whygrad.record.versions import ENGINE, device_kind, versions_of
from whygrad.settings import Settings
from whygrad.training.checkpoint import Checkpoint, describe_network, sealed_checkpoint
from whygrad.training.folder import RunFolder
from whygrad.training.loop import Task, check_size, prepare
from whygrad.training.step import first_state

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


def begin(
    path: Path, network: Network, data: Data, settings: Settings, origin: dict[str, Any]
) -> RunFolder:
    """Make the folder of a new run, with its data and its first checkpoint.

    Args:
        origin: how network and data were asked for, so that the run can be asked for again.

    Raises:
        RunError: there is already something at ``path``.
        OptionError: early stopping without a validation part.
        ShapeError: network and data do not fit.
        TooLargeError: training would not fit into this machine's memory.
    """
    check_size(network, data, settings)
    task = prepare(network, data, settings)
    if settings.patience is not None and not len(data.validation.x):
        raise OptionError("error.patience_needs_validation")
    with new_run(path, ("anatomy", "checkpoints")):
        _write_start(path, network, task, origin)
    return RunFolder(path)


def _write_start(path: Path, network: Network, task: Task, origin: dict[str, Any]) -> None:
    arrays, description = pack(task.data)
    data, _ = sealed_tensors(arrays, {"description": description})
    settings = task.settings
    state = first_state(network, task.config, settings.learning_rate, settings.seed)
    start, checksum = sealed_checkpoint(Checkpoint(state, np.empty(0, np.float32)))
    standing = {"checkpoint": 0, "checkpoints": {"0": checksum}, "lines": {"history": 0}}
    told = _description(network, task.data, settings, origin) | standing
    first: dict[Path, Content] = {path / "data.safetensors": data, path / "history.jsonl": b""}
    first[path / "checkpoints" / "0.safetensors"] = start
    described = path / "run.json"
    with prepared(first | {described: sealed_json(told)}) as files:
        files.publish(*first)
        files.publish(described)  # the folder is a run only from here on


def _description(
    network: Network, data: Data, settings: Settings, origin: dict[str, Any]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "state": "training",
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "versions": versions_of(*ENGINE),
        "device": device_kind(),
        "origin": origin,
        "network": describe_network(network),
        "settings": settings.to_dict(),
        "data": {
            "name": data.name,
            "task": data.task,
            "fingerprint": data.fingerprint,
            "samples": {part: len(getattr(data, part).x) for part in PARTS},
        },
    }
