"""Activations: each with its slope beside it, and where that slope is flat.

``value`` maps preactivations z to outputs, ``slope`` is its derivative, both elementwise and of
the same shape. Softmax is the one exception: its outputs depend on every z of the sample, so its
``slope`` is only the diagonal of the Jacobian and :func:`pull_back` uses the whole of it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from whygrad.errors import unknown_name

Elementwise = Callable[[Array], Array]
LEAK = 0.01
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
FLAT_SHARE = 0.01  # a slope below this share of the steepest one counts as flat
INFINITY = math.inf


@dataclass(frozen=True)
class Activation:
    """One activation and what a diagnosis must know of it.

    Attributes:
        value: f(z).
        slope: f'(z).
        steepest: the largest |f'(z)|, the measure for "flat"; where there is no largest, |f'(0)|.
        flat: intervals (low, high) of z in which |f'| < 1 % of ``steepest``.
        exactly_flat: whether the slope is exactly 0 there, so that nothing at all gets through.
        is_odd: f(-z) = -f(z), so a neuron and its mirror image are the same detector.
        is_homogeneous: f(cz) = c f(z) for c > 0: a neuron may be scaled, its exits unscaled.
        is_coupled: outputs depend on the preactivations of other neurons (softmax).
    """

    value: Elementwise
    slope: Elementwise
    steepest: float = 1.0
    flat: tuple[tuple[float, float], ...] = ()
    exactly_flat: bool = False
    is_odd: bool = False
    is_homogeneous: bool = False
    is_coupled: bool = False


def relu(z: Array) -> Array:
    return jnp.maximum(z, 0)


def relu_slope(z: Array) -> Array:
    return (z > 0).astype(z.dtype)


def leaky_relu(z: Array) -> Array:
    return jnp.where(z > 0, z, LEAK * z)


def leaky_relu_slope(z: Array) -> Array:
    return jnp.where(z > 0, 1, jnp.asarray(LEAK, z.dtype))


def sigmoid_slope(z: Array) -> Array:
    return jax.nn.sigmoid(z) * jax.nn.sigmoid(-z)  # s(-z) = 1 - s(z) without cancellation


def tanh_slope(z: Array) -> Array:
    return 1 - jnp.tanh(z) ** 2


def elu(z: Array) -> Array:
    return jnp.where(z > 0, z, jnp.expm1(jnp.minimum(z, 0)))


def elu_slope(z: Array) -> Array:
    return jnp.exp(jnp.minimum(z, 0))


def selu(z: Array) -> Array:
    return SELU_SCALE * jnp.where(z > 0, z, SELU_ALPHA * jnp.expm1(jnp.minimum(z, 0)))


def selu_slope(z: Array) -> Array:
    return SELU_SCALE * jnp.where(z > 0, 1, SELU_ALPHA * jnp.exp(jnp.minimum(z, 0)))


def gelu(z: Array) -> Array:
    return z * _normal_share(z)


def gelu_slope(z: Array) -> Array:
    return _normal_share(z) + z * jnp.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _normal_share(z: Array) -> Array:
    return jax.lax.erfc(-z / math.sqrt(2)) / 2


def silu(z: Array) -> Array:
    return z * jax.nn.sigmoid(z)


def silu_slope(z: Array) -> Array:
    s = jax.nn.sigmoid(z)
    return s * (1 + z * jax.nn.sigmoid(-z))


def softplus(z: Array) -> Array:
    return jnp.logaddexp(z, 0)


def softsign(z: Array) -> Array:
    return z / (1 + jnp.abs(z))


def softsign_slope(z: Array) -> Array:
    return 1 / (1 + jnp.abs(z)) ** 2


def hard_sigmoid(z: Array) -> Array:
    return jnp.clip(0.2 * z + 0.5, 0, 1)


def hard_sigmoid_slope(z: Array) -> Array:
    return jnp.where(jnp.abs(z) < 2.5, jnp.asarray(0.2, z.dtype), 0)


def softmax(z: Float[Array, "*batch n_out"]) -> Float[Array, "*batch n_out"]:
    return jax.nn.softmax(z, axis=-1)


def softmax_diagonal(z: Array) -> Array:
    a = softmax(z)
    return a * (1 - a)


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(lambda z: z, jnp.ones_like, is_odd=True, is_homogeneous=True),
    # Rumelhart, Hinton and Williams 1986
    "sigmoid": Activation(
        jax.nn.sigmoid, sigmoid_slope, 0.25, ((-INFINITY, -5.99), (5.99, INFINITY))
    ),
    # LeCun, Bottou, Orr and Mueller 1998, section 4.4
    "tanh": Activation(
        jnp.tanh, tanh_slope, 1.0, ((-INFINITY, -3.0), (3.0, INFINITY)), is_odd=True
    ),
    # Nair and Hinton 2010; the slope at exactly 0 is taken as 0
    "relu": Activation(
        relu, relu_slope, flat=((-INFINITY, 0.0),), exactly_flat=True, is_homogeneous=True
    ),
    # Maas, Hannun and Ng 2013
    "leaky_relu": Activation(leaky_relu, leaky_relu_slope, is_homogeneous=True),
    # Clevert, Unterthiner and Hochreiter 2016, alpha = 1
    "elu": Activation(elu, elu_slope, flat=((-INFINITY, -4.61),)),
    # Klambauer, Unterthiner, Mayr and Hochreiter 2017
    "selu": Activation(selu, selu_slope, SELU_SCALE * SELU_ALPHA, ((-INFINITY, -4.61),)),
    # Hendrycks and Gimpel 2016, the exact form
    "gelu": Activation(gelu, gelu_slope, 1.128904, ((-INFINITY, -3.03),)),
    # Elfwing, Uchibe and Doya 2018
    "silu": Activation(silu, silu_slope, 1.099839, ((-INFINITY, -6.15),)),
    # Dugas, Bengio, Belisle, Nadeau and Garcia 2001
    "softplus": Activation(softplus, jax.nn.sigmoid, 1.0, ((-INFINITY, -4.6),)),
    # Bergstra, Desjardins, Lamblin and Bengio 2009
    "softsign": Activation(
        softsign, softsign_slope, 1.0, ((-INFINITY, -9.0), (9.0, INFINITY)), is_odd=True
    ),
    # Courbariaux, Bengio and David 2015, with the numbers of Keras 2; the slope at its ends is 0
    "hard_sigmoid": Activation(
        hard_sigmoid,
        hard_sigmoid_slope,
        0.2,
        ((-INFINITY, -2.5), (2.5, INFINITY)),
        exactly_flat=True,
    ),
    # Nelder and Wedderburn 1972, the inverse of the log link; its slope has no bound
    "exponential": Activation(jnp.exp, jnp.exp, 1.0, ((-INFINITY, -4.61),)),
    # Bridle 1990
    "softmax": Activation(softmax, softmax_diagonal, 0.25, is_coupled=True),
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
    name: str, z: Float[Array, "batch n_out"], upstream: Float[Array, "batch n_out"]
) -> Float[Array, "batch n_out"]:
    """Return delta = dC/dz from upstream = dC/da, through the true Jacobian of the activation.

    Elementwise: delta = upstream * f'(z).
    Softmax: delta_k = a_k (upstream_k - sum_j upstream_j a_j); what all outputs share cancels.

    Source: Nielsen 2015, ch. 2, BP1 in its general form; Bridle 1990 for softmax.
    """
    if not ACTIVATIONS[name].is_coupled:
        return upstream * ACTIVATIONS[name].slope(z)
    a = softmax(z)
    return a * (upstream - jnp.sum(upstream * a, axis=-1, keepdims=True))
