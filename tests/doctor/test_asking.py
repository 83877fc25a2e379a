"""What the doctor is asked about: runs on disk, networks before any run, the command line."""

import json
import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest

import whygrad as wg
from whygrad.cli.app import run as command
from whygrad.doctor import diagnosing
from whygrad.doctor.asking import diagnose_run
from whygrad.doctor.diagnosis import Diagnosis
from whygrad.doctor.faults import FAULTS
from whygrad.doctor.gathering import evidence_of
from whygrad.doctor.setup import setup_of
from whygrad.errors import NonFiniteError, OptionError, RunError, ShapeError
from whygrad.settings import Settings
from whygrad.training.trained import TrainedRun

TINY = {"epochs": 4, "batch_size": 16, "record_every": 1}


@pytest.fixture(scope="module")
def data() -> wg.Data:
    return wg.load("iris", test=0)


@pytest.fixture(scope="module")
def clones(data, tmp_path_factory) -> TrainedRun:
    """A finished run, made in Python, whose neurons all start alike; classes count alike."""
    network = wg.Network.create([4, 6, 3], init="constant:0.5")
    out = tmp_path_factory.mktemp("runs") / "clones"
    wg.train(network, data, out=out, class_weight="balanced", **TINY)
    return TrainedRun(out)


@pytest.fixture(scope="module")
def failed(data, tmp_path_factory) -> TrainedRun:
    """A run that ended with numbers that are none."""
    out = tmp_path_factory.mktemp("runs") / "failed"
    network = wg.Network.create([4, 6, 3], output_activation="identity")
    with pytest.raises(NonFiniteError):
        wg.train(
            network, data, out=out, optimizer="sgd", learning_rate=1e30, loss="squared", **TINY
        )
    return TrainedRun(out)


def test_a_finished_run_is_judged_from_what_it_recorded(clones):
    evidence = evidence_of(clones)
    assert evidence.losses.shape == (1, 4)
    assert evidence.first_bad_step == (None,)
    assert len(evidence.validation) == 4
    assert set(evidence.rows) == {"hidden1", "output"}
    assert evidence.rows["hidden1"].values.shape[::2] == (len(evidence.rows["hidden1"].steps), 6)
    assert evidence.starts[0]["hidden1"].width == 1
    found = diagnose_run(clones)
    assert (found.findings[0].kind, found.findings[0].layer) == ("clones", "hidden1")
    assert found.verdict == "not tried"


def test_the_class_weights_of_a_run_are_its_set_ups(clones, data):
    setup = evidence_of(clones).setup
    assert setup.weights.shape == (len(data.train.x),)
    assert setup.settings.record_every == 0


def test_a_run_without_an_origin_starts_from_its_own_weights(clones):
    setup = evidence_of(clones).setup
    assert all(isinstance(init, np.ndarray) for init in setup.inits)
    np.testing.assert_array_equal(setup.start(5).dense[0].weight, np.full((4, 6), 0.5))


@pytest.mark.parametrize(
    ("asked", "inits"),
    [
        ("zeros", ("zeros", "zeros")),
        (["zeros", "he_normal"], ("zeros", "he_normal")),
    ],
)
def test_a_run_with_an_origin_starts_as_it_was_asked(data, asked, inits):
    network = wg.Network.create([4, 6, 3])
    setup = setup_of(network, data, Settings(), {"network": {"init": asked}})
    assert setup.inits == inits


def test_a_network_without_biases_stays_without(data):
    setup = setup_of(wg.Network.create([4, 6, 3], bias=False), data, Settings())
    assert not setup.has_bias
    assert setup.start(0).dense[0].bias is None


def test_a_failed_run_has_a_rate_too_high_and_learned_nothing(failed):
    evidence = evidence_of(failed)
    assert (evidence.ends, evidence.measures) == ((None,), (-np.inf,))
    assert evidence.first_bad_step == (failed.description["steps"],)
    found = diagnose_run(failed)
    assert found.findings[0].kind == "rate_too_high"
    assert found.findings[0].step == failed.description["steps"]
    assert found.learned < 0


@pytest.mark.parametrize("kind", ["clones", "failed"])
def test_a_run_can_be_verified(request, kind, monkeypatch):
    seen = {}

    def watched(setup, **options):
        seen.update(options, setup=setup)
        return Diagnosis((), (), 1.0, (1.0,))

    monkeypatch.setattr("whygrad.doctor.diagnosing.diagnose", watched)
    run = request.getfixturevalue(kind)
    assert diagnose_run(run, verify=True, budget=2.0).is_healthy
    assert (seen["verify"], seen["budget"]) == (True, 2.0)
    assert set(seen["record"]) == {"hidden1", "output"}


@pytest.mark.parametrize("name", ["data.safetensors", "history.jsonl", "checkpoints/0.safetensors"])
def test_a_damaged_run_ends_in_words(data, tmp_path, name):
    wg.train(wg.Network.create([4, 6, 3]), data, out=tmp_path / "run", **TINY)
    path = tmp_path / "run" / name
    path.write_bytes(b"{" + path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RunError):
        diagnose_run(TrainedRun(tmp_path / "run"))


def test_a_network_that_does_not_fit_the_data_ends_in_words(data):
    with pytest.raises(ShapeError) as error:
        wg.diagnose(wg.Network.create([5, 6, 3]), data)
    assert str(error.value) == (
        "Layer hidden1 expects 5 inputs, the data has 4 columns after encoding. "
        "Build the network with 4 as its first size."
    )


def test_an_unknown_setting_ends_in_words(data):
    with pytest.raises(OptionError, match="learning_rat"):
        wg.diagnose(wg.Network.create([4, 6, 3]), data, learning_rat=1)


def test_diagnose_is_a_function_whatever_was_used_before():
    code = "import whygrad; whygrad.train; raise SystemExit(not callable(whygrad.diagnose))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with the configuration of a network that cannot learn."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sick.toml").write_text(
        '[data]\nsource = "iris"\n\n[network]\nhidden = [6]\nbias_init = "constant:-50"\n'
        'output_activation = "softmax"\n\n[training]\nlearning_rate = 0.02\nepochs = 30\n'
        "batch_size = 16\n"
    )
    return tmp_path


@pytest.mark.long
def test_a_remedy_is_written_and_training_takes_it(home, capsys, monkeypatch):
    ticks = iter(range(10_000))
    monkeypatch.setattr("whygrad.doctor.verifying.time.monotonic", lambda: next(ticks))
    arguments = [
        "doctor",
        "sick.toml",
        "--verify",
        "--budget",
        "2.5",
        "--out",
        "well.toml",
        "--json",
    ]
    assert command(arguments) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["findings"][0]["kind"], told["verdict"]) == ("closed_start", "held")
    assert told["config"] == "well.toml"
    asked, well = (tomllib.loads((home / f"{n}.toml").read_text()) for n in ("sick", "well"))
    assert well["network"]["bias_init"] == "zeros"
    assert {n: well["training"][n] for n in asked["training"]} == asked["training"]
    assert (
        command(["train", "--config", "well.toml", "--epochs", "1", "--out", "run", "--json"]) == 0
    )
    assert TrainedRun(home / "run").description["state"] == "finished"


def test_findings_are_told_in_words(home, clones, capsys):
    assert command(["doctor", str(clones.path)]) == 1
    out = capsys.readouterr().out
    assert "Clones" in out
    assert "{" not in out


def test_nothing_is_written_where_nothing_held(home, clones, capsys):
    assert command(["doctor", str(clones.path), "--out", "none.toml", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["config"] is None
    assert not (home / "none.toml").exists()


def test_a_healthy_network_is_told_so_with_code_0(home, capsys, monkeypatch):
    monkeypatch.setattr(diagnosing, "nothing_to_explain", lambda *evidence: True)
    assert command(["doctor", "sick.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["doctor", "--json"], None),
        (["doctor", "sick.toml", "--budget", "0", "--json"], "error.doctor_budget"),
        (["doctor", "--explain", "xyzzy", "--json"], "error.unknown_name"),
        (["doctor", "missing.toml", "--json"], "error.config_unreadable"),
    ],
)
def test_what_cannot_be_asked_ends_in_words_with_code_2(home, capsys, arguments, key):
    assert command(arguments) == 2
    told = json.loads(capsys.readouterr().out)
    assert key is None or told["error"]["key"] == key


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_is_explained(capsys, kind):
    assert command(["doctor", "--explain", kind]) == 0
    assert not re.search(r"\{\w*\}", capsys.readouterr().out), "every value is filled in"
