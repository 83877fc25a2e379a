"""The numbers of the rooms, by the engine of the lab: one neuron, and the copying machine."""

from typing import Any

import numpy as np
import pytest

import whygrad as wg
from whygrad.core.symmetry import effective_width
from whygrad.lab.draws import create, in_float64
from whygrad.lab.reference import Scene, reference
from whygrad.settings import Settings
from whygrad.words import number

SAMPLES, NEURONS, STEPS = 151, 16, 1000
ROUNDING = 1e-12
AFTER = 1e-9
LEARNING = Settings(loss="binary_cross_entropy", optimizer="adam", learning_rate=0.05)
CIRCLES = wg.load("circles", seed=0, samples=3 * SAMPLES).train


def neuron(a_in: float, weight: float, bias: float) -> Scene:
    """Return the neuron of the first room: a sigmoid that should say 1."""
    network = in_float64([[[weight]]], [[bias]], ["sigmoid"])
    x, y = np.array([[float(a_in)]]), np.array([[1.0]])
    return Scene(network, x, y, Settings(loss="squared", optimizer="sgd"))


@pytest.mark.parametrize(
    ("a_in", "bias", "loss", "delta", "weight_gradient"),
    [
        (3, -1, "0.07127", "−0.08872", "−0.2662"),
        (4, -1.5, "0.07127", "−0.08872", "−0.3549"),  # z held
        (4, -1, "0.03616", "−0.05288", "−0.2115"),  # z let go
        (0, -1, "0.2672", "−0.1437", "0"),
        (1, -1, "0.1937", "−0.1463", "−0.1463"),
        (3, -30, "0.5", "−4.2e-13", "−1.3e-12"),
    ],
)
def test_one_neuron(node, a_in, bias, loss, delta, weight_gradient):
    told = reference(neuron(a_in, 0.5, bias), steps=1)
    layer = told["layers"][0]
    digits = 2 if bias == -30 else 4
    found = [told["loss"], layer["gradient"]["bias"][0], layer["gradient"]["weight"][0][0]]
    assert [number(one, digits) for one in found] == [loss, delta, weight_gradient]
    assert layer["delta"][0][0] == layer["gradient"]["bias"][0]
    assert node("golden.mjs", [told])[0]["same"] <= ROUNDING


def start(init: Any, bias_init: Any = "zeros", seed: int = 0) -> wg.Network:
    names = ["tanh", "identity"]
    return create([2, NEURONS, 1], activations=names, init=init, bias_init=bias_init, seed=seed)


def copies(network: wg.Network, steps: int = STEPS) -> dict:
    """Return what whygrad makes of a layer that starts like that, of two rings."""
    x, y = np.asarray(CIRCLES.x[:SAMPLES], float), np.asarray(CIRCLES.y[:SAMPLES])
    return reference(Scene(network, x, y, LEARNING), steps=steps, rows=4)


STARTS = {
    "zeros": start("zeros"),
    "halves": start("constant:0.5"),
    "ones": start("constant:1"),
    "random out": start(["constant:0.5", "glorot_normal"]),
    "random biases": start("constant:0.5", "normal:0.1"),
    "random": start("glorot_normal"),
}


@pytest.fixture(scope="module")
def told() -> dict[str, dict]:
    return {name: copies(network) for name, network in STARTS.items()}


@pytest.fixture(scope="module")
def trained(node, told) -> dict[str, dict]:
    return dict(zip(told, node("tasks.mjs", [*told.values()]), strict=True))


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("halves", "1.401", "0.5704"), ("zeros", "0.6931", "0.6921"), ("ones", None, "0.6018")],
)
def test_copies_stay_one_neuron(told, trained, name, first, last):
    found = trained[name]
    assert len(found["losses"]) == STEPS + 1
    assert number(found["losses"][-1]) == last
    assert first is None or number(found["losses"][0]) == first
    assert set(found["differences"]) == {0.0}  # exactly, after each step
    assert set(found["widths"]) == {1}
    np.testing.assert_allclose(found["losses"][:-1], told[name]["losses"], rtol=AFTER)


@pytest.mark.long
def test_zeros_end_at_the_entropy_of_the_classes(trained):
    share = np.mean(CIRCLES.y[:SAMPLES])
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    assert trained["zeros"]["losses"][-1] == pytest.approx(entropy, rel=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("name", ["random out", "random biases", "random"])
def test_others_are_as_wide_as_they_look(told, trained, name):
    widths = trained[name]["widths"]
    assert set(widths[1:]) == {NEURONS}
    parameters = told[name]["parameters"]
    after = wg.Network.from_arrays(
        [np.array(layer["weight"]) for layer in parameters],
        [np.array(layer["bias"]) for layer in parameters],
        activations=["tanh", "identity"],
    )
    assert effective_width(after) == {"hidden1": widths[-1]}


@pytest.mark.long
def test_weights_out_alone_part_the_copies(trained):
    """Equal weights in and biases: the outputs are equal, and the first step ends that."""
    found = trained["random out"]
    assert found["differences"][0] > 0
    hidden = STARTS["random out"]["hidden1"]
    assert np.ptp(np.asarray(hidden.weight)) == 0
    assert found["widths"][1] == NEURONS


@pytest.mark.long
def test_one_touched_weight_parts_one_neuron(node):
    """The pencil falls: from a difference of 1e-6 to another neuron."""
    network = STARTS["halves"]
    weight = np.array(network["hidden1"].weight)
    weight[0, 0] += 1e-6
    biases = [dense.bias for dense in network.dense]
    touched = in_float64([weight, network["output"].weight], biases, ["tanh", "identity"])
    once, again = node("tasks.mjs", [copies(touched, 600)] * 2)
    assert once == again
    assert set(once["widths"]) == {2}  # 1e-6 is more than the tolerance, and the others stay one
    apart = np.array(once["differences"])
    assert apart[0] == pytest.approx(1e-6, rel=1e-9)
    assert 100 < np.argmax(apart > 1e-3) < 600 and apart[-1] > 0.1
