"""What one step showed."""

import weakref
from dataclasses import dataclass, field

from torch import Tensor

from whygrad.capture.accumulators import Sums
from whygrad.capture.functions import ActivationOfTorch
from whygrad.capture.losses import Losses
from whygrad.capture.registry import Place


@dataclass
class Seen:
    """What one step showed.

    Attributes:
        sums: by place, in the order of the first call.
        activations: name of the activation behind a place, and its steepest slope.
        feeds: the linear layers that a place's output goes to.
        losses: calls of loss functions, and backward passes.
        strangers: weights of layers that are not the model's.
        has_begun: whether a gradient came back.
        is_within_compiled: whether a loss function was called by a compiled one.
        is_fresh: whether one came back since the last forward pass or call of ``backward``.
    """

    sums: dict[Place, Sums] = field(default_factory=dict)
    activations: dict[Place, ActivationOfTorch] = field(default_factory=dict)
    feeds: dict[Place, set[Place]] = field(default_factory=dict)
    losses: Losses = field(default_factory=Losses)
    strangers: list[weakref.ref[Tensor]] = field(default_factory=list)
    has_begun: bool = False
    is_within_compiled: bool = False
    is_fresh: bool = False

    def begin_again(self) -> None:
        """Forget the passes whose gradients were thrown away."""
        self.forget_sums()
        self.losses.throw_away()

    def forget_sums(self) -> None:
        """Forget what came back, and not what led to it."""
        for sums in self.sums.values():
            sums.begin_again()
