"""Losses: derivatives against autodiff, matched pairs against their parts, exact values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from whygrad.errors import OptionError
from whygrad.network.activations import ACTIVATIONS
from whygrad.network.losses import (
    LOSSES,
    SMALLEST_PROBABILITY,
    as_matrix,
    is_matched,
    loss_rule,
    predictions,
    sample_losses,
    upstream_of_loss,
)

pytestmark = pytest.mark.usefixtures("float64")
with jax.enable_x64(True):
    PROBABILITIES = jnp.asarray([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]])
    TARGETS = jnp.asarray([[0.0, 1.0, 0.0], [0.25, 0.25, 0.5]])
    Z = jnp.asarray([[0.3, -2.0, 1.1], [4.0, 0.5, -0.7]])
PAIRS = [
    (loss, output)
    for loss in LOSSES
    for output in ("identity", "sigmoid", "softmax")
    if is_matched(loss, output)
]


@pytest.fixture(params=list(LOSSES))
def name(request):
    return request.param


def test_the_upstream_is_what_autodiff_finds(name):
    rule = LOSSES[name]
    expected = jax.grad(lambda a: rule.value(a, TARGETS).sum())(PROBABILITIES)
    np.testing.assert_allclose(rule.upstream(PROBABILITIES, TARGETS), expected, rtol=1e-12)


def test_the_matched_upstream_is_what_autodiff_finds(name):
    rule = LOSSES[name]
    expected = jax.grad(lambda z: rule.matched_value(z, TARGETS).sum())(Z)
    np.testing.assert_allclose(rule.matched_upstream(Z, TARGETS), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "squared"])
def test_a_matched_loss_is_the_loss_of_its_activation(name):
    rule = LOSSES[name]
    outputs = ACTIVATIONS[rule.link].value(Z)
    np.testing.assert_allclose(
        rule.matched_value(Z, TARGETS), rule.value(outputs, TARGETS), rtol=1e-12
    )


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "squared"])
def test_the_error_signal_of_a_matched_pair_is_output_minus_target(name):
    rule = LOSSES[name]
    expected = ACTIVATIONS[rule.link].value(Z) - TARGETS
    np.testing.assert_allclose(rule.matched_upstream(Z, TARGETS), expected, atol=1e-15)


def test_which_pairs_are_matched():
    assert PAIRS == [
        ("softmax_cross_entropy", "identity"),
        ("softmax_cross_entropy", "softmax"),
        ("cross_entropy", "softmax"),
        ("binary_cross_entropy", "identity"),
        ("binary_cross_entropy", "sigmoid"),
        ("squared", "identity"),
        ("absolute", "identity"),
        ("huber", "identity"),
    ]


@pytest.mark.parametrize(("loss", "output"), [*PAIRS, ("squared", "sigmoid"), ("huber", "softmax")])
def test_a_pair_is_taken_as_one_function_only_if_it_is_matched(loss, output):
    a, rule = ACTIVATIONS[output].value(Z), LOSSES[loss]
    matched = is_matched(loss, output)
    value = rule.matched_value(Z, TARGETS) if matched else rule.value(a, TARGETS)
    upstream = rule.matched_upstream(Z, TARGETS) if matched else rule.upstream(a, TARGETS)
    np.testing.assert_array_equal(sample_losses(loss, output, Z, a, TARGETS), value)
    np.testing.assert_array_equal(upstream_of_loss(loss, output, Z, a, TARGETS), upstream)


def test_losses_have_the_values_of_the_textbook():
    a, y = jnp.asarray([[0.5, 3.0]]), jnp.asarray([[1.0, 0.0]])
    assert float(LOSSES["squared"].value(a, y)[0]) == (0.25 + 9) / 2
    assert float(LOSSES["absolute"].value(a, y)[0]) == 3.5
    assert float(LOSSES["huber"].value(a, y)[0]) == 0.125 + 2.5
    p = jnp.asarray([[0.25]])
    assert float(LOSSES["binary_cross_entropy"].value(p, p * 0)[0]) == pytest.approx(-np.log(0.75))
    assert float(LOSSES["cross_entropy"].value(p, p * 4)[0]) == pytest.approx(-np.log(0.25))
    even = jnp.zeros((1, 4))
    assert float(LOSSES["softmax_cross_entropy"].value(even, even.at[0, 1].set(1))[0]) == (
        pytest.approx(np.log(4))
    )


def test_certain_and_wrong_is_finite_and_says_so_by_no_gradient():
    a, y = jnp.asarray([[0.0, 1.0]]), jnp.asarray([[1.0, 0.0]])
    for name in ("cross_entropy", "binary_cross_entropy"):
        assert bool(jnp.isfinite(LOSSES[name].value(a, y)).all())
        assert not LOSSES[name].upstream(a, y).any()
    assert float(LOSSES["cross_entropy"].value(a, y)[0]) == (
        pytest.approx(-np.log(SMALLEST_PROBABILITY))
    )


def test_losses_of_logits_stay_exact_where_probabilities_round_to_one():
    z, y = jnp.asarray([[800.0, -800.0]]), jnp.asarray([[0.0, 1.0]])
    assert float(LOSSES["softmax_cross_entropy"].matched_value(z, y)[0]) == 1600
    assert float(LOSSES["binary_cross_entropy"].matched_value(z, y)[0]) == 1600
    np.testing.assert_array_equal(LOSSES["binary_cross_entropy"].matched_upstream(z, y), [[1, -1]])


def test_predictions_are_probabilities_where_the_loss_brings_the_link():
    np.testing.assert_allclose(
        predictions("softmax_cross_entropy", "identity", Z).sum(axis=1), 1, rtol=1e-15
    )
    np.testing.assert_array_equal(
        predictions("binary_cross_entropy", "identity", Z), jax.nn.sigmoid(Z)
    )
    for loss, output in (("squared", "identity"), ("cross_entropy", "softmax")):
        np.testing.assert_array_equal(predictions(loss, output, Z), Z)


def test_class_numbers_become_rows_with_a_single_one():
    rows = as_matrix(jnp.asarray([2, 0]), 3, jnp.dtype("float32"))
    np.testing.assert_array_equal(rows, [[0, 0, 1], [1, 0, 0]])
    assert as_matrix(jnp.asarray([2, 0]), 1, jnp.dtype("float32")).shape == (2, 1)
    np.testing.assert_array_equal(as_matrix(TARGETS, 3, TARGETS.dtype), TARGETS)


def test_an_unknown_loss_names_the_nearest():
    with pytest.raises(OptionError) as raised:
        loss_rule("square")
    assert str(raised.value) == (
        "There is no loss called square. Did you mean squared? Known: softmax_cross_entropy, "
        "cross_entropy, binary_cross_entropy, squared, absolute, huber."
    )
