"""The loss that a step trains: what ``backward`` was called on, and what loss functions gave to it.

    loss = sum over the backward passes of the step of <what each was called on, its gradient>

which is the number whose gradient the parameters are given, scaled, negated and summed over terms
and batches as the program did it. The gradient that comes back to what a loss function returned is
the weight with which that counts: 1/4 where four batches are accumulated, -1 where it is negated.
A pass whose gradients are thrown away, or that never comes to the model, counts for nothing.
"""

import sys
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor

from whygrad.capture.readings import Reading, Readings
from whygrad.capture.uses import wide

ROUNDING = 1e-3  # of a sum of probabilities, half precision included
FRAMES = 16  # from a product that a scaler takes up to its own method, with ours between


@dataclass(frozen=True)
class Described:
    """What a loss function was given: claims or targets.

    Attributes:
        shape, type: of the tensor.
        ends: its smallest and largest value; where there are classes, also of the sums over them.
    """

    shape: list[int]
    type: str
    ends: Reading

    def to_dict(self) -> dict[str, Any]:
        low, high, *sums = map(float, self.ends.arrays.values())
        return {
            "shape": self.shape,
            "type": self.type,
            "low": low,
            "high": high,
            "sums_to_one": bool(sums) and all(abs(one - 1) < ROUNDING for one in sums),
        }


@dataclass(eq=False)
class LossCall:
    """A call of a loss function, as far as it can be at fault.

    Attributes:
        name: of the function.
        value: what it returned; None where it is not one number.
        claims, targets: what it was given; None where that is no tensor of real numbers.
        claims_from: ``softmax``, ``log_softmax`` or ``sigmoid`` where that made the claims.
        reduction: ``mean``, ``sum`` or ``none``.
    """

    name: str
    value: Reading | None
    claims: Described | None
    targets: Described | None
    claims_from: str | None
    reduction: str

    def to_dict(self, weight: float | None, part: float | None) -> dict[str, Any]:
        """Return it for ``facts.jsonl``.

        Args:
            weight: the gradient that came back to it, summed over its numbers; None where none did.
            part: how much of the loss that is trained it is: its numbers times their gradients.
        """
        return {
            "name": self.name,
            "value": None if self.value is None else float(self.value),
            "claims": {} if self.claims is None else self.claims.to_dict(),
            "targets": {} if self.targets is None else self.targets.to_dict(),
            "claims_from": self.claims_from,
            "reduction": self.reduction,
            "weight": weight,
            "part": part,
        }


@dataclass(frozen=True)
class Part:
    """What came back to the call of a loss function in one backward pass.

    Attributes:
        sums: the weight and the part of :meth:`LossCall.to_dict`, both scaled.
    """

    call: LossCall
    sums: Reading


@dataclass
class Pass:
    """A backward pass.

    Attributes:
        values: of each tensor that it was called on, times the gradient that it was given.
        is_asked: whether ``torch.autograd.grad`` was called, which adds to no parameter's gradient.
        is_on_the_way: whether its gradients have a graph of their own, and lead to another loss.
        has_come: whether a gradient came to the model.
        scale: what a GradScaler multiplied the loss with, and divides the gradients by.
    """

    values: list[Reading]
    is_asked: bool = False
    is_on_the_way: bool = False
    has_come: bool = False
    scale: Reading | float = 1.0
    parts: list[Part] = field(default_factory=list)

    @property
    def trained(self) -> float:
        """The value without a scaler's factor."""
        return sum(map(float, self.values)) / float(self.scale)


class Losses:
    """The calls of loss functions and the backward passes of one step.

    Args:
        readings: the numbers of the step; what is told of losses is known once they were fetched.

    Attributes:
        calls: of loss functions.
        is_known: whether every gradient that came was seen to be sent.
        under_way: the pass under way; whoever sets out sets it back.
    """

    def __init__(self, readings: Readings) -> None:
        self.readings = readings
        self.calls: list[LossCall] = []
        self.is_known = True
        self._spent: set[LossCall] = set()  # a gradient came to it, of whatever pass
        self._passes: list[Pass] = []
        self.under_way: Pass | None = None

    def note_part(self, call: LossCall, numbers: Tensor, gradient: Tensor) -> None:
        """Take in the gradient of what a loss function returned."""
        self._spent.add(call)
        if self.under_way is not None:
            gradient = wide(gradient)
            sums = {"weight": gradient.sum(), "part": (wide(numbers) * gradient).sum()}
            self.under_way.parts.append(Part(call, self.readings.add(sums)))

    def note_scale(self, scale: Tensor) -> None:
        """Note that the pass under way comes through the product with a scaler's factor."""
        if self.under_way is not None:
            self.under_way.scale = self.readings.number(scale)

    def set_out(self, new: Pass) -> None:
        """Begin a pass; within another one, as where a checkpoint goes on, nothing new begins."""
        if self.under_way is None:
            self._passes.append(new)
            self.under_way = new

    def gradient_came(self) -> None:
        """Note that the pass under way has come to the model."""
        if self.under_way is None:
            self.is_known = False
        else:
            self.under_way.has_come = True

    def throw_away(self) -> None:
        """Forget the passes whose gradients were thrown away."""
        self.is_known = True
        self._passes = [one for one in self._passes if one is self.under_way]

    @property
    def trained(self) -> list[Pass]:
        """The passes whose gradients the parameters were given."""
        came = [one for one in self._passes if one.has_come]
        asked = [one for one in came if one.is_asked and not one.is_on_the_way]
        return [one for one in came if not one.is_asked] or asked

    @property
    def loss(self) -> float | None:
        """The loss that the step trains; None where it was not seen."""
        trained = self.trained
        return sum(one.trained for one in trained) if trained and self.is_known else None

    def told(self) -> list[dict[str, Any]]:
        """Return the calls of loss functions that lead to the loss, or to nothing yet."""
        sums: dict[LossCall, tuple[float, float]] = {}
        for one in self.trained:
            for part in one.parts:
                weight, value = sums.get(part.call, (0.0, 0.0))
                more = [float(each) / float(one.scale) for each in part.sums.arrays.values()]
                sums[part.call] = (weight + more[0], value + more[1])
        told = [call for call in self.calls if call in sums or call not in self._spent]
        return [call.to_dict(*sums.get(call, (None, None))) for call in told]


def pass_of(
    roots: Any,
    gradients: Any,
    readings: Readings,
    *,
    is_asked: bool = False,
    is_on_the_way: bool = False,
) -> Pass:
    """Return a backward pass as it begins.

    Args:
        roots: what it is called on, a tensor or several.
        gradients: what it was given for each of them, None where that is 1.
        readings: the numbers of the step.
    """
    roots = (roots,) if isinstance(roots, Tensor) else tuple(roots)
    given = (gradients,) if isinstance(gradients, Tensor) else tuple(gradients or ())
    values = []
    for root, gradient in zip_longest(roots, given[: len(roots)]):
        numbers = root.detach()
        if gradient is not None:
            numbers = wide(numbers) * wide(gradient.detach()).conj()
        total = numbers.sum()
        values.append(readings.number(torch.real(total) if total.is_complex() else total))
    return Pass(values, is_asked, is_on_the_way)


def scale_of(args: tuple) -> Tensor | None:
    """Return the factor of a GradScaler where it is what takes this product; None elsewhere."""
    factor = args[1] if len(args) > 1 else None
    if not isinstance(factor, Tensor) or factor.numel() != 1:
        return None
    frame: Any = sys._getframe(1)
    for _ in range(FRAMES):
        if frame is None:
            return None
        is_scale = frame.f_code.co_name == "scale"
        if is_scale and isinstance(frame.f_locals.get("self"), torch.amp.GradScaler):
            return factor.detach().clone()  # the scaler writes the next one over it
        frame = frame.f_back
    return None


def loss_call(
    name: str,
    args: tuple,
    kwargs: dict[str, Any],
    result: Tensor,
    claims_from: str | None,
    readings: Readings,
) -> LossCall:
    """Return what a loss function was called with, and what it returned."""
    claims = args[0] if args else kwargs.get("input")
    targets = args[1] if len(args) > 1 else kwargs.get("target")
    reduction = str(kwargs.get("reduction", "mean"))
    averages, reduces = kwargs.get("size_average"), kwargs.get("reduce")
    if averages is not None or reduces is not None:  # the words of old
        reduction = "mean" if averages is None or averages else "sum"
        if reduces is not None and not reduces:
            reduction = "none"
    is_number = result.numel() == 1 and not result.is_complex()
    return LossCall(
        name=name,
        value=readings.number(result.detach().clone()) if is_number else None,
        claims=_described(claims, readings),
        targets=_described(targets, readings),
        claims_from=claims_from,
        reduction=reduction,
    )


def _described(tensor: Any, readings: Readings) -> Described | None:
    if not isinstance(tensor, Tensor) or tensor.layout is not torch.strided or tensor.is_nested:
        return None
    if not tensor.numel() or tensor.is_complex():
        return None
    values = tensor.detach()
    low, high = torch.aminmax(values)
    ends = {"low": low, "high": high}
    if values.dim() > 1 and values.shape[1] > 1:
        low, high = torch.aminmax(values.sum(1, dtype=torch.float32))
        ends |= {"low_sum": low, "high_sum": high}
    type_ = str(tensor.dtype).removeprefix("torch.")
    return Described(list(tensor.shape), type_, readings.add(ends))
