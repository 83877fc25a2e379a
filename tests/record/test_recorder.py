"""A run that is cut off anywhere goes on to the same end."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import NonFiniteError, OptionError, RunError
from whygrad.record import files
from whygrad.record.files import only_writer
from whygrad.training import recorder
from whygrad.training.beginning import begin

pytestmark = pytest.mark.exact


def leaves(network: wg.Network) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(network)]


def assert_same_run(one: wg.Run, other: wg.Run) -> None:
    """Compare everything that a run leaves behind, number by number."""
    for a, b in zip(leaves(one.network), leaves(other.network), strict=True):
        np.testing.assert_array_equal(a, b)
    last, last_other = one.last_checkpoint(), other.last_checkpoint()
    keyless = [jax.tree.leaves(replace(c.state, key=0)) for c in (last, last_other)]
    for a, b in zip(*keyless, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.history_lines == other.history_lines
    for layer in one.skeleton.layers:
        for a, b in zip(one.rows(layer), other.rows(layer), strict=True):
            np.testing.assert_array_equal(a, b)
    for part in ("steps", "result", "best", "state"):
        assert one.description.get(part) == other.description.get(part)


class Cut(Exception):
    """Training is cut off here."""


def cut_after(segments: int):
    """Return a watch that cuts training off after so many segments."""
    left = [segments]

    def watch(_: recorder.ProgressEvent) -> None:
        left[0] -= 1
        if not left[0]:
            raise Cut

    return watch


@pytest.fixture
def short_segments(monkeypatch):
    """Make every segment three steps long, whatever the time."""
    from whygrad.training import loop as training

    class Pace(training._Pace):
        def __init__(self, capacity: int):
            self.steps = min(3, capacity)

        def tell(self, steps: int, seconds: float) -> None: ...

    monkeypatch.setattr(training, "_Pace", Pace)


@pytest.mark.parametrize("segments", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("checkpoints", ["at every segment", "seldom"])
def test_a_run_cut_off_goes_on_to_the_same_end(
    tmp_path, iris, network, options, finished, short_segments, monkeypatch, segments, checkpoints
):
    monkeypatch.setattr(recorder, "KEPT_CHECKPOINTS", 2)
    seconds = -1.0 if checkpoints == "at every segment" else 1e9
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", seconds)
    with pytest.raises(Cut):
        wg.train(network, iris, out=tmp_path / "a", watch=cut_after(segments), **options)
    assert wg.open_run(tmp_path / "a").description["state"] == "training"
    assert_same_run(wg.resume(tmp_path / "a"), finished)


def test_cut_off_again_and_again(tmp_path, iris, network, options, finished, short_segments):
    path = tmp_path / "a"
    with pytest.raises(Cut):
        wg.train(network, iris, out=path, watch=cut_after(2), **options)
    for _ in range(30):
        try:
            wg.resume(path, watch=cut_after(2))
        except Cut:
            continue
        break
    assert_same_run(wg.open_run(path), finished)


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("turn", [1, 6])
def test_a_crash_in_any_writing_loses_nothing(
    tmp_path, iris, network, options, finished, short_segments, monkeypatch, call, turn
):
    """The process dies at a call to the system; begin is over by then."""
    monkeypatch.setattr(recorder, "KEPT_CHECKPOINTS", 2)
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", -1.0)
    run = begin(tmp_path / "a", network, iris, wg.Settings(**options), {})
    left, real = [turn], getattr(os, call)

    def crash(*arguments, **named):
        left[0] -= 1
        if not left[0]:
            raise Cut
        return real(*arguments, **named)

    class Crashing:
        def __getattr__(self, name: str) -> object:
            return crash if name == call else getattr(os, name)

    with monkeypatch.context() as patch:
        patch.setattr(files, "os", Crashing())
        try:
            recorder.record(run)
        except Cut:
            pass
    assert left[0] <= 0, "it was reached"
    assert_same_run(wg.resume(tmp_path / "a"), finished)


def test_a_crash_while_going_on_does_not_lose_the_history(copy, monkeypatch):
    """Dropping lines rewrites the file; a crash in between must leave one of the two."""
    newest = max((copy / "checkpoints").glob("*"), key=lambda path: int(path.stem))
    newest.unlink()
    before = (copy / "history.jsonl").read_bytes()

    def crash(*_):
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crash)
        with pytest.raises(Cut), pytest.warns(UserWarning, match="missing or damaged"):
            wg.resume(copy)
    assert (copy / "history.jsonl").read_bytes() == before


@pytest.mark.parametrize("lost", [1, 2, 3])
@pytest.mark.parametrize("how", ["gone", "torn"])
def test_lost_checkpoints_are_made_again(copy, finished, lost, how):
    newest = sorted((copy / "checkpoints").glob("*"), key=lambda path: int(path.stem))[-lost:]
    for path in newest:
        path.unlink() if how == "gone" else path.write_bytes(path.read_bytes()[:-7])
    step = finished.checkpoints[-lost - 1]
    with pytest.warns(UserWarning) as warned:
        again = wg.resume(copy)
    assert str(warned[0].message) == (
        f"The checkpoint of step 21 in {copy} is missing or damaged. Training resumes from that of "
        f"step {step} instead and repeats the steps in between."
    )
    assert_same_run(again, finished)


def test_files_of_a_process_killed_while_writing_are_swept(copy, finished):
    for folder in (copy, copy / "checkpoints", copy / "anatomy"):
        (folder / ".9.safetensors.123.part").write_bytes(b"half")
    assert_same_run(wg.open_run(copy), finished)  # a reader does not mind them
    assert_same_run(wg.resume(copy), finished)
    assert not list(copy.rglob("*.part"))


def test_a_finished_run_stays_what_it_is(copy, finished):
    assert_same_run(wg.resume(copy), finished)


def test_begin_goes_on_where_it_was_killed(tmp_path, iris, network, options, finished, monkeypatch):
    """Before run.json there is no run, and nothing that would stand in the way of one."""
    real = files.Prepared.publish

    def publish(self, *paths: Path, appended: object = None) -> None:
        if paths[0].name == "run.json":
            raise Cut
        real(self, *paths, appended=appended)

    with monkeypatch.context() as patch:
        patch.setattr(files.Prepared, "publish", publish)
        with pytest.raises(Cut):
            wg.train(network, iris, out=tmp_path / "a", **options)
    assert (tmp_path / "a" / "data.safetensors").exists()
    assert_same_run(wg.train(network, iris, out=tmp_path / "a", **options), finished)


@pytest.mark.parametrize("name", ["notes.txt", "data.safetensors", "run.lock/x", "checkpoints/a"])
def test_a_folder_with_anything_in_it_is_left_alone(tmp_path, iris, network, hashes, name):
    mine = tmp_path / "mine" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    before = hashes(tmp_path)
    with pytest.raises(RunError) as raised:
        wg.train(network, iris, out=tmp_path / "mine")
    assert str(raised.value) == (
        f"The folder {tmp_path / 'mine'} must be new or empty, but there is something in it. "
        "Choose another --out, or resume the run there: --resume"
    )
    assert hashes(tmp_path) == before


def test_a_file_in_the_way_is_left_alone(tmp_path, iris, network):
    (tmp_path / "file").write_text("mine")
    for out, key in (("file", "error.run_exists"), ("file/run", "error.run_not_written")):
        with pytest.raises(RunError) as raised:
            wg.train(network, iris, out=tmp_path / out)
        assert raised.value.key == key
    assert (tmp_path / "file").read_text() == "mine"


def test_settings_that_do_not_fit_leave_no_folder(tmp_path, iris):
    with pytest.raises(wg.WhygradError):
        wg.train(wg.Network.create([3, 2]), iris, out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_two_writers_are_kept_apart(copy, hashes):
    with only_writer(copy):
        before = hashes(copy)
        with pytest.raises(RunError) as raised:
            wg.resume(copy)
    assert raised.value.key == "error.run_in_use"
    assert hashes(copy) == before


def test_ctrl_c_stops_after_the_stretch_and_nothing_is_lost(
    tmp_path, iris, network, options, finished, short_segments
):
    def interrupt(event: recorder.ProgressEvent) -> None:
        if event.step == 6:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    run = wg.train(network, iris, out=tmp_path / "a", watch=interrupt, **options)
    assert signal.getsignal(signal.SIGINT) is before
    assert run.description["state"] == "stopped"
    assert run.description["steps"] == run.checkpoints[-1] == 6
    assert run.evaluate("train").items() >= run.description["result"]["train"].items()
    assert_same_run(wg.resume(tmp_path / "a"), finished)


def test_a_second_ctrl_c_stops_at_once(tmp_path, iris, network, options, short_segments):
    def interrupt(event: recorder.ProgressEvent) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        wg.train(network, iris, out=tmp_path / "a", watch=interrupt, **options)
    assert wg.resume(tmp_path / "a").description["state"] == "finished"


def patient(tmp_path: Path, **more) -> wg.Run:
    data = wg.load("linear", samples=40)
    return wg.train(
        wg.Network.create([2, 3, 1], seed=1),
        data,
        out=tmp_path / "patient",
        epochs=60,
        patience=2,
        learning_rate=0.2,
        record_every=5,
        **more,
    )


def test_early_stopping_keeps_the_best_network(tmp_path):
    run = patient(tmp_path, batch_size=8)
    losses = run.history["validation_loss"].dropna().tolist()
    best = int(np.argmin(losses)) + 1
    assert run.description["best"] == {"epoch": best, "loss": losses[best - 1]}
    assert len(losses) == best + 2 < 60, "two epochs without a better loss, then no more"
    assert run.evaluate("validation")["loss"] == pytest.approx(losses[best - 1], rel=1e-6)
    assert run.description["state"] == "finished"
    last = run.last_checkpoint().state.network
    assert any((a != b).any() for a, b in zip(leaves(run.network), leaves(last), strict=True))


def test_a_run_that_stopped_early_does_not_go_on(tmp_path):
    run = patient(tmp_path, batch_size=8)
    steps = run.description["steps"]
    shutil.copytree(run.path, tmp_path / "again")
    again = wg.resume(tmp_path / "again")
    assert again.description["steps"] == steps
    assert_same_run(again, wg.open_run(run.path))


def test_early_stopping_goes_on_after_a_cut_to_the_same_end(tmp_path, monkeypatch):
    whole = patient(tmp_path, batch_size=8)
    (tmp_path / "b").mkdir()
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", -1.0)
    with pytest.raises(Cut):
        patient(tmp_path / "b", batch_size=8, watch=cut_after(4))
    assert_same_run(wg.resume(tmp_path / "b" / "patient"), whole)


def test_early_stopping_needs_a_validation_part(tmp_path, network):
    data = wg.load("iris", validation=0)
    with pytest.raises(OptionError) as raised:
        wg.train(network, data, patience=2, out=tmp_path / "a")
    assert str(raised.value) == (
        "Early stopping watches the validation loss, but the validation part is empty. "
        "Give it a share of the data, or leave patience out."
    )


def numbers(scale: float = 1.0, **options) -> wg.Data:
    x = np.linspace(-1, 1, 40).reshape(20, 2).astype(np.float32)
    y = (x[:, :1] - x[:, 1:] + 1).astype(np.float32)
    settings = {"validation": 0, "test": 0} | options
    return wg.from_arrays(x * scale, y, standardize=False, task="numbers", **settings)


BLOWUPS = {
    "rate": (numbers(), {"learning_rate": 1e9, "optimizer": "sgd", "epochs": 20}),
    "rate, momentum": (numbers(), {"learning_rate": 1e30, "optimizer": "momentum", "epochs": 20}),
    "last step": (numbers(100), {"learning_rate": 1e38, "optimizer": "sgd", "epochs": 1}),
    "inputs": (numbers(1e14), {"learning_rate": 1.0, "optimizer": "sgd", "epochs": 3}),
    "inputs and validation": (
        numbers(1e14, validation=0.3),
        {"learning_rate": 1e20, "optimizer": "sgd", "epochs": 3},
    ),
    "decay": (
        numbers(),
        {"weight_decay": 1e38, "learning_rate": 10.0, "optimizer": "sgd", "epochs": 1},
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("case", BLOWUPS)
def test_a_number_that_is_none_stops_the_run_and_is_named(tmp_path, case):
    data, options = BLOWUPS[case]
    start = wg.Network.create([2, 3, 1], activation="tanh" if case == "decay" else "relu", seed=1)
    options = {"batch_size": 20, "record_every": 1} | options
    with pytest.raises(NonFiniteError) as raised:
        wg.train(start, data, out=tmp_path / "a", **options)
    failure = raised.value.to_dict()
    run = wg.open_run(tmp_path / "a")
    assert run.description["state"] == "failed" and run.description["failure"] == failure
    assert raised.value.key == "error.not_finite"
    assert failure["layer"] in run.skeleton.layers
    assert str(failure["parameter"]).startswith(str(failure["layer"]))
    assert failure["value"] in ("nan", "inf", "-inf")
    assert run.description["steps"] in (failure["step"], failure["step"] + 1)
    for leaf in jax.tree.leaves(run.network):
        assert np.isfinite(leaf).all(), "what is kept is finite"
    assert_no_nan(run.path)
    assert str(run.why("hidden1", step=max(run.steps - 2, 0)))


def assert_no_nan(path: Path) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in JSON")

    json.loads((path / "run.json").read_text("utf-8"), parse_constant=refuse)
    history = path / "history.jsonl"  # not there where the first step failed
    for line in history.read_text("utf-8").splitlines() if history.exists() else ():
        json.loads(line, parse_constant=refuse)


def test_a_failed_run_that_goes_on_fails_again_in_the_same_place(tmp_path):
    data, options = BLOWUPS["rate"]
    failures = []
    for road in ("train", "resume"):
        with pytest.raises(NonFiniteError) as raised:
            if road == "train":
                wg.train(wg.Network.create([2, 3, 1], seed=1), data, out=tmp_path / "a", **options)
            else:
                wg.resume(tmp_path / "a")
        failures.append(raised.value.to_dict())
    assert failures[0] == failures[1]


def test_a_validation_part_of_one_sample_is_measured_as_far_as_it_goes(tmp_path):
    run = wg.train(
        wg.Network.create([2, 3, 1], seed=1), numbers(validation=0.06), out=tmp_path / "a", epochs=1
    )
    assert "validation_r2" not in run.history and "validation_loss" in run.history


@pytest.mark.usefixtures("engine")
def test_a_float64_run_is_read_in_float64_alone(tmp_path, network, iris):
    with jax.enable_x64(True):
        run = wg.train(
            wg.Network.create([4, 3, 3], dtype="float64"), iris, epochs=1, out=tmp_path / "a"
        )
        assert leaves(run.network)[0].dtype == np.float64
        assert str(run.why("hidden1"))
    with pytest.raises(RunError) as raised:
        _ = wg.open_run(tmp_path / "a").network
    assert str(raised.value) == (
        "The run was trained in float64, but JAX is set to float32. "
        "Set the environment variable JAX_ENABLE_X64=1 and try again."
    )


def test_kept_checkpoints_are_spread_over_the_run(finished):
    kept = finished.checkpoints
    assert kept[0] == 0 and kept[-1] == finished.task.total_steps
    assert 3 <= len(kept) <= recorder.KEPT_CHECKPOINTS + 2


def test_no_more_checkpoints_stay_than_are_meant_to(
    tmp_path, iris, network, options, short_segments, monkeypatch
):
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(recorder, "KEPT_CHECKPOINTS", 3)
    run = wg.train(network, iris, out=tmp_path / "a", **options)
    assert len(run.checkpoints) <= 5
