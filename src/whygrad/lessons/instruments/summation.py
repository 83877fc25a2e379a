"""The same numbers added in several orders. Only the rounding of each addition tells them apart.

Terms are float32 of shape (m, n), m a power of two; the m rows are added.
"""

from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from whygrad.core.backprop import contract

Terms = Float[np.ndarray, "m n"]
Sums = Float[np.ndarray, " n"]
Traced = Float[Array, "m n"]
ROUNDING = 2.0**-24  # the most that one addition in float32 is off, relative to its result


def loop(terms: Terms) -> Sums:
    """Add one row after the other, in Python."""
    total = np.zeros(terms.shape[1], terms.dtype)
    for row in terms:
        total = total + row
    return total


def sequential(terms: Terms) -> Sums:
    """Add one row after the other, in NumPy: every addition waits for the one before."""
    return np.add.accumulate(terms, axis=0)[-1]


def halving(terms: Terms) -> Sums:
    """Fold the list: add its second half to its first, for log2(m) rounds.

    Source: Higham 1993, "The accuracy of floating point summation", on pairwise summation.
    """
    while len(terms) > 1:
        half = len(terms) // 2
        terms = terms[:half] + terms[half:]
    return terms[0]


@jax.jit
def compiled(terms: Traced) -> Float[Array, " n"]:
    """Add in the order that JAX's compiler chooses."""
    return jnp.sum(terms, axis=0)


@jax.jit
def product(terms: Traced) -> Float[Array, " n"]:
    """Add as whygrad's backward pass does: a product with 1, the constant input of a bias."""
    return contract(jnp.ones((terms.shape[0], 1), terms.dtype), terms)[0]


ORDERS: dict[str, Callable[[Any], Any]] = {
    "loop": loop,
    "sequential": sequential,
    "halving": halving,
    "compiled": compiled,
    "product": product,
}


def rounding_errors(
    names: Iterable[str], terms: Terms, blocks: int
) -> dict[str, Float[np.ndarray, "blocks n"]]:
    """Return by order how far the sums of equal blocks of rows are off, per term.

    The error of a sum is divided by m and by the mean size of its terms, so that it can be compared
    between batches. What it is held against is summed in float64.
    """
    found = {name: np.zeros((blocks, terms.shape[1])) for name in names}
    for place, block in enumerate(np.split(terms, blocks)):
        exact = halving(block.astype(np.float64))
        size = halving(np.abs(block)).astype(np.float64)
        for name, errors in found.items():
            errors[place] = (np.asarray(ORDERS[name](block), np.float64) - exact) / size
    return found
