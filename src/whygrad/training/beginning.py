"""The beginning of a run: its folder, private and written by one process, and its first files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.core.nn.network import Network
from whygrad.data import pack
from whygrad.data.table import Data
from whygrad.errors import OptionError
from whygrad.record.beginning import new_run
from whygrad.record.description import ENGINE, FORMAT, PARTS, device_kind, versions_of
from whygrad.record.fields import DEFINED
from whygrad.record.files import Content, prepared
from whygrad.record.sealed import sealed_json, sealed_tensors
from whygrad.settings import Settings
from whygrad.training.checkpoint import Checkpoint, describe_network, sealed_checkpoint
from whygrad.training.loop import Task, check_size, prepare
from whygrad.training.step import first_state
from whygrad.training.trained import TrainedRun


def begin(
    path: Path, network: Network, data: Data, settings: Settings, origin: dict[str, Any]
) -> TrainedRun:
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
    return TrainedRun(path)


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
        "fields": DEFINED,
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
