"""Which numbers of a parameter a tensor holds: itself, a view, or what follows entry by entry.

A view of a parameter is known by its strides. What is copied, such as ``table[ids]``, is known by
the numbers of its entries, which the same function is applied to. What is computed entry by entry,
such as ``1 + w`` or ``-exp(log_a)``, has a gain besides: how fast each number follows its own.
"""

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from whygrad.capture.torch_private import version, view_base

COPYING = {"clone", "contiguous", "to", "type", "type_as", "cpu", "cuda"}
COPYING |= {"float", "double", "half", "bfloat16", "to_dense"}
MOVING = {"__getitem__", "reshape", "flatten", "unflatten", "repeat", "tile", "flip", "roll"}
MOVING |= {"index_select", "gather", "take", "take_along_dim", "repeat_interleave", "rot90"}
MOVING |= {"embedding"}  # of a table that was computed
ENTRYWISE = {"add", "sub", "subtract", "rsub", "__rsub__", "mul", "multiply", "div", "true_divide"}
ENTRYWISE |= {"__rdiv__", "__rtruediv__", "reciprocal", "pow", "__rpow__", "square", "sqrt"}
ENTRYWISE |= {"rsqrt", "neg", "negative", "abs", "absolute", "exp", "exp2", "expm1", "log"}
ENTRYWISE |= {"log1p", "log2", "sigmoid", "logsigmoid", "tanh", "softplus", "softsign", "relu"}
ENTRYWISE |= {"relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardtanh"}
ENTRYWISE |= {"hardsigmoid", "clamp", "clip", "clamp_min", "clamp_max", "sin", "cos"}
ENTRYWISE |= {"erf", "logit", "sinh"}


@dataclass(frozen=True)
class Origin:
    """Where the numbers of a tensor come from.

    Attributes:
        parameter: that they are, or follow.
        numbers: of the entries in the parameter, as the tensor; None where it is the parameter.
        gain: how fast each number grows with its entry, as the tensor; None for 1.
        is_view: whether neighbours along an axis are equally far apart in the parameter.
    """

    parameter: Tensor
    numbers: Tensor | None = None
    gain: Tensor | None = None
    is_view: bool = True

    def coordinates(self, numbers: Tensor) -> list[Tensor]:
        """Return where entries stand along each axis of the parameter."""
        found = []
        for size in reversed(self.parameter.shape):
            found.append(numbers % size)
            numbers = numbers // size
        return found[::-1]


class Origins:
    """What is known of the tensors of one step.

    Args:
        parameters: that learn, by id.
        buffers: yields those of the model: they are constants, as numbers are.
    """

    def __init__(self, parameters: dict[int, Tensor], buffers: Callable[[], Iterator[Tensor]]):
        self._parameters, self._of_model = parameters, buffers
        self._derived: dict[int, tuple[weakref.ref[Tensor], int, Origin]] = {}
        self._counted: dict[tuple[int, torch.device], Tensor] = {}

    def add(self, parameters: Iterable[Tensor]) -> None:
        """Take in parameters that were not there when the step began."""
        self._parameters |= {id(parameter): parameter for parameter in parameters}

    def let_go(self) -> None:
        """Hold no tensor of the step any longer."""
        self._derived, self._counted = {}, {}

    def knows(self, tensor: Tensor) -> bool:
        """Return whether a tensor holds numbers of a parameter that learns."""
        return tensor.requires_grad and self._base(tensor) is not None

    def of(self, tensor: Tensor) -> Origin | None:
        """Return where the numbers of a tensor come from; None where from no parameter alone."""
        base = self._base(tensor)
        if base is None:
            return None
        known = self._at(base) or Origin(base)
        if base is tensor:
            return known
        if base.dtype != tensor.dtype:  # bits, or complex numbers, seen in another way
            return None
        numbers, gain = _laid_as(self.numbers(known), base), known.gain
        place = (tensor.shape, tensor.stride(), tensor.storage_offset() - base.storage_offset())
        if gain is not None:
            gain = _laid_as(gain, base).as_strided(*place)
        return Origin(known.parameter, numbers.as_strided(*place), gain, known.is_view)

    def numbers(self, origin: Origin) -> Tensor:
        """Return the numbers of the entries, also where a tensor is the parameter."""
        if origin.numbers is not None:
            return origin.numbers
        parameter = origin.parameter
        key = (parameter.numel(), parameter.device)
        if key not in self._counted:
            self._counted[key] = torch.arange(key[0], device=key[1])
        return self._counted[key].view(parameter.shape)

    def place(self, origin: Origin) -> tuple | None:
        """Return what tells the numbers of a view, in every step; None where they must be read."""
        numbers = self.numbers(origin)
        if not any(view_base(numbers) is counted for counted in self._counted.values()):
            return None
        return (id(origin.parameter), numbers.shape, numbers.stride(), numbers.storage_offset())

    def follow(
        self, function: Callable, args: tuple, kwargs: Mapping[str, Any], result: Any
    ) -> bool:
        """Follow numbers into what a function made of them alone; return whether it did so.

        Args:
            result: what it returned.
        """
        name = getattr(function, "__name__", "")
        if name not in COPYING and name not in MOVING and name not in ENTRYWISE:
            return False
        given = list(tensors_in((args, kwargs)))
        known = [tensor for tensor in given if self.knows(tensor)]
        if len(known) != 1 or not isinstance(result, Tensor) or not is_plain(result):
            return False
        (source,) = known
        if not is_plain(source):
            return False
        origin = self.of(source)
        if origin is None or self._is_constant(result):
            return False
        if name in COPYING:
            if result.shape != source.shape:
                return False
            derived = Origin(origin.parameter, self.numbers(origin), origin.gain, origin.is_view)
        elif name in MOVING:
            derived = self._moved(function, args, kwargs, source, origin)
        elif all(tensor is source or self._is_constant(tensor) for tensor in given):
            derived = self._computed(function, args, kwargs, source, origin, result)
        else:
            return False
        if derived is None:
            return False
        self._derived[id(result)] = (weakref.ref(result), version(result), derived)
        return True

    def _moved(
        self,
        function: Callable,
        args: tuple,
        kwargs: Mapping[str, Any],
        source: Tensor,
        origin: Origin,
    ) -> Origin | None:
        numbers = self.numbers(origin)
        if function.__name__ == "embedding":
            if len(args) != 2 or args[1] is not source or kwargs:
                return None
            moved = numbers[args[0]]
            gain = None if origin.gain is None else origin.gain[args[0]]
            return Origin(origin.parameter, moved, gain, is_view=False)
        if not args or args[0] is not source:
            return None
        with torch.no_grad():
            moved = function(numbers, *args[1:], **kwargs)
            gain = None if origin.gain is None else function(origin.gain, *args[1:], **kwargs)
        return Origin(origin.parameter, moved, gain, is_view=False)

    def _computed(
        self,
        function: Callable,
        args: tuple,
        kwargs: Mapping[str, Any],
        source: Tensor,
        origin: Origin,
        result: Tensor,
    ) -> Origin | None:
        """Follow numbers through a function that is applied entry by entry."""
        if not result.is_floating_point() or torch.broadcast_shapes(
            result.shape, source.shape
        ) != tuple(result.shape):
            return None
        with torch.enable_grad():
            free = source.detach().expand(result.shape).clone().requires_grad_()
            again = replaced(args, source, free), replaced(kwargs, source, free)
            (gain,) = torch.autograd.grad(function(*again[0], **again[1]).sum(), free)
        if origin.gain is not None:
            gain = gain * origin.gain
        numbers = self.numbers(origin).expand(result.shape)
        return Origin(origin.parameter, numbers, gain.detach(), origin.is_view)

    @cached_property
    def _buffers(self) -> dict[int, Tensor]:
        return {id(buffer): buffer for buffer in self._of_model()}

    def _is_constant(self, tensor: Tensor) -> bool:
        """Return whether a tensor is the model's own and never learns, or a single number."""
        if tensor.requires_grad:
            return False
        base = view_base(tensor)
        return id(tensor) in self._buffers or id(base) in self._buffers or tensor.dim() == 0

    def _base(self, tensor: Tensor) -> Tensor | None:
        if id(tensor) in self._parameters or self._at(tensor) is not None:
            return tensor
        base = view_base(tensor)
        if base is None or not tensor.requires_grad:
            return None
        return base if id(base) in self._parameters or self._at(base) is not None else None

    def _at(self, tensor: Tensor) -> Origin | None:
        found = self._derived.get(id(tensor))
        if found is None or found[0]() is not tensor or found[1] != version(tensor):
            return None  # it was written into since, or another has its place
        return found[2]


def tensors_in(given: Any) -> Iterator[Tensor]:
    """Yield the tensors among arguments, also those in lists."""
    if isinstance(given, Tensor):
        yield given
    elif isinstance(given, tuple | list):
        for one in given:
            yield from tensors_in(one)
    elif isinstance(given, dict):
        yield from tensors_in(list(given.values()))


def is_plain(tensor: Tensor) -> bool:
    """Return whether a tensor is an array of real numbers, of which sums can be taken."""
    return tensor.layout is torch.strided and not tensor.is_complex() and not tensor.is_nested


def replaced(given: Any, old: Tensor, new: Tensor) -> Any:
    """Return arguments in which one tensor stands for another."""
    if given is old:
        return new
    if isinstance(given, dict):
        return {name: replaced(one, old, new) for name, one in given.items()}
    if type(given) in (tuple, list):
        return type(given)(replaced(one, old, new) for one in given)
    return given


def _laid_as(values: Tensor, like: Tensor) -> Tensor:
    """Return values in memory as another tensor of their shape is."""
    if values.stride() == like.stride():
        return values
    laid = torch.empty_strided(like.shape, like.stride(), dtype=values.dtype, device=values.device)
    return laid.copy_(values)
