"""What runs with new settings keep: replays, going on after a cut, and runs from before them."""

import shutil
from dataclasses import replace

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.record.sealed import read_json, write_json
from whygrad.training import recorder
from whygrad.training.replay import replay

ODD = {
    "shuffle": "apart",
    "reduction": "sum",
    "maximize": True,
    "l1": 0.01,
    "learning_rate": 1e-3,
    "loss": "mean_squared",
    "epochs": 3,
    "batch_size": 16,
    "record_every": 2,
}


class Cut(Exception):
    """Training is cut off here."""


def cut_after(segments: int):
    left = [segments]

    def watch(_: recorder.ProgressEvent) -> None:
        left[0] -= 1
        if not left[0]:
            raise Cut

    return watch


def leaves(run: wg.Run) -> list[np.ndarray]:
    state = run.last_checkpoint().state
    return [np.asarray(leaf) for leaf in jax.tree.leaves(replace(state, key=0))]


@pytest.fixture(scope="module")
def layered() -> wg.Network:
    return wg.Network.create([4, 6, 5, 3], activation="softsign", dropout=[0.2, 0.0], seed=1)


@pytest.fixture(scope="module")
def odd(tmp_path_factory, iris, layered) -> wg.Run:
    return wg.train(layered, iris, out=tmp_path_factory.mktemp("runs") / "odd", **ODD)


def test_every_recorded_step_replays(odd):
    for line in odd.history_lines:
        again = replay(odd, line["step"])
        assert again.is_recorded is (line["step"] % 2 == 0)
        assert float(again.seen.anatomy.loss) == pytest.approx(line["loss"], rel=1e-5)
    assert len(odd.rows("hidden2")[0]) == 11


@pytest.mark.exact
def test_a_run_cut_off_goes_on_to_the_same_end(tmp_path, iris, layered, odd, monkeypatch):
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", -1.0)
    with pytest.raises(Cut):
        wg.train(layered, iris, out=tmp_path / "a", watch=cut_after(2), **ODD)
    again = wg.resume(tmp_path / "a")
    for a, b in zip(leaves(again), leaves(odd), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.history_lines == odd.history_lines


@pytest.mark.exact
@pytest.mark.parametrize("optimizer", ["nadam", "adamax", "adagrad", "adadelta"])
def test_the_state_of_an_optimiser_is_kept(tmp_path, iris, layered, optimizer, monkeypatch):
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", -1.0)
    options = ODD | {"optimizer": optimizer, "maximize": False, "record_every": 0}
    whole = wg.train(layered, iris, out=tmp_path / "whole", **options)
    with pytest.raises(Cut):
        wg.train(layered, iris, out=tmp_path / "a", watch=cut_after(2), **options)
    for a, b in zip(leaves(wg.resume(tmp_path / "a")), leaves(whole), strict=True):
        np.testing.assert_array_equal(a, b)


def test_each_layer_keeps_its_own_dropout(odd, finished):
    assert odd.description["network"]["dropout"] == [0.2, 0.0]
    assert [dense.dropout for dense in odd.network.dense] == [0.2, 0.0, 0.0]
    assert finished.description["network"]["dropout"] == 0.2, "one number for all, as ever"


@pytest.mark.parametrize("told", [[0.2], [0.2, 1.0], [0.2, 0.1, 0.1], "0.2", [0.2, "0"]])
def test_a_dropout_that_does_not_fit_the_layers_is_damage(odd, tmp_path, told):
    path = shutil.copytree(odd.path, tmp_path / "copy")
    content = read_json(path / "run.json")
    content["network"]["dropout"] = told
    write_json(path / "run.json", content)
    with pytest.raises(wg.errors.RunError) as raised:
        wg.open_run(path)
    assert str(raised.value.values["place"]).startswith("network.dropout")


def test_a_run_from_before_these_settings_opens_and_replays(copy):
    content = read_json(copy / "run.json")
    for name in ("l1", "maximize", "shuffle", "reduction"):
        del content["settings"][name]
    write_json(copy / "run.json", content)
    run = wg.open_run(copy)
    assert replay(run, 4).is_recorded
    assert run.task.settings.shuffle == "together"
