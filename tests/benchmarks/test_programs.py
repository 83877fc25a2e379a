"""PyTorch programs that were broken and repaired: what is counted of their diagnoses."""

import sys

import pytest
from benchmarks.faults.programs import compared, line, totals

SOFTMAX = """
import torch
from torch import nn
import data  # beside the cases

CAUSE = ["softmax"]


def train(broken, watch):
    net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    model = nn.Sequential(net, nn.Softmax(1)) if broken else net
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    with watch(model):
        for _ in range(data.STEPS):
            x = torch.randn(32, 3)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
            optimizer.step()
    return [model], 1.0
"""
ENDS_IN_AN_ERROR = """
CAUSE = []


def train(broken, watch):
    raise ValueError("as it does without a watch")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "cases").mkdir()
    (tmp_path / "data.py").write_text("STEPS = 60\n")
    (tmp_path / "cases" / "f1.py").write_text(SOFTMAX)
    (tmp_path / "cases" / "h1.py").write_text(ENDS_IN_AN_ERROR)
    return tmp_path


def test_what_names_the_cause_is_silent_and_leaves_the_same_is_counted(folder):
    rows = [compared(folder, name) for name in ("f1", "h1")]
    assert rows[0]["broken"]["findings"][0]["kind"] == "softmax_twice"
    assert "cause: 1" in line(rows[0]) and "silent" in line(rows[1])
    assert rows[1]["healthy"]["error"] == "ValueError: as it does without a watch"
    assert totals(rows) == {
        "recall": [1, 1],
        "silence": [2, 2],
        "cause@1": [1, 1],
        "cause@3": [1, 1],
        "cured": [0, 0],
        "identical": [3, 3],
    }


def test_what_could_not_be_tried_reaches_nothing():
    rows = [{"name": "f2", "failed": "took more than 240 s"}]
    told = totals(rows)
    assert {reached for reached, _ in told.values()} == {0}
    assert told["recall"] == told["silence"] == [0, 1] and told["identical"] == [0, 2]
    assert "could not be tried" in line(rows[0])
