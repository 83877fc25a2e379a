"""The four factors of a gradient, from the sizes that they are ratios of.

    upstream  = pushed                      pushed   = mean_i |u_ik|
    slope     = through  / pushed           through  = mean_i |d_ik|
    input     = pulls    / through          pulls    = mean_i |x_ij d_ik|
    agreement = gradient / pulls            gradient = |mean_i x_ij d_ik|

so that their product telescopes to the gradient. 0/0 is 0. Arrays may be NumPy's or JAX's: each
function computes with the library that its arrays come from.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from whygrad.record import describing
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


def library_of(array: Array) -> ModuleType:
    """Return the library that an array comes from: ``numpy`` or ``jax.numpy``."""
    found = getattr(array, "__array_namespace__", None)
    return np if found is None else found()


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
    together = xp.linalg.norm(upstream, axis=1, keepdims=True)
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
