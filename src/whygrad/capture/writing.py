"""The run of a watched model, written while it trains."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from whygrad.capture.held import Room
from whygrad.capture.held_step import HeldStep
from whygrad.capture.isolation import warn
from whygrad.capture.pace import Every
from whygrad.capture.record import Recorded
from whygrad.capture.registry import LayerRegistry
from whygrad.capture.schedule import SnapshotSchedule
from whygrad.capture.snapshots import Snapshot
from whygrad.record.description import FORMAT, versions_of
from whygrad.record.fields import DEFINED
from whygrad.record.files import Content, make_folder, remove, temporary_folder, writing
from whygrad.record.producers import WATCHED
from whygrad.record.schema.arrays import key_of_rows
from whygrad.record.sealed import sealed_tensors, write_tensors
from whygrad.record.tracker import notes_of_watched
from whygrad.record.writing import new_run, publish
from whygrad.words import t
from whygrad.words.visible import finite

if TYPE_CHECKING:
    from whygrad.record.tracker import Tracker

WAITING_STEPS = 50  # recorded steps in memory
WAITING_BYTES = 8 * 2**20
SMALL = 2**20  # bytes of a full snapshot that waits with the rows: most of those are dropped again
DROPPED_BYTES = 64 * 2**20  # of full snapshots that are no longer kept and not yet removed
LINES = ("facts", "history")
LONGEST = 600  # characters of an exception's message


class Logged:
    """Tells a tracker of every recorded step, in a thread of its own.

    What goes wrong there, such as a server that does not answer, ends the telling with a warning,
    and neither the watching nor the training.

    Args:
        tracker: is closed at the end.
        description: of the run, as it is when it begins.
    """

    def __init__(self, tracker: "Tracker", description: Mapping[str, Any]):
        self._tracker, self._description = tracker, description
        self._pool = ThreadPoolExecutor(1, "whygrad-log")
        self._under_way: list[Future] = []
        self._has_failed = Event()
        self._has_warned = False

    def take(self, step: Recorded) -> None:
        """Pass a recorded step on."""
        self._look_back()
        if not self._has_failed.is_set():
            at = np.array([step.step])
            rows = {name: (at, step.rows[name][None]) for name in step.layers}  # (1, fields, n_out)
            what = step.diagnostics["optimizers"], step.line, rows  # no arrays for ledgers
            self._under_way.append(self._pool.submit(self._tell, *what))

    def close(self) -> None:
        """Wait until all is told."""
        self._under_way.append(self._pool.submit(self._tracker.close))
        self._pool.shutdown()
        self._look_back()

    def _tell(
        self,
        optimizers: Sequence[Mapping[str, Any]],
        line: Mapping[str, Any],
        rows: Mapping[str, tuple[np.ndarray, np.ndarray]],
    ) -> None:
        if self._has_failed.is_set():
            return  # all that waits would wait for the server once more
        try:
            notes = notes_of_watched(self._description, optimizers)
            self._tracker.take(notes, [line], rows)
        except Exception:
            self._has_failed.set()
            raise

    def _look_back(self) -> None:
        """Say what went wrong, once; the thread cannot."""
        done = [one for one in self._under_way if one.done()]
        self._under_way = [one for one in self._under_way if not one.done()]
        errors = [error for one in done if (error := one.exception()) is not None]
        if errors and not self._has_warned:
            self._has_warned = True
            problem = f"{type(errors[0]).__name__}: {errors[0]}"
            warn(t("warning.watch_log", problem=problem))


class Writer:
    """Writes what is recorded, as the only one who writes into the folder.

    Order: rows and full snapshots, lines, then run.json, which tells of them; then what it no
    longer tells of is removed.

    Args:
        out: folder, new or empty; None for one that is gone with the process.
        explain: names of layers that are explained first where not all have room.
        log: someone else's record, that is told of every recorded step, too.
        rank: number of this process and how many there are, where several train one model.
        room: bytes that full snapshots may take together; None for the default.
    """

    def __init__(
        self,
        out: str | Path | None,
        model: nn.Module,
        registry: LayerRegistry,
        every: Every,
        explain: Sequence[str] = (),
        log: "Tracker | None" = None,
        rank: tuple[int, int] = (0, 1),
        room: int | None = None,
    ):
        # absolute, for a training program may change its folder
        self.path = Path(out).absolute() if out is not None else temporary_folder()
        self._explain, self._learning = explain, _learning(registry)
        self._asked_room = room
        self._schedule = SnapshotSchedule(self._learning, explain, room)
        if rank[1] > 1:
            with writing(self.path.parent):
                make_folder(self.path.parent)
        self._writing = ExitStack()
        self._writing.enter_context(new_run(self.path, ("anatomy", "whole")))
        self._description = _description(model, registry, every)
        self._description["explainable"] = self._schedule.explained
        if rank[1] > 1:
            self._description |= dict(zip(("rank", "ranks"), rank, strict=True))
        self._lines = 0
        self._snapshots: dict[str, str] = {}  # checksums of the full snapshots on disk
        self._small: dict[int, Recorded] = {}  # those that wait with the rows, by step
        self._dropped: dict[Path, int] = {}  # bytes of those to be removed
        self._kept: dict[int, str] = {}  # why each of them is there
        self._last: Recorded | None = None  # held until the next one is recorded
        self._samples: Room | None = None  # of the last recorded step
        self._is_asked = False  # for the step under way
        self._waiting: list[Recorded] = []
        self._bytes_waiting = 0
        self._pool = ThreadPoolExecutor(1, "whygrad")  # training need not wait for a disk
        self._being_written: tuple[int, Future] | None = None
        self._logged = None if log is None else Logged(log, self._description)
        empty: dict[Path, Content] = {self.path / f"{name}.jsonl": b"" for name in LINES}
        self._publish(empty)

    def snapshot_now(self, registry: LayerRegistry, *, is_asked: bool = False) -> Snapshot:
        """Return what the coming step keeps for ledgers.

        Args:
            is_asked: whether somebody asked for this step, which then is kept before others.
        """
        learning = _learning(registry)
        if learning.keys() != self._learning.keys():  # some were frozen, or are no longer
            self._learning = learning
            self._schedule = SnapshotSchedule(learning, self._explain, self._asked_room)
            self._description["explainable"] = self._schedule.explained
            self._publish({})
        self._is_asked = is_asked
        names = frozenset(self._schedule.explained)
        if self._schedule.is_small:
            return Snapshot(names)
        before, self._samples = self._samples, Room(self._schedule.held)
        self._samples.stride = 1 if before is None else max(-(-before.wanted // before.full), 1)
        return Snapshot(names, self._samples, self._schedule.is_lean)

    @property
    def room_taken(self) -> tuple[int, int]:
        """How many bytes full snapshots take on disk, and how many they may take."""
        paths = [self.path / "whole" / f"{step}.safetensors" for step in self._snapshots]
        return sum(path.stat().st_size for path in paths), self._schedule.room

    def take(self, step: Recorded) -> None:
        """Take a recorded step over; write what is due."""
        known = self._description["layers"]
        uncovered = set(self._description["uncovered"]) | set(step.diagnostics["uncovered"])
        is_new = any(known.get(name) != layer for name, layer in step.layers.items())
        missing = {n: self._description["missing"].get(n, one) for n, one in step.missing.items()}
        is_new |= missing != self._description["missing"]
        if is_new or len(uncovered) > len(self._description["uncovered"]):
            self._write_rows()
            known |= step.layers
            learned = max(self._description["learned"], step.learned)
            self._description |= {"missing": missing, "learned": learned}
            self._description["uncovered"] = sorted(uncovered)
            self._publish({})
        if self._logged is not None:
            self._logged.take(step)
        self._last = None
        is_written = self._is_asked or self._schedule.taken()
        if step.tensors or (step.held is not None and is_written):
            self._keep(step, "asked" if self._is_asked else "spread")
        elif step.held is not None:
            self._last = step
        self._waiting.append(replace(step, tensors={}, held=None))  # those are many bytes
        self._bytes_waiting += sum(row.nbytes for row in step.rows.values())
        if len(self._waiting) >= WAITING_STEPS or self._bytes_waiting > WAITING_BYTES:
            self._write_rows()

    def flush(self) -> None:
        """Write what waits, and the last recorded step whole."""
        last, self._last = self._last, None
        if last is not None:
            self._keep(last, "last")
        self._write_rows()

    def _write_rows(self) -> None:
        """Write what waits but for the step that is held."""
        self._settle()
        waiting, self._waiting = self._waiting, []
        small, self._small, self._bytes_waiting = self._small, {}, 0
        if not waiting and not small and self._snapshots == self._description["whole"]:
            return
        rows: dict[Path, Content] = {}
        for step in small.values():
            tensors, checksum = sealed_tensors(step.tensors, _notes_of(step))
            rows[self._path_of(step.step)], self._snapshots[str(step.step)] = tensors, checksum
        for group in _of_equal_layers(waiting):
            stacked = {
                key_of_rows(name): np.stack([one.rows[name] for one in group])
                for name in group[0].rows
            }
            stacked["steps"] = np.array([one.step for one in group])
            path = self.path / "anatomy" / f"{group[0].step}.safetensors"
            rows[path] = sealed_tensors(stacked, {})[0]
        self._publish(rows, waiting)

    def note_failure(self, kind: str, message: str) -> None:
        """Keep how the loop ended, where an exception ended it."""
        self._description["failure"] = {"kind": kind, "message": message[:LONGEST]}

    def finish(self, steps: int, overhead: dict[str, float]) -> None:
        """Write what waits, and how the run ended."""
        self.flush()
        state = "failed" if "failure" in self._description else "finished"
        self._description |= {"state": state, "steps": steps, "overhead": overhead}
        self._publish({})
        self._pool.shutdown()
        self._writing.close()
        if self._logged is not None:
            self._logged.close()

    def _keep(self, step: Recorded, why: str) -> None:
        """Write a full snapshot, or let a small one wait with the rows, and make room for it.

        Args:
            why: ``asked``, ``spread`` over the run, or ``last``.
        """
        self._settle()
        size = _bytes_of(step)
        if step.held is None and size <= SMALL:
            self._small[step.step] = step
            self._bytes_waiting += size
        else:
            path, content = self._path_of(step.step), step.held or step.tensors
            written = self._pool.submit(_write, path, content, _notes_of(step))
            self._being_written = (step.step, written)
        for last in [at for at, reason in self._kept.items() if reason == "last"]:
            self._drop(last)  # it no longer is
        self._kept[step.step] = why
        while len(self._kept) > max(self._schedule.most, 1):
            self._drop(self._least_wanted())
        if sum(self._dropped.values()) > DROPPED_BYTES:
            self._write_rows()

    def _path_of(self, step: int) -> Path:
        """Return the file of a full snapshot."""
        return self.path / "whole" / f"{step}.safetensors"

    def _least_wanted(self) -> int:
        """Return the step that others are closest to; of those asked for only, the oldest."""
        steps = sorted(self._kept)
        spread = [n for n in range(1, len(steps) - 1) if self._kept[steps[n]] == "spread"]
        if spread:
            return steps[min(spread, key=lambda n: steps[n + 1] - steps[n - 1])]
        others = [at for at in steps[:-1] if self._kept[at] == "spread"]
        return (others or steps)[0]

    def _drop(self, step: int) -> None:
        del self._kept[step]
        if step in self._small:
            self._bytes_waiting -= _bytes_of(self._small.pop(step))
        elif str(step) in self._snapshots:
            path = self._path_of(step)
            self._dropped[path] = path.stat().st_size
            del self._snapshots[str(step)]

    def _settle(self) -> None:
        """Wait for what is being written, so that at most one step is held for it."""
        if self._being_written is not None:
            (step, written), self._being_written = self._being_written, None
            self._snapshots[str(step)] = written.result()

    def _publish(self, rows: dict[Path, Content], steps: Sequence[Recorded] = ()) -> None:
        """Write rows, then the lines of their steps, then run.json; remove what it no longer tells.

        Args:
            rows: contents of files.
        """
        lines = self._lines + len(steps)
        self._description |= {"whole": dict(self._snapshots), "lines": dict.fromkeys(LINES, lines)}
        told = [one.diagnostics for one in steps], [one.line for one in steps]
        appended = {
            name: [finite(line) for line in each] for name, each in zip(LINES, told, strict=True)
        }
        publish(self.path, self._description, files=rows, lines=appended)
        self._lines = lines
        dropped, self._dropped = self._dropped, {}
        remove(dropped)


def _write(
    path: Path, content: HeldStep | Mapping[str, np.ndarray], notes: Mapping[str, Any]
) -> str:
    """Write a full snapshot, and return the checksum of its file."""
    if not isinstance(content, HeldStep):
        return write_tensors(path, content, notes)
    packing = content.packed()
    layers = {name.rpartition("/")[0] for name in (*packing.written, *packing.notes)}
    told = {name: one for name, one in notes["optimizers"].items() if name in layers}
    notes = {**notes, "optimizers": told, "packed": packing.notes}
    return write_tensors(path, packing.written, notes)


def _learning(registry: LayerRegistry) -> dict[str, int]:
    """Return the parameters that learn, and how many bytes each takes."""
    learning = {name: p for name, p in registry.parameters.items() if p.requires_grad}
    return {name: p.numel() * p.element_size() for name, p in learning.items()}


def _bytes_of(step: Recorded) -> int:
    """Return how large a full snapshot is."""
    return sum(array.nbytes for array in step.tensors.values())


def _notes_of(step: Recorded) -> dict[str, Any]:
    """Return what stands beside the arrays of a full snapshot."""
    return finite({"optimizers": step.notes, "line": step.line})


def _of_equal_layers(steps: list[Recorded]) -> list[list[Recorded]]:
    """Return steps in groups that have rows of the same layers; a file holds one group."""
    groups: list[list[Recorded]] = []
    for step in steps:
        shapes = {name: row.shape for name, row in step.rows.items()}
        same = groups and shapes == {n: row.shape for n, row in groups[-1][0].rows.items()}
        groups = [*groups[:-1], [*groups[-1], step]] if same else [*groups, [step]]
    return groups


def _description(model: nn.Module, registry: LayerRegistry, every: Every) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "fields": DEFINED,
        "kind": WATCHED,
        "state": "training",
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "versions": versions_of("whygrad", "torch", "numpy"),
        "device": str(next(iter(registry.parameters.values())).device),
        "model": type(registry.model).__name__,
        "parameters": sum(p.numel() for p in registry.parameters.values()),
        "every": every,
        "layers": {},
        "uncovered": [],
        "missing": {},
        "learned": 0,
        "whole": {},
    }
