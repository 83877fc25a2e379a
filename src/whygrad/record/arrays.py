"""One writing for arrays of NumPy and of JAX: ``xp.exp(z)`` computes with the library of ``z``.

Nothing here imports JAX: whoever has one of its arrays has imported it.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

OF_NUMPY = {np.ndarray, bool, int, float, type(None)}  # what never comes from another library


def library_of(*values: Any) -> ModuleType:
    """Return the library that arrays come from, ``numpy`` or ``jax.numpy``.

    Args:
        values: arrays, numbers, or sequences of them; one array of JAX's makes it JAX.
    """
    for value in values:
        if type(value) in OF_NUMPY:
            continue
        if isinstance(value, list | tuple):
            found = library_of(*value)
        else:
            namespace = getattr(value, "__array_namespace__", None)
            found = np if namespace is None else namespace()
        if found is not np:
            return found
    return np


class Either:
    """The functions of NumPy's name space, each of the library that its arguments come from.

    Args:
        path: names that lead from the library to a part of it, such as ``linalg``.
    """

    def __init__(self, *path: str):
        self._path = path

    def __getattr__(self, name: str) -> Any:
        found = _reached(np, (*self._path, name))
        if isinstance(found, ModuleType):
            found = Either(*self._path, name)
        elif callable(found) and not isinstance(found, type):
            found = _of_either(found, (*self._path, name))
        setattr(self, name, found)  # asked for once
        return found


def _of_either(of_numpy: Callable, path: tuple[str, ...]) -> Callable:
    def function(*arguments: Any, **options: Any) -> Any:
        library = library_of(*arguments)
        chosen = of_numpy if library is np else _reached(library, path)
        return chosen(*arguments, **options)

    return function


def _reached(library: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        library = getattr(library, name)
    return library


xp: Any = Either()
