"""Runs on disk as commands meet them: verified, of the first format, several at once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from whygrad.record.folder import RunFolder

pytestmark = pytest.mark.long

TINY = ("--samples", "60", "--hidden", "3", "--epochs", "2", "--batch-size", "16")
OLD = Path(__file__).parents[1] / "record" / "format1"


@pytest.fixture
def copy(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained.path, tmp_path / "runs" / "a"))


def test_a_sound_run_is_verified(whygrad, copy, tmp_path):
    outcome = whygrad("show", "a", "--check", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("runs/a is sound: every file holds what was written. Files")
    told = json.loads(whygrad("show", "a", "--check", "--json", cwd=tmp_path).out)
    assert (told["sound"], told["checksums"], told["problems"]) == (True, True, [])


def test_a_damaged_run_is_verified_with_exit_code_one(whygrad, copy, tmp_path):
    (copy / "anatomy" / "0.safetensors").unlink()
    (copy / "run.json").write_text((copy / "run.json").read_text().replace("xor", "xar"))
    read, told, zh = (
        whygrad("show", "a", "--check", *more, cwd=tmp_path)
        for more in ((), ("--json",), ("--lang", "zh"))
    )
    assert [outcome.code for outcome in (read, told, zh)] == [1, 1, 1]
    assert "The run file runs/a/run.json is damaged: it does not hold what was" in read.out
    assert [one["file"] for one in json.loads(told.out)["problems"]] == ["run.json"]
    assert "runs/a 已损坏。" in zh.out


@pytest.mark.parametrize("kind", ["own", "watched"])
def test_a_run_of_the_first_format_is_shown_with_a_note(whygrad, tmp_path, kind):
    shutil.copytree(OLD / kind, tmp_path / kind)
    shown = " ".join(whygrad("show", kind, cwd=tmp_path).out.split())
    assert "This run was written without checksums (format 1)" in shown
    assert json.loads(whygrad("show", kind, "--json", cwd=tmp_path).out)["checksums"] is False


def test_trainings_that_start_together_each_have_a_folder(environment, tmp_path):
    command = [sys.executable, "-m", "whygrad", "train", "xor", *TINY, "--json"]
    begun = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    told = [json.loads(process.communicate(timeout=300)[0]) for process in begun]
    assert [process.returncode for process in begun] == [0, 0, 0]
    assert {one["path"] for one in told} == {"runs/xor-1", "runs/xor-2", "runs/xor-3"}
    assert all(RunFolder(tmp_path / one["path"]).description["state"] == "finished" for one in told)


def test_a_training_that_never_began_leaves_no_name_behind(whygrad, tmp_path):
    refused = ("train", "xor", *TINY, "--patience", "2", "--validation", "0")
    assert whygrad(*refused, cwd=tmp_path).code == 2
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_folder_of_runs_that_cannot_be_written_is_told(whygrad, tmp_path):
    (tmp_path / "runs").write_text("mine")
    outcome = whygrad("train", "xor", *TINY, cwd=tmp_path)
    assert outcome.code == 1
    assert outcome.err == (
        "Error: The run cannot be written to runs/xor-1: Not a directory. Choose a folder that you "
        "may write to, on a disk with free space.\n"
    )


def test_going_on_from_an_older_checkpoint_is_said(whygrad, copy, tmp_path):
    newest = max((copy / "checkpoints").iterdir(), key=lambda path: int(path.stem))
    os.truncate(newest, 100)
    outcome = whygrad("train", "--resume", "--out", "runs/a", cwd=tmp_path)
    assert outcome.code == 0
    said = " ".join(outcome.err.split())
    assert said.startswith(
        f"Note: The checkpoint of step {newest.stem} in runs/a is missing or damaged. Training "
    )
