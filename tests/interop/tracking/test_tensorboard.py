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
    assert numbers(told["accuracy/test"]) == [(5, np.float32(run.evaluate()["accuracy"]))]
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
    for of_result in ("loss/test", "accuracy/test"):  # known only when training is over
        assert of_result in after and of_result not in live
    for name, told in live.items():
        if name != "settings":
            assert [step for step, _ in told] == [step for step, _ in after[name]]
            assert all(
                np.array_equal(a, b) for (_, a), (_, b) in zip(told, after[name], strict=True)
            )


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
