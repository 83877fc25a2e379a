"""A run whose first epoch moves nothing stops and says why; one that may stand still goes on."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import StalledError
from whygrad.training.failing import has_moved

pytestmark = pytest.mark.long

X = np.random.default_rng(0).normal(size=(48, 4)).astype(np.float32)
Y = X @ np.array([[1.0], [-2.0], [0.5], [0.0]], np.float32)
STOOD = (
    "training should move at least one parameter in its first epoch, but all of them are exactly "
    "where they started"
)
NO_WEIGHT = (
    "training should move at least one weight in its first epoch, but all of them are exactly "
    "where they started"
)


def network(*sizes, **options) -> wg.Network:
    return wg.Network.create(sizes or [4, 3, 1], **{"bias": False, "seed": 1} | options)


def flat(*weights, activations) -> wg.Network:
    return wg.Network.from_arrays(
        [np.array(one, np.float32) for one in weights], None, activations=activations
    )


def stalled(tmp_path, start, x=X, y=Y, **settings) -> str:
    data = wg.from_arrays(x, y, validation=0, test=0)
    with pytest.raises(StalledError) as raised:
        wg.train(start, data, epochs=2, batch_size=16, out=tmp_path / "run", **settings)
    run = wg.open_run(tmp_path / "run")
    assert run.description["state"] == "failed"
    assert run.description["failure"]["message"] == str(raised.value)
    assert run.steps == 3  # what was taken can be read, and replayed
    assert len(run.history) == 2
    return str(raised.value).replace(str(tmp_path / "run"), "RUN")


def test_a_dead_layer_is_named_by_its_slope(tmp_path):
    dead = flat(-np.ones((4, 3)), np.ones((3, 1)), activations=["relu", "identity"])
    assert stalled(tmp_path, dead, x=np.abs(X)) == (
        f"RUN: {STOOD}, because the slope is 0 in layer hidden1: every neuron is in a flat region "
        "for every sample. Try another init, smaller inputs, or an activation without flat regions "
        "such as leaky_relu."
    )
    assert wg.open_run(tmp_path / "run").why("hidden1.weight[0, 0]", step=2).update == 0


def test_weights_of_0_are_named_by_the_input_they_leave(tmp_path):
    assert stalled(tmp_path, network(init="zeros")) == (
        f"RUN: {STOOD}, because the input of layer output is 0 for every sample. Give the network "
        "biases or another init, and check the data for columns that are not 0."
    )


def test_samples_that_cancel_are_named_by_their_agreement(tmp_path):
    x, y = np.array([[1.0], [-1.0]] * 8, np.float32), np.ones((16, 1), np.float32)
    said = stalled_of(tmp_path, flat([[0.0]], activations=["identity"]), x, y)
    assert said == (
        f"RUN: {STOOD}, because the agreement is 0 in layer output: what the samples ask for "
        "cancels exactly. Start from other weights, or use smaller batches."
    )


def stalled_of(tmp_path, start, x, y) -> str:
    data = wg.from_arrays(x, y, validation=0, test=0, task="numbers")
    with pytest.raises(StalledError) as raised:
        wg.train(start, data, epochs=1, batch_size=16, optimizer="sgd", out=tmp_path / "run")
    return str(raised.value).replace(str(tmp_path / "run"), "RUN")


def test_a_clipped_probability_is_named_by_its_upstream(tmp_path):
    x, y = np.ones((16, 1), np.float32), np.zeros((16, 2), np.float32)
    data = wg.from_arrays(x, y + np.float32([1, 0]), validation=0, test=0, task="labels")
    sure = flat([[-1e3, 1e3]], activations=["hard_sigmoid"])
    with pytest.raises(StalledError) as raised:
        wg.train(sure, data, epochs=1, loss="binary_cross_entropy", out=tmp_path / "run")
    assert str(raised.value).replace(str(tmp_path / "run"), "RUN") == (
        f"RUN: {STOOD}, because upstream is 0 in layer output: the loss asks for nothing although "
        "the outputs are wrong. Start with smaller weights, or take an output activation and a "
        "loss that match, such as identity with softmax_cross_entropy."
    )


def test_an_update_lost_in_rounding_names_the_stage_that_shrank_it(tmp_path):
    said = stalled(tmp_path, network(bias=True), epsilon=1e30)
    assert said.startswith(f"RUN: {NO_WEIGHT}, because the updates, ")
    assert said.endswith(
        "; the stage adam shrinks them most. Raise the learning rate, or bring the setting of that "
        "stage closer to its default."
    )


def test_a_stage_that_makes_0_of_everything_is_named(tmp_path, monkeypatch):
    # XLA takes the smallest numbers for 0, and NumPy does not
    monkeypatch.setattr("whygrad.training.loop.engine_for", lambda *_: "jax")
    said = stalled(tmp_path, network(), optimizer="sgd", clip_norm=1e-37)
    assert said.startswith(f"RUN: {STOOD}: gradients are as large as ")
    assert said.endswith(
        ", and the stage learning_rate makes 0 of them in float32. Bring its setting closer to the "
        "default."
    )


def test_going_on_with_a_run_that_stood_still_does_not_finish_it(tmp_path):
    stalled(tmp_path, network(), learning_rate=1e-20)
    for _ in range(2):
        with pytest.raises(StalledError):
            wg.resume(tmp_path / "run")
    assert wg.open_run(tmp_path / "run").description["state"] == "failed"


def test_a_perfect_network_may_stand_still():
    perfect = flat([[1.0], [-2.0], [0.5], [0.0]], activations=["identity"])
    data = wg.from_arrays(X, X @ np.asarray(perfect["output"].weight), validation=0, test=0)
    run = wg.train(perfect, data, epochs=2, optimizer="sgd", learning_rate=1e-6)
    assert run.description["state"] == "finished"
    assert not has_moved(perfect, run.network)


def test_a_network_at_its_optimum_may_stand_still():
    noisy = np.float32(Y + np.random.default_rng(1).normal(size=Y.shape))
    best = np.linalg.lstsq(X, noisy, rcond=None)[0]
    data = wg.from_arrays(X, noisy, validation=0, test=0)
    settings = {"epochs": 2, "optimizer": "sgd", "batch_size": 48, "learning_rate": 1e-5}
    run = wg.train(flat(best, activations=["identity"]), data, **settings)
    assert run.description["state"] == "finished"


def test_a_long_warm_up_is_waited_for():
    data = wg.from_arrays(X, Y, validation=0, test=0)
    settings = {"optimizer": "sgd", "learning_rate": 1e-6, "batch_size": 48, "shuffle": "never"}
    run = wg.train(network(), data, epochs=9, warmup=9, **settings)
    assert run.description["state"] == "finished"


def test_a_network_whose_output_bias_alone_moves_is_trained():
    dead = network(bias=True, bias_init="constant:-50")
    run = wg.train(dead, wg.from_arrays(X, Y, validation=0, test=0), epochs=1)
    assert run.description["state"] == "finished"
    assert has_moved(dead, run.network)


def test_the_doctor_reads_a_run_that_stood_still(tmp_path):
    stalled(tmp_path, network(init="zeros"))
    kinds = [finding.kind for finding in wg.open_run(tmp_path / "run").doctor().findings]
    assert "not_finite" not in kinds
    assert kinds


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_one_changed_number_is_movement(part):
    before = network(bias=True)
    parameters = {name: dict(parts) for name, parts in before.parameters.items()}
    parameters["hidden1"][part] = parameters["hidden1"][part].at[-1].add(1e-3)
    assert has_moved(before, before.with_parameters(parameters))
    assert not has_moved(before, before)
