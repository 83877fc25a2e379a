"""The first files of a new run; and what one that goes on drops: what came after its checkpoint."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.core import backend, processes
from whygrad.core.nn.network import Network
from whygrad.data import pack
from whygrad.data.table import Data
from whygrad.errors import OptionError, RunError
from whygrad.record.description import ENGINES, FORMAT, device_kind, versions_of
from whygrad.record.fields import DEFINED
from whygrad.record.files import Content, read_regular, reading, remove, write_whole
from whygrad.record.reading import numbered
from whygrad.record.schema import sound_lines, trained
from whygrad.record.sealed import read_line, sealed_tensors, split_lines
from whygrad.record.writing import new_run, publish
from whygrad.settings import Range, Settings
from whygrad.training.checkpoint import Checkpoint, describe_network, sealed_checkpoint
from whygrad.training.engine import steps_of
from whygrad.training.loop import Task, check_size, prepare
from whygrad.training.trained import TrainedRun

if TYPE_CHECKING:
    from whygrad.training.devices import Layout

DEVICES = Range(int, 1)


def begin(
    path: Path,
    network: Network,
    data: Data,
    settings: Settings,
    origin: dict[str, Any],
    devices: int | None = None,
) -> TrainedRun:
    """Make the folder of a new run, with its data and its first checkpoint.

    Args:
        origin: how network and data were asked for, so that the run can be asked for again.
        devices: over how many the run is to be spread, see :func:`layout_of`.

    Raises:
        RunError: there is already something at ``path``.
        OptionError: early stopping without a validation part, or devices that cannot be.
        ShapeError: network and data do not fit.
        TooLargeError: training would not fit into this machine's memory.
    """
    check_size(network, data, settings)
    check_devices(devices)
    is_many = processes.count() > 1 or (devices or 1) > 1
    task = prepare(network, data, settings, "jax" if is_many else None)
    engine, layout = task.config.engine, layout_of(task, network.sizes, devices)
    if settings.patience is not None and not len(data.validation.x):
        raise OptionError("error.patience_needs_validation")
    aside = nullcontext() if layout is None else layout.beside()
    with aside, new_run(path, ("anatomy", "checkpoints")):
        network = network.on(engine)
        arrays, description = pack(data)
        packed, _ = sealed_tensors(arrays, {"description": description})
        first_state = steps_of(engine).first_state
        state = first_state(network, task.config, settings.learning_rate, settings.seed)
        start, checksum = sealed_checkpoint(Checkpoint(state, np.empty(0, np.float32)))
        files: dict[Path, Content] = {path / "data.safetensors": packed}
        files |= {path / "history.jsonl": b"", path / "checkpoints" / "0.safetensors": start}
        standing = {"checkpoint": 0, "checkpoints": {"0": checksum}, "lines": {"history": 0}}
        told = _description(network, data, task.settings, origin) | standing
        publish(path, told, files=files)  # the folder is a run from the last of them on
    return TrainedRun(path)


def check_devices(devices: int | None) -> None:
    """Check that a process has the devices that it is asked for; None asks for none.

    Raises:
        OptionError: no whole number from 1, or more than there are.
    """
    if devices is None:
        return
    DEVICES.check("devices", devices)
    if devices > 1:
        backend.start()
        import jax

        if devices > jax.local_device_count():
            found = jax.local_device_count()
            raise OptionError("error.too_many_devices", asked=devices, found=found)


def layout_of(task: Task, sizes: tuple[int, ...], devices: int | None) -> "Layout | None":
    """Return how a job lies on many devices; None where one takes its steps, as NumPy always does.

    Args:
        sizes: of the network, from the inputs to the outputs.
        devices: how many, of each process; None for all that there are.

    Raises:
        OptionError: no whole number from 1, more than there are, more than samples in a batch, or
            more than one for a run whose engine is NumPy.
    """
    check_devices(devices)
    if task.config.engine == "numpy":
        if processes.count() > 1 or (devices or 1) > 1:
            raise OptionError("error.devices_of_numpy")
        return None
    from whygrad.training.devices import layout_for

    return layout_for(task, sizes, devices)


def _description(
    network: Network, data: Data, settings: Settings, origin: dict[str, Any]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "fields": DEFINED,
        "state": "training",
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "versions": versions_of(*ENGINES[network.engine]),
        "device": device_kind(network.engine),
        "engine": network.engine,
        "origin": origin,
        "network": describe_network(network),
        "settings": settings.to_dict(),
        "data": {
            "name": data.name,
            "task": data.task,
            "fingerprint": data.fingerprint,
            "samples": data.samples,
        },
    }


# --- going on ---------------------------------------------------------------------------------


def lines_before(run: TrainedRun, step: int) -> list[bytes]:
    """Return the lines of the history, as they are in the file, of the steps before ``step``.

    Lines that run.json does not count yet may be torn or lost: they are done again anyway.

    Raises:
        RunError: lines that it does count are missing or damaged.
    """
    path = run.path / "history.jsonl"
    if not run.is_sealed and not path.exists():
        return []
    description = run.description
    told = description.get("lines", {}).get("history")
    whole, _ = split_lines(path)
    may_lack = not run.is_sealed
    read = (read_line(path, i, raw, may_lack=may_lack) for i, raw in enumerate(whole[:told], 1))
    kept: list[bytes] = []
    for raw, line in zip(
        whole, sound_lines(path, trained.line_of(description), read), strict=False
    ):
        if line["step"] >= step:
            return kept
        kept.append(raw)
    if told is not None and len(kept) < told:
        raise RunError("error.run_lines_missing", path=path, expected=told, actual=len(kept))
    return kept


def drop_after(run: TrainedRun, step: int, lines: Sequence[bytes]) -> None:
    """Drop what was recorded after the checkpoint at ``step``; run.json no longer names it.

    Args:
        lines: of the history, that stay.
    """
    path = run.path / "history.jsonl"
    content = b"".join(line + b"\n" for line in lines)
    with reading(path):
        is_whole = path.exists() and read_regular(path) == content
    if not is_whole:
        write_whole(path, content, shared=False)
    kept = [number for number in run.checkpoints if number <= step]
    for folder, dropped in (
        ("anatomy", [n for n in numbered(run.path / "anatomy") if n >= step]),
        ("checkpoints", [n for n in numbered(run.path / "checkpoints") if n not in kept]),
    ):
        remove(run.path / folder / f"{number}.safetensors" for number in dropped)
    for folder in (run.path, run.path / "anatomy", run.path / "checkpoints"):
        remove(folder.glob(".*.part"))  # of a process that was killed while it wrote
