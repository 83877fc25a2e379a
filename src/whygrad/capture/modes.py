"""Torch's stack of function modes, on which those of others may lie, too."""

from collections.abc import Callable
from typing import Any

from torch.overrides import TorchFunctionMode

from whygrad.capture.torch_private import DeviceContext, mode_stack, pop_mode, push_mode


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
            self._join()
            self.is_on = True

    def close(self) -> None:
        """Stop seeing. Within a call that is being seen this one stays on the stack, blind."""
        self.is_blind = True
        if self.is_on and not self._depth and any(mode is self for mode in stack()):
            self._leave()
            self.is_on = False

    def _inside(self, function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Call a function and see what it calls; torch takes a mode away while it is asked."""
        self._depth += 1
        try:
            with self:
                return function(*args, **kwargs)
        finally:
            self._depth -= 1

    def _join(self) -> None:
        """Lie below everybody else's modes: who leaves first takes away what lies on top.

        A default device has to be the lowest.
        """
        above = []
        while (modes := stack()) and not isinstance(modes[-1], DeviceContext):
            above.append(pop_mode())
        for mode in (self, *reversed(above)):
            push_mode(mode)

    def _leave(self) -> None:
        above = []
        while (top := pop_mode()) is not self:
            above.append(top)
        for mode in reversed(above):
            push_mode(mode)


def stack() -> list[TorchFunctionMode]:
    """Return the modes that are on, the one on top last."""
    return mode_stack()
