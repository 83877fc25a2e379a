"""Training with a record: what is kept, when, and how a run goes on after it was cut off.

Order of writing: recorded rows, history, then the checkpoint. So whatever a checkpoint stands for
is on disk before it, and going on from it means dropping what came after and doing it again, with
the same numbers.
"""

import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from whygrad.data import pack
from whygrad.data.table import Data
from whygrad.errors import NonFiniteError, OptionError, RunError
from whygrad.network.model import Network
from whygrad.run.blowup import find_blowup
from whygrad.run.checkpoint import Best, Checkpoint, describe_network, save_checkpoint
from whygrad.run.description import FORMAT, PARTS
from whygrad.run.files import (
    append_lines,
    only_writer,
    write_json,
    write_lines,
    write_tensors,
    writing,
)
from whygrad.run.folder import RunFolder
from whygrad.settings import Settings
from whygrad.stepping import first_state
from whygrad.training import Chunk, EpochEnd, Task, prepare, train_steps

CHECKPOINT_SECONDS = 5.0  # most that a crash loses
KEPT_CHECKPOINTS = 12  # spread over the run, for replaying; the newest is kept besides
KEPT_BYTES = 512 * 2**20
WAITING_BYTES = 32 * 2**20  # of recorded rows in memory
# what is in a folder before it is a run
BEGUN = re.compile(r"run\.lock|data\.safetensors|anatomy|checkpoints(/0\.safetensors)?|.*\.part")


@dataclass(frozen=True)
class Moment:
    """What someone who looks on needs to know.

    Attributes:
        step, total_steps, epoch: how far.
        loss: of the last step.
        epoch_end: set where an epoch has just ended.
        lines: what the history holds of this stretch.
        recorded_steps: numbers of its recorded steps, (recorded,).
        rows: their rows by layer, (recorded, fields, n_out).
        settings: what the run was asked for.
        network: the parameters after the last step, up to the next stretch: copy what must outlive
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


Watch = Callable[[Moment], bool | None]  # True asks to stop


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
    """
    task = prepare(network, data, settings)
    if settings.patience is not None and not len(data.validation.x):
        raise OptionError("error.patience_needs_validation")
    with writing(path):
        _check_free(path)
        path.mkdir(parents=True, exist_ok=True)
    with only_writer(path):
        _check_free(path)  # again: another process may have been faster
        _write_start(path, network, task, origin)
    return RunFolder(path)


def _check_free(path: Path) -> None:
    """Check that nothing is there, or only what a run that was killed while it began left."""
    if not path.exists():
        return
    found = [file.relative_to(path).as_posix() for file in path.rglob("*")] if path.is_dir() else []
    is_begun = "run.lock" in found and all(BEGUN.fullmatch(name) for name in found)
    if not path.is_dir() or (found and not is_begun):
        raise RunError("error.run_exists", path=path)


def _write_start(path: Path, network: Network, task: Task, origin: dict[str, Any]) -> None:
    with writing(path):
        for folder in (path / "anatomy", path / "checkpoints"):
            folder.mkdir(exist_ok=True)
    arrays, description = pack(task.data)
    write_tensors(path / "data.safetensors", arrays, {"description": description})
    settings = task.settings
    state = first_state(network, task.recipe, settings.learning_rate, settings.seed)
    save_checkpoint(_checkpoint_path(path, 0), Checkpoint(state, np.empty(0, np.float32)))
    # the folder is a run only from here on
    write_json(path / "run.json", _description(network, task.data, settings, origin))


def record(run: RunFolder, watch: Watch | None = None) -> None:
    """Train a run from its last checkpoint to its end, and keep the record.

    Ctrl-C stops after the stretch that is under way, with a checkpoint; so does a ``watch`` that
    returns True.

    Raises:
        NonFiniteError: a number was not finite; the run stays, up to that step.
        RunError: another process is writing this run.
    """
    with only_writer(run.path), _gentle_interrupt() as is_interrupted:
        checkpoint = run.last_checkpoint()
        _drop_after(run, int(checkpoint.state.step))
        writer = _Writer(run, run.task, checkpoint)
        writer.describe(state="training")
        is_stopped = False
        try:
            for chunk in _chunks_left(run.task, checkpoint, writer):
                writer.take(chunk)
                is_asked = watch is not None and watch(_moment(run.task, chunk)) is True
                is_stopped = is_asked or is_interrupted()
                if is_stopped or writer.is_out_of_patience():
                    break
            writer.finish(was_interrupted=is_stopped)
        except NonFiniteError as error:
            writer.describe(state="failed", failure=error.to_dict())
            raise


def _chunks_left(task: Task, checkpoint: Checkpoint, writer: "_Writer") -> Iterable[Chunk]:
    if writer.is_out_of_patience():  # it was stopped, or killed, after its last step
        return ()
    return train_steps(task, checkpoint.state, checkpoint.epoch_losses)


@dataclass
class _Writer:
    """What waits to be written, and the writing."""

    run: RunFolder
    task: Task
    last: Checkpoint
    lines: list[dict[str, Any]] = field(default_factory=list)
    steps: list[np.ndarray] = field(default_factory=list)
    rows: list[dict[str, np.ndarray]] = field(default_factory=list)
    saved_at: float = field(default_factory=time.monotonic)
    is_kept: bool = True  # whether the newest checkpoint is one of those kept for replaying

    def __post_init__(self) -> None:
        self.best = self.last.best
        self.saved_step = self.step

    @property
    def step(self) -> int:
        """Steps taken."""
        return int(self.last.state.step)

    def take(self, chunk: Chunk) -> None:
        """Take a chunk over; write what is due.

        Raises:
            NonFiniteError: not all of it is finite; what came before is kept.
        """
        if chunk.bad_step is not None:
            raise self._fail(chunk, chunk.bad_step)
        self._note_best(chunk)
        self.last = Checkpoint(chunk.state, chunk.epoch_losses, self.best)
        self._wait(chunk)
        is_late = time.monotonic() - self.saved_at > CHECKPOINT_SECONDS
        if is_late or self._is_due(chunk.next_step):
            self.save(chunk.next_step)
        elif self._waiting_bytes() > WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the rows and lines that wait."""
        if self.steps:
            names = self.rows[0]
            tensors = {n: np.concatenate([rows[n] for rows in self.rows]) for n in names}
            tensors["steps"] = np.concatenate(self.steps)
            path = self.run.path / "anatomy" / f"{int(self.steps[0][0])}.safetensors"
            write_tensors(path, tensors, {})
        if self.lines:
            append_lines(self.run.path / "history.jsonl", self.lines)
        self.lines, self.steps, self.rows = [], [], []

    def save(self, step: int) -> None:
        """Write a checkpoint, and everything that comes before it."""
        self.flush()
        is_kept = self._is_due(step)
        save_checkpoint(_checkpoint_path(self.run.path, step), self.last)
        if not self.is_kept and self.saved_step != step:
            _checkpoint_path(self.run.path, self.saved_step).unlink(missing_ok=True)
        self.saved_at, self.saved_step, self.is_kept = time.monotonic(), step, is_kept

    def describe(self, **changes: Any) -> None:
        write_json(self.run.path / "run.json", self.run.description | changes)

    def finish(self, was_interrupted: bool) -> None:
        """Write the last checkpoint and the results."""
        if self.step != self.saved_step:
            self.save(self.step)
        self.run.__dict__.pop("network", None)  # it was cached before training
        is_done = self.step == self.task.total_steps or self.is_out_of_patience()
        self.describe(
            state="stopped" if was_interrupted and not is_done else "finished",
            steps=self.step,
            result={part: self.run.evaluate(part) for part in _filled_parts(self.task.data)},
            best=None if self.best is None else {"epoch": self.best.epoch, "loss": self.best.loss},
        )

    def is_out_of_patience(self) -> bool:
        """Return whether the validation loss has not improved for too many epochs."""
        patience = self.task.settings.patience
        if patience is None or self.best is None:
            return False
        return self.step // self.task.steps_per_epoch - self.best.epoch >= patience

    def _keep_before(self, chunk: Chunk, bad_step: int) -> None:
        keep = chunk.recorded_steps < bad_step
        kept = replace(
            chunk,
            losses=chunk.losses[: bad_step - chunk.first_step],
            recorded_steps=chunk.recorded_steps[keep],
            rows={name: rows[keep] for name, rows in chunk.rows.items()},
            epoch_end=None,
        )
        self._wait(kept)
        self.flush()
        self.describe(steps=bad_step)

    def _fail(self, chunk: Chunk, bad_step: int) -> NonFiniteError:
        """Keep what came before the first number that was not finite, and return the error."""
        blowup = find_blowup(self.run, bad_step)
        self._keep_before(chunk, bad_step if blowup is None else min(bad_step, blowup.step + 1))
        if blowup is None:  # only what was measured between the steps is not finite
            return NonFiniteError("error.measure_not_finite", samples=self.task.validation.samples)
        return NonFiniteError("error.not_finite", path=self.run.path, **blowup.to_dict())

    def _wait(self, chunk: Chunk) -> None:
        self.lines += _lines(self.task, chunk)
        if len(chunk.recorded_steps):
            self.steps.append(chunk.recorded_steps)
            self.rows.append(chunk.rows)

    def _note_best(self, chunk: Chunk) -> None:
        end = chunk.epoch_end
        if self.task.settings.patience is None or end is None:
            return
        loss = end.validation["loss"]
        if self.best is None or loss < self.best.loss:
            # the state is given up to the next stretch; what must outlive it is copied
            network = jax.tree.map(np.array, chunk.state.network)
            self.best = Best(end.epoch, loss, network)

    def _is_due(self, step: int) -> bool:
        arrays = jax.tree.leaves(self.run.skeleton)
        size = sum(array.size * array.dtype.itemsize for array in arrays)
        fitting = KEPT_BYTES // (3 * size)  # parameters and two moments of each
        spacing = max(self.task.total_steps // max(min(KEPT_CHECKPOINTS, fitting), 1), 1)
        return step // spacing > self.saved_step // spacing

    def _waiting_bytes(self) -> int:
        return sum(array.nbytes for rows in self.rows for array in rows.values())


@contextmanager
def _gentle_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a wish to stop; the second one interrupts at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def note(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _drop_after(run: RunFolder, step: int) -> None:
    """Drop what was recorded after the checkpoint at ``step``; it will be done again."""
    for path in (run.path / "anatomy").glob("*.safetensors"):
        if path.stem.isdecimal() and int(path.stem) >= step:
            path.unlink()
    for path in (run.path / "checkpoints").glob("*.safetensors"):
        if path.stem.isdecimal() and int(path.stem) > step:
            path.unlink()
    for path in run.path.rglob(".*.part"):  # of a process that was killed while it wrote
        path.unlink()
    lines = run.history_lines
    if any(line["step"] >= step for line in lines):
        kept = [line for line in lines if line["step"] < step]
        write_lines(run.path / "history.jsonl", kept)


def _lines(task: Task, chunk: Chunk) -> list[dict[str, Any]]:
    """Return the history lines of a chunk: one a recorded step or ended epoch."""
    steps = set(chunk.recorded_steps.tolist())
    end = chunk.epoch_end
    if end is not None:
        steps.add(chunk.next_step - 1)
    lines = [
        {
            "step": step,
            "epoch": step // task.steps_per_epoch,
            "loss": float(chunk.losses[step - chunk.first_step]),
        }
        for step in sorted(steps)
    ]
    if end is not None:
        lines[-1]["train_loss"] = end.train_loss
        lines[-1] |= {f"validation_{name}": value for name, value in end.validation.items()}
    return lines


def _moment(task: Task, chunk: Chunk) -> Moment:
    last = chunk.next_step - 1
    epoch = last // task.steps_per_epoch + 1
    return Moment(
        chunk.next_step,
        task.total_steps,
        epoch,
        float(chunk.losses[-1]),
        chunk.epoch_end,
        tuple(_lines(task, chunk)),
        chunk.recorded_steps,
        chunk.rows,
        task.settings,
        chunk.state.network,
    )


def _checkpoint_path(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"{step}.safetensors"


def _filled_parts(data: Data) -> list[str]:
    return [part for part in PARTS if len(getattr(data, part).x)]


def _description(
    network: Network, data: Data, settings: Settings, origin: dict[str, Any]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "state": "training",
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "versions": {name: version(name) for name in ("whygrad", "jax", "optax", "numpy")},
        "device": jax.devices()[0].device_kind,
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
