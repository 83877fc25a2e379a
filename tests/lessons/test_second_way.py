"""The second way to a derivative: right on smooth curves, at bends and at kinks."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.core.nn.losses import loss_rule
from whygrad.lessons.instruments import elementwise, second_way
from whygrad.lessons.instruments.second_way import NUDGE, nudged

Z = np.linspace(-9, 9, 37)


@given(st.floats(-3, 3), st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_a_smooth_curve_has_the_slope_of_its_polynomial_on_both_sides(at, parts):
    curve = np.polynomial.Polynomial(parts)
    found = nudged(lambda x: curve(x), at)
    assert abs(found.slope - curve.deriv()(at)) < 1e-8
    assert found.gap < 1e-8


def test_an_array_of_places_is_nudged_at_once():
    found = nudged(np.sin, Z)
    np.testing.assert_allclose(found.slope, np.cos(Z), rtol=0, atol=1e-9)
    assert found.slope.shape == found.left.shape == found.right.shape == Z.shape


def test_a_kink_shows_on_both_sides_and_its_slope_is_their_mean():
    found = nudged(lambda x: np.where(x > 0, 3 * x, x / 2), 0.0)
    assert float(found.left) == pytest.approx(0.5)
    assert float(found.right) == pytest.approx(3)
    assert float(found.gap) == pytest.approx(2.5)
    assert float(found.slope) == pytest.approx(1.75)


def test_a_bend_is_no_kink():
    found = nudged(lambda x: np.where(x > 0, x**2, -7 * x**2) + x, 0.0)
    assert float(found.slope) == pytest.approx(1, abs=1e-9)
    assert float(found.gap) < 1e-9


def test_a_longer_nudge_is_coarser():
    near, far = (abs(float(nudged(np.exp, 1.0, step).slope) - np.e) for step in (NUDGE, 0.1))
    assert near < 1e-9 < 1e-3 < far


@pytest.mark.parametrize("name", second_way.ACTIVATIONS)
def test_the_activations_are_those_of_plain_numpy(name, float64):
    np.testing.assert_allclose(
        second_way.ACTIVATIONS[name](jnp.asarray(Z)),
        elementwise.VALUES[name](Z),
        rtol=1e-12,
        atol=1e-12,
    )


def test_no_activation_is_missing():
    assert set(second_way.ACTIVATIONS) == set(elementwise.VALUES)


@pytest.mark.parametrize("name", second_way.LOSSES)
def test_the_losses_are_those_of_whygrad(name, float64):
    column = jnp.asarray(Z)[:, None]
    found = second_way.LOSSES[name](column, 0.5)[:, 0]
    ours = loss_rule(name).value(column, jnp.full_like(column, 0.5))
    np.testing.assert_allclose(found, ours, rtol=1e-12)
