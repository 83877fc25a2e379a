"""One record, two producers: the same training, by whygrad and watched in PyTorch, reads alike."""

from itertools import pairwise

import jax
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import whygrad as wg
from whygrad.record.fields import DEFINED, FIELDS, ROW_FIELDS, comparable, directions

SIZES = (5, 7, 6, 3)
BATCH = 16
EPOCHS = 3
MODULES = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}
LOSSES = {
    "softmax_cross_entropy": lambda claims, y: F.cross_entropy(claims, y.long()),
    "mean_squared": F.mse_loss,
}


def made(activation: str, loss: str) -> tuple[wg.Network, wg.Data]:
    """Return a network with wide weights, so that neurons are shut for some samples, and data."""
    draws = np.random.default_rng(0)
    x = draws.normal(size=(90, SIZES[0])) * 2
    y = np.argmax(x[:, :3], axis=1) if "entropy" in loss else x[:, :3] ** 2 + x[:, 2:]
    weights = [draws.normal(size=two) for two in pairwise(SIZES)]
    biases = [draws.normal(size=n) for n in SIZES[1:]]
    weights[0][:, 4], biases[0][4] = weights[0][:, 2], biases[0][2]  # clones, but for their exits
    activations = [activation, activation, "identity"]
    network = wg.Network.from_arrays(
        [w.astype(np.float32) for w in weights],
        [b.astype(np.float32) for b in biases],
        activations=activations,
    )
    return network, wg.from_arrays(x, y)


def trained(network: wg.Network, data: wg.Data, loss: str) -> wg.Run:
    return wg.train(
        network,
        data,
        loss=loss,
        optimizer="sgd",
        learning_rate=0.05,
        batch_size=BATCH,
        epochs=EPOCHS,
        record_every=1,
        shuffle="never",
    )


def watched(network: wg.Network, data: wg.Data, loss: str) -> wg.Run:
    layers: list[nn.Module] = []
    for dense in network.dense:
        linear = nn.Linear(dense.n_in, dense.n_out)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(np.asarray(dense.weight).T.copy()))
            linear.bias.copy_(torch.tensor(np.asarray(dense.bias).copy()))
        layers += [linear, *([MODULES[dense.activation]()] if dense.activation in MODULES else [])]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    x, y = (torch.tensor(np.array(part)) for part in (data.train.x, data.train.y))
    with wg.watch(model, every=1) as watch:
        for _ in range(EPOCHS):
            for begin in range(0, len(x), BATCH):
                optimizer.zero_grad()
                claims = model(x[begin : begin + BATCH])
                LOSSES[loss](claims, y[begin : begin + BATCH]).backward()
                optimizer.step()
    return watch.run


@pytest.fixture(scope="module", params=list(LOSSES))
def loss(request) -> str:
    return request.param


@pytest.fixture(scope="module", params=list(MODULES))
def runs(request, loss) -> tuple[wg.Run, wg.Run]:
    network, data = made(request.param, loss)
    return trained(network, data, loss), watched(network, data, loss)


def test_every_column_of_the_record_is_the_same(runs):
    own, other = runs
    for name, twin in zip(own.layers, other.layers, strict=True):
        (steps, rows), (again, columns) = own.rows(name), other.rows(twin)
        np.testing.assert_array_equal(steps, again)
        for place, field in enumerate(ROW_FIELDS):
            ours, theirs = rows[:, place], columns[:, place]
            size = np.abs(ours).max()
            np.testing.assert_allclose(
                theirs, ours, rtol=1e-3, atol=2e-5 * size, err_msg=f"{name} {field}"
            )


def test_neurons_are_shut_and_clones_found_on_both_sides(runs):
    for run in runs:
        rows = run.rows(run.layers[0])[1]
        opened = rows[:, ROW_FIELDS.index("open")]
        assert opened.min() < 1
        marks = rows[:, ROW_FIELDS.index("signature")]
        assert len(np.unique(np.round(marks[-1], 3))) >= SIZES[1] - 1


def test_losses_and_layers_are_the_same(runs):
    own, other = runs
    ours, theirs = ([line["loss"] for line in run.history_lines] for run in runs)
    np.testing.assert_allclose(theirs, ours, rtol=1e-4)
    for spec, twin in zip(own.specs.values(), other.specs.values(), strict=True):
        assert (spec.n_in, spec.n_out, spec.activation) == (twin.n_in, twin.n_out, twin.activation)
        assert spec.steepest == pytest.approx(twin.steepest)
        assert spec.is_exactly_flat == twin.is_exactly_flat
    assert own.description["fields"] == other.description["fields"] == DEFINED


def test_the_directions_are_those_of_the_compiled_loop():
    from whygrad.core.symmetry import _directions

    for like in (np.zeros(1, np.float32), jax.numpy.zeros(1)):
        np.testing.assert_array_equal(np.asarray(_directions(5000, like)), directions(5000))


def test_a_run_of_an_older_edition_is_compared_in_what_has_stayed():
    assert comparable({"fields": DEFINED}) == list(range(len(FIELDS)))
    assert [FIELDS[place].name for place in comparable({})] == list(ROW_FIELDS[:4])
