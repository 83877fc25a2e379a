"""The training step on NumPy: for jobs that are over before JAX is imported and has compiled.

The chain rule is that of :mod:`whygrad.core.backprop`; the stages of the optimiser are those of
:mod:`whygrad.core.numpy_stages`. What :mod:`whygrad.training.step` offers is here under the same
names, and gives the same numbers within rounding, dropout aside: its masks are drawn by NumPy.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from whygrad.core.arrays import fold_in, numpy_key, tree_map
from whygrad.core.backprop import Anatomy, LayerAnatomy
from whygrad.core.nn.losses import as_matrix
from whygrad.core.nn.network import Network, Parameters
from whygrad.core.numpy_stages import Layout, Stage, Vector, build_stages, schedule_of
from whygrad.training.state import (
    DeviceDataset,
    Plan,
    SegmentRecord,
    State,
    StaticConfig,
    StepTrace,
    anatomy_of,
)

HELD_BYTES = 2**17  # of recorded steps that are looked at together: what caches hold
LARGE_BYTES = 2**16  # of the steps of a segment: holding them takes longer than looking at them
WAITING_STEPS = 256  # whose rows are made together, at most


def device_dataset(x: Any, y: Any, outputs: int) -> DeviceDataset:
    """Return samples as training needs them, with the norm of each input vector.

    Args:
        outputs: of the network; classes become rows with a single 1, once for all steps.
    """
    x = np.ascontiguousarray(x)
    targets = as_matrix(np.asarray(y), outputs, x.dtype)
    return DeviceDataset(x, targets, np.linalg.norm(x, axis=1))


def first_state(network: Network, config: StaticConfig, learning_rate: float, seed: int) -> State:
    """Return the state before the first step."""
    layout, dtype = Layout.of(network), network.dense[0].weight.dtype

    def start(stage: Stage) -> dict[str, Any]:
        return {
            name: layout.views(np.zeros(layout.size, dtype))
            if value is None
            else value.astype(dtype if value.dtype.kind == "f" else value.dtype)
            for name, value in stage.kept.items()
        }

    stages = build_stages(config.settings, layout)
    optimizer = {stage.name: start(stage) for stage in stages}
    is_scheduled = schedule_of(config.settings, config.total_steps) is not None
    optimizer["learning_rate"] = {"count": np.zeros((), np.int32)} if is_scheduled else {}
    return State(
        network=network,
        optimizer=optimizer,
        step=np.zeros((), np.int32),
        learning_rate=np.asarray(learning_rate, dtype),
        key=numpy_key(seed),
    )


class Walk:
    """Takes one step after the other, in place, on a copy of a state.

    Args:
        state: to begin from; is left as it is.
    """

    def __init__(self, config: StaticConfig, state: State):
        self.settings = config.settings
        self.layout = Layout.of(state.network)
        self.parameters = self.layout.vector(state.network.parameters)
        self.network = state.network.with_parameters(self.layout.views(self.parameters))
        self.stages = build_stages(config.settings, self.layout)
        self.kept = {name: self._copied(kept) for name, kept in state.optimizer.items()}
        self.schedule = schedule_of(config.settings, config.total_steps)
        self.key, self.step = state.key, int(state.step)
        self.rate = state.learning_rate
        self.drops = any(dense.dropout for dense in state.network.dense)

    def _copied(self, kept: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a stage with vectors in place of parameters."""
        return {
            name: self.layout.vector(value) if isinstance(value, dict) else np.array(value)
            for name, value in kept.items()
        }

    def take(
        self,
        dataset: DeviceDataset,
        rows: np.ndarray,
        share: Float[np.ndarray, " batch"],
        target_rows: np.ndarray | None,
        look: Callable[[str, Vector], None] | None = None,
    ) -> tuple[Anatomy, Parameters]:
        """Take a step and return its anatomy and gradients.

        Args:
            look: is shown the vector that each stage puts out, before the next overwrites it.
        """
        network, settings = self.network, self.settings
        key = fold_in(self.key, self.step) if self.drops else None
        x = dataset.x.take(rows, 0)
        y = dataset.y.take(rows if target_rows is None else target_rows, 0)
        anatomy = anatomy_of(network, settings, x, y, share, key)
        gradients = anatomy.gradients()
        self.move(self.layout.vector(gradients), look)
        self.step += 1
        return anatomy, gradients

    def move(self, gradient: Vector, look: Callable[[str, Vector], None] | None = None) -> None:
        """Send a gradient, which is overwritten, through all stages, and add what comes out."""
        for stage in self.stages:
            stage.update(self.kept[stage.name], gradient, self.parameters)
            if look is not None:
                look(stage.name, gradient)
        gradient *= -self.rate if self.schedule is None else -self.rate * self._share_of_rate()
        if look is not None:
            look("learning_rate", gradient)
        self.parameters += gradient

    def _share_of_rate(self) -> np.floating:
        assert self.schedule is not None
        count = self.kept["learning_rate"]["count"]
        share = self.schedule(int(count))
        count += 1
        return self.parameters.dtype.type(share)

    def state(self) -> State:
        """Return the state that was reached; the next step overwrites it."""
        return State(
            network=self.network,
            optimizer={
                name: {
                    part: self.layout.views(value) if value.ndim else value
                    for part, value in kept.items()
                }
                for name, kept in self.kept.items()
            },
            step=np.asarray(self.step, np.int32),
            learning_rate=self.rate,
            key=self.key,
        )


def advance(
    config: StaticConfig, state: State, dataset: DeviceDataset, plan: Plan, begin: int, count: int
) -> tuple[State, SegmentRecord]:
    """Take ``count`` steps of ``plan``; the state that is given is left as it is.

    Args:
        begin: number of the first step.
    """
    every, walk = config.settings.record_every, Walk(config, state)
    losses = np.zeros(len(plan.rows), walk.parameters.dtype)
    record, anatomy = Recorded(walk) if every else None, None
    # what fills a short batch up stands behind it
    used = plan.share.shape[1] - np.argmax(plan.share[:count, ::-1] > 0, axis=1)
    with np.errstate(all="ignore"):
        for position, end in enumerate(used.tolist()):
            rows, share = plan.rows[position, :end], plan.share[position, :end]
            told = None if plan.target_rows is None else plan.target_rows[position, :end]
            anatomy, gradients = walk.take(dataset, rows, share, told)
            losses[position] = anatomy.loss
            if record is not None and (begin + position) % every == 0:
                record.take(anatomy, gradients, dataset.input_norm.take(rows))
        if record is not None:
            record.end()
    return walk.state(), SegmentRecord(losses, record, anatomy)


class Recorded:
    """Recorded steps of a segment: held as they are, and looked at many at once.

    Args:
        walk: whose steps they are.

    Attributes:
        count: how many there are.
        bytes: what those take that were not looked at yet.
    """

    def __init__(self, walk: Walk):
        self.count = self.bytes = 0
        self._walk = walk
        self._held: list[tuple[Anatomy, Parameters, np.ndarray, np.ndarray]] = []
        self._sizes: list[np.ndarray] = []

    def take(self, anatomy: Anatomy, gradients: Parameters, input_norm: np.ndarray) -> None:
        """Hold the step that was just taken."""
        self._hold((anatomy, gradients, input_norm, self._walk.parameters.copy()))

    def end(self) -> None:
        """Take note that the segment is over: large steps do not wait for those of others."""
        if self.bytes > LARGE_BYTES:
            self._look()

    def join(self, later: "Recorded") -> None:
        """Take over the steps of a later segment."""
        if later._sizes:
            self._look()
            self._sizes += later._sizes
            self.count += later.count - len(later._held)
        for step in later._held:
            self._hold(step)

    def rows(self) -> np.ndarray:
        """Return the numbers of ROW_FIELDS of all of them, (recorded, fields, neurons)."""
        from whygrad.training.recording import as_rows, width

        with np.errstate(all="ignore"):
            self._look()
            network = self._walk.network
            dtype = network.dense[0].weight.dtype
            none = np.zeros((0, width(network)), dtype)
            return as_rows(network, np.concatenate([none, *self._sizes]))

    def _hold(self, step: tuple[Anatomy, Parameters, np.ndarray, np.ndarray]) -> None:
        anatomy, _, input_norm, _ = step
        if self._held and len(self._held[-1][2]) != len(input_norm):
            self._look()  # at batches of one size together
        self._held.append(step)
        self.count += 1
        self.bytes += sum(
            layer.input.nbytes + layer.delta.nbytes for layer in anatomy.layers.values()
        )
        if self.bytes > HELD_BYTES:
            self._look()

    @np.errstate(all="ignore")  # what is not finite is told by whoever asks
    def _look(self) -> None:
        """Turn the steps that are held into sizes."""
        # most estimators record nothing and need none of it
        from whygrad.training.recording import marks_of, sizes

        if not self._held:
            return
        network, layout = self._walk.network, self._walk.layout
        anatomies, gradients, norms, after = zip(*self._held, strict=True)
        layers = {n: _together([one.layers[n] for one in anatomies]) for n in network.layers}
        stacked = tree_map(lambda *arrays: _stacked(arrays), *gradients)
        marks = marks_of(network.with_parameters(layout.views(_stacked(after))))
        self._sizes.append(sizes(network, layers, stacked, _stacked(norms), marks))
        self._held, self.bytes = [], 0


def may_wait(records: Sequence[Recorded | None]) -> bool:
    """Return whether the records of some segments are so small that more may join them."""
    there = [record for record in records if record is not None]
    are_small = sum(record.bytes for record in there) < HELD_BYTES
    return are_small and 0 < sum(record.count for record in there) < WAITING_STEPS


def rows_of(records: Sequence[Recorded | None]) -> list[np.ndarray | None]:
    """Return the rows of each of some segments, (recorded, fields, neurons), made together.

    NumPy takes longer to be called than to compute. What is joined is used up.
    """
    there = [record for record in records if record is not None]
    if not there:
        return [None] * len(records)
    ends = np.cumsum([record.count for record in there])
    for record in there[1:]:
        there[0].join(record)
    rows = iter(np.split(there[0].rows(), ends[:-1]))
    return [None if record is None else next(rows) for record in records]


def _together(steps: Sequence[LayerAnatomy]) -> LayerAnatomy:
    """Return a layer's part in many steps, along a first axis: what recording asks for."""
    asked = ("input", "preactivation", "upstream", "delta", "share")
    return replace(
        steps[0], **{name: _stacked([getattr(step, name) for step in steps]) for name in asked}
    )


def _stacked(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return arrays along a first axis; a single one is not copied."""
    return np.stack(arrays) if len(arrays) > 1 else arrays[0][None]


advance_from = advance  # which leaves the state that it is given


def plain(state: State) -> State:
    """Return a state in arrays alone, as a checkpoint keeps it: it is."""
    return state


from_plain = plain


def shapes_of(network: Network, config: StaticConfig) -> State:
    """Return arrays of the shapes of the states of a run."""
    return first_state(network, config, 0.0, 0)


def trace_step(
    config: StaticConfig, state: State, dataset: DeviceDataset, batch: Plan
) -> tuple[StepTrace, dict[str, np.ndarray]]:
    """Return the trace of the next step, and the rows that recording it would keep."""
    from whygrad.training.recording import by_layer

    walk = Walk(config, state)
    stages: dict[str, Parameters] = {}

    def look(name: str, vector: Vector) -> None:
        stages[name] = walk.layout.views(vector.copy())

    before = walk.layout.views(walk.parameters.copy())
    with np.errstate(all="ignore"):
        told = batch.target_rows
        anatomy, gradients = walk.take(dataset, batch.rows, batch.share, told, look)
        norm = dataset.input_norm[batch.rows]
        record = Recorded(walk)
        record.take(anatomy, gradients, norm)
        recorded = by_layer(walk.network, record.rows()[0])
    return StepTrace(anatomy, gradients, stages, before, walk.network.parameters), recorded
