"""PyTorch models come in: the same outputs, or an error that names the module."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import nn

import whygrad as wg
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.errors import InputError, OptionError, ShapeError
from whygrad.words import speaking

X = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
KNOWN = (
    "Sequential, Linear, Dropout, Identity, Flatten, Sigmoid, Tanh, ReLU, LeakyReLU, ELU, SELU, "
    "GELU, SiLU, Softplus, Softsign, Hardsigmoid, Exponential, Softmax"
)


def outputs(model: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return model.eval()(torch.from_numpy(X)).numpy()


def drawn(*modules: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(*modules)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    return model


MODULES = {
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "relu": nn.ReLU(inplace=True),
    "leaky_relu": nn.LeakyReLU(),
    "elu": nn.ELU(),
    "selu": nn.SELU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "softplus": nn.Softplus(),
    "softsign": nn.Softsign(),
    "hard_sigmoid": nn.Hardsigmoid(),
    "softmax": nn.Softmax(dim=1),
    "identity": nn.Identity(),
}


@pytest.mark.parametrize("name", MODULES)
def test_activations_come_in_by_their_own_names(name):
    model = drawn(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), MODULES[name])
    network = wg.from_torch(model)
    assert [dense.activation for dense in network.dense] == ["relu", name]
    np.testing.assert_allclose(wg.forward(network, X).output, outputs(model), rtol=2e-5, atol=2e-6)


def test_nesting_flatten_dropout_and_missing_biases():
    inner = nn.Sequential(nn.Linear(3, 5, bias=False), nn.Identity(), nn.Tanh(), nn.Dropout(0.3))
    model = drawn(nn.Flatten(), inner, nn.Sequential(), nn.Linear(5, 4), nn.Linear(4, 2))
    network = wg.from_torch(model)
    assert network.sizes == (3, 5, 4, 2) and network["hidden1"].bias is None
    assert [dense.dropout for dense in network.dense] == [0.3, 0.0, 0.0]
    assert [dense.activation for dense in network.dense] == ["tanh", "identity", "identity"]
    assert np.array_equal(network["hidden1"].weight, inner[0].weight.detach().numpy().T)
    np.testing.assert_allclose(wg.forward(network, X).output, outputs(model), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_out_and_in_again(name):
    hidden = "tanh" if name == "softmax" else name
    network = wg.Network.create(
        [3, 4, 2], activation=hidden, output_activation=name, dropout=0.25, seed=5
    )
    again = wg.from_torch(wg.to_torch(network))
    for ours, theirs in zip(network.dense, again.dense, strict=True):
        assert (ours.activation, ours.dropout) == (theirs.activation, theirs.dropout)
        # the weights before a hard sigmoid were multiplied by 1.2 and divided by it
        np.testing.assert_allclose(theirs.weight, ours.weight, rtol=3e-7)
        np.testing.assert_allclose(theirs.bias, ours.bias, rtol=3e-7)
    np.testing.assert_allclose(
        wg.forward(again, X).output, wg.forward(network, X).output, rtol=2e-6
    )


def test_a_state_dict_and_the_weights_of_a_script(tmp_path):
    network = wg.Network.create([3, 4, 2], activation="silu", seed=2)
    wg.export(network, tmp_path / "net.py")
    for state in (
        load_file(tmp_path / "net.weights.safetensors"),
        wg.to_torch(network).state_dict(),
    ):
        again = wg.from_torch(state, activation="silu")
        assert np.array_equal(wg.forward(again, X).output, wg.forward(network, X).output)
    listed = wg.from_torch(wg.to_torch(network).state_dict(), activation=["silu"])
    assert listed["hidden1"].activation == "silu"


def test_a_state_dict_out_of_a_file_is_taken_by_its_numbers(tmp_path):
    layers = [nn.Linear(3, 3) if place % 2 == 0 else nn.Tanh() for place in range(13)]
    model = drawn(*layers)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    torch.save(model.state_dict(), tmp_path / "model.pt")
    sorted_as_text = load_file(tmp_path / "model.safetensors")
    assert list(sorted_as_text)[2] == "10.bias"
    for state in (sorted_as_text, torch.load(tmp_path / "model.pt", weights_only=True)):
        network = wg.from_torch(state, activation="tanh")
        np.testing.assert_allclose(
            wg.forward(network, X).output, outputs(model), rtol=2e-5, atol=2e-6
        )


def test_a_state_dict_in_the_order_of_a_file_needs_its_layers_named(tmp_path):
    model = nn.Sequential(OrderedDict(stem=nn.Linear(3, 3), act=nn.ReLU(), head=nn.Linear(3, 3)))
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    state = load_file(tmp_path / "model.safetensors")
    with pytest.raises(OptionError) as caught:
        wg.from_torch(state, activation="relu")
    assert str(caught.value) == (
        "The order of the dense layers cannot be told from their names: head, stem. Name them in "
        'order, such as layers=["first", "second"].'
    )
    for given, layers in ((state, ["stem", "head"]), (model.state_dict(), None)):
        network = wg.from_torch(given, activation="relu", layers=layers)
        np.testing.assert_allclose(
            wg.forward(network, X).output, outputs(model), rtol=2e-5, atol=2e-6
        )
    with pytest.raises(OptionError, match=r"^layers should name every dense layer .*; got head\."):
        wg.from_torch(state, activation="relu", layers=["head"])


def test_a_state_dict_before_a_hard_sigmoid_and_of_one_layer():
    model = drawn(nn.Linear(3, 4), nn.Hardsigmoid(), nn.Linear(4, 2))
    network = wg.from_torch(model.state_dict(), activation="hard_sigmoid")
    np.testing.assert_allclose(wg.forward(network, X).output, outputs(model), rtol=2e-5, atol=2e-6)
    network = wg.from_torch(nn.Linear(3, 2).state_dict())
    assert network.sizes == (3, 2)


def test_what_comes_in_can_be_trained():
    model = drawn(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    run = wg.train(wg.from_torch(model), wg.load("xor", samples=40), epochs=1)
    assert run.description["state"] == "finished"


def test_float64_is_kept_where_asked(float64):
    model = drawn(nn.Linear(3, 2)).double()
    network = wg.from_torch(model, dtype="float64")
    assert np.array_equal(network["output"].weight, model[0].weight.detach().numpy().T)


class Own(nn.Module):
    def forward(self, x):
        return x


def normed() -> nn.Module:
    return torch.nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))


def hooked() -> nn.Module:
    layer = nn.Linear(3, 2)
    layer.register_forward_hook(lambda module, given, output: output * 2)
    return layer


def stands(where: str, kind: str) -> str:
    return (
        f"{where} ({kind}) stands where a network here has no place for it: a dense layer may be "
        "followed by one activation and then one Dropout, and no Dropout follows the last layer. "
        "Reorder the layers, or remove it."
    )


def is_none_of_ours(where: str, kind: str) -> str:
    return (
        f"{where} is a {kind}; a network here is a chain of dense layers, made of {KNOWN}. "
        "Replace it, or pass the part of the model that consists of these."
    )


def is_set_otherwise(where: str, module: str) -> str:
    return (
        f"{where} is {module}; of this module only the setting that whygrad computes with can be "
        "imported: LeakyReLU 0.01, ELU 1, GELU exact, Softplus 1 with a threshold of at least 20, "
        "Softmax over the last axis, Flatten from axis 1. Change the setting, or train it here "
        "anew."
    )


REFUSED = {
    "convolution": (nn.Sequential(nn.Conv1d(1, 1, 3)), is_none_of_ours("0", "Conv1d")),
    "norm": (
        drawn(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4))),
        is_none_of_ours("1.0", "BatchNorm1d"),
    ),
    "own": (nn.Sequential(Own()), is_none_of_ours("0", f"{__name__}.Own")),
    "model": (Own(), is_none_of_ours("model", f"{__name__}.Own")),
    "norms": (
        nn.Sequential(normed()),
        is_none_of_ours("0", "torch.nn.utils.parametrize.ParametrizedLinear"),
    ),
    "hooks": (
        nn.Sequential(hooked()),
        "0 (Linear) has forward hooks, and what they do cannot be read off it. Remove them,"
        " such as weight_norm or spectral_norm, and pass the model again.",
    ),
    "leak": (
        drawn(nn.Linear(3, 2), nn.LeakyReLU(0.2)),
        is_set_otherwise("1", "LeakyReLU(negative_slope=0.2)"),
    ),
    "gelu": (
        drawn(nn.Linear(3, 2), nn.GELU("tanh")),
        is_set_otherwise("1", "GELU(approximate='tanh')"),
    ),
    "axis": (drawn(nn.Linear(3, 2), nn.Softmax(dim=0)), is_set_otherwise("1", "Softmax(dim=0)")),
    "first": (drawn(nn.ReLU(), nn.Linear(3, 2)), stands("0", "ReLU")),
    "twice": (drawn(nn.Linear(3, 2), nn.ReLU(), nn.Tanh()), stands("2", "Tanh")),
    "dropped": (drawn(nn.Linear(3, 2), nn.Dropout(), nn.Tanh()), stands("2", "Tanh")),
    "inputs": (drawn(nn.Dropout(), nn.Linear(3, 2)), stands("0", "Dropout")),
    "outputs": (drawn(nn.Linear(3, 2), nn.Dropout()), stands("0", "Dropout")),
    "empty": (
        nn.Sequential(nn.Flatten()),
        "Sequential should hold at least one dense layer, and holds none. Pass a model or "
        "parameters with a Linear or Dense layer.",
    ),
    "half": (
        nn.Sequential(nn.Linear(3, 2)).half(),
        "0.weight should be an array of float32 or float64, got float16. Convert the model "
        "first, such as model.float() in PyTorch.",
    ),
    "brain": (
        nn.Sequential(nn.Linear(3, 2)).bfloat16(),
        "0.weight should be an array of float32 or float64, got bfloat16. Convert the model"
        " first, such as model.float() in PyTorch.",
    ),
    "path": (
        "model.pt",
        "from_torch takes an nn.Sequential or a state dict, got str. Pass the module, or "
        "module.state_dict() with the activations.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_place_is_named(case):
    model, message = REFUSED[case]
    with pytest.raises(InputError) as caught:
        wg.from_torch(model)
    assert str(caught.value) == message


def test_numbers_that_are_none_are_named_in_both_languages():
    model = drawn(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    with torch.no_grad():
        model[2].bias[1] = float("nan")
    with pytest.raises(ShapeError) as caught:
        wg.from_torch(model)
    assert str(caught.value) == (
        "2.bias should hold finite numbers, but NaN or infinite ones came: 1. Take the parameters "
        "of an earlier, sound state."
    )
    with speaking("zh"):
        assert str(caught.value) == (
            "2.bias 应只含有限数，却有 NaN 或无穷大 1 个。请使用更早的、正常的参数。"
        )


def test_what_is_too_large_for_float32_is_no_silent_infinity():
    model = drawn(nn.Linear(3, 2)).double()
    with torch.no_grad():
        model[0].weight[0, 0] = 1e300
    with pytest.raises(ShapeError, match=r"^0\.weight should hold finite numbers"):
        wg.from_torch(model)


def test_layers_that_do_not_chain_are_named():
    model = drawn(nn.Linear(3, 4), nn.Linear(5, 2))
    with pytest.raises(ShapeError, match=r"^Layer output expects 5 inputs, but hidden1 before it"):
        wg.from_torch(model)


def test_a_state_dict_needs_its_activations_and_nothing_else():
    state = drawn(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).state_dict()
    with pytest.raises(OptionError) as caught:
        wg.from_torch(state)
    assert str(caught.value) == (
        "Parameters say nothing about activations, and there are hidden layers: 1. Name them, "
        'such as activation="relu", or one a hidden layer.'
    )
    with pytest.raises(OptionError, match=r"^Option activation needs one entry .* 1, got 2\."):
        wg.from_torch(state, activation=["relu", "relu"])
    with pytest.raises(OptionError, match=r"^There is no precision called float16\."):
        wg.from_torch(state, activation="relu", dtype="float16")
    with pytest.raises(InputError) as caught:
        wg.from_torch(dict(state) | {"1.running_mean": torch.zeros(4)}, activation="relu")
    assert str(caught.value) == (
        "A state dict of dense layers holds NAME.weight and NAME.bias alone, and 1.running_mean "
        "came. Pass the state of the dense layers, without the others."
    )
    with pytest.raises(ShapeError) as caught:
        wg.from_torch({"0.weight": np.ones((2, 2, 3), np.float32)})
    assert str(caught.value) == (
        "0.weight of a dense layer should have the shape (n_in, n_out), got (2, 2, 3). Only dense "
        "layers can be imported."
    )
