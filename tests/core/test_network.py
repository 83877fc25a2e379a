"""Networks: how they are made, addressed and refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from whygrad.core.backprop import backward, forward
from whygrad.core.nn import Address, Network
from whygrad.errors import AddressError, OptionError, ShapeError, WhygradError


def message(kind: type[WhygradError], function, *args, **kwargs) -> str:
    with pytest.raises(kind) as raised:
        function(*args, **kwargs)
    return str(raised.value)


@pytest.fixture
def network() -> Network:
    return Network.create([4, 3, 2], seed=1)


def test_layers_have_names_and_sizes(network):
    assert network.layers == ("hidden1", "output")
    assert network.sizes == (4, 3, 2)
    assert network["hidden1"].weight.shape == (4, 3)
    assert network["hidden1"].bias.shape == (3,)
    assert [name for name, _ in network.items()] == ["hidden1", "output"]
    assert Network.create([2, 1]).layers == ("output",)


def test_the_defaults_are_relu_inside_and_identity_at_the_end(network):
    assert [dense.activation for dense in network.dense] == ["relu", "identity"]
    assert network.output_activation == "identity"


def test_the_same_seed_gives_the_same_network():
    first, again, other = (Network.create([4, 3, 2], seed=seed) for seed in (5, 5, 6))
    assert jax.tree.all(jax.tree.map(jnp.array_equal, first, again))
    assert not jnp.array_equal(first["hidden1"].weight, other["hidden1"].weight)


def test_layers_of_equal_size_are_drawn_apart():
    network = Network.create([3, 3, 3])
    assert not jnp.array_equal(network["hidden1"].weight, network["output"].weight)


def test_every_layer_may_have_its_own_activation_and_start():
    network = Network.create(
        [2, 2, 2],
        activation=["tanh"],
        init=["constant:2", np.eye(2)],
        bias_init=["zeros", "constant:3"],
    )
    assert network["hidden1"].activation == "tanh"
    np.testing.assert_array_equal(network["hidden1"].weight, np.full((2, 2), 2))
    np.testing.assert_array_equal(network["output"].weight, np.eye(2))
    np.testing.assert_array_equal(network["output"].bias, [3, 3])


def test_a_network_may_go_without_biases():
    network = Network.create([2, 2, 1], bias=False)
    assert network["hidden1"].bias is None
    assert set(network.parameters["output"]) == {"weight"}


def test_dropout_spares_the_output():
    network = Network.create([2, 2, 1], dropout=0.5)
    assert [dense.dropout for dense in network.dense] == [0.5, 0.0]


def test_every_hidden_layer_may_have_its_own_dropout():
    network = Network.create([2, 3, 2, 1], dropout=[0.5, 0])
    assert [dense.dropout for dense in network.dense] == [0.5, 0.0, 0.0]
    again = Network.from_arrays(
        [dense.weight for dense in network.dense],
        None,
        activations=["relu", "relu", "identity"],
        dropout=(0.1, 0.2),
    )
    assert [dense.dropout for dense in again.dense] == [0.1, 0.2, 0.0]
    assert Network.create([2, 1], dropout=[])["output"].dropout == 0


def test_each_hidden_layer_drops_its_own_share():
    network = Network.create([3, 400, 400, 400, 2], dropout=[0.5, 0, 0.2])
    trace = forward(network, np.ones((8, 3)), key=jax.random.key(0))
    for name, dropout in (("hidden1", 0.5), ("hidden3", 0.2)):
        kept = np.asarray(trace[name].kept)
        np.testing.assert_allclose(np.unique(kept), [0, 1 / (1 - dropout)], rtol=1e-6)
        assert (kept == 0).mean() == pytest.approx(dropout, abs=0.04)
    assert trace["hidden2"].kept is None and trace["output"].kept is None


def test_float64_needs_to_be_switched_on():
    with jax.enable_x64(True):
        assert Network.create([2, 1], dtype="float64")["output"].weight.dtype == jnp.float64
    assert Network.create([2, 1])["output"].weight.dtype == jnp.float32
    with jax.enable_x64(False), pytest.raises(OptionError) as raised:
        Network.create([2, 1], dtype="float64")
    assert raised.value.key == "error.needs_x64"


def test_parameters_go_out_and_back(network):
    doubled = jax.tree.map(lambda value: 2 * value, network.parameters)
    other = network.with_parameters(doubled)
    np.testing.assert_array_equal(other["output"].weight, 2 * network["output"].weight)
    assert other["hidden1"].activation == "relu"
    assert jnp.array_equal(network["output"].weight * 2, doubled["output"]["weight"])


def test_a_network_is_a_pytree(network):
    assert len(jax.tree.leaves(network)) == 4
    output = jax.jit(lambda net, x: forward(net, x).output)(network, jnp.ones((1, 4)))
    np.testing.assert_allclose(output, forward(network, jnp.ones((1, 4))).output, rtol=1e-6)


def test_whole_numbers_become_floats():
    network = Network.from_arrays([np.array([[1, 2]])], None, activations=["identity"])
    assert network["output"].weight.dtype == jnp.float32
    assert network["output"].bias is None


@pytest.mark.parametrize("actual", [[3], [], [3, 0], [3, -1]])
def test_impossible_sizes_are_refused(actual):
    assert message(OptionError, Network.create, actual) == (
        "Network sizes must be at least two whole numbers > 0, from the inputs to the outputs, "
        f"got {actual}. Write for example [64, 32, 10]."
    )


def test_impossible_options_are_refused():
    assert message(OptionError, Network.create, [2, 2, 1], activation=["relu", "relu"]) == (
        "Option activation needs one entry for each of the layers it speaks of: 1, got 2. "
        "Give one for all, or a list of 1."
    )
    assert message(OptionError, Network.create, [2, 2, 1], dropout=1.0) == (
        "The dropout must be a share in [0, 1), got 1. Write 0 for no dropout."
    )
    assert message(OptionError, Network.create, [2, 2, 2, 1], dropout=[0.5, -1]) == (
        "The dropout must be a share in [0, 1), got -1. Write 0 for no dropout."
    )
    assert message(OptionError, Network.create, [2, 2, 1], dropout=[0.5, 0.5]) == (
        "Option dropout needs one entry for each of the layers it speaks of: 1, got 2. "
        "Give one for all, or a list of 1."
    )
    assert message(OptionError, Network.create, [2, 1], init="he_norm") == (
        "There is no initialiser called he_norm. Did you mean he_normal? Known: zeros, constant, "
        "normal, uniform, lecun_normal, lecun_uniform, glorot_normal, glorot_uniform, he_normal, "
        "he_uniform, orthogonal."
    )


WEIGHTS = [np.ones((4, 3)), np.ones((3, 5)), np.ones((5, 2))]
ALIKE = [
    ({"activation": "tanh"}, ("tanh", "tanh", "identity")),
    ({"activations": "tanh"}, ("tanh", "tanh", "identity")),
    ({"activation": ["tanh", "elu"]}, ("tanh", "elu", "identity")),
    ({"activation": "tanh", "output_activation": "softmax"}, ("tanh", "tanh", "softmax")),
    ({"activations": "tanh", "output_activation": "softmax"}, ("tanh", "tanh", "softmax")),
    ({"activations": ("tanh", "elu", "softmax")}, ("tanh", "elu", "softmax")),
]


@pytest.mark.parametrize(("given", "expected"), ALIKE)
def test_activations_are_named_alike_however_a_network_is_made(given, expected):
    for network in (
        Network.create([4, 3, 5, 2], **given),
        Network.from_arrays(WEIGHTS, None, **given),
    ):
        assert tuple(dense.activation for dense in network.dense) == expected


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({"activation": "tanh", "activations": ["tanh", "tanh", "identity"]}, "activation"),
        ({"activation": "tanh", "activations": "tanh"}, "activation"),
        (
            {"output_activation": "softmax", "activations": ["tanh", "tanh", "identity"]},
            "output_activation",
        ),
    ],
)
def test_activations_given_twice_are_an_error(given, first):
    message = (
        f"The activations must be given once, but {first} and activations were both given. "
        "Give activations for all layers, or activation for the hidden layers and "
        "output_activation for the last one."
    )
    for make in (
        lambda: Network.create([4, 3, 5, 2], **given),
        lambda: Network.from_arrays(WEIGHTS, None, **given),
    ):
        with pytest.raises(OptionError) as caught:
            make()
        assert str(caught.value) == message


def test_given_parameters_need_activations_of_hidden_layers_only():
    with pytest.raises(OptionError, match=r"^Parameters say nothing about activations, "):
        Network.from_arrays(WEIGHTS, None)
    assert Network.from_arrays(WEIGHTS[:1], None).output_activation == "identity"


def from_arrays(weights, biases, activations=("relu", "identity"), **more) -> Network:
    return Network.from_arrays(weights, biases, activations=list(activations), **more)


def test_arrays_that_do_not_fit_are_refused():
    two, three = np.ones((2, 3)), np.ones((3, 1))
    assert message(ShapeError, from_arrays, [], None) == (
        "A network needs at least one layer, got no weights. "
        "Give one array of shape (n_in, n_out) for each layer."
    )
    assert message(ShapeError, from_arrays, [two, three], [None]) == (
        "A network of 2 layers expects 2 biases, got 1. "
        "Use None for a layer without bias, or biases=None for none at all."
    )
    assert message(ShapeError, from_arrays, [two, three], None, ["relu"]) == (
        "A network of 2 layers expects a list of 2 activations, the output's last, got 1. "
        "Use identity for a linear output."
    )
    assert message(ShapeError, from_arrays, [np.ones(3), three], None) == (
        "The weight of layer hidden1 must have shape (n_in, n_out) with both at least 1, got (3,). "
        "Transpose or reshape it."
    )
    assert message(ShapeError, from_arrays, [two, three], [None, np.ones(2)]) == (
        "The bias of layer output must have shape (1,), one for each neuron, got (2,). "
        "Give one number for each column of the weight."
    )
    assert message(ShapeError, from_arrays, [two, two], None) == (
        "Layer output expects 2 inputs, but hidden1 before it has 3 neurons. "
        "Make the rows of this weight match the columns of the one before."
    )
    assert message(ShapeError, from_arrays, [two, three], [np.full(3, np.nan), None]) == (
        "The parameter hidden1.bias must hold finite numbers only, got NaN or infinity. "
        "Replace them before building the network."
    )


def test_an_unknown_layer_lists_the_known(network):
    expected = "The network has no layer called hidden2. Its layers: hidden1, output."
    assert message(AddressError, network.__getitem__, "hidden2") == expected
    trace = forward(network, np.ones((1, 4)))
    assert message(AddressError, trace.__getitem__, "hidden2") == expected
    anatomy = backward(network, trace, np.array([0]))
    assert message(AddressError, anatomy.__getitem__, "hidden2") == expected


@pytest.mark.parametrize(
    ("text", "address", "kind", "index"),
    [
        ("hidden1.weight[3, 2]", Address("hidden1", "weight", 3, 2), "weight", (3, 2)),
        ("hidden1.bias[0]", Address("hidden1", "bias", None, 0), "bias", (0,)),
        ("output[1]", Address("output", None, None, 1), "neuron", (1,)),
        ("hidden1", Address("hidden1"), "layer", ()),
    ],
)
def test_addresses_are_read_and_written(network, text, address, kind, index):
    parsed = Address.parse(text, network.specs)
    assert parsed == address
    assert (parsed.kind, parsed.index, str(parsed)) == (kind, index, text)


def test_spaces_in_an_address_do_not_matter(network):
    spaced = Address.parse("  hidden1 . weight [ 3,2 ] ", network.specs)
    assert spaced == Address("hidden1", "weight", 3, 2)


@pytest.mark.parametrize(
    "text", ["", "hidden1.weight", "hidden1.weight[1]", "hidden1.bias[1, 2]", "hidden1[1, 2]",
             "hidden1.slope[1]", "hidden1[-1]", "hidden1[a]", "hidden1[1]x", "hidden1.bias"]
)  # fmt: skip
def test_what_is_no_address_is_refused(network, text):
    assert message(AddressError, Address.parse, text, network.specs) == (
        f"An address names a weight, a bias, a neuron or a layer; {text} is none of these. "
        "Write hidden1.weight[5, 3] (from input 5 to neuron 3), hidden1.weight[age, 3] (from the "
        "input called age), hidden1.bias[3], hidden1[3] or hidden1."
    )


def test_an_address_of_nothing_is_refused(network):
    assert message(AddressError, Address.parse, "hidden1.weight[4, 0]", network.specs) == (
        "hidden1.weight[4, 0]: the input must be a number from 0 to 3 in layer hidden1, got 4. "
        "Count from 0."
    )
    assert message(AddressError, Address.parse, "output[2]", network.specs) == (
        "output[2]: the neuron must be a number from 0 to 1 in layer output, got 2. Count from 0."
    )
    bare = Network.create([2, 1], bias=False)
    assert message(AddressError, Address.parse, "output.bias[0]", bare.specs) == (
        "Layer output has no biases, but the address asks for one. "
        "Ask for a weight or a neuron of this layer."
    )
