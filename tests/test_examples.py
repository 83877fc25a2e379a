"""The programs of examples/ run, and print what their first lines promise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

EXAMPLES = Path(__file__).parents[1] / "examples"
PRINTED = {
    "train_a_table": [
        "'r2': 0.9",
        "hidden1.weight[0, 3]  hidden1.weight[",
        "at step 50",
        "= |gradient|",
    ],
    "equal_weights": ["different neurons:  1", "different neurons: 32", "1. Clones"],
    "scikit_learn_pipeline": ["accuracy 0.9", "hidden1[3]  at step 50"],
    "watch_a_pytorch_model": ["1. Softmax before cross_entropy", "0.weight[4, 7]", "nn.Softmax"],
    "export_to_onnx": ["Tried on", "'probabilities'", "['setosa' 'versicolor' 'virginica']"],
}
LONG = ("watch_a_pytorch_model", "export_to_onnx")
CASES = [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in PRINTED]
LEAST, MOST = 20, 50  # lines: long enough to show something, short enough to read


def test_every_example_is_run_and_listed():
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert names == set(PRINTED)
    assert all(f"[{name}.py]({name}.py)" in listed for name in names)


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_is_short_and_says_how_it_is_started(name):
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert LEAST <= len(text.splitlines()) <= MOST
    assert f"``python examples/{name}.py``" in text


@pytest.mark.sampled
@pytest.mark.parametrize("name", CASES)
def test_an_example_prints_what_it_promises(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=os.environ | {"WHYGRAD_LANG": "en", "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    for printed in PRINTED[name]:
        assert printed in done.stdout
    assert list(tmp_path.iterdir()) == []
