"""``whygrad train --watch`` and ``--stop-on-finding`` as processes."""

import json

import pytest

from whygrad.record.folder import RunFolder

pytestmark = pytest.mark.long

SMALL = ("--hidden", "8", "--epochs", "20", "--record-every", "2", "--seed", "1")
CLONES = ("train", "iris", *SMALL, "--dropout", "0", "--init", "constant:0.5")
DYING = ("train", "iris", "--hidden", "8,8", "--learning-rate", "10", "--epochs", "60")
DYING += ("--record-every", "5")
LINE = (
    "Step 0, hidden1: Clones. Different neurons: only 1 of 8; all others are copies of these. "
    "Copies get equal gradients, so no step parts them (only dropout can). These gradients are "
    "next to nothing besides: the δ of a softmax sum to 0, and where all outgoing weights of a "
    "neuron are equal, they cancel: only 4.21e-8 of the pushing is left at hidden1.\n"
)


def test_a_healthy_training_is_watched_in_silence(whygrad, tmp_path):
    outcome = whygrad("train", "iris", *SMALL, "--watch", "--out", "a", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (0, "")


def test_a_finding_is_told_once_in_a_line_and_training_goes_on(whygrad, tmp_path):
    outcome = whygrad(*CLONES, "--watch", "--out", "a", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (0, LINE)
    assert RunFolder(tmp_path / "a").description["state"] == "finished"


def test_without_watch_nothing_is_told(whygrad, tmp_path):
    outcome = whygrad(*CLONES, "--out", "a", "--json", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    assert "findings" not in json.loads(outcome.out)


def test_what_is_certain_at_the_start_keeps_training_from_beginning(whygrad, tmp_path):
    outcome = whygrad(*CLONES, "--stop-on-finding", "--out", "a", "--json", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (1, LINE + "Training was not begun.\n")
    assert [finding["kind"] for finding in json.loads(outcome.out)["findings"]] == ["clones"]
    assert not (tmp_path / "a").exists()


def test_watching_changes_no_number(whygrad, tmp_path):
    for out, more in (("a", ()), ("b", ("--watch",))):
        assert whygrad(*CLONES, *more, "--out", out, cwd=tmp_path).code == 0
    files = [[*(tmp_path / out).glob("checkpoints/*")] for out in ("a", "b")]
    newest = [max(one, key=lambda path: int(path.stem)).read_bytes() for one in files]
    assert newest[0] == newest[1]


def test_a_layer_that_dies_stops_training_and_it_can_go_on(whygrad, tmp_path):
    outcome = whygrad(*DYING, "--stop-on-finding", "--out", "a", "--json", cwd=tmp_path)
    assert outcome.code == 1
    told = json.loads(outcome.out)
    assert told["state"] == "stopped" and 0 < told["steps"] < 120
    (found,) = told["findings"]
    assert found["kind"] == "dead" and found["step"] % 5 == 0 and found["step"] < told["steps"]
    assert outcome.err.startswith(f"Step {found['step']}, {found['layer']}: Dead neurons. All 8 ")
    assert outcome.err.count("\n") == 1
    again = whygrad("train", "--resume", "--out", "a", "--json", cwd=tmp_path)
    assert again.code == 0 and again.err == ""
    assert json.loads(again.out)["steps"] == 120


def test_a_run_that_goes_on_is_watched_too(whygrad, tmp_path):
    whygrad(*DYING, "--stop-on-finding", "--out", "a", cwd=tmp_path)
    again = whygrad("train", "--resume", "--out", "a", "--watch", cwd=tmp_path)
    assert again.code == 0 and again.err.count("Dead neurons") == 1


def test_in_chinese(whygrad, tmp_path):
    outcome = whygrad(*CLONES, "--stop-on-finding", "--lang", "zh", cwd=tmp_path)
    assert outcome.code == 1
    assert outcome.err.startswith("第 0 步，hidden1：")
    assert outcome.err.endswith("没有开始训练。\n")
