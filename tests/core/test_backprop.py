"""The chain rule written out, against autodiff, finite differences and PyTorch.

Networks are drawn: sizes, activations, losses, biases, dropout with its mask held fixed, sample
weights. Shapes come from short lists, so that what is compiled once serves many cases.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jax.flatten_util import ravel_pytree

from whygrad.core.backprop import Anatomy, Trace, backward, forward, propagate
from whygrad.core.nn import Network
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.nn.losses import LOSSES, as_matrix, is_matched, sample_losses
from whygrad.errors import OptionError, ShapeError

ENDS = [  # loss and output activation, matched and not
    ("softmax_cross_entropy", "identity"),
    ("softmax_cross_entropy", "softmax"),
    ("softmax_cross_entropy", "tanh"),
    ("cross_entropy", "softmax"),
    ("cross_entropy", "sigmoid"),
    ("binary_cross_entropy", "identity"),
    ("binary_cross_entropy", "sigmoid"),
    ("binary_cross_entropy", "softmax"),
    ("squared", "identity"),
    ("squared", "tanh"),
    ("squared", "softmax"),
    ("absolute", "identity"),
    ("absolute", "sigmoid"),
    ("huber", "identity"),
    ("huber", "relu"),
]
WELL_CONDITIONED = [end for end in ENDS if is_matched(*end) or end[0] == "squared"]
SIZES = [(4, 2), (4, 3, 2), (4, 3, 3, 2)]


@dataclass(frozen=True)
class Case:
    """A network, a batch and how it is judged."""

    sizes: tuple[int, ...]
    hidden: tuple[str, ...]
    loss: str
    output: str
    samples: int
    has_bias: bool
    dropout: float
    is_weighted: bool
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def network(self, dtype: str = "float64") -> Network:
        rng = self.rng
        shapes = list(zip(self.sizes, self.sizes[1:], strict=False))
        weights = [rng.normal(size=shape).astype(dtype) for shape in shapes]
        biases = [rng.normal(size=n).astype(dtype) if self.has_bias else None for _, n in shapes]
        names = [*self.hidden, self.output]
        return Network.from_arrays(weights, biases, activations=names, dropout=self.dropout)

    @property
    def x(self) -> np.ndarray:
        return self.rng.normal(size=(self.samples, self.sizes[0]))

    @property
    def y(self) -> np.ndarray:
        """Class numbers, or quantities."""
        if LOSSES[self.loss].is_categorical:
            return self.rng.integers(0, self.sizes[-1], self.samples)
        return self.rng.normal(size=(self.samples, self.sizes[-1]))

    @property
    def weight(self) -> np.ndarray | None:
        return self.rng.uniform(0, 2, self.samples) + 0.01 if self.is_weighted else None

    @property
    def share(self) -> np.ndarray:
        weight = np.ones(self.samples) if self.weight is None else self.weight
        return weight / weight.sum()

    @property
    def key(self) -> jax.Array | None:
        return jax.random.key(self.seed) if self.dropout else None

    def trace(self, dtype: str = "float64") -> Trace:
        return forward(self.network(dtype), self.x, key=self.key)

    def anatomy(self, dtype: str = "float64") -> Anatomy:
        return backward(
            self.network(dtype),
            self.trace(dtype),
            self.y,
            loss=self.loss,
            sample_weight=self.weight,
        )

    def mean_loss(self, network: Network, parameters: dict) -> jax.Array:
        """Return the loss as a function of the parameters: forward only."""
        x = jnp.asarray(self.x)
        trace = propagate(network.with_parameters(parameters), x, self.key)
        targets = as_matrix(jnp.asarray(self.y), self.sizes[-1], jnp.dtype("float64"))
        z = trace["output"].preactivation
        losses = sample_losses(self.loss, self.output, z, trace.output, targets)
        return jnp.asarray(self.share) @ losses


@st.composite
def cases(draw, ends=ENDS, dropouts=(0.0, 0.4), activations=tuple(ACTIVATIONS)) -> Case:
    sizes = draw(st.sampled_from(SIZES))
    loss, output = draw(st.sampled_from(ends))
    return Case(
        sizes=sizes,
        hidden=tuple(draw(st.sampled_from(activations)) for _ in sizes[2:]),
        loss=loss,
        output=output,
        samples=draw(st.sampled_from([1, 4])),
        has_bias=draw(st.booleans()),
        dropout=draw(st.sampled_from(dropouts)) if len(sizes) > 2 else 0.0,
        is_weighted=draw(st.booleans()),
        seed=draw(st.integers(0, 2**20)),
    )


def assert_equal_gradients(actual: dict, expected: dict, relative: float) -> None:
    """Compare all gradients, relative to the largest of them."""
    assert {layer: set(parts) for layer, parts in actual.items()} == {
        layer: set(parts) for layer, parts in expected.items()
    }
    scale = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(expected))
    for layer, parts in expected.items():
        for name, gradient in parts.items():
            np.testing.assert_allclose(
                actual[layer][name],
                gradient,
                atol=relative * max(scale, 1),
                err_msg=f"{layer}.{name}",
            )


@given(case=cases())
def test_gradients_are_what_autodiff_finds(case):
    with jax.enable_x64(True):
        network = case.network()
        mean_loss = partial(case.mean_loss, network)
        loss, expected = jax.jit(jax.value_and_grad(mean_loss))(network.parameters)
        anatomy = case.anatomy()
        assert float(anatomy.loss) == pytest.approx(float(loss), rel=1e-13)
        assert_equal_gradients(anatomy.gradients(), expected, 1e-13)


@settings(max_examples=12)  # each compiles anew
@given(case=cases())
def test_gradients_are_what_finite_differences_find(case):
    with jax.enable_x64(True):
        network = case.network()
        flat, unravel = ravel_pytree(network.parameters)
        steps = 1e-5 * jnp.eye(len(flat))

        @jax.jit
        @jax.vmap
        def slopes(step):
            above, below = (case.mean_loss(network, unravel(flat + s)) for s in (step, -step))
            return (above - below) / 2e-5

        expected = unravel(slopes(steps))
        assert_equal_gradients(case.anatomy().gradients(), expected, 1e-6)


@given(case=cases())
def test_gradients_are_what_pytorch_finds(case):
    with jax.enable_x64(True):
        actual, trace = case.anatomy(), case.trace()
        loss, expected = by_pytorch(case, case.network(), trace)
        assert float(actual.loss) == pytest.approx(loss, rel=1e-12)
        assert_equal_gradients(actual.gradients(), expected, 1e-12)


TORCH = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "elu": torch.nn.functional.elu,
    "selu": torch.nn.functional.selu,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "softplus": lambda z: torch.nn.functional.softplus(z, threshold=700),
    "softsign": torch.nn.functional.softsign,
    "hard_sigmoid": lambda z: torch.clamp(0.2 * z + 0.5, 0, 1),
    "exponential": torch.exp,
    "softmax": lambda z: torch.softmax(z, dim=1),
}


def torch_loss(loss: str, output: str, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the loss of each sample, written anew: probabilities for the links, no merging."""
    a = TORCH[output](z)
    if loss == "softmax_cross_entropy":
        logits = z if output == "softmax" else a
        return -(y * torch.log_softmax(logits, dim=1)).sum(1)
    p = torch.sigmoid(a) if (loss, output) == ("binary_cross_entropy", "identity") else a
    return {
        "cross_entropy": lambda: -(y * torch.log(p)).sum(1),
        "binary_cross_entropy": lambda: -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).sum(1),
        "squared": lambda: ((a - y) ** 2).sum(1) / 2,
        "absolute": lambda: (a - y).abs().sum(1),
        "huber": lambda: torch.nn.functional.huber_loss(a, y, reduction="none").sum(1),
    }[loss]()


def by_pytorch(case: Case, network: Network, trace: Trace) -> tuple[float, dict]:
    """Return loss and gradients of a network built by hand, with the masks of ``trace``."""
    leaves, a, z = {}, torch.tensor(case.x), torch.empty(0)
    for name, dense in network.items():
        parts = {"weight": dense.weight} | ({} if dense.bias is None else {"bias": dense.bias})
        leaves[name] = {k: torch.tensor(np.array(v), requires_grad=True) for k, v in parts.items()}
        z = a @ leaves[name]["weight"] + leaves[name].get("bias", 0)
        a = TORCH[dense.activation](z)
        if trace[name].kept is not None:
            a = a * torch.tensor(np.array(trace[name].kept))
    y = torch.tensor(case.y)
    y = torch.nn.functional.one_hot(y, case.sizes[-1]).double() if y.ndim == 1 else y
    loss = (torch.tensor(case.share) * torch_loss(case.loss, case.output, z, y)).sum()
    loss.backward()
    gradients = {n: {k: v.grad.numpy() for k, v in p.items()} for n, p in leaves.items()}
    return float(loss.detach()), gradients


@pytest.mark.long
@settings(max_examples=12)
@given(case=cases(ends=WELL_CONDITIONED, dropouts=(0.0,)))
def test_float32_is_float64_within_rounding(case):
    coarse = case.anatomy("float32").gradients()
    with jax.enable_x64(True), np.errstate(over="ignore", invalid="ignore"):
        exact, size = case.anatomy().gradients(), rounding_scale(case.network(), case.anatomy())
    assume(np.isfinite(list(size.values())).all())  # an exponential of an exponential may overflow
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(coarse))
    for name, parts in exact.items():
        error = 64 * np.finfo(np.float32).eps * size[name]
        for part, gradient in parts.items():
            assert np.abs(np.asarray(coarse[name][part]) - np.asarray(gradient)).max() <= error


def rounding_scale(network: Network, anatomy: Anatomy) -> dict[str, float]:
    """Return how large the terms are that gradients are summed from, none of them cancelling.

    What rounding does to z moves slopes and outputs by as much, hence the 1 + |z|.
    """
    spread, scale = 1.0, {}
    for name, dense in reversed(list(network.items())):
        layer = anatomy[name]
        reach = np.abs(layer.input) @ np.abs(dense.weight) + (
            0 if dense.bias is None else np.abs(dense.bias)
        )
        if name == "output":
            spread = 1 + np.abs(layer.upstream) + reach
        delta = spread * dense.rule.steepest * (1 + reach)
        scale[name] = float((np.abs(layer.input).max() + 1) * delta.max())
        spread = delta @ np.abs(dense.weight).T
    return scale


def test_the_small_network_of_the_textbook_by_hand():
    """One input 2, one tanh neuron of weight 0.5, one linear output of weight 3, target 1."""
    network = Network.from_arrays(
        [np.array([[0.5]]), np.array([[3.0]])], None, activations=["tanh", "identity"]
    )
    anatomy = backward(
        network, forward(network, np.array([[2.0]])), np.ones((1, 1)), loss="squared"
    )
    a = np.tanh(1.0)
    delta_out = 3 * a - 1
    assert float(anatomy.loss) == pytest.approx(delta_out**2 / 2, rel=1e-6)
    assert float(anatomy["output"].gradient()["weight"][0, 0]) == pytest.approx(delta_out * a, 1e-6)
    hidden = anatomy["hidden1"]
    assert float(hidden.upstream[0, 0]) == pytest.approx(delta_out * 3, rel=1e-6)
    assert float(hidden.slope[0, 0]) == pytest.approx(1 - a**2, rel=1e-6)
    assert float(hidden.delta[0, 0]) == pytest.approx(delta_out * 3 * (1 - a**2), rel=1e-6)
    expected = 2 * delta_out * 3 * (1 - a**2)
    assert float(hidden.gradient()["weight"][0, 0]) == pytest.approx(expected, rel=1e-6)


def test_an_anatomy_holds_every_sample_of_every_layer():
    network = Network.create([4, 3, 2])
    trace = forward(network, np.ones((5, 4)))
    anatomy = backward(network, trace, np.zeros(5, int))
    shapes = {name: getattr(anatomy["hidden1"], name).shape for name in ("input", "delta", "share")}
    assert shapes == {"input": (5, 4), "delta": (5, 3), "share": (5,)}
    for part in ("preactivation", "output", "upstream", "slope"):
        assert getattr(anatomy["hidden1"], part).shape == (5, 3)
    assert anatomy.sample_loss.shape == (5,)
    assert tuple(anatomy.layers) == tuple(trace.layers) == network.layers
    assert trace["hidden1"].kept is None


def test_a_matched_pair_has_slope_one_and_another_its_true_slope():
    network = Network.create([2, 2], output_activation="sigmoid")
    trace, y = forward(network, np.ones((1, 2))), np.zeros((1, 2))
    matched = backward(network, trace, y, loss="binary_cross_entropy")["output"]
    unmatched = backward(network, trace, y, loss="squared")["output"]
    assert matched.is_matched and not unmatched.is_matched
    np.testing.assert_array_equal(matched.slope, 1)
    np.testing.assert_allclose(matched.delta, trace.output, rtol=1e-6)
    np.testing.assert_allclose(unmatched.slope, trace.output * (1 - trace.output), rtol=1e-6)
    np.testing.assert_allclose(unmatched.delta, unmatched.upstream * unmatched.slope, rtol=1e-6)


def test_dropout_closes_neurons_for_single_samples():
    network = Network.create([3, 40, 2], activation="tanh", dropout=0.5)
    trace = forward(network, np.ones((4, 3)), key=jax.random.key(0))
    kept = np.asarray(trace["hidden1"].kept)
    assert set(np.unique(kept)) == {0.0, 2.0}
    assert trace["output"].kept is None
    hidden = backward(network, trace, np.zeros(4, int))["hidden1"]
    assert not np.asarray(hidden.slope)[kept == 0].any()
    assert not np.asarray(hidden.delta)[kept == 0].any()
    again = forward(network, np.ones((4, 3)), key=jax.random.key(0))
    np.testing.assert_array_equal(again.output, trace.output)


def test_without_a_key_nothing_is_dropped():
    network = Network.create([3, 4, 2], dropout=0.5)
    assert forward(network, np.ones((4, 3)))["hidden1"].kept is None


def test_a_sample_of_weight_zero_is_left_out():
    case = Case((2, 3, 2), ("tanh",), "squared", "identity", 4, True, 0.0, False, 3)
    network, x, y = case.network("float32"), case.x, case.y
    weight = np.array([1.0, 0.0, 1.0, 1.0])
    without = backward(network, forward(network, x), y, loss="squared", sample_weight=weight)
    alone = backward(network, forward(network, x[[0, 2, 3]]), y[[0, 2, 3]], loss="squared")
    assert_equal_gradients(without.gradients(), alone.gradients(), 1e-6)


def test_the_scale_of_sample_weights_does_not_matter():
    case = Case((2, 3, 2), ("tanh",), "squared", "identity", 4, True, 0.0, False, 3)
    network, trace = case.network("float32"), case.trace("float32")
    plain = backward(network, trace, case.y, loss="squared")
    scaled = backward(network, trace, case.y, loss="squared", sample_weight=np.full(4, 8.0))
    np.testing.assert_array_equal(plain.loss, scaled.loss)


@pytest.mark.parametrize(("samples", "n_in", "n_out"), [(7, 5, 3), (7, 3, 50), (1, 1, 1)])
def test_both_forms_of_the_product_give_the_same_gradient(samples, n_in, n_out):
    rng = np.random.default_rng(0)
    network = Network.create([n_in, n_out, 2], activation="tanh")
    x = rng.normal(size=(samples, n_in))
    hidden = backward(network, forward(network, x), np.zeros(samples, int))["hidden1"]
    expected = np.asarray(hidden.input).T @ np.asarray(hidden.delta) / samples
    np.testing.assert_allclose(hidden.gradient()["weight"], expected, atol=1e-6)


def message(function, *args, kind=ShapeError, **kwargs) -> str:
    with pytest.raises(kind) as raised:
        function(*args, **kwargs)
    return str(raised.value)


@pytest.fixture
def network() -> Network:
    return Network.create([3, 4, 2])


@pytest.mark.parametrize("shape", [(5, 4), (3,), (0, 3), (2, 3, 1)])
def test_inputs_of_another_shape_are_refused(network, shape):
    assert message(forward, network, np.zeros(shape)) == (
        "Layer hidden1 expects a table of samples with 3 features each, "
        f"got an array of shape {shape}. "
        "Pass an array of shape (samples, 3), or build the network with another first size."
    )


def test_inputs_that_are_not_finite_are_refused(network):
    x = np.zeros((4, 3))
    x[2, 1] = np.inf
    assert message(forward, network, x) == (
        "Layer hidden1 expects finite inputs, got ∞ in row 2, column 1 (counted from 0). "
        "Replace or drop the value."
    )


def backward_of(network, y, **more) -> Anatomy:
    return backward(network, forward(network, np.ones((4, 3))), y, **more)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (4, 2, 1), ()])
def test_targets_of_another_shape_are_refused(network, shape):
    assert message(backward_of, network, np.zeros(shape, int)) == (
        "The loss expects one target for each of 4 samples and 2 outputs, "
        f"got an array of shape {shape}. "
        "Pass class numbers of shape (4,) or values of shape (4, 2)."
    )


def test_quantities_need_a_column_for_every_output(network):
    assert message(backward_of, network, np.zeros(4), loss="squared") == (
        "The loss expects one target for each of 4 samples and 2 outputs, got an array of shape "
        "(4,). Pass class numbers of shape (4,) or values of shape (4, 2)."
    )


@pytest.mark.parametrize(("y", "actual"), [([0, 1, 2, 0], "2"), ([0, 1, -1, 0], "−1")])
def test_classes_that_are_not_there_are_refused(network, y, actual):
    shown = actual.replace("−", "-")  # a class number is no measurement; it keeps its hyphen
    assert message(backward_of, network, np.array(y)) == (
        f"The targets must be class numbers from 0 to 1, got {shown} in row 2. "
        "Number the classes from 0, or give the network more outputs."
    )


def test_targets_that_are_not_finite_are_refused(network):
    y = np.zeros((4, 2))
    y[3, 0] = np.nan
    assert message(backward_of, network, y, loss="squared") == (
        "The targets must be finite, got NaN or infinity in row 3 (counted from 0). "
        "Replace or drop the row."
    )


def test_quantities_are_no_shares(network):
    assert message(backward_of, network, np.full((4, 2), 3.0), loss="binary_cross_entropy") == (
        "A cross-entropy expects targets in [0, 1], got values in 3.0 … 3.0. "
        "Use class numbers, shares, or the loss squared for quantities."
    )


def test_sample_weights_that_make_no_mean_are_refused(network):
    y = np.zeros(4, int)
    assert message(backward_of, network, y, sample_weight=np.ones(3)) == (
        "The sample weights must be one number for each of 4 samples, got shape (3,). "
        "Pass an array of shape (4,)."
    )
    for weight in (np.zeros(4), np.array([1, -1, 1, 1.0]), np.full(4, np.nan)):
        assert message(backward_of, network, y, sample_weight=weight) == (
            "The sample weights must be finite, at least 0, and not all 0; got others. "
            "Use 0 to leave a sample out."
        )


def test_infinite_sample_weights_are_refused(network):
    weight = np.array([1.0, np.inf, 1.0, 1.0])
    assert message(backward_of, network, np.zeros(4, int), sample_weight=weight) == (
        "The sample weights must be finite, at least 0, and not all 0; got others. "
        "Use 0 to leave a sample out."
    )


def test_a_trace_of_another_network_is_refused(network):
    trace = forward(Network.create([3, 2]), np.ones((4, 3)))
    assert message(backward, network, trace, np.zeros(4, int)) == (
        "The trace does not belong to this network with layers hidden1, output: "
        "its layers or outputs differ. Make it with forward(network, x)."
    )


def test_an_unknown_loss_is_refused(network):
    assert message(backward_of, network, np.zeros(4, int), loss="hubert", kind=OptionError) == (
        "There is no loss called hubert. Did you mean huber? Known: softmax_cross_entropy, "
        "cross_entropy, binary_cross_entropy, squared, absolute, huber, mean_squared, "
        "mean_absolute, mean_absolute_percentage, mean_squared_logarithmic, log_cosh, poisson, "
        "kl_divergence, hinge, squared_hinge, categorical_hinge, clipped_cross_entropy, "
        "clipped_binary_cross_entropy, plain_cross_entropy, broadcast_squared."
    )
