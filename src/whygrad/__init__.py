"""whygrad: train multilayer perceptrons with the chain rule written out, and ask why."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whygrad import lessons
    from whygrad.adapters.sklearn import MLPClassifier, MLPRegressor
    from whygrad.api import Run, WatchedRun, diagnose, open_run, resume, train, watch
    from whygrad.backprop import Anatomy, Trace, backward, forward
    from whygrad.data import Data, from_arrays, load
    from whygrad.errors import WhygradError
    from whygrad.factoring import factors
    from whygrad.network.model import Network
    from whygrad.settings import Settings
    from whygrad.symmetry import clones, effective_width
    from whygrad.together import train_together

__version__ = "0.1.0"

# Public name -> module. Imported at first use, so that ``import whygrad`` starts no device.
_HOMES = {
    "Anatomy": "backprop",
    "Data": "data",
    "MLPClassifier": "adapters.sklearn",
    "MLPRegressor": "adapters.sklearn",
    "Network": "network.model",
    "Run": "api",
    "Settings": "settings",
    "Trace": "backprop",
    "WatchedRun": "api",
    "WhygradError": "errors",
    "backward": "backprop",
    "clones": "symmetry",
    "diagnose": "api",
    "effective_width": "symmetry",
    "factors": "factoring",
    "forward": "backprop",
    "from_arrays": "data",
    "load": "data",
    "open_run": "api",
    "resume": "api",
    "train": "api",
    "train_together": "together",
    "watch": "api",
}

__all__ = [
    "Anatomy",
    "Data",
    "MLPClassifier",
    "MLPRegressor",
    "Network",
    "Run",
    "Settings",
    "Trace",
    "WatchedRun",
    "WhygradError",
    "backward",
    "clones",
    "diagnose",
    "effective_width",
    "factors",
    "forward",
    "from_arrays",
    "lessons",
    "load",
    "open_run",
    "resume",
    "train",
    "train_together",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name == "lessons":
        return import_module("whygrad.lessons")
    if name not in _HOMES:
        raise AttributeError(f"module 'whygrad' has no attribute {name!r}")
    value = getattr(import_module(f"whygrad.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
