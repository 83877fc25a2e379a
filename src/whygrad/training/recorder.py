"""Training with a record: what is kept, when, and how a run goes on after it was cut off.

Order of writing: recorded rows, checkpoint and history, then run.json, which says how far all of
that reaches; and only then what run.json no longer names is removed. Each is on disk before the
next, so that a run stands where run.json says, whatever a crash or a power cut leaves. Going on
means dropping what came after and doing it again, with the same numbers.
"""

import time
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.core import processes
from whygrad.core.arrays import leaves, tree_map
from whygrad.core.nn.network import Network
from whygrad.errors import NonFiniteError, RunWarning, StalledError
from whygrad.record.description import PARTS
from whygrad.record.files import Content, only_writer, remove
from whygrad.record.sealed import sealed_tensors, write_json
from whygrad.record.writing import publish
from whygrad.settings import Settings
from whygrad.training.beginning import drop_after, lines_before
from whygrad.training.checkpoint import Best, Checkpoint, sealed_checkpoint
from whygrad.training.failing import find_blowup, find_stall
from whygrad.training.loop import EpochEnd, Segment, Task, train_steps
from whygrad.training.together import (
    begin_together,
    end_together,
    gentle_interrupt,
    spread_over,
)
from whygrad.training.trained import TrainedRun
from whygrad.words import t

CHECKPOINT_SECONDS = 5.0  # most that a crash loses
KEPT_CHECKPOINTS = 12  # spread over the run, for replaying; the newest is kept besides
KEPT_BYTES = 512 * 2**20
WAITING_BYTES = 32 * 2**20  # of recorded rows in memory


@dataclass(frozen=True)
class ProgressEvent:
    """What a callback is told of training.

    Attributes:
        step, total_steps, epoch: how far.
        loss: of the last step.
        epoch_end: set where an epoch has just ended.
        lines: what the history holds of this segment.
        recorded_steps: numbers of its recorded steps, (recorded,).
        rows: their rows by layer, (recorded, fields, n_out).
        settings: what the run was asked for.
        network: the parameters after the last step, up to the next segment: copy what must outlive
            it.
    """

    step: int
    total_steps: int
    epoch: int
    loss: float
    epoch_end: EpochEnd | None
    lines: tuple[dict[str, Any], ...]
    recorded_steps: np.ndarray
    rows: dict[str, np.ndarray]
    settings: Settings
    network: Network

    @classmethod
    def of(cls, task: Task, segment: Segment) -> "ProgressEvent":
        """Return what there is to tell of a segment."""
        last = segment.next_step - 1
        return cls(
            step=segment.next_step,
            total_steps=task.total_steps,
            epoch=last // task.steps_per_epoch + 1,
            loss=float(segment.losses[-1]),
            epoch_end=segment.epoch_end,
            lines=tuple(_lines(task, segment)),
            recorded_steps=segment.recorded_steps,
            rows=segment.rows,
            settings=task.settings,
            network=segment.state.network,
        )


Callback = Callable[[ProgressEvent], bool | None]  # True asks to stop


def record(run: TrainedRun, *callbacks: Callback | None, devices: int | None = None) -> None:
    """Train a run from its last checkpoint to its end, and keep the record.

    Ctrl-C stops after the segment that is under way, with a checkpoint; so does a callback that
    returns True.

    Args:
        callbacks: each is told of every segment of steps, in this order; None for none.
        devices: over how many the steps are spread, see :func:`~.beginning.layout_of`.

    Raises:
        OptionError: devices that cannot be.
        NonFiniteError: a number was not finite; the run stays, up to that step.
        StalledError: no parameter moved in the first epoch; the run stays.
        RunError: another process is writing this run.
    """
    job = processes.job()
    with (
        only_writer(run.path),
        gentle_interrupt() as is_interrupted,
        spread_over(run, devices, job) as task,
        task.feed.kept_in(run.path),
    ):
        checkpoint = run.sound_checkpoint()
        step, newest = int(checkpoint.state.step), run.checkpoints[-1]
        if step != newest:
            told = t("warning.resumed_from_older", path=run.path, newest=newest, step=step)
            warnings.warn(told, RunWarning, stacklevel=2)
        lines = lines_before(run, step)
        writer = _Writer(run, task, checkpoint, len(lines))
        writer.describe(state="training", **_devices_of(task, run))
        drop_after(run, step, lines)
        # it may have been stopped, or killed, after its last step
        is_over, is_stopped = writer.is_out_of_patience(), False
        begin_together(job, run.path, None if is_over else step)
        try:
            with closing(train_steps(task, checkpoint.state, checkpoint.epoch_losses)) as segments:
                for segment in () if is_over else segments:
                    writer.take(segment)
                    if segment.epoch_end is not None:
                        writer.check_movement()
                    event = ProgressEvent.of(task, segment)
                    answers = [tell(event) for tell in callbacks if tell is not None]
                    is_stopped = any(answer is True for answer in answers) or is_interrupted()
                    is_stopped = is_stopped or (job > 0 and processes.is_stop_wished(job))
                    if is_stopped or writer.is_out_of_patience():
                        break
            if not is_stopped:
                writer.check_movement(is_over=True)
            writer.finish(was_interrupted=is_stopped)
        except (NonFiniteError, StalledError) as error:
            writer.describe(state="failed", failure=error.to_dict())
            raise
        finally:
            end_together(job)


@dataclass
class _Writer:
    """What waits to be written, and the writing."""

    run: TrainedRun
    task: Task
    last: Checkpoint
    lines_written: int
    lines: list[dict[str, Any]] = field(default_factory=list)
    steps: list[np.ndarray] = field(default_factory=list)
    rows: list[dict[str, np.ndarray]] = field(default_factory=list)
    saved_at: float = field(default_factory=time.monotonic)
    is_kept: bool = True  # whether the newest checkpoint is one of those kept for replaying
    is_moving: bool = False  # whether a parameter is known to have moved since the start

    def __post_init__(self) -> None:
        self.best = self.last.best
        self.saved_step = self.step
        told = self.run.description.get("checkpoints", {})
        self.checkpoints: dict[str, str] = {k: v for k, v in told.items() if int(k) <= self.step}

    @property
    def step(self) -> int:
        """Steps taken."""
        return int(self.last.state.step)

    def take(self, segment: Segment) -> None:
        """Take a segment over; write what is due.

        Raises:
            NonFiniteError: not all of it is finite; what came before is kept.
        """
        if segment.bad_step is not None:
            raise self._fail(segment, segment.bad_step)
        self._note_best(segment)
        self.last = Checkpoint(segment.state, segment.epoch_losses, self.best)
        self._wait(segment)
        is_late = time.monotonic() - self.saved_at > CHECKPOINT_SECONDS
        if is_late or self._is_due(segment.next_step):
            self.save(segment.next_step)
        elif sum(row.nbytes for rows in self.rows for row in rows.values()) > WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the rows and lines that wait."""
        publish(self.run.path, files=self._content_of_rows(), lines={"history": self.lines})
        self._note_written()

    def save(self, step: int) -> None:
        """Write a checkpoint, and everything that comes before it."""
        is_kept = self._is_due(step)
        content, checksum = sealed_checkpoint(self.last)
        files = self._content_of_rows() | {_checkpoint_path(self.run.path, step): content}
        dropped = [] if self.is_kept or self.saved_step == step else [self.saved_step]
        for number in dropped:
            self.checkpoints.pop(str(number), None)
        self.checkpoints[str(step)] = checksum
        self.saved_at, self.saved_step, self.is_kept = time.monotonic(), step, is_kept
        told = self._description()
        publish(self.run.path, told, files=files, lines={"history": self.lines})
        self.run.described.note(told)
        self._note_written()
        remove(_checkpoint_path(self.run.path, number) for number in dropped)

    def describe(self, **changes: Any) -> None:
        told = self._description() | changes
        if told != self.run.description:  # at the beginning it is what was just written
            write_json(self.run.path / "run.json", told)
            self.run.described.note(told)

    def _description(self) -> dict[str, Any]:
        """Return what run.json says once everything that waits is written."""
        lines = {"history": self.lines_written + len(self.lines)}
        kept = dict(self.checkpoints)
        standing = {"checkpoint": self.saved_step, "checkpoints": kept, "lines": lines}
        return self.run.description | (standing if self.run.is_sealed else {})

    def _content_of_rows(self) -> dict[Path, Content]:
        if not self.steps:
            return {}
        names = self.rows[0]
        tensors = {n: np.concatenate([rows[n] for rows in self.rows]) for n in names}
        tensors["steps"] = np.concatenate(self.steps)
        path = self.run.path / "anatomy" / f"{int(self.steps[0][0])}.safetensors"
        return {path: sealed_tensors(tensors, {})[0]}

    def _note_written(self) -> None:
        self.lines_written += len(self.lines)
        self.lines, self.steps, self.rows = [], [], []

    def finish(self, was_interrupted: bool) -> None:
        """Write the last checkpoint and the results."""
        if self.step != self.saved_step:
            self.save(self.step)
        self.run.__dict__.pop("network", None)  # it was cached before training
        filled = [part for part in PARTS if len(getattr(self.task.data, part).x)]
        is_done = self.step == self.task.total_steps or self.is_out_of_patience()
        self.describe(
            state="stopped" if was_interrupted and not is_done else "finished",
            steps=self.step,
            result={part: self.run.evaluate(part) for part in filled},
            best=None if self.best is None else {"epoch": self.best.epoch, "loss": self.best.loss},
        )

    def check_movement(self, is_over: bool = False) -> None:
        """Check, at an epoch's end and until it is known, that training has moved something.

        While the learning rate still rises, that is left to a later epoch.

        Args:
            is_over: whether this was the last epoch.

        Raises:
            StalledError: it has not, though there was something to learn.
        """
        if self.is_moving or (self.step < self.task.settings.warmup and not is_over):
            return
        stalled = find_stall(self.run, self.last.state.network, self.step)
        self.is_moving = stalled is None
        if stalled is not None:
            if self.step != self.saved_step:
                self.save(self.step)
            self.describe(steps=self.step)
            raise stalled

    def is_out_of_patience(self) -> bool:
        """Return whether the validation loss has not improved for too many epochs."""
        patience = self.task.settings.patience
        if patience is None or self.best is None:
            return False
        return self.step // self.task.steps_per_epoch - self.best.epoch >= patience

    def _fail(self, segment: Segment, bad_step: int) -> NonFiniteError:
        """Keep what came before the first number that was not finite, and return the error."""
        blowup = find_blowup(self.run, bad_step)
        end = bad_step if blowup is None else min(bad_step, blowup.step + 1)
        keep = segment.recorded_steps < end
        before = replace(
            segment,
            losses=segment.losses[: end - segment.first_step],
            recorded_steps=segment.recorded_steps[keep],
            rows={name: rows[keep] for name, rows in segment.rows.items()},
            epoch_end=None,
        )
        self._wait(before)
        self.flush()
        self.describe(steps=end)
        if blowup is None:  # only what was measured between the steps is not finite
            return NonFiniteError("error.measure_not_finite", samples=self.task.validation.samples)
        return NonFiniteError("error.not_finite", path=self.run.path, **blowup.to_dict())

    def _wait(self, segment: Segment) -> None:
        self.lines += _lines(self.task, segment)
        if len(segment.recorded_steps):
            self.steps.append(segment.recorded_steps)
            self.rows.append(segment.rows)

    def _note_best(self, segment: Segment) -> None:
        end = segment.epoch_end
        if self.task.settings.patience is None or end is None:
            return
        loss = end.validation["loss"]
        if self.best is None or loss < self.best.loss:
            # the state is given up to the next segment; what must outlive it is copied
            network = tree_map(np.array, segment.state.network)
            self.best = Best(end.epoch, loss, network)

    def _is_due(self, step: int) -> bool:
        arrays = leaves(self.run.skeleton)
        size = sum(array.size * array.dtype.itemsize for array in arrays)
        fitting = KEPT_BYTES // (3 * size)  # parameters and two moments of each
        spacing = max(self.task.total_steps // max(min(KEPT_CHECKPOINTS, fitting), 1), 1)
        return step // spacing > self.saved_step // spacing


def _devices_of(task: Task, run: TrainedRun) -> dict[str, int]:
    """Return what run.json says of the devices: how many, unless it was one from the beginning."""
    layout = task.config.layout
    if layout is None:
        return {"devices": 1} if "devices" in run.description else {}
    return {"devices": layout.size}


def _lines(task: Task, segment: Segment) -> list[dict[str, Any]]:
    """Return the history lines of a segment: one a recorded step or ended epoch."""
    steps = set(segment.recorded_steps.tolist())
    end = segment.epoch_end
    if end is not None:
        steps.add(segment.next_step - 1)
    lines = [
        {
            "step": step,
            "epoch": step // task.steps_per_epoch,
            "loss": float(segment.losses[step - segment.first_step]),
        }
        for step in sorted(steps)
    ]
    if end is not None:
        lines[-1]["train_loss"] = end.train_loss
        lines[-1] |= {f"validation_{name}": value for name, value in end.validation.items()}
    return lines


def _checkpoint_path(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"{step}.safetensors"
