"""The four factors: \\|gradient\\| = upstream * slope * input * agreement, exactly.

    upstream  = mean_i |u_ik|                                    how hard is it pushed
    slope     = mean_i |d_ik|        / mean_i |u_ik|             how much gets through
    input     = mean_i |x_ij d_ik|   / mean_i |d_ik|             how strongly the input fires then
    agreement = |mean_i x_ij d_ik|   / mean_i |x_ij d_ik|        do the samples pull the same way

Each is a ratio of what is left over what came, so their product telescopes to the gradient. 0/0 is
0, and the first zero from the left is the cause. The means use the samples' shares.

The same four describe larger things once a size is chosen for each: a whole neuron takes the norm
of its input vector in place of |x_ij| and multiplies to the norm of its weight gradient; a whole
layer takes norms over its neurons too and multiplies to the Frobenius norm of its gradient.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from whygrad.core import backend
from whygrad.core.backprop import LayerAnatomy
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.record.activations import FLAT_SHARE
from whygrad.record.fields import FACTORS


@dataclass(frozen=True)
class Factors:
    """Four arrays of one shape that multiply to the size of a gradient.

    Attributes:
        upstream: loss per unit of output.
        slope: output per unit of preactivation.
        input: unit of the inputs; 1 for a bias.
        agreement: share in [0, 1].
    """

    upstream: Float[Array, "*shape"]
    slope: Float[Array, "*shape"]
    input: Float[Array, "*shape"]
    agreement: Float[Array, "*shape"]

    @property
    def product(self) -> Float[Array, "*shape"]:
        """The size of the gradient."""
        return self.upstream * self.slope * self.input * self.agreement

    @property
    def first_zero(self) -> Int[Array, "*shape"]:
        """Where in :data:`FACTORS` the first factor that is 0 stands; -1 where none is."""
        is_zero = jnp.stack([getattr(self, name) == 0 for name in FACTORS])
        return jnp.where(is_zero.any(axis=0), jnp.argmax(is_zero, axis=0), -1)


@dataclass(frozen=True)
class LayerFactors:
    """The factors of everything in one layer.

    Attributes:
        weight: arrays (n_in, n_out), multiplying to each |dC/dweight|.
        bias: arrays (n_out,), multiplying to each |dC/dbias|; also given where biases are absent.
        neuron: arrays (n_out,), multiplying to the norm of each column of dC/dweight.
        layer: scalars, multiplying to the Frobenius norm of dC/dweight.
    """

    weight: Factors
    bias: Factors
    neuron: Factors
    layer: Factors


jax.tree_util.register_dataclass(Factors, data_fields=list(FACTORS), meta_fields=[])
jax.tree_util.register_dataclass(
    LayerFactors, data_fields=["weight", "bias", "neuron", "layer"], meta_fields=[]
)


def factors(layer: LayerAnatomy) -> LayerFactors:
    """Split every gradient of a layer into its four factors.

    Args:
        layer: one layer of an Anatomy, such as ``anatomy["hidden1"]``.
    """
    gradient = layer.mean_with_delta(layer.input)
    return LayerFactors(
        weight=weight_factors(layer, gradient),
        bias=bias_factors(layer),
        neuron=neuron_factors(layer, gradient),
        layer=layer_factors(layer, gradient),
    )


def weight_factors(layer: LayerAnatomy, gradient: Float[Array, "n_in n_out"]) -> Factors:
    """Return the factors of every weight, each of shape (n_in, n_out)."""
    per_sample = jnp.abs(layer.input).T @ (layer.share[:, None] * jnp.abs(layer.delta))
    return telescope(
        jnp.broadcast_to(push(layer), gradient.shape),
        jnp.broadcast_to(mean_size(layer.share, layer.delta), gradient.shape),
        per_sample,
        jnp.abs(gradient),
    )


def bias_factors(layer: LayerAnatomy) -> Factors:
    """Return the factors of every bias, (n_out,): those of a weight whose input is 1."""
    through = mean_size(layer.share, layer.delta)
    gradient = jnp.abs(layer.mean_with_delta(layer.constant)[0])
    return telescope(push(layer), through, through, gradient)


def neuron_factors(layer: LayerAnatomy, gradient: Float[Array, "n_in n_out"]) -> Factors:
    """Return the factors of every neuron, (n_out,), for its incoming weights together."""
    weighted_norm = layer.share * jnp.linalg.norm(layer.input, axis=1)
    return telescope(
        push(layer),
        mean_size(layer.share, layer.delta),
        mean_size(weighted_norm, layer.delta),
        jnp.linalg.norm(gradient, axis=0),
    )


def layer_factors(layer: LayerAnatomy, gradient: Float[Array, "n_in n_out"]) -> Factors:
    """Return the factors of the whole layer, scalars: |x d'| = |x| |d| for one sample."""
    size = jnp.linalg.norm(layer.delta, axis=1)
    return telescope(
        layer.share @ jnp.linalg.norm(layer.upstream, axis=1),
        layer.share @ size,
        layer.share @ (size * jnp.linalg.norm(layer.input, axis=1)),
        jnp.linalg.norm(gradient),
    )


def telescope(pushed: Array, through: Array, per_sample: Array, gradient: Array) -> Factors:
    """Return the factors whose running products are the four sizes given."""
    backend.start()
    return Factors(
        upstream=pushed,
        slope=ratio(through, pushed),
        input=ratio(per_sample, through),
        agreement=jnp.minimum(ratio(gradient, per_sample), 1),  # rounding must not exceed 1
    )


def push(layer: LayerAnatomy) -> Float[Array, " n_out"]:
    """Return how hard each neuron is pushed: mean_i |u_ik|."""
    return layer.share @ pushes(layer)


def pushes(layer: LayerAnatomy) -> Float[Array, "m n_out"]:
    """Return how hard each sample pushes each neuron: |u_ik|.

    A softmax neuron moves with the upstream of all outputs of its layer, so there it is the norm
    over all of them.
    """
    if not ACTIVATIONS[layer.activation].is_coupled or layer.is_matched:
        return jnp.abs(layer.upstream)
    together = jnp.linalg.norm(layer.upstream, axis=1, keepdims=True)
    return jnp.broadcast_to(together, layer.upstream.shape)


def mean_size(share: Float[Array, " m"], values: Float[Array, "m n"]) -> Float[Array, " n"]:
    """Return mean_i |values_ik|, with the samples' shares."""
    return share @ jnp.abs(values)


def ratio(part: Array, whole: Array) -> Array:
    """Return part / whole, where 0/0 is 0."""
    return jnp.where(whole == 0, 0, part / jnp.where(whole == 0, 1, whole))


def open_share(layer: LayerAnatomy) -> Float[Array, " n_out"]:
    """Return the share of samples for which each neuron is outside its flat region."""
    return ratio(layer.share @ is_open(layer), jnp.sum(layer.share))


def is_open(layer: LayerAnatomy) -> Float[Array, "m n_out"]:
    """Return 1 where a neuron is outside its flat region for a sample, else 0.

    Open means |slope| > 1 % of the steepest slope of the activation.
    """
    steepest = ACTIVATIONS[layer.activation].steepest
    return (jnp.abs(layer.slope) > FLAT_SHARE * steepest).astype(layer.share.dtype)
