"""Kinds of layers: how torch calls them, what reaches a weight, and the sum over samples.

A kind is a class, one of :data:`KINDS`; each of torch's functions that call it is a row of
:data:`CALLS`. What every reader must know of it is a row in :mod:`whygrad.record.layers`.

    Linear      x_ij over the features                        neuron: an output feature
    Conv        x over a patch, at every position             neuron: an output channel
    Transposed  x of all that reaches a position              neuron: an output channel
    Embedding   1 for the row that was looked up, else 0      neuron: a column
    Norm        the normalised value of the neuron itself     neuron: a feature or channel
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whygrad.capture.convolutions import Conv, ConvTranspose
from whygrad.capture.torch_private import BatchNorm, is_packing, saved_statistics
from whygrad.capture.uses import Use, wide


class Linear(Use):
    kind, modules = "linear", (nn.Linear,)

    @classmethod
    def of(cls, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Use:
        return cls(weight, bias, input.detach())

    @property
    def reach(self) -> Tensor:
        return torch.linalg.vector_norm(self.x, dim=-1).reshape(1, 1, -1)

    def contract(self, x: Tensor, delta: Tensor) -> Tensor:
        return _as_rows(delta).T @ _as_rows(x)

    def summed(self, values: Tensor) -> Tensor:
        return _as_rows(values).sum(0)

    def weighed(self, values: Tensor, reach: Tensor) -> Tensor:
        return reach.view(-1) @ _as_rows(values)

    @property
    def has_rows(self) -> bool:
        return True

    @property
    def rows(self) -> Tensor:
        return _as_rows(self.input)


def _as_rows(values: Tensor) -> Tensor:
    """Return features as (rows, features), whatever stands before them."""
    return values if values.dim() == 2 else values.reshape(-1, values.shape[-1])


@dataclass(frozen=True)
class Embedding(Use):
    """A table that is looked up.

    Attributes:
        padding: the row that learns nothing, if there is one.
        by_frequency: whether a row that was looked up twice gets half of each gradient.
    """

    kind, modules = "embedding", (nn.Embedding,)

    padding: int | None
    by_frequency: bool

    @classmethod
    def of(
        cls,
        input: Tensor,
        weight: Tensor,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Use:
        return cls(weight, None, input.detach(), padding_idx, scale_grad_by_freq)

    @property
    def x(self) -> Tensor:
        """The numbers of rows."""
        return self.input

    @property
    def share(self) -> Tensor:
        """The share of each place's gradient that its row gets: padding gets none."""
        is_wanted = torch.ones_like(self.input, dtype=torch.bool)
        if self.padding is not None:
            is_wanted = self.input != self.padding % self.weight.shape[0]
        if not self.by_frequency:
            return is_wanted
        times = torch.bincount(self.input.reshape(-1), minlength=self.weight.shape[0])
        return is_wanted / times[self.input]

    @property
    def reach(self) -> Tensor:
        return wide(self.share.to(self.weight.dtype)).reshape(1, 1, -1)

    def contract(self, x: Tensor, delta: Tensor) -> Tensor:
        flat = delta.reshape(-1, delta.shape[-1]) * self.share.reshape(-1, 1)
        total = flat.new_zeros(self.weight.shape)
        return total.index_add_(0, self.input.reshape(-1), flat)


@dataclass(frozen=True)
class Norm(Use):
    """A norm's scale.

    Attributes:
        normal: what the norm makes of its input before it scales and shifts it.
    """

    kind, modules = "norm", (nn.LayerNorm, nn.RMSNorm)

    normal: Callable[[Tensor], Tensor]

    @classmethod
    def layer_norm(
        cls,
        input: Tensor,
        normalized_shape: Any,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Use | None:
        if weight is None:
            return None
        normal = partial(F.layer_norm, normalized_shape=normalized_shape, eps=eps)
        return cls(weight, bias, input.detach(), normal)

    @classmethod
    def rms_norm(
        cls,
        input: Tensor,
        normalized_shape: Any,
        weight: Tensor | None = None,
        eps: float | None = None,
    ) -> Use | None:
        if weight is None:
            return None
        if eps is None:
            eps = torch.finfo(input.dtype).eps  # what torch adds where nothing else is asked for
        normal = partial(F.rms_norm, normalized_shape=normalized_shape, eps=eps)
        return cls(weight, None, input.detach(), normal)

    @property
    def x(self) -> Tensor:
        return self.normal(wide(self.input))

    @property
    def reach(self) -> Tensor:
        size = self.by_neuron(self.x.abs())
        return size if self.gain is None else size * wide(self.gain).abs().reshape(1, -1, 1)

    def contract(self, x: Tensor, delta: Tensor) -> Tensor:
        return self.by_neuron(x * delta).sum((0, 2)).reshape(self.weight.shape)


class ChannelNorm(Norm):
    kind, modules = "channel_norm", (BatchNorm, nn.GroupNorm)
    output_axis = 1

    @classmethod
    def batch_norm(
        cls,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Use | None:
        if weight is None:
            return None
        mean, spread, takes = None, None, True
        if not training and running_mean is not None and running_var is not None:
            # as they are now
            mean, spread, takes = wide(running_mean.clone()), wide(running_var.clone()), False
        normal = partial(
            F.batch_norm, running_mean=mean, running_var=spread, training=takes, eps=eps
        )
        return cls(weight, bias, input.detach(), normal)

    @classmethod
    def group_norm(
        cls,
        input: Tensor,
        num_groups: int,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Use | None:
        if weight is None:
            return None
        normal = partial(F.group_norm, num_groups=num_groups, eps=eps)
        return cls(weight, bias, input.detach(), normal)


KINDS: tuple[type[Use], ...] = (Linear, Conv, ConvTranspose, Embedding, Norm, ChannelNorm)
CALLS: dict[Callable, Callable[..., Use | None]] = {
    F.linear: Linear.of,
    F.conv1d: Conv.of,
    F.conv2d: Conv.of,
    F.conv3d: Conv.of,
    F.conv_transpose1d: ConvTranspose.of,
    F.conv_transpose2d: ConvTranspose.of,
    F.conv_transpose3d: ConvTranspose.of,
    F.embedding: Embedding.of,
    F.layer_norm: Norm.layer_norm,
    F.rms_norm: Norm.rms_norm,
    F.batch_norm: ChannelNorm.batch_norm,
    F.group_norm: ChannelNorm.group_norm,
}
BATCH_NORMS = ("NativeBatchNormBackward0", "CudnnBatchNormBackward0")


def use_of(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Use | None:
    """Return how a layer was used, or None where the function is none or learns nothing.

    To be asked before it runs: afterwards the running statistics of a batch norm are others.
    """
    rule = CALLS.get(function)
    if rule is None:
        return None
    use = rule(*args, **kwargs)
    if use is None or use.weight.is_complex() or not use.weight.numel():
        return None
    is_plain = use.input.layout is torch.strided and not use.input.is_nested
    return use if is_plain else None


def after_call(use: Use, result: Tensor) -> Use:
    """Return what is known of a use once its function has run.

    A batch norm has taken its statistics, most of its work, and the graph keeps them. Where
    somebody packs what the graph keeps, as a checkpoint does, to ask for it would unpack it.
    """
    node: Any = result.grad_fn
    if node is None or node.name() not in BATCH_NORMS or is_packing():
        return use
    mean, scale = saved_statistics(node)
    if not mean.numel():
        return use  # it took those that it had
    known = {"running_mean": wide(mean), "running_var": wide(scale) ** -2}
    return replace(use, normal=partial(F.batch_norm, **known, training=False, eps=0.0))
