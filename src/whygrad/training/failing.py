"""Why training stopped: a number that is not finite, or nothing that moved; and where it began.

Nothing moved means: not one weight differs from its start, and no bias by more than what is lost
beside its layer's weights. The cause is the first in the order in which a step computes: shares of
the samples, the four factors from the loss downward, optimiser stages, rounding.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.core.arrays import leaves, named_leaves
from whygrad.core.backprop import Anatomy
from whygrad.core.factors import layer_factors
from whygrad.core.nn.losses import is_matched, loss_rule
from whygrad.core.nn.network import Network, Parameters
from whygrad.errors import RunError, StalledError
from whygrad.record.fields import ROW_FIELDS
from whygrad.settings import Settings
from whygrad.training.engine import steps_of
from whygrad.training.loop import all_finite
from whygrad.training.replay import state_before
from whygrad.training.state import (
    DeviceDataset,
    Plan,
    State,
    StaticConfig,
    StepTrace,
    has_moved,
)

if TYPE_CHECKING:
    from whygrad.training.trained import TrainedRun


@dataclass(frozen=True)
class Blowup:
    """The first number that was not finite, in the order in which a step computes them.

    Attributes:
        step: number of the step.
        layer: the layer.
        quantity: what of it: input, preactivation, output, sample_loss, upstream, slope, delta,
            gradient, an optimiser stage, parameter, optimizer_state, or a recorded factor.
        parameter: address of the weight or bias, or of the neuron, that it belongs to.
        value: what came: NaN or an infinity, in words.
        largest_before: largest size of the same quantity one step earlier.
    """

    step: int
    layer: str
    quantity: str
    parameter: str
    value: str
    largest_before: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_blowup(run: "TrainedRun", step: int) -> Blowup | None:
    """Return the first number of a step that was not finite, or None if all were.

    The step before is looked at too: its loss was finite, but what it did may not have been. A
    flat activation can hide an infinite weight from the loss for many steps, so the search begins
    at the last step that started from finite parameters.
    """
    before: dict[tuple[str, str], float] = {}
    for number in range(max(_last_sound(run, step) - 1, 0), step + 1):
        for layer, quantity, parameter, values in _in_order(run, number):
            is_finite = np.isfinite(values)
            largest = float(np.abs(values[is_finite]).max(initial=0))
            if not is_finite.all():
                place = np.argwhere(~is_finite)[0]
                value = str(float(values[tuple(place)]))
                largest = before.get((layer, quantity), largest)
                return Blowup(number, layer, quantity, parameter(place), value, largest)
            before[layer, quantity] = largest
    return None


def _last_sound(run: "TrainedRun", step: int) -> int:
    """Return the last step up to ``step`` that started from finite parameters.

    What is not finite stays so from step to step, so halving finds it.
    """

    def is_spoilt(number: int) -> bool:
        state = state_before(run, run.task, number)
        return not all(map(all_finite, leaves((state.network, state.optimizer))))

    return max(bisect_left(range(step + 1), True, key=is_spoilt) - 1, 0)


def _in_order(run: "TrainedRun", step: int) -> Iterator[tuple[str, str, Any, np.ndarray]]:
    """Yield (layer, quantity, place -> address, values) of a step in the order of computation."""
    task = run.task
    pool, batch = task.batch(step)
    state = state_before(run, task, step)
    seen, recorded = _traced(task.config, state, pool.dataset, batch)
    yield from _computed(seen)
    # what the stages keep of every parameter, such as Adam's mean square
    kept = state_before(run, task, step + 1).optimizer
    for path, values in named_leaves(kept).items():
        names = path.split(".")
        if len(names) == 4:  # of stage, moment, layer and part; other state is one number
            *_, name, part = names
            yield name, "optimizer_state", _of_parameter(name, part), np.asarray(values)
    for name, rows in recorded.items():
        for quantity, values in zip(ROW_FIELDS, np.asarray(rows), strict=True):
            yield name, quantity, _of_neuron(name), values


def _traced(
    config: StaticConfig, state: State, dataset: DeviceDataset, batch: Plan
) -> tuple[StepTrace, dict[str, np.ndarray]]:
    return steps_of(config.engine).trace_step(config, state, dataset, batch)


def _computed(seen: StepTrace) -> Iterator[tuple[str, str, Any, np.ndarray]]:
    layers = seen.anatomy.layers
    for name, layer in layers.items():
        for quantity in ("preactivation", "output"):
            yield name, quantity, _of_neuron(name), np.asarray(getattr(layer, quantity))
    yield "output", "sample_loss", lambda place: "output", np.asarray(seen.anatomy.sample_loss)
    for name, layer in reversed(layers.items()):
        for quantity in ("upstream", "slope", "delta"):
            yield name, quantity, _of_neuron(name), np.asarray(getattr(layer, quantity))
    movement = {"gradient": seen.gradients, **seen.stages, "parameter": seen.after}
    for quantity, parts in movement.items():
        for name, arrays in parts.items():
            for part, values in arrays.items():
                yield name, quantity, _of_parameter(name, part), np.asarray(values)


def _of_neuron(layer: str):
    return lambda place: f"{layer}[{place[-1]}]"


def _of_parameter(layer: str, part: str):
    return lambda place: f"{layer}.{part}[{', '.join(map(str, place))}]"


# --- whether training moved anything ----------------------------------------------------------

OPTIMAL = 1e-6  # errors of this size, relative to the targets, are none


def find_stall(run: "TrainedRun", network: Network, step: int) -> StalledError | None:
    """Return the error of a run that has moved nothing in its steps up to ``step``, else None."""
    try:
        start = run.checkpoint(0).state.network
    except RunError:  # without its start nothing can be told
        return None
    if not step or has_moved(start, network):
        return None
    task = run.task
    pool, _ = task.batch(step - 1)
    last = (step - 1) % task.steps_per_epoch - pool.first
    # a batch of weight 0 cannot tell anything
    weighed = np.flatnonzero(np.asarray(pool.plan.share)[: last + 1].sum(axis=1))
    position = int(weighed[-1]) if len(weighed) else last
    state = state_before(run, task, step - 1 - last + position)
    return why_stalled(task.config, state, pool.dataset, pool.plan[position], run.path)


def why_stalled(
    config: StaticConfig, state: State, dataset: DeviceDataset, batch: Plan, where: object
) -> StalledError | None:
    """Return the error that says why a step moves nothing.

    None if it does move something, or if nothing is left to learn: the outputs are what the
    targets ask for, or what the samples ask for cancels to rounding, as at an optimum.

    Args:
        where: what is training, for the message.
    """
    if not np.asarray(batch.share).any():
        return StalledError("error.stalled_share", where=where)
    seen, _ = _traced(config, state, dataset, batch)
    after = state.network.with_parameters(seen.after)
    if has_moved(state.network, after):
        return None
    # only a squared error grows with the targets; the upstream of others is at most about 1
    is_squared = config.settings.loss in ("squared", "broadcast_squared")
    size = float(np.abs(np.asarray(dataset.y)).max()) if is_squared else 1.0
    if _is_optimal(seen.anatomy, config.settings, state.network.output_activation, size):
        return None
    if not _largest(seen.gradients):
        return _of_gradient(seen.anatomy, where)
    return None if _cancels(seen) else _of_update(seen, where)


def _is_optimal(anatomy: Anatomy, settings: Settings, activation: str, size: float) -> bool:
    """Return whether no sample asks for anything."""
    counted = np.asarray(anatomy["output"].share) > 0
    requested = np.abs(np.asarray(anatomy["output"].upstream)[counted]).max()
    missed = np.abs(np.asarray(anatomy.sample_loss)[counted]).max()
    # a probability that is clipped asks for nothing, however wrong it is
    is_clipped = loss_rule(settings.loss).is_categorical and not is_matched(
        settings.loss, activation
    )
    return bool(missed <= OPTIMAL * size or (requested <= OPTIMAL * size and not is_clipped))


def _cancels(seen: StepTrace) -> bool:
    """Return whether what is left of the gradients is rounding of terms that cancel."""
    agreements = [
        float(layer_factors(layer, seen.gradients[name]["weight"]).agreement)
        for name, layer in seen.anatomy.layers.items()
        if np.asarray(seen.gradients[name]["weight"]).any()  # else the biases alone are asked
    ]
    return max(agreements, default=1.0) <= OPTIMAL


def _of_gradient(anatomy: Anatomy, where: object) -> StalledError:
    """Return the error of gradients that are all 0: the lowest layer that is asked for something.

    Below it nothing arrives, so what is 0 in this layer is the first cause.
    """
    cause = ("output", "upstream")
    for name, layer in reversed(anatomy.layers.items()):
        four = layer_factors(layer, layer.gradient()["weight"])
        if not float(four.upstream):
            break
        zero = (one for one in ("slope", "input") if not float(getattr(four, one)))
        cause = (name, next(zero, "agreement"))
    return StalledError(f"error.stalled_{cause[1]}", where=where, layer=cause[0])


def _of_update(seen: StepTrace, where: object) -> StalledError:
    """Return the error of a gradient that a stage, or rounding, makes nothing of."""
    sizes = [_largest(seen.gradients), *map(_largest, seen.stages.values())]
    kept = [out / actual if actual else 1.0 for actual, out in pairwise(sizes)]
    stage = list(seen.stages)[int(np.argmin(kept))]
    said = {"where": where, "stage": stage}
    if not sizes[-1]:
        return StalledError("error.stalled_stage", **said, gradient=sizes[0])
    weight = _largest({name: {"weight": parts["weight"]} for name, parts in seen.before.items()})
    return StalledError("error.stalled_rounding", **said, update=sizes[-1], weight=weight)


def _largest(parameters: Parameters) -> float:
    return max(float(np.abs(np.asarray(leaf)).max()) for leaf in leaves(parameters))
