"""From the call of a torch function to the :class:`Use` of a layer."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whygrad.capture.kinds import Use, wide
from whygrad.capture.torch_private import is_packing, saved_statistics


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
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Use:
    options = {"padding_idx": padding_idx, "by_frequency": scale_grad_by_freq}
    return Use("embedding", weight, None, input.detach(), options)


def _layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Use | None:
    if weight is None:
        return None
    normal = partial(F.layer_norm, normalized_shape=normalized_shape, eps=eps)
    return Use("norm", weight, bias, input.detach(), normal=normal)


def _rms_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None
) -> Use | None:
    if weight is None:
        return None
    normal = partial(F.rms_norm, normalized_shape=normalized_shape, eps=_eps(input, eps))
    return Use("norm", weight, None, input.detach(), normal=normal)


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
    normal = partial(F.batch_norm, running_mean=None, running_var=None, training=True, eps=eps)
    if not training and running_mean is not None and running_var is not None:
        known = {
            "running_mean": wide(running_mean.clone()),
            "running_var": wide(running_var.clone()),
        }
        normal = partial(F.batch_norm, **known, training=False, eps=eps)  # as they are now
    return Use("channel_norm", weight, bias, input.detach(), normal=normal)


def _group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Use | None:
    if weight is None:
        return None
    normal = partial(F.group_norm, num_groups=num_groups, eps=eps)
    return Use("channel_norm", weight, bias, input.detach(), normal=normal)


def _eps(input: Tensor, eps: float | None) -> float:
    """Return what torch adds where nothing else was asked for: the rounding of the input's type."""
    return torch.finfo(input.dtype).eps if eps is None else eps


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


BATCH_NORMS = ("NativeBatchNormBackward0", "CudnnBatchNormBackward0")


def use_of(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Use | None:
    """Return how a layer was used, or None where the function is none or learns nothing.

    To be asked before it runs: afterwards the running statistics of a batch norm are others.
    """
    rule = CALLS.get(function)
    if rule is None:
        return None
    with torch.no_grad():
        use = rule(*args, **kwargs)
    return use if use is not None and _is_plain(use) else None


def _is_plain(use: Use) -> bool:
    """Return whether the weight is made of real numbers, and the input laid out as ever."""
    is_real = not use.weight.is_complex() and use.weight.numel() > 0
    return is_real and use.input.layout is torch.strided and not use.input.is_nested


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
