"""Processes that a program starts anew, as ``torch.multiprocessing.spawn`` does.

A forked child has all that its parent had. A spawned one begins with nothing, and unpickles what it
is to run; there it is told to watch, too.
"""

import multiprocessing.context
from collections.abc import Callable
from functools import partial
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import register
from typing import Any

SPAWNED = ("Process", "SpawnProcess", "ForkServerProcess")  # those that this system has


def watch_children(begin: Callable[..., None], *given: Any) -> None:
    """Have ``begin(*given)`` called in every spawned child, before what it runs.

    Args:
        begin: a function of a module, as it is pickled by its name.
        given: can be pickled.
    """
    for name in SPAWNED:
        if (kind := getattr(multiprocessing.context, name, None)) is not None:
            register(kind, partial(_reduced, begin, given))


def _reduced(begin: Callable[..., None], given: tuple, process: BaseProcess) -> tuple[Any, ...]:
    make, args, *state = process.__reduce_ex__(2)  # type: ignore[misc] - a string names no object
    return (_made, (begin, given, make, args), *state)


def _made(begin: Callable[..., None], given: tuple, make: Any, args: tuple) -> Any:
    begin(*given)
    return make(*args)
