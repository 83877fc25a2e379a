"""The passes of modules that ``fully_shard`` (FSDP2) has sharded.

Outside of them a parameter is a shard of this process. Within them it stands there whole: another
tensor, under the same name, which gradients come to, and their mean is handed out in shards.

    whole    in forward and backward: inputs, deltas, and the gradient of this process's rows
    shards   before and after: the mean gradient, the update, what the optimizer remembers
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from whygrad.capture.origins import tensors_in
from whygrad.capture.wrapped import Inert

Passed = list[tuple[Tensor, Tensor]]  # what a module was called with, and what it then got
Entered = Callable[[nn.Module, Passed], None]


def follow_sharded(model: nn.Module, entered: Entered) -> Iterator[Any]:
    """Hear of every sharded module as soon as its parameters are there whole.

    Args:
        entered: is called with the module, and with what it is called with: FSDP2 hands its inputs
            on as other tensors.

    Yields:
        What takes a hook away.
    """
    fsdp: Any = sys.modules.get("torch.distributed.fsdp")
    kind = getattr(fsdp, "FSDPModule", ())
    for module in [one for one in model.modules() if isinstance(one, kind)]:
        given: list[Tensor] = []
        first, last = partial(_note_given, given), partial(_note_entered, given, entered)
        yield module.register_forward_pre_hook(Inert(first), prepend=True, with_kwargs=True)
        yield module.register_forward_pre_hook(Inert(last), with_kwargs=True)


def _note_given(given: list[Tensor], _: nn.Module, *inputs: Any) -> None:
    given[:] = tensors_in(inputs)


def _note_entered(given: list[Tensor], entered: Entered, module: nn.Module, *inputs: Any) -> None:
    now = list(tensors_in(inputs))
    passed = [*zip(given, now, strict=True)] if len(given) == len(now) else []
    given.clear()
    if torch.is_grad_enabled():
        entered(module, passed)
