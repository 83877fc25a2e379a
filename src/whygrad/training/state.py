"""What a step of training works on and leaves behind, whichever engine takes it.

StaticConfig, DeviceDataset     what stays the same during a run
Plan                            which samples each step takes
State                           what changes from step to step
StepTrace, SegmentRecord        what one step, or a segment of steps, leaves behind
anatomy_of                      the part of a step that both engines take alike
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from whygrad.core.arrays import Array, register, tree_map
from whygrad.core.backprop import Anatomy, propagate, propagate_back
from whygrad.core.keys import Key
from whygrad.core.nn.losses import as_matrix, smoothed
from whygrad.core.nn.network import Network, Parameters
from whygrad.settings import Settings

if TYPE_CHECKING:
    from whygrad.training.devices import Layout


@dataclass(frozen=True)
class StaticConfig:
    """What a step is made for; for JAX another static config is another compilation.

    Attributes:
        settings: how to train, with ``loss`` resolved.
        total_steps: length of the run, over which a schedule falls.
        engine: who takes the steps, ``jax`` or ``numpy``; see :mod:`whygrad.training.engine`.
        layout: how the job lies on many devices, see :mod:`whygrad.training.devices`; None on one.
    """

    settings: Settings
    total_steps: int
    engine: str = "jax"
    layout: "Layout | None" = None


@dataclass(frozen=True)
class DeviceDataset:
    """The training part, as the engine has it.

    Attributes:
        x: inputs, (samples, n_in).
        y: class indices (samples,) or values (samples, n_out).
        input_norm: of each sample, (samples,): recording needs it, and no step changes it.
    """

    x: Float[Array, "samples n_in"]
    y: Shaped[Array, "samples *outputs"]
    input_norm: Float[Array, " samples"]


@dataclass(frozen=True)
class Plan:
    """Which samples each of a segment of steps takes.

    Attributes:
        rows: row numbers, (steps, batch).
        share: each sample's share in the mean, (steps, batch); each step's shares sum to 1, unless
            the loss is a sum over the batch. A last batch that is short is filled up with samples
            of share 0.
        target_rows: row numbers of the targets where they are not those of the inputs.
    """

    rows: Int[Array | np.ndarray, "*steps batch"]
    share: Float[Array | np.ndarray, "*steps batch"]
    target_rows: Int[Array | np.ndarray, "*steps batch"] | None = None

    def __getitem__(self, position: int | Array) -> "Plan":
        """Return the plan of one step: its batch."""
        return tree_map(lambda array: array[position], self)


@dataclass(frozen=True)
class State:
    """Everything that changes from step to step; all of it is kept in a checkpoint.

    Attributes:
        network: the parameters.
        optimizer: state of every stage.
        step: steps taken.
        learning_rate: at its highest.
        key: of the dropout masks; a step's own key is folded in from its number.
    """

    network: Network
    optimizer: dict
    step: Int[Array, "*many"]
    learning_rate: Float[Array, "*many"]
    key: Key


@dataclass(frozen=True)
class StepTrace:
    """The whole of one step.

    Attributes:
        anatomy: every layer's part in the gradient.
        gradients: their means.
        stages: what each optimiser stage put out, by name; the last is the update.
        before, after: parameters around the step.
    """

    anatomy: Anatomy
    gradients: Parameters
    stages: dict[str, Parameters]
    before: Parameters
    after: Parameters

    @property
    def update(self) -> Parameters:
        """What the optimiser asks to add to the parameters."""
        return list(self.stages.values())[-1]


@dataclass(frozen=True)
class SegmentRecord:
    """What a segment of steps leaves behind.

    Attributes:
        losses: loss of each step, (steps,).
        rows: of all neurons, (recorded, fields, neurons); unused rows at the end are 0. Of NumPy
            None: a ``numpy_recording.Record`` keeps them. None where nothing is recorded.
        last: what NumPy worked with in the last step. Who holds it until the next segment lets
            that one have its memory, which otherwise goes back to the system and comes again page
            by page: a third of the time of a small epoch.
    """

    losses: Float[Array, "*many steps"]
    rows: Any
    last: Anatomy | None = None


for record, fields in (
    (DeviceDataset, ["x", "y", "input_norm"]),
    (Plan, ["rows", "share", "target_rows"]),
    (State, ["network", "optimizer", "step", "learning_rate", "key"]),
    (StepTrace, ["anatomy", "gradients", "stages", "before", "after"]),
    (SegmentRecord, ["losses", "rows", "last"]),
):
    register(record, fields)


def anatomy_of(
    network: Network,
    settings: Settings,
    x: Float[Array, "batch n_in"],
    y: Shaped[Array, "batch *outputs"],
    share: Float[Array, " batch"],
    key: Key | None,
) -> Anatomy:
    """Walk a batch forward and backward: what a step of either engine begins with.

    Args:
        y: class indices (batch,) or values (batch, n_out).
        share: of each sample in the mean.
        key: draws the dropout of this step; None for none.
    """
    trace = propagate(network, x, key)
    targets = as_matrix(y, network.sizes[-1], trace.output.dtype)
    if settings.label_smoothing:
        targets = smoothed(settings.loss, targets, settings.label_smoothing)
    return propagate_back(network, trace, targets, settings.loss, share)


def has_moved(before: Network, after: Network) -> bool:
    """Return whether training changed a network."""
    for old, new in zip(before.dense, after.dense, strict=True):
        weight = np.asarray(old.weight)
        if not np.array_equal(weight, np.asarray(new.weight)):
            return True
        if old.bias is None or new.bias is None:
            continue
        lost = np.finfo(weight.dtype).eps * np.abs(weight).max()
        if (np.abs(np.asarray(new.bias) - np.asarray(old.bias)) > lost).any():
            return True
    return False
