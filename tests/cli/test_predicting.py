"""``whygrad predict`` and ``evaluate`` on files: right, whole or not at all, of any length."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import whygrad as wg
from whygrad.cli import applying
from whygrad.cli.app import run as command_line
from whygrad.data import rows as new_rows
from whygrad.words import number

ROWS = 60


def frame() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "size": draw.normal(10, 3, ROWS).round(2),
            "colour": draw.choice(["red", "blue", "grün, hell"], ROWS),
            "day": pd.date_range("2023-11-05", periods=ROWS, freq="3D"),
        }
    )
    table["kind"] = np.where(table["size"] + table["day"].dt.month > 14, "big", "a;b")
    table["price"] = table["size"] * 3 + table["day"].dt.month
    return table


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> SimpleNamespace:
    """A run of two classes and one of a quantity, which nobody may change, and their table."""
    folder, table = tmp_path_factory.mktemp("predicting"), frame()
    words = table.assign(day=table["day"].dt.strftime("%d.%m.%Y"))
    words.to_csv(folder / "rows.csv", index=False, sep=";", decimal=",")
    made = {}
    for target, other in (("kind", "price"), ("price", "kind")):
        data = wg.load(folder / "rows.csv", target=target, drop=other)
        network = wg.Network.create([data.n_in, 4, data.n_out], activation="tanh", seed=1)
        made[target] = wg.train(network, data, epochs=3, batch_size=16, out=folder / target)
    return SimpleNamespace(folder=folder, table=table, rows=folder / "rows.csv", **made)


@pytest.fixture
def told(capsys):
    """Run the command line in this process and return what it left."""

    def run(*arguments: str | Path) -> SimpleNamespace:
        code = command_line(list(map(str, arguments)))
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return run


def raw(table: pd.DataFrame) -> np.ndarray:
    """Return a table as numbers before they are scaled, (m, 8): the size, colours, the day."""
    at, colours = table["day"].dt, ["blue", "grün, hell", "red"]
    hot = [table["colour"] == colour for colour in colours]
    day = [at.year, at.month, at.day, at.day_of_week + 1]
    return np.stack([np.asarray(one, float) for one in (table["size"], *hot, *day)], axis=1)


def by_hand(run: wg.Run, table: pd.DataFrame) -> np.ndarray:
    """Return the outputs of a run's network, (m, n_out), from the raw table on, in float64."""
    of_training = raw(frame())[run.data.train.rows]
    mean, spread = of_training.mean(axis=0), of_training.std(axis=0)
    mean[1:4], spread[1:4] = 0, 1  # colours
    first, last = run.network.dense
    scaled = (raw(table) - mean) / spread
    hidden = np.tanh(scaled @ np.asarray(first.weight, float) + np.asarray(first.bias))
    return hidden @ np.asarray(last.weight, float) + np.asarray(last.bias)


def test_probabilities_are_those_of_the_network_by_hand(told, home):
    answer = told("predict", home.kind.path, home.rows)
    assert answer.code == 0, answer.err
    read = pd.read_csv(io.StringIO(answer.out))
    assert list(read) == ["prediction", "probability_a;b", "probability_big"]
    big = 1 / (1 + np.exp(-by_hand(home.kind, home.table)[:, 0]))
    np.testing.assert_allclose(read["probability_big"], big, rtol=1e-5)
    np.testing.assert_allclose(read["probability_a;b"], 1 - big, rtol=1e-5)
    assert read["prediction"].tolist() == np.where(big > 0.5, "big", "a;b").tolist()


def test_quantities_are_those_of_the_network_by_hand_in_their_unit(told, home):
    read = pd.read_csv(io.StringIO(told("predict", home.price.path, home.rows).out))
    train = home.table["price"].to_numpy()[home.price.data.train.rows]
    expected = by_hand(home.price, home.table)[:, 0] * train.std() + train.mean()
    assert list(read) == ["prediction"]
    np.testing.assert_allclose(read["prediction"], expected, rtol=1e-5)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "ndjson", "parquet"])
def test_what_goes_in_and_comes_out_may_have_any_ending(told, home, tmp_path, ending):
    table = home.table.drop(columns=["kind", "price"])
    rows, out = tmp_path / f"rows.{ending}", tmp_path / f"out.{ending}"
    if ending == "parquet":
        table.to_parquet(rows)
    elif "json" in ending:
        table.to_json(rows, orient="records", lines=True, date_format="iso")
    else:
        table.to_csv(rows, index=False, sep="\t" if ending == "tsv" else ",")
    answer = told("predict", home.kind.path, rows, "--out", out)
    assert (answer.code, answer.err) == (0, "")
    if ending == "parquet":
        read = pd.read_parquet(out)
    elif "json" in ending:
        read = pd.DataFrame(map(json.loads, out.read_text().splitlines()))
    else:
        read = pd.read_csv(out, sep="\t" if ending == "tsv" else ",")
    expected = home.kind.predict_proba(table)
    np.testing.assert_allclose(read[["probability_a;b", "probability_big"]], expected, rtol=1e-5)
    assert read["prediction"].tolist() == list(home.kind.predict(table))


ODD = (
    "\ufeffday,spare,colour,size\r\n"
    "5.1.2024,1,red,10\r\n"
    '2024-01-06,1,"grün, hell",\r\n'
    "soon,1,mauve,large\r\n"
    ',1,,"11,5"\r\n'
)


def test_odd_cells_are_filled_counted_and_told_with_their_lines(told, home, tmp_path):
    (tmp_path / "odd.csv").write_bytes(ODD.encode())
    answer = told("predict", home.kind.path, tmp_path / "odd.csv")
    assert answer.code == 0
    median = home.kind.data.encoder.median
    assert answer.err.splitlines() == [
        f"The network after {home.kind.steps} of {home.kind.steps} steps",
        "Note: Columns that the network was not trained on, ignored: 1 (spare).",
        "Note: Missing values in size: 1 (file line 3). They were filled with "
        f"{number(median[0])}, the median of the training part.",
        "Note: Values in size that are no numbers: 1 (large; file line 4). They count as missing, "
        f"and {number(median[0])} stands in for them.",
        "Note: Missing values in colour, where training had none: 1 (file line 5). All inputs of "
        "the column are 0 there.",
        "Note: Categories in colour that training never saw, in 1 row: mauve (file line 4). All "
        "inputs of the column are 0 there.",
        "Note: Missing dates in day: 1 (file line 5). Each of their parts was filled with its "
        "median in the training part.",
        "Note: Values in day that are no dates: 1 (soon; file line 4). They count as missing, and "
        "the median of each part stands in for them.",
    ]
    read = pd.read_csv(io.StringIO(answer.out))
    days = pd.to_datetime(["2024-01-05", "2024-01-06", "2024-01-06", "2024-01-06"])
    table = pd.DataFrame({"size": [10, median[0], median[0], 11.5], "day": days})
    table["colour"] = ["red", "grün, hell", "mauve", None]
    big = 1 / (1 + np.exp(-by_hand(home.kind, table)[:2, 0]))  # the others have a date by parts
    np.testing.assert_allclose(read["probability_big"][:2], big, rtol=1e-5)
    assert len(read) == 4


def test_notes_are_data_in_json(told, home, tmp_path):
    (tmp_path / "odd.csv").write_bytes(ODD.encode())
    content = json.loads(told("predict", home.kind.path, tmp_path / "odd.csv", "--json").out)
    assert content["rows"] == 4 and len(content["predictions"]) == 4
    unknown = next(n for n in content["notes"] if n["key"] == "note.encode_unknown")
    assert (unknown["column"], unknown["count"], unknown["names"]) == ("colour", 1, "mauve")


def test_a_header_alone_gives_a_header_alone(told, home, tmp_path):
    (tmp_path / "none.csv").write_text("day,colour,size\n")
    answer = told("predict", home.kind.path, tmp_path / "none.csv")
    assert (answer.code, answer.out) == (0, "prediction,probability_a;b,probability_big\n")


PROBLEMS = {
    "empty": (
        "",
        "none.csv cannot be used yet. Problems found: 1.\n- The file must hold a header and rows, "
        "but it is empty. Check that it was saved completely.",
    ),
    "a column is missing": (
        "DAY,size,colour\n",
        "Some columns that the network was trained with are missing: day. The columns given are "
        "DAY, size, colour; the nearest names are DAY. Add or rename them.",
    ),
    "ragged": (
        "day,size,colour\n5.1.2024,1,red\n5.1.2024,1\n",
        "none.csv cannot be used yet. Problems found: 1.\n- Every row must have 3 columns like the "
        "header, but file line 3 has 2; rows like this: 1. Check the delimiter and the quotation "
        "marks there.",
    ),
    "infinite": (
        "day,size,colour\n5.1.2024,1,red\n5.1.2024,-inf,red\n",
        "Column size must hold finite numbers, but file line 3 holds −∞. Replace the value.",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_file_that_cannot_be_predicted_leaves_nothing(told, home, tmp_path, case):
    content, message = PROBLEMS[case]
    rows, out = tmp_path / "none.csv", tmp_path / "out.csv"
    rows.write_text(content)
    answer = told("predict", home.kind.path, rows, "--out", out)
    assert answer.code == 2 and answer.out == ""
    assert answer.err == f"Error: {message}\n"
    assert sorted(tmp_path.iterdir()) == [rows]


@pytest.mark.parametrize("problem", [KeyboardInterrupt, OSError("disk full")])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_stops_half_way_leaves_the_file_before(
    told, home, tmp_path, monkeypatch, problem, ending
):
    monkeypatch.setattr(new_rows, "INPUTS", 1)  # few rows at once
    out = tmp_path / f"out.{ending}"
    out.write_text("before")
    made = applying.table_of

    def fails_later(run, claims):
        monkeypatch.setattr(applying, "table_of", _raising(problem))
        return made(run, claims)

    monkeypatch.setattr(applying, "table_of", fails_later)
    rows = tmp_path / "rows.csv"
    pd.concat([home.table] * 5).to_csv(rows, index=False)
    assert told("predict", home.kind.path, rows, "--out", out).code not in (0, 70)
    assert out.read_text() == "before"
    assert sorted(tmp_path.iterdir()) == [out, rows]


def _raising(problem):
    def fails(*_):
        raise problem

    return fails


def test_blocks_of_any_size_give_the_same_file(told, home, tmp_path, monkeypatch):
    expected = told("predict", home.kind.path, home.rows).out
    monkeypatch.setattr(new_rows, "INPUTS", 1)
    monkeypatch.setattr(new_rows, "FEWEST", 7)
    in_pieces = told("predict", home.kind.path, home.rows).out
    read = [list(csv.reader(io.StringIO(text))) for text in (expected, in_pieces)]
    assert [row[0] for row in read[0]] == [row[0] for row in read[1]]
    numbers = [np.array([row[1:] for row in rows[1:]], float) for rows in read]
    np.testing.assert_allclose(numbers[0], numbers[1], rtol=1e-5)


def test_evaluate_on_a_file_is_what_the_rows_come_to(told, home):
    content = json.loads(told("evaluate", home.kind.path, home.rows, "--json").out)
    outputs = by_hand(home.kind, home.table)[:, 0]
    is_big = home.table["kind"].to_numpy() == "big"
    assert content["rows"] == ROWS
    assert content["accuracy"] == pytest.approx(((outputs > 0) == is_big).mean())
    loss = np.logaddexp(0, np.where(is_big, -outputs, outputs)).mean()
    assert content["loss"] == pytest.approx(loss, rel=1e-5)
    of_price = json.loads(told("evaluate", home.price.path, home.rows, "--json").out)
    price = home.table["price"].to_numpy()
    train = price[home.price.data.train.rows]
    found = by_hand(home.price, home.table)[:, 0] * train.std() + train.mean()
    r2 = 1 - ((price - found) ** 2).sum() / ((price - price.mean()) ** 2).sum()
    assert of_price["r2"] == pytest.approx(r2, rel=1e-4)


@pytest.fixture
def weighed(tmp_path) -> SimpleNamespace:
    """Two runs of weighted rows, of a class and of a quantity, and the file of their rows."""
    draw, made = np.random.default_rng(3), {}
    table = pd.DataFrame({"a": draw.normal(size=80), "w": draw.integers(0, 4, 80) / 2})
    table["kind"] = np.where(table["a"] + draw.normal(size=80) > 0, "up", "down")
    table["height"] = table["a"] * 2 + draw.normal(size=80)
    table.to_csv(tmp_path / "rows.csv", index=False)
    for target, other in (("kind", "height"), ("height", "kind")):
        data = wg.load(tmp_path / "rows.csv", target=target, drop=other, weight="w")
        network = wg.Network.create([data.n_in, 3, data.n_out], seed=1)
        made[target] = wg.train(network, data, epochs=2, out=tmp_path / target)
    return SimpleNamespace(table=table, rows=tmp_path / "rows.csv", **made)


def test_evaluate_weighs_rows_by_the_column_of_training(told, weighed, monkeypatch):
    monkeypatch.setattr(new_rows, "INPUTS", 1)  # several blocks of 64 rows
    table, weight = weighed.table, weighed.table["w"]
    found = json.loads(
        told("evaluate", weighed.kind.path, weighed.rows, "--weighted", "--json").out
    )
    claims = weighed.kind.predict_proba(table)
    right = claims[np.arange(80), (table["kind"] == "up").astype(int)]
    assert found["loss"] == pytest.approx(np.average(-np.log(right), weights=weight), rel=1e-5)
    assert found["accuracy"] == pytest.approx(np.average(right > 0.5, weights=weight))
    assert found["measures"]["is_weighted"]
    found = json.loads(
        told("evaluate", weighed.height.path, weighed.rows, "--weighted", "--json").out
    )
    height, claimed = table["height"], weighed.height.predict(table)[:, 0]
    mean = np.average(height, weights=weight)
    r2 = 1 - weight @ (height - claimed) ** 2 / (weight @ (height - mean) ** 2)
    assert found["r2"] == pytest.approx(r2, rel=1e-4)
    own = np.average(abs(height - claimed), weights=weight)
    assert found["mae"] == pytest.approx(own, rel=1e-5)


def test_evaluate_weighs_the_rows_of_a_part(told, weighed):
    for run in (weighed.kind, weighed.height):
        part = run.data.train
        rows = weighed.rows.with_name("train.csv")
        weighed.table.iloc[part.rows].to_csv(rows, index=False)
        of_part = told("evaluate", run.path, "--part", "train", "--weighted", "--json").out
        of_rows = told("evaluate", run.path, rows, "--weighted", "--json").out
        found, expected = (json.loads(text) for text in (of_part, of_rows))
        for name in {"loss", "accuracy", "r2"} & set(expected):
            assert found[name] == pytest.approx(expected[name], rel=1e-4)
        assert run.evaluate("train", weighted=True)["loss"] == pytest.approx(found["loss"])


def test_evaluate_refuses_weights_that_are_none(told, home, weighed):
    answer = told("evaluate", home.kind.path, home.rows, "--weighted")
    assert answer.code == 2 and "has no sample weights" in answer.err
    answer = told("evaluate", home.kind.path, "--weighted")
    assert answer.code == 2 and "has no sample weights" in answer.err
    for cell, said in (("-1", "at least 0"), ("", "file line 3"), ("much", "file line 3")):
        words = weighed.table["w"].astype(str)
        words[1] = cell
        weighed.table.assign(w=words).to_csv(weighed.rows, index=False)
        answer = told("evaluate", weighed.kind.path, weighed.rows, "--weighted")
        assert answer.code == 2 and "w " in answer.err and said in answer.err
    weighed.table.assign(w=0).to_csv(weighed.rows, index=False)
    answer = told("evaluate", weighed.kind.path, weighed.rows, "--weighted")
    assert answer.code == 2 and answer.err.startswith("Error: ")


def test_evaluate_in_blocks_is_what_it_is_in_one(told, home, monkeypatch):
    for run in (home.kind, home.price):
        whole = json.loads(told("evaluate", run.path, home.rows, "--json").out)
        with monkeypatch.context() as small:
            small.setattr(new_rows, "INPUTS", 1)
            small.setattr(new_rows, "FEWEST", 7)
            pieces = json.loads(told("evaluate", run.path, home.rows, "--json").out)
        for name in {"loss", "accuracy", "r2", "auc", "mae"} & set(whole):
            assert pieces[name] == pytest.approx(whole[name], rel=1e-5)


def test_json_holds_every_row_or_the_error_alone(told, home, tmp_path, monkeypatch):
    monkeypatch.setattr(new_rows, "INPUTS", 1)
    read = json.loads(told("predict", home.kind.path, home.rows, "--json").out)
    expected = home.kind.predict_proba(home.table)
    found = [[row["probability_a;b"], row["probability_big"]] for row in read["predictions"]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (read["rows"], read["notes"][0]["key"]) == (ROWS, "note.rows_target")
    rows = tmp_path / "rows.csv"
    pd.concat([home.table] * 5 + [home.table.assign(size=np.inf)]).to_csv(rows, index=False)
    answer = told("predict", home.kind.path, rows, "--json")
    assert answer.code == 2 and list(json.loads(answer.out)) == ["error"]
    (tmp_path / "none.csv").write_text("day,colour,size\n")
    read = json.loads(told("predict", home.kind.path, tmp_path / "none.csv", "--json").out)
    assert (read["rows"], read["predictions"]) == (0, [])


def test_predictions_are_not_written_over_their_rows(told, home, tmp_path):
    rows = tmp_path / "rows.csv"
    home.table.to_csv(rows, index=False)
    before = rows.read_bytes()
    (tmp_path / "link.csv").symlink_to(rows)
    for out in (rows, tmp_path / "link.csv"):
        answer = told("predict", home.kind.path, rows, "--out", out)
        assert answer.code == 2 and answer.err == (
            f"Error: The predictions cannot be written over the rows that they are of, {out}. "
            "Choose another file for --out.\n"
        )
    assert rows.read_bytes() == before


def test_a_report_is_no_folder(told, home, tmp_path):
    for out in (tmp_path, "."):
        answer = told("report", home.kind.path, "--out", out)
        assert answer.code == 2 and answer.err == (
            f"Error: The report is written to a file, and {out} is a folder. Give a path such as "
            f"{out}/report.html.\n"
        )


@pytest.mark.parametrize("name", ["a\ud800b", "a\0b"])
def test_a_name_that_no_file_can_have_is_no_run_and_no_table(told, home, name):
    for command in (["evaluate", name], ["predict", name, home.rows]):
        answer = told(*command)
        assert answer.code == 1 and "There is no run in" in answer.err
    assert told("predict", home.kind.path, name).code == 2


def test_rows_may_be_in_another_encoding(told, home, tmp_path):
    rows, run = tmp_path / "rows.csv", home.kind
    home.table.to_csv(rows, index=False, encoding="cp1252")
    for command in ("predict", "evaluate"):
        answer = told(command, run.path, rows)
        assert answer.code == 2 and "Give --encoding cp1252" in answer.err
    answer = told("predict", run.path, rows, "--encoding", "cp1252")
    read = pd.read_csv(io.StringIO(answer.out))
    np.testing.assert_allclose(read["probability_big"], run.predict_proba(home.table)[:, 1], 1e-5)
    assert told("evaluate", run.path, rows, "--encoding", "cp1252").code == 0
    answer = told("evaluate", run.path, "--encoding", "cp1252")
    assert answer.err.startswith("Error: --encoding says how to read a file of rows, but no file")


def test_evaluate_says_what_it_left_out(told, home, tmp_path):
    table = home.table.assign(day=home.table["day"].dt.strftime("%d.%m.%Y"), spare=1)
    table.loc[2, "kind"], table.loc[4, "kind"] = None, "huge"
    table.to_csv(tmp_path / "rows.csv", index=False)
    answer = told("evaluate", home.kind.path, tmp_path / "rows.csv")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[1] == "Measured on 58 rows of rows.csv"
    assert answer.err.splitlines() == [
        "Note: Columns that the network was not trained on, ignored: 2 (price, spare).",
        "Note: Rows without a target kind, left out: 1 (file line 4).",
        "Note: Rows of classes that training never had: 1 (huge; file line 6). They are left out "
        "of the loss and the measures; the network is wrong on each of them.",
    ]


def test_evaluate_needs_a_target(told, home, tmp_path):
    rows = tmp_path / "rows.csv"
    home.table.drop(columns="kind").to_csv(rows, index=False)
    answer = told("evaluate", home.kind.path, rows)
    assert answer.code == 2 and "with are missing: kind." in answer.err
    home.table.rename(columns={"kind": "sort"}).to_csv(rows, index=False)
    assert told("evaluate", home.kind.path, rows, "--target", "sort").code == 0
    home.table.assign(kind="huge").to_csv(rows, index=False)
    answer = told("evaluate", home.kind.path, rows)
    assert answer.code == 2 and "none has a target that training knew" in answer.err
    answer = told("evaluate", home.kind.path, rows, "--part", "train")
    assert answer.err == (
        f"Error: --part chooses a part of the run's own data, so it cannot be given with the file "
        f"{rows}. Leave one of the two out.\n"
    )
    answer = told("evaluate", home.price.path, rows, "--target", "prise")
    assert "There is no column called prise. Did you mean price?" in answer.err
    answer = told("evaluate", home.price.path, rows, "--target", "price,size")
    assert answer.err == (
        "Error: The network predicts price, which takes 1 column of the target, but 2 came. Name "
        "as many with --target.\n"
    )
    answer = told("evaluate", home.kind.path, "--target", "sort")
    assert answer.err == (
        "Error: --target says how to read a file of rows, but no file was given. Give the file, "
        "or leave --target out.\n"
    )


def test_arrays_know_no_name_of_their_target(told, tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 2))
    y = (x[:, 0] > 0).astype(int)
    data = wg.from_arrays(x, y)
    run = wg.train(wg.Network.create([2, 3, 1]), data, epochs=1, out=tmp_path / "run")
    rows = tmp_path / "rows.csv"
    pd.DataFrame({"x1": x[:, 1], "x0": x[:, 0], "side": y}).to_csv(rows, index=False)
    answer = told("evaluate", run.path, rows)
    assert "Give --target NAME; the columns are x1, x0, side." in answer.err
    measured = json.loads(told("evaluate", run.path, rows, "--target", "side", "--json").out)
    assert measured["accuracy"] == pytest.approx((run.predict(x).astype(int) == y).mean())


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count otherwise")
@pytest.mark.parametrize("command", ["predict", "predict --json", "evaluate"])
def test_a_long_file_takes_no_more_memory_than_a_short_one(home, tmp_path, environment, command):
    table, name = home.table.drop(columns="price"), command.split()[0]
    peaks = {}
    for times in (10, 4000):
        rows, out = tmp_path / f"{times}.csv", tmp_path / f"{times}.out"
        text = table.to_csv(index=False)
        head, body = text.split("\n", 1)
        rows.write_text(head + "\n" + body * times)
        code = "import resource, sys; from whygrad.cli.app import run; run(sys.argv[1:]); "
        code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        arguments = [name, str(home.kind.path), str(rows), *command.split()[1:]]
        with out.open("w") as file:
            subprocess.run(
                [sys.executable, "-c", code, *arguments], env=environment, stdout=file, check=True
            )
        told = out.read_text().splitlines()
        peaks[times] = int(told[-1]) * 1024
        assert name == "evaluate" or len(told) > times * ROWS
    # all rows held as numbers would be 240 000 * 8 inputs * 12 bytes, and their words more
    assert peaks[4000] - peaks[10] < 60_000_000


@pytest.mark.long
def test_a_reader_that_has_enough_ends_it_quietly(home, tmp_path, environment):
    rows = tmp_path / "rows.csv"
    pd.concat([home.table] * 2000).to_csv(rows, index=False)
    command = [sys.executable, "-m", "whygrad", "predict", str(home.kind.path), str(rows)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        assert child.stdout.readline() == "prediction,probability_a;b,probability_big\n"
        child.stdout.close()
        said = child.stderr.read()
    assert said == f"The network after {home.kind.steps} of {home.kind.steps} steps\n"


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="no signals like these")
def test_ctrl_c_leaves_no_file(home, tmp_path, environment):
    rows, out = tmp_path / "rows.csv", tmp_path / "out" / "out.csv"
    out.parent.mkdir()
    pd.concat([home.table] * 20_000).to_csv(rows, index=False)
    command = [sys.executable, "-m", "whygrad", "predict", str(home.kind.path), str(rows)]
    with subprocess.Popen(
        [*command, "--out", str(out)], env=environment, stderr=subprocess.PIPE, text=True
    ) as child:
        while not any(one.stat().st_size for one in out.parent.iterdir()):
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        assert child.stderr is not None and "Traceback" not in child.stderr.read()
    assert child.returncode == 128 + signal.SIGINT
    assert list(out.parent.iterdir()) == []
