"""From the call of a torch function to the :class:`Use` of a layer."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whygrad.adapters.torch.kinds import Use


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Use:
    return Use("linear", weight, bias, input.detach())


def _conv(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Use:
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    is_unbatched = input.dim() < weight.dim()
    x = input.detach().unsqueeze(0) if is_unbatched else input.detach()
    return Use("conv", weight, bias, x, options, is_unbatched)


def _conv_transpose(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Use | None:
    if groups > 1:
        return None
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    is_unbatched = input.dim() < weight.dim()
    x = input.detach().unsqueeze(0) if is_unbatched else input.detach()
    options |= {"output_padding": output_padding}
    return Use("conv_transpose", weight, bias, x, options, is_unbatched)


def _embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, *_: Any, **__: Any
) -> Use:
    return Use("embedding", weight, None, input.detach(), {"padding_idx": padding_idx})


def _layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Use | None:
    if weight is None:
        return None
    return Use("norm", weight, bias, F.layer_norm(input.detach(), normalized_shape, eps=eps))


def _rms_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None
) -> Use | None:
    if weight is None:
        return None
    return Use("norm", weight, None, F.rms_norm(input.detach(), normalized_shape, eps=eps))


def _batch_norm(
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
    known = (None, None) if training else (running_mean, running_var)
    normal = F.batch_norm(input.detach(), *known, training=training, eps=eps)
    return Use("channel_norm", weight, bias, normal)


def _group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Use | None:
    if weight is None:
        return None
    return Use("channel_norm", weight, bias, F.group_norm(input.detach(), num_groups, eps=eps))


CALLS: dict[Callable, Callable[..., Use | None]] = {
    F.linear: _linear,
    F.conv1d: _conv,
    F.conv2d: _conv,
    F.conv3d: _conv,
    F.conv_transpose1d: _conv_transpose,
    F.conv_transpose2d: _conv_transpose,
    F.conv_transpose3d: _conv_transpose,
    F.embedding: _embedding,
    F.layer_norm: _layer_norm,
    F.rms_norm: _rms_norm,
    F.batch_norm: _batch_norm,
    F.group_norm: _group_norm,
}


def use_of(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Use | None:
    """Return how a layer was used, or None where the function is none or learns nothing.

    A batch norm counts here before it runs: afterwards its running statistics are others.
    """
    rule = CALLS.get(function)
    if rule is None:
        return None
    with torch.no_grad():
        return rule(*args, **kwargs)
