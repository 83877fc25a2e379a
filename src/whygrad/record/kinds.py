"""Kinds of layers: what every reader of a record must know of each, one row a kind.

:mod:`whygrad.capture.kinds` has the layers of torch's that are of each kind: how they are called,
and what their gradients are sums of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np


@dataclass(frozen=True)
class LayerKind:
    """What differs from kind to kind.

    Attributes:
        neuron_axis: axis of the weight that counts the neurons; None where every number of the
            weight is a neuron of its own.
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

    def sizes(self, shape: Sequence[int]) -> tuple[int, int]:
        """Return how many weights lead into a neuron and how many neurons there are."""
        if self.neuron_axis is None or self.neuron_axis >= len(shape):
            return (1, prod(shape)) if self.neuron_axis is None else (prod(shape), 1)
        n_out = shape[self.neuron_axis]
        return prod(shape) // max(n_out, 1), n_out

    def as_matrix(self, array: np.ndarray) -> np.ndarray:
        """Return weights, or what has their shape, as (n_in, n_out)."""
        if self.neuron_axis is None:
            return array.reshape(1, -1)
        laid = np.moveaxis(array, self.neuron_axis, -1)
        return laid.reshape(-1, laid.shape[-1])

    def inputs_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the axes of the weight that count a neuron's inputs, channels first."""
        if self.neuron_axis is None:
            return ()
        axis = self.neuron_axis % len(shape)
        return (*shape[:axis], *shape[axis + 1 :])

    def place_of(self, index: Sequence[int], shape: Sequence[int]) -> tuple[int, int]:
        """Return input and neuron of a weight, by its place in an array of this shape."""
        if self.neuron_axis is None:
            return 0, int(np.ravel_multi_index(tuple(index), tuple(shape)))
        axis = self.neuron_axis % len(shape)
        inputs = (*index[:axis], *index[axis + 1 :])
        return int(np.ravel_multi_index(inputs, self.inputs_shape(shape))), index[axis]


DENSE = "dense"  # of whygrad's own networks: weights are (n_in, n_out)
KINDS: dict[str, LayerKind] = {
    DENSE: LayerKind(-1, "input", takes_outputs=True),
    "linear": LayerKind(0, "input", takes_outputs=True),
    "conv": LayerKind(0, "patch"),
    "conv_transpose": LayerKind(1, "patch"),
    "embedding": LayerKind(-1, "row", sums_inputs=False, is_lookup=True),
    "norm": LayerKind(None, "normal", sums_inputs=False, is_norm=True),
    "channel_norm": LayerKind(None, "normal", sums_inputs=False, is_norm=True),
}
WATCHED_KINDS = tuple(name for name in KINDS if name != DENSE)
