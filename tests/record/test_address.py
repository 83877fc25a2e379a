"""Addresses: one parser for whygrad's own networks and for watched models."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.errors import AddressError
from whygrad.record.address import Address
from whygrad.record.layers import layout_of, specs_of_network, specs_of_watched
from whygrad.record.naming import Names


def layer(kind: str, shape: list[int], name: str, **more) -> dict:
    n_in, n_out = layout_of(kind, more.get("neuron_axes")).sizes(shape)
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
            "turned": layer("linear", [4, 6], "turned", neuron_axes=[1]),
            "experts": layer("linear", [3, 4, 5], "experts", neuron_axes=[0, 2]),
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
        ("turned.weight[3, 5]", ("turned", "weight", 3, 5)),
        ("experts.weight[2, 3, 1]", ("experts", "weight", 3, 11)),
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


@pytest.mark.parametrize("name", ["fc", "conv", "up", "table", "norm", "turned", "experts"])
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


NAMED = Names(("petal length (cm)", "colour=red", "a, b", "3"), ("setosa", 'say "so"'))
SHALLOW = specs_of_network([4, 2], ["identity"], [True])


def index_of(text: str, specs=OWN) -> tuple[int, ...]:
    return Address.parse(text, specs, lambda: NAMED).index


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("hidden1.weight[petal length (cm), 2]", (0, 2)),
        ("hidden1.weight[ colour=red , 1 ]", (1, 1)),
        ("hidden1.weight['colour=red', 1]", (1, 1)),
        ('hidden1.weight["a, b", 1]', (2, 1)),
        ("hidden1.weight[a, b, 1]", (2, 1)),
        ("hidden1.weight[3, 0]", (3, 0)),  # the number, not the name
        ("hidden1.weight[2, 0]", (2, 0)),
        ('hidden1.weight["3", 0]', (3, 0)),
        ("output.weight[2, setosa]", (2, 0)),
        ('output[say "so"]', (1,)),
        (r'output["say \"so\""]', (1,)),
    ],
)
def test_inputs_and_classes_are_found_by_name(text, index):
    assert index_of(text) == index
    assert str(Address.parse(text, OWN, lambda: NAMED)) == str(
        Address.parse(str(Address.parse(text, OWN, lambda: NAMED)), OWN)
    )


def test_a_layer_between_data_and_classes_has_names_on_both_sides():
    assert index_of("output.weight[a, b, setosa]", SHALLOW) == (2, 0)
    assert index_of("output.bias[setosa]", SHALLOW) == (0,)


def test_names_are_asked_for_where_numbers_do_not_do():
    def never() -> Names:
        raise AssertionError("reading the data takes time")

    assert Address.parse("hidden1.weight[3, 0]", OWN, never).index == (3, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "hidden1.weight[petal lenght, 2]",
            "hidden1.weight[petal lenght, 2]: no input of layer hidden1 is called petal lenght. "
            "Nearest names: petal length (cm). Write one of the data's names, or a number from 0 "
            "to 3.",
        ),
        (
            "hidden1.weight[Colour, 2]",
            "hidden1.weight[Colour, 2]: no input of layer hidden1 is called Colour. Nearest "
            "names: colour=red. Write one of the data's names, or a number from 0 to 3.",
        ),
        (
            "hidden1.weight[colour=red, setosa]",
            "hidden1.weight[colour=red, setosa]: each neuron of layer hidden1 has a number and no "
            "name, got setosa. Give a number from 0 to 2.",
        ),
        (
            "hidden1.weight[colour=red, 3]",
            "hidden1.weight[1, 3]: the neuron must be a number from 0 to 2 in layer hidden1, got "
            "3. Count from 0.",
        ),
        (
            "output[virginica]",
            "output[virginica]: no neuron of layer output is called virginica. Nearest names: "
            'setosa, "say \\"so\\"". Write one of the data\'s names, or a number from 0 to 1.',
        ),
    ],
)
def test_a_name_that_is_not_there_is_an_error_with_the_nearest(text, message):
    with pytest.raises(AddressError) as raised:
        index_of(text)
    assert str(raised.value) == message


def test_what_can_be_read_in_two_ways_is_refused():
    names = Names(("a", "a, b", "c", "d"), ("b, c", "c"))
    with pytest.raises(AddressError) as raised:
        Address.parse("output.weight[a, b, c]", SHALLOW, lambda: names)
    assert str(raised.value) == (
        "output.weight[a, b, c] can be read in several ways: [0, 0] | [1, 1]. Put names in "
        'quotes, as in hidden1.weight["a, b", 3], or give numbers.'
    )
    text = 'output.weight["a, b", c]'
    assert Address.parse(text, SHALLOW, lambda: names).index == (1, 1)
    twice = Names(("a", "a", "c", "d"), ("b", "c"))
    with pytest.raises(AddressError, match=r"several ways: \[0, 0\] \| \[1, 0\]"):
        Address.parse("output.weight[a, b]", SHALLOW, lambda: twice)
    assert Address("output", "weight", 1, 0).named(SHALLOW, twice) == "output.weight[1, b]"


def test_a_name_that_nobody_sees_whole_is_written_as_it_is_shown():
    names = Names(("a\nb", "x\u202ey", "tag \U000e0041", "c\\n"), ("\x1b[2J", "u"))
    told = Address("output", "weight", 0, 0).named(SHALLOW, names)
    assert told == r'output.weight["a\nb", "\x1b[2J"]'
    for written, index in (
        (told, (0, 0)),
        (r'output.weight["x\u202ey", u]', (1, 1)),
        (r"output.weight['tag \U000e0041', u]", (2, 1)),
        (r'output.weight["c\\n", u]', (3, 1)),
    ):
        assert Address.parse(written, SHALLOW, lambda: names).index == index


LETTERS = st.sampled_from(list("a3 ,[]\"'\\\n=.(é\u202e"))
DRAWN = st.text(LETTERS, min_size=1, max_size=6)


@given(
    st.lists(DRAWN, min_size=4, max_size=4, unique=True),
    st.lists(DRAWN, min_size=2, max_size=2, unique=True),
)
def test_an_address_by_names_leads_back_to_itself(inputs, outputs):
    names = Names(tuple(inputs), tuple(outputs))
    for place in (Address("output", "weight", j, k) for j in range(4) for k in range(2)):
        assert Address.parse(place.named(SHALLOW, names), SHALLOW, lambda: names) == place
    for place in (Address("output", "bias", neuron=1), Address("output", neuron=0)):
        assert Address.parse(place.named(SHALLOW, names), SHALLOW, lambda: names) == place


@pytest.mark.parametrize("text", ["fc.weight[age, 3]", "in_proj[4:8][age]", 'conv["x"]'])
def test_a_model_has_no_names_of_inputs(text):
    with pytest.raises(AddressError) as raised:
        Address.parse(text, MODEL)
    assert raised.value.key == "error.names_in_model"
    assert str(raised.value).endswith(
        "Give one number from 0 for every axis, in the order of the model."
    )
