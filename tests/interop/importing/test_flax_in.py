"""Flax parameters come in, of linen and of nnx."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import InputError, OptionError, ShapeError

X = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)


def kernel(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def test_a_linen_module_gives_the_same_outputs():
    pytest.importorskip("flax", reason="needs Flax, which comes with the extra bench")
    import flax.linen as linen
    import jax

    class Perceptron(linen.Module):
        @linen.compact
        def __call__(self, x):
            for width in [3] * 11:  # Dense_10 comes after Dense_9, not after Dense_1
                x = linen.silu(linen.Dense(width)(x))
            return linen.Dense(2)(x)

    module = Perceptron()
    variables = module.init(jax.random.key(0), X)
    network = wg.from_flax(variables, activation="silu")
    assert network.sizes == (3, *[3] * 11, 2)
    np.testing.assert_allclose(
        wg.forward(network, X).output, module.apply(variables, X), rtol=1e-4, atol=1e-7
    )
    assert np.array_equal(
        network["output"].weight,
        wg.from_flax(variables["params"], activation="silu")["output"].weight,
    )


def test_an_nnx_module_gives_the_same_outputs():
    pytest.importorskip("flax", reason="needs Flax, which comes with the extra bench")
    from flax import nnx

    streams = nnx.Rngs(0)
    module = nnx.Sequential(
        nnx.Linear(3, 4, rngs=streams),
        nnx.tanh,
        nnx.Dropout(0.5, rngs=streams),
        nnx.Linear(4, 2, use_bias=False, rngs=streams),
    )
    module.eval()
    network = wg.from_flax(nnx.state(module, nnx.Param), activation="tanh")
    assert network["output"].bias is None
    np.testing.assert_allclose(wg.forward(network, X).output, module(X), rtol=1e-5, atol=1e-6)
    pure = nnx.to_pure_dict(nnx.state(module, nnx.Param))
    assert np.array_equal(
        wg.from_flax(pure, activation="tanh")["hidden1"].weight, network["hidden1"].weight
    )


def test_out_and_in_again():
    network = wg.Network.create([3, 4, 2], activation="gelu", output_activation="tanh", seed=4)
    named = zip(("Dense_0", "Dense_1"), network.dense, strict=True)
    params = {name: {"kernel": dense.weight, "bias": dense.bias} for name, dense in named}
    again = wg.from_flax(params, activation="gelu", output_activation="tanh")
    assert np.array_equal(wg.forward(again, X).output, wg.forward(network, X).output)


def test_layers_with_names_of_their_own_are_named_in_order():
    params = {"head": {"kernel": kernel(4, 2)}, "mlp": {"body": {"kernel": kernel(3, 4)}}}
    with pytest.raises(OptionError) as caught:
        wg.from_flax(params, activation="relu")
    assert str(caught.value) == (
        "The order of the dense layers cannot be told from their names: head, mlp.body. Name them "
        'in order, such as layers=["first", "second"].'
    )
    network = wg.from_flax(params, activation="relu", layers=["mlp.body", "head"])
    assert network.sizes == (3, 4, 2)
    with pytest.raises(OptionError) as caught:
        wg.from_flax(params, activation="relu", layers=["head"])
    assert str(caught.value) == (
        "layers should name every dense layer of the parameters once, in order; got head. The "
        "layers are: head, mlp.body."
    )


def test_what_is_no_dense_layer_is_named():
    params = {"Dense_0": {"kernel": kernel(3, 4)}, "BatchNorm_0": {"scale": np.ones(4)}}
    with pytest.raises(InputError) as caught:
        wg.from_flax(params, activation="relu")
    assert str(caught.value) == (
        "A dense layer of Flax holds a kernel and perhaps a bias, and BatchNorm_0.scale came. Pass "
        "the parameters of the dense layers alone; of an nnx module, "
        "nnx.state(module, nnx.Param)."
    )
    with pytest.raises(ShapeError, match=r"^Conv_0\.kernel of a dense layer should have the shape"):
        wg.from_flax({"Conv_0": {"kernel": kernel(3, 3, 1, 8)}})
    with pytest.raises(InputError) as caught:
        wg.from_flax({})
    assert str(caught.value) == (
        "params should hold at least one dense layer, and holds none. Pass a model or parameters "
        "with a Linear or Dense layer."
    )
    with pytest.raises(InputError, match=r"^Dense_0\.kernel should be an array of float32"):
        wg.from_flax({"Dense_0": {"kernel": kernel(3, 2).astype(np.float16)}})
    with pytest.raises(InputError) as caught:
        wg.from_flax([kernel(3, 2)])
    assert str(caught.value) == (
        "from_flax takes a dict of parameters or an nnx state, got list. Pass "
        'variables["params"], or nnx.state(module, nnx.Param).'
    )
