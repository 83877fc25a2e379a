"""Clones: found whole, never by a chain of likeness, and followed to their equal gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.core import grouping
from whygrad.core.backprop import backward, forward
from whygrad.core.grouping import representatives, side
from whygrad.core.nn import Network
from whygrad.core.optimizer import apply_update, build_stages, run_stages, start
from whygrad.core.symmetry import (
    CloneGroup,
    clone_groups,
    clones,
    distinct,
    effective_width,
    gradient_inward,
    inward,
    proof,
    signatures,
)
from whygrad.errors import OptionError
from whygrad.settings import Settings

CHAIN = [
    "weight_in", "bias", "preactivation", "output", "weight_out", "upstream", "delta",
    "gradient_in", "gradient_bias", "gradient_out",
]  # fmt: skip


def network_of(factors: dict[int, tuple[int, float]], activation: str, **more) -> Network:
    """Return 4-7-3 neurons where some are others times a factor, weights out divided by it."""
    rng = np.random.default_rng(0)
    incoming, bias, outgoing = rng.normal(size=(4, 7)), rng.normal(size=7), rng.normal(size=(7, 3))
    for neuron, (source, factor) in factors.items():
        incoming[:, neuron] = factor * incoming[:, source]
        bias[neuron] = factor * bias[source]
        outgoing[neuron] = outgoing[source] / factor
    names = [activation, "identity"]
    return Network.from_arrays([incoming, outgoing], [bias, None], activations=names, **more)


RELATED = {2: (1, 1), 3: (0, 1), 5: (0, -1), 6: (0, 2)}


def batch() -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(1).normal(size=(9, 4)), np.arange(9) % 3


def test_a_drawn_network_has_no_clones():
    network = Network.create([4, 6, 5, 2], seed=3)
    assert clones(network) == {"hidden1": [], "hidden2": []}
    assert effective_width(network) == {"hidden1": 6, "hidden2": 5}


def test_a_network_without_hidden_layers_has_none_to_look_at():
    network = Network.create([4, 2])
    assert clones(network) == clone_groups(network) == effective_width(network) == {}
    assert proof(network, backward(network, forward(network, np.ones((1, 4))), np.array([0]))) == []


@pytest.mark.parametrize("init", ["zeros", "constant:0.5"])
def test_a_constant_start_makes_one_neuron_of_each_layer(init):
    network = Network.create([4, 6, 5, 2], init=init)
    assert clones(network) == {"hidden1": [(0, 1, 2, 3, 4, 5)], "hidden2": [(0, 1, 2, 3, 4)]}
    assert effective_width(network) == {"hidden1": 1, "hidden2": 1}


@pytest.mark.parametrize("part", ["weight", "bias", "out"])
def test_every_part_must_be_equal(part):
    network = Network.create([2, 3, 2], init="constant:1", bias_init="constant:1")
    layer, name = ("output", "weight") if part == "out" else ("hidden1", part)
    where = {"weight": (0, 1), "bias": (1,), "out": (1, 0)}[part]
    parameters = network.parameters
    parameters[layer][name] = parameters[layer][name].at[where].add(0.01)
    assert clones(network.with_parameters(parameters)) == {"hidden1": [(0, 2)]}


def test_layers_without_biases_have_clones_too():
    assert clones(Network.create([2, 3, 2], init="constant:1", bias=False)) == {
        "hidden1": [(0, 1, 2)]
    }


@pytest.mark.parametrize(
    ("activation", "more"),
    [
        ("sigmoid", []),
        ("softmax", []),
        ("tanh", [((0, 3, 5), "mirrored", (1, 1, -1))]),
        ("relu", [((0, 3, 6), "scaled", (1, 1, 2))]),
        ("leaky_relu", [((0, 3, 6), "scaled", (1, 1, 2))]),
        (
            "identity",
            [((0, 3, 5), "mirrored", (1, 1, -1)), ((0, 3, 5, 6), "scaled", (1, 1, -1, 2))],
        ),
    ],
)
def test_what_counts_as_the_same_depends_on_the_activation(activation, more):
    groups = clone_groups(network_of(RELATED, activation))["hidden1"]
    expected = [((0, 3), "equal", (1, 1)), ((1, 2), "equal", (1, 1)), *more]
    assert [(group.neurons, group.kind) for group in groups] == [e[:2] for e in expected]
    for group, (_, _, factors) in zip(groups, expected, strict=True):
        np.testing.assert_allclose(group.factors, factors, rtol=1e-6)


def test_the_widths_count_equal_neurons_only():
    assert effective_width(network_of(RELATED, "identity")) == {"hidden1": 5}


def test_neurons_of_nothing_are_equal_and_only_that():
    network = Network.create([2, 3, 2], init="zeros", activation="identity")
    assert clone_groups(network) == {"hidden1": [CloneGroup((0, 1, 2), "equal", (1.0, 1.0, 1.0))]}


def apart(distances: list[float]) -> Network:
    """Return neurons whose first weight grows by the distances, in float64."""
    first = 1 + np.cumsum([0, *distances])
    incoming = np.stack([first, np.zeros_like(first)])
    outgoing = np.ones((len(first), 1))
    return Network.from_arrays([incoming, outgoing], None, activations=["relu", "identity"])


def test_the_tolerance_does_not_chain(float64):
    network = apart([0.8e-6] * 3)
    assert clones(network, tolerance=1e-6) == {"hidden1": [(0, 1), (2, 3)]}
    assert clones(network, tolerance=1.7e-6) == {"hidden1": [(0, 1, 2)]}
    assert clones(network, tolerance=1e-5) == {"hidden1": [(0, 1, 2, 3)]}
    assert clones(network, tolerance=1e-7) == {"hidden1": []}


def test_a_tolerance_of_zero_asks_for_equality_to_the_bit(float64):
    assert clones(apart([0.0, 1e-15]), tolerance=0.0) == {"hidden1": [(0, 1)]}


def test_the_tolerance_is_relative_to_the_neuron(float64):
    large, small = apart([0.5e-6]), apart([0.5e-6])
    scale = lambda c, net: net.with_parameters(jax.tree.map(lambda p: c * p, net.parameters))  # noqa: E731
    for factor, network in ((1e9, large), (1e-9, small)):
        assert clones(scale(factor, network), tolerance=1e-6) == {"hidden1": [(0, 1)]}
        assert clones(scale(factor, network), tolerance=1e-7) == {"hidden1": []}


@pytest.mark.parametrize("tolerance", [-1e-9, float("nan"), float("inf")])
def test_an_impossible_tolerance_is_refused(tolerance):
    for function in (clones, clone_groups, effective_width):
        with pytest.raises(OptionError) as raised:
            function(Network.create([1, 1]), tolerance=tolerance)
        assert str(raised.value) == (
            f"tolerance must be a finite number ≥ 0, got {tolerance!r}. "
            "Choose a value in that range."
        )


def brute_force(columns: np.ndarray, tolerance: float) -> list[int]:
    """Return for each column the first representative within tolerance, comparing with all."""
    chosen: list[int] = []
    for k, column in enumerate(columns.T):
        fits = (
            r
            for r in sorted(set(chosen))
            if np.linalg.norm(column - columns[:, r]) <= tolerance * np.linalg.norm(columns[:, r])
        )
        chosen.append(next(fits, k))
    return chosen


@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 30),
    length=st.sampled_from([1, 3, 20]),
    kinds=st.integers(1, 5),
    noise=st.sampled_from([0.0, 1e-8, 3e-7, 1e-2]),
)
def test_groups_are_those_of_comparing_all_pairs(seed, count, length, kinds, noise):
    rng = np.random.default_rng(seed)
    sources = rng.normal(size=(length, kinds)) + 3  # no column near 0
    columns = sources[:, rng.integers(0, kinds, count)]
    columns = columns * (1 + noise * rng.uniform(-1, 1, columns.shape))
    assert representatives([side(columns)], 1e-6).tolist() == brute_force(columns, 1e-6)


def test_many_neurons_between_one_and_two_tolerances_are_told_apart():
    rng = np.random.default_rng(0)
    columns = 1 + 1.2e-6 / np.sqrt(2) * rng.normal(size=(50, 40))
    assert representatives([side(columns)], 1e-6).tolist() == brute_force(columns, 1e-6)


def test_large_matrices_are_taken_in_pieces(monkeypatch):
    network = network_of(RELATED, "identity")
    whole = clone_groups(network)
    monkeypatch.setattr(grouping, "PIECE", 7)  # a row at a time
    assert clone_groups(network) == whole


@pytest.mark.parametrize("kinds", [1, 5, 600])
def test_wide_layers_are_sorted_out(kinds):
    rng = np.random.default_rng(0)
    member = np.concatenate([np.arange(kinds), rng.integers(0, kinds, 600 - kinds)])
    incoming = rng.normal(size=(20, kinds))[:, member]
    outgoing = rng.normal(size=(kinds, 3))[member]
    network = Network.from_arrays([incoming, outgoing], None, activations=["relu", "identity"])
    assert effective_width(network) == {"hidden1": kinds}
    expected = [tuple(np.flatnonzero(member == kind).tolist()) for kind in range(kinds)]
    assert clones(network)["hidden1"] == [group for group in expected if len(group) > 1]


@pytest.mark.parametrize("activation", ["tanh", "identity", "relu", "softmax"])
def test_a_batch_proves_that_clones_stay_together(activation):
    network = network_of(RELATED, activation)
    x, y = batch()
    proofs = proof(network, backward(network, forward(network, x), y))
    groups = [group for group in clone_groups(network)["hidden1"] if group.kind != "scaled"]
    assert [(one.layer, one.group) for one in proofs] == [("hidden1", group) for group in groups]
    for one in proofs:
        assert one.holds and one.broken is None
        assert [link.name for link in one.links] == CHAIN
        assert all(link.scale > 0 for link in one.links)


def test_without_biases_the_chain_has_none():
    network = Network.create([4, 3, 3], init="constant:0.2", bias=False)
    x, y = batch()
    (one,) = proof(network, backward(network, forward(network, x), y))
    assert [link.name for link in one.links] == [name for name in CHAIN if "bias" not in name]


def test_dropout_breaks_the_proof_at_the_outputs():
    network = network_of(RELATED, "tanh", dropout=0.5)
    x, y = batch()
    proofs = proof(network, backward(network, forward(network, x, key=jax.random.key(0)), y))
    assert [one.broken for one in proofs] == ["output"] * 3


def test_the_proof_gives_the_largest_difference_inside_the_group():
    network = network_of(RELATED, "tanh")
    weight = network["hidden1"].weight.at[2, 3].add(1e-3)
    parameters = network.parameters
    parameters["hidden1"]["weight"] = weight
    near = network.with_parameters(parameters)
    x, y = batch()
    anatomy = backward(near, forward(near, x), y)
    one = next(p for p in proof(near, anatomy, tolerance=1e-2) if p.group.neurons == (0, 3))
    links = {link.name: link.difference for link in one.links}
    assert links["weight_in"] == pytest.approx(1e-3, rel=1e-3)
    z = np.asarray(anatomy["hidden1"].preactivation)
    assert links["preactivation"] == pytest.approx(np.abs(z[:, 0] - z[:, 3]).max())
    gradient = np.asarray(anatomy.gradients()["hidden1"]["weight"])
    assert links["gradient_in"] == pytest.approx(np.abs(gradient[:, 0] - gradient[:, 3]).max())
    out = np.asarray(anatomy.gradients()["output"]["weight"])
    assert links["gradient_out"] == pytest.approx(np.abs(out[0] - out[3]).max())


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw", "rmsprop", "lion"])
@pytest.mark.parametrize(
    ("activation", "kind", "stays"),
    [("tanh", "equal", True), ("tanh", "mirrored", True), ("relu", "equal", True),
     ("relu", "scaled", False)],
)  # fmt: skip
def test_steps_do_to_clones_what_their_kind_says(optimizer, activation, kind, stays, float64):
    network = network_of(RELATED, activation)
    (group, *_) = [g for g in clone_groups(network)["hidden1"] if g.kind == kind]
    settings = Settings(optimizer=optimizer, learning_rate=0.01, weight_decay=0.1)
    stages = build_stages(settings, 0.01, 5)
    state = start(stages, network.parameters)
    x, y = batch()
    for _ in range(5):
        gradients = backward(network, forward(network, x), y).gradients()
        outputs, state = run_stages(stages, state, gradients, network.parameters)
        network = network.with_parameters(
            apply_update(network.parameters, outputs["learning_rate"])
        )
    groups = clone_groups(network, tolerance=1e-9)["hidden1"]
    assert ((group.neurons, kind) in [(g.neurons, g.kind) for g in groups]) is stays


def signed(network: Network, x: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return the signatures of every layer, with the gradients of a batch."""
    n_in = network.sizes[0]
    x = np.random.default_rng(0).normal(size=(8, n_in)) if x is None else x
    y = np.random.default_rng(1).normal(size=(len(x), network.sizes[-1]))
    anatomy = backward(network, forward(network, x), y, loss="squared")
    found = {}
    for name, dense in network.items():
        gradient = jnp.asarray(anatomy.gradients()[name]["weight"])
        reach = anatomy[name].share * jnp.linalg.norm(anatomy[name].input, axis=1)
        pulls = reach @ jnp.abs(anatomy[name].delta)
        found[name] = np.asarray(
            signatures(inward(dense), gradient_inward(gradient), pulls, np.zeros(len(pulls), int))
        )
    return found


def test_equal_neurons_have_equal_signatures_and_others_do_not():
    network = network_of({2: (1, 1), 3: (0, 1)}, "tanh")
    came = signed(network)
    assert {name: numbers.shape for name, numbers in came.items()} == {
        "hidden1": (7,),
        "output": (3,),
    }
    hidden = came["hidden1"]
    assert hidden[0] == pytest.approx(hidden[3], rel=1e-6)
    assert hidden[1] == pytest.approx(hidden[2], rel=1e-6)
    assert np.abs(np.diff(np.sort(hidden[[0, 1, 4, 5, 6]]))).min() > 1e-3
    assert distinct(hidden) == effective_width(network)["hidden1"] == 5


@pytest.mark.parametrize("part", ["weight", "bias", "out"])
def test_signatures_tell_where_every_part_differs(part):
    network = Network.create([2, 2, 2], init="constant:1", bias_init="constant:1")
    layer, name = ("output", "weight") if part == "out" else ("hidden1", part)
    parameters = network.parameters
    where = {"weight": (0, 1), "bias": (1,), "out": (1, 0)}[part]
    parameters[layer][name] = parameters[layer][name].at[where].add(0.01)
    for one, expected in ((network, 1), (network.with_parameters(parameters), 2)):
        assert distinct(signed(one)["hidden1"]) == expected


@pytest.mark.parametrize("fan", ["in", "gradient", "both"])
def test_signatures_of_layers_without_weights_or_gradients_are_finite(fan):
    weights, gradients = jnp.asarray([0.0, 0.0]), jnp.asarray([0.0, 0.0])
    if fan == "in":
        weights = jnp.asarray([1.0, 2.0])
    if fan == "gradient":
        gradients = jnp.asarray([1.0, 2.0])
    came = np.asarray(
        signatures(weights, gradients, jnp.abs(gradients), np.zeros(weights.shape[-1], int))
    )
    assert np.isfinite(came).all()
    assert distinct(came) == (1 if fan == "both" else 2)


def test_swapped_weights_are_no_clones():
    swapped = Network.from_arrays(
        [np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones((2, 1))],
        None,
        activations=["relu", "identity"],
    )
    assert distinct(signed(swapped)["hidden1"]) == 2
    assert clones(swapped) == {"hidden1": []}


def test_different_neurons_are_counted_without_chains():
    assert distinct(np.array([])) == 0
    assert distinct(np.zeros(5)) == 1
    assert distinct(np.array([3.0, 1.0, 2.0, 1.0])) == 3
    assert distinct(np.array([1.0, 1.08, 1.16, 1.24]), tolerance=0.1 / 1.24) == 2


def test_weights_in_are_followed_through_a_stack_of_networks():
    stack = jax.tree.map(lambda a: jnp.stack([a, 2 * a]), network_of(RELATED, "tanh"))
    together = jax.vmap(lambda network: inward(network["hidden1"]))(stack)
    np.testing.assert_allclose(2 * together[0], together[1], rtol=1e-5)


def test_what_is_equal_to_one_vector_is_found(monkeypatch):
    draw = np.random.default_rng(0)
    upper, lower = draw.normal(size=(5, 6)), draw.normal(size=(2, 6))
    upper[:, 4], lower[:, 4] = upper[:, 1] * (1 + 1e-8), lower[:, 1]
    upper[:, 3] = upper[:, 1]  # but not below
    for piece in (2**20, 7):
        monkeypatch.setattr(grouping, "PIECE", piece)
        equal = grouping.equal_to(1, [upper, lower], 1e-6)
        assert np.flatnonzero(equal).tolist() == [1, 4]
    assert grouping.equal_to(0, [np.zeros((3, 4))], 1e-6).all()
