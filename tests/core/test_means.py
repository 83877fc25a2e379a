"""Losses taken of the outputs alone, through whole networks: true Jacobians, clips, a broadcast."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from whygrad.core.backprop import Anatomy, backward, forward, propagate
from whygrad.core.nn import Network
from whygrad.core.nn.losses import LOSSES, sample_losses
from whygrad.core.nn.means import MEANS, SMALLEST, SMALLEST_PLAIN

LOGARITHM_OF_THE_OUTPUT = ("poisson",)  # no number below 0
ENDS = [
    (loss, output)
    for loss in [*MEANS, "broadcast_squared"]
    for output in ("identity", "sigmoid", "softmax", "relu")
    if output != "identity" or loss not in LOGARITHM_OF_THE_OUTPUT
]
CLIPPED = {  # outputs whose targets 0, 1, 0 are all asked of what is clipped
    "clipped_cross_entropy": [1.0, 0.0, 0.0],
    "clipped_binary_cross_entropy": [1.0, 0.0, 1.0],
    "plain_cross_entropy": [0.2, SMALLEST_PLAIN / 2, 1.5],
    "kl_divergence": [1.5, SMALLEST / 2, -0.1],
    "mean_squared_logarithmic": [-2.0, SMALLEST / 2, 0.0],
}
pytestmark = pytest.mark.usefixtures("float64")


def case(loss: str, output: str) -> tuple[Network, np.ndarray, np.ndarray]:
    """Return a network with two hidden layers, inputs, and targets that are shares."""
    count = 1 if LOSSES[loss].is_broadcast else 3
    network = Network.create(
        [4, 5, 4, count],
        activation=["tanh", "softsign"],
        output_activation=output,
        bias_init="normal:0.5",
        seed=5,
        dtype="float64",
    )
    rng = np.random.default_rng(3)
    shares = rng.dirichlet(np.ones(3), size=6)[:, :count]
    return network, rng.normal(size=(6, 4)), shares


@pytest.mark.long
@pytest.mark.parametrize(("loss", "output"), ENDS)
def test_gradients_of_the_whole_network_are_what_autodiff_finds(loss, output):
    network, x, y = case(loss, output)

    @jax.jit
    @jax.value_and_grad
    def mean_loss(parameters: dict, share: jax.Array) -> jax.Array:
        trace = propagate(network.with_parameters(parameters), jnp.asarray(x), None)
        z = trace["output"].preactivation
        return share @ sample_losses(loss, output, z, trace.output, jnp.asarray(y), share)

    for weight in np.ones(6), np.asarray([1.0, 2.0, 0.5, 0.0, 1.0, 3.0]):
        value, expected = mean_loss(network.parameters, jnp.asarray(weight / weight.sum()))
        anatomy = backward(network, forward(network, x), y, loss=loss, sample_weight=weight)
        assert float(anatomy.loss) == pytest.approx(float(value), rel=1e-13)
        scale = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(expected))
        is_constant = (loss, output) == ("broadcast_squared", "softmax")  # one output: always 1
        assert np.isfinite(scale) and (scale > 1e-3 or is_constant)
        same = partial(np.testing.assert_allclose, rtol=0, atol=1e-12 * max(scale, 1))
        jax.tree.map(same, anatomy.gradients(), expected)


@pytest.mark.parametrize("loss", MEANS)
def test_delta_goes_through_the_true_slope_of_the_output(loss):
    network, x, y = case(loss, "sigmoid")
    last = backward(network, forward(network, x), y, loss=loss)["output"]
    a = np.asarray(forward(network, x).output)
    np.testing.assert_allclose(last.slope, a * (1 - a), rtol=1e-12)
    np.testing.assert_allclose(last.delta, last.upstream * last.slope, rtol=1e-12)


@pytest.mark.parametrize("loss", CLIPPED)
def test_outside_of_the_clip_there_is_no_gradient_and_inside_there_is(loss):
    a = jnp.asarray([CLIPPED[loss], [0.3, 0.4, 0.3]])
    y, rule = jnp.asarray([[0.0, 1.0, 0.0], [0.1, 0.7, 0.2]]), LOSSES[loss]
    upstream = np.asarray(rule.upstream(a, y))
    assert not upstream[0].any()
    assert (np.abs(upstream[1]) > 1e-3).all()
    before, after = rule.value(a, y), rule.value(a * 1.001, y)
    assert bool(jnp.isfinite(before).all())
    assert float(after[0]) == pytest.approx(float(before[0]), rel=1e-15)


def only_output(z: float, output: str) -> Anatomy:
    """Return what is asked of a network that is certain, and wrong, of its one sample."""
    loss = {"softmax": "clipped_cross_entropy", "sigmoid": "clipped_binary_cross_entropy"}[output]
    network = Network.from_arrays([np.asarray([[z, -z]])], None, activations=[output])
    x, y = np.ones((1, 1)), np.asarray([[0.0, 1.0]])
    return backward(network, forward(network, x), y, loss=loss)


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_certain_and_wrong_learns_nothing_once_it_is_clipped(output):
    assert np.asarray(only_output(2.0, output).gradients()["output"]["weight"]).all()
    assert not np.asarray(only_output(30.0, output).gradients()["output"]["weight"]).any()


def test_a_broadcast_loss_is_numpy_broadcasting_a_column_against_a_row():
    rng = np.random.default_rng(1)
    a, y = rng.normal(size=(7, 1)), rng.normal(size=7)
    rule = LOSSES["broadcast_squared"]
    ours = jnp.asarray(a), jnp.asarray(y[:, None])

    def literally(a: np.ndarray) -> float:
        assert (a - y).shape == (7, 7)
        return float(np.mean((a - y) ** 2))

    assert float(rule.value(*ours).mean()) == pytest.approx(literally(a), rel=1e-14)
    steps = 1e-5 * np.eye(7)[:, :, None]
    slopes = [(literally(a + step) - literally(a - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(rule.upstream(*ours)[:, 0] / 7, slopes, atol=1e-9)


def test_what_fills_a_batch_up_changes_no_broadcast_loss():
    rng = np.random.default_rng(2)
    a, y = jnp.asarray(rng.normal(size=(5, 1))), jnp.asarray(rng.normal(size=(5, 1)))
    filled = [jnp.concatenate([part, jnp.full((3, 1), 50.0)]) for part in (a, y)]
    share = jnp.asarray([0.3, 0.1, 0.2, 0.25, 0.15, 0, 0, 0])  # and targets are all asked alike
    for part in (LOSSES["broadcast_squared"].value, LOSSES["broadcast_squared"].upstream):
        np.testing.assert_allclose(part(*filled, share)[:5], part(a, y), rtol=1e-12)
