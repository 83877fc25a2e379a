"""What one step showed, while it happened."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

from torch import Tensor

from whygrad.capture.functions import ActivationOfTorch
from whygrad.capture.layer_calls import Accumulators
from whygrad.capture.losses import Losses
from whygrad.capture.readings import Readings
from whygrad.capture.registry import RegisteredLayer


@dataclass
class StepTrace:
    """What one step showed.

    Args:
        readings: the numbers of the step.

    Attributes:
        accumulators: by layer, in the order of the first call.
        activations: the activation behind a layer.
        feeds: the linear layers that a layer's output goes to.
        losses: calls of loss functions, and backward passes.
        unregistered: weights of layers that are not the model's.
        reasons: why a parameter is not taken apart: a word, and the function that it met.
        has_begun: whether a gradient came back.
        is_within_compiled: whether a loss function was called by a compiled one.
        is_fresh: whether one came back since the last forward pass or call of ``backward``.
    """

    readings: Readings
    accumulators: dict[RegisteredLayer, Accumulators] = field(default_factory=dict)
    activations: dict[RegisteredLayer, ActivationOfTorch] = field(default_factory=dict)
    feeds: dict[RegisteredLayer, set[RegisteredLayer]] = field(default_factory=dict)
    losses: Losses = field(init=False)
    unregistered: list[weakref.ref[Tensor]] = field(default_factory=list)
    reasons: dict[str, tuple[str, str]] = field(default_factory=dict)
    has_begun: bool = False
    is_within_compiled: bool = False
    is_fresh: bool = False

    def __post_init__(self) -> None:
        self.losses = Losses(self.readings)

    def begin_again(self) -> None:
        """Forget the passes whose gradients were thrown away."""
        self.reset_accumulators()
        self.losses.throw_away()

    def reset_accumulators(self) -> None:
        """Forget what came back, and not what led to it."""
        for accumulators in self.accumulators.values():
            accumulators.begin_again()
