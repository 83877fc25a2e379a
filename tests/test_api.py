"""The interface that DESIGN.md promises, as it is written there."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import whygrad as wg
from whygrad.api import _as_data
from whygrad.errors import InputError, OptionError, RunError
from whygrad.interop.tracking import Tracker


def test_the_interface_as_designed(tmp_path):
    data = wg.load("digits")
    net = wg.Network.create(
        [64, 32, 32, 10], activation="relu", init="he_normal", bias_init="zeros", seed=0
    )
    assert net["hidden1"].weight.shape == (64, 32) and net["hidden1"].bias.shape == (32,)
    assert net.layers == ("hidden1", "hidden2", "output")
    run = wg.train(
        net,
        data,
        loss="auto",
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=64,
        epochs=2,
        record_every=10,
        seed=0,
        out=tmp_path / "a",
    )
    run = wg.open_run(tmp_path / "a")
    assert isinstance(run.network, wg.Network)
    assert len(run.predict(data.test.x[:5] * 16)) == 5
    assert set(run.evaluate()) >= {"loss", "accuracy", "balanced_accuracy", "auc"}
    assert isinstance(run.history, pd.DataFrame)
    assert {"step", "epoch", "loss"} <= set(run.history.columns)
    assert run.history["step"].is_monotonic_increasing and run.history["step"].is_unique
    neurons = run.neurons("hidden1")
    assert isinstance(neurons, xr.Dataset) and set(neurons.dims) == {"step", "neuron"}
    assert {"upstream", "slope", "input", "agreement"} <= set(neurons.data_vars)
    ledger = run.why("hidden1.weight[5, 3]", step=20)
    print(ledger)
    assert ledger.factors and ledger.to_dict()
    assert isinstance(ledger.gradient, float) and isinstance(ledger.update, float)

    x, y = data.train.x[:8], data.train.y[:8]
    trace = wg.forward(net, x)
    assert trace.output.shape == (8, 10)
    first = trace["hidden1"]
    assert (first.input.shape, first.preactivation.shape, first.output.shape) == (
        (8, 64),
        (8, 32),
        (8, 32),
    )
    anatomy = wg.backward(net, trace, y, loss="softmax_cross_entropy", sample_weight=None)
    layer = anatomy["hidden1"]
    for name in ("preactivation", "output", "upstream", "slope", "delta"):
        assert getattr(layer, name).shape == (8, 32)
    gradient = anatomy.gradients()["hidden1"]["weight"]
    f = wg.factors(anatomy["hidden1"])
    np.testing.assert_allclose(f.weight.product, np.abs(gradient), rtol=1e-4, atol=1e-8)
    for each in (f.weight, f.bias, f.neuron):
        assert each.upstream.shape == each.slope.shape == each.input.shape == each.agreement.shape
    assert set(wg.clones(net)) == set(wg.effective_width(net)) == {"hidden1", "hidden2"}


def test_from_arrays_as_designed():
    weights = [np.ones((3, 2)), np.ones((2, 2)), np.ones((2, 1))]
    net = wg.Network.from_arrays(weights, None, activations=["relu", "relu", "identity"])
    assert net.sizes == (3, 2, 2, 1) and net["output"].bias is None


def test_the_other_roads_to_data(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 2))
    table = tmp_path / "table.csv"
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "price": x.sum(axis=1)}).to_csv(table, index=False)
    data = wg.load(str(table), target="price")
    net = wg.Network.create([2, 3, 1], seed=0)
    for number, each in enumerate((data, wg.from_arrays(x, x.sum(axis=1)), (x, x.sum(axis=1)))):
        run = wg.train(net, each, epochs=1, out=tmp_path / str(number))
        assert set(run.evaluate()) >= {"loss", "r2", "mae", "mae_share"}
    assert (
        wg.train(wg.Network.create([2, 2, 1]), "xor", epochs=1).description["data"]["name"] == "xor"
    )


def plainly(function):
    """Return a function without the check of types that the tests put around it."""
    return getattr(function, "__wrapped__", function)


@pytest.mark.parametrize("data", [None, 5, [[1.0]], np.ones((3, 2)), (1, 2, 3)], ids=repr)
def test_what_is_no_data_is_told(data):
    with pytest.raises(InputError) as raised:
        plainly(_as_data)(data)
    assert str(raised.value) == (
        "Training needs data from whygrad.load or whygrad.from_arrays, a name or path, or a pair "
        f"(x, y), got {type(data).__name__}. Pass one of these."
    )


def test_the_start_stays_as_it_is(tmp_path):
    net = wg.Network.create([2, 3, 1], seed=0)
    before = np.array(net["hidden1"].weight)
    run = wg.train(net, "xor", epochs=1, out=tmp_path / "a")
    np.testing.assert_array_equal(net["hidden1"].weight, before)
    assert (np.asarray(run.network["hidden1"].weight) != before).any()


def test_the_same_call_gives_the_same_numbers(tmp_path):
    runs = [
        wg.train(wg.Network.create([2, 3, 1], seed=0), "xor", epochs=2, out=tmp_path / str(i))
        for i in range(2)
    ]
    assert runs[0].history.equals(runs[1].history)


def test_no_folder_given_means_one_that_goes_with_the_process():
    code = (
        "import whygrad as wg\n"
        "run = wg.train(wg.Network.create([2, 1]), 'xor', epochs=1)\n"
        "print(run.path, run.path.is_dir())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    path, was_there = done.stdout.split()
    assert was_there == "True" and not Path(path).exists()


def test_an_unknown_setting_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(OptionError):
        wg.train(wg.Network.create([2, 1]), "xor", epoch=3, out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_part_without_samples_cannot_be_evaluated(tmp_path):
    data = wg.load("xor", test=0)
    run = wg.train(wg.Network.create([2, 2, 1]), data, epochs=1, out=tmp_path / "a")
    with pytest.raises(RunError) as raised:
        run.evaluate()
    assert str(raised.value) == (
        "The part test has no samples to evaluate. Give it a share of the data when loading."
    )


def test_a_run_says_what_it_is(tmp_path):
    run = wg.train(wg.Network.create([2, 1]), "xor", epochs=1, out=tmp_path / "a")
    assert repr(run) == f"Run({str(tmp_path / 'a')!r}, xor, finished)"


def test_progress_is_told_after_every_stretch(tmp_path):
    told = []
    run = wg.train(
        wg.Network.create([2, 1]), "xor", epochs=3, watch=told.append, out=tmp_path / "a"
    )
    assert told[-1].step == told[-1].total_steps == run.steps
    assert [m.epoch_end.epoch for m in told if m.epoch_end] == [1, 2, 3]
    assert [m.step for m in told] == sorted({m.step for m in told})


def test_an_origin_that_no_run_could_hold_is_refused(tmp_path):
    network = wg.Network.create([4, 3], seed=0)
    with pytest.raises(InputError) as raised:
        wg.train(network, "iris", origin={"data": "iris"}, out=tmp_path / "a", epochs=1)
    assert str(raised.value) == (
        "The origin of a run holds what was asked for by section, so data must be an object, got "
        '"iris". Pass a dict such as {"data": {"source": "table.csv"}}, or leave origin out.'
    )
    assert not (tmp_path / "a").exists()


class Listening(Tracker):
    """A tracker that keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.written = []

    def _open(self, notes):
        self.notes = notes

    def _write(self, entry):
        self.written.append(entry)


def test_a_tracker_is_given_as_log_beside_a_callback(tmp_path):
    tracker, told = Listening(), []

    def stop(event):
        told.append(event.step)
        return event.epoch == 1

    network, path = wg.Network.create([2, 1]), tmp_path / "a"
    wg.train(network, "xor", epochs=2, out=path, log=tracker, watch=stop)
    assert told and tracker.steps > 0 and tracker.notes["epochs"] == 2
    resumed = Listening()
    run = wg.resume(path, log=resumed)
    assert resumed.steps > 0 and tracker.steps + resumed.steps == len(run.history)


def test_a_log_that_is_no_tracker_is_an_error(tmp_path):
    message = (
        'log must be a tracker, got 3. Pass for example wg.TensorBoard("logs"), wg.WandB(...) or '
        "wg.MLflow(...)."
    )
    for call in (
        lambda: wg.train(wg.Network.create([2, 1]), "xor", log=3, out=tmp_path / "a"),
        lambda: wg.resume(tmp_path / "a", log=3),
    ):
        with pytest.raises(OptionError) as caught:
            call()
        assert str(caught.value) == message
    assert not (tmp_path / "a").exists()
