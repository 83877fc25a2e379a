"""The activations once more, in plain NumPy: the second way of the lessons, and the way back.

Nothing here calls the engine, so that a law which compares the two can fail.
"""

import math
from collections.abc import Callable

import numpy as np

from whygrad.core.nn.activations import LEAK
from whygrad.record.activations import SELU_ALPHA, SELU_SCALE

REACH = 40.0  # beyond it, float64 cannot tell a sigmoid from 0 or 1

Numbers = np.ndarray | np.float64

_erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(z: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-np.clip(z, -700, 700)))


def softplus(z: Numbers) -> Numbers:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def elu(z: Numbers) -> Numbers:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def selu(z: Numbers) -> Numbers:
    return SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0)))


def gelu(z: Numbers) -> Numbers:
    return z * (1 + _erf(z / math.sqrt(2))) / 2


VALUES: dict[str, Callable[[Numbers], Numbers]] = {
    "identity": lambda z: z,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, LEAK * z),
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "silu": lambda z: z * sigmoid(z),
    "softplus": softplus,
}
NAMES = tuple(VALUES)
DIPS = ("gelu", "silu")  # these fall before they rise


def preactivation_for(name: str, output: float) -> float:
    """Return the largest z whose output is at most ``output``, by bisection.

    Args:
        output: where the activation never gets there, or not up to rounding, the end of the
            interval [-40, 40] comes back; gelu and silu are taken for z >= 0.

    Example:
        >>> preactivation_for("relu", 0.5), preactivation_for("tanh", 1.0)
        (0.5, 40.0)
    """
    low, high = (0.0 if name in DIPS else -REACH), REACH
    if VALUES[name](np.float64(high)) <= output:
        return high
    while (middle := (low + high) / 2) not in (low, high):
        if VALUES[name](np.float64(middle)) <= output:
            low = middle
        else:
            high = middle
    return low
