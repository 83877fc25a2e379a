"""PyTorch: modules in memory, and a script that needs no whygrad."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import whygrad as wg
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.errors import ExportError, RunError
from whygrad.interop.exporting import torch_plan
from whygrad.interop.exporting.torch_script import load_script

# rows of the trial, and those of the flats, lack values where the training part has all
pytestmark = pytest.mark.filterwarnings("ignore:Missing values:whygrad.errors.RunWarning")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_modules_give_the_networks_outputs(name):
    hidden = "relu" if name == "softmax" else name
    network = wg.Network.create([3, 4, 2], activation=hidden, output_activation=name, seed=3)
    modules = wg.to_torch(network)
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    with torch.no_grad():
        theirs = modules(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(theirs, wg.forward(network, x).output, rtol=1e-5, atol=1e-6)


def test_modules_are_what_pytorch_would_build(plain):
    modules = wg.to_torch(plain)
    kinds = [type(module) for module in modules]
    assert kinds == [nn.Linear, nn.Softplus, nn.Dropout, nn.Linear]
    assert modules[2].p == 0.25 and not modules.training
    assert modules[0].weight.shape == (4, 3) and modules[0].weight.requires_grad


def test_float64_modules_are_double(float64):
    network = wg.Network.create([3, 2], dtype="float64")
    assert wg.to_torch(network)[0].weight.dtype == torch.float64


@pytest.mark.long
@pytest.mark.parametrize("target", ["price", "size", "town"])
def test_the_script_predicts_from_raw_rows(flats, target, tmp_path):
    run, raw = flats[target].run, flats[target].raw
    told = run.export(tmp_path / "flat.py")
    assert [path.name for path in told.files] == ["flat.py", "flat.weights.safetensors"]
    script = load_script(tmp_path / "flat.py")
    theirs = script.predict(raw.to_numpy(object).tolist())
    if target == "price":
        np.testing.assert_allclose(theirs, run.predict(raw), rtol=1e-9)
    else:
        assert theirs == run.predict(raw).tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == [p.name for p in told.files]


def test_the_script_of_labels_and_of_a_bare_network(plain, tmp_path):
    x = np.random.default_rng(2).normal(size=(9, 3))
    plain.export(tmp_path / "labels.py")
    script = load_script(tmp_path / "labels.py")
    assert [tuple(chosen) for chosen in script.predict(x.tolist())] == plain.predict(x)
    network = wg.Network.create([3, 4, 2], activation="exponential", seed=1)
    wg.export(network, tmp_path / "bare.py")
    theirs = load_script(tmp_path / "bare.py").predict(x.tolist())
    np.testing.assert_allclose(theirs, wg.forward(network, x).output, rtol=1e-4)


@pytest.mark.long
def test_the_script_runs_where_whygrad_is_not(plain, tmp_path):
    plain.export(tmp_path / "labels.py")
    code = (
        "import sys; sys.modules['whygrad'] = None; sys.path.insert(0, '.'); import labels; "
        "print(labels.predict([[9, -9, 0]]))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str([list(plain.predict(np.array([[9.0, -9.0, 0.0]]))[0])])


@pytest.mark.parametrize("in_the_way", ["net.py", "net.weights.safetensors"])
def test_a_script_and_its_weights_are_written_together_or_not_at_all(plain, in_the_way, tmp_path):
    (tmp_path / in_the_way).mkdir()
    with pytest.raises(RunError, match=rf"cannot be written to .*{in_the_way}: Is a directory\."):
        wg.export(plain, tmp_path / "net.py")
    assert [path.name for path in tmp_path.iterdir()] == [in_the_way]


def test_modules_that_give_something_else_are_not_handed_over(monkeypatch, tmp_path):
    monkeypatch.setitem(torch_plan.ACTIVATIONS, "relu", ("Sigmoid", {}))
    network = wg.Network.create([3, 4, 2])
    with pytest.raises(ExportError, match=r"^The PyTorch export should put out"):
        wg.to_torch(network)
    with pytest.raises(ExportError, match=r"^The PyTorch export should put out"):
        wg.export(network, tmp_path / "net.py")
    assert list(tmp_path.iterdir()) == []
