"""Where the batches of an epoch come from: rows on the device, and the steps that take them.

A pool is as many rows as lie on the device together. A training part in memory is one pool, the
same in every epoch; a stream is read pool after pool, each while the one before it is trained on;
later epochs read from the disk what was parsed, see :mod:`whygrad.data.read_rows`.
The loop, replaying and the search for a failure see pools alone.
"""

from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from whygrad.core.arrays import tree_map
from whygrad.data.read_rows import ReadRows
from whygrad.data.stream import Piece, Stream, pools_of
from whygrad.data.table import Part
from whygrad.settings import Settings
from whygrad.training.engine import steps_of
from whygrad.training.state import DeviceDataset, Plan, StaticConfig
from whygrad.training.weighing import shares, weights_of

OF_UNITS = 2**62  # in the place of the number of a pool


@dataclass(frozen=True)
class Pool:
    """Rows that lie on the device together, and the steps that take them.

    Attributes:
        first: position in the epoch of the first of these steps.
        dataset: the rows.
        plan: which rows each step takes, by their place in ``dataset``.
        numbers: what the rows are called, (rows,): of a training part in memory their place in
            it, of a stream the row of the source.
        targets: of the rows, as the data has them.
    """

    first: int
    dataset: DeviceDataset
    plan: Plan
    numbers: np.ndarray
    targets: np.ndarray

    @property
    def stop(self) -> int:
        """Position in the epoch of the first step after these."""
        return self.first + len(self.plan.rows)


class Feed(Protocol):
    """Whoever has the pools of a training part.

    Attributes:
        samples: how many there are.
        steps: most steps of a pool.
    """

    samples: int
    steps: int

    def kept_in(self, folder: Path) -> AbstractContextManager[None]:
        """Keep meanwhile, on the disk of a folder, what is read and will be asked for again."""
        ...

    def pools(self, epoch: int, position: int = 0, *, ahead: bool = True) -> Generator[Pool]:
        """Yield the pools of an epoch, from the one with the step at ``position`` on.

        Args:
            ahead: whether the pool after each is read meanwhile.
        """
        ...


class Held:
    """A training part that is in memory whole.

    Args:
        dtype: of the inputs on the device.
        outputs: of the network.
        weights: weight of each sample, or None for all alike.

    Attributes:
        samples: how many there are.
        steps: most steps of a pool.
    """

    def __init__(
        self,
        part: Part,
        config: StaticConfig,
        dtype: DTypeLike,
        outputs: int,
        weights: np.ndarray | None,
    ):
        self.samples, self.weights = len(part.y), weights
        self.steps = -(-self.samples // config.settings.batch_size)
        self.dataset = _dataset(part.x, part.y, config, dtype, outputs)
        self._part, self._settings = part, config.settings

    def kept_in(self, folder: Path) -> AbstractContextManager[None]:
        """Keep nothing more: all rows are in memory."""
        return nullcontext()

    def pools(self, epoch: int, position: int = 0, *, ahead: bool = True) -> Generator[Pool]:
        """Yield the pools of an epoch, from the one with the step at ``position`` on."""
        plan = plan_of_epoch(self._settings, self.samples, epoch, self.weights)
        yield Pool(0, self.dataset, plan, np.arange(self.samples), self._part.y)


class Streamed:
    """A training part that is read while it is trained on.

    One thread reads, so that files are read by nobody else at the same time, and it is one pool
    ahead: also of the epoch to come.

    Args:
        dtype: of the inputs on the device.
        outputs: of the network.
        by_class: how much each class counts; None for all alike.

    Attributes:
        samples: how many there are.
        steps: most steps of a pool.
    """

    def __init__(
        self,
        stream: Stream,
        config: StaticConfig,
        dtype: DTypeLike,
        outputs: int,
        by_class: np.ndarray | None,
    ):
        settings = config.settings
        self.samples = stream.samples
        batch = min(settings.batch_size, self.samples)
        rows = max(stream.buffer // batch, 1) * batch
        self._rows = min(rows, self.samples)  # of a pool
        self.steps = -(-self._rows // batch)
        self._batch, self._count = batch, -(-self.samples // self._rows)
        self._stream, self._settings, self._by_class = stream, settings, by_class
        self._laid_out = partial(_dataset, config=config, dtype=dtype, outputs=outputs)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="whygrad-reader")
        self._ahead: tuple[tuple[int, int], Future[_Rows]] | None = None
        self._planned: tuple[int, list[list[Piece]]] = (-1, [])
        self._known: ReadRows | None = None
        self._only: _Rows | None = None  # where one pool holds all rows, it is read once

    @contextmanager
    def kept_in(self, folder: Path) -> Iterator[None]:
        """Keep meanwhile, on the disk of a folder, what is read and will be asked for again."""
        if self._count == 1 or self._settings.epochs == 1:
            yield
            return
        self._known = known = ReadRows(folder, self._stream.counts)
        try:
            yield
        finally:
            self._known = None
            self._reader.submit(known.close).result()  # after what is being read

    def pools(self, epoch: int, position: int = 0, *, ahead: bool = True) -> Generator[Pool]:
        """Yield the pools of an epoch, from the one with the step at ``position`` on.

        Args:
            ahead: whether the pool after each is read meanwhile.

        Raises:
            DataError: a file is gone, or not what it was.
        """
        for number in range(position // self.steps, self._count):
            rows = self._only or self._read(epoch, number)
            if self._count == 1:
                self._only = rows
            elif ahead:
                is_last = number + 1 == self._count
                self._begin(*((epoch + 1, 0) if is_last else (epoch, number + 1)))
            count = min(self._rows, self.samples - number * self._rows)
            plan = plan_of_epoch(
                self._settings, count, epoch, rows.weights, number=number, size=self._batch
            )
            yield Pool(number * self.steps, rows.dataset, plan, rows.numbers, rows.targets)

    def _begin(self, epoch: int, number: int) -> None:
        """Have a pool read in the background, unless it would be one after the end."""
        if epoch < self._settings.epochs and (self._ahead or ((-1, -1),))[0] != (epoch, number):
            self._ahead = ((epoch, number), self._reader.submit(self._load, epoch, number))

    def _read(self, epoch: int, number: int) -> "_Rows":
        self._begin(epoch, number)
        assert self._ahead is not None, "no pool of an epoch after the last is asked for"
        (_, read), self._ahead = self._ahead, None
        return read.result()

    def _load(self, epoch: int, number: int) -> "_Rows":
        part = self._stream.read(self._pieces(epoch)[number], self._known)
        missing = self._rows - len(part)  # so that every pool has one shape
        x, y = (
            np.pad(array, ((0, missing),) + ((0, 0),) * (array.ndim - 1)) if missing else array
            for array in (part.x, part.y)
        )
        return _Rows(self._laid_out(x, y), part.rows, part.y, weights_of(part, self._by_class))

    def _pieces(self, epoch: int) -> list[list[Piece]]:
        """Return what each pool of an epoch takes; that of the last epoch asked for is kept."""
        if self._planned[0] == epoch:
            return self._planned[1]
        counts, settings = self._stream.counts, self._settings
        order = np.arange(len(counts))
        if settings.shuffle != "never":
            order = _generator(settings.seed, epoch, OF_UNITS).permutation(len(counts))
        self._planned = epoch, pools_of(counts, order, self._rows, self._stream.lanes)
        return self._planned[1]


@dataclass(frozen=True)
class _Rows:
    dataset: DeviceDataset
    numbers: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None


def _dataset(
    x: np.ndarray, y: np.ndarray, config: StaticConfig, dtype: DTypeLike, outputs: int
) -> DeviceDataset:
    return steps_of(config.engine).device_dataset(x.astype(dtype, copy=False), y, outputs)


def plan_of_epoch(
    settings: Settings,
    samples: int,
    epoch: int,
    weights: np.ndarray | None,
    *,
    number: int = 0,
    size: int | None = None,
) -> Plan:
    """Return the mini-batches of a pool in an epoch; the last one is filled up with share 0.

    Within a batch a sample's share is its weight over the sum of the batch's weights; or its weight
    alone where the loss is a sum over the batch. The weight goes with the target.

    Args:
        samples: of the pool.
        number: of the pool in the epoch.
        size: samples a batch; default: what the settings say, or all of them where they are fewer.
    """
    orders = [np.arange(samples)]  # of the samples; and of the targets if it is their own
    if settings.shuffle != "never":
        generator = _generator(settings.seed, epoch, number)
        count = 2 if settings.shuffle == "apart" else 1
        orders = [generator.permutation(samples) for _ in range(count)]
    size = size or min(settings.batch_size, samples)
    rows = np.zeros((len(orders), -(-samples // size) * size), np.int32)
    rows[:, :samples] = orders
    order, *of_targets = rows.reshape(len(orders), -1, size)
    weight = np.zeros(order.shape)
    weight.ravel()[:samples] = 1 if weights is None else weights[orders[-1]]
    return Plan(order, shares(weight, settings.reduction), *of_targets)


def _generator(seed: int, epoch: int, number: int) -> np.random.Generator:
    """Return a generator of its own for each pool of each epoch, and for the order of units."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, 0, number]))


def plan_window(plan: Plan, position: int, length: int) -> Plan:
    """Return ``length`` steps of a plan, filled up at the end so that shapes never change."""

    def window(array: np.ndarray) -> np.ndarray:
        piece = array[position : position + length]
        missing = length - len(piece)
        return np.pad(piece, ((0, missing), (0, 0))) if missing else piece

    return tree_map(window, plan)
