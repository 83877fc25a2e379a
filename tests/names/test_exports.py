"""What leaves with hostile names: the names are exact, and nothing but text."""

import ast
import json
import tomllib
from unicodedata import category

import numpy as np
import pytest
from benchmarks.attack.names import one_of_all, written

import whygrad as wg
from whygrad.doctor.prescribing import as_toml
from whygrad.doctor.wording import module_of
from whygrad.interop.exporting.portable import Portable
from whygrad.interop.exporting.torch_script import load_script, script

HOSTILE = [name for name in written() if len(name) < 100]
NO_ZERO = [name for name in HOSTILE if "\x00" not in name]


@pytest.fixture(scope="module")
def numbers():
    """Columns and classes of a DataFrame may be called anything at all: lone surrogates, NUL."""
    draw = np.random.default_rng(0)
    names = [*dict.fromkeys(HOSTILE)][:40]
    classes = ["\x00\ud800<b>", "\x1b[2J\u202e", '"""\'); raise SystemExit(3) #']
    data = wg.from_arrays(
        draw.normal(size=(60, len(names))),
        np.arange(60) % 3,
        feature_names=names,
        target_names=classes,
        name=one_of_all(),
        task="classes",
    )
    return wg.train(wg.Network.create([len(names), 3, 3]), data, epochs=1, batch_size=32)


@pytest.mark.long
def test_safetensors_bring_back_every_name(trained, numbers, tmp_path):
    for place, run in enumerate((trained.hostile, numbers)):
        path = tmp_path / f"{place}.safetensors"
        run.export(path)
        encoder = wg.from_safetensors(path).encoder
        assert encoder.columns == run.data.encoder.columns
        assert encoder.target_names == run.data.encoder.target_names


def test_onnx_holds_every_name(trained, tmp_path, home):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "a.onnx"
    trained.hostile.export(path)
    model = onnx.load(path)
    notes = {one.key: json.loads(one.value) for one in model.metadata_props}
    encoder = trained.hostile.data.encoder
    assert [columns[0] for columns in notes["inputs"].values()] == list(encoder.columns)
    assert notes["encoder"]["target_names"] == list(encoder.target_names)
    assert [one.name for one in model.graph.input] == list(encoder.columns)
    assert home.name.encode() not in path.read_bytes()


def test_onnx_of_names_that_it_cannot_hold(numbers, tmp_path):
    """Protocol buffers hold UTF-8 alone: a lone surrogate is written as its escape."""
    onnx = pytest.importorskip("onnx")
    numbers.export(tmp_path / "a.onnx")
    model = onnx.load(tmp_path / "a.onnx")
    notes = {one.key: json.loads(one.value) for one in model.metadata_props}
    assert notes["encoder"]["target_names"] == list(numbers.data.encoder.target_names)
    (classes,) = (one for one in model.graph.initializer if one.name == "classes")
    assert b"\x00\\ud800<b>" in classes.SerializeToString()


def kinds(text: str) -> list[str]:
    """Return what a Python file does, without what it says."""
    nodes = ast.walk(ast.parse(text))
    return [type(node).__name__ for node in nodes if not isinstance(node, ast.Constant)]


def test_a_pytorch_script_is_the_same_program_with_any_name(trained, tmp_path):
    written = []
    for place, run in enumerate((trained.hostile, trained.harmless)):
        path = tmp_path / f"{place}.py"
        run.export(path)
        written.append(path.read_text("utf-8"))
    assert kinds(written[0]) == kinds(written[1])
    loaded = load_script(tmp_path / "0.py")
    assert loaded.COLUMNS == list(trained.hostile.data.encoder.columns)
    assert loaded.CLASSES == list(trained.hostile.data.encoder.target_names)
    # what reads a file must not see another program than Python does
    assert [c for c in written[0] if c != "\n" and category(c) in ("Cc", "Cf", "Cs", "Zl")] == []


def test_a_pytorch_script_of_names_that_no_file_holds(numbers, tmp_path):
    numbers.export(tmp_path / "a.py")
    loaded = load_script(tmp_path / "a.py")
    assert loaded.COLUMNS == list(numbers.data.encoder.columns)
    assert loaded.CLASSES == list(numbers.data.encoder.target_names)


@pytest.mark.parametrize("weights", NO_ZERO[::5])
def test_the_name_of_the_weights_is_text(weights):
    text = script(Portable(wg.Network.create([2, 1])), [], weights)
    assert kinds(text) == kinds(script(Portable(wg.Network.create([2, 1])), [], "plain"))


def test_a_line_of_python_asks_for_a_layer_and_does_nothing_else():
    for name in [*HOSTILE, "a.b", "blocks.0.fc", "a.007", "a.class", "٣", "attn.in_proj[0:64]"]:
        tree = ast.parse(module_of(name), mode="eval")
        calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert calls in ([], ["model.get_submodule"])
        assert {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} == {"model"}


@pytest.mark.parametrize("kind", ["trained", "watched"])
def test_tags_of_tensorboard_are_visible(request, kind, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logged = []
    for which in ("hostile", "harmless"):
        run = getattr(request.getfixturevalue(kind), which)
        wg.log(run, folder=tmp_path / which)
        events = EventAccumulator(str(tmp_path / which), size_guidance={"tensors": 0})
        events.Reload()
        logged.append(events.Tags()["tensors"])
    assert len(logged[0]) == len(logged[1]) == len(set(logged[0]))
    assert [c for tag in logged[0] for c in tag if category(c) in ("Cc", "Cf", "Cs", "Zl")] == []
    groups = [{tag.partition("/")[0] for tag in tags} for tags in logged]
    assert len(groups[0]) == len(groups[1])


def test_a_configuration_holds_names_as_text():
    fit = [name for name in HOSTILE if not any(category(c) == "Cs" for c in name)]
    sections = {"data": dict(zip(fit, fit, strict=True)), one_of_all()[:40]: {"a": fit}}
    assert tomllib.loads(as_toml(sections)) == sections
    assert tomllib.loads(as_toml({"data": {"source": "\ud800"}})) == {"data": {"source": "?"}}


def test_everything_recorded_of_a_layer_is_found_under_its_own_name(watched):
    """Even of layers that are called like our own entries in a file."""
    hostile, harmless = watched.hostile, watched.harmless
    assert "layers.steps" in hostile.layers and "layers.__metadata__" in hostile.layers
    for name, other in zip(hostile.layers, harmless.layers, strict=True):
        assert (hostile.rows(name)[1] == harmless.rows(other)[1]).all()
        ledger = hostile.why(f"{name}[2]"), harmless.why(f"{other}[2]")
        assert ledger[0].gradient == ledger[1].gradient
        assert ledger[0].address.layer == name
