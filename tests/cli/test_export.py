"""``whygrad export`` as a user meets it."""

import json
import shutil

import pytest

pytestmark = pytest.mark.long


def test_a_run_leaves_by_default_as_onnx(whygrad, trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "runs" / "a")
    outcome = whygrad("export", "a", cwd=tmp_path)
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.out.startswith(
        "Written: runs/a/model.onnx\nWhat comes out: probabilities.\n"
        "Preprocessing: inside. Raw rows go in, as the data came.\nTried on 56 rows: "
    )
    assert (tmp_path / "runs" / "a" / "model.onnx").stat().st_size > 500


def test_an_ending_tells_the_format(whygrad, trained, tmp_path):
    told = whygrad("export", "a", "--out", str(tmp_path / "x.py"), "--json", cwd=trained.home)
    written = json.loads(told.out)
    assert told.code == 0 and written["format"] == "torch" and written["difference"] < 1e-5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.py", "x.weights.safetensors"]


def test_what_cannot_be_is_told_in_both_languages(whygrad, trained):
    outcome = whygrad("export", "a", "--out", "x.pt", "--lang", "zh", cwd=trained.home)
    assert outcome.code == 2 and outcome.out == ""
    assert outcome.err == (
        "错误：导出格式由文件后缀决定，应为 .onnx, .safetensors, .py 之一；收到 x.pt。"
        "请使用这样的后缀，或指明格式。\n"
    )


def test_a_watched_model_is_not_ours_to_export(whygrad, watched, tmp_path):
    outcome = whygrad("export", "watched", cwd=tmp_path)
    assert outcome.code == 2 and outcome.out == ""
    assert outcome.err == (
        "Error: watched is the run of a watched PyTorch model: its folder holds what was "
        "recorded, and no network to export. Export the model itself, with "
        "torch.onnx.export(model, ...) or torch.save(model.state_dict(), ...); one of Linear "
        "layers and activations also with wg.export(wg.from_torch(model), ...).\n"
    )
