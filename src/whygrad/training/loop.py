"""The one training loop: epochs of shuffled mini-batches, in compiled segments.

:func:`train_steps` yields a :class:`Segment` after every compiled call and writes nothing; its
caller keeps, shows or stops between two of them. The order of the samples and the dropout masks
depend on nothing but the seed and the number of the epoch or step, so training can be resumed from
any state and gives the same numbers as an uninterrupted run.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from whygrad.core import backend
from whygrad.core.arrays import leaves, tree_map
from whygrad.core.memory import check_step
from whygrad.core.nn.losses import LOSSES, loss_rule
from whygrad.core.nn.network import Network
from whygrad.data.table import Data
from whygrad.errors import OptionError, ShapeError
from whygrad.record.fields import ROW_FIELDS
from whygrad.settings import Settings
from whygrad.training.engine import engine_for, steps_of
from whygrad.training.evaluation import LaidOut, lay_out, measure
from whygrad.training.recording import by_layer, width
from whygrad.training.state import DeviceDataset, Plan, State, StaticConfig
from whygrad.training.weighing import check_weights, sample_weights, shares

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
        data: the data; its training part lies on the device as ``dataset``.
        validation: the validation part, on the device.
        weights: weight of each training sample, or None for all alike.
        capacity: most steps that one compiled segment takes.
    """

    config: StaticConfig
    data: Data
    dataset: DeviceDataset
    validation: LaidOut
    weights: np.ndarray | None
    capacity: int

    @property
    def settings(self) -> Settings:
        return self.config.settings

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.data.train.x) // self.settings.batch_size)

    @property
    def total_steps(self) -> int:
        return self.config.total_steps


def prepare(network: Network, data: Data, settings: Settings, engine: str | None = None) -> Task:
    """Check that network, data and settings fit together, and lay the data out for the engine.

    Args:
        engine: ``numpy`` or ``jax``; None for the one that fits the size of the job.

    Raises:
        ShapeError: the network's inputs or outputs do not fit the data.
        OptionError: the loss does not fit the task.
    """
    _check_fit(network, data, resolve_loss(settings.loss, network, data))
    steps = -(-len(data.train.x) // settings.batch_size) * settings.epochs
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
    x = data.train.x.astype(dtype, copy=False)
    dataset = steps_of(engine).device_dataset(x, data.train.y, network.sizes[-1])
    check_weights(data, settings)
    weights = sample_weights(data.train, settings.class_weight)
    capacity = min(steps // settings.epochs, _fitting_steps(network, settings.record_every))
    validation = lay_out(data.validation.x, data.validation.y, engine)
    return Task(StaticConfig(settings, steps, engine), data, dataset, validation, weights, capacity)


def check_size(network: Network, data: Data, settings: Settings) -> None:
    """Check that training fits into the memory of this machine.

    Raises:
        TooLargeError: it does not.
    """
    every = settings.record_every
    rows = _fitting_steps(network, every) // every + 1 if every else 0
    batch = min(settings.batch_size, len(data.train.x))
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
) -> Iterator[Segment]:
    """Train from ``state`` to the end of the last epoch.

    Args:
        epoch_losses: losses of the steps that the epoch under way has already taken.

    Yields:
        A segment after every segment of steps. Its ``state`` is given up to the next segment: copy
        what must outlive it.
    """
    step, settings = int(state.step), task.settings
    pace = _Pace(task.capacity)
    losses = np.empty(0, np.float32) if epoch_losses is None else epoch_losses
    while step < task.total_steps:
        epoch, position = divmod(step, task.steps_per_epoch)
        plan = epoch_plan(task, epoch)
        while position < task.steps_per_epoch:
            segment = _run(task, state, plan, step, position, pace)
            losses = np.concatenate([losses, segment.losses])
            state, step = segment.state, segment.next_step
            position += len(segment.losses)
            end = None
            if position == task.steps_per_epoch:
                measures = measure(state.network, task.validation, settings.loss, task.data.task)
                end = EpochEnd(epoch + 1, float(np.mean(losses)), measures)
                losses = losses[:0]
            yield replace(segment, epoch_losses=losses, epoch_end=end)


def epoch_plan(task: Task, epoch: int) -> Plan:
    """Return which samples each step of an epoch takes; drawn from the seed and the epoch alone."""
    return plan_of_epoch(task.settings, len(task.data.train.x), epoch, task.weights)


def plan_of_epoch(settings: Settings, samples: int, epoch: int, weights: np.ndarray | None) -> Plan:
    """Return the mini-batches of an epoch; the last one is filled up with share 0.

    Within a batch a sample's share is its weight over the sum of the batch's weights; or its weight
    alone where the loss is a sum over the batch. The weight goes with the target.
    """
    orders = [np.arange(samples)]  # of the samples; and of the targets if it is their own
    if settings.shuffle != "never":
        generator = np.random.Generator(np.random.Philox(key=[settings.seed, epoch]))
        count = 2 if settings.shuffle == "apart" else 1
        orders = [generator.permutation(samples) for _ in range(count)]
    size = min(settings.batch_size, samples)
    rows = np.zeros((len(orders), -(-samples // size) * size), np.int32)
    rows[:, :samples] = orders
    order, *of_targets = rows.reshape(len(orders), -1, size)
    weight = np.zeros(order.shape)
    weight.ravel()[:samples] = 1 if weights is None else weights[orders[-1]]
    return Plan(order, shares(weight, settings.reduction), *of_targets)


def plan_window(plan: Plan, position: int, length: int) -> Plan:
    """Return ``length`` steps of a plan, filled up at the end so that shapes never change."""

    def window(array: np.ndarray) -> np.ndarray:
        piece = array[position : position + length]
        missing = length - len(piece)
        return np.pad(piece, ((0, missing), (0, 0))) if missing else piece

    return tree_map(window, plan)


def walk(task: Task, state: State, begin: int, stop: int) -> State:
    """Take the steps from ``begin`` up to, not including, ``stop``, and keep only the end."""
    while begin < stop:
        epoch, position = divmod(begin, task.steps_per_epoch)
        count = min(stop - begin, task.steps_per_epoch - position, task.capacity)
        piece = plan_window(epoch_plan(task, epoch), position, task.capacity)
        advance = steps_of(task.config.engine).advance
        state, _ = advance(task.config, state, task.dataset, piece, begin, count)
        begin += count
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


def _run(task: Task, state: State, plan: Plan, step: int, position: int, pace: _Pace) -> Segment:
    count = min(pace.steps, task.steps_per_epoch - position)
    piece = plan_window(plan, position, task.capacity)
    started = time.perf_counter()
    advance = steps_of(task.config.engine).advance
    state, segment = advance(task.config, state, task.dataset, piece, step, count)
    losses = np.asarray(segment.losses)[:count]
    pace.tell(count, time.perf_counter() - started)
    recorded = recorded_steps(step, step + count, task.settings.record_every)
    rows = {}
    if segment.rows is not None:
        rows = by_layer(state.network, np.asarray(segment.rows)[: len(recorded)])
    return Segment(step, losses, recorded, rows, state, losses)


def recorded_steps(begin: int, stop: int, every: int) -> np.ndarray:
    """Return the numbers of the recording steps in [begin, stop)."""
    return np.arange(begin + -begin % every, stop, every) if every else np.empty(0, int)


def _fitting_steps(network: Network, record_every: int) -> int:
    bytes_a_step = sum(network.sizes[1:]) * len(ROW_FIELDS) * 4 / (record_every or SEGMENT_STEPS)
    return max(min(SEGMENT_STEPS, int(SEGMENT_BYTES / bytes_a_step)), 1)


def _check_fit(network: Network, data: Data, loss: str) -> None:
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
    if rule.is_broadcast and n_out > 1:
        raise OptionError("error.loss_of_one_output", loss=loss, outputs=n_out)
