"""What PyTorch has under private names only: in this one file, so that a new version is tried here.

Tried with torch 2.13. Whatever has a public name is used by that name, elsewhere.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import DisableTorchFunction
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm  # apex's, too, is one of these
from torch.optim.lr_scheduler import LRScheduler
from torch.overrides import TorchFunctionMode, _pop_mode, _push_mode, handle_torch_function
from torch.overrides import _get_current_function_mode_stack as mode_stack
from torch.utils._device import DeviceContext

MANY = 2**20  # numbers whose squares are added up one after the other
AT_MOST = timedelta(minutes=1)  # that one process waits for another
HANDING_OVER = handle_torch_function.__code__  # hands a function written in Python to a mode
COMPILED = "_orig_mod"  # the child that a compiled module holds: what was compiled

_functorch: Any = torch._C._functorch  # type: ignore[attr-defined] - modules that types miss
_autograd: Any = torch._C._autograd  # type: ignore[attr-defined]
_foreach_norm: Any = torch._foreach_norm  # type: ignore[attr-defined]
_flatten: Any = torch._C._nn.flatten_dense_tensors  # type: ignore[attr-defined]

# These are asked of every function or gradient, so that none has a frame of its own.
view_base: Callable[[Tensor], Tensor | None] = attrgetter("_base")  # None where it is no view
version: Callable[[Tensor], int] = attrgetter("_version")  # how many times it was written into
# ``vmap``, ``grad`` or another of ``torch.func`` that runs what is called, or None. Tensors then
# stand for others, and gradients that come back are no parameter's.
transformation: Callable[[], Any] = _functorch.peek_interpreter_stack


def norms(tensors: list[Tensor], kind: float = 2.0) -> list[Tensor]:
    """Return the norm of each tensor, by one call for all of them.

    Of a large one first along its last axis: in single precision a sum of 40 million squares may
    be off by 1 %.
    """
    along = torch.linalg.vector_norm
    parts = [along(t, kind, -1) if t.numel() > MANY and t.dim() > 1 else t for t in tensors]
    return list(_foreach_norm(parts, kind)) if parts else []


def flattened(tensors: Sequence[Tensor]) -> Tensor:
    """Return the numbers of tensors of one type, one behind the other, by one call for all."""
    return _flatten(list(tensors))


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


def is_packing() -> bool:
    """Return whether somebody packs what the graph keeps, as a checkpoint does."""
    return _autograd._top_saved_tensors_default_hooks(False) is not None


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


def agreed(name: str, chosen: Callable[[], str]) -> str:
    """Return what the first of the processes that train together has chosen.

    By way of the store in which they met, for a collective of ours might come between theirs.

    Raises:
        RuntimeError: the first one has chosen nothing within a minute.
    """
    together = torch.distributed
    if not together.is_available() or not together.is_initialized():
        return chosen()
    if together.get_world_size() == 1:
        return chosen()
    store = together.distributed_c10d._get_default_store()
    if together.get_rank() == 0:
        value = chosen()
        store.set(name, value)
        return value
    store.wait([name], AT_MOST)
    return store.get(name).decode()


def first_place(shard: Any) -> tuple[int, ...]:
    """Return where in the whole the part begins that this process holds of a DTensor."""
    utils: Any = sys.modules["torch.distributed.tensor"]._utils
    whole = shard.shape, shard.device_mesh, shard.placements
    return utils.compute_local_shape_and_global_offset(*whole)[1]


def mark_uncompiled(function: Any) -> None:
    """Leave the mark of ``torch.compiler.disable``, which would import the compiler."""
    function._torchdynamo_disable = True


class Mode(TorchFunctionMode):
    """A mode that comes and goes in the middle of the stack.

    Attributes:
        is_on: whether it lies on the stack.
        is_blind: whether it is to take no notice of what is called.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_on = False
        self.is_blind = False
        self._depth = 0  # of calls within which it was put on top

    def open(self) -> None:
        """Begin to see, or go on."""
        self.is_blind = False
        if not self.is_on:
            # below everybody else's modes, for who leaves first takes away what lies on top; a
            # default device has to be the lowest
            above = []
            while (modes := mode_stack()) and not isinstance(modes[-1], DeviceContext):
                above.append(_pop_mode())
            for mode in (self, *reversed(above)):
                _push_mode(mode)
            self.is_on = True

    def close(self) -> None:
        """Stop seeing. Within a call that is being seen this one stays on the stack, blind."""
        self.is_blind = True
        if self.is_on and not self._depth and any(mode is self for mode in mode_stack()):
            above = []
            while (top := _pop_mode()) is not self:
                above.append(top)
            for mode in reversed(above):
                _push_mode(mode)
            self.is_on = False

    def _inside(self, function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Call a function and see what it calls; torch takes a mode away while it is asked."""
        self._depth += 1
        try:
            with self:
                return function(*args, **kwargs)
        finally:
            self._depth -= 1


__all__ = [
    "COMPILED",
    "HANDING_OVER",
    "BatchNorm",
    "DeviceContext",
    "DisableTorchFunction",
    "Mode",
    "agreed",
    "anything_is_compiled",
    "at_end_of_backward",
    "first_place",
    "flattened",
    "has_compiler",
    "has_hooks",
    "is_compiled",
    "is_packing",
    "mark_uncompiled",
    "mode_stack",
    "norms",
    "saved_statistics",
    "steps_taken",
    "transformation",
    "version",
    "view_base",
]
