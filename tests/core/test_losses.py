"""Losses: derivatives against autodiff, matched pairs against their parts, exact values."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.nn.losses import (
    LOSSES,
    SMALLEST_PROBABILITY,
    as_matrix,
    is_matched,
    loss_rule,
    predictions,
    sample_losses,
    smoothed,
    softmax_cross_entropy,
    upstream_of_loss,
)
from whygrad.errors import OptionError
from whygrad.record import description
from whygrad.words import speaking, t

pytestmark = pytest.mark.usefixtures("float64")
with jax.enable_x64(True):
    PROBABILITIES = jnp.asarray([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]])
    TARGETS = jnp.asarray([[0.0, 1.0, 0.0], [0.25, 0.25, 0.5]])
    Z = jnp.asarray([[0.3, -2.0, 1.1], [4.0, 0.5, -0.7]])
UNMATCHED = [name for name, outputs in description.MATCHED.items() if not outputs]
MATCHED = [name for name in LOSSES if name not in UNMATCHED]
PAIRS = [
    (loss, output)
    for loss in LOSSES
    for output in ("identity", "sigmoid", "softmax")
    if is_matched(loss, output)
]


@pytest.fixture(params=list(LOSSES))
def name(request):
    return request.param


def outputs_and_targets(name: str) -> tuple[jax.Array, jax.Array]:
    """Return outputs and targets of three neurons, or of one where the loss is of one."""
    columns = slice(0, 1) if LOSSES[name].is_broadcast else slice(None)
    return PROBABILITIES[:, columns], TARGETS[:, columns]


def test_the_upstream_is_what_autodiff_finds(name):
    (a, y), rule = outputs_and_targets(name), LOSSES[name]
    expected = jax.grad(lambda a: rule.value(a, y).sum())(a)
    np.testing.assert_allclose(rule.upstream(a, y), expected, rtol=1e-12)


@pytest.mark.parametrize("name", MATCHED)
def test_the_matched_upstream_is_what_autodiff_finds(name):
    rule = LOSSES[name]
    expected = jax.grad(lambda z: rule.matched_value(z, TARGETS).sum())(Z)
    np.testing.assert_allclose(rule.matched_upstream(Z, TARGETS), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "squared"])
def test_a_matched_loss_is_the_loss_of_its_activation(name):
    rule = LOSSES[name]
    outputs = ACTIVATIONS[description.MATCHED[name][0]].value(Z)
    np.testing.assert_allclose(
        rule.matched_value(Z, TARGETS), rule.value(outputs, TARGETS), rtol=1e-12
    )


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "squared"])
def test_the_error_signal_of_a_matched_pair_is_output_minus_target(name):
    rule = LOSSES[name]
    expected = ACTIVATIONS[description.MATCHED[name][0]].value(Z) - TARGETS
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


def keras_cross_entropy(a, y):
    p = (a / a.sum(1, keepdim=True)).clamp(1e-7, 1 - 1e-7)
    return -(y * p.log()).sum(1)


def keras_binary_cross_entropy(a, y):
    p = a.clamp(1e-7, 1 - 1e-7)
    return torch.nn.functional.binary_cross_entropy(p, y, reduction="none").mean(1)


def keras_categorical_hinge(a, y):
    return (((1 - y) * a).max(1).values - (y * a).sum(1) + 1).clamp(min=0)


def keras_logarithmic(a, y):
    return ((a.clamp(min=1e-7).log1p() - y.clamp(min=1e-7).log1p()) ** 2).mean(1)


def kullback_leibler(a, y):
    p = y.clamp(1e-7, 1)
    return torch.nn.functional.kl_div(a.clamp(1e-7, 1).log(), p, reduction="none").sum(1)


def poisson_likelihood(a, y):
    likelihood = torch.nn.functional.poisson_nll_loss
    return likelihood(a, y, log_input=False, eps=1e-7, reduction="none").mean(1)


# Targets of probabilities that are not all 0 or 1; those of a hinge are made signs once.
TORCH = {
    "mean_squared": lambda a, y: torch.nn.functional.mse_loss(a, y, reduction="none").mean(1),
    "mean_absolute": lambda a, y: torch.nn.functional.l1_loss(a, y, reduction="none").mean(1),
    "mean_absolute_percentage": lambda a, y: (
        100 * ((a - y).abs() / y.abs().clamp(min=1e-7)).mean(1)
    ),
    "mean_squared_logarithmic": keras_logarithmic,
    "log_cosh": lambda a, y: torch.log(torch.cosh(a - y)).mean(1),
    "poisson": poisson_likelihood,
    "kl_divergence": kullback_leibler,
    "hinge": lambda a, y: (1 - y * a).clamp(min=0).mean(1),
    "squared_hinge": lambda a, y: ((1 - y * a).clamp(min=0) ** 2).mean(1),
    "categorical_hinge": keras_categorical_hinge,
    "clipped_cross_entropy": keras_cross_entropy,
    "clipped_binary_cross_entropy": keras_binary_cross_entropy,
    "plain_cross_entropy": lambda a, y: -(y * a.clamp(1e-10, 1).log()).sum(1),
    "broadcast_squared": lambda a, y: ((a - y[:, 0]) ** 2).mean(1),
}
SPREAD = [[0.2, 0.5, 0.4], [1.7, 0.05, -0.05], [1e-9, 2.0, 0.3], [3.0, 0.0, 1e-12]]
JUDGED = [[0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [1.0, 0.0, 0.0], [0.5, 0.25, 0.25]]


@pytest.mark.parametrize("name", UNMATCHED)
def test_values_and_upstreams_are_what_pytorch_finds(name):
    columns = 1 if LOSSES[name].is_broadcast else 3
    # some outputs lie outside of what a probability can be, some below the clip
    given = np.abs(SPREAD) if name == "poisson" else np.asarray(SPREAD)
    a, y = given[:, :columns], np.asarray(JUDGED)[:, :columns]
    theirs = torch.tensor(a, requires_grad=True)
    losses = TORCH[name](theirs, torch.tensor(y))
    losses.sum().backward()
    rule = LOSSES[name]
    ours = jnp.asarray(a), jnp.asarray(y)
    np.testing.assert_allclose(rule.value(*ours), losses.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(rule.upstream(*ours), theirs.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_every_loss_that_matches_nothing_is_compared_with_pytorch():
    assert sorted(TORCH) == sorted(UNMATCHED)
    assert not any(LOSSES[name].is_categorical for name in UNMATCHED)
    for output in ACTIVATIONS:
        assert not any(is_matched(name, output) for name in UNMATCHED)


@pytest.mark.parametrize("name", UNMATCHED)
def test_an_output_that_is_no_number_makes_loss_and_upstream_none(name):
    columns = 1 if LOSSES[name].is_broadcast else 3
    a = jnp.asarray(SPREAD)[:, :columns].at[1, 0].set(jnp.nan)
    y = jnp.asarray(JUDGED)[:, :columns]
    assert bool(jnp.isnan(LOSSES[name].value(a, y)[1]))
    assert bool(jnp.isnan(LOSSES[name].upstream(a, y)[1, 0]))


def test_dividing_nothing_by_nothing_gives_no_number_as_in_keras():
    a, y = jnp.zeros((1, 3)), jnp.asarray([[0.0, 1.0, 0.0]])
    rule = LOSSES["clipped_cross_entropy"]
    assert bool(jnp.isnan(rule.value(a, y)).all())
    assert bool(jnp.isnan(rule.upstream(a, y)).all())


def test_targets_of_a_hinge_become_signs_only_if_all_are_0_or_1():
    a = jnp.asarray([[0.5, -0.5]])
    for y, expected in (([[1.0, 0.0]], 0.5), ([[1.0, -1.0]], 0.5), ([[0.0, 0.5]], 1.125)):
        assert float(LOSSES["hinge"].value(a, jnp.asarray(y))[0]) == expected


def test_a_broadcast_loss_asks_every_sample_for_the_mean_of_all_targets():
    a, y = jnp.asarray([[0.0], [2.0], [9.0]]), jnp.asarray([[1.0], [3.0], [100.0]])
    share = jnp.asarray([0.5, 0.5, 0.0])  # the last one only fills the batch up
    rule = LOSSES["broadcast_squared"]
    np.testing.assert_allclose(rule.value(a, y, share)[:2], [(1 + 9) / 2, (1 + 1) / 2])
    np.testing.assert_allclose(rule.upstream(a, y, share)[:2, 0], [-4, 0])
    ends = ("broadcast_squared", "identity", a, a, y)
    np.testing.assert_array_equal(sample_losses(*ends, share), rule.value(a, y, share))
    np.testing.assert_array_equal(upstream_of_loss(*ends, share), rule.upstream(a, y, share))


def test_the_help_names_every_loss():
    for language in ("en", "zh"):
        with speaking(language):
            named = re.findall(r"[a-z_]{5,}", t("help.train.loss"))
        assert [name for name in named if name in LOSSES] == list(LOSSES)


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
        "cross_entropy, binary_cross_entropy, squared, absolute, huber, mean_squared, "
        "mean_absolute, mean_absolute_percentage, mean_squared_logarithmic, log_cosh, poisson, "
        "kl_divergence, hinge, squared_hinge, categorical_hinge, clipped_cross_entropy, "
        "clipped_binary_cross_entropy, plain_cross_entropy, broadcast_squared."
    )


def test_every_loss_says_which_outputs_it_matches():
    known = description.MATCHED
    assert list(LOSSES) == list(known)
    assert all((LOSSES[name].matched_value is None) == (not known[name]) for name in LOSSES)
    assert all(output in ACTIVATIONS for outputs in known.values() for output in outputs)


@pytest.mark.parametrize("amount", [0.1, 0.5])
def test_smoothed_labels_are_those_of_torch(amount):
    """Class by class, and of yes-or-no questions as torch is given smoothed targets."""
    z = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    y = np.array([0, 1, 2, 3, 0, 1])
    ours = smoothed("softmax_cross_entropy", jnp.eye(4, dtype=jnp.float32)[y], amount)
    found = np.mean(softmax_cross_entropy(jnp.asarray(z), ours))
    theirs = torch.nn.functional.cross_entropy(
        torch.tensor(z), torch.tensor(y), label_smoothing=amount
    )
    assert found == pytest.approx(theirs.item(), rel=1e-6)
    # one sigmoid is a softmax of two: its smoothed target is that of the second class
    yes = smoothed("binary_cross_entropy", jnp.asarray([[0.0], [1.0]]), amount)
    two = smoothed("softmax_cross_entropy", jnp.eye(2), amount)
    np.testing.assert_allclose(yes[:, 0], two[:, 1])
