"""What one step showed."""

import weakref
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn._reduction import legacy_get_string

from whygrad.adapters.torch.functions import ActivationOfTorch
from whygrad.adapters.torch.places import Place
from whygrad.adapters.torch.sums import Sums

ROUNDING = 1e-3  # of a sum of probabilities, half precision included


@dataclass
class LossCall:
    """A call of a loss function, as far as it can be at fault.

    Attributes:
        name: of the function.
        value: what it returned; None where it is not one number.
        claims, targets: shape, type, smallest and largest value of both, and whether they sum to 1
            over the classes.
        claims_from: ``softmax``, ``log_softmax`` or ``sigmoid`` where that made the claims.
        reduction: ``mean``, ``sum`` or ``none``.
    """

    name: str
    value: float | None
    claims: dict[str, Any]
    targets: dict[str, Any]
    claims_from: str | None
    reduction: str


@dataclass
class Seen:
    """What one step showed.

    Attributes:
        sums: by place, in the order of the first call.
        activations: name of the activation behind a place, and its steepest slope.
        feeds: the linear layers that a place's output goes to.
        losses: calls of loss functions.
        backwards: values that ``backward`` was called on.
        strangers: weights of layers that are not the model's.
        has_begun: whether a gradient came back.
        is_fresh: whether one came back since the last forward pass or call of ``backward``.
        counted: how many losses and calls of ``backward`` have led to gradients.
    """

    sums: dict[Place, Sums] = field(default_factory=dict)
    activations: dict[Place, ActivationOfTorch] = field(default_factory=dict)
    feeds: dict[Place, set[Place]] = field(default_factory=dict)
    losses: list[LossCall] = field(default_factory=list)
    backwards: list[float] = field(default_factory=list)
    strangers: list[weakref.ref[Tensor]] = field(default_factory=list)
    has_begun: bool = False
    is_fresh: bool = False
    counted: tuple[int, int] = (0, 0)

    def begin_again(self) -> None:
        """Forget the passes whose gradients were thrown away."""
        self.forget_sums()
        self.losses = self.losses[self.counted[0] :]
        self.backwards = self.backwards[self.counted[1] :]

    def forget_sums(self) -> None:
        """Forget what came back, and not what led to it."""
        for sums in self.sums.values():
            sums.begin_again()


def loss_call(
    name: str, args: tuple, kwargs: dict[str, Any], result: Tensor, claims_from: str | None
) -> LossCall:
    """Return what a loss function was called with, and what it returned."""
    claims = args[0] if args else kwargs.get("input")
    targets = args[1] if len(args) > 1 else kwargs.get("target")
    return LossCall(
        name=name,
        value=float(result.detach()) if result.numel() == 1 and not result.is_complex() else None,
        claims=_described(claims),
        targets=_described(targets),
        claims_from=claims_from,
        reduction=_reduction(kwargs),
    )


def _reduction(kwargs: dict[str, Any]) -> str:
    """Return how a loss is made one number, also where it is said in the words of old."""
    old = kwargs.get("size_average"), kwargs.get("reduce")
    if old != (None, None):
        return legacy_get_string(*old, emit_warning=False)
    return str(kwargs.get("reduction", "mean"))


def _described(tensor: Any) -> dict[str, Any]:
    if not isinstance(tensor, Tensor) or tensor.layout is not torch.strided or tensor.is_nested:
        return {}
    if not tensor.numel() or tensor.is_complex():
        return {}
    values = tensor.detach().float()
    sums = values.sum(1) if values.dim() > 1 and values.shape[1] > 1 else values.new_zeros(1)
    return {
        "shape": list(tensor.shape),
        "type": str(tensor.dtype).removeprefix("torch."),
        "low": float(values.min()),
        "high": float(values.max()),
        "sums_to_one": bool((sums - 1).abs().max() < ROUNDING),
    }
