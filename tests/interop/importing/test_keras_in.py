"""Keras models come in; stand-ins have what is relied on, which Keras 2 and 3 have in public."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import InputError, OptionError
from whygrad.interop.importing.keras import OURS

X = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@dataclass
class Layer:
    name: str
    config: dict[str, Any] = field(default_factory=dict)
    weights: list[np.ndarray] = field(default_factory=list)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "trainable": True} | self.config

    def get_weights(self) -> list[np.ndarray]:
        return self.weights


class InputLayer(Layer): ...


class Dense(Layer): ...


class Dropout(Layer): ...


class Flatten(Layer): ...


class Activation(Layer): ...


class LayerNormalization(Layer): ...  # fmt: skip


@dataclass
class Sequential:
    layers: list[Layer]
    outputs: list[str] = field(default_factory=lambda: ["keras_tensor"])

    def get_weights(self) -> list[np.ndarray]:
        return [values for layer in self.layers for values in layer.get_weights()]


def dense(name: str, n_in: int, n_out: int, activation: Any = "linear", bias: bool = True) -> Dense:
    weights = [drawn(n_in, n_out), drawn(n_out)] if bias else [drawn(n_in, n_out)]
    return Dense(name, {"activation": activation}, weights)


def usual() -> Sequential:
    return Sequential(
        [
            InputLayer("input"),
            Flatten("flatten"),
            dense("dense", 3, 5, "swish"),
            Dropout("dropout", {"rate": 0.1}),
            dense("dense_1", 5, 4, bias=False),
            Activation("activation", {"activation": "tanh"}),
            dense("dense_2", 4, 2, "softmax"),
        ]
    )


def by_hand(model: Sequential) -> np.ndarray:
    (w1, b1), (w2,), (w3, b3) = (layer.weights for layer in model.layers if layer.weights)
    z = X @ w1 + b1
    z = np.tanh((z / (1 + np.exp(-z))) @ w2) @ w3 + b3
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_a_model_gives_the_same_outputs():
    network = wg.from_keras(usual())
    assert [one.activation for one in network.dense] == ["silu", "tanh", "softmax"]
    assert [one.dropout for one in network.dense] == [0.1, 0.0, 0.0]
    assert network["hidden2"].bias is None
    np.testing.assert_allclose(
        wg.forward(network, X).output, by_hand(usual()), rtol=2e-5, atol=2e-6
    )


def test_a_list_of_weights_gives_the_same_outputs():
    weights = usual().get_weights()
    network = wg.from_keras(weights, activation=["silu", "tanh"], output_activation="softmax")
    np.testing.assert_allclose(
        wg.forward(network, X).output, by_hand(usual()), rtol=2e-5, atol=2e-6
    )


def test_out_and_in_again():
    network = wg.Network.create([3, 4, 2], activation="elu", seed=4)
    weights = [array for one in network.dense for array in (one.weight, one.bias)]
    again = wg.from_keras(weights, activation="elu")
    assert np.array_equal(wg.forward(again, X).output, wg.forward(network, X).output)


REFUSED = {
    "layer": (
        [dense("a", 3, 4), LayerNormalization("norm")],
        "norm is a LayerNormalization; a network here is a chain of dense layers, made of "
        "Dense, Activation, Dropout, InputLayer, Flatten. Replace it, or pass the part of "
        "the model that consists of these.",
    ),
    "activation": (
        [dense("a", 3, 4, "leaky_relu")],
        "The activation of a is leaky_relu, which cannot be imported as it is. Known: linear, "
        "sigmoid, tanh, relu, elu, selu, gelu, silu, swish, softplus, softsign, "
        "exponential, softmax. Choose one of these.",
    ),
    "unbuilt": (
        [Dense("a", {"activation": "relu"})],
        "a should hold a kernel and perhaps a bias, and holds none or more. Build the model"
        " first, such as model.build((None, n_in)), without quantisation or LoRA.",
    ),
    "order": (
        [dense("a", 3, 4, "relu"), Activation("b", {"activation": "tanh"})],
        "b (Activation) stands where a network here has no place for it: a dense layer may "
        "be followed by one activation and then one Dropout, and no Dropout follows the "
        "last layer. Reorder the layers, or remove it.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_place_is_named(case):
    layers, message = REFUSED[case]
    with pytest.raises(InputError) as caught:
        wg.from_keras(Sequential(layers))
    assert str(caught.value) == message


def test_a_custom_activation_is_refused():
    custom = {"module": "builtins", "class_name": "function", "config": "mish2"}
    with pytest.raises(InputError, match=r"^The activation of a is \{'module'"):
        wg.from_keras(Sequential([dense("a", 3, 4, custom)]))


def test_two_outputs_are_no_chain():
    model = Sequential([dense("a", 3, 3), dense("b", 3, 3)], outputs=["one", "two"])
    with pytest.raises(InputError) as caught:
        wg.from_keras(model)
    assert str(caught.value) == (
        "from_keras takes a model with layers and one output, or the list of model.get_weights(); "
        "got Sequential. Pass one of these."
    )


def test_a_dropout_of_inputs_or_outputs_has_no_place():
    for layers in (
        [Dropout("d", {"rate": 0.5}), dense("a", 3, 2)],
        [dense("a", 3, 2), Dropout("d", {"rate": 0.5})],
    ):
        with pytest.raises(InputError, match=r"^d \(Dropout\) stands where a network here has no"):
            wg.from_keras(Sequential(layers))


def test_a_list_in_another_order_is_told():
    with pytest.raises(OptionError) as caught:
        wg.from_keras([drawn(3, 4), drawn(4), drawn(4)])
    assert str(caught.value) == (
        "The weights of dense layers are kernels (n_in, n_out), each with at most one bias "
        "(n_out,) after it; weights[2] is a bias without a kernel. Pass what model.get_weights() "
        "gives, in its order."
    )


@pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed")
@pytest.mark.filterwarnings("default")  # what the library itself warns of
def test_keras_itself_gives_the_same_outputs(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Flatten(),
            layers.Dense(5, activation="gelu", bias_initializer="random_normal"),
            layers.Dropout(0.2),
            layers.Dense(4, use_bias=False),
            layers.Activation("softplus"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    network = wg.from_keras(model)
    assert [one.activation for one in network.dense] == ["gelu", "softplus", "softmax"]
    expected = np.asarray(model(X, training=False))
    np.testing.assert_allclose(wg.forward(network, X).output, expected, rtol=1e-5, atol=1e-6)
    listed = wg.from_keras(
        model.get_weights(), activation=["gelu", "softplus"], output_activation="softmax"
    )
    assert np.array_equal(wg.forward(listed, X).output, wg.forward(network, X).output)
    for name in OURS:
        chain = keras.Sequential([keras.Input((3,)), layers.Dense(3, activation=name)])
        expected = np.asarray(chain(X))
        given = wg.forward(wg.from_keras(chain), X).output
        np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(InputError, match=r"is leaky_relu, which cannot be imported"):
        wg.from_keras(keras.Sequential([keras.Input((3,)), layers.Dense(3, "leaky_relu")]))
    with pytest.raises(InputError, match=r"is a BatchNormalization; a network here is"):
        wg.from_keras(keras.Sequential([keras.Input((3,)), layers.BatchNormalization()]))
    with pytest.raises(InputError, match=r"^\w+ should hold a kernel and perhaps a bias"):
        wg.from_keras(keras.Sequential([layers.Dense(3)]))
