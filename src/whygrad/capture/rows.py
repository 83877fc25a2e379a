"""What every recorded step keeps: a row of factors for every neuron, and how far layers moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from whygrad.capture.gradients import (
    ActualGradient,
    actual_gradient,
    direction_of_bias,
    directions_of,
)
from whygrad.capture.layer_calls import Accumulators, FullSnapshot
from whygrad.capture.readings import on_host
from whygrad.capture.registry import RegisteredLayer
from whygrad.capture.torch_private import norms
from whygrad.record.fields import ROW_FIELDS

if TYPE_CHECKING:
    from whygrad.capture.window import Window

# how far a gradient may be from the sum of delta times input, as a share of sum |delta| |input|
EXACT = 1e-3  # in single precision, of which an accelerator may keep ten bits
AGREEMENT = ROW_FIELDS.index("agreement")
SUMS = ("pushed", "through", "pulled")
ROUNDING = {torch.bfloat16: 2e-2, torch.float16: 2e-2}


class LayerRow:
    """The sums of one layer, and what they are held against.

    Made before the numbers of the step are fetched, and asked afterwards.

    Args:
        weight: after the update, (n_out, n_in).
        bias: of these neurons, after the update.
        is_part: whether this process holds a part of the weight only.
    """

    def __init__(
        self,
        window: Window,
        layer: RegisteredLayer,
        accumulators: Accumulators,
        weight: Tensor,
        bias: Tensor | None,
        *,
        is_part: bool = False,
    ):
        self.is_part = is_part
        gradients, self._accumulators, self._layer = window.gradients, accumulators, layer
        through, pulled = accumulators.through, accumulators.pulled
        assert through is not None and pulled is not None
        self._n_in, before = weight.shape[1], gradients.weights[layer]
        self._asked = gradients.requested.get(layer.weight)
        self._own, given = accumulators.gradient, dict[str, Tensor | None]()
        given |= self._differences(window)
        actual = gradients.actual.get(layer)
        if self._own is not None and not given and not is_part:
            actual = actual_gradient(layer.laid(self._own, is_cut=True))
        actual = actual or actual_gradient(torch.zeros_like(weight))
        counted = accumulators.counted
        self._counted = None if isinstance(counted, Tensor) else counted
        given |= {
            # where the hook on the activation never fired, what came is all there was
            "pushed": through if accumulators.pushed is None else accumulators.pushed,
            "through": through,
            "pulled": pulled,
            "size": actual.size,
            "came": actual.mark,
            "opened": accumulators.opened,
            "counted": counted if isinstance(counted, Tensor) else None,
            "mark": weight.float() @ directions_of(weight),
            "bias": bias,
            "reduced": gradients.reduced.get(layer),
            "before": before.length,
            "moved": before.moved(weight),
        }
        self._read = gradients.readings.add({k: v for k, v in given.items() if v is not None})

    def _differences(self, window: Window) -> dict[str, Tensor]:
        """Return how far the layer's part in its weight's gradient is from all of it, and of what.

        Nothing where there is nothing to compare.
        """
        change = window.gradients.snapshot.get(self._layer.weight)
        snapshot = self._accumulators.snapshot
        if self._own is None or change is None or not isinstance(snapshot, FullSnapshot):
            return {}
        if snapshot.pulls is None:
            return {}
        assert change.gradient is not None
        actual = self._layer.cut(change.gradient)
        self._own = self._own.reshape(actual.shape)
        difference, pulls = norms([actual - self._own, snapshot.pulls])
        return {"difference": difference, "pulls": pulls}

    def __getitem__(self, name: str) -> np.ndarray:
        """Return sums over the step: ``pushed``, ``through`` or ``pulled``, (n_out,)."""
        return self._read.arrays[name]

    @property
    def reduced(self) -> np.ndarray | None:
        """Norms of the mean gradient of all processes, (n_out,); of a shard, what is held of it."""
        reduced = self._read.arrays.get("reduced", self["size"] if self.is_part else None)
        return None if reduced is None else _single(reduced)

    @property
    def mark(self) -> np.ndarray:
        """Sums of the gradient along fixed directions, (n_out,); of a shard, its part of them."""
        return _single(self["came"])

    def own(self) -> Tensor | None:
        """Return the layer's part in its weight's gradient, where that is not all of it.

        The sum of delta times input is all of it unless the weight has another way to the loss: a
        penalty on it, a gradient of a gradient, a second layer that holds it.
        """
        if "difference" not in self._read.arrays:
            return self._own
        return self._own if self.is_apart(self["difference"], self["pulls"]) else None

    def is_apart(self, difference: float | np.ndarray, pulls: float | np.ndarray) -> bool:
        """Return whether two gradients differ by more than rounding.

        Args:
            difference: norm of it.
            pulls: norm of the sums of sizes that they are made of.
        """
        return is_beyond_rounding(difference, pulls, self._accumulators.dtype)

    def actual(self) -> tuple[np.ndarray, np.ndarray]:
        """Return size and mark of the gradient that came back through this layer."""
        own = self.own() if "difference" in self._read.arrays else None
        if own is None or self.is_part:
            return self["size"], self["came"]
        found: ActualGradient = actual_gradient(self._layer.laid(own, is_cut=True))
        size, mark = on_host([found.size, found.mark])
        return size, mark

    def open_share(self) -> np.ndarray:
        """Return the share of samples for which each neuron was open."""
        opened = self._read.arrays.get("opened")
        if opened is None:
            return np.ones_like(self["through"])
        counted = self["counted"] if self._counted is None else self._counted
        return np.divide(opened, counted, out=np.zeros_like(opened), where=counted != 0)

    def signatures(self, mark: np.ndarray) -> np.ndarray:
        """Return one number a neuron; see :data:`whygrad.record.fields.FIELDS`.

        Of a shard the weights' part alone, for the other is in units of the whole layer.

        Args:
            mark: of the gradient.
        """
        own, bias = self["mark"], self._read.arrays.get("bias")
        if bias is not None:
            own = own + np.float32(direction_of_bias(self._n_in)) * bias
        if self.is_part:
            return own
        size, pulls = norm(own), norm(self["pulled"])
        return own + (size or 1.0) / (pulls or 1.0) * mark

    def lengths(self, size: np.ndarray) -> dict[str, float]:
        """Return the norms that say how fast the layer moves.

        Args:
            size: of the gradient.
        """
        return {
            "weight": float(self["before"]),
            "update": float(self["moved"]),
            "gradient": norm(size),
            "asked": 0.0 if self._asked is None else float(self._asked),
            "rows": self._accumulators.rows,
            "calls": self._accumulators.calls,
        }


def rows_of(layers: Sequence[LayerRow]) -> tuple[list[np.ndarray], list[dict[str, float]]]:
    """Return the fields of every neuron, (fields, n_out), and the lengths of every layer.

    All layers at once, for the arithmetic of one takes hardly longer than that of one neuron.
    """
    if not layers:
        return [], []
    actual = [layer.actual() for layer in layers]
    columns = [
        (*map(layer.__getitem__, SUMS), size, layer.open_share(), layer.signatures(mark))
        for layer, (size, mark) in zip(layers, actual, strict=True)
    ]
    pushed, through, pulled, size, share, signature = (
        np.concatenate(one) for one in zip(*columns, strict=True)
    )
    # rounding must not exceed 1
    agreement = np.minimum(_ratio(size, pulled), 1)
    factors = (pushed, _ratio(through, pushed), _ratio(pulled, through), agreement)
    fields = np.stack([_single(one) for one in (*factors, share, signature)])
    assert len(fields) == len(ROW_FIELDS)
    rows, end = list[np.ndarray](), 0
    for layer in layers:
        begin, end = end, end + len(layer["through"])
        rows.append(fields[:, begin:end])
        if layer.is_part:
            rows[-1][AGREEMENT] = np.nan  # known when all are merged
    return rows, [layer.lengths(size) for layer, (size, _) in zip(layers, actual, strict=True)]


def is_beyond_rounding(
    difference: float | np.ndarray, pulls: float | np.ndarray, dtype: torch.dtype
) -> bool:
    """Return whether a difference between two gradients is more than rounding.

    Args:
        difference: norm of it.
        pulls: norm of the sums of sizes, |delta| |input|, that the gradients are made of.
        dtype: of the deltas.
    """
    return bool(difference > ROUNDING.get(dtype, EXACT) * pulls)


def norm(values: np.ndarray) -> float:
    """Return the root of the sum of squares, several times as fast as NumPy's for few numbers."""
    flat = values.reshape(-1)
    return math.sqrt(float(flat @ flat))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the share that one size is of another, which may be 0."""
    return part / np.where(whole == 0, 1, whole)


def _single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)
