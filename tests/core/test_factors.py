"""The four factors: they multiply to the gradient, whatever is measured."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.core.backprop import LayerAnatomy, backward, forward
from whygrad.core.factors import Factors, LayerFactors, factors, open_share, ratio
from whygrad.core.nn import Network
from whygrad.record.fields import FACTORS

KINDS = ("weight", "bias", "neuron", "layer")
ULPS = 16  # four products, four ratios, and norms taken twice


def anatomy_of(
    activation: str, dtype: str, seed: int = 0, *, zeros: float = 0.0, samples: int = 5
) -> LayerAnatomy:
    """Return the first hidden layer of a drawn network; a share of its inputs is 0."""
    rng = np.random.default_rng(seed)
    network = Network.create([4, 3, 3, 2], activation=activation, seed=seed, dtype=dtype)
    x = rng.normal(size=(samples, 4)) * (rng.uniform(size=(samples, 4)) >= zeros)
    weight = rng.uniform(0.1, 2, samples)
    y = rng.integers(0, 2, samples)
    anatomy = backward(network, forward(network, x.astype(dtype)), y, sample_weight=weight)
    return anatomy["hidden1"]


def by_definition(layer: LayerAnatomy) -> LayerFactors:
    """Return the factors as DESIGN writes them: ratios of means, sample by sample, in float64."""
    parts = ("input", "upstream", "delta", "share")
    x, u, d, share = (np.asarray(getattr(layer, part), np.float64) for part in parts)
    is_softmax = layer.activation == "softmax"
    pushed = np.linalg.norm(u, axis=1, keepdims=True) * np.ones_like(u) if is_softmax else np.abs(u)
    mean = lambda values: np.tensordot(share, values, 1)  # noqa: E731 - one line says it all
    terms = x[:, :, None] * d[:, None, :]
    norm = np.linalg.norm

    def chain(*sizes) -> Factors:
        sizes = np.broadcast_arrays(*(jnp.asarray(size) for size in sizes))
        pairs = zip([np.ones_like(sizes[0]), *sizes], sizes, strict=False)
        return Factors(*(np.divide(b, a, out=np.zeros_like(b), where=a != 0) for a, b in pairs))

    through, through_all = mean(np.abs(d)), mean(norm(d, axis=1))
    gradient = mean(terms)
    return LayerFactors(
        weight=chain(mean(pushed), through, mean(np.abs(terms)), np.abs(gradient)),
        bias=chain(mean(pushed), through, through, np.abs(mean(d))),
        neuron=chain(mean(pushed), through, mean(norm(terms, axis=1)), norm(gradient, axis=0)),
        layer=chain(
            mean(norm(u, axis=1)), through_all, mean(norm(terms, axis=(1, 2))), norm(gradient)
        ),
    )


def gradient_sizes(layer: LayerAnatomy) -> dict[str, np.ndarray]:
    weight, bias = (np.asarray(layer.gradient()[name]) for name in ("weight", "bias"))
    return {
        "weight": np.abs(weight),
        "bias": np.abs(bias),
        "neuron": np.linalg.norm(weight, axis=0),
        "layer": np.linalg.norm(weight),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(
    activation=st.sampled_from(["tanh", "relu", "gelu", "identity", "softmax"]),
    seed=st.integers(0, 999),
    zeros=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_the_factors_multiply_to_the_gradient(dtype, activation, seed, zeros):
    with jax.enable_x64(dtype == "float64"):
        layer = anatomy_of(activation, dtype, seed, zeros=zeros)
        split, sizes = factors(layer), gradient_sizes(layer)
        for kind in KINDS:
            product = np.asarray(getattr(split, kind).product)
            assert product.dtype == dtype
            np.testing.assert_allclose(
                product, sizes[kind], rtol=ULPS * np.finfo(dtype).eps, err_msg=kind
            )


@pytest.mark.parametrize("activation", ["tanh", "relu", "softmax"])
def test_each_factor_is_the_ratio_that_defines_it(activation, float64):
    layer = anatomy_of(activation, "float64", 3)
    came, expected = factors(layer), by_definition(layer)
    for kind in KINDS:
        for name in FACTORS:
            np.testing.assert_allclose(
                getattr(getattr(came, kind), name),
                getattr(getattr(expected, kind), name),
                rtol=1e-12,
                err_msg=f"{kind}.{name}",
            )


@given(seed=st.integers(0, 999), samples=st.sampled_from([1, 5]))
def test_agreement_is_a_share(seed, samples):
    split = factors(anatomy_of("tanh", "float32", seed, samples=samples))
    for kind in KINDS:
        agreement = np.asarray(getattr(split, kind).agreement)
        assert ((agreement >= 0) & (agreement <= 1)).all()


def test_one_sample_always_agrees_with_itself():
    split = factors(anatomy_of("tanh", "float32", 1, samples=1))
    for kind in KINDS:
        np.testing.assert_allclose(getattr(split, kind).agreement, 1, rtol=1e-6)


def layer_of(**given) -> LayerAnatomy:
    """Return two samples of one input and one neuron, with what the test changes."""
    ones = jnp.ones((2, 1))
    values = dict.fromkeys(("input", "preactivation", "output", "upstream", "slope", "delta"), ones)
    changed = {name: jnp.asarray(value)[:, None] for name, value in given.items()}
    return LayerAnatomy(**(values | changed), share=jnp.full(2, 0.5))


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"upstream": [0.0, 0.0], "delta": [0.0, 0.0], "input": [0.0, 0.0]}, "upstream"),
        ({"slope": [0.0, 0.0], "delta": [0.0, 0.0], "input": [0.0, 0.0]}, "slope"),
        ({"input": [0.0, 0.0]}, "input"),
        ({"delta": [1.0, 0.0], "input": [0.0, 5.0]}, "input"),
        ({"delta": [1.0, -1.0], "upstream": [1.0, -1.0]}, "agreement"),
    ],
)
def test_the_first_zero_is_the_cause(given, cause):
    split = factors(layer_of(**given))
    for kind in ("weight", "neuron", "layer"):
        first = np.asarray(getattr(split, kind).first_zero)
        np.testing.assert_array_equal(first, FACTORS.index(cause), err_msg=kind)
        np.testing.assert_array_equal(getattr(split, kind).product, 0)


def test_where_nothing_is_zero_there_is_no_cause():
    split = factors(layer_of())
    for kind in KINDS:
        np.testing.assert_array_equal(getattr(split, kind).first_zero, -1)


def test_the_factors_of_a_layer_known_by_heart():
    layer = layer_of(input=[2.0, 4.0], upstream=[6.0, -2.0], slope=[0.5, 0.25], delta=[3.0, -0.5])
    weight = factors(layer).weight
    assert float(weight.upstream[0, 0]) == 4.0  # (6 + 2) / 2
    assert float(weight.slope[0, 0]) == 1.75 / 4
    assert float(weight.input[0, 0]) == pytest.approx(4.0 / 1.75)  # (6 + 2) / 2 over (3 + 0.5) / 2
    assert float(weight.agreement[0, 0]) == 0.5  # (6 - 2) over (6 + 2)
    assert float(weight.product[0, 0]) == pytest.approx(2.0)
    bias = factors(layer).bias
    assert float(bias.input[0]) == 1.0
    assert float(bias.agreement[0]) == pytest.approx(2.5 / 3.5)


def test_nothing_over_nothing_is_nothing():
    np.testing.assert_array_equal(ratio(jnp.array([0.0, 1.0]), jnp.array([0.0, 2.0])), [0.0, 0.5])


def test_a_sample_is_open_where_its_slope_is_not_flat():
    layer = replace(layer_of(preactivation=[0.0, 3.0], slope=[1.0, 0.0099]), activation="tanh")
    np.testing.assert_array_equal(open_share(layer), [0.5])


def test_factors_are_a_pytree_and_can_be_compiled():
    layer = anatomy_of("tanh", "float32")
    compiled, plain = jax.jit(factors)(layer), factors(layer)
    for a, b in zip(jax.tree.leaves(compiled), jax.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert len(jax.tree.leaves(plain)) == 16
