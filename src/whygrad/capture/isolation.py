"""Somebody else's training must not end because of what only looks on."""

import sys
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from weakref import WeakMethod

from whygrad.capture.torch_private import DisableTorchFunction

Given = ParamSpec("Given")
Result = TypeVar("Result")


class ErrorIsolation:
    """Calls what looks on; the first error ends the looking, and nothing else.

    Args:
        on_error: a method that is called with the error; held weakly, for its owner holds this.
    """

    def __init__(self, on_error: Callable[[Exception], None]):
        self._on_error = WeakMethod(on_error)
        self.has_failed = False

    def __call__(
        self, look: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result | None:
        """Return what ``look`` returns, or None once anything has failed.

        No mode sees what is computed in here, our own least of all.
        """
        if self.has_failed:
            return None
        try:
            with DisableTorchFunction():
                return look(*args, **kwargs)
        except Exception as error:
            self.has_failed = True
            if (on_error := self._on_error()) is not None:
                on_error(error)
            return None


def warn(words: str) -> None:
    """Warn, also where a program makes errors of warnings: ours must not end its training."""
    try:
        warnings.warn(words, stacklevel=3)
    except UserWarning:
        _aside(words)


def _aside(words: str) -> None:
    sys.stderr.write(f"{words}\n")
