"""What a parameter's gradient is a sum of, where it meets an activation in a product or a sum."""

from dataclasses import dataclass

import torch
from torch import Tensor

from whygrad.capture.contractions import Contraction, Labels, torch_einsum
from whygrad.capture.uses import Use, wide


@dataclass(frozen=True)
class Product(Use):
    """A parameter that is a factor of an einsum.

    Axes of the weight that survive in the output are its neurons, those summed over are inputs. The
    gradient is the einsum's own derivative; a neuron's reach the root of the einsum of the squared
    inputs with ones, or with the squared gains.

    Attributes:
        of_weight, of_input, of_output: labels of the axes, without those of length 1 that others
            are longer than.
        shape: of the output.
    """

    kind, has_own_layout = "linear", True

    of_weight: Labels
    of_input: Labels
    of_output: Labels
    shape: tuple[int, ...]

    @classmethod
    def of(cls, found: Contraction, place: int, result: Tensor) -> "Product":
        """Return the use of one operand of a contraction."""
        sizes = _sizes(found, result)
        operands = list(zip(found.operands, found.labels, strict=True))
        weight, of_weight = operands.pop(place)
        x, of_input = _joined(operands, {*of_weight, *found.output})
        kept_input = tuple(n for n, s in zip(of_input, x.shape, strict=True) if s == sizes[n])
        kept = tuple(n for n, s in zip(of_weight, weight.shape, strict=True) if s == sizes[n])
        input = x.reshape([sizes[label] for label in kept_input])
        kind = Product if set(kept) - set(found.output) else Scale
        return kind(weight, None, input, kept, kept_input, found.output, tuple(result.shape))

    @property
    def x(self) -> Tensor:
        x = wide(self.input)
        return x if x.is_floating_point() else x.to(wide(self.weight).dtype)

    @property
    def survivors(self) -> Labels:
        """The axes that count the neurons, in the order of the weight."""
        return tuple(label for label in self.of_weight if label in self.of_output)

    @property
    def neuron_axes(self) -> tuple[int, ...]:
        summed = [label for label in self.of_weight if label not in self.of_output]
        sizes = self._weight_sizes
        return tuple(
            axis for axis, label in enumerate(sizes) if label is None or label not in summed
        )

    @property
    def _weight_sizes(self) -> list[int | None]:
        """The label of each axis of the weight; None of those of length 1 that are left out."""
        labels, left = [], list(self.of_weight)
        count = self.weight.dim() - len(left)
        for size in self.weight.shape:
            is_out = size == 1 and count > 0
            count -= is_out
            labels.append(None if is_out else left.pop(0))
        return labels

    @property
    def reach(self) -> Tensor:
        squares = self.x.square()
        gain = self.gain
        if gain is None:
            kept = tuple(label for label in self.of_output if label in self.of_input)
            found = torch_einsum((squares, self.of_input), output=kept)
        else:
            squared = wide(gain).square().reshape([self._size(n) for n in self.of_weight])
            kept = self._reached
            found = torch_einsum(
                (squares, self.of_input), (squared.to(squares), self.of_weight), output=kept
            )
        return self._laid(found.sqrt_(), kept)

    @property
    def _reached(self) -> Labels:
        known = {*self.of_input, *self.of_weight}
        return tuple(label for label in self.of_output if label in known)

    def _size(self, label: int) -> int:
        if label in self.of_output:
            return self.shape[self.of_output.index(label)]
        return self.input.shape[self.of_input.index(label)]

    def _laid(self, values: Tensor, labels: Labels) -> Tensor:
        """Return values as :meth:`by_neuron` lays out the output, or with a single neuron."""
        rows = [label for label in self.of_output if label not in self.of_weight]
        is_same = not any(label in labels for label in self.survivors)
        order = [*(() if is_same else self.survivors), *rows]
        known = [label for label in order if label in labels]
        values = values.permute([labels.index(label) for label in known])
        shape = [self._size(label) if label in labels else 1 for label in order]
        whole = [self._size(label) for label in order]
        spread = values.reshape(shape).expand(whole)
        count = 1
        for label in () if is_same else self.survivors:
            count *= self._size(label)
        return spread.reshape(1, count, -1)

    def by_neuron(self, values: Tensor) -> Tensor:
        return self._laid(values.reshape(self.shape), self.of_output)

    def contract(self, x: Tensor, delta: Tensor) -> Tensor:
        delta = delta.reshape(self.shape)
        found = torch_einsum(
            (x.to(delta.dtype), self.of_input), (delta, self.of_output), output=self.of_weight
        )
        return found.reshape(self.weight.shape)

    @property
    def has_rows(self) -> bool:
        is_apart = self.part is not None and not self.part.is_whole
        is_same = not any(label in self.of_input for label in self.survivors)
        rows = {label for label in self.of_output if label not in self.of_weight}
        summed = {label for label in self.of_weight if label not in self.of_output}
        return not is_apart and is_same and set(self.of_input) == rows | summed

    @property
    def rows(self) -> Tensor:
        rows = [label for label in self.of_output if label not in self.of_weight]
        summed = [label for label in self.of_weight if label not in self.of_output]
        laid = self.input.permute([self.of_input.index(label) for label in (*rows, *summed)])
        count = 1
        for label in summed:
            count *= self._size(label)
        return laid.reshape(-1, count)


class Scale(Product):
    """A parameter that an activation is multiplied with, number by number."""

    kind = "scale"


@dataclass(frozen=True)
class Shift(Use):
    """A parameter that is added to an activation: a weight from a constant 1.

    Attributes:
        labels: the axes of the output that the weight's are, without those of length 1.
        shape: of the output.
        times: what it is multiplied by.
    """

    kind, has_own_layout = "shift", True

    labels: tuple[int, ...]
    shape: tuple[int, ...]
    times: float

    @classmethod
    def of(cls, weight: Tensor, times: float, result: Tensor) -> "Shift":
        first = result.dim() - weight.dim()
        shape = tuple(result.shape)
        labels = tuple(n + first for n, s in enumerate(weight.shape) if s == shape[n + first])
        return cls(weight, None, weight.detach(), labels, shape, times)

    @property
    def x(self) -> Tensor:
        return wide(self.weight.detach()).new_tensor(self.times)

    @property
    def reach(self) -> Tensor:
        gain = self.gain
        length = self.x.abs() if gain is None else self.x.abs() * wide(gain).abs()
        laid = length.reshape(1, -1, 1)
        rows = [axis for axis in range(len(self.shape)) if axis not in self.labels]
        return laid.expand(1, -1, torch.Size(self.shape[axis] for axis in rows).numel())

    def by_neuron(self, values: Tensor) -> Tensor:
        values = values.reshape(self.shape)
        rows = [axis for axis in range(len(self.shape)) if axis not in self.labels]
        return values.permute([*self.labels, *rows]).reshape(1, self.weight.numel(), -1)

    def contract(self, x: Tensor, delta: Tensor) -> Tensor:
        return x * self.by_neuron(delta).sum((0, 2)).reshape(self.weight.shape)

    def emptied(self) -> Use:
        return self


class Alone(Shift):
    """A parameter that goes alone into a function that is no product and no sum.

    What comes back to it through that function is its delta: a bias with nothing before it.
    """

    kind = "alone"

    @classmethod
    def of(cls, weight: Tensor, times: float, result: Tensor) -> "Shift":
        axes = tuple(range(weight.dim()))
        return cls(weight, None, weight.detach(), axes, tuple(weight.shape), 1.0)


def _sizes(found: Contraction, result: Tensor) -> dict[int, int]:
    """Return the length of every label: the longest of its axes."""
    sizes: dict[int, int] = {}
    given = [*zip(found.operands, found.labels, strict=True), (result, found.output)]
    for tensor, labels in given:
        for label, size in zip(labels, tensor.shape, strict=True):
            sizes[label] = max(sizes.get(label, 1), size) if size else 0
    return sizes


def _joined(operands: list[tuple[Tensor, Labels]], wanted: set[int]) -> tuple[Tensor, Labels]:
    """Return the other factors as one."""
    parts = [(one.detach(), labels) for one, labels in operands]
    if len(parts) == 1 and wanted.issuperset(parts[0][1]):
        return parts[0]
    seen = dict.fromkeys(label for _, ls in parts for label in ls if label in wanted)
    return torch_einsum(*((wide(one), ls) for one, ls in parts), output=tuple(seen)), tuple(seen)
