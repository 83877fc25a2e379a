"""TensorBoard: its own reader finds what the run recorded."""

import json
import sys

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

import whygrad as wg
from whygrad.errors import MissingExtraError, OptionError
from whygrad.interop.tracking import TRACKERS
from whygrad.record.fields import ROW_FIELDS
from whygrad.words import speaking

FILES = ("event_files", "weights_and_biases", "mlflow_runs")
FACTORS = ("upstream", "slope", "input", "agreement", "open")


def read(folder) -> dict[str, list[tuple[int, np.ndarray]]]:
    """Return everything in a folder of events: by name, steps and values."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return {
        tag: [(event.step, make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def numbers(told: list[tuple[int, np.ndarray]]) -> list[tuple[int, float]]:
    return [(step, float(value)) for step, value in told]


def history(run, column: str) -> list[tuple[int, float]]:
    """Return a column of the history in the precision of TensorBoard's numbers, float32."""
    of_steps = zip(run.history["step"], run.history[column], strict=True)
    return [(step, float(np.float32(value))) for step, value in of_steps if value == value]


def test_a_run_is_read_back_from_its_events(run, tmp_path):
    logged = wg.log(run, "tensorboard", folder=tmp_path / "logs")
    told = read(tmp_path / "logs")
    assert numbers(told["loss/batch"]) == history(run, "loss")
    assert numbers(told["loss/train"]) == history(run, "train_loss")
    assert numbers(told["loss/validation"]) == history(run, "validation_loss")
    assert numbers(told["accuracy/validation"]) == history(run, "validation_accuracy")
    for name, value in run.evaluate("test").items():
        assert numbers(told[f"{name}/test"]) == [(5, np.float32(value))]
    assert "auc/test" in told and "baseline_accuracy/test" in told
    layers = ("hidden1", "output")
    assert {f"{layer}/{factor}" for layer in layers for factor in FACTORS} < set(told)
    assert json.loads(told["settings"][0][1].item().decode().strip("`\n"))["epochs"] == 3
    assert str(logged) == (
        f"Logged to {tmp_path / 'logs'}. Steps with numbers: 6; with the factors of every neuron: "
        f"3.\nLook at it with: tensorboard --logdir {tmp_path / 'logs'}"
    )


def test_histograms_hold_every_neuron_where_it_was(run, tmp_path):
    wg.log(run, folder=tmp_path / "logs")
    told = read(tmp_path / "logs")
    steps, rows = run.rows("hidden1")
    assert [step for step, _ in told["hidden1/input"]] == steps.tolist() == [0, 2, 4]
    for (_, bins), row in zip(told["hidden1/input"], rows, strict=True):
        values = row[ROW_FIELDS.index("input")]
        assert bins[:, 2].sum() == 5
        counts, edges = np.histogram(values, 30)
        np.testing.assert_array_equal(bins[:, 2], counts)
        np.testing.assert_allclose(bins[:, 0], edges[:-1], rtol=1e-5)


def test_watching_writes_what_logging_afterwards_writes(ask, run, tmp_path):
    with wg.TensorBoard(tmp_path / "live") as board:
        wg.train(**ask, log=board)
    wg.log(run, folder=tmp_path / "after")
    live, after = read(tmp_path / "live"), read(tmp_path / "after")
    of_epochs = {name for name in live if name.endswith("/validation")}
    assert set(after) - set(live) == set() and set(live) - set(after) < of_epochs
    for name, told in after.items():
        if name != "settings":
            assert [step for step, _ in told] == [step for step, _ in live[name]]
            assert all(
                np.array_equal(a, b) for (_, a), (_, b) in zip(told, live[name], strict=True)
            )


def test_each_epoch_is_measured_on_the_validation_part(ask, run, tmp_path):
    wg.train(**ask, log=wg.TensorBoard(tmp_path / "live"))
    told = read(tmp_path / "live")
    steps = [step for step, _ in history(run, "validation_loss")]
    assert len(steps) == 3
    for name, value in run.trained.measures("validation").figures.items():
        if name in ("accuracy", "r2"):
            continue
        of_epochs = numbers(told[f"{name}/validation"])
        assert [step for step, _ in of_epochs] == steps
        assert of_epochs[-1][1] == pytest.approx(value)  # the last network is that of the run
        before = run.trained.measures_of(run.trained.network_at(steps[0] + 1), "validation")
        assert of_epochs[0][1] == pytest.approx(before.figures[name], rel=1e-5)


def test_a_training_that_was_stopped_is_closed_when_it_has_ended(ask, tmp_path):
    board = wg.TensorBoard(tmp_path / "live")
    run = wg.train(**ask, log=board, watch=lambda event: event.epoch == 1, out=tmp_path / "run")
    assert run.description["state"] == "stopped"
    board.close()
    assert "auc/test" not in read(tmp_path / "live")
    run = wg.resume(run.path, log=wg.TensorBoard(tmp_path / "later"))
    (end,) = numbers(read(tmp_path / "later")["auc/test"])
    assert end == (5, pytest.approx(run.evaluate()["auc"]))
    early = wg.TensorBoard(tmp_path / "early")  # its last epoch is not known beforehand
    wg.train(**ask | {"epochs": 30, "patience": 1, "learning_rate": 3.0}, log=early)
    assert not early._is_open and "auc/test" in read(tmp_path / "early")


def test_histograms_are_spread(ask, run, tmp_path):
    logged = wg.log(run, folder=tmp_path / "after", every=3)
    assert logged.histograms == 2
    assert [step for step, _ in read(tmp_path / "after")["output/open"]] == [0, 4]
    wg.train(**ask, watch=wg.TensorBoard(tmp_path / "live", every=3))
    assert [step for step, _ in read(tmp_path / "live")["output/open"]] == [0, 4]


def test_long_runs_have_two_hundred_histograms():
    assert wg.TensorBoard("nowhere").spacing(100_000) == 500
    assert wg.TensorBoard("nowhere").spacing(30) == 1


def test_the_same_folder_is_not_written_twice(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert wg.log(run).where == "logs/iris-1"
    with pytest.raises(OptionError) as caught:
        wg.log(run)
    assert str(caught.value) == (
        "logs/iris-1 already holds events for TensorBoard, and the same run logged twice would be "
        "drawn over itself. Choose another folder, or delete this one."
    )


def test_what_is_asked_wrongly_is_told(run):
    with pytest.raises(OptionError) as caught:
        wg.log(run, "tensorbord")
    assert str(caught.value) == (
        "There is no tracker called tensorbord. Did you mean tensorboard? "
        "Known: tensorboard, wandb, mlflow."
    )
    with pytest.raises(OptionError) as caught:
        wg.TensorBoard(every=0)
    assert str(caught.value) == (
        "every, the steps from one histogram to the next, must be an integer >= 1, got 0. "
        "Leave it out for at most 200 of them."
    )


@pytest.mark.parametrize("name", TRACKERS)
def test_a_library_that_is_missing_is_named(name, monkeypatch):
    hidden = (f"{name}.", *(f"whygrad.interop.tracking.{file}" for file in FILES))
    for module in [module for module in sys.modules if module.startswith(hidden)]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError) as caught:
        TRACKERS[name]()
    who = {"tensorboard": "TensorBoard", "wandb": "WandB", "mlflow": "MLflow"}[name]
    assert str(caught.value) == (
        f"{who} needs {name}, which is not installed. "
        f'Install it with: pip install "whygrad[{name}]"'
    )
    with speaking("zh"):
        assert str(caught.value).startswith(f"{who} 需要 {name}，但尚未安装。")
