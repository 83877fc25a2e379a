"""One call of a layer, and the sums over samples that every kind of layer has.

Every kind obeys the same chain rule. For a weight w between an input x and a neuron k

    dC/dw = sum_i x_i * delta_ik        over samples, and over positions where a weight is shared

What differs from kind to kind is a class in :mod:`whygrad.capture.kinds`.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn

from whygrad.record.layers import KINDS, LayerKind, layout_of


@dataclass(frozen=True)
class Part:
    """Where the weight of a call stands in its parameter, where it is not the parameter itself.

    Attributes:
        shape: of the parameter.
        axes: those that count its neurons.
        numbers: of the entries, as the call's weight.
        neurons: of the parameter, in the order in which the call lays out its own.
        gain: how fast each number of the weight follows its entry; None for 1.
    """

    shape: torch.Size
    axes: tuple[int, ...]
    numbers: Tensor
    neurons: Tensor
    gain: Tensor | None

    @property
    def count(self) -> int:
        """The neurons of the whole parameter."""
        return layout_of("linear", self.axes).sizes(self.shape)[1]

    @cached_property
    def is_whole(self) -> bool:
        """Whether all entries stand where they stand in the parameter, laid out by neuron."""
        if self.gain is not None or self.numbers.numel() != self.shape.numel():
            return False
        numbers = torch.arange(self.shape.numel(), device=self.numbers.device).view(self.shape)
        laid = fan_in_last("linear", numbers, self.axes)
        neurons = torch.arange(self.count, device=self.numbers.device)
        is_plain = self.numbers.numel() == len(self.neurons) * laid.shape[1]
        return is_plain and torch.equal(self.neurons, neurons) and self._has_inputs_of(laid)

    def _has_inputs_of(self, laid: Tensor) -> bool:
        for axes in (tuple(range(len(self.axes))), tuple(range(-len(self.axes), 0))):
            if torch.equal(fan_in_last("linear", self.numbers, axes), laid):
                return True
        return False

    def placed(self, values: Tensor, total: Tensor | None) -> Tensor:
        """Add what has the shape of the call's weight to what has that of the parameter."""
        if total is None:
            total = values.new_zeros(self.shape)
        total = total.contiguous()
        total.view(-1).index_add_(0, self.numbers.reshape(-1), values.reshape(-1))
        return total


@dataclass(frozen=True)
class Use:
    """One call of a layer, as its function was called.

    Attributes:
        kind: name of its row in :mod:`whygrad.record.layers`.
        modules: the classes of torch's that are such layers.
        has_own_layout: whether its neurons may stand otherwise in an output than another's.
        output_axis: axis of the output that counts the neurons, from the end for -1.
        weight, bias: the parameters, or views of them.
        input: what came in.
        part: where the weight stands in its parameter; None where it is the parameter, or rows of
            one that are a layer of their own.
    """

    kind: ClassVar[str]
    modules: ClassVar[tuple[type[nn.Module], ...]] = ()
    has_own_layout: ClassVar[bool] = False
    output_axis: ClassVar[int] = -1

    weight: Tensor
    bias: Tensor | None
    input: Tensor
    part: Part | None = field(default=None, kw_only=True)

    @property
    def neuron_axes(self) -> tuple[int, ...]:
        """The axes of the weight that count the neurons."""
        return layout_of(self.kind, None).neurons(self.weight.shape)

    @property
    def gain(self) -> Tensor | None:
        """How fast each number of the weight follows its entry of the parameter; None for 1."""
        return None if self.part is None else self.part.gain

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

    def placed(self, total: Tensor | None, values: Tensor, *, is_size: bool = False) -> Tensor:
        """Add values of the weight's shape to what has the parameter's."""
        part = self.part
        if part is None:
            return plus(total, values)
        if part.gain is not None:
            values = values * (part.gain.abs() if is_size else part.gain)
        return part.placed(values, total)

    def spread(self, total: Tensor | None, values: Tensor) -> Tensor:
        """Add numbers of this call's neurons to those of the layer's, (n_out,)."""
        if self.part is None:
            return plus(total, values)
        if total is None:
            total = values.new_zeros(self.part.count)
        return total.index_add(0, self.part.neurons, values)

    def summed(self, values: Tensor) -> Tensor:
        """Return what stands at each neuron, summed over samples and positions, (n_out,)."""
        return self.by_neuron(values).sum((0, 2))

    def weighed(self, values: Tensor, reach: Tensor) -> Tensor:
        """Return the same sum, each number times the length of the input there, (n_out,).

        Args:
            reach: as :attr:`reach` has it.
        """
        laid = self.by_neuron(values)
        if reach.shape[1] == 1:
            return torch.bmm(laid, reach.transpose(1, 2)).sum((0, 2))
        return (laid * reach).sum((0, 2))

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


def plus(total: Tensor | None, more: Tensor) -> Tensor:
    """Return a sum that may not have begun."""
    return more if total is None else total + more


def fan_in_last(kind: str, weight: Tensor, axes: tuple[int, ...] | None = None) -> Tensor:
    """Return a weight, or what has its shape, as (n_out, n_in).

    Args:
        axes: those that count the neurons, where they are not those of the kind.
    """
    if axes is None and KINDS[kind].neuron_axis == 0 and weight.dim() > 1:  # as most have it
        return weight if weight.dim() == 2 else weight.flatten(1)
    neurons = layout_of(kind, axes).neurons(weight.shape)
    count = torch.Size(weight.shape[axis] for axis in neurons).numel()
    return weight.movedim(neurons, tuple(range(len(neurons)))).reshape(count, -1)
