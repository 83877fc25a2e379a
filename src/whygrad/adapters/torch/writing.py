"""The run of a watched model, written while it trains."""

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from whygrad.adapters.torch.places import Places
from whygrad.adapters.torch.record import Recorded
from whygrad.errors import RunError
from whygrad.run.description import FORMAT
from whygrad.run.files import append_lines, temporary_folder, write_json, write_tensors, writing
from whygrad.run.watched import KIND

WAITING_STEPS = 50  # recorded steps in memory
WAITING_BYTES = 8 * 2**20
SMALL = 2**20  # bytes of a whole step, of which every one is kept
LARGEST = 32 * 2**20  # bytes of a whole step; the largest weights are left out
KEPT_WHOLE = 16  # whole steps on disk
LONGEST = 600  # characters of an exception's message
ARRAYS = 6  # kept of every weight: before, after, gradient, pulls, and what the optimiser remembers


class Writer:
    """Writes what is recorded.

    Args:
        out: folder, new or empty; None for one that is gone with the process.
        explain: names of layers that whole steps hold whatever their size.

    Attributes:
        explained: the weights that whole steps hold.
    """

    def __init__(
        self,
        out: str | Path | None,
        model: nn.Module,
        places: Places,
        every: int,
        explain: Sequence[str] = (),
    ):
        self.path = Path(out) if out is not None else temporary_folder()
        self.explained = _explained(places, explain)
        with writing(self.path):
            if self.path.exists() and any(self.path.iterdir()):
                raise RunError("error.run_exists", path=self.path)
            for folder in ("anatomy", "whole"):
                (self.path / folder).mkdir(parents=True, exist_ok=True)
        self._description = _description(model, places, every)
        self._taken = 0
        self._whole: list[int] = []  # steps that are kept whole
        self._size = ARRAYS * sum(_size(places.parameters[name]) for name in self.explained)
        self._waiting: list[Recorded] = []
        self._pool = ThreadPoolExecutor(1, "whygrad")  # training need not wait for a disk
        self._being_written: Future | None = None
        self._describe()

    def whole_now(self) -> frozenset[str]:
        """Return the weights of which the coming recorded step keeps everything, for ledgers.

        Every step of a small model; of a large one the first that is recorded, and the fourth,
        sixteenth … after it, so that their number grows with the logarithm of the length of the
        run.
        """
        is_due = self._size <= SMALL or _is_power_of_four(self._taken)
        return self.explained if is_due else frozenset()

    def take(self, step: Recorded) -> None:
        """Take a recorded step over; write what is due."""
        self._taken += 1
        known = self._description["layers"]
        uncovered = set(self._description["uncovered"]) | set(step.facts["uncovered"])
        is_new = any(known.get(name) != layer for name, layer in step.layers.items())
        if is_new or len(uncovered) > len(self._description["uncovered"]):
            self.flush()
            known |= step.layers
            self._description["uncovered"] = sorted(uncovered)
            self._describe()
        if step.tensors:
            self._write_whole(step)
        self._waiting.append(step)
        bytes_waiting = sum(row.nbytes for one in self._waiting for row in one.rows.values())
        if len(self._waiting) >= WAITING_STEPS or bytes_waiting > WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits: rows first, then the lines that speak of them."""
        self._settle()
        waiting, self._waiting = self._waiting, []
        for group in _of_equal_layers(waiting):
            rows = {name: np.stack([one.rows[name] for one in group]) for name in group[0].rows}
            rows["steps"] = np.array([one.step for one in group])
            write_tensors(self.path / "anatomy" / f"{group[0].step}.safetensors", rows, {})
        if waiting:
            for name, lines in (
                ("facts", [one.facts for one in waiting]),
                ("history", [one.line for one in waiting]),
            ):
                append_lines(self.path / f"{name}.jsonl", [finite(line) for line in lines])

    def note_failure(self, kind: str, message: str) -> None:
        """Keep how the loop ended, where an exception ended it."""
        self._description["failure"] = {"kind": kind, "message": message[:LONGEST]}

    def finish(self, steps: int, overhead: dict[str, float]) -> None:
        """Write what waits, and how the run ended."""
        self.flush()
        state = "failed" if "failure" in self._description else "finished"
        self._description |= {"state": state, "steps": steps, "overhead": overhead}
        self._describe()
        self._pool.shutdown()

    def _write_whole(self, step: Recorded) -> None:
        path = self.path / "whole" / f"{step.step}.safetensors"
        notes = finite({"optimizers": step.notes, "line": step.line})
        self._settle()
        self._being_written = self._pool.submit(write_tensors, path, step.tensors, notes)
        self._whole.append(step.step)
        if len(self._whole) > KEPT_WHOLE:
            dropped = self._whole.pop(_least_missed(self._whole))
            (self.path / "whole" / f"{dropped}.safetensors").unlink(missing_ok=True)

    def _settle(self) -> None:
        """Wait for what is being written, so that at most one step is held for it."""
        written, self._being_written = self._being_written, None
        if written is not None:
            written.result()

    def _describe(self) -> None:
        write_json(self.path / "run.json", self._description)


def _explained(places: Places, asked: Sequence[str]) -> frozenset[str]:
    """Return the weights that whole steps hold: those asked for, then the smallest that fit."""
    weights = {name: p for name, p in places.parameters.items() if p.requires_grad}
    first = [name for name in weights if any(name.startswith(f"{layer}.") for layer in asked)]
    rest = sorted(set(weights) - set(first), key=lambda name: weights[name].numel())
    sizes = np.cumsum([ARRAYS * _size(weights[name]) for name in [*first, *rest]])
    fitting = max(int((sizes <= LARGEST).sum()), len(first))
    return frozenset([*first, *rest][:fitting])


def _size(parameter: Tensor) -> int:
    return parameter.numel() * parameter.element_size()


def finite(content: Any) -> Any:
    """Return JSON-able data with None in place of every number that is not finite."""
    if isinstance(content, dict):
        return {name: finite(value) for name, value in content.items()}
    if isinstance(content, list):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _is_power_of_four(count: int) -> bool:
    """Return whether a count is 0, 4, 16, 64 …"""
    return count != 1 and count & (count - 1) == 0 and count.bit_length() % 2 == (count > 0)


def _least_missed(steps: list[int]) -> int:
    """Return the place of the step whose neighbours lie closest, never the first or the last."""
    gaps = [steps[i + 1] - steps[i - 1] for i in range(1, len(steps) - 1)]
    return 1 + int(np.argmin(gaps))


def _of_equal_layers(steps: list[Recorded]) -> list[list[Recorded]]:
    """Return steps in groups that have rows of the same layers; a file holds one group."""
    groups: list[list[Recorded]] = []
    for step in steps:
        shapes = {name: row.shape for name, row in step.rows.items()}
        same = groups and shapes == {n: row.shape for n, row in groups[-1][0].rows.items()}
        groups = [*groups[:-1], [*groups[-1], step]] if same else [*groups, [step]]
    return groups


def _description(model: nn.Module, places: Places, every: int) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": KIND,
        "state": "training",
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "versions": {name: version(name) for name in ("whygrad", "torch", "numpy")},
        "device": str(next(iter(places.parameters.values())).device),
        "model": type(places.model).__name__,
        "parameters": sum(p.numel() for p in places.parameters.values()),
        "every": every,
        "layers": {},
        "uncovered": [],
    }
