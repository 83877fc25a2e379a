"""What one layer's backward pass amounts to, summed up call by call.

The same sizes that :mod:`whygrad.training.recording` keeps of whygrad's own layers, so that the
same four factors are ratios of them:

    pushed = sum |u|    through = sum |delta|    pulled = sum |x| |delta|    and |gradient|

Sums run over the samples, the positions, and all calls of one step.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from whygrad.capture.kinds import KINDS, Use, by_neuron, wide
from whygrad.record.activations import INFINITY, Flat


@dataclass
class Accumulators:
    """Running sums of one layer in one step.

    Attributes:
        pushed, through, pulled: as above, (n_out,).
        opened: for how many samples and positions the activation was outside its flat region,
            (n_out,).
        counted: of how many.
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
    counted: int = 0
    rows: int = 0
    calls: int = 0
    dtype: torch.dtype = torch.float32
    gradient: Tensor | None = None
    snapshot: "FullSnapshot | None" = None

    @property
    def is_empty(self) -> bool:
        """Whether no gradient came back to this layer."""
        return self.through is None

    def begin_again(self) -> None:
        """Forget everything; what is still to come back is added to nothing."""
        snapshot = None if self.snapshot is None else FullSnapshot(self.snapshot.room)
        self.__init__(snapshot=snapshot)

    def add_upstream(self, pushed: Tensor) -> None:
        """Take in sum |dC/da| of one call."""
        self.pushed = _plus(self.pushed, pushed)

    def add_opened(self, opened: "Opened") -> None:
        """Take in where the activation of one call was open."""
        self.opened = _plus(self.opened, opened.count)
        self.counted += opened.of

    def add_delta(self, use: Use, delta: Tensor, sizes: Tensor) -> None:
        """Take in dC/dz of one call, and its absolute values."""
        self.dtype = delta.dtype
        laid = by_neuron(use, sizes)
        self.through = _plus(self.through, laid.sum((0, 2)))
        reach = wide(KINDS[use.kind].reach(use))
        self.pulled = _plus(self.pulled, _weighted(laid, reach))
        self.rows += laid.shape[0] * laid.shape[2]
        self.calls += 1
        if self.snapshot is not None:
            self.snapshot.add(use, wide(delta), sizes, reach)

    def add_gradient(self, own: Tensor) -> None:
        """Take in what one call puts into its weight's gradient."""
        self.gradient = _plus(self.gradient, wide(own))


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
    """

    room: Room
    pulls: Tensor | None = None
    delta: Tensor | None = None
    layer: Tensor | None = None
    rows: list[tuple[Tensor, Tensor, Tensor]] | None = field(default_factory=list)
    waiting: Tensor | None = None

    def add(self, use: Use, delta: Tensor, sizes: Tensor, reach: Tensor) -> None:
        """Take in one call: dC/dz, its absolute values, and the lengths of the inputs."""
        kind = KINDS[use.kind]
        x = use.x if use.traits.is_lookup else use.x.abs()
        self.pulls = _plus(self.pulls, kind.contract(use, x, sizes))
        laid = by_neuron(use, delta)
        self.delta = _plus(self.delta, laid.sum((0, 2)))
        waiting, self.waiting = self.waiting, None
        upstream = laid if waiting is None else by_neuron(use, wide(waiting))
        norms = [_lengths(part).sum() for part in (upstream, laid)]
        self.layer = _plus(self.layer, torch.stack([*norms, _lengths(laid, reach).sum()]))
        self._keep(use, upstream, laid)

    def _keep(self, use: Use, upstream: Tensor, laid: Tensor) -> None:
        if self.rows is None:
            return
        count, n_out = laid.shape[0] * laid.shape[2], laid.shape[1]
        n_in = use.weight.numel() // n_out
        needed = 4 * count * (n_in + 2 * n_out)
        rows_of = KINDS[use.kind].rows if use.options.get("groups", 1) == 1 else None
        if rows_of is None or needed > self.room.left:
            self.rows = None
            return
        self.room.left -= needed
        u, d = (part.transpose(1, 2).reshape(-1, n_out) for part in (upstream, laid))
        self.rows.append((wide(rows_of(use)).clone(), u.clone(), d.clone()))


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


def sum_of_sizes(use: Use, sizes: Tensor) -> Tensor:
    """Return the sum of the sizes of what stands at each neuron, (n_out,)."""
    return by_neuron(use, sizes).sum((0, 2))


def opened(use: Use, z: Tensor, flat: Flat) -> Opened:
    """Return where an activation is open: outside its flat region.

    Args:
        z: what it is called on.
        flat: the intervals (low, high) in which it is flat, each up to one of the ends.
    """
    laid = by_neuron(use, wide(z))
    of = laid.shape[0] * laid.shape[2]
    count = laid.new_full((laid.shape[1],), of)
    for low, high in flat:
        is_lower, bound = low == -INFINITY, high if low == -INFINITY else low
        # as floats: of booleans torch takes sums several times as slowly
        beyond = (torch.gt if is_lower else torch.lt)(laid, bound, out=torch.empty_like(laid))
        count = count + beyond.sum((0, 2)) - of
    return Opened(count.clamp_(min=0), of)


def _weighted(sizes: Tensor, reach: Tensor) -> Tensor:
    if reach.shape[1] == 1:
        return torch.bmm(sizes, reach.transpose(1, 2)).sum((0, 2))
    return (sizes * reach).sum((0, 2))


def _lengths(laid: Tensor, reach: Tensor | None = None) -> Tensor:
    """Return norms over the neurons, each times its reach; see :func:`kinds.by_neuron`.

    Written out: along an axis in the middle torch's own norm takes ten times as long.
    """
    if reach is None:
        return laid.square().sum(1).sqrt()
    if reach.shape[1] == 1:
        return _lengths(laid) * reach.squeeze(1)
    return _lengths(laid * reach)


def _plus(total: Tensor | None, more: Tensor) -> Tensor:
    return more if total is None else total + more
