"""Which neurons and inputs of a parameter a call's weight holds, by the numbers of entries."""

import torch
from torch import Tensor

from whygrad.capture.origins import Origin
from whygrad.capture.uses import Part, Use


def part_of(origin: Origin, numbers: Tensor, use: Use) -> Part | None:
    """Return where a call's weight stands in its parameter.

    An axis of the parameter counts inputs if one goes along it within a neuron, and neurons
    otherwise. None where one goes along it in both ways.

    Args:
        numbers: of the entries, as the weight.
    """
    of_neurons = use.neuron_axes
    of_inputs = [axis for axis in range(numbers.dim()) if axis not in of_neurons]
    within, between = (
        {at for axis in axes for at in _moved_along(origin, numbers, axis)}
        for axes in (of_inputs, of_neurons)
    )
    if within & between or numbers.shape != use.weight.shape:
        return None
    shape = origin.parameter.shape
    axes = tuple(axis for axis in range(len(shape)) if axis not in within)
    first = numbers
    for axis in sorted(of_inputs, reverse=True):
        first = first.select(axis, 0)
    neurons, places = torch.zeros_like(first), origin.coordinates(first)
    for axis in axes:
        neurons = neurons * shape[axis] + places[axis]
    return Part(shape, axes, numbers, neurons.reshape(-1), origin.gain)


def _moved_along(origin: Origin, numbers: Tensor, axis: int) -> list[int]:
    """Return the axes of the parameter that one goes along with an axis of what comes from it."""
    if numbers.shape[axis] < 2:
        return []
    if origin.is_view:  # every line along an axis is like the first
        line = numbers
        for other in reversed(range(numbers.dim())):
            line = line if other == axis else line.select(other, 0)
        numbers, axis = line, 0
    moved = []
    for at, place in enumerate(origin.coordinates(numbers)):
        if bool((place != place.narrow(axis, 0, 1)).any()):
            moved.append(at)
    return moved
