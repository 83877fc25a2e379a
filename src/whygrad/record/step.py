"""One step of training, seen whole: what every ledger is made of, whoever took the step.

A step of whygrad's own training is replayed to fill it, a step of a watched model is read from a
full snapshot. Everything has our orientation: weights, and what has their shape, are
(n_in, n_out).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import EllipsisType

import numpy as np
from jaxtyping import Float, Int

from whygrad.record.factors import layer_sizes, mean_size, neuron_pulls, pushes, weight_pulls
from whygrad.record.layers import LayerSpec

Index = tuple[int | slice, ...] | EllipsisType  # of a parameter, or of a part of it
Part = np.ndarray | np.floating
Stages = Callable[[Index], list[tuple[str, Part]]]


@dataclass(frozen=True, eq=False)
class ParameterStep:
    """A layer's weights or biases around a step.

    Attributes:
        before, after: around the step, (n_in, n_out) or (n_out,).
        gradient: mean over the batch, as it came back through the layer.
        stages: name and outcome of each stage of the optimiser, in order, at an index of the
            parameter; the last outcome is the update. Worked out where it is asked for: of a large
            layer all stages together would not fit into memory.
    """

    before: np.ndarray
    after: np.ndarray
    gradient: np.ndarray
    stages: Stages


@dataclass(frozen=True, eq=False)
class Rows:
    """A layer's part in the gradient, a row a sample (or a sample at a position), before the mean.

    Attributes:
        input: (m, n_in).
        upstream, delta: dC_i/da and dC_i/dz, (m, n_out).
        share: of each row in the mean, (m,); above 0.
        numbers: of each row in the training part, (m,); where there is none, in the batch.
        slope: da_i/dz, (m, n_out); None where nobody saw it apart from delta.
    """

    input: Float[np.ndarray, "m n_in"]
    upstream: Float[np.ndarray, "m n_out"]
    delta: Float[np.ndarray, "m n_out"]
    share: Float[np.ndarray, " m"]
    numbers: Int[np.ndarray, " m"]
    slope: Float[np.ndarray, "m n_out"] | None = None


@dataclass(frozen=True)
class Closeness:
    """How close what was kept of a layer is to what was.

    Attributes:
        value, movement, pulls: how far a number may be off, as a share of it; 0 for not at all.
        share: of the rows that the pulls are of.
        strongest: how many rows were kept, where not all were; 0 where none or all.
    """

    value: float = 0.0
    movement: float = 0.0
    pulls: float = 0.0
    share: float = 1.0
    strongest: int = 0


@dataclass(frozen=True, eq=False)
class Places:
    """Where the rows of a step stand.

    Attributes:
        shape: what the rows were, samples first; None where that is not known.
        tokens: what was looked up in a table for each of them, as (samples, positions).
    """

    shape: tuple[int, ...] | None = None
    tokens: Int[np.ndarray, "..."] | None = None

    def of(self, row: int, rows: int) -> tuple[tuple[int, ...], int | None]:
        """Return sample and position of a row, and its token; () and None where not known.

        Args:
            rows: how many there are.
        """
        tokens = self.tokens if self.tokens is not None and self.tokens.size == rows else None
        shape = self.shape if tokens is None else tokens.shape
        if shape is None or len(shape) < 2 or np.prod(shape) != rows:
            return (), None
        place = tuple(int(at) for at in np.unravel_index(row, shape))
        return place, None if tokens is None else int(tokens[place])


@dataclass(frozen=True, eq=False)
class Sizes:
    """Means over the rows: what the four factors are ratios of.

    Attributes:
        pushed, through: mean |upstream| and mean |delta| of each neuron, (n_out,).
        pulled: mean |delta| times the norm of the input vector, (n_out,).
        delta: mean delta, with its sign, (n_out,): the gradient of the bias.
        layer: pushed, through and pulled of the whole layer, norms over its neurons, (3,).
    """

    pushed: Float[np.ndarray, " n_out"]
    through: Float[np.ndarray, " n_out"]
    pulled: Float[np.ndarray, " n_out"]
    delta: Float[np.ndarray, " n_out"]
    layer: Float[np.ndarray, " 3"]

    @classmethod
    def of(cls, rows: Rows, *, is_coupled: bool) -> "Sizes":
        """Return the sizes of a layer whose rows are known.

        Args:
            is_coupled: see :func:`whygrad.record.factors.pushes`.
        """
        return cls(
            pushed=rows.share @ pushes(rows.upstream, is_coupled=is_coupled),
            through=mean_size(rows.share, rows.delta),
            pulled=neuron_pulls(rows.input, rows.delta, rows.share),
            delta=rows.share @ rows.delta,
            layer=np.stack(layer_sizes(rows.input, rows.upstream, rows.delta, rows.share)),
        )


@dataclass(frozen=True, eq=False)
class LayerStep:
    """One layer's part in a step.

    Attributes:
        spec: what the layer is.
        sizes: of its neurons.
        weight: its weights around the step.
        bias: its biases; None where there are none, or none that learn.
        rows: its samples; None where they were not kept.
        kept_pulls: the pulls, where they were kept.
        strongest: the samples that pull most, where those were kept and not all.
        closeness: how close all of this is.
        places: where the rows stand.
    """

    spec: LayerSpec
    sizes: Sizes
    weight: ParameterStep
    bias: ParameterStep | None = None
    rows: Rows | None = None
    kept_pulls: Float[np.ndarray, "n_in n_out"] | None = None
    strongest: Rows | None = None
    closeness: Closeness = field(default_factory=Closeness)
    places: Places = field(default_factory=Places)

    @property
    def samples(self) -> int:
        """How many rows there were; 0 where that is not known."""
        if self.rows is None and self.strongest is not None:
            return round(1 / float(self.strongest.share[0]))
        return 0 if self.rows is None else len(self.rows.share)

    @cached_property
    def pulls(self) -> Float[np.ndarray, "n_in n_out"]:
        """Mean |input_j delta_k| of each weight; a matrix product where it was not kept."""
        if self.kept_pulls is not None:
            return self.kept_pulls
        assert self.rows is not None, "a record holds the pulls or what they are made of"
        return weight_pulls(self.rows.input, self.rows.delta, self.rows.share)


@dataclass(frozen=True, eq=False)
class StepRecord:
    """A step, seen whole.

    Attributes:
        step: its number.
        epoch: the epoch that it belongs to; None where somebody else trained.
        loss: of the batch; NaN where it is not known.
        layers: by name, first to last; of a watched model those that were kept whole in this step.
        last: the layer at which all pushing begins, by the loss itself.
        pushed_at_last: how hard that is, mean over its neurons.
        is_recorded: whether the run recorded this step, so that a replay was compared with it.
        sizes: by layer what :attr:`Sizes.layer` holds, and the norm of its gradient where that is
            known without it; None where it is to be taken of the layers.
    """

    step: int
    epoch: int | None
    loss: float
    layers: Mapping[str, LayerStep]
    last: str
    pushed_at_last: float
    is_recorded: bool = True
    sizes: Mapping[str, np.ndarray] | None = None

    def sizes_of(self, layer: str) -> tuple[float, ...]:
        """Return pushed, through and pulled of a whole layer, and the norm of its gradient."""
        known = () if self.sizes is None else self.sizes[layer]
        if len(known) < 4:
            here = self.layers[layer]
            known = (*here.sizes.layer, np.linalg.norm(here.weight.gradient))
        return tuple(map(float, known))

    def is_pushed_by_loss(self, layer: str) -> bool:
        """Return whether nothing but the loss itself stands behind a layer."""
        return layer == self.last and self.layers[layer].spec.feeds is None

    def after(self, layer: str) -> LayerStep | None:
        """Return the layer that takes a layer's outputs as its inputs, if it is known."""
        here = self.layers[layer].spec
        following = self.layers.get(here.feeds or "")
        if following is None or following.spec.n_in != here.n_out:
            return None
        return following
