"""Addresses: one parser for whygrad's own networks and for watched models."""

import numpy as np
import pytest

from whygrad.errors import AddressError
from whygrad.record.address import Address
from whygrad.record.layers import KINDS, specs_of_network, specs_of_watched


def layer(kind: str, shape: list[int], name: str, **more) -> dict:
    n_in, n_out = KINDS[kind].sizes(shape)
    told = {"kind": kind, "weight": f"{name}.weight", "bias": f"{name}.bias", "first": 0}
    told |= {"shape": shape, "n_in": n_in, "n_out": n_out, "activation": "relu", "steepest": 1.0}
    return told | {"is_shared": False, "feeds": None} | more


MODEL = specs_of_watched(
    {
        "layers": {
            "fc": layer("linear", [6, 4], "fc"),
            "conv": layer("conv", [6, 3, 2, 5], "conv"),
            "up": layer("conv_transpose", [3, 6, 2], "up"),
            "table": layer("embedding", [9, 5], "table", bias=None),
            "norm": layer("norm", [2, 3], "norm"),
            "in_proj[0:4]": layer(
                "linear", [4, 4], "in_proj", weight="attn.in_proj_weight", parameter_rows=8
            ),
            "in_proj[4:8]": layer(
                "linear", [4, 4], "in_proj", weight="attn.in_proj_weight", first=4,
                parameter_rows=8,
            ),
        }
    }
)  # fmt: skip
OWN = specs_of_network([4, 3, 2], ["relu", "identity"], [True, False])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("fc.weight[5, 3]", ("fc", "weight", 3, 5)),
        ("fc.bias[5]", ("fc", "bias", None, 5)),
        ("fc[5]", ("fc", None, None, 5)),
        (" fc ", ("fc", None, None, None)),
        ("conv.weight[5, 2, 0, 1]", ("conv", "weight", 21, 5)),
        ("up.weight[2, 5, 1]", ("up", "weight", 5, 5)),
        ("table.weight[8, 1]", ("table", "weight", 8, 1)),
        ("norm.weight[1, 2]", ("norm", "weight", 0, 5)),
        ("attn.in_proj_weight[6, 1]", ("in_proj[4:8]", "weight", 1, 2)),
        ("attn.in_proj_weight[2, 1]", ("in_proj[0:4]", "weight", 1, 2)),
        ("in_proj[4:8][1]", ("in_proj[4:8]", None, None, 1)),
        ("in_proj[4:8]", ("in_proj[4:8]", None, None, None)),
    ],
)
def test_a_model_is_asked_in_its_own_names_and_axes(text, place):
    address = Address.parse(text, MODEL)
    assert (address.layer, address.parameter, address.input, address.neuron) == place
    assert str(address) == text.strip()


@pytest.mark.parametrize("name", ["fc", "conv", "up", "table", "norm"])
def test_an_address_finds_its_number_in_the_matrix_of_its_layer(name):
    spec = MODEL[name]
    numbers = np.arange(np.prod(spec.shape)).reshape(spec.shape)
    matrix = spec.as_matrix(numbers)
    assert matrix.shape == (spec.n_in, spec.n_out)
    for place in np.ndindex(*spec.shape):
        address = Address.parse(f"{name}.weight[{', '.join(map(str, place))}]", MODEL)
        assert matrix[address.index] == numbers[place]
        assert address.input is not None
        inputs = spec.input_place(address.input)
        assert not inputs or set(inputs) <= set(place)


@pytest.mark.parametrize(
    "text", ["fc.weight[6, 0]", "fc.weight[1]", "fc[6]", "conv[1, 1]", "norm.weight[6]", "no[1]"]
)
def test_what_a_model_has_not_is_refused(text):
    with pytest.raises(AddressError) as raised:
        Address.parse(text, MODEL)
    assert raised.value.key in ("error.index_in_model", "error.address_in_model")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("hidden1.weight[4, 0]", "error.index_out_of_range"),
        ("hidden1.weight[1]", "error.address"),
        ("output.bias[0]", "error.layer_without_bias"),
        ("hidden2[0]", "error.unknown_layer"),
        ("hidden1.slope[1]", "error.address"),
    ],
)
def test_what_an_own_network_has_not_is_refused(text, key):
    with pytest.raises(AddressError) as raised:
        Address.parse(text, OWN)
    assert raised.value.key == key
