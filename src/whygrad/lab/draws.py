"""The draws of the lab: the same numbers, to the bit, as ``static/draws.js`` makes in a browser.

A page draws a new start without asking Python, and Python can draw it again. So everything is made
of integers, +, -, *, / and square roots, which every machine rounds alike; ``math.log`` is not.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from whygrad.core.nn import Network
from whygrad.core.nn.initializers import draw_bias, draw_weight

WORD = 0xFFFFFFFF
WARMING = 20  # numbers thrown away until a small seed has spread over all bits
TERMS = 20  # of the series of a logarithm
LN2 = 0.6931471805599453


class Draws(np.random.Generator):
    """A generator that initialisers take, for its normal and uniform draws.

    Source: sfc32 of Doty-Humphrey 2010; Marsaglia and Bray 1964 for the normal ones.
    """

    def __init__(self, seed: int, stream: int = 0):
        """Start the draws of ``seed``; ``stream`` is such as the number of a layer."""
        super().__init__(np.random.PCG64(seed))
        self._a, self._b, self._c, self._counter = seed & WORD, stream & WORD, 0, 1
        for _ in range(WARMING):
            self._bits()

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """Return numbers in [low, high)."""
        return self._shaped(lambda: low + (high - low) * self._share(), size)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Return numbers of mean ``loc`` and standard deviation ``scale``."""
        return self._shaped(lambda: loc + scale * self._standard(), size)

    def _shaped(self, one: Any, size: Any) -> Any:
        if size is None:
            return one()
        return np.array([one() for _ in range(math.prod(np.atleast_1d(size)))]).reshape(size)

    def _standard(self) -> float:
        while True:
            u, v = 2 * self._share() - 1, 2 * self._share() - 1
            s = u * u + v * v
            if 0 < s < 1:
                return u * math.sqrt(-2 * logarithm(s) / s)

    def _share(self) -> float:
        high, low = self._bits() >> 5, self._bits() >> 6
        return (high * 2**26 + low) / 2**53

    def _bits(self) -> int:
        drawn = (self._a + self._b + self._counter) & WORD
        self._counter = (self._counter + 1) & WORD
        self._a = self._b ^ (self._b >> 9)
        self._b = (self._c + (self._c << 3)) & WORD
        self._c = (((self._c << 21) | (self._c >> 11)) + drawn) & WORD
        return drawn


def logarithm(x: float) -> float:
    """Return ln(x) for 0 < x < 1, of +, -, * and / alone."""
    halvings = 0
    while x < 0.5:
        x, halvings = 2 * x, halvings + 1
    t, total = (x - 1) / (x + 1), 0.0
    for n in range(TERMS, -1, -1):
        total = total * t * t + 1 / (2 * n + 1)
    return 2 * t * total - halvings * LN2


def create(
    sizes: Sequence[int],
    *,
    activations: Sequence[str],
    init: str | Sequence[str] = "he_normal",
    bias_init: str | Sequence[str] = "zeros",
    seed: int = 0,
) -> Network:
    """Draw a network in float64, as the page draws it; :meth:`Network.create` draws others.

    Args:
        activations: one name a layer, the output's last.
        init, bias_init: how weights and biases start, ``name`` or ``name:value``, or one a layer.
    """
    count = len(sizes) - 1
    inits = [init] * count if isinstance(init, str) else init
    bias_inits = [bias_init] * count if isinstance(bias_init, str) else bias_init
    weights, biases = [], []
    for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
        draws = Draws(seed, layer)
        weights.append(draw_weight(inits[layer], draws, n_in, n_out))
        biases.append(draw_bias(bias_inits[layer], draws, n_in, n_out))
    return in_float64(weights, biases, activations)


def in_float64(
    weights: Sequence[Any], biases: Sequence[Any | None], activations: Sequence[str]
) -> Network:
    """Build a network in float64, the precision of the page, whatever JAX is set to.

    Args:
        weights, biases, activations: as for :meth:`Network.from_arrays`; lists do as well.
    """
    with jax.enable_x64(True):
        exact = [None if bias is None else np.asarray(bias, np.float64) for bias in biases]
        arrays = [np.asarray(weight, np.float64) for weight in weights]
        return Network.from_arrays(arrays, exact, activations=activations)
