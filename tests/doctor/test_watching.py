"""What is certain before the first step and while training goes on, and what is not."""

from dataclasses import replace

import numpy as np
import pytest

import whygrad as wg
from whygrad.doctor.during_training import before_training, during_training
from whygrad.doctor.finding import Finding
from whygrad.doctor.wording import sentence
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.files import write_whole
from whygrad.record.sealed import sealed_lines, write_tensors

OPEN = ROW_FIELDS.index("open")


def kinds(setup) -> list[str]:
    return [finding.kind for finding in before_training(setup, setup.start(1000))]


def test_of_a_healthy_network_nothing_is_certain(make):
    for task in ("classes", "binary", "labels", "numbers"):
        assert kinds(make(task)) == []


def one_unit(make, loss: str, activation: str):
    return make("binary", loss=loss, output_activation=activation)


CERTAIN = {
    "one_unit_softmax": lambda make: one_unit(make, "squared", "softmax"),
    "too_few_outputs": lambda make: replace(make("binary"), labels=np.arange(64) % 3),
    "out_of_range": lambda make: make("numbers", target_scale=100.0, output_activation="sigmoid"),
    "not_probabilities": lambda make: one_unit(make, "clipped_binary_cross_entropy", "identity"),
    "loss_of_one_unit": lambda make: one_unit(make, "clipped_cross_entropy", "sigmoid"),
    "loss_of_classes": lambda make: make("numbers", loss="plain_cross_entropy"),
    "broadcast_loss": lambda make: make("numbers", loss="broadcast_squared"),
    "flipped_sign": lambda make: make(maximize=True),
    "rows_apart": lambda make: make(shuffle="apart"),
    "clones": lambda make: make(init="constant:0.5"),
    "closed_start": lambda make: make(bias_init="constant:-50"),
}


@pytest.mark.parametrize("kind", CERTAIN)
def test_what_no_training_can_undo_is_certain_before_the_first_step(make, kind):
    setup = CERTAIN[kind](make)
    (found,) = [f for f in before_training(setup, setup.start(1000)) if f.kind == kind]
    assert found.step == 0
    assert sentence(found)


def test_a_layer_of_few_clones_is_certain_too(make):
    setup = make(init="constant:0.5", hidden=(2, 2))
    assert kinds(setup) == ["clones"]


UNCERTAIN = {
    "clones that dropout parts": {"init": "constant:0.5", "drop": 0.2},
    "neurons that large biases open": {"bias_init": "constant:100"},
    "saturated neurons, which still move": {"activation": "tanh", "bias_init": "constant:8"},
    "a rate that is far off": {"learning_rate": 1000.0},
    "weights that start large": {"init": "normal:30"},
    "inputs that are not scaled": {"input_scale": 1e4},
}


@pytest.mark.parametrize("what", UNCERTAIN)
def test_what_training_may_undo_is_not_certain(make, what):
    assert kinds(make(**UNCERTAIN[what])) == []


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Return the function to a run of 8 epochs of 4 steps with a made-up record."""
    folders = iter(range(100))
    root = tmp_path_factory.mktemp("watched")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    data = wg.from_arrays(x, x[:, :3].argmax(axis=1), validation=0, test=0)
    options = {"batch_size": 16, "record_every": 0}

    def begin(opened, losses, activation="relu"):
        path = root / str(next(folders))
        start = wg.Network.create([4, 3, 2, 3], activation=activation)
        run = wg.train(start, data, out=path, epochs=len(losses), **options)
        rows = np.ones((len(opened), len(ROW_FIELDS), 3), np.float32)
        rows[:, OPEN] = opened
        steps = np.arange(len(opened)) * 4
        tensors = {"steps": steps, "hidden1": rows, "hidden2": np.ones_like(rows[:, :, :2])}
        if len(opened):
            write_tensors(path / "anatomy" / "0.safetensors", tensors | {"output": rows}, {})
        lines = [
            {"step": 4 * epoch + 3, "epoch": epoch, "loss": loss, "train_loss": loss}
            for epoch, loss in enumerate(losses)
        ]
        write_whole(path / "history.jsonl", sealed_lines(lines))
        return run

    return begin


ALL, ONE, NONE = [0.5, 0.5, 0.5], [0.0, 0.1, 0.0], [0.0, 0.0, 0.0]
STILL = [1.0, 0.9, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7]


def test_a_layer_that_stays_shut_while_the_loss_stands_still_is_certain(begun):
    run = begun([ALL, ONE, ALL, *[NONE] * 5], STILL)
    (found,) = during_training(run, [])
    assert (found.kind, found.layer, found.neurons) == ("dead", "hidden1", (0, 1, 2))
    assert found.step == 12
    assert sentence(found) == (
        "All 3 neurons have had slope 0 on every sample since then, and the loss does not fall: "
        "no error gets through this layer."
    )


CASES = {
    "one neuron is open in the last recorded step": ([*[NONE] * 7, ONE], STILL),
    "it was shut in two recorded steps only": ([*[ALL] * 6, NONE, NONE], STILL),
    "it was open while the loss already stood still": ([*[ALL] * 5, *[NONE] * 3], STILL),
    "the loss still falls": ([NONE] * 8, [0.7**epoch for epoch in range(8)]),
    "there are too few epochs": ([NONE] * 8, [1.0, 1.0, 1.0]),
    "nothing was recorded": (np.zeros((0, 3)), STILL),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_certain_as_long_as(begun, case):
    assert during_training(begun(*CASES[case]), []) == []


def test_a_loss_that_rises_is_not_falling(begun):
    assert during_training(begun([NONE] * 8, [1.0 + epoch for epoch in range(8)]), [])


def test_a_saturated_layer_may_come_back(begun):
    assert during_training(begun([NONE] * 8, STILL, activation="tanh"), []) == []


@pytest.mark.parametrize("kind", ["dead", "closed_start"])
def test_a_shut_layer_is_told_once(begun, kind):
    told = [Finding(kind, 0.97, {}, (), "hidden1")]
    assert during_training(begun([NONE] * 8, STILL), told) == []
    assert during_training(begun([NONE] * 8, STILL), [replace(told[0], layer="hidden2")])
