"""Where PyTorch keeps hooks; only private names tell (torch 2.13 tried)."""

from typing import Any

from torch import nn
from torch.nn.modules import module as of_modules


def hooks_on(model: nn.Module) -> list[Any]:
    """Return the hooks that hang on a model's modules and parameters."""
    held = [m._forward_hooks | m._forward_pre_hooks for m in model.modules()]
    held += [p._backward_hooks or {} for p in model.parameters()]
    held += [p._post_accumulate_grad_hooks or {} for p in model.parameters()]
    return [hook for hooks in held for hook in hooks.values()]


def hooks_on_all() -> dict[int, Any]:
    """Return the hooks that every module calls before its forward pass; what torch holds itself."""
    return of_modules._global_forward_pre_hooks
