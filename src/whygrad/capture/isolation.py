"""Somebody else's training must not suffer from what only looks on.

No error of ours ends it, and what the looking costs is measured while it happens.
"""

import sys
import time
import warnings
from collections import deque
from collections.abc import Callable
from functools import wraps
from statistics import median
from typing import ParamSpec, TypeVar
from weakref import WeakMethod

import torch

from whygrad.capture.torch_private import DisableTorchFunction
from whygrad.record.description import words_of_overhead
from whygrad.words import t

KEPT = 200  # latest steps of each sort whose time is kept

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


def without_grad(look: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return a function that nothing is differentiated in.

    As ``torch.no_grad()``, which takes longer than a small sum, also within a backward pass, where
    gradients hardly ever have a graph of their own.
    """

    @wraps(look)
    def called(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        if not torch.is_grad_enabled():
            return look(*args, **kwargs)
        with torch.no_grad():
            return look(*args, **kwargs)

    return called


_listener: Callable[[str], None] | None = None


def say_to(listener: Callable[[str], None] | None) -> None:
    """Hand what :func:`warn` says to somebody, who tells it when the program is over."""
    global _listener
    _listener = listener


def warn(words: str) -> None:
    """Warn, also where a program makes errors of warnings: ours must not end its training."""
    if _listener is not None:
        _listener(words)
        return
    try:
        warnings.warn(words, stacklevel=3)
    except UserWarning:
        _aside(words)


def _aside(words: str) -> None:
    sys.stderr.write(f"{words}\n")


class Overhead:
    """Seconds a step, apart for recorded and other steps."""

    def __init__(self) -> None:
        self._seconds = {True: deque[float](maxlen=KEPT), False: deque[float](maxlen=KEPT)}
        self._counts = {True: 0, False: 0}
        self._total = {True: 0.0, False: 0.0}
        self._at: float | None = None

    def begin(self) -> None:
        """Start the clock before the first step."""
        self._at = None

    def step_ended(self, was_recorded: bool) -> None:
        """Note a step; the first is left out, because all sorts of things start with it."""
        now = time.perf_counter()
        if self._at is not None:
            self._seconds[was_recorded].append(now - self._at)
            self._total[was_recorded] += now - self._at
            self._counts[was_recorded] += 1
        self._at = now

    def to_dict(self) -> dict[str, float]:
        """Return the medians, their ratio, and the share of all time that recording took.

        Nothing where there were not steps of both sorts.
        """
        recording, others = self._seconds[True], self._seconds[False]
        if not recording or not others:
            return {}
        slow, fast = median(recording), median(others)
        total = self._total[True] + self._total[False]
        more = self._total[True] - self._counts[True] * fast
        return {
            "recording_step": slow,
            "other_step": fast,
            "ratio": slow / fast,
            "share": more / total,
        }

    def __str__(self) -> str:
        told = self.to_dict()
        return t("report.watched.overhead", **words_of_overhead(told)) if told else t("watch.brief")
