"""Responsibility: the terms sum to what they are terms of, forwards to the loss and per sample."""

from collections.abc import Iterator
from dataclasses import replace

import jax
import numpy as np
import pytest

from whygrad.core.attribution import Path, contributions, paths, sample_gradients, strongest
from whygrad.core.backprop import Anatomy, backward, forward
from whygrad.core.factors import factors
from whygrad.core.nn import Address, Network
from whygrad.errors import AddressError

SIZES = [4, 5, 6, 7, 3]
pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture(params=["tanh", "relu", "softmax", "mixed with dropout"])
def case(request) -> tuple[Network, Anatomy]:
    """Return a network and what a batch did, with the samples weighted."""
    is_mixed = request.param.startswith("mixed")
    activation = ["gelu", "softmax", "sigmoid"] if is_mixed else request.param
    network = Network.create(
        SIZES, activation=activation, dropout=0.3 * is_mixed, seed=1, dtype="float64"
    )
    x = np.random.default_rng(0).normal(size=(9, 4))
    trace = forward(network, x, key=jax.random.key(0) if is_mixed else None)
    return network, backward(network, trace, np.arange(9) % 3, sample_weight=np.arange(9) + 1.0)


def walk(node: Path) -> Iterator[Path]:
    yield node
    for child in node.children:
        yield from walk(child)


@pytest.mark.long
@pytest.mark.parametrize("layer", ["hidden1", "hidden2", "hidden3"])
def test_the_parts_sum_to_the_upstream_of_every_sample(case, layer):
    network, anatomy = case
    for neuron in range(network[layer].n_out):
        came = contributions(network, anatomy, layer, neuron)
        bound = 1e-15 * np.abs(came.parts).sum(axis=1) + 1e-300
        assert (np.abs(came.parts.sum(axis=1) - came.upstream) <= 8 * bound).all()
        np.testing.assert_array_equal(came.upstream, anatomy[layer].upstream[:, neuron])


@pytest.mark.long
def test_contributions_are_summed_up_over_the_samples(case):
    network, anatomy = case
    came = contributions(network, anatomy, "hidden1", 2)
    share = np.asarray(anatomy["hidden1"].share)
    assert (came.layer, came.neuron, came.next_layer) == ("hidden1", 2, "hidden2")
    assert not came.is_from_loss
    np.testing.assert_array_equal(came.weight, network["hidden2"].weight[2])
    np.testing.assert_allclose(came.parts, came.weight * np.asarray(anatomy["hidden2"].delta))
    np.testing.assert_allclose(came.mean, share @ came.parts, atol=1e-17)
    np.testing.assert_allclose(came.size, share @ np.abs(came.parts))
    np.testing.assert_allclose(came.share, came.size / came.size.sum())
    assert came.share.sum() == pytest.approx(1)


def test_cancelling_is_what_is_left_between_the_sizes_and_the_upstream_factor(case):
    network, anatomy = case
    upstream = np.abs(anatomy["hidden2"].upstream).T @ np.asarray(anatomy["hidden2"].share)
    for neuron in range(network["hidden2"].n_out):
        came = contributions(network, anatomy, "hidden2", neuron)
        assert 0 <= came.left_over <= 1
        assert came.size.sum() * came.left_over == pytest.approx(upstream[neuron], rel=1e-12)


def test_the_upstream_of_the_output_comes_from_the_loss(case):
    network, anatomy = case
    came = contributions(network, anatomy, "output", 1)
    assert came.is_from_loss and came.next_layer is None
    assert came.parts.shape == (9, 0)
    assert came.left_over == 1
    np.testing.assert_array_equal(came.upstream, anatomy["output"].upstream[:, 1])
    leaf = paths(network, anatomy, "output", 1)
    assert leaf.children == ()


def test_next_neurons_that_do_not_cancel_and_that_do():
    rows = [np.array([[1.0]]), np.array([[2.0, 3.0]]), np.array([[1.0], [1.0]])]
    same = Network.from_arrays(rows, None, activations=["identity"] * 3)
    against = Network.from_arrays(
        [rows[0], np.array([[2.0, -2.0]]), rows[2]], None, activations=["identity"] * 3
    )
    for network, expected in ((same, 1), (against, 0)):
        trace = forward(network, np.ones((2, 1)))
        anatomy = backward(network, trace, np.full((2, 1), -7.0), loss="squared")
        assert contributions(network, anatomy, "hidden1", 0).left_over == expected


@pytest.mark.parametrize("top", [1, 3, 100])
def test_the_parts_of_the_children_sum_to_the_part_of_the_node(case, top):
    network, anatomy = case
    root = paths(network, anatomy, "hidden1", 2, top=top)
    assert root.part == pytest.approx(
        float(anatomy["hidden1"].share @ anatomy["hidden1"].upstream[:, 2])
    )
    for node in walk(root):
        if node.children:
            total = sum(child.part for child in node.children)
            sizes = sum(child.size for child in node.children)
            assert abs(total - node.part) <= 1e-14 * sizes


def test_a_path_names_its_neurons_and_what_lies_between(case):
    network, anatomy = case
    root = paths(network, anatomy, "hidden2", 4, top=2)
    assert (root.layer, root.neuron, root.count, root.weight) == ("hidden2", 4, 1, None)
    *listed, rest = root.children
    assert [child.layer for child in root.children] == ["hidden3"] * 3
    assert (rest.neuron, rest.count, rest.weight, rest.delta) == (None, 5, None, None)
    share = np.asarray(anatomy["hidden3"].share)
    for child in listed:
        assert child.weight == float(network["hidden3"].weight[4, child.neuron])
        delta = float(share @ np.asarray(anatomy["hidden3"].delta)[:, child.neuron])
        assert child.delta == pytest.approx(delta, rel=1e-13)
        assert child.part == pytest.approx(child.weight * delta, rel=1e-12)


def test_the_largest_children_come_first(case):
    network, anatomy = case
    came = contributions(network, anatomy, "hidden1", 2)
    children = paths(network, anatomy, "hidden1", 2, top=3).children[:3]
    expected = np.argsort(-came.size, kind="stable")[:3]
    assert [child.neuron for child in children] == expected.tolist()
    np.testing.assert_allclose([child.size for child in children], came.size[expected])


def test_all_paths_lead_to_the_loss_unless_the_tree_is_cut(case):
    network, anatomy = case
    nodes = list(walk(paths(network, anatomy, "hidden1", 2, top=100)))
    ends = [node.layer for node in nodes if not node.children]
    assert ends == ["output"] * (6 * 7 * 3)
    cut = list(walk(paths(network, anatomy, "hidden1", 2, depth=1, top=100)))
    assert [node.layer for node in cut] == ["hidden1"] + ["hidden2"] * 6
    assert paths(network, anatomy, "hidden1", 2, depth=0) == replace(cut[0], children=())


def test_a_path_carries_the_product_of_its_weights_and_slopes():
    network = Network.create([2, 2, 2, 2], activation="tanh", seed=3, dtype="float64")
    x, y = np.array([[0.3, -1.0]]), np.array([1])
    anatomy = backward(network, forward(network, x), y)
    node = paths(network, anatomy, "hidden1", 0, top=1)
    middle = node.children[0]
    end = middle.children[0]
    expected = middle.weight * anatomy["hidden2"].slope[0, middle.neuron] * end.weight
    expected = expected * anatomy["output"].delta[0, end.neuron]
    assert end.part == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("layer", ["hidden1", "hidden3", "output"])
def test_the_pulls_of_the_samples_sum_to_the_gradient(case, layer):
    network, anatomy = case
    gradient = anatomy[layer].gradient()
    sums = {
        f"{layer}.weight[2, 1]": gradient["weight"][2, 1],
        f"{layer}.bias[1]": gradient["bias"][1],
        f"{layer}[1]": np.linalg.norm(gradient["weight"][:, 1]),
        layer: np.linalg.norm(gradient["weight"]),
    }
    for text, expected in sums.items():
        pulls = sample_gradients(anatomy[layer], Address.parse(text, network.specs))
        assert pulls.shape == (9,)
        assert abs(pulls.sum() - float(expected)) <= 1e-14 * np.abs(pulls).sum(), text


def test_a_pull_is_the_term_of_its_sample(case):
    _, anatomy = case
    layer = anatomy["hidden1"]
    share, x, delta = (np.asarray(a) for a in (layer.share, layer.input, layer.delta))
    weight = sample_gradients(layer, Address("hidden1", "weight", 2, 1))
    np.testing.assert_allclose(weight, share * x[:, 2] * delta[:, 1])
    np.testing.assert_allclose(
        sample_gradients(layer, Address("hidden1", "bias", None, 1)), share * delta[:, 1]
    )
    mean = np.asarray(layer.gradient()["weight"])[:, 1]
    unit = mean / np.linalg.norm(mean)
    neuron = sample_gradients(layer, Address("hidden1", None, None, 1))
    np.testing.assert_allclose(neuron, share * delta[:, 1] * (x @ unit), atol=1e-16)


def test_the_sizes_of_the_pulls_are_what_agreement_compares(case):
    _, anatomy = case
    layer = anatomy["hidden2"]
    pulls = sample_gradients(layer, Address("hidden2", "weight", 3, 2))
    expected = abs(pulls.sum()) / np.abs(pulls).sum()
    assert float(factors(layer).weight.agreement[3, 2]) == pytest.approx(expected, rel=1e-12)


def test_without_a_gradient_nobody_pulls():
    network = Network.create([2, 2], dtype="float64")
    anatomy = backward(network, forward(network, np.zeros((3, 2))), np.zeros(3, int))
    np.testing.assert_array_equal(sample_gradients(anatomy["output"], Address("output")), 0)


def test_a_negative_pull_pushes_up_because_descent_goes_against_the_gradient():
    network = Network.create([1, 1], init="zeros", dtype="float64")
    x, y = np.ones((3, 1)), np.array([[5.0], [-1.0], [0.0]])
    anatomy = backward(network, forward(network, x), y, loss="squared")
    up, down = strongest(sample_gradients(anatomy["output"], Address("output", "weight", 0, 0)))
    assert (up.tolist(), down.tolist()) == ([0], [1])  # target 5 raises the weight, -1 lowers it


def test_the_strongest_come_first_and_no_more_than_there_are():
    pulls = np.array([0.5, -2.0, 0.0, 1.0, -0.1, -3.0])
    up, down = strongest(pulls, top=2)
    assert (up.tolist(), down.tolist()) == ([5, 1], [3, 0])
    up, down = strongest(pulls, top=9)
    assert (up.tolist(), down.tolist()) == ([5, 1, 4], [3, 0])
    up, down = strongest(np.zeros(4))
    assert (up.size, down.size) == (0, 0)


@pytest.mark.parametrize("function", [contributions, paths])
def test_a_neuron_that_is_not_there_is_refused(case, function):
    network, anatomy = case
    with pytest.raises(AddressError) as raised:
        function(network, anatomy, "hidden1", 5)
    assert str(raised.value) == (
        "hidden1[5]: the neuron must be a number from 0 to 4 in layer hidden1, got 5. Count from 0."
    )


def test_anatomies_of_numpy_arrays_will_do(case):
    network, anatomy = case
    plain = jax.tree.map(np.asarray, anatomy)
    assert isinstance(plain["hidden1"].delta, np.ndarray)
    assert paths(network, plain, "hidden1", 0) == paths(network, anatomy, "hidden1", 0)
    address = Address("hidden1", None, None, 1)
    np.testing.assert_array_equal(
        sample_gradients(plain["hidden1"], address), sample_gradients(anatomy["hidden1"], address)
    )
