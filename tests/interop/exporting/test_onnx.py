"""ONNX: what onnxruntime gives is what the run claims, from raw columns on."""

import json
import sys
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest

import whygrad as wg
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.errors import ExportError, InputError, MissingExtraError, OptionError
from whygrad.interop.exporting import onnx_file
from whygrad.words import number, speaking

# rows of the trial, and those of the flats, lack values where the training part has all
pytestmark = pytest.mark.filterwarnings("ignore:Missing values:whygrad.errors.RunWarning")


def session(path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def fed(raw: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return a table as a user hands it over: one array a column."""
    return {
        "area": raw[["area"]].to_numpy(),
        "finance": raw[["finance"]].to_numpy(),
        "heating": raw[["heating"]].fillna("").to_numpy(object),
        "column 3: class": raw[["class"]].to_numpy(object),
        "year": raw[["year"]].to_numpy(),
    }


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_comes_out_as_ours(name, tmp_path):
    z = np.concatenate([np.linspace(-12, 12, 41), [-60, 60, 1e-6, -1e-6]]).astype(np.float32)
    x = np.stack([z, z[::-1]], axis=1)
    network = wg.Network.from_arrays([np.eye(2, dtype=np.float32)], None, activations=[name])
    wg.export(network, tmp_path / "net.onnx")
    (theirs,) = session(tmp_path / "net.onnx").run(["outputs"], {"input": x})
    expected = np.asarray(ACTIVATIONS[name].value(jnp.asarray(x)))
    np.testing.assert_allclose(theirs, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.long
@pytest.mark.parametrize("target", ["price", "size", "town"])
def test_raw_columns_go_in_and_claims_come_out(flats, target, tmp_path):
    run, raw = flats[target].run, flats[target].raw
    told = run.export(tmp_path / "flat.onnx")
    assert told.preprocessing == "inside" and told.rows == 63 + 18 + 5 and told.difference < 1e-4
    runs = session(tmp_path / "flat.onnx")
    assert {one.name for one in runs.get_inputs()} == set(fed(raw))
    results = dict(zip([o.name for o in runs.get_outputs()], runs.run(None, fed(raw)), strict=True))
    if target == "price":
        np.testing.assert_allclose(results["quantities"], run.predict(raw), rtol=1e-9)
        assert 9e4 < results["quantities"].mean() < 1.1e5
    else:
        np.testing.assert_allclose(results["probabilities"], run.claims(raw), atol=1e-6)
        assert results["class"].tolist() == run.predict(raw).tolist()


@pytest.mark.filterwarnings("ignore:Categories:whygrad.errors.RunWarning")
def test_words_unknown_in_training_and_missing_numbers_are_taken_as_the_run_takes_them(
    flats, tmp_path
):
    run, raw = flats["price"].run, flats["price"].raw[:3].copy()
    raw.loc[0, "heating"] = "coal"
    raw.loc[1, "finance"] = np.nan
    raw.loc[2, "class"] = ""
    run.export(tmp_path / "flat.onnx")
    (theirs,) = session(tmp_path / "flat.onnx").run(["quantities"], fed(raw))
    np.testing.assert_allclose(theirs, run.predict(raw), rtol=1e-9)
    raw.loc[0, "year"] = np.nan  # training had none missing here
    (theirs,) = session(tmp_path / "flat.onnx").run(["quantities"], fed(raw))
    np.testing.assert_allclose(theirs, run.predict(raw), rtol=1e-9)


@pytest.mark.long
def test_columns_of_numbers_go_in_as_one_array(plain, tmp_path):
    told = plain.export(tmp_path / "labels.onnx")
    assert (told.format, told.meaning, told.rows) == ("onnx", "probabilities", 36 + 3)
    x = np.random.default_rng(2).normal(size=(7, 3))
    (theirs,) = session(tmp_path / "labels.onnx").run(["probabilities"], {"input": x})
    np.testing.assert_allclose(theirs, plain.claims(x), atol=1e-6)


def test_the_file_says_what_it_is(flats, tmp_path):
    flats["town"].run.export(tmp_path / "flat.onnx")
    model = onnx.load(tmp_path / "flat.onnx")
    told = {one.key: json.loads(one.value) for one in model.metadata_props}
    assert told["inputs"]["column 3: class"] == ["class"]
    assert told["encoder"]["target_names"] == ["A", "B", "C"]
    assert told["network"]["activations"] == ["tanh", "identity"]
    assert told["loss"] == "softmax_cross_entropy" and told["preprocessing"] == "inside"
    assert {node.op_type for node in model.graph.node}.isdisjoint({"Dropout"})


def test_a_network_alone_says_that_its_preprocessing_is_missing(tmp_path):
    told = wg.export(wg.Network.create([2, 3, 1]), tmp_path / "net.onnx")
    assert str(told) == (
        f"Written: {tmp_path / 'net.onnx'}\n"
        "What comes out: the outputs of the network as they are.\n"
        "Preprocessing: missing. Only a network was given; rows must come as the network saw them "
        "in training.\n"
        f"Tried on 200 rows: the largest difference from the network's own outputs is "
        f"{number(told.difference)}."
    )
    assert told.difference < 1e-5


def test_a_file_that_claims_something_else_is_not_written(flats, tmp_path, monkeypatch):
    monkeypatch.setitem(onnx_file.ACTIVATIONS, "tanh", onnx_file.ACTIVATIONS["sigmoid"])
    with pytest.raises(ExportError) as caught:
        flats["town"].run.export(tmp_path / "flat.onnx")
    difference = number(caught.value.values["difference"])
    assert str(caught.value) == (
        "The ONNX export should put out what the network puts out, but they differ by "
        f"{difference}, where the largest output is 1. Nothing was written. Please report this "
        "with the run; another format may do meanwhile."
    )
    assert list(tmp_path.iterdir()) == []


def test_classes_that_do_not_follow_from_the_claims_are_not_written(flats, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "_place_of_class", lambda graph, claimed, n_out: graph.add(
        "ArgMin", claimed, axis=1, keepdims=0
    ))  # fmt: skip
    with pytest.raises(ExportError, match=r"differ by 1, where the largest output is 1\."):
        flats["town"].run.export(tmp_path / "flat.onnx")
    assert list(tmp_path.iterdir()) == []


def test_names_of_columns_are_kept_unless_the_graph_has_them(flats):
    encoder = replace(
        flats["town"].run.data.encoder, columns=("a.b", "", "encoder.fill", "/x", "size (m²)")
    )
    assert onnx_file.input_names(encoder) == [
        "a.b", "column 1: ", "column 2: encoder.fill", "column 3: /x", "size (m²)",
    ]  # fmt: skip


def test_a_network_too_large_for_the_format_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "MOST_BYTES", 20)
    path = tmp_path / "net.onnx"
    with pytest.raises(InputError) as caught:
        wg.export(wg.Network.create([2, 3]), path)
    assert str(caught.value) == (
        "An ONNX file holds at most 2 GiB, and the parameters of this network need more; "
        f"{path} was not written. Export to .safetensors or .py instead."
    )


@pytest.mark.parametrize(
    ("name", "format", "message"),
    [
        ("a.pt", None, "An export's format is told by its ending, one of .onnx, .safetensors, .py; "
         "got a.pt. Choose such an ending, or say the format."),
        ("a.onnx", "onx", "There is no export format called onx. Did you mean onnx? "
         "Known: onnx, safetensors, torch."),
        ("a.onnx", "torch", "The ending of a.onnx tells onnx, but the format asked for is torch. "
         "Leave the format out, or choose another ending."),
        ("a", "torch", "An export to PyTorch is a Python file, whose name ends in .py; got a. "
         "Its weights are written beside it."),
    ],
    ids=["ending", "unknown", "another", "torch"],
)  # fmt: skip
def test_a_format_that_cannot_be_is_told(name, format, message):
    with pytest.raises(OptionError) as caught:
        wg.export(wg.Network.create([2, 1]), name, format=format)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("package", "ending", "extra"),
    [("onnx", "onnx", "onnx"), ("onnxruntime", "onnx", "onnx"), ("torch", "py", "torch")],
)
def test_a_package_that_is_missing_is_named(package, ending, extra, tmp_path, monkeypatch):
    for name in ("whygrad.interop.exporting.onnx_file",):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError) as caught:
        wg.export(wg.Network.create([2, 1]), tmp_path / f"net.{ending}")
    assert str(caught.value) == (
        f"export needs {package}, which is not installed. "
        f'Install it with: pip install "whygrad[{extra}]"'
    )
    with speaking("zh"):
        assert str(caught.value) == (
            f'export 需要 {package}，但尚未安装。请运行：pip install "whygrad[{extra}]"'
        )
