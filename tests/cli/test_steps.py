"""``--step``, ``whygrad evaluate`` and ``whygrad predict``: which network, and what it says."""

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import whygrad as wg
from whygrad.cli.app import run as command_line

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def flowers(tmp_path_factory) -> wg.Run:
    """A run that nobody may change, of text and numbers, with three classes."""
    draw = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("flowers")
    frame = pd.DataFrame({"length": draw.normal(size=60), "colour": draw.choice(["r", "g"], 60)})
    frame["kind"] = draw.choice(["a", "b,b", "c"], 60)
    frame.to_csv(folder / "rows.csv", index=False)
    data = wg.load(folder / "rows.csv", target="kind")
    network = wg.Network.create([data.n_in, 3, 3], seed=0)
    return wg.train(network, data, epochs=2, batch_size=16, out=folder / "run")


@pytest.fixture
def told(capsys):
    """Run the command line in this process and return what it left."""

    def run(*arguments: str | Path) -> SimpleNamespace:
        code = command_line(list(map(str, arguments)))
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return run


def test_evaluate_says_which_network_and_what_was_recorded(told, flowers):
    measures = flowers.description["result"]["test"]
    answer = told("evaluate", flowers.path, "--json")
    step = flowers.steps
    assert json.loads(answer.out) == {
        "path": str(flowers.path),
        "part": "test",
        "step": step,
        **flowers.evaluate(),
        "measures": flowers.measures().to_dict(),
    }
    assert flowers.evaluate().items() >= measures.items()
    first, second, *_ = told("evaluate", flowers.path).out.splitlines()
    assert first == f"The network after {step} of {step} steps"
    assert second.split()[:2] == ["test", "loss"]
    assert f"accuracy {100 * measures['accuracy']:.1f} %" in second


def test_evaluate_at_a_step_on_another_part(told, flowers):
    answer = told("evaluate", flowers.path, "--part", "train", "--step", 2)
    assert answer.out.splitlines()[0] == f"The network after 2 of {flowers.steps} steps"
    told_ = json.loads(told("evaluate", flowers.path, "--part", "train", "--step", 2, "--json").out)
    assert told_["loss"] == flowers.evaluate("train", step=2)["loss"]


def test_predict_writes_rows_as_csv_and_says_on_stderr_which_network(told, flowers):
    rows = flowers.path.parent / "rows.csv"
    answer = told("predict", flowers.path, rows)
    assert answer.code == 0
    assert answer.err == (
        f"The network after {flowers.steps} of {flowers.steps} steps\n"
        "Note: The column that the network predicts is in the table (kind); it is not looked at.\n"
    )
    read = list(csv.DictReader(io.StringIO(answer.out)))
    frame = pd.read_csv(rows)
    assert [row["prediction"] for row in read] == list(flowers.predict(frame))
    probabilities = flowers.predict_proba(frame)
    for place, name in enumerate(("a", "b,b", "c")):
        column = [float(row[f"probability_{name}"]) for row in read]
        np.testing.assert_allclose(column, probabilities[:, place], rtol=1e-6)


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_predict_writes_a_file_by_its_ending(told, flowers, tmp_path, ending):
    out = tmp_path / f"out.{ending}"
    answer = told("predict", flowers.path, flowers.path.parent / "rows.csv", "--out", out)
    assert " ".join(answer.out.split()) == (  # as wide as the folder's name lets it be
        f"The network after {flowers.steps} of {flowers.steps} steps "
        f"Predictions for 60 rows are in {out}"
    )
    read = {"csv": pd.read_csv, "tsv": lambda f: pd.read_csv(f, sep="\t")}.get(ending)
    frame = (read or pd.read_parquet)(out)
    assert list(frame) == ["prediction", "probability_a", "probability_b,b", "probability_c"]
    assert len(frame) == 60


def test_predict_names_the_line_of_the_file_that_is_wrong(told, flowers, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("colour,length\nr,1.0\n\ng,inf\nr,2.0\n")
    answer = told("predict", flowers.path, rows)
    assert answer.code == 2 and answer.out == ""
    assert answer.err.splitlines()[-1] == (
        "Error: Column length must hold finite numbers, but file line 4 holds ∞. Replace the value."
    )


def test_predict_as_json_at_the_start(told, flowers, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("length,colour\n0.5,g\n")
    content = json.loads(told("predict", flowers.path, rows, "--step", 0, "--json").out)
    assert (content["step"], content["rows"]) == (0, 1)
    (prediction,) = content["predictions"]
    expected = flowers.predict_proba(pd.DataFrame({"length": [0.5], "colour": ["g"]}), step=0)
    assert prediction["probability_a"] == pytest.approx(float(expected[0, 0]))


def test_predictions_of_numbers_and_labels(told, tmp_path):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(40, 2))
    np.savez(tmp_path / "rows.npz", x=x, y=np.zeros(40))
    for task, y in {
        "numbers": draw.normal(size=(40, 2)),
        "labels": draw.integers(0, 2, (40, 2)),
    }.items():
        data = wg.from_arrays(x, y, task=task, target_names=["p", "q"])
        run = wg.train(wg.Network.create([2, 3, 2]), data, epochs=1, out=tmp_path / task)
        answer = told("predict", run.path, tmp_path / "rows.npz")
        read = list(csv.reader(io.StringIO(answer.out)))
        if task == "numbers":
            assert read[0] == ["prediction_p", "prediction_q"]
            np.testing.assert_allclose(np.array(read[1:], float), run.predict(x), rtol=1e-6)
        else:
            assert read[0] == ["prediction", "probability_p", "probability_q"]
            assert [row[0] for row in read[1:]] == [";".join(one) for one in run.predict(x)]


def test_another_ending_is_refused_before_anything_is_written(told, flowers, tmp_path):
    rows, out = flowers.path.parent / "rows.csv", tmp_path / "out.xlsx"
    answer = told("predict", flowers.path, rows, "--out", out)
    assert answer.code == 2 and not out.exists()
    assert answer.err == (
        f"Error: The file {out} must end in one of .csv, .tsv, .jsonl, .ndjson, "
        ".parquet. Choose such a name for --out.\n"
    )


def test_show_at_a_step(told, flowers):
    answer = told("show", flowers.path, "--step", 3)
    assert f"The network after 3 of {flowers.steps} steps" in answer.out
    content = json.loads(told("show", flowers.path, "--step", 3, "--json").out)
    assert content["step"] == 3
    assert content["result"]["test"].items() <= flowers.evaluate(step=3).items()
    assert content["measures"] == flowers.measures(step=3).to_dict()


def test_export_at_a_step_says_so(told, flowers, tmp_path):
    out = tmp_path / "model.safetensors"
    answer = told("export", flowers.path, "--out", out, "--step", 2)
    assert answer.out.splitlines()[:2] == [f"Written: {out}", "The network after 2 steps."]
    whole = told("export", flowers.path, "--out", out).out.splitlines()
    assert whole[-1] == (
        "It has the loss and measures that the run recorded: training, validation, test."
    )


def test_a_watched_model_is_shown_at_a_recorded_step_and_has_no_network(told, watched):
    answer = told("show", watched.path, "--step", 0)
    assert "The factors are those of step 0." in answer.out
    assert told("show", watched.path, "--step", 0, "--json").code == 0
    refused = told("show", watched.path, "--step", 5)
    assert refused.code == 2
    assert refused.err == (
        "Error: Step 5 was not recorded; steps recorded: 1. Ask for step 0, the nearest, or watch "
        "with a smaller every.\n"
    )
    assert told("evaluate", watched.path).err == (
        f"Error: {watched.path} is the run of a watched PyTorch model: its folder holds what was "
        "recorded, and no network that could evaluate or predict. Use the model itself.\n"
    )


def test_rows_of_a_single_column_are_predicted(told, tmp_path):
    x = np.linspace(-1, 1, 40)
    pd.DataFrame({"x": x, "y": 2 * x}).to_csv(tmp_path / "table.csv", index=False)
    data = wg.load(tmp_path / "table.csv", target="y")
    run = wg.train(wg.Network.create([1, 3, 1], seed=0), data, epochs=1, out=tmp_path / "run")
    (tmp_path / "rows.csv").write_text("x\n0.5\n-1\n")
    outcome = told("predict", str(run.path), str(tmp_path / "rows.csv"))
    assert outcome.code == 0, outcome.err
    written = [float(line) for line in outcome.out.split()[1:]]
    assert np.allclose(written, np.ravel(run.predict(np.array([[0.5], [-1.0]]))))


def test_a_check_is_of_every_step(flowers, capsys):
    assert command_line(["show", str(flowers.path), "--check", "--step", "1"]) == 2
    assert capsys.readouterr().err == (
        "Error: --check verifies every step of a run, so it takes no --step, but got --step 1. "
        "Leave one of the two out.\n"
    )
