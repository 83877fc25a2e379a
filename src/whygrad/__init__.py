"""whygrad: train multilayer perceptrons with the chain rule written out, and ask why."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whygrad import lessons
    from whygrad.api import diagnose, resume, train, watch, watch_lightning, watch_trainer
    from whygrad.core.backprop import Anatomy, Trace, backward, forward
    from whygrad.core.factors import factors
    from whygrad.core.nn.network import Network
    from whygrad.core.symmetry import clones, effective_width
    from whygrad.data import Data, from_arrays, load
    from whygrad.errors import WhygradError
    from whygrad.estimators import MLPClassifier, MLPRegressor
    from whygrad.interop.exporting import export, from_safetensors, to_torch
    from whygrad.interop.importing import from_flax, from_keras, from_sklearn, from_torch
    from whygrad.interop.tracking import MLflow, TensorBoard, WandB, log
    from whygrad.lab.page import lab
    from whygrad.runs import Run, WatchedRun, open_run
    from whygrad.settings import Settings
    from whygrad.training.batched import train_together

__version__ = "0.1.0"

# Public name -> module. Imported at first use, so that ``import whygrad`` starts no device.
_HOMES = {
    "Anatomy": "core.backprop",
    "Data": "data",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "MLflow": "interop.tracking",
    "Network": "core.nn.network",
    "Run": "runs",
    "Settings": "settings",
    "TensorBoard": "interop.tracking",
    "Trace": "core.backprop",
    "WandB": "interop.tracking",
    "WatchedRun": "runs",
    "WhygradError": "errors",
    "backward": "core.backprop",
    "clones": "core.symmetry",
    "diagnose": "api",
    "effective_width": "core.symmetry",
    "export": "interop.exporting",
    "factors": "core.factors",
    "forward": "core.backprop",
    "from_arrays": "data",
    "from_flax": "interop.importing",
    "from_keras": "interop.importing",
    "from_safetensors": "interop.exporting",
    "from_sklearn": "interop.importing",
    "from_torch": "interop.importing",
    "load": "data",
    "log": "interop.tracking",
    "open_run": "runs",
    "resume": "api",
    "to_torch": "interop.exporting",
    "train": "api",
    "train_together": "training.batched",
    "watch": "api",
    "watch_lightning": "api",
    "watch_trainer": "api",
}

__all__ = [
    "Anatomy",
    "Data",
    "MLPClassifier",
    "MLPRegressor",
    "MLflow",
    "Network",
    "Run",
    "Settings",
    "TensorBoard",
    "Trace",
    "WandB",
    "WatchedRun",
    "WhygradError",
    "backward",
    "clones",
    "diagnose",
    "effective_width",
    "export",
    "factors",
    "forward",
    "from_arrays",
    "from_flax",
    "from_keras",
    "from_safetensors",
    "from_sklearn",
    "from_torch",
    "lab",
    "lessons",
    "load",
    "log",
    "open_run",
    "resume",
    "to_torch",
    "train",
    "train_together",
    "watch",
    "watch_lightning",
    "watch_trainer",
]


if not TYPE_CHECKING:  # a type checker knows all names from above, and finds the others wrong

    def __getattr__(name: str) -> Any:
        if name in ("lessons", "lab"):
            return _imported(f"whygrad.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module 'whygrad' has no attribute {name!r}")
        value = getattr(_imported(f"whygrad.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def _imported(module: str) -> ModuleType:
    with leaving_random_numbers():
        return import_module(module)


@contextmanager
def leaving_random_numbers() -> Iterator[None]:
    """Leave the random numbers of the program in which something is imported as they were.

    Some modules that we rest on draw from them while they are imported, one of jax's from NumPy's.
    """
    python, numpy = sys.modules.get("random"), sys.modules.get("numpy")
    of_python = python.getstate() if python else None
    of_numpy = numpy.random.get_state(legacy=False) if numpy else None
    try:
        yield
    finally:
        if python:
            python.setstate(of_python)
        if numpy:
            numpy.random.set_state(of_numpy)


def load_ipython_extension(shell: Any) -> None:
    """Let cells of a notebook be watched: ``%load_ext whygrad``, then ``%%whygrad watch``."""
    from whygrad.cli.notebook import register

    register(shell)


def __dir__() -> list[str]:
    return __all__
