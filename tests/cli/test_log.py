"""``whygrad log`` as a user meets it."""

import json

import pytest


@pytest.mark.long
def test_a_run_goes_to_tensorboard(whygrad, trained, tmp_path):
    outcome = whygrad("log", str(trained.path), cwd=tmp_path)
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.out == (
        "Logged to logs/a. Steps with numbers: 3; with the factors of every neuron: 1.\n"
        "Look at it with: tensorboard --logdir logs/a\n"
    )
    assert list((tmp_path / "logs" / "a").glob("events.out.tfevents.*"))
    again = whygrad("log", str(trained.path), "--json", cwd=tmp_path)
    assert again.code == 2 and json.loads(again.out)["error"]["key"] == "error.track_folder"


def test_a_project_of_tensorboard_is_refused_in_chinese(whygrad, trained, tmp_path):
    options = ("--project", "x", "--lang", "zh")
    outcome = whygrad("log", str(trained.path), *options, cwd=tmp_path)
    assert outcome.code == 2
    assert outcome.err == (
        "错误：--project 只用于 wandb 和 mlflow，而此次记录到 tensorboard。请去掉 --project，"
        "或选择 --to wandb 或 --to mlflow。\n"
    )


def test_the_run_of_a_watched_model_goes_to_tensorboard(whygrad, watched, tmp_path):
    outcome = whygrad("log", "watched", cwd=tmp_path)
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.out == (
        "Logged to logs/watched. Steps with numbers: 1; with the factors of every neuron: 1.\n"
        "Look at it with: tensorboard --logdir logs/watched\n"
    )
