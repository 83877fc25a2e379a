"""What a check reads, made from a record: the same names for own networks and for watched models.

Here is what both have. Own networks show more, their set-up, states and trials
(:mod:`whygrad.doctor.own_evidence`); so do watched models, the facts of their training loop
(:mod:`whygrad.doctor.watched_evidence`). NumPy is all that either needs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from whygrad.doctor.thresholds import LATER, STILL_FALLING
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.folder import RunFolder
from whygrad.record.layers import LayerSpec


@dataclass(frozen=True)
class LayerRows:
    """What was recorded of one layer's neurons.

    Attributes:
        spec: what the layer is: kind, sizes, activation and its steepest slope.
        steps: numbers of the recorded steps, (recorded,).
        values: (recorded, len(ROW_FIELDS), n_out).
    """

    spec: LayerSpec
    steps: np.ndarray
    values: Float[np.ndarray, "recorded fields neurons"]

    @property
    def name(self) -> str:
        """The layer's, in its network."""
        return self.spec.name

    @property
    def neurons(self) -> int:
        """How many there are."""
        return self.values.shape[2]

    def field(self, name: str) -> Float[np.ndarray, "recorded neurons"]:
        """Return one of the recorded quantities."""
        return self.values[:, ROW_FIELDS.index(name)]

    def later(self, name: str) -> Float[np.ndarray, "recorded neurons"]:
        """Return one of the recorded quantities, of the later half of the steps."""
        return self.field(name)[int(LATER * len(self.steps)) :]

    def first_shut(self, neurons: Sequence[int]) -> int | None:
        """Return the first recorded step from which on none of some neurons was open."""
        opened = self.field("open")[:, list(neurons)].max(axis=1, initial=0)
        shut = np.flatnonzero(np.maximum.accumulate(opened[::-1])[::-1] == 0)
        return int(self.steps[shut[0]]) if len(shut) else None


def rows_of(run: RunFolder) -> dict[str, LayerRows]:
    """Return what a run has recorded so far, by layer."""
    return {name: LayerRows(spec, *run.rows(name)) for name, spec in run.specs.items()}


def still_falls(losses: Float[np.ndarray, " epochs"]) -> bool:
    """Return whether the loss fell by more than 5 % over the last quarter of the run."""
    if len(losses) < 4 or not np.isfinite(losses).all():
        return False
    before = losses[int(len(losses) * 0.75) - 1]
    return bool(losses[-1] < before - (1 - STILL_FALLING) * abs(before))


@dataclass(frozen=True)
class Hidden:
    """A layer that feeds another one; ``feeds`` is that one's name."""

    name: str
    activation: str
    feeds: str


@dataclass(frozen=True)
class InputScale:
    """How large the inputs are.

    Attributes:
        layer: the first one.
        size: root mean square.
        ratio: widest spread of a column over the median one; 1 where columns were not seen.
    """

    layer: str
    size: float
    ratio: float = 1.0


@dataclass(frozen=True)
class TargetScale:
    """How large quantities to tell are, and from where on that is too large or too narrow.

    Attributes:
        loss: what they are given to.
        low, high: the least and the largest.
        size, spread: root mean square and standard deviation of own data; of a watched batch, of
            which only the ends are recorded, the largest in size, and the way from end to end.
        large, narrow: the thresholds of these.
        layer: whose outputs they are, if that is known.
    """

    loss: str
    low: float
    high: float
    size: float
    spread: float
    large: float
    narrow: float
    layer: str | None = None


@dataclass(frozen=True)
class Dropped:
    """The share of a layer that is dropped; infinitely many neurons where nobody counted them."""

    layer: str
    share: float
    neurons: float = np.inf


@dataclass(frozen=True)
class Decay:
    """A pull of the weights towards 0, and from where on an optimizer's is strong."""

    amount: float
    strong: float
    optimizer: str


@dataclass(frozen=True)
class StartWeights:
    """The Frobenius norm of a layer's weights before the first step."""

    n_in: int
    n_out: int
    length: float


class Evidence(ABC):
    """What both kinds of networks show.

    Attributes:
        is_watched: whether the network is a model that something else trained.
        rows: what was recorded, by layer, in the order of the layers.
    """

    is_watched: ClassVar[bool]
    rows: Mapping[str, LayerRows]

    @property
    @abstractmethod
    def curve(self) -> Float[np.ndarray, " points"]:
        """The loss over training: of every epoch, or of every recorded step."""

    @property
    @abstractmethod
    def may_learn(self) -> bool:
        """Whether the loss fell, or it is too early to say.

        False of own networks, where the baseline decides.
        """

    @property
    @abstractmethod
    def hidden(self) -> Sequence[Hidden]:
        """The layers that feed another one, first to last."""

    @property
    @abstractmethod
    def output_activation(self) -> str | None:
        """That of the last layer; None where the last one has none of its own."""

    @property
    @abstractmethod
    def input_scale(self) -> InputScale | None:
        """How large the inputs are; None where they cannot be seen."""

    @property
    @abstractmethod
    def target_scale(self) -> TargetScale | None:
        """How large the quantities to tell are; None where there are none."""

    @property
    @abstractmethod
    def dropped(self) -> Sequence[Dropped]:
        """The dropout of every layer that has any."""

    @property
    @abstractmethod
    def decays(self) -> Sequence[Decay]:
        """What pulls the weights towards 0: l2, or the decay of each optimizer."""

    @property
    @abstractmethod
    def start_weights(self) -> Sequence[StartWeights]:
        """The weights before the first step; empty where they say nothing of how signals grow."""

    @abstractmethod
    def usual_variances(self, n_in: int, n_out: int) -> Iterable[float]:
        """Return the variances with which such a layer may rightly start."""

    def above_usual(self, bound: Callable[[Iterable[float]], float]) -> float:
        """Return the powers of ten by which all layers together start larger than is usual.

        Equal weights of 0 have no size; the check of clones sees to them.

        Args:
            bound: of the usual variances: ``min`` or ``max``.
        """
        total = 0.0
        for layer in self.start_weights:
            variance = bound(self.usual_variances(layer.n_in, layer.n_out))
            usual = np.sqrt(layer.n_in * layer.n_out * variance)  # norm of the whole matrix
            if layer.length > 0:
                total += float(np.log10(layer.length / usual))
        return total
