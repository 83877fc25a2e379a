"""What PyTorch has under private names only: in this one file, so that a new version is tried here.

Tried with torch 2.13. Whatever has a public name is used by that name, elsewhere.
"""

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import DisableTorchFunction
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm  # apex's, too, is one of these
from torch.optim.lr_scheduler import LRScheduler
from torch.overrides import _get_current_function_mode_stack as mode_stack
from torch.overrides import _pop_mode as pop_mode
from torch.overrides import _push_mode as push_mode
from torch.utils._device import DeviceContext

COMPILED = "_orig_mod"  # the child that a compiled module holds: what was compiled


def view_base(tensor: Tensor) -> Tensor | None:
    """Return the tensor that this one is a view of; None where it is no view."""
    return tensor._base


def version(tensor: Tensor) -> int:
    """Return how many times somebody has written into a tensor."""
    return tensor._version


def has_hooks(module: nn.Module) -> bool:
    """Return whether hooks hang on a module's forward pass."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def steps_taken(scheduler: LRScheduler) -> int:
    """Return how many steps a scheduler has taken; its first one it takes when it is made."""
    return scheduler._step_count


def at_end_of_backward(call: Callable[[], None]) -> None:
    """Have something called when the backward pass under way is over."""
    engine: Any = torch.autograd.Variable._execution_engine
    engine.queue_callback(call)


def is_transforming() -> bool:
    """Return whether ``vmap``, ``grad`` or another of ``torch.func`` runs what is called.

    Tensors then stand for others, and gradients that come back are no parameter's.
    """
    functorch: Any = torch._C._functorch  # type: ignore[attr-defined] - a module that types miss
    return functorch.peek_interpreter_stack() is not None


def is_packing() -> bool:
    """Return whether somebody packs what the graph keeps, as a checkpoint does."""
    autograd: Any = torch._C._autograd  # type: ignore[attr-defined] - a module that types miss
    return autograd._top_saved_tensors_default_hooks(False) is not None


def saved_statistics(node: Any) -> tuple[Tensor, Tensor]:
    """Return the mean and the inverse spread that the graph's node of a batch norm keeps."""
    return node._saved_result1, node._saved_result2


def has_compiler() -> bool:
    """Return whether the compiler has been imported."""
    return "torch._dynamo" in sys.modules


def anything_is_compiled() -> bool:
    """Return whether the compiler has made anything in this process."""
    dynamo: Any = sys.modules.get("torch._dynamo.eval_frame")
    return bool(getattr(dynamo, "cached_backends", ()))


def is_compiled(module: nn.Module) -> bool:
    """Return whether a module is what ``torch.compile`` returned, or compiled in place."""
    is_called = module._compiled_call_impl is not None
    forward = getattr(module.forward, "_torchdynamo_orig_callable", None)
    return is_called or (forward is not None and has_compiler())


def mark_uncompiled(function: Any) -> None:
    """Leave the mark of ``torch.compiler.disable``, which would import the compiler."""
    function._torchdynamo_disable = True


__all__ = [
    "COMPILED",
    "BatchNorm",
    "DeviceContext",
    "DisableTorchFunction",
    "anything_is_compiled",
    "at_end_of_backward",
    "has_compiler",
    "has_hooks",
    "is_compiled",
    "is_packing",
    "is_transforming",
    "mark_uncompiled",
    "mode_stack",
    "pop_mode",
    "push_mode",
    "saved_statistics",
    "steps_taken",
    "version",
    "view_base",
]
