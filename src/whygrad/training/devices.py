"""Data parallel training: every device takes its part of each batch, and all take the same step.

The devices stand along one axis. Rows, targets and parameters lie whole on each of them; the plan
of a segment, which says what rows a step takes, is cut along the batch. From that the compiler
follows all the rest of the step: what is summed over samples is summed over devices, so the
gradient, the recorded rows and the loss are those of the whole batch. Where parameters and what
the optimiser keeps of them would not fit into a device, each holds its share of the neurons.

Source: Xu and others 2021, GSPMD: general and scalable parallelization for ML computation graphs;
for the cut parameters Rajbhandari and others 2020, ZeRO.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from whygrad.core import backend, processes
from whygrad.core.arrays import Array, tree_map
from whygrad.core.memory import SHARE, bytes_of_step, free_memory
from whygrad.errors import OptionError
from whygrad.training.evaluation import LaidOut
from whygrad.training.feeding import Feed, Pool
from whygrad.training.loop import Task
from whygrad.training.state import Plan, State
from whygrad.training.step import from_plain, plain

AXIS = "data"


@dataclass(frozen=True)
class Layout:
    """How a job lies on many devices.

    Attributes:
        mesh: the devices, along one axis.
        is_split: whether each holds a part of the parameters alone; else all of them.
        job: number of the job among those of many processes, from 1; 0 in a single process.
    """

    mesh: Mesh
    is_split: bool = False
    job: int = 0

    @property
    def size(self) -> int:
        """How many devices there are."""
        return self.mesh.size

    @cached_property
    def everywhere(self) -> NamedSharding:
        """Where an array lies that each device has whole."""
        return NamedSharding(self.mesh, PartitionSpec())

    def along_batch(self, axis: int) -> NamedSharding:
        """Return where an array lies whose samples are counted along an axis."""
        return NamedSharding(self.mesh, PartitionSpec(*[None] * axis, AXIS))

    def of_parameter(self, shape: tuple[int, ...]) -> NamedSharding:
        """Return where a parameter, or what the optimiser keeps of it, lies.

        A weight that is split is cut along its neurons, or else along its inputs; one with a number
        of neither that all devices can share, and a bias, lie whole on each.
        """
        parts: list[str | None] = [None] * len(shape)
        if self.is_split and len(shape) > 1:
            fitting = (axis for axis in (-1, -2) if shape[axis] % self.size == 0)
            axis = next(fitting, None)
            if axis is not None:
                parts[axis] = AXIS
        return NamedSharding(self.mesh, PartitionSpec(*parts))

    # --- within a compiled step -------------------------------------------------------------

    def cut(self, batch: Array) -> Array:
        """Have each device take its part of a batch, whose samples are counted first."""
        return jax.lax.with_sharding_constraint(batch, self.along_batch(0))

    def kept(self, state: State) -> State:
        """Have a state lie after a step as it lay before."""

        def keep(leaf: Array) -> Array:
            return jax.lax.with_sharding_constraint(leaf, self.of_parameter(leaf.shape))

        return jax.tree.map(keep, state)

    def whole(self, values: Array) -> Array:
        """Have every device hold what a segment leaves behind."""
        return jax.lax.with_sharding_constraint(values, self.everywhere)

    # --- around it --------------------------------------------------------------------------

    def put_whole(self, tree: Any) -> Any:
        """Return arrays as each device has them whole."""
        return tree_map(lambda array: _put(array, self.everywhere), tree)

    def put_state(self, state: State) -> State:
        """Return a state as the devices have it."""
        spread = tree_map(lambda leaf: _put(leaf, self.of_parameter(leaf.shape)), plain(state))
        return from_plain(spread)

    def put_plan(self, plan: Plan) -> Plan:
        """Return a segment's plan cut along the batch, which is filled up with shares of 0."""

        def put(array: np.ndarray) -> Array:
            missing = -array.shape[1] % self.size
            filled = np.pad(array, ((0, 0), (0, missing))) if missing else array
            return _put(filled, self.along_batch(1))

        return tree_map(put, plan)

    def put_part(self, part: LaidOut) -> LaidOut:
        """Return the pieces of a part of the data cut along their samples."""

        def put(array: Array) -> Array:
            missing = -len(array) % self.size
            ends = ((0, missing),) + ((0, 0),) * (array.ndim - 1)
            filled = np.pad(np.asarray(array), ends) if missing else array
            return _put(filled, self.along_batch(0))

        return replace(part, pieces=tuple(tuple(map(put, piece)) for piece in part.pieces))

    def here(self, state: State) -> State:
        """Return a state as one device of this process has it, for whoever writes or looks at it.

        Without a copy; one that is split is put together in the memory of the machine, by all
        processes at the same time.
        """
        if not self.is_split:
            return jax.tree.map(lambda leaf: leaf.addressable_data(0), state)
        from jax.experimental.multihost_utils import process_allgather

        def gather(leaf: Array) -> Array:
            whole = leaf.is_fully_replicated or leaf.is_fully_addressable
            gathered = np.asarray(leaf) if whole else process_allgather(leaf, tiled=True)
            return jax.device_put(gathered, _host())

        return from_plain(tree_map(gather, plain(state)))

    def of_job(self, job: int) -> "Layout":
        """Return the layout that all processes of a job share; job 0 has no others."""
        is_split = processes.agreed(f"{job}/is_split", self.is_split) if job else self.is_split
        return replace(self, is_split=is_split, job=job)

    def agreed(self, step: int, count: int) -> int:
        """Return how many steps all processes take from ``step`` on: as many as the first says.

        Clocks differ, and with them how many each would take; 0 means that training stops here.
        """
        return processes.agreed(f"{self.job}/{step}", count) if self.job else count

    def meet(self) -> bool:
        """Wait for all processes to be ready for the first step, and return that they are."""
        processes.meet(f"{self.job}/ready")
        return True

    def stop(self, step: int) -> None:
        """Tell the other processes, in the first one, that ``step`` will not be taken."""
        if self.job and processes.is_first():
            processes.agreed(f"{self.job}/{step}", 0)

    def beside(self) -> AbstractContextManager[Any]:
        """Return where to compute what is not a step: a network that is split fits no device."""
        return jax.default_device(_host()) if self.is_split else nullcontext()


class Spread:
    """A training part on many devices: the pools of another feed, on each of them.

    Attributes:
        samples, steps: of that feed.
    """

    def __init__(self, feed: Feed, layout: Layout):
        self.samples, self.steps = feed.samples, feed.steps
        self._feed, self._layout = feed, layout
        self._last: tuple[Any, Any] = (None, None)  # a part in memory is put there once

    def kept_in(self, folder: Path) -> AbstractContextManager[None]:
        """Keep meanwhile, on the disk of a folder, what is read and will be asked for again."""
        return self._feed.kept_in(folder)

    def pools(self, epoch: int, position: int = 0, *, ahead: bool = True) -> Generator[Pool]:
        """Yield the pools of an epoch, from the one with the step at ``position`` on."""
        for pool in self._feed.pools(epoch, position, ahead=ahead):
            given, spread = self._last
            if given is not pool.dataset:
                self._last = (None, None)  # of two pools the devices hold but one
                spread = self._layout.put_whole(pool.dataset)
                self._last = (pool.dataset, spread)
            yield replace(pool, dataset=spread)


def spread(task: Task, layout: Layout | None) -> Task:
    """Return a task whose steps are taken by many devices; None leaves it on one."""
    if layout is None:
        return task
    return replace(
        task,
        config=replace(task.config, layout=layout),
        feed=Spread(task.feed, layout),
        validation=layout.put_part(task.validation),
    )


def layout_for(task: Task, sizes: tuple[int, ...], devices: int | None) -> Layout | None:
    """Return how a job lies on the devices that are asked for; None for a single one.

    Args:
        sizes: of the network, from the inputs to the outputs.
        devices: how many that there are, of each process; None for all of them: of a single process
            no more than a batch has samples.

    Raises:
        OptionError: more devices than samples in a batch.
    """
    batch = min(task.settings.batch_size, task.feed.samples)
    backend.start()
    used = [device for own in _by_process() for device in own[:devices]]
    if len(used) > batch and devices is None and processes.count() == 1:
        used = used[:batch]
    if len(used) > batch:
        raise OptionError("error.batch_below_devices", devices=len(used), batch=batch)
    if len(used) == 1:
        return None
    needed = bytes_of_step(sizes, -(-batch // len(used)))
    is_split = needed > SHARE * memory_of(jax.local_devices()[0])
    return Layout(Mesh(np.array(used), (AXIS,)), is_split)


def memory_of(device: Any) -> float:
    """Return how many bytes a device has for a job; infinitely many if nobody tells."""
    told = device.memory_stats() or {}
    if "bytes_limit" in told:
        return told["bytes_limit"]
    free = free_memory()  # of a CPU, whose devices share the memory of the machine
    return float("inf") if free is None else free / jax.local_device_count()


def _by_process() -> list[list[Any]]:
    """Return the devices of each process."""
    found = sorted(jax.devices(), key=lambda device: device.process_index)
    return [list(own) for _, own in groupby(found, lambda device: device.process_index)]


def _put(array: Array, where: NamedSharding) -> Array:
    if where.is_fully_addressable:
        return jax.device_put(array, where)
    # device_put would first compare the array with that of every other process
    return jax.make_array_from_callback(array.shape, where, lambda index: array[index])


def _host() -> Any:
    return jax.local_devices(backend="cpu")[0]
