"""The models that a program trains, found without a reference to them.

An optimizer holds parameters, and parameters know no module. So the modules are looked for among
all objects of the process, and from those that own the parameters the way leads up to the
outermost: what the program itself has in its hands, and calls.
"""

import gc
import inspect
import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from whygrad.capture.wrapped import unwrapped

OURS = ("whygrad", "torch")  # packages whose variables are none of the program's


def models_trained() -> list[nn.Module] | None:
    """Return the outermost modules whose parameters optimizers hold; None without an optimizer.

    As few as hold all of them: where a module is part of two others, the larger is enough.
    """
    modules, optimizers = _alive()
    if not optimizers:
        return None
    held = {
        id(parameter)
        for optimizer in optimizers
        for group in getattr(optimizer, "param_groups", ())
        for parameter in group["params"]
    }
    return _fewest(_outermost(modules, held), held)


def models_alive() -> list[nn.Module]:
    """Return the outermost modules of this process that have parameters which learn."""
    modules, _ = _alive()
    learning = {id(p) for module in modules for p in _own(module) if p.requires_grad}
    return _fewest(_outermost(modules, learning), learning)


def _alive() -> tuple[list[nn.Module], list[Optimizer]]:
    # by type, for an object may say anything of its class when it is asked
    objects = gc.get_objects()
    modules = [one for one in objects if issubclass(type(one), nn.Module)]
    return modules, [one for one in objects if issubclass(type(one), Optimizer)]


def _outermost(modules: Iterable[nn.Module], wanted: set[int]) -> list[nn.Module]:
    """Return the modules that hold a wanted parameter, at any depth, and are part of no other."""
    above: dict[int, list[nn.Module]] = {}
    waiting = []
    for module in modules:
        for child in _children(module):
            above.setdefault(id(child), []).append(module)
        if any(id(parameter) in wanted for parameter in _own(module)):
            waiting.append(module)
    seen, found = set[int](), list[nn.Module]()
    while waiting:
        module = waiting.pop()
        if id(module) not in seen:
            seen.add(id(module))
            outer = above.get(id(module), [])
            waiting += outer
            found += [] if outer else [module]
    return found


def _fewest(models: Iterable[nn.Module], wanted: set[int]) -> list[nn.Module]:
    """Return models, the largest first, until each wanted parameter is in one of them."""
    parts = [(model, {id(p) for p in model.parameters()} & wanted) for model in models]
    chosen, covered = list[nn.Module](), set[int]()
    for model, part in sorted(parts, key=lambda one: -len(one[1])):
        if part - covered:
            chosen.append(model)
            covered |= part
    return chosen


def _children(module: nn.Module) -> list[nn.Module]:
    try:
        return list(module.children())
    except AttributeError:  # its constructor has not run
        return []


def _own(module: nn.Module) -> list[Tensor]:
    try:
        return list(module.parameters(recurse=False))
    except AttributeError:
        return []


def name_of(model: nn.Module) -> str:
    """Return the name that the running program has for a model: a variable's, else its class's.

    The outermost function counts first, for there it is named by who trains it; then attributes of
    what the variables hold, as of an agent with ``self.policy``.
    """
    inner = unwrapped(model)
    for variables in (_variables(), _attributes()):
        for name, value in variables:
            if (value is model or value is inner) and name != "self" and name.isidentifier():
                return name
    return type(inner).__name__


def _variables() -> Iterator[tuple[str, Any]]:
    """Yield the variables of the program's functions that run now, the outermost first."""
    frames, frame = list[FrameType](), sys._getframe(1)
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    yield from _named(vars(sys.modules["__main__"]))
    for frame in reversed(frames):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in OURS:
            yield from _named(_locals_of(frame))


def _attributes() -> Iterator[tuple[str, Any]]:
    for _, value in [*_variables()]:
        if not isinstance(value, type) and type(value).__module__.partition(".")[0] not in OURS:
            yield from _named(getattr(value, "__dict__", {}))


def _named(names: Any) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in list(names.items()) if not name.startswith("_")]


def _locals_of(frame: FrameType) -> dict[str, Any]:
    """Return the variables of a frame, and leave no trace of having asked.

    Up to Python 3.12 a function's frame keeps what it is asked for: a dict that ``locals()``
    returned before would be written anew, and what is in it lives as long as the frame.
    """
    is_function = frame.f_code.co_flags & inspect.CO_OPTIMIZED
    if is_function and "locals" in frame.f_code.co_names:
        return {}
    names = frame.f_locals
    copied = dict(names)
    if isinstance(names, dict) and is_function:
        names.clear()
    return copied
