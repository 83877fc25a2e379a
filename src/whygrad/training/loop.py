"""The one training loop: epochs of shuffled mini-batches, in compiled segments.

:func:`train_steps` yields a :class:`Segment` after every compiled call and writes nothing; its
caller keeps, shows or stops between two of them. The order of the samples and the dropout masks
depend on nothing but the seed and the number of the epoch or step, so training can be resumed from
any state and gives the same numbers as an uninterrupted run.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from whygrad.core import backend
from whygrad.core.arrays import leaves
from whygrad.core.memory import check_step
from whygrad.core.nn.losses import LOSSES, loss_rule
from whygrad.core.nn.network import Network
from whygrad.data.table import Data
from whygrad.errors import OptionError, ShapeError
from whygrad.record.fields import ROW_FIELDS
from whygrad.settings import Settings
from whygrad.training.engine import engine_for, steps_of
from whygrad.training.evaluation import LaidOut, lay_out, measure
from whygrad.training.feeding import Feed, Held, Pool, Streamed, plan_window
from whygrad.training.recording import by_layer, width
from whygrad.training.state import Plan, State, StaticConfig
from whygrad.training.weighing import check_weights, class_weights, weights_of

if TYPE_CHECKING:
    from whygrad.training.numpy_recording import Record

MATCHED_LOSS = {
    "classes": "softmax_cross_entropy",
    "binary": "binary_cross_entropy",
    "labels": "binary_cross_entropy",
    "numbers": "squared",
}
MOST_STEPS = 2**31  # they are counted in int32
SEGMENT_BYTES = 64 * 2**20  # of recorded rows that wait on the device
SEGMENT_STEPS = 4096
SEGMENT_SECONDS = 0.5  # between two signs of life
WAITING_SECONDS = 0.2  # for more small segments, whose rows are made together
WAITING_STEPS = 48  # recorded, at most


@dataclass(frozen=True)
class EpochEnd:
    """How things stand after a pass over the training part.

    Attributes:
        epoch: epochs done.
        train_loss: mean of the epoch's step losses.
        validation: measures on the validation part; empty without one.
    """

    epoch: int
    train_loss: float
    validation: dict[str, float]


@dataclass(frozen=True)
class Segment:
    """What a segment of steps left behind, on the host, and the state after it.

    Attributes:
        first_step: number of the first step.
        losses: loss of each step, (steps,).
        recorded_steps: numbers of the recorded steps, (recorded,).
        rows: by layer, (recorded, len(ROW_FIELDS), n_out).
        state: the state after the last step.
        epoch_losses: losses of the steps of the epoch that is under way.
        epoch_end: set where an epoch ended with the last step.
    """

    first_step: int
    losses: np.ndarray
    recorded_steps: np.ndarray
    rows: dict[str, np.ndarray]
    state: State
    epoch_losses: np.ndarray
    epoch_end: EpochEnd | None = None

    @property
    def next_step(self) -> int:
        return self.first_step + len(self.losses)

    @property
    def bad_step(self) -> int | None:
        """Number of the first step that left something not finite, if there is one."""
        bad = (self.first_step + np.flatnonzero(~np.isfinite(self.losses))).tolist()
        for rows in self.rows.values():
            if not all_finite(rows):
                wrong = ~np.isfinite(rows).all(axis=(1, 2))
                bad.append(int(self.recorded_steps[wrong][0]))
        if bad:
            return min(bad)
        measured = self.epoch_end.validation.values() if self.epoch_end else ()
        left = [*map(float, measured), *leaves((self.state.network, self.state.optimizer))]
        return None if all(map(all_finite, left)) else self.next_step - 1


def all_finite(values: ArrayLike) -> bool:
    """Return whether no number is NaN or infinite; a sum shows it without another array."""
    array = np.asarray(values)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.sum(array)) or np.isfinite(array).all())


@dataclass(frozen=True)
class Task:
    """Everything that stays the same during a run.

    Attributes:
        config: what the steps are compiled for.
        data: the data.
        feed: its training part, on the device or on its way there.
        validation: the validation part, on the device.
        capacity: most steps that one compiled segment takes.
    """

    config: StaticConfig
    data: Data
    feed: Feed
    validation: LaidOut
    capacity: int

    @property
    def settings(self) -> Settings:
        return self.config.settings

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.feed.samples // self.settings.batch_size)

    @property
    def total_steps(self) -> int:
        return self.config.total_steps

    def batch(self, step: int) -> tuple[Pool, Plan]:
        """Return which rows a step takes, and the pool that they are of."""
        epoch, position = divmod(step, self.steps_per_epoch)
        with closing(self.feed.pools(epoch, position, ahead=False)) as pools:
            pool = next(pools)
        return pool, pool.plan[position - pool.first]


def prepare(network: Network, data: Data, settings: Settings, engine: str | None = None) -> Task:
    """Check that network, data and settings fit together, and lay the data out for the engine.

    Args:
        engine: ``numpy`` or ``jax``; None for the one that fits the size of the job.

    Raises:
        ShapeError: the network's inputs or outputs do not fit the data.
        OptionError: the loss does not fit the task.
    """
    _check_fit(network, data, resolve_loss(settings.loss, network, data), settings)
    steps = steps_in(data, settings)
    if steps + settings.warmup >= MOST_STEPS:
        raise OptionError("error.too_many_steps", steps=steps + settings.warmup)
    settings = replace(
        settings,
        loss=resolve_loss(settings.loss, network, data),
        record_every=min(settings.record_every, steps),  # beyond the end, only step 0 is left
    )
    dtype = network.dense[0].weight.dtype
    engine = engine or engine_for(settings, network.sizes, settings.batch_size, steps, dtype)
    if engine == "jax":
        backend.start()
    check_weights(data, settings)
    by_class = class_weights(data.class_counts, settings.class_weight)
    config = StaticConfig(settings, steps, engine)
    outputs = network.sizes[-1]
    if data.stream is not None:
        feed = Streamed(data.stream, config, dtype, outputs, by_class)
    else:
        feed = Held(data.train, config, dtype, outputs, weights_of(data.train, by_class))
    capacity = min(feed.steps, _fitting_steps(network, settings.record_every))
    validation = lay_out(data.validation.x, data.validation.y, engine)
    return Task(config, data, feed, validation, capacity)


def steps_in(data: Data, settings: Settings) -> int:
    """Return the number of steps that a run takes if nothing stops it early."""
    return -(-data.samples["train"] // settings.batch_size) * settings.epochs


def check_size(network: Network, data: Data, settings: Settings) -> None:
    """Check that training fits into the memory of this machine.

    Raises:
        TooLargeError: it does not.
    """
    every = settings.record_every
    rows = _fitting_steps(network, every) // every + 1 if every else 0
    batch = min(settings.batch_size, data.samples["train"])
    check_step(network.sizes, batch, rows * width(network))


def resolve_loss(loss: str, network: Network, data: Data) -> str:
    """Return the loss that ``auto`` means for this target: the one that matches it."""
    if loss != "auto":
        return loss
    if data.task == "binary" and network.sizes[-1] == 2:
        return "softmax_cross_entropy"
    return MATCHED_LOSS[data.task]


def train_steps(
    task: Task, state: State, epoch_losses: np.ndarray | None = None
) -> Generator[Segment]:
    """Train from ``state`` to the end of the last epoch.

    Args:
        epoch_losses: losses of the steps that the epoch under way has already taken.

    Yields:
        A segment after every segment of steps. Its ``state`` is given up to the next segment: copy
        what must outlive it. Of many processes, which call this together, the first says when to
        stop: where its generator is closed, those of the others end.
    """
    record = _record_of(task, state.network)
    waiting, began = [], time.perf_counter()
    with closing(_segments(task, state, epoch_losses, record)) as segments:
        for one in segments:
            waiting.append(one)
            may_wait = record is not None and 0 < record.steps < WAITING_STEPS
            if not may_wait or time.perf_counter() - began > WAITING_SECONDS:
                yield from _with_rows(waiting, record)
                waiting, began = [], time.perf_counter()
    yield from _with_rows(waiting, record)


def _record_of(task: Task, network: Network) -> "Record | None":
    """Return what keeps the recorded steps where the engine does not do so itself."""
    if not task.settings.record_every:
        return None
    batch = min(task.settings.batch_size, task.feed.samples)
    return steps_of(task.config.engine).record_of(network, batch)


def _with_rows(
    waiting: Sequence[tuple[Segment, Any]], record: "Record | None"
) -> Iterator[Segment]:
    """Yield segments with the rows of their recorded steps.

    Args:
        waiting: each with its rows, or None where ``record`` has those of all together.
    """
    if record is not None and waiting:
        ends = np.cumsum([len(segment.recorded_steps) for segment, _ in waiting])
        every = np.split(record.rows(), ends[:-1])
        waiting = [(segment, rows) for (segment, _), rows in zip(waiting, every, strict=True)]
    for segment, rows in waiting:
        if rows is not None:
            used = np.asarray(rows)[: len(segment.recorded_steps)]
            segment = replace(segment, rows=by_layer(segment.state.network, used))
        yield segment


def _segments(
    task: Task, state: State, epoch_losses: np.ndarray | None, record: "Record | None"
) -> Generator[tuple[Segment, Any]]:
    """Train, and yield every segment without its rows, and these, unless ``record`` has them."""
    step, layout = int(state.step), task.config.layout
    is_ready = layout is None or not layout.job
    pace = _Pace(task.capacity)
    losses = np.empty(0, np.float32) if epoch_losses is None else epoch_losses
    if layout is not None:
        state = layout.put_state(state)
    try:
        for epoch, pool in _pools(task, step):
            while (position := step - epoch * task.steps_per_epoch) < pool.stop:
                if not is_ready:  # compiled, which may take one process longer than others wait
                    state, *_ = _run(task, state, pool, step, position, 0, pace, record)
                    is_ready = layout is None or layout.meet()
                count = min(pace.steps, pool.stop - position)
                if layout is not None and not (count := layout.agreed(step, count)):
                    return
                run = (pool, step, position, count, pace, record)
                state, segment, rows = _run(task, state, *run)
                losses = np.concatenate([losses, segment.losses])
                step, end = step + count, None
                if position + count == task.steps_per_epoch:
                    of_part = (task.validation, task.settings.loss, task.data.task)
                    validation = measure(state.network, *of_part)
                    end = EpochEnd(epoch + 1, float(np.mean(losses)), validation)
                    losses = losses[:0]
                yield replace(segment, epoch_losses=losses, epoch_end=end), rows
    except BaseException:  # also where this generator is closed
        if layout is not None:
            layout.stop(step)
        raise


def _pools(task: Task, step: int) -> Iterator[tuple[int, Pool]]:
    """Yield the pools of all epochs, from the one with a step on, each with its epoch."""
    while step < task.total_steps:
        epoch, position = divmod(step, task.steps_per_epoch)
        for pool in task.feed.pools(epoch, position):
            yield epoch, pool
        step = (epoch + 1) * task.steps_per_epoch


def walk(task: Task, state: State, begin: int, stop: int) -> State:
    """Take the steps from ``begin`` up to, not including, ``stop``, and keep only the end."""
    while begin < stop:
        epoch, position = divmod(begin, task.steps_per_epoch)
        end = min(position + stop - begin, task.steps_per_epoch)
        advance = steps_of(task.config.engine).advance
        for pool in task.feed.pools(epoch, position):
            while position < min(pool.stop, end):
                count = min(min(pool.stop, end) - position, task.capacity)
                piece = plan_window(pool.plan, position - pool.first, task.capacity)
                state, _ = advance(task.config, state, pool.dataset, piece, begin, count)
                begin, position = begin + count, position + count
            if position == end:
                break
    return state


class _Pace:
    """How many steps to take before the next sign of life."""

    def __init__(self, capacity: int):
        self.steps = self.capacity = capacity
        self._is_compiled = False

    def tell(self, steps: int, seconds: float) -> None:
        """Take note of how long a segment took; the first one is compilation."""
        if self._is_compiled:
            wanted = int(SEGMENT_SECONDS * steps / max(seconds, 1e-6))
            self.steps = min(max(wanted, 1), self.capacity)
        self._is_compiled = True


def _run(
    task: Task,
    state: State,
    pool: Pool,
    step: int,
    position: int,
    count: int,
    pace: _Pace,
    record: "Record | None",
) -> tuple[State, Segment, Any]:
    """Take ``count`` steps; return the state as the devices have it, what is left behind, and its
    rows, unless ``record`` has them.
    """
    layout = task.config.layout
    piece = plan_window(pool.plan, position - pool.first, task.capacity)
    started = time.perf_counter()
    advance = steps_of(task.config.engine).advance
    planned = piece if layout is None else layout.put_plan(piece)
    keeping = () if record is None else (record,)
    state, segment = advance(task.config, state, pool.dataset, planned, step, count, *keeping)
    losses = np.asarray(segment.losses)[:count]
    pace.tell(count, time.perf_counter() - started)
    recorded = recorded_steps(step, step + count, task.settings.record_every)
    seen = state if layout is None else layout.here(state)
    return state, Segment(step, losses, recorded, {}, seen, losses), segment.rows


def recorded_steps(begin: int, stop: int, every: int) -> np.ndarray:
    """Return the numbers of the recording steps in [begin, stop)."""
    return np.arange(begin + -begin % every, stop, every) if every else np.empty(0, int)


def _fitting_steps(network: Network, record_every: int) -> int:
    bytes_a_step = sum(network.sizes[1:]) * len(ROW_FIELDS) * 4 / (record_every or SEGMENT_STEPS)
    return max(min(SEGMENT_STEPS, int(SEGMENT_BYTES / bytes_a_step)), 1)


def _check_fit(network: Network, data: Data, loss: str, settings: Settings) -> None:
    rule = loss_rule(loss)
    n_in, n_out = network.sizes[0], network.sizes[-1]
    if n_in != data.n_in:
        raise ShapeError(
            "error.data_inputs", layer=network.layers[0], expected=n_in, actual=data.n_in
        )
    allowed = {data.n_out, 2} if data.task == "binary" else {data.n_out}
    if n_out not in allowed:
        raise ShapeError("error.data_outputs", expected=n_out, actual=data.n_out)
    if rule.is_categorical and data.task == "numbers":
        fitting = ", ".join(name for name, rule in LOSSES.items() if not rule.is_categorical)
        raise OptionError("error.loss_of_categories", loss=loss, fitting=fitting)
    if settings.label_smoothing and not rule.is_categorical:
        fitting = ", ".join(name for name, rule in LOSSES.items() if rule.is_categorical)
        raise OptionError("error.smoothing_of_loss", loss=loss, fitting=fitting)
    if rule.is_broadcast and n_out > 1:
        raise OptionError("error.loss_of_one_output", loss=loss, outputs=n_out)
