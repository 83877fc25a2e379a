"""What is drawn from a key: with JAX, to the bit, what ``jax.random`` draws."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.core.keys import bernoulli, fold_in, numpy_key

SHAPES = st.sampled_from([(1,), (7,), (3, 5), (64, 33), (2, 3, 4), (0, 4)])


@given(st.integers(0, 2**31 - 1), st.integers(0, 9), st.floats(0, 1), SHAPES)
def test_a_mask_is_that_of_jax_to_the_bit(seed, layer, share, shape):
    key = fold_in(jax.random.key(seed), layer)
    drawn = np.asarray(bernoulli(key, share, shape))
    assert np.array_equal(drawn, np.asarray(jax.random.bernoulli(key, share, shape)))


@pytest.mark.parametrize("share", [0.0, 2.0**-23, 2.0**-24, 0.5, 1 - 2.0**-23, 1 - 2.0**-24, 1.0])
def test_shares_at_the_limits_of_float32_are_those_of_jax(share):
    key = jax.random.key(5)
    drawn, expected = (f(key, share, (500, 400)) for f in (bernoulli, jax.random.bernoulli))
    assert np.array_equal(np.asarray(drawn), np.asarray(expected))


def test_many_keys_at_once_draw_what_each_draws_alone():
    keys = jax.random.split(jax.random.key(1), 4)
    together = jax.vmap(lambda key: bernoulli(key, 0.8, (6, 5)))(keys)
    alone = [
        np.asarray(jax.jit(bernoulli, static_argnums=(1, 2))(key, 0.8, (6, 5))) for key in keys
    ]
    assert np.array_equal(np.asarray(together), alone)


@pytest.mark.parametrize("implementation", ["rbg", "unsafe_rbg"])
def test_other_generators_are_left_to_jax(implementation):
    key = jax.random.key(3, impl=implementation)
    drawn = np.asarray(bernoulli(key, 0.3, (20, 20)))
    assert np.array_equal(drawn, np.asarray(jax.random.bernoulli(key, 0.3, (20, 20))))


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_a_share_is_drawn_as_often(engine):
    key = numpy_key(2) if engine == "numpy" else jax.random.key(2)
    drawn = np.asarray(bernoulli(fold_in(key, 1), 0.3, (400, 500)))
    assert abs(drawn.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / drawn.size)
