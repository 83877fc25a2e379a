"""The factors and the sizes of a record: the same numbers from NumPy's arrays and from JAX's."""

import jax.numpy as jnp
import numpy as np
import pytest

from whygrad.record.factors import (
    layer_sizes,
    neuron_pulls,
    pushes,
    ratio,
    telescope,
    weight_pulls,
)
from whygrad.record.fields import FACTORS


@pytest.fixture
def rows() -> tuple[np.ndarray, ...]:
    """Input, upstream, delta and share of nine samples."""
    draw = np.random.default_rng(0)
    shapes = ((9, 4), (9, 3), (9, 3))
    input, upstream, delta = (draw.normal(size=shape).astype(np.float32) for shape in shapes)
    delta[:, 1] = 0
    share = draw.dirichlet(np.ones(9)).astype(np.float32)
    return input, upstream, delta, share


def test_numpy_and_jax_give_the_same_in_their_own_arrays(rows):
    def all_of(input, upstream, delta, share):
        gradient = abs(input.T @ (share[:, None] * delta))
        pushed = share @ pushes(upstream, is_coupled=False)
        pulls = weight_pulls(input, delta, share)
        four = telescope(pushed, share @ abs(delta), pulls, gradient)
        sizes = (neuron_pulls(input, delta, share), *layer_sizes(input, upstream, delta, share))
        together = pushes(upstream, is_coupled=True)
        return [*(getattr(four, name) for name in FACTORS), four.product, *sizes, together]

    ours = all_of(*rows)
    theirs = all_of(*map(jnp.asarray, rows))
    for own, other in zip(ours, theirs, strict=True):
        assert isinstance(own, np.ndarray | np.floating) and isinstance(other, jnp.ndarray)
        assert own.dtype == other.dtype == np.float32
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_over_nothing_is_nothing(dtype):
    values = ratio(np.array([0, 1, 2], dtype), np.array([0, 0, 4], dtype))
    assert values.tolist() == [0, 0, 0.5] and values.dtype == dtype


def test_the_product_is_the_gradient_and_the_first_zero_is_found(rows):
    input, upstream, delta, share = rows
    gradient = np.abs(input.T @ (share[:, None] * delta))
    sizes = np.broadcast_arrays(share @ np.abs(upstream), share @ np.abs(delta), gradient)
    four = telescope(*sizes[:2], weight_pulls(input, delta, share), gradient)
    np.testing.assert_allclose(four.product, gradient, rtol=1e-5)
    assert (four.first_zero[:, 1] == FACTORS.index("slope")).all()
    assert (np.delete(four.first_zero, 1, axis=1) == -1).all()
