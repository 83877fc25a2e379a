"""Activations: every slope against autodiff and finite differences, every law it claims."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from whygrad.core.nn.activations import ACTIVATIONS, activation, pull_back
from whygrad.errors import OptionError
from whygrad.record.activations import FLAT_SHARE, OWN

ELEMENTWISE = [name for name, rule in ACTIVATIONS.items() if not rule.is_coupled]
UNBOUNDED = ("exponential",)  # neither values nor slopes have a bound
AT_A_TIE = ("relu", "leaky_relu", "elu", "selu")  # autodiff takes the middle of a kink at 0
FAR = np.linspace(-12, 12, 4801)
pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture(params=ELEMENTWISE)
def name(request):
    return request.param


def points(name: str) -> np.ndarray:
    """Return preactivations on both sides of 0, and 0 itself where that says something."""
    around = np.concatenate([np.linspace(-40, -1e-3, 41), np.linspace(1e-3, 40, 41)])
    return around if name in AT_A_TIE else np.append(around, 0.0)


def test_the_slope_is_what_autodiff_finds(name):
    z = jnp.asarray(points(name))
    expected = jax.vmap(jax.grad(ACTIVATIONS[name].value))(z)
    np.testing.assert_allclose(ACTIVATIONS[name].slope(z), expected, rtol=1e-12, atol=1e-15)


def test_the_slope_is_what_finite_differences_find(name):
    z, step = np.linspace(-4.05, 4.05, 28), 1e-5  # does not meet 0
    above, below = (ACTIVATIONS[name].value(jnp.asarray(z + d)) for d in (step, -step))
    expected = (np.asarray(above) - np.asarray(below)) / (2 * step)
    np.testing.assert_allclose(ACTIVATIONS[name].slope(jnp.asarray(z)), expected, atol=1e-9)


def test_values_and_slopes_stay_finite_far_out(name):
    ends = [80] if name in UNBOUNDED else [1e4, 1e30]
    far = jnp.asarray([-1e30, -1e4, *ends], jnp.float32)
    rule = ACTIVATIONS[name]
    assert bool(jnp.isfinite(rule.value(far)).all())
    assert bool(jnp.isfinite(rule.slope(far)).all())


def test_values_and_slopes_keep_shape_and_precision(name):
    z = jnp.zeros((2, 3), jnp.float32)
    for part in (ACTIVATIONS[name].value, ACTIVATIONS[name].slope):
        assert (part(z).shape, part(z).dtype) == ((2, 3), jnp.float32)


def test_the_steepest_slope_is_as_stated(name):
    where = np.zeros(1) if name in UNBOUNDED else FAR
    steepest = np.abs(ACTIVATIONS[name].slope(jnp.asarray(where))).max()
    assert steepest == pytest.approx(ACTIVATIONS[name].steepest, rel=1e-5)


def test_the_flat_intervals_are_where_the_slope_stays_small(name):
    rule = ACTIVATIONS[name]
    size = np.abs(rule.slope(jnp.asarray(FAR)))
    stays_small_below = np.maximum.accumulate(size) < FLAT_SHARE * rule.steepest
    stays_small_above = np.maximum.accumulate(size[::-1])[::-1] < FLAT_SHARE * rule.steepest
    is_flat = np.zeros_like(stays_small_below)
    for low, high in rule.flat:
        is_flat |= (low < FAR) & (FAR < high)
    near_an_end = np.zeros_like(is_flat)  # ends are rounded outwards to two digits
    for end in np.ravel(rule.flat):
        near_an_end |= np.abs(FAR - end) < 0.015
    expected = stays_small_below | stays_small_above
    np.testing.assert_array_equal(is_flat | near_an_end, expected | near_an_end)
    assert not (is_flat & ~expected & (FAR != 0)).any()


def test_the_slope_is_exactly_zero_only_where_it_says_so(name):
    rule = ACTIVATIONS[name]
    is_zero = np.asarray(rule.slope(jnp.asarray(FAR))) == 0
    inside = np.zeros_like(is_zero)
    for low, high in rule.flat:
        inside |= (low < FAR) & (high > FAR)
    assert (is_zero[inside].all() and inside.any()) if rule.exactly_flat else not is_zero.any()


def test_oddness_is_as_stated(name):
    value = ACTIVATIONS[name].value
    is_odd = bool(jnp.allclose(value(jnp.asarray(-FAR)), -value(jnp.asarray(FAR)), atol=1e-14))
    assert is_odd is ACTIVATIONS[name].is_odd


def test_homogeneity_is_as_stated(name):
    value, z = ACTIVATIONS[name].value, jnp.asarray(FAR)
    is_homogeneous = bool(jnp.allclose(value(2.5 * z), 2.5 * value(z), atol=1e-12))
    assert is_homogeneous is ACTIVATIONS[name].is_homogeneous


def test_delta_is_upstream_times_slope(name):
    z, upstream = jnp.asarray([[0.5, -0.3]]), jnp.asarray([[2.0, -1.0]])
    slope = ACTIVATIONS[name].slope(z)
    np.testing.assert_array_equal(pull_back(name, z, upstream, slope), upstream * slope)


def test_softmax_pulls_back_through_its_whole_jacobian():
    z, upstream = jnp.asarray([[0.5, -0.3, 2.0]]), jnp.asarray([[2.0, -1.0, 0.25]])
    jacobian = jax.jacobian(ACTIVATIONS["softmax"].value)(z[0])
    expected = upstream @ jacobian
    delta = pull_back("softmax", z, upstream, ACTIVATIONS["softmax"].slope(z))
    np.testing.assert_allclose(delta, expected, atol=1e-15)
    np.testing.assert_allclose(ACTIVATIONS["softmax"].slope(z)[0], jnp.diag(jacobian), atol=1e-15)


def test_softmax_ignores_what_all_outputs_share():
    z = jnp.asarray([[0.5, -0.3, 2.0]])
    delta = pull_back("softmax", z, jnp.full((1, 3), 7.0), ACTIVATIONS["softmax"].slope(z))
    np.testing.assert_allclose(delta, 0, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "by_torch"),
    [
        ("softsign", torch.nn.functional.softsign),
        ("exponential", torch.exp),
        ("hard_sigmoid", lambda z: torch.clamp(0.2 * z + 0.5, 0, 1)),
    ],
)
def test_values_and_slopes_are_what_pytorch_finds(name, by_torch):
    z = torch.tensor([-7.0, -2.4, -0.3, 0.2, 2.4, 7.0], dtype=torch.float64, requires_grad=True)
    value = by_torch(z)
    value.sum().backward()
    ours = jnp.asarray(z.detach().numpy())
    expected = (value.detach().numpy(), z.grad.numpy())
    for part, theirs in zip(("value", "slope"), expected, strict=True):
        np.testing.assert_allclose(getattr(ACTIVATIONS[name], part)(ours), theirs, rtol=1e-12)


def test_a_hard_sigmoid_ends_flat_where_keras_has_its_ends():
    z = jnp.asarray([-2.5, -2.499, 2.499, 2.5])
    np.testing.assert_allclose(ACTIVATIONS["hard_sigmoid"].value(z), [0, 2e-4, 1 - 2e-4, 1])
    np.testing.assert_array_equal(ACTIVATIONS["hard_sigmoid"].slope(z), [0, 0.2, 0.2, 0])


def test_only_softmax_is_coupled():
    assert [name for name, rule in ACTIVATIONS.items() if rule.is_coupled] == ["softmax"]


def test_an_unknown_activation_names_the_nearest():
    with pytest.raises(OptionError) as raised:
        activation("reluu")
    assert str(raised.value) == (
        "There is no activation called reluu. Did you mean relu? Known: identity, sigmoid, tanh, "
        "relu, leaky_relu, elu, selu, gelu, silu, softplus, softsign, hard_sigmoid, exponential, "
        "softmax."
    )


def test_every_activation_has_its_formula_and_its_facts():
    assert list(ACTIVATIONS) == list(OWN)
