"""The training step on NumPy: for jobs that are over before JAX is imported and has compiled.

The chain rule is that of :mod:`whygrad.core.backprop`; the stages of the optimiser are those of
:mod:`whygrad.core.numpy_stages`. What :mod:`whygrad.training.step` offers is here under the same
names, and gives the same numbers within rounding, dropout aside: its masks are drawn by NumPy.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from whygrad.core.backprop import Anatomy
from whygrad.core.keys import fold_in, numpy_key
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

if TYPE_CHECKING:
    from whygrad.training.numpy_recording import Record


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


def record_of(network: Network, batch: int) -> "Record":
    """Return what keeps the recorded steps of a training.

    Args:
        batch: most samples of a step.
    """
    # most estimators record nothing and need none of it
    from whygrad.training.numpy_recording import Record

    return Record(network, batch)


def advance(
    config: StaticConfig,
    state: State,
    dataset: DeviceDataset,
    plan: Plan,
    begin: int,
    count: int,
    record: "Record | None" = None,
) -> tuple[State, SegmentRecord]:
    """Take ``count`` steps of ``plan``; the state that is given is left as it is.

    Args:
        begin: number of the first step.
        record: keeps the steps that are to be recorded.
    """
    every, walk, anatomy = config.settings.record_every, Walk(config, state), None
    recorded = range(0) if record is None else range(-begin % every, count, every)
    losses = np.zeros(len(plan.rows), walk.parameters.dtype)
    # what fills a short batch up stands behind it
    used = plan.share.shape[1] - np.argmax(plan.share[:count, ::-1] > 0, axis=1)
    with np.errstate(all="ignore"):
        for position, end in enumerate(used.tolist()):
            rows, share = plan.rows[position, :end], plan.share[position, :end]
            told = None if plan.target_rows is None else plan.target_rows[position, :end]
            anatomy, gradients = walk.take(dataset, rows, share, told)
            losses[position] = anatomy.loss
            if record is not None and position in recorded:
                norm = dataset.input_norm.take(rows)
                record.take(anatomy, gradients, walk.parameters, norm)
    return walk.state(), SegmentRecord(losses, None, anatomy)


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
    from whygrad.training.numpy_recording import Record
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
        record = Record(walk.network, len(norm))
        record.take(anatomy, gradients, walk.parameters, norm)
        (rows,) = record.rows()
    recorded = by_layer(walk.network, rows)
    return StepTrace(anatomy, gradients, stages, before, walk.network.parameters), recorded
