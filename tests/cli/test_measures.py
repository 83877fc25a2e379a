"""What the commands say of predictions: in short after training, whole where it is asked for."""

import json
import re

import pytest

import whygrad as wg

pytestmark = pytest.mark.long

ROWS = [
    ("red" if i % 3 else "blue", i % 7, "yes" if i % 3 and i % 7 > 2 else "no") for i in range(90)
]
SHORT = ("--hidden", "4", "--epochs", "3")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measures")
    lines = ["colour,size,bought", *(",".join(map(str, row)) for row in ROWS)]
    (folder / "rows.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def run(whygrad, home) -> wg.Run:
    outcome = whygrad("train", "rows.csv", "--target", "bought", *SHORT, "--out", "run", cwd=home)
    assert outcome.code == 0
    (home / "said.txt").write_text(outcome.out)
    return wg.open_run(home / "run")


def test_training_ends_with_the_baseline_and_the_worst_class(run, home):
    said, found = " ".join((home / "said.txt").read_text().split()), run.measures()
    share = f"{found.baseline['accuracy']:.1%}".replace("%", " %")
    assert f"Always answering “no” would be right for {share} of the rows" in said
    assert ("is no better here" in said) == (found.beaten == "no")
    worst = found.worst
    assert worst is not None and f"Worst class: “{worst.name}”" in said
    assert "Confusion matrix" not in said


@pytest.mark.sampled
@pytest.mark.parametrize("command", ["show", "evaluate"])
def test_the_whole_is_shown_where_it_is_asked_for(whygrad, home, run, command):
    said = whygrad(command, "run", cwd=home).out
    for words in ("Test part: 18 rows", "balanced accuracy", "Each class", "Confusion matrix"):
        assert words in said
    told = json.loads(whygrad(command, "run", "--json", cwd=home).out)["measures"]
    assert told == json.loads(json.dumps(run.measures().to_dict()))
    chinese = whygrad(command, "run", "--lang", "zh", cwd=home).out
    assert "测试部分：18 行" in chinese and "混淆矩阵" in chinese


def test_json_of_training_holds_the_measures(whygrad, home):
    asked = ("train", "rows.csv", "--target", "size", "--task", "numbers", *SHORT, "--json")
    told = json.loads(whygrad(*asked, cwd=home).out)["measures"]
    assert told["task"] == "numbers" and told["part"] == "test"
    assert told["values"]["mae"] > 0 and 0 <= told["answer"][0] <= 6


def test_evaluating_keeps_what_it_told_before(whygrad, home, run):
    told = json.loads(whygrad("evaluate", "run", "--part", "train", "--json", cwd=home).out)
    assert told.items() >= run.description["result"]["train"].items()
    assert told.items() >= run.evaluate("train").items()


def test_why_finds_a_column_and_a_class(whygrad, home, run):
    said = whygrad("why", "run", "hidden1.weight[colour=red, 3]", "--sample", "0", cwd=home)
    at = run.data.feature_names.index("colour=red")
    assert said.code == 0
    assert said.out.startswith(f"hidden1.weight[{at}, 3]  hidden1.weight[colour=red, 3]  at step ")
    told = json.loads(whygrad("why", "run", "output.bias[yes]", "--json", cwd=home).out)
    assert (told["address"], told["named"]) == ("output.bias[0]", "output.bias[yes]")
    wrong = whygrad("why", "run", "hidden1.weight[colour, 3]", cwd=home)
    assert wrong.code == 2 and re.search("Nearest names: colour=blue, colour=red", wrong.err)
