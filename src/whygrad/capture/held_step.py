"""The step that is held, layer by layer, and what is written of it once it is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whygrad.capture.halves import ROUNDED, Half, as_numpy
from whygrad.capture.held import HeldSnapshot
from whygrad.capture.layer_calls import FullSnapshot
from whygrad.capture.registry import RegisteredLayer
from whygrad.capture.torch_private import norms
from whygrad.capture.uses import plus
from whygrad.record.packing import Packing

STRONGEST = 64  # rows that are kept of a layer of which not all are
OF_ARRAYS = 6  # bytes a weight: its gradient, and half as much for its pulls


@dataclass(frozen=True)
class HeldLayer:
    """One layer's part in a held step.

    Attributes:
        sums: of its neurons: pushed, through, pulled.
        parameters: ``weight.before`` and so on, cut to the layer; ``weight.gradient`` is the one
            that came, where it is held.
        own: the layer's part in its weight's gradient, where that was summed at once.
        is_apart: tells whether two gradients differ by more than rounding.
        name_of: by ``weight`` and ``bias``, the parameter.
    """

    layer: RegisteredLayer
    snapshot: HeldSnapshot
    sums: Mapping[str, Tensor]
    parameters: Mapping[str, Tensor | Half]
    own: Tensor | None
    is_apart: Any
    name_of: Mapping[str, str]

    def pack(self, packing: Packing, all_ways: Tensor | None) -> None:
        """Take the sums, and put all that a ledger needs of the layer into a file.

        Args:
            all_ways: the gradient of a weight that several layers have; None where it is held.
        """
        snapshot, gradient = self.snapshot.summed(self.sums["through"])
        content: dict[str, Tensor | Half | None] = {**self.sums, **self.parameters}
        content |= {"delta": snapshot.delta, "layer": snapshot.layer}
        came = content.pop("weight.gradient", all_ways)  # the layer's own takes its place
        assert snapshot.pulls is not None
        own = self.own if self.own is not None else gradient
        rows = _rows(snapshot) if self.snapshot.is_complete else None
        pulls = snapshot.pulls
        whole = None if came is None else _numbers(came)
        if own is None:
            own = whole
        elif whole is not None and self.is_apart(whole, own, pulls):
            content["weight.came"] = came
        elif whole is not None:
            own = whole  # to the bit
        assert own is not None
        (content["length"],) = norms([own])
        if rows is None or not self._are_smaller(rows, own.numel()):
            pulls = Half.of(pulls.reshape(own.shape)).wide()  # not below |gradient|, by rounding
            content |= {"weight.gradient": own, "pulls": torch.maximum(pulls, own.abs())}
            content |= _strongest(rows)
            are_pulls_rounded = True
        else:
            content |= {f"sample.{name}": part for name, part in rows.items()}
            are_pulls_rounded = False
        if "bias.gradient" in content:
            self._part_bias(content, snapshot)
        is_value_rounded = isinstance(self.parameters.get("weight.before"), Half)
        share = self.snapshot.held / max(self.snapshot.rows, 1) if self.snapshot.calls else 1.0
        rounded = (is_value_rounded, "weight.moved" in content, are_pulls_rounded)
        content["closeness"] = torch.tensor([*(ROUNDED * one for one in rounded), share])
        if self.snapshot.is_complete:
            content |= snapshot.places()
        self._put(packing, content)

    def _are_smaller(self, rows: Mapping[str, Tensor], numbers: int) -> bool:
        return sum(4 * part.numel() for part in rows.values()) < OF_ARRAYS * numbers

    def _part_bias(self, content: dict[str, Any], snapshot: FullSnapshot) -> None:
        came, delta = content["bias.gradient"], snapshot.delta
        if delta is not None and self.is_apart(_numbers(came), delta, self.sums["through"]):
            content |= {"bias.came": came, "bias.gradient": delta}

    def _put(self, packing: Packing, content: Mapping[str, Tensor | Half | None]) -> None:
        for which, value in content.items():
            if value is None:
                continue
            key = self._key(which)
            name = f"{self.layer.name}/{which}"
            if key is None or not packing.holds(name, key):
                packing.add(name, as_numpy(_numbers(value)), key)

    def _key(self, which: str) -> Any:
        """Return what an array is that other layers may have, too: of a tied weight, an input."""
        kind, _, rest = which.partition(".")
        if rest in ("before", "moved") and kind in self.name_of and not self.layer.is_packed:
            return self.name_of[kind], rest
        if which == "sample.input" and len(self.snapshot.calls) == 1:
            given = self.snapshot.calls[0].use
            return given.kind, given.input.data_ptr(), tuple(given.input.shape)
        return None


@dataclass(frozen=True)
class HeldStep:
    """A recorded step, held until it is written or the next one takes its place."""

    layers: Mapping[str, HeldLayer]

    @torch.no_grad()
    def packed(self) -> Packing:
        """Return all that is written of it."""
        packing, sums = Packing(), dict[str, Tensor]()
        for layer in self.layers.values():
            if layer.own is not None and "weight.gradient" not in layer.parameters:
                sums[layer.layer.weight] = plus(sums.get(layer.layer.weight), layer.own)
        for layer in self.layers.values():
            if layer.snapshot.is_unchanged:  # else a program has written over an activation
                layer.pack(packing, sums.get(layer.layer.weight))
        return packing


def _rows(snapshot: FullSnapshot) -> dict[str, Tensor] | None:
    """Return the inputs, upstream and delta of every row; upstream only where it is another."""
    if not snapshot.rows:
        return None
    parts = zip(*snapshot.rows, strict=True)
    rows = {
        name: torch.cat(part)
        for name, part in zip(("input", "upstream", "delta"), parts, strict=True)
    }
    if torch.equal(rows["upstream"], rows["delta"]):
        del rows["upstream"]
    return rows


def _strongest(rows: Mapping[str, Tensor] | None) -> dict[str, Tensor | Half]:
    """Return the rows that pull the layer most, and which they are."""
    if rows is None:
        return {}
    size = rows["input"].norm(dim=1) * rows["delta"].norm(dim=1)
    which = size.nan_to_num(nan=float("inf")).topk(min(STRONGEST, len(size))).indices.sort().values
    found: dict[str, Tensor | Half] = {
        f"strongest.{name}": Half.of(part[which]) for name, part in rows.items()
    }
    return found | {"strongest.rows": which.int(), "strongest.of": torch.tensor([len(size)])}


def _numbers(value: Tensor | Half) -> Tensor:
    return value.wide() if isinstance(value, Half) else value
