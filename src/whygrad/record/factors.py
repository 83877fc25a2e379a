"""The four factors of a gradient, from the sizes that they are ratios of; and what samples add.

    upstream  = pushed                      pushed   = mean_i |u_ik|
    slope     = through  / pushed           through  = mean_i |d_ik|
    input     = pulls    / through          pulls    = mean_i |x_ij d_ik|
    agreement = gradient / pulls            gradient = |mean_i x_ij d_ik|

so that their product telescopes to the gradient. 0/0 is 0. Arrays may be NumPy's or JAX's: each
function computes with the library that its arrays come from.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from whygrad.record import describing
from whygrad.record.address import Address
from whygrad.record.arrays import library_of
from whygrad.record.fields import FACTORS
from whygrad.words import t
from whygrad.words.grid import Grid

Array = Any  # of NumPy or of JAX


@dataclass(frozen=True)
class Factors:
    """Four arrays of one shape that multiply to the size of a gradient.

    Attributes:
        upstream: loss per unit of output.
        slope: output per unit of preactivation.
        input: unit of the inputs; 1 for a bias.
        agreement: share in [0, 1].
    """

    upstream: Array
    slope: Array
    input: Array
    agreement: Array

    @property
    def product(self) -> Array:
        """The size of the gradient."""
        return self.upstream * self.slope * self.input * self.agreement

    @property
    def first_zero(self) -> Array:
        """Where in :data:`FACTORS` the first factor that is 0 stands; -1 where none is."""
        xp = library_of(self.upstream)
        is_zero = xp.stack([getattr(self, name) == 0 for name in FACTORS])
        return xp.where(is_zero.any(axis=0), xp.argmax(is_zero, axis=0), -1)

    def __repr__(self) -> str:
        return f"Factors({describing.shape(self.upstream)})"

    def __str__(self) -> str:
        return str(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> Grid:
        return describing.of_factors({t("factors.median"): self}, t("factors.title"))


def telescope(pushed: Array, through: Array, pulls: Array, gradient: Array) -> Factors:
    """Return the factors whose running products are the four sizes given."""
    xp = library_of(gradient)
    return Factors(
        upstream=pushed,
        slope=ratio(through, pushed),
        input=ratio(pulls, through),
        agreement=xp.minimum(ratio(gradient, pulls), 1),  # rounding must not exceed 1
    )


def ratio(part: Array, whole: Array) -> Array:
    """Return part / whole, where 0/0 is 0."""
    xp, is_zero = library_of(whole), whole == 0
    # `whole` in place of 0, and ones of its type: so the result keeps it
    return xp.where(is_zero, whole, part / xp.where(is_zero, xp.ones_like(whole), whole))


def mean_size(share: Array, values: Array) -> Array:
    """Return mean_i |values_ik|, (n,), with the samples' shares (m,)."""
    return share @ abs(values)


def pushes(upstream: Array, *, is_coupled: bool) -> Array:
    """Return how hard each sample pushes each neuron, (m, n_out): |u_ik|.

    Args:
        is_coupled: whether a neuron moves with the upstream of all neurons of its layer, as in a
            softmax; then it is the norm over all of them.
    """
    if not is_coupled:
        return abs(upstream)
    xp = library_of(upstream)
    together = xp.linalg.norm(upstream, axis=-1, keepdims=True)
    return xp.broadcast_to(together, upstream.shape)


def weight_pulls(input: Array, delta: Array, share: Array) -> Array:
    """Return mean_i |x_ij d_ik|, (n_in, n_out)."""
    return abs(input).T @ (share[:, None] * abs(delta))


def neuron_pulls(input: Array, delta: Array, share: Array) -> Array:
    """Return mean_i |x_i| |d_ik|, (n_out,), with the norm of each input vector."""
    return mean_size(share * library_of(input).linalg.norm(input, axis=1), delta)


def layer_sizes(input: Array, upstream: Array, delta: Array, share: Array) -> tuple[Array, ...]:
    """Return pushed, through and pulls of a whole layer: norms over its neurons, scalars.

    For one sample |x d'| = |x| |d|.
    """
    norm = library_of(delta).linalg.norm
    size = norm(delta, axis=1)
    reach = norm(input, axis=1)
    return share @ norm(upstream, axis=1), share @ size, share @ (size * reach)


# --- which samples pull at a parameter --------------------------------------------------------

PerSample = Float[np.ndarray, " m"]


@runtime_checkable
class Samples(Protocol):
    """What must be known of a layer's samples, in arrays of NumPy or of JAX."""

    @property
    def input(self) -> Any: ...  # (m, n_in)

    @property
    def delta(self) -> Any: ...  # (m, n_out)

    @property
    def share(self) -> Any: ...  # (m,)


def sample_gradients(layer: Samples, address: Address) -> PerSample:
    """Return each sample's gradient: its pull, the term that it adds to the gradient of the batch.

    Weight: share_i * input_ij * delta_ik.  Bias: share_i * delta_ik.  They sum to the gradient.
    Neuron or layer: the sample's own weight gradient, projected on the direction of the mean
    gradient; they sum to its norm, and a negative pull works against the other samples.

    Args:
        layer: the samples of the layer that ``address`` names.

    Returns:
        One number a sample, in units of the gradient.
    """
    share, delta = np.asarray(layer.share), np.asarray(layer.delta)
    if address.kind == "bias":
        return share * delta[:, address.neuron]
    if address.kind == "weight":
        return share * np.asarray(layer.input)[:, address.input] * delta[:, address.neuron]
    if address.neuron is not None:
        delta = delta[:, [address.neuron]]
    input = np.asarray(layer.input)
    mean = input.T @ (share[:, None] * delta)
    return share * ((input @ mean) * delta).sum(axis=1) / (np.linalg.norm(mean) or 1)


def strongest(
    pulls: PerSample, top: int = 3
) -> tuple[Int[np.ndarray, " up"], Int[np.ndarray, " down"]]:
    """Return the samples that push a parameter up the most, and those that push it down the most.

    Descent goes against the gradient: a negative pull raises the parameter, a positive one lowers
    it. Samples that do not pull that way at all are left out, so fewer than ``top`` may come.

    Example:
        >>> strongest(np.array([0.5, -2.0, 0.0, 1.0, -0.1]), top=2)
        (array([1, 4]), array([3, 0]))
    """
    order = np.argsort(pulls, kind="stable")
    up = order[: int((pulls < 0).sum())]
    down = order[::-1][: int((pulls > 0).sum())]
    return up[:top], down[:top]
