"""How the cases of the checks are written down."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

X = np.random.default_rng(0).normal(size=(64, 4))
X = (X - X.mean(axis=0)) / X.std(axis=0)
Y = np.random.default_rng(1).normal(size=(64, 1))
Y = (Y - Y.mean()) / Y.std()
BETWEEN = (Y - Y.min()) / (Y.max() - Y.min())
SHARES = np.hstack([BETWEEN, 1 - BETWEEN])
HALF_SHUT = np.where(np.arange(12) < 6, -50.0, 0.0)
FEW_SHUT = np.where(np.arange(12) < 5, -50.0, 0.0)
FALLING = np.array([[1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.379]])
GROWN = np.array([[1.0, 1.21], [1.0, 1.21], [1.0, 0.5]])

SGD = {"optimizer": "sgd", "learning_rate": 0.01}


def of(task: str = "classes", measured: bool = False, **given: Any) -> dict[str, Any]:
    """Return a case: its task, what is changed and, under ``seen``, what else is known."""
    return {"task": task, "measured": measured, "seen": given.pop("seen", {}), "changes": given}


def quantities(y: np.ndarray, **given: Any) -> dict[str, Any]:
    return of("numbers", y=y, labels=y, **given)


def shut(biases: np.ndarray | str) -> dict[str, Any]:
    """Return a case whose first hidden layer has these biases."""
    return of(measured=True, bias_inits=(biases, "zeros", "zeros"))


def deep(*hidden: int) -> dict[str, Any]:
    return of(hidden=hidden)


@dataclass(frozen=True)
class Case:
    """What a check must find, and where it must be silent."""

    ill: dict[str, Any]
    near: tuple[dict[str, Any], ...]
    numbers: dict[str, Any] = field(default_factory=dict)
    layer: str | None = None
