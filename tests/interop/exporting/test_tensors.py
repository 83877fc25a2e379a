"""safetensors: a network leaves and comes back whole."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import whygrad as wg
from whygrad.errors import InputError
from whygrad.interop.exporting.portable import as_portable

# rows of the trial, and those of the flats, lack values where the training part has all
pytestmark = pytest.mark.filterwarnings("ignore:Missing values:whygrad.errors.RunWarning")


@pytest.mark.long
@pytest.mark.parametrize("target", ["price", "size", "town"])
def test_a_run_comes_back_with_its_preparation(flats, target, tmp_path):
    run, raw = flats[target].run, flats[target].raw
    told = run.export(tmp_path / "flat.safetensors")
    assert told.difference == 0 and told.preprocessing == "inside"
    again = wg.from_safetensors(tmp_path / "flat.safetensors")
    ours, theirs = run.predict(raw), again.predict(raw)
    if ours.dtype == object:
        assert np.array_equal(theirs, ours)
    else:  # NumPy trained it, and JAX reads it
        np.testing.assert_allclose(theirs, ours, rtol=1e-5)
    for name, dense in run.network.items():
        assert np.array_equal(again.network[name].weight, dense.weight)
        assert np.array_equal(again.network[name].bias, dense.bias)
        assert again.network[name].activation == dense.activation


def test_labels_and_dropout_come_back(plain, tmp_path):
    plain.export(tmp_path / "labels.safetensors")
    again = wg.from_safetensors(tmp_path / "labels.safetensors")
    x = np.random.default_rng(2).normal(size=(9, 3))
    assert again.predict(x) == plain.predict(x)
    assert [dense.dropout for dense in again.network.dense] == [0.25, 0.0]


@pytest.mark.parametrize("ending", ["onnx", "safetensors", "py"])
def test_what_came_back_can_leave_again(flats, ending, tmp_path):
    flats["price"].run.export(tmp_path / "flat.safetensors")
    again = wg.from_safetensors(tmp_path / "flat.safetensors")
    told = wg.export(again, tmp_path / f"again.{ending}")
    assert (told.preprocessing, told.meaning, told.rows) == ("inside", "quantities", 200 + 5)


def test_names_and_shapes_are_ours(tmp_path):
    network = wg.Network.create([3, 4, 2], activation="gelu", bias=False)
    told = wg.export(network, tmp_path / "net.safetensors")
    assert told.preprocessing == "missing"
    with safe_open(tmp_path / "net.safetensors", framework="numpy") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}
        notes = file.metadata()
    assert shapes == {"hidden1.weight": [3, 4], "output.weight": [4, 2]}
    assert json.loads(notes["network"])["activations"] == ["gelu", "identity"]
    again = wg.from_safetensors(tmp_path / "net.safetensors")
    assert again.network["output"].bias is None
    assert np.array_equal(again.network["hidden1"].weight, network["hidden1"].weight)


def test_narrow_parameters_leave_widened(tmp_path):
    network = wg.Network.create([3, 2], dtype="bfloat16")
    wg.export(network, tmp_path / "net.safetensors")
    again = wg.from_safetensors(tmp_path / "net.safetensors").network["output"].weight
    assert again.dtype == jnp.float32
    assert np.array_equal(again, network["output"].weight.astype(jnp.float32))


def test_float64_stays_float64(float64, tmp_path):
    network = wg.Network.create([3, 2], dtype="float64")
    wg.export(network, tmp_path / "net.safetensors")
    again = wg.from_safetensors(tmp_path / "net.safetensors").network["output"].weight
    assert again.dtype == jnp.float64 and np.array_equal(again, network["output"].weight)


def absent(path, good):
    pass


def no_tensors(path, good):
    path.write_text("hello")


def of_others(path, good):
    save_file({"0.weight": np.ones((2, 2), np.float32)}, path)


def cut_off(path, good):
    path.write_bytes(good.read_bytes()[:-40])


def one_tensor_less(path, good):
    with safe_open(good, framework="numpy") as file:
        kept = {name: file.get_tensor(name) for name in file.keys() if name != "output.weight"}
        save_file(kept, path, metadata=file.metadata())


def other_columns(path, good):
    with safe_open(good, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        tensors["encoder.mean"] = tensors["encoder.mean"][:-1]
        save_file(tensors, path, metadata=file.metadata())


DAMAGE = (absent, no_tensors, of_others, cut_off, one_tensor_less, other_columns)


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_file_that_is_none_of_ours_is_one_clear_error(damage, plain, tmp_path):
    plain.export(tmp_path / "good.safetensors")
    path = tmp_path / "bad.safetensors"
    damage(path, tmp_path / "good.safetensors")
    with pytest.raises(InputError) as caught:
        wg.from_safetensors(path)
    assert str(caught.value) == (
        f"{path} should be a safetensors file that whygrad export wrote; it is missing, damaged, "
        "or another kind of file. Check the path, or export the run again."
    )


def test_what_is_no_network_cannot_leave():
    with pytest.raises(InputError) as caught:
        as_portable("model.pt")
    assert str(caught.value) == (
        "Only a run that whygrad trained, or a network, can be exported; got str. Pass what "
        "wg.train, wg.open_run or wg.Network gave."
    )
