"""Where a run first met a number that is not finite: step, layer, parameter and factor."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from whygrad.record.fields import ROW_FIELDS
from whygrad.training.loop import all_finite, epoch_plan
from whygrad.training.replay import state_before
from whygrad.training.step import State, StepTrace, trace_step

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
    first_spoilt = bisect_left(range(step + 1), True, key=lambda number: _is_spoilt(run, number))
    return max(first_spoilt - 1, 0)


def _is_spoilt(run: "TrainedRun", step: int) -> bool:
    state = state_before(run, run.task, step)
    return not all(map(all_finite, jax.tree.leaves((state.network, state.optimizer))))


def _in_order(run: "TrainedRun", step: int) -> Iterator[tuple[str, str, Any, np.ndarray]]:
    """Yield (layer, quantity, place -> address, values) of a step in the order of computation."""
    task = run.task
    batch = epoch_plan(task, step // task.steps_per_epoch)[step % task.steps_per_epoch]
    state = state_before(run, task, step)
    seen, recorded = trace_step(task.config, state, task.dataset, batch)
    yield from _computed(seen)
    yield from _remembered(state_before(run, task, step + 1))
    for name, rows in recorded.items():
        for quantity, values in zip(ROW_FIELDS, np.asarray(rows), strict=True):
            yield name, quantity, _of_neuron(name), values


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


def _remembered(state: State) -> Iterator[tuple[str, str, Any, np.ndarray]]:
    """Yield what the stages keep of every parameter, such as Adam's mean square."""
    for path, values in jax.tree_util.tree_flatten_with_path(state.optimizer)[0]:
        names = [key.key for key in path if isinstance(key, jax.tree_util.DictKey)]
        if len(names) == 3:  # of stage, layer and part; other state is a count or a setting
            _, name, part = names
            yield name, "optimizer_state", _of_parameter(name, part), np.asarray(values)


def _of_neuron(layer: str):
    return lambda place: f"{layer}[{place[-1]}]"


def _of_parameter(layer: str, part: str):
    return lambda place: f"{layer}.{part}[{', '.join(map(str, place))}]"
