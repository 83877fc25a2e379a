"""The calls of layers in one step, and what their backward passes amount to.

The same sizes that :mod:`whygrad.training.recording` keeps of whygrad's own layers, so that the
same four factors are ratios of them:

    pushed = sum |u|    through = sum |delta|    pulled = sum |x| |delta|    and |gradient|

Sums run over the samples, the positions, and all calls of one step.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from whygrad.capture.functions import ActivationOfTorch
from whygrad.capture.isolation import without_grad
from whygrad.capture.registry import RegisteredLayer
from whygrad.capture.uses import Use, plus, wide
from whygrad.record.activations import INFINITY, Flat

if TYPE_CHECKING:
    from whygrad.capture.held import HeldSnapshot

SMALL = 2**14  # numbers of an input that may stay until the step is over


@dataclass
class Accumulators:
    """Running sums of one layer in one step.

    Attributes:
        pushed, through, pulled: as above, (n_out,).
        opened: for how many samples and positions the activation was outside its flat region,
            (n_out,).
        counted: of how many; (n_out,) where some neurons were called more often than others.
        rows: samples times positions seen.
        calls: how often the layer was called.
        dtype: of the deltas.
        gradient: what the layer's calls put into the weight's gradient, where asked for.
        snapshot: what a full snapshot needs besides; None where the layer is in none.
    """

    pushed: Tensor | None = None
    through: Tensor | None = None
    pulled: Tensor | None = None
    opened: Tensor | None = None
    counted: Tensor | int = 0
    rows: int = 0
    calls: int = 0
    dtype: torch.dtype = torch.float32
    gradient: Tensor | None = None
    snapshot: "FullSnapshot | HeldSnapshot | None" = None

    @property
    def is_empty(self) -> bool:
        """Whether no gradient came back to this layer."""
        return self.through is None

    def begin_again(self) -> None:
        """Forget everything; what is still to come back is added to nothing."""
        snapshot = None if self.snapshot is None else self.snapshot.anew()
        self.__init__(snapshot=snapshot)

    def add_upstream(self, use: Use, pushed: Tensor) -> None:
        """Take in sum |dC/da| of one call."""
        self.pushed = use.spread(self.pushed, pushed)

    def add_opened(self, use: Use, opened: "Opened") -> None:
        """Take in where the activation of one call was open."""
        self.opened = use.spread(self.opened, opened.count)
        if use.part is None:
            self.counted += opened.of
            return
        before = self.counted if isinstance(self.counted, Tensor) else None
        self.counted = use.spread(before, torch.full_like(opened.count, opened.of))

    def add_delta(self, use: Use, delta: Tensor, sizes: Tensor, through: Tensor) -> None:
        """Take in dC/dz of one call, its absolute values, and the sums of these."""
        reach = use.reach
        self.dtype = delta.dtype
        self.through = use.spread(self.through, through)
        self.pulled = use.spread(self.pulled, use.weighed(sizes, reach))
        self.rows += sizes.numel() // max(through.numel(), 1)
        self.calls += 1
        if self.snapshot is not None:
            self.snapshot.add(use, delta, sizes, reach)

    def add_gradient(self, use: Use, own: Tensor) -> None:
        """Take in what one call puts into its weight's gradient."""
        self.gradient = use.placed(self.gradient, wide(own))


@dataclass
class Room:
    """Bytes that are left, for all layers of a step together."""

    left: int


@dataclass
class FullSnapshot:
    """What a ledger needs beyond the sums: a size for every weight, and the samples themselves.

    Attributes:
        room: left for samples; where they do not fit none are kept.
        pulls: sum |x_j| |delta_k|, as the weight.
        delta: sum delta_k, (n_out,).
        layer: sums of |u|, |delta| and |delta| |x|, each a norm over the neurons, (3,).
        rows: (inputs (rows, n_in), upstream, delta (rows, n_out)) of each call.
        shapes: of what each call's rows were, such as (samples, positions).
        tokens: what was looked up, of each call.
    """

    room: Room
    pulls: Tensor | None = None
    delta: Tensor | None = None
    layer: Tensor | None = None
    rows: list[tuple[Tensor, Tensor, Tensor]] | None = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    tokens: list[Tensor] = field(default_factory=list)
    waiting: Tensor | None = None
    needs_gradient: ClassVar[bool] = True

    def anew(self) -> "FullSnapshot":
        """Return what has taken in nothing yet."""
        return FullSnapshot(self.room)

    def add(self, use: Use, delta: Tensor, sizes: Tensor, reach: Tensor) -> None:
        """Take in one call: dC/dz, its absolute values, and the lengths of the inputs."""
        shape, delta = delta.shape, wide(delta)
        if use.traits.is_lookup:
            self.tokens.append(use.input.to(torch.int32, copy=True))
        self.pulls = use.placed(self.pulls, use.contract(abs(use.x), sizes), is_size=True)
        self.delta = use.spread(self.delta, use.summed(delta))
        laid = use.by_neuron(delta)
        waiting, self.waiting = self.waiting, None
        upstream = laid if waiting is None else use.by_neuron(wide(waiting))
        lengths = _lengths(laid)
        pushed = lengths if waiting is None else _lengths(upstream)
        alike = reach.shape[1] == 1
        pulled = lengths * reach.squeeze(1) if alike else _lengths(laid * reach)
        norms = torch.stack([pushed.sum(), lengths.sum(), pulled.sum()])
        self.layer = plus(self.layer, norms)
        if self.rows is not None:
            self.keep(use, upstream, laid)
        if self.rows:
            self.shapes.append(shape[:1] + shape[2:] if use.output_axis == 1 else shape[:-1])

    def places(self) -> dict[str, Tensor]:
        """Return where the rows of the only call stand, and what was looked up, where known."""
        found = {}
        if len(self.shapes) == 1 and self.rows:
            found["places"] = torch.tensor(self.shapes[0], dtype=torch.int32)
        if len(self.tokens) == 1 and self.tokens[0].dim():
            found["tokens"] = self.tokens[0]
        return found

    def keep(self, use: Use, upstream: Tensor, laid: Tensor) -> None:
        """Keep the samples of one call, or those of none where these do not fit."""
        n_out = laid.shape[1]
        numbers = laid.shape[0] * laid.shape[2] * (use.weight.numel() // n_out + 2 * n_out)
        if self.rows is None or not use.has_rows or 4 * numbers > self.room.left:
            self.rows = None
            return
        self.room.left -= 4 * numbers
        d = laid.transpose(1, 2).reshape(-1, n_out).clone()
        u = d if upstream is laid else upstream.transpose(1, 2).reshape(-1, n_out).clone()
        self.rows.append((wide(use.rows).clone(), u, d))


@dataclass(frozen=True)
class Opened:
    """Where one call of an activation was outside its flat region, neuron by neuron.

    Attributes:
        count: for how many samples and positions, (n_out,).
        of: of how many.
    """

    count: Tensor
    of: int


class Sizes:
    """Absolute values of gradients, remembering the last: two hooks of a tensor are given one."""

    def __init__(self) -> None:
        self._of: Tensor | None = None
        self._sizes: Tensor | None = None

    def of(self, values: Tensor) -> Tensor:
        """Return absolute values, in a precision that sums can be taken in; not to be changed."""
        if values is not self._of or self._sizes is None:
            self._of, self._sizes = values, wide(values).abs()
        return self._sizes

    def let_go(self) -> None:
        """Hold no tensor any longer."""
        self._of = self._sizes = None


def opened(use: Use, z: Tensor, flat: Flat) -> Opened:
    """Return where an activation is open: outside its flat region.

    Args:
        z: what it is called on.
        flat: the intervals (low, high) in which it is flat, each up to one of the ends.
    """
    z, counts = wide(z), list[Tensor]()
    for low, high in flat:
        is_lower, bound = low == -INFINITY, high if low == -INFINITY else low
        # as floats: of booleans torch takes sums several times as slowly
        beyond = (torch.gt if is_lower else torch.lt)(z, bound, out=torch.empty_like(z))
        counts.append(use.summed(beyond))
    if not counts:
        counts = [use.summed(torch.ones_like(z))]
    of = z.numel() // max(counts[0].numel(), 1)
    count = counts[0]
    for more in counts[1:]:
        count = (count + more - of).clamp_(min=0)
    return Opened(count, of)


def _lengths(laid: Tensor) -> Tensor:
    """Return norms over the neurons; see :meth:`Use.by_neuron`.

    Written out where neurons stand in the middle, where torch's own takes ten times as long.
    """
    if laid.stride(1) == 1:
        return torch.linalg.vector_norm(laid, dim=1)
    return laid.square().sum(1).sqrt()


@dataclass
class Backward:
    """What the calls of one step share on the way back.

    Attributes:
        sizes: absolute values of gradients.
        frees: whether the graph is let go behind the pass under way, so that nothing comes twice.
        asked: the parameters that the pass under way is to reach; None where it is all of them.
    """

    sizes: Sizes = field(default_factory=Sizes)
    frees: bool = False
    asked: frozenset[str] | None = None

    def reaches(self, parameter: str) -> bool:
        """Return whether the pass under way puts anything into a parameter's gradient."""
        return self.asked is None or parameter in self.asked


@dataclass
class LayerCall:
    """One call of a layer, from its forward to its backward pass.

    Attributes:
        use: how it was called; None once the step is over.
        activation: that was called on its output.
        is_told: whether the graph tells what this call puts into its weight's gradient.
    """

    layer: RegisteredLayer
    use: Use | None
    accumulators: Accumulators
    backward: Backward
    activation: ActivationOfTorch | None = None
    is_told: bool = False

    @property
    def needs_gradient(self) -> bool:
        """Whether what this call puts into its weight's gradient is wanted apart."""
        snapshot = self.accumulators.snapshot
        return self.layer.is_shared or (snapshot is not None and snapshot.needs_gradient)

    def let_go(self) -> None:
        """Hold nothing of the step any longer, for whoever keeps its graph keeps this, too."""
        self.use, self.accumulators = None, Accumulators()

    @without_grad
    def on_delta(self, gradient: Tensor) -> None:
        """Take in dC/dz, from the hook on the layer's output."""
        use = self.use
        if use is None or not self.backward.reaches(self.layer.weight):
            return
        sizes = self.backward.sizes.of(gradient)
        through = use.summed(sizes)
        if self.activation is None:
            self.accumulators.add_upstream(use, through)
        self.accumulators.add_delta(use, gradient, sizes, through)
        if self.needs_gradient and not self.is_told:
            self.accumulators.add_gradient(use, use.contract(use.x, wide(gradient)))
        if self.backward.frees and use.input.numel() > SMALL:  # torch lets go of it now, too
            self.use = use.emptied()

    def on_gradient(self, own: Tensor) -> None:
        """Take in this call's part in dC/dw, from the hook on the layer's node in the graph.

        A copy: torch may make the tensor the parameter's gradient, and others write into that.
        """
        if self.use is not None:
            self.accumulators.add_gradient(self.use, own.detach().clone())


@dataclass
class ActivationCall:
    """One call of an activation, behind one layer, or behind a layer and its norm."""

    layer_calls: list[LayerCall]
    backward: Backward
    opened: Opened | None = None  # counted when it is called; a pass that comes back takes it in

    @without_grad
    def on_upstream(self, gradient: Tensor) -> None:
        """Take in dC/da, from the hook on the activation's output."""
        nearest = self.layer_calls[-1].use
        if nearest is None:
            return
        sizes = self.backward.sizes.of(gradient)
        of_nearest = nearest.summed(sizes)
        for layer_call in self.layer_calls:
            use, accumulators = layer_call.use, layer_call.accumulators
            if use is None or not self.backward.reaches(layer_call.layer.weight):
                continue
            is_alike = use is nearest or not (use.has_own_layout or nearest.has_own_layout)
            pushed = of_nearest if is_alike else use.summed(sizes)
            accumulators.add_upstream(use, pushed)
            if self.opened is not None and is_alike:
                accumulators.add_opened(use, self.opened)
            if accumulators.snapshot is not None:
                accumulators.snapshot.waiting = gradient
