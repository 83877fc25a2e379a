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

from dataclasses import dataclass, fields

from jaxtyping import Float

from whygrad.core.arrays import Array, register
from whygrad.core.backprop import LayerAnatomy
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.record import describing
from whygrad.record import factors as sizes
from whygrad.record.activations import INFINITY
from whygrad.record.arrays import xp
from whygrad.record.factors import (
    Factors,
    layer_sizes,
    mean_size,
    neuron_pulls,
    ratio,
    telescope,
    weight_pulls,
)
from whygrad.record.fields import FACTORS
from whygrad.words import t
from whygrad.words.grid import Grid


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

    def __str__(self) -> str:
        return str(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> Grid:
        sets = {str(t(f"factors.of.{one.name}")): getattr(self, one.name) for one in fields(self)}
        return describing.of_factors(sets, t("factors.title"))


register(Factors, list(FACTORS))
register(LayerFactors, ["weight", "bias", "neuron", "layer"])


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
    return telescope(
        xp.broadcast_to(push(layer), gradient.shape),
        xp.broadcast_to(mean_size(layer.share, layer.delta), gradient.shape),
        weight_pulls(layer.input, layer.delta, layer.share),
        xp.abs(gradient),
    )


def bias_factors(layer: LayerAnatomy) -> Factors:
    """Return the factors of every bias, (n_out,): those of a weight whose input is 1."""
    through = mean_size(layer.share, layer.delta)
    gradient = xp.abs(layer.mean_with_delta(layer.constant)[0])
    return telescope(push(layer), through, through, gradient)


def neuron_factors(layer: LayerAnatomy, gradient: Float[Array, "n_in n_out"]) -> Factors:
    """Return the factors of every neuron, (n_out,), for its incoming weights together."""
    return telescope(
        push(layer),
        mean_size(layer.share, layer.delta),
        neuron_pulls(layer.input, layer.delta, layer.share),
        xp.linalg.norm(gradient, axis=0),
    )


def layer_factors(layer: LayerAnatomy, gradient: Float[Array, "n_in n_out"]) -> Factors:
    """Return the factors of the whole layer, scalars."""
    pushed, through, per_sample = layer_sizes(layer.input, layer.upstream, layer.delta, layer.share)
    return telescope(pushed, through, per_sample, xp.linalg.norm(gradient))


def push(layer: LayerAnatomy) -> Float[Array, " n_out"]:
    """Return how hard each neuron is pushed: mean_i |u_ik|."""
    return layer.share @ pushes(layer)


def pushes(layer: LayerAnatomy) -> Float[Array, "*many m n_out"]:
    """Return how hard each sample pushes each neuron: |u_ik|, of a softmax the norm over all."""
    is_coupled = ACTIVATIONS[layer.activation].is_coupled and not layer.is_matched
    return sizes.pushes(layer.upstream, is_coupled=is_coupled)


def open_share(layer: LayerAnatomy) -> Float[Array, " n_out"]:
    """Return the share of samples for which each neuron is outside its flat region."""
    return ratio(layer.share @ is_open(layer), xp.sum(layer.share))


def is_open(layer: LayerAnatomy) -> Float[Array, "*many m n_out"]:
    """Return 1 where a neuron is outside its flat region for a sample, else 0.

    Flat is where |slope| is below 1 % of the steepest slope of the activation on its way to an end;
    never where loss and activation are taken as one function.
    """
    z, dtype = layer.preactivation, layer.share.dtype
    if layer.is_matched:
        return xp.ones_like(z, dtype)
    opened = None  # a number that is none is open to nothing: it is beyond no end
    for low, high in ACTIVATIONS[layer.activation].flat:
        beyond = z > high if low == -INFINITY else z < low
        opened = beyond if opened is None else opened & beyond
    return (z == z if opened is None else opened).astype(dtype)
