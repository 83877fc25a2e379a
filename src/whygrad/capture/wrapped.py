"""A model as it is given: compiled, distributed, or nothing that can be watched."""

import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

import torch
from torch import nn

from whygrad.capture.shards import is_sharded, is_whole_in_passes
from whygrad.capture.torch_private import (
    COMPILED,
    anything_is_compiled,
    has_compiler,
    is_compiled,
    mark_uncompiled,
)
from whygrad.errors import OptionError

WRAPPERS = ("OptimizedModule", "DataParallel", "DistributedDataParallel")
INNER = (COMPILED, "module")
FLATTENED = "FullyShardedDataParallel"  # the first of its kind, whose parameters have no shape

F = TypeVar("F", bound=Callable[..., Any])


class Inert:
    """A hook that does nothing in a copy of the module that it hangs on, or where it is loaded."""

    def __init__(self, hook: Callable[..., None] | None = None):
        self._hook = hook

    def __call__(self, *given: Any) -> None:
        if self._hook is not None:
            self._hook(*given)

    def __reduce__(self) -> tuple[type["Inert"], tuple[()]]:
        return Inert, ()


class Stance:
    """What is compiled runs as it was written on the steps that are recorded.

    Attributes:
        is_set: whether it does now.
    """

    def __init__(self) -> None:
        self._set: Any = None

    @property
    def is_set(self) -> bool:
        return self._set is not None

    def eager(self) -> None:
        if self._set is None and anything_is_compiled():
            self._set = torch.compiler.set_stance("force_eager")
            self._set.__enter__()

    def back(self) -> None:
        if self._set is not None:
            self._set.__exit__(None, None, None)
            self._set = None


def never_compiled(function: F) -> F:
    """Let a compiled function call this one as it is written, as a hook of its optimizer.

    As ``torch.compiler.disable``, which would import the compiler for those who have none of it.
    """
    aside = cache(torch.compiler.disable)

    @wraps(function)
    def called(*given: Any) -> Any:
        return (aside(function) if has_compiler() else function)(*given)

    mark_uncompiled(called)
    return called  # type: ignore[return-value]


def compiled_parts(model: nn.Module) -> list[str]:
    """Return the modules that run compiled, by name; "" for the model itself."""
    return [name for name, module in model.named_modules() if is_compiled(module)]


def is_within_compiled() -> bool:
    """Return whether a compiled function is what called this; it runs uncompiled then."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "compile_wrapper" and code.co_filename.endswith("eval_frame.py"):
            return True
        frame = frame.f_back
    return False


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the module that was compiled or distributed, whose names the user knows."""
    if type(model).__name__ not in WRAPPERS:
        return model
    inner = (module for name, module in model.named_children() if name in INNER)
    found = next(inner, None)
    return model if found is None else unwrapped(found)


def rank_of_process() -> tuple[int, int]:
    """Return the number of this process among those that train together, and how many there are."""
    together = torch.distributed
    if not together.is_available() or not together.is_initialized():
        return 0, 1
    return together.get_rank(), together.get_world_size()


def check(model: Any, every: Any, *, uncompiled: bool) -> None:
    """Refuse what cannot be watched.

    Raises:
        OptionError: no module, one that is split, replicated or not yet there, one that is
            compiled and may not run uncompiled, or ``every`` that is neither ``"auto"`` nor
            a whole number from 1.
    """
    if not isinstance(model, nn.Module):
        raise OptionError("error.watch_model", actual=type(model).__name__)
    is_number = isinstance(every, int) and not isinstance(every, bool) and every >= 1
    if not (is_number or every == "auto"):
        raise OptionError("error.every", option="every", actual=every)
    if not any(True for _ in model.parameters()):
        raise OptionError("error.watch_no_parameters", model=type(model).__name__)
    lazy = [name for name, p in model.named_parameters() if nn.parameter.is_lazy(p)]
    if lazy:
        raise OptionError("error.watch_lazy", names=", ".join(lazy[:4]))
    names = {type(module).__name__ for module in model.modules()}
    devices = [m.device_ids for m in model.modules() if isinstance(m, nn.DataParallel)]
    if any(len(ids) > 1 for ids in devices):
        raise OptionError("error.watch_replicated", model=type(model).__name__)
    if FLATTENED in names:
        raise OptionError("error.watch_sharded", model=type(model).__name__)
    sharded = [one for one in model.named_parameters() if is_sharded(one[1])]
    split = [name for name, parameter in sharded if not is_whole_in_passes(parameter)]
    if split:
        raise OptionError("error.watch_split", names=", ".join(split[:4]))
    check_compiled(model, uncompiled=uncompiled)


def check_compiled(model: nn.Module, *, uncompiled: bool) -> None:
    """Refuse what is compiled, for on recorded steps it would run uncompiled.

    Raises:
        OptionError: the model or a part of it is compiled, and nobody has said that it may.
    """
    parts = [name or type(unwrapped(model)).__name__ for name in compiled_parts(model)]
    if parts and not uncompiled:
        raise OptionError("error.watch_compiled", names=", ".join(parts[:4]))
