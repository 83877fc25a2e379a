"""What is held of a step in which all of a large model is to be explained, should it be the last.

A ledger needs sums that take a third of a step again, and nobody knows which step is the last. So
of every recorded step the inputs and deltas of each layer's calls are held, as the tensors that
they are, until the next one is recorded; the sums are taken once the step is to be written. Of what
does not fit into memory every n-th sample is held; see :class:`Room`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from whygrad.capture.convolutions import Conv
from whygrad.capture.kinds import Linear
from whygrad.capture.layer_calls import FullSnapshot
from whygrad.capture.layer_calls import Room as RoomOfRows
from whygrad.capture.products import Product
from whygrad.capture.torch_private import version
from whygrad.capture.uses import Use, wide

FEWEST = 16  # rows of a call that are held at least
ALL = RoomOfRows(2**62)


@dataclass
class Room:
    """Bytes in which the samples of one step are held.

    Attributes:
        left: that are not taken yet.
        stride: every how many-th sample is held; what the step before would have needed tells.
        wanted: bytes that all of them take.
    """

    left: int
    stride: int = 1
    wanted: int = 0
    _seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.full = max(self.left, 1)

    def bytes_of(self, *tensors: Tensor | None) -> int:
        """Return how many bytes tensors take that nobody else holds yet."""
        new = {one.data_ptr(): one for one in tensors if one is not None}
        new = {place: one for place, one in new.items() if place not in self._seen}
        self._seen |= new.keys()
        return sum(one.numel() * one.element_size() for one in new.values())


@dataclass(frozen=True)
class Call:
    """A call of a layer: how it was used, and what came back to it.

    Attributes:
        upstream: None where nothing stands between it and delta.
        is_all: whether no sample of it was left out.
    """

    use: Use
    delta: Tensor
    upstream: Tensor | None
    is_all: bool = True
    versions: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", self._versions())

    @property
    def is_unchanged(self) -> bool:
        """Whether nobody has written over the numbers that are held."""
        return self.versions == self._versions()

    def _versions(self) -> tuple[int, ...]:
        use = self.use
        input = None if use.input.data_ptr() == use.weight.data_ptr() else use.input  # of a shift
        held = (input, self.delta, self.upstream)
        return tuple(version(one) for one in held if one is not None and not one.is_inference())


@dataclass
class HeldSnapshot:
    """The calls of one layer in one step; stands in the place of a :class:`FullSnapshot`.

    Attributes:
        delta: sum delta_k, (n_out,), of a layer of which samples are left out.
        rows, held: how many rows there were, and are held.
        now: sums of those calls that could not be held.
    """

    room: Room
    calls: list[Call] = field(default_factory=list)
    delta: Tensor | None = None
    rows: int = 0
    held: int = 0
    now: FullSnapshot | None = None
    waiting: Tensor | None = None
    needs_gradient = False

    def anew(self) -> HeldSnapshot:
        """Forget all; what is left out of a layer must stay known to who asks."""
        self.calls, self.delta, self.now, self.waiting = [], None, None, None
        self.rows = self.held = 0
        return self

    @property
    def is_complete(self) -> bool:
        """Whether the layer's gradient can be had from what is held."""
        return self.now is None and all(call.is_all for call in self.calls)

    @property
    def is_unchanged(self) -> bool:
        """Whether nobody has written over the numbers that are held."""
        return all(call.is_unchanged for call in self.calls)

    def add(self, use: Use, delta: Tensor, sizes: Tensor, reach: Tensor) -> None:
        """Hold one call, as :meth:`FullSnapshot.add` takes it in."""
        waiting, self.waiting = self.waiting, None
        upstream = None if waiting is None or waiting is delta else waiting.detach()
        call = _apart(Call(use, delta.detach(), upstream))
        wanted = self.room.bytes_of(call.use.input, call.delta, call.upstream)
        self.room.wanted += wanted
        stride = self.room.stride if wanted <= self.room.left else max(self.room.stride, 2**16)
        kept = call if stride == 1 else _thinned(call, stride)
        self.delta = use.spread(self.delta, use.summed(wide(delta)))
        if kept is None and wanted > self.room.left:
            self.now = self.now or FullSnapshot(RoomOfRows(0))
            self.now.waiting = waiting
            self.now.add(use, delta, sizes, reach)
            return
        kept = kept or call
        self.room.left -= wanted if kept is call else 0
        self.rows += delta.numel()
        self.held += kept.delta.numel()
        self.calls.append(kept)

    @torch.no_grad()
    def summed(self, through: Tensor) -> tuple[FullSnapshot, Tensor | None]:
        """Take the sums: what a full snapshot is made of, and the layer's gradient.

        Args:
            through: sum |delta_k| over all samples, to which those that are held are scaled.

        Returns:
            The gradient is None where not all samples are held.
        """
        found, gradient = FullSnapshot(replace(ALL)), None
        if not all(call.use.has_rows for call in self.calls):
            found.rows = None
        for call in self.calls:
            delta = wide(call.delta)
            found.waiting = call.upstream
            found.add(call.use, delta, delta.abs(), call.use.reach)
            if self.is_complete:
                own = call.use.contract(call.use.x, delta)
                gradient = call.use.placed(gradient, wide(own))
        if self.is_complete or found.pulls is None:
            return (found if self.calls or self.now is None else self.now), gradient
        return self._scaled(found, through), None

    def _scaled(self, found: FullSnapshot, through: Tensor) -> FullSnapshot:
        """Scale the sums of some samples to all, by what is known of all."""
        part: Tensor | None = None
        for call in self.calls:
            laid = call.use.by_neuron(wide(call.delta).abs()).sum((0, 2))
            part = call.use.spread(part, laid)
        assert part is not None and found.pulls is not None and found.layer is not None
        times = torch.where(part > 0, through / torch.where(part > 0, part, 1.0), 1.0)
        use = self.calls[0].use
        pulls = found.pulls * _over_neurons(use, found.pulls, times)
        layer = found.layer * (through.sum() / part.sum() if part.sum() > 0 else 1.0)
        if self.now is not None and self.now.pulls is not None:
            pulls = torch.maximum(pulls, self.now.pulls)
        return replace(found, pulls=pulls, layer=layer, delta=self.delta)


def _over_neurons(use: Use, weight: Tensor, values: Tensor) -> Tensor:
    """Return a number a neuron, (n_out,), as it is multiplied with what has a weight's shape."""
    axes = use.neuron_axes if use.part is None else use.part.axes
    if not axes or len(axes) == weight.dim():
        return values.reshape(weight.shape)
    sizes = [size if axis in axes else 1 for axis, size in enumerate(weight.shape)]
    return values.reshape(sizes)


def _apart(call: Call) -> Call:
    """Return a call whose delta torch will not make the parameter's gradient."""
    use, delta = call.use, call.delta
    if delta.numel() == use.weight.numel():  # torch may make it the parameter's gradient
        delta = delta.clone()
    return replace(call, use=use, delta=delta)


def _thinned(call: Call, stride: int) -> Call | None:
    """Return a call with every n-th sample or row of it; None where it cannot be parted."""
    use, delta, upstream = call.use, call.delta, call.upstream
    if isinstance(use, Linear):
        rows, count = use.input.reshape(-1, use.input.shape[-1]), delta.shape[-1]
        places = _places(len(rows), stride, FEWEST)
        part = [None if t is None else t.reshape(-1, count)[places] for t in (delta, upstream)]
        use = replace(use, input=rows[places])
    elif isinstance(use, Conv) and not use.is_unbatched and len(use.input) > 1:
        places = _places(len(use.input), stride, 1)
        part = [None if t is None else t[places] for t in (delta, upstream)]
        use = replace(use, input=use.input[places])
    elif isinstance(use, Product) and (label := _row_of(use)) is not None:
        at, out = use.of_input.index(label), use.of_output.index(label)
        places = _places(use.shape[out], stride, FEWEST).to(delta.device)
        shape = tuple(len(places) if n == out else size for n, size in enumerate(use.shape))
        part = [
            None if t is None else t.reshape(use.shape).index_select(out, places)
            for t in (delta, upstream)
        ]
        use = replace(use, input=use.input.index_select(at, places), shape=shape)
    else:
        return None
    assert part[0] is not None
    return Call(use, part[0], part[1], is_all=False)


def _places(count: int, stride: int, fewest: int) -> Tensor:
    stride = max(min(stride, count // fewest), 1)
    return torch.arange(0, count, stride)


def _row_of(use: Product) -> int | None:
    """Return the longest axis that counts rows: in input and output, and not in the weight."""
    rows = [n for n in use.of_output if n in use.of_input and n not in use.of_weight]
    return max(rows, key=lambda n: use.shape[use.of_output.index(n)], default=None)
