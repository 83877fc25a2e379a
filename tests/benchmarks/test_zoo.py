"""The small part of the zoo that needs no library: watched and not, and what is explained."""

import pytest

torch = pytest.importorskip("torch")

from benchmarks.zoo import by_hand  # noqa: E402
from benchmarks.zoo.__main__ import attempt, line  # noqa: E402
from benchmarks.zoo.case import Case  # noqa: E402
from benchmarks.zoo.programs import compared  # noqa: E402
from benchmarks.zoo.published import Program  # noqa: E402
from benchmarks.zoo.summing import ENOUGH, totals  # noqa: E402

CASES = {case.name: case for case in by_hand.cases(1)}
IN_PART = {"by hand/state space": 0.5}  # torch hands over no step of complex numbers


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.parametrize("name", CASES)
def test_nothing_changes_and_all_is_taken_apart(name):
    told = attempt(CASES[name], 1)
    assert "failed" not in told, told
    assert told["same"]
    assert told["share"] >= IN_PART.get(name, ENOUGH), told["missing"]
    assert told["compared"] > 0 and told["differ"] == []


TRAINING = """
import time, torch
net = torch.nn.Linear(3, 2)
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for step in range(3):
    net(torch.rand(4, 3)).square().mean().backward()
    optimizer.step()
print(net.weight.sum().item(), f"took {time.perf_counter_ns()} ns")
torch.save(net.state_dict(), "net.pt")
"""


@pytest.mark.long
def test_a_program_is_compared_but_for_its_times(tmp_path):
    (tmp_path / "some" / "body").mkdir(parents=True)
    (tmp_path / "some" / "body" / "train.py").write_text(TRAINING)
    timed = compared(Program("some/body", "train.py"), tmp_path)
    assert not timed["same"] and timed["differs"] == ["out"]
    told = compared(Program("some/body", "train.py", times=r"took \d+ ns"), tmp_path)
    assert told["same"] and told["code"] == 0 and told["recorded"] == 3


def test_a_model_that_depends_on_being_watched_is_found_out():
    class Nosy(torch.nn.Linear):
        def forward(self, x):
            modes = torch.overrides._get_current_function_mode_stack()
            return super().forward(x) * (2 if modes else 1)

    told = attempt(Case("nosy", lambda: Nosy(4, 3), CASES["by hand/mlp"].loss), 1)
    assert not told["same"]
    assert totals([told])["same"] == 0


def test_a_case_that_cannot_be_tried_is_told_and_counted_apart():
    def broken(model):
        raise ValueError("no such thing")

    told = attempt(Case("broken", lambda: torch.nn.Linear(4, 3), broken), 1)
    assert line(told).endswith("could not be tried: ValueError: no such thing")
    counted = totals([told])
    assert (counted["architectures"], counted["failed"]) == (0, 1)
