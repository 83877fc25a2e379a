"""One call of a layer, and the sums over samples that every kind of layer has.

Every kind obeys the same chain rule. For a weight w between an input x and a neuron k

    dC/dw = sum_i x_i * delta_ik        over samples, and over positions where a weight is shared

What differs from kind to kind is a class in :mod:`whygrad.capture.kinds`.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from whygrad.record.layers import KINDS, LayerKind


@dataclass(frozen=True)
class Use:
    """One call of a layer, as its function was called.

    Attributes:
        kind: name of its row in :mod:`whygrad.record.layers`.
        modules: the classes of torch's that are such layers.
        output_axis: axis of the output that counts the neurons, from the end for -1.
        weight, bias: the parameters, or views of them.
        input: what came in.
    """

    kind: ClassVar[str]
    modules: ClassVar[tuple[type[nn.Module], ...]]
    output_axis: ClassVar[int] = -1

    weight: Tensor
    bias: Tensor | None
    input: Tensor

    @property
    def traits(self) -> LayerKind:
        """What is known of all layers of its kind."""
        return KINDS[self.kind]

    @property
    def x(self) -> Tensor:
        """What the weights are multiplied with, in a precision that sums can be taken in."""
        return wide(self.input)

    @property
    def reach(self) -> Tensor:
        """The length of the input vectors, laid out as :meth:`by_neuron` lays out the output.

        With a single neuron where the vector is the same for all of them.
        """
        raise NotImplementedError

    def contract(self, x: Tensor, delta: Tensor) -> Tensor:
        """Return the sum over samples and positions of x * delta, as the weight."""
        raise NotImplementedError

    @property
    def has_rows(self) -> bool:
        """Whether there is one row of inputs for all neurons."""
        return False

    @property
    def rows(self) -> Tensor:
        """The inputs as (rows, n_in), a row a sample and position, where there are any."""
        raise NotImplementedError

    def by_neuron(self, values: Tensor) -> Tensor:
        """Return (groups, n_out, positions), whatever stands where in a layer's output."""
        if self.output_axis == -1:
            axis = self.traits.neuron_axis
            neurons = self.weight.numel() if axis is None else self.weight.shape[axis]
            return values.reshape(-1, neurons).T.unsqueeze(0)
        return values.flatten(2) if values.dim() > 2 else values.unsqueeze(-1)

    def emptied(self) -> "Use":
        """Return the same call, holding of its input no more than the shape."""
        return replace(self, input=torch.empty_like(self.input, device="meta"))


def wide(values: Tensor) -> Tensor:
    """Return values in a precision that sums can be taken in: half ones as float32."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def fan_in_last(kind: str, weight: Tensor) -> Tensor:
    """Return a weight, or what has its shape, as (n_out, n_in)."""
    axis = KINDS[kind].neuron_axis
    return weight.reshape(-1, 1) if axis is None else weight.movedim(axis, 0).flatten(1)
