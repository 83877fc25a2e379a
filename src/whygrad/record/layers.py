"""What a layer is, whoever trains it: its kind, its sizes, its parameters, where it stands.

:data:`KINDS` holds what every reader of a record must know of a kind, one row each;
``whygrad.capture.kinds`` has the other half of a watched kind's row: how torch calls it, and what
its gradients are sums of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from whygrad.record.activations import FACTS


@dataclass(frozen=True)
class LayerKind:
    """What differs from kind to kind.

    Attributes:
        neuron_axis: axis of the weight that counts the neurons, unless the layer has others; None
            where every number of the weight is a neuron of its own.
        source: what a weight's input is, a key under ``watched.source``.
        sums_inputs: whether a neuron is a weighted sum, which may die, saturate or fade; others
            pass on what they are given.
        takes_outputs: whether input j is the output of neuron j of the layer before.
        is_lookup: whether inputs are row numbers, of which a sample asks for one at a time.
        is_norm: whether it scales what it normalised, so that an activation behind it is that of
            the layer before, too.
    """

    neuron_axis: int | None
    source: str
    sums_inputs: bool = True
    takes_outputs: bool = False
    is_lookup: bool = False
    is_norm: bool = False


@dataclass(frozen=True)
class Layout:
    """Which axes of a weight count its neurons; all others count what leads into each.

    Attributes:
        axes: of the neurons, in order; None where every number of the weight is a neuron.
    """

    axes: tuple[int, ...] | None

    def sizes(self, shape: Sequence[int]) -> tuple[int, int]:
        """Return how many weights lead into a neuron and how many neurons there are."""
        n_out = prod(shape[axis] for axis in self.neurons(shape))
        return prod(shape) // max(n_out, 1), n_out

    def as_matrix(self, array: np.ndarray) -> np.ndarray:
        """Return weights, or what has their shape, as (n_in, n_out)."""
        axes = self.neurons(array.shape)
        laid = np.moveaxis(array, axes, range(-len(axes), 0)) if axes else array
        return laid.reshape(self.sizes(array.shape))

    def from_matrix(self, matrix: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Return what :meth:`as_matrix` made of an array of this shape as it was."""
        axes = self.neurons(shape)
        laid = matrix.reshape((*self.inputs_shape(shape), *(shape[axis] for axis in axes)))
        return np.moveaxis(laid, range(-len(axes), 0), axes) if axes else laid

    def inputs_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the axes of the weight that count a neuron's inputs, channels first."""
        axes = self.neurons(shape)
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    def place_of(self, index: Sequence[int], shape: Sequence[int]) -> tuple[int, int]:
        """Return input and neuron of a weight, by its place in an array of this shape."""
        axes = self.neurons(shape)
        others = [axis for axis in range(len(shape)) if axis not in axes]
        input, neuron = (
            int(np.ravel_multi_index([index[a] for a in part], [shape[a] for a in part]))
            if part
            else 0
            for part in (others, axes)
        )
        return input, neuron

    def neurons(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the axes of a shape that count the neurons."""
        count = len(shape)
        if self.axes is None:
            return tuple(range(count))
        return tuple(axis % count for axis in self.axes if -count <= axis < count)


DENSE = "dense"  # of whygrad's own networks: weights are (n_in, n_out)
KINDS: dict[str, LayerKind] = {
    DENSE: LayerKind(-1, "input", takes_outputs=True),
    "linear": LayerKind(0, "input", takes_outputs=True),
    "conv": LayerKind(0, "patch"),
    "conv_transpose": LayerKind(1, "patch"),
    "embedding": LayerKind(-1, "row", sums_inputs=False, is_lookup=True),
    "norm": LayerKind(None, "normal", sums_inputs=False, is_norm=True),
    "channel_norm": LayerKind(None, "normal", sums_inputs=False, is_norm=True),
    "scale": LayerKind(None, "factor", sums_inputs=False),
    "shift": LayerKind(None, "constant", sums_inputs=False),
    "alone": LayerKind(None, "constant", sums_inputs=False),
}
ADDED = ("shift", "alone")  # what no input is multiplied with: whole layers of biases
WATCHED_KINDS = tuple(name for name in KINDS if name != DENSE)


@dataclass(frozen=True)
class Packed:
    """Where the rows of a layer stand in a parameter that several layers share.

    Attributes:
        first, rows: the layer's first row, and the rows of the whole parameter.
    """

    first: int
    rows: int


@dataclass(frozen=True)
class LayerSpec:
    """A layer as every reader of a record sees it.

    Attributes:
        name: as its network calls it.
        kind: a name of :data:`whygrad.record.layers.KINDS`; ``dense`` in whygrad's own networks.
        n_in, n_out: how many weights lead into a neuron, and how many neurons there are.
        shape: of the weight, in the order of axes that its network has.
        weight, bias: names of the parameters; the bias None where there is none.
        activation: its name.
        steepest: the largest slope of the activation.
        is_exactly_flat: whether its slope is 0 where it is flat.
        is_matched: whether loss and activation are taken as one function, with slope 1.
        feeds: the only layer that takes this one's outputs as its inputs, if there is just one.
        packed_weight, packed_bias: set where the parameter may hold other layers' rows, too.
        neuron_axes: axes of the weight that count the neurons, where its kind has others.
    """

    name: str
    kind: str
    n_in: int
    n_out: int
    shape: tuple[int, ...]
    weight: str
    bias: str | None
    activation: str
    steepest: float
    is_exactly_flat: bool
    is_matched: bool = False
    feeds: str | None = None
    packed_weight: Packed | None = None
    packed_bias: Packed | None = None
    neuron_axes: tuple[int, ...] | None = None

    @property
    def traits(self) -> LayerKind:
        """What is known of all layers of its kind."""
        return KINDS[self.kind]

    @property
    def layout(self) -> Layout:
        """Which axes of its weight count the neurons."""
        return layout_of(self.kind, self.neuron_axes)

    def as_matrix(self, array: np.ndarray) -> np.ndarray:
        """Return the weights, or what has their shape, as (n_in, n_out)."""
        return self.layout.as_matrix(array)

    def from_matrix(self, matrix: np.ndarray) -> np.ndarray:
        """Return what has the shape of the weight, of a matrix (n_in, n_out)."""
        return self.layout.from_matrix(matrix, self.shape)

    def input_place(self, input: int) -> tuple[int, ...]:
        """Return where an input stands: ``(channel, row, column)`` in a convolution's patch."""
        shape = self.layout.inputs_shape(self.shape)
        return tuple(int(i) for i in np.unravel_index(input, shape)) if shape else ()


def layout_of(kind: str, axes: Sequence[int] | None) -> Layout:
    """Return the layout of a layer of a kind, or with axes of its own."""
    if axes is not None:
        return Layout(tuple(axes))
    axis = KINDS[kind].neuron_axis
    return Layout(None if axis is None else (axis,))


def specs_of_watched(description: Mapping[str, Any]) -> dict[str, LayerSpec]:
    """Return the layers of a watched model, in the order in which they were called.

    Args:
        description: ``run.json``.
    """
    return {name: _watched(name, layer) for name, layer in description["layers"].items()}


def _watched(name: str, layer: Mapping[str, Any]) -> LayerSpec:
    activation, shape = layer["activation"], tuple(layer["shape"])
    first, rows = layer.get("first", 0), layer.get("parameter_rows", shape[0])
    axes = layer.get("neuron_axes")
    rows_of_bias = layer.get("bias_rows", layer.get("parameter_rows", layer["n_out"]))
    return LayerSpec(
        name=name,
        kind=layer["kind"],
        n_in=layer["n_in"],
        n_out=layer["n_out"],
        shape=shape,
        weight=layer["weight"],
        bias=layer["bias"],
        activation=activation,
        steepest=layer["steepest"],
        is_exactly_flat=activation in FACTS and FACTS[activation].exactly_flat,
        feeds=layer["feeds"],
        packed_weight=None if KINDS[layer["kind"]].is_lookup else Packed(first, rows),
        packed_bias=None
        if KINDS[layer["kind"]].is_lookup
        else Packed(layer.get("bias_first", first), rows_of_bias),
        neuron_axes=None if axes is None else tuple(axes),
    )


def specs_of_network(
    sizes: Sequence[int],
    activations: Sequence[str],
    biases: Sequence[bool],
    *,
    is_matched: bool = False,
) -> dict[str, LayerSpec]:
    """Return the layers of one of whygrad's own networks, first to last.

    Args:
        sizes: numbers of neurons, from the inputs to the outputs.
        activations, biases: name of each layer's activation, and whether it has biases.
        is_matched: whether loss and output activation are taken as one function.
    """
    names = [*(f"hidden{i + 1}" for i in range(len(sizes) - 2)), "output"]
    parts = zip(names, pairwise(sizes), activations, biases, [*names[1:], None], strict=True)
    return {
        name: LayerSpec(
            name=name,
            kind=DENSE,
            n_in=n_in,
            n_out=n_out,
            shape=(n_in, n_out),
            weight=f"{name}.weight",
            bias=f"{name}.bias" if has_bias else None,
            activation=activation,
            steepest=FACTS[activation].steepest,
            is_exactly_flat=FACTS[activation].exactly_flat,
            is_matched=is_matched and name == "output",
            feeds=above,
        )
        for name, (n_in, n_out), activation, has_bias, above in parts
    }
