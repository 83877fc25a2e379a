"""Any step of a run again: from the nearest checkpoint, by the same compiled loop.

On what the run was trained on, the numbers come out to the bit. What many devices trained is
replayed by one, which adds a batch up in another order: within rounding.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from whygrad.core.arrays import tree_map
from whygrad.core.nn.network import Network
from whygrad.errors import AddressError, RunError
from whygrad.record.description import differences
from whygrad.record.fields import comparable
from whygrad.training.engine import steps_of
from whygrad.training.loop import Task, walk
from whygrad.training.state import State, StepTrace

if TYPE_CHECKING:
    from whygrad.training.trained import TrainedRun

TOLERANCE = 1e-3  # of recorded rows, relative to the largest of their kind in the layer


@dataclass(frozen=True)
class Replayed:
    """A step, replayed.

    Attributes:
        step: its number.
        network: before the step.
        seen: its trace.
        rows: row numbers of the batch's samples, (batch,): in the training part, or of a stream
            in its source.
        share: of each sample in the mean, (batch,); 0 for what only fills a short batch up.
        targets: of the batch's samples, (batch,) or (batch, k).
        is_recorded: whether the run recorded this step, so that the replay was compared with it.
    """

    step: int
    network: Network
    seen: StepTrace
    rows: np.ndarray
    share: np.ndarray
    targets: np.ndarray
    is_recorded: bool


def replay(run: "TrainedRun", step: int) -> Replayed:
    """Take step number ``step`` of a run again and return its trace.

    Raises:
        AddressError: the run has not taken this step.
        RunError: the replay differs from what the run recorded, or may differ and nothing tells.
    """
    last = max(run.steps - 1, 0)
    if not 0 <= step <= last:
        raise AddressError("error.no_such_step", step=step, last=last)
    task = run.task
    start, begin = _nearest_state(run, step)
    state = walk(task, start, begin, step)
    pool, planned = task.batch(step)
    trace_step = steps_of(task.config.engine).trace_step
    seen, recorded = trace_step(task.config, state, pool.dataset, planned)
    is_recorded = _agrees(run, step, tree_map(np.asarray, recorded))
    if not is_recorded and begin < step and differences(run.description):
        _check_way(run, begin, step)
    told = planned.rows if planned.target_rows is None else planned.target_rows
    batch = (pool.numbers[np.asarray(planned.rows)], np.asarray(planned.share))
    targets = pool.targets[np.asarray(told)]
    return Replayed(step, state.network, seen, *batch, targets, is_recorded)


def network_at(run: "TrainedRun", step: int) -> Network:
    """Return the network after ``step`` steps: the one that step number ``step`` starts from.

    Between two checkpoints the steps are taken again; what was recorded of them must come out.

    Raises:
        AddressError: the run has not taken so many steps.
        RunError: they do not replay as they were recorded, or the checkpoints are damaged.
    """
    last = run.steps
    if not 0 <= step <= last:
        raise AddressError("error.no_network_at", step=step, last=last)
    state, begin = _nearest_state(run, step)
    if begin < step:
        _check_way(run, begin, step)
    return walk(run.task, state, begin, step).network


def _check_way(run: "TrainedRun", begin: int, step: int) -> None:
    """Check that the steps from a checkpoint to ``step`` replay, by the nearest one recorded.

    Raises:
        RunError: it does not come out as it was recorded; or none was, and versions or device are
            others than those that the run was trained with.
    """
    every = run.settings.record_every
    if every:
        after = -(-step // every) * every  # leads through all steps in question
        before = (step - 1) // every * every
        if after < run.steps and not any(step < one <= after for one in run.checkpoints):
            replay(run, after)
            return
        if before >= begin:
            replay(run, before)
            return
    versions = differences(run.description)
    if versions:
        known = ", ".join(map(str, run.checkpoints))
        raise RunError("error.replay_unchecked", step=step, path=run.path, known=known, **versions)


def state_before(run: "TrainedRun", task: Task, step: int) -> State:
    """Return the state before ``step``, from the nearest checkpoint that can be read."""
    state, begin = _nearest_state(run, step)
    return walk(task, state, begin, step)


def _nearest_state(run: "TrainedRun", step: int) -> tuple[State, int]:
    """Return the state of the last sound checkpoint up to ``step``, and after how many steps."""
    for begin in reversed([c for c in run.checkpoints if c <= step]):
        try:
            return run.checkpoint(begin).state, begin
        except RunError:
            continue
    raise RunError("error.run_without_checkpoint", path=run.path)


def _agrees(run: "TrainedRun", step: int, again: dict[str, np.ndarray]) -> bool:
    """Return whether the step was recorded; if it was, it must be what was replayed."""
    fields = comparable(run.description)
    for layer, rows in again.items():
        recorded = run.row(layer, step)
        if recorded is None:
            return False
        size = np.where(np.isfinite(rows), np.abs(rows), 0).max(axis=1, keepdims=True)
        near = TOLERANCE * size + 1e-30
        # a number that is not finite agrees with its like alone
        is_alike = np.isclose(rows, recorded, rtol=0, atol=near, equal_nan=True)
        if not is_alike[fields].all():
            where = {"step": step, "layer": layer, "path": run.path}
            versions = differences(run.description)
            if versions:
                raise RunError("error.replay_elsewhere", **where, **versions)
            devices = run.description.get("devices", 1)
            if devices > 1:
                known = ", ".join(map(str, run.checkpoints))
                raise RunError("error.replay_of_devices", **where, devices=devices, known=known)
            raise RunError("error.replay_differs", **where)
    return True
