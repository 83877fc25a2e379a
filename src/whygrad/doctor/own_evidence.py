"""What is known of one of whygrad's own networks: its data, its start, its end, the way between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float

from whygrad.doctor.evidence import (
    Decay,
    Dropped,
    Evidence,
    Hidden,
    InputScale,
    LayerRows,
    StartWeights,
    TargetScale,
    still_falls,
)
from whygrad.doctor.thresholds import LARGE_TARGET, SMALL_TARGET, STRONG_L2

if TYPE_CHECKING:
    from whygrad.doctor.baseline import Baseline
    from whygrad.doctor.setup import Setup


@dataclass(frozen=True)
class LayerState:
    """How one layer is, on a reference set; numbers are those of one network.

    Attributes:
        factors: upstream, slope, input and agreement of the whole layer.
        gradient: Frobenius norm of the weight gradient.
        weight: Frobenius norm of the weights.
        bias: largest size of a bias.
        preactivation: root mean square of z.
        output: root mean square of a.
        slope_share: mean |f'(z)| over the steepest slope of the activation.
        dead: numbers of the neurons whose slope is 0 for every sample; never of the output.
        closed: numbers of those outside their steep region for 95 % of the samples or more.
        width: how many different neurons there are.
    """

    factors: dict[str, float]
    gradient: float
    weight: float
    bias: float
    preactivation: float
    output: float
    slope_share: float
    dead: tuple[int, ...]
    closed: tuple[int, ...]
    width: int
    neurons: int


State = dict[str, LayerState]


@dataclass(frozen=True)
class OwnEvidence(Evidence):
    """What a check reads of an own network.

    Attributes:
        setup: what was trained.
        baseline: what can be learned from the data.
        measures: accuracy or r2 on the training part, one a seed.
        starts, ends: the layers of each network before and after training; an end is None where
            its numbers are not finite.
        losses: mean loss of every epoch, (seeds, epochs).
        moved: how far each network's weights went, as a share of their size: the furthest layer.
        first_bad_step: the first step whose loss was not finite, one a seed, or None.
        rows: what training recorded, by layer; empty where it did not.
        validation: loss on the validation part after every epoch; empty without one.
    """

    is_watched: ClassVar[bool] = False

    setup: "Setup"
    baseline: "Baseline"
    measures: tuple[float, ...]
    starts: tuple[State, ...]
    ends: tuple[State | None, ...]
    losses: np.ndarray
    moved: tuple[float, ...]
    first_bad_step: tuple[int | None, ...]
    rows: Mapping[str, LayerRows] = field(default_factory=dict)
    validation: Sequence[float] = ()

    @property
    def learned(self) -> float:
        """Median share of what can be learned that was learned."""
        return self.baseline.learned(float(np.median(self.measures)))

    @property
    def gradient_left(self) -> float:
        """Median share of the first gradient of all weights that is left at the end.

        0 where there was none to begin with, NaN where no network ended with finite numbers.
        """
        pairs = zip(self.starts, self.ends, strict=True)
        shares = [_share(_gradient(end), _gradient(start)) for start, end in pairs if end]
        return float(np.median(shares)) if shares else float("nan")

    @property
    def may_learn(self) -> bool:
        return False

    @property
    def curve(self) -> Float[np.ndarray, " epochs"]:
        """The median loss of every epoch."""
        return np.median(self.losses, axis=0)

    @property
    def is_still_falling(self) -> bool:
        """Whether the loss still fell when the run ended."""
        return still_falls(self.curve)

    @property
    def hidden(self) -> tuple[Hidden, ...]:
        activations = self.setup.activations
        chain = zip(pairwise(self.setup.layers), activations, strict=False)
        return tuple(Hidden(name, activation, feeds) for (name, feeds), activation in chain)

    @property
    def output_activation(self) -> str:
        return self.setup.activations[-1]

    @cached_property
    def input_scale(self) -> InputScale:
        inputs = self.setup.inputs.astype(np.float64)
        spreads = inputs.std(axis=0)
        spreads = spreads[spreads > 0]
        ratio = float(spreads.max() / np.median(spreads)) if len(spreads) else 1.0
        return InputScale(self.setup.layers[0], float(np.sqrt(np.mean(inputs**2))), ratio)

    @cached_property
    def target_scale(self) -> TargetScale | None:
        if self.setup.task != "numbers" or self.output_activation == "softmax":
            return None
        targets = self.setup.targets.astype(np.float64)
        return TargetScale(
            loss=self.setup.settings.loss,
            low=float(targets.min()),
            high=float(targets.max()),
            size=float(np.sqrt(np.mean(targets**2))),
            spread=float(targets.std()),
            large=LARGE_TARGET,
            narrow=SMALL_TARGET,
            layer="output",
        )

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        sizes = self.setup.sizes[1:]
        hidden = zip(self.setup.layers, self.setup.dropout, sizes, strict=False)
        return tuple(Dropped(*one) for one in reversed(list(hidden)) if one[1])

    @property
    def decays(self) -> tuple[Decay, ...]:
        settings = self.setup.settings
        return (Decay(settings.l2, STRONG_L2, settings.optimizer),)

    @property
    def ends_in_softmax(self) -> bool:
        """Whether the outputs are shared out by a softmax, their own or that of the loss."""
        from whygrad.core.nn.losses import link_brought

        loss = self.setup.settings.loss
        return "softmax" in (self.output_activation, link_brought(loss, self.output_activation))

    @cached_property
    def left_over(self) -> dict[str, float]:
        """Return by hidden layer which share of its next layer's pushing is left at the start.

        The upstream over the most that weights and deltas of these sizes could give; NaN where
        they give nothing.
        """
        found = {}
        for (name, state), (_, following) in pairwise(self.starts[0].items()):
            factors = following.factors
            most = following.weight * factors["upstream"] * factors["slope"]
            found[name] = state.factors["upstream"] / most if most else float("nan")
        return found

    @property
    def start_weights(self) -> tuple[StartWeights, ...]:
        if not self.hidden:
            return ()
        sizes = zip(self.starts[0].values(), pairwise(self.setup.sizes), strict=True)
        return tuple(StartWeights(n_in, n_out, state.weight) for state, (n_in, n_out) in sizes)

    def usual_variances(self, n_in: int, n_out: int) -> tuple[float, ...]:
        """Return Glorot's variance, and He's."""
        return 2 / (n_in + n_out), 2 / n_in


def _gradient(state: State) -> float:
    """Return the norm of the gradient of all weights."""
    return float(np.linalg.norm([layer.gradient for layer in state.values()]))


def _share(left: float, first: float) -> float:
    return left / first if first else 0.0
