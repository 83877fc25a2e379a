"""Full snapshots: everything that a ledger needs of some steps of a watched model, in one file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.record.schema import sound
from whygrad.record.schema import watched as schema
from whygrad.record.schema.arrays import sound_arrays
from whygrad.record.schema.watched_arrays import whole_forms
from whygrad.record.sealed import TensorFile, open_tensors
from whygrad.record.steady import numbered

if TYPE_CHECKING:
    from whygrad.record.folder import RunFolder

Description = dict[str, Any]


def steps_of(path: Path, description: Description) -> list[int]:
    """Return the steps of which a run has a full snapshot, ascending."""
    told = description.get("whole")  # of format 1 only the folder tells
    return numbered(path / "whole") if told is None else sorted(map(int, told))


def by_layer(run: "RunFolder", description: Description) -> dict[str, list[int]]:
    """Return the steps of which there is a full snapshot of each layer, ascending."""
    kept: dict[str, list[int]] = {}
    for step in steps_of(run.path, description):
        with _opened(run, step, description) as file:
            names = file.names
        for layer in dict.fromkeys(name.rpartition("/")[0] for name in names):
            kept.setdefault(layer, []).append(step)
    return kept


def read(
    run: "RunFolder", step: int, description: Description
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a full snapshot by ``layer/name``, and its notes, verified."""
    with _opened(run, step, description) as file:
        tensors, notes = {name: file[name] for name in file.names}, file.notes
    sound_arrays(file.path, tensors, whole_forms(description["layers"], tensors))
    layers = {name.rpartition("/")[0] for name in tensors}
    return tensors, sound(file.path, schema.whole_of(step, layers), notes)


def nearest(steps: list[int], step: int) -> int:
    """Return which of some steps comes nearest to one."""
    return min(steps, key=lambda one: abs(one - step))


@contextmanager
def _opened(run: "RunFolder", step: int, description: Description) -> Iterator[TensorFile]:
    path = run.path / "whole" / f"{step}.safetensors"
    with open_tensors(path, may_lack=not run.is_sealed) as file:
        told = description.get("whole", {}).get(str(step))
        if run.is_sealed and file.checksum != told:
            raise ValueError("sound, but not the file that run.json speaks of")
        yield file
