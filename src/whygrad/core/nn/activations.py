"""Activations: each with its slope beside it; where that is flat tells ``record.activations``.

``value`` maps preactivations z to outputs, ``slope`` is its derivative, both elementwise and of
the same shape. Softmax is the one exception: its outputs depend on every z of the sample, so its
``slope`` is only the diagonal of the Jacobian and :func:`pull_back` uses the whole of it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float

from whygrad.core.arrays import Array, erfc, sigmoid, softmax
from whygrad.errors import unknown_name
from whygrad.record.activations import OWN, SELU_ALPHA, SELU_SCALE, ActivationFacts
from whygrad.record.arrays import xp

Elementwise = Callable[[Array], Array]
LEAK = 0.01


@dataclass(frozen=True, kw_only=True)
class Activation(ActivationFacts):
    """One activation, with what a diagnosis must know of it.

    Attributes:
        value: f(z).
        slope: f'(z).
    """

    value: Elementwise
    slope: Elementwise


def relu(z: Array) -> Array:
    return xp.maximum(z, 0)


def relu_slope(z: Array) -> Array:
    return (z > 0).astype(z.dtype)


def leaky_relu(z: Array) -> Array:
    return xp.where(z > 0, z, LEAK * z)


def leaky_relu_slope(z: Array) -> Array:
    return xp.where(z > 0, 1, LEAK).astype(z.dtype)


def sigmoid_slope(z: Array) -> Array:
    return sigmoid(z) * sigmoid(-z)  # s(-z) = 1 - s(z) without cancellation


def tanh_slope(z: Array) -> Array:
    return 1 - xp.tanh(z) ** 2


def elu(z: Array) -> Array:
    return xp.where(z > 0, z, xp.expm1(xp.minimum(z, 0)))


def elu_slope(z: Array) -> Array:
    return xp.exp(xp.minimum(z, 0))


def selu(z: Array) -> Array:
    return SELU_SCALE * xp.where(z > 0, z, SELU_ALPHA * xp.expm1(xp.minimum(z, 0)))


def selu_slope(z: Array) -> Array:
    return SELU_SCALE * xp.where(z > 0, 1, SELU_ALPHA * xp.exp(xp.minimum(z, 0)))


def gelu(z: Array) -> Array:
    return z * _normal_share(z)


def gelu_slope(z: Array) -> Array:
    return _normal_share(z) + z * xp.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _normal_share(z: Array) -> Array:
    return erfc(-z / math.sqrt(2)) / 2


def silu(z: Array) -> Array:
    return z * sigmoid(z)


def silu_slope(z: Array) -> Array:
    s = sigmoid(z)
    return s * (1 + z * sigmoid(-z))


def softplus(z: Array) -> Array:
    return xp.logaddexp(z, 0)


def softsign(z: Array) -> Array:
    return z / (1 + xp.abs(z))


def softsign_slope(z: Array) -> Array:
    return 1 / (1 + xp.abs(z)) ** 2


def hard_sigmoid(z: Array) -> Array:
    return xp.clip(0.2 * z + 0.5, 0, 1)


def hard_sigmoid_slope(z: Array) -> Array:
    return xp.where(xp.abs(z) < 2.5, 0.2, 0).astype(z.dtype)


def softmax_diagonal(z: Array) -> Array:
    a = softmax(z)
    return a * (1 - a)


_FORMULAS: dict[str, tuple[Elementwise, Elementwise]] = {
    "identity": (lambda z: z, xp.ones_like),
    # Rumelhart, Hinton and Williams 1986
    "sigmoid": (sigmoid, sigmoid_slope),
    # LeCun, Bottou, Orr and Mueller 1998, section 4.4
    "tanh": (xp.tanh, tanh_slope),
    # Nair and Hinton 2010; the slope at exactly 0 is taken as 0
    "relu": (relu, relu_slope),
    # Maas, Hannun and Ng 2013
    "leaky_relu": (leaky_relu, leaky_relu_slope),
    # Clevert, Unterthiner and Hochreiter 2016, alpha = 1
    "elu": (elu, elu_slope),
    # Klambauer, Unterthiner, Mayr and Hochreiter 2017
    "selu": (selu, selu_slope),
    # Hendrycks and Gimpel 2016, the exact form
    "gelu": (gelu, gelu_slope),
    # Elfwing, Uchibe and Doya 2018
    "silu": (silu, silu_slope),
    # Dugas, Bengio, Belisle, Nadeau and Garcia 2001
    "softplus": (softplus, sigmoid),
    # Bergstra, Desjardins, Lamblin and Bengio 2009
    "softsign": (softsign, softsign_slope),
    # Courbariaux, Bengio and David 2015, with the numbers of Keras 2; the slope at its ends is 0
    "hard_sigmoid": (hard_sigmoid, hard_sigmoid_slope),
    # Nelder and Wedderburn 1972, the inverse of the log link
    "exponential": (xp.exp, xp.exp),
    # Bridle 1990
    "softmax": (softmax, softmax_diagonal),
}
ACTIVATIONS: dict[str, Activation] = {
    name: Activation(value=value, slope=slope, **vars(OWN[name]))
    for name, (value, slope) in _FORMULAS.items()
}


def activation(name: str) -> Activation:
    """Return the activation called ``name``.

    Raises:
        OptionError: there is none; the message names the nearest one.
    """
    if name not in ACTIVATIONS:
        raise unknown_name("activation", name, list(ACTIVATIONS))
    return ACTIVATIONS[name]


def pull_back(
    name: str,
    z: Float[Array, "batch n_out"],
    upstream: Float[Array, "batch n_out"],
    slope: Float[Array, "batch n_out"],
    kept: Float[Array, "batch n_out"] | None = None,
) -> Float[Array, "batch n_out"]:
    """Return delta = dC/dz from upstream = dC/da, through the true Jacobian of the activation.

    Elementwise: delta = upstream * f'(z).
    Softmax: delta_k = a_k (upstream_k - sum_j upstream_j a_j); what all outputs share cancels.

    Args:
        slope: f'(z), times ``kept``.
        kept: what dropout multiplied the outputs with; None without dropout.

    Source: Nielsen 2015, ch. 2, BP1 in its general form; Bridle 1990 for softmax.
    """
    if not ACTIVATIONS[name].is_coupled:
        return upstream * slope
    a = softmax(z)
    upstream = upstream if kept is None else upstream * kept
    return a * (upstream - xp.sum(upstream * a, axis=-1, keepdims=True))
