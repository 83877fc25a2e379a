"""Steps that are recorded besides every n-th: on demand, after a spike, after the first NaN."""

import math

import pytest
import torch
from torch import nn

import whygrad as wg
from whygrad.capture.isolation import Overhead
from whygrad.capture.pace import LEAST, MOST_SPIKES, OF_MANY, SHARE, Pace


def after(losses: list[float]) -> bool:
    pace = Pace(10, Overhead())
    for loss in losses:
        pace.is_asked = False
        pace.note_loss(loss)
    return pace.is_asked


def test_every_nth_step_is_due_and_any_that_was_asked_for():
    pace = Pace(4, Overhead())
    assert [step for step in range(9) if pace.is_due(step)] == [0, 4, 8]
    pace.ask()
    assert pace.is_due(3)


class Clocked(Overhead):
    """Steps that take as long as they are said to, with or without being recorded."""

    def __init__(self, recorded: float):
        super().__init__()
        self.recorded, self.taken = recorded, 0.0

    def step(self, *, is_recorded: bool) -> None:
        seconds = self.recorded if is_recorded else 1.0
        self.taken += seconds
        self._seconds[is_recorded].append(seconds)
        self._total[is_recorded] += seconds
        self._counts[is_recorded] += 1


def paced(recorded: float, steps: int, *, is_parallel: bool = False) -> tuple[list[int], Clocked]:
    """Return which of so many steps are recorded, where one takes so many times as long."""
    clock, found = Clocked(recorded), []
    pace = Pace("auto", clock, is_parallel=is_parallel)
    for step in range(steps):
        is_due = pace.is_due(step)
        clock.step(is_recorded=is_due)
        if is_due:
            found.append(step)
            pace.note_recorded(step)
    return found, clock


@pytest.mark.parametrize("recorded", [1.0, 1.02, 1.3, 3.0, 7.5])
def test_recording_keeps_to_its_share_of_all_time(recorded):
    found, clock = paced(recorded, 20_000)
    assert (clock.taken - 20_000) / clock.taken <= 1.2 * SHARE  # the first ones come whatever
    gap = max(1, round((recorded - 1) / SHARE))
    assert abs(found[-1] - found[-2] - gap) <= 1


@pytest.mark.parametrize("steps", [20, 40, 100, 1000])
def test_at_least_some_steps_are_recorded_whatever_they_take(steps):
    found, _ = paced(100.0, steps)
    assert len(found) >= min(steps // 2, LEAST)
    assert found[0] == 0 and found == sorted(set(found))


@pytest.mark.parametrize("recorded", [1.0, 3.0, 100.0])
@pytest.mark.parametrize("steps", [60, 400, 5000])
def test_no_part_of_a_run_is_without_a_recorded_step(recorded, steps):
    found, _ = paced(recorded, steps)
    gaps = zip(found, [*found[1:], steps], strict=True)
    assert all(later <= max(before + 1, 1.25 * before) for before, later in gaps)


def test_processes_whose_clocks_differ_record_the_same_steps():
    (one, _), (other, _) = (paced(ratio, 500, is_parallel=True) for ratio in (1.5, 6.0))
    assert one == other and one[-1] - one[-2] == OF_MANY


def test_a_model_is_watched_at_its_own_pace(tmp_path):
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, out=tmp_path / "run") as watch:
        for _ in range(60):
            optimizer.zero_grad()
            model(torch.ones(5, 4)).square().mean().backward()
            optimizer.step()
    run = wg.open_run(tmp_path / "run")
    assert run.description["every"] == "auto" and watch.steps == 60
    assert LEAST <= len(run.history) <= 60
    assert run.check().is_sound
    page = run.report(lab=False).read_text("utf-8")
    assert "as many as their share of all time allows" in page


@pytest.mark.parametrize(
    ("losses", "is_asked"),
    [
        ([2.0, 1.9, 1.8, 1.7, 1.6, 9.0], True),
        ([2.0, 1.9, 1.8, 1.7, 1.6, 2.1], False),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.2], False),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.4], True),
        ([-5.0, -5.1, -5.2, -5.3, -5.4, 3.0], True),
        ([2.0, 9.0], False),
        ([2.0, math.nan], True),
        ([2.0, math.nan, math.nan], False),
        ([2.0, math.inf], True),
        ([2.0, 1.0, 0.5, 0.2, 0.1, 0.01], False),
    ],
)
def test_a_spike_and_the_first_loss_that_is_not_finite_ask_for_the_next_step(losses, is_asked):
    assert after(losses) == is_asked


def test_what_spikes_all_the_time_asks_a_few_times_only():
    pace, asked = Pace(10, Overhead()), 0
    for number in range(200):
        pace.is_asked = False
        pace.note_loss(10.0 ** (number // 8) if number % 8 == 7 else 1.0)
        asked += pace.is_asked
    assert 0 < asked <= MOST_SPIKES


def large() -> nn.Sequential:
    """Whose layers take turns."""
    return nn.Sequential(nn.Linear(200, 300), nn.ReLU(), nn.Linear(300, 200))


def recorded_at(scale_at: dict[int, float], ask_at: int | None = None, steps: int = 32) -> wg.Run:
    torch.manual_seed(0)
    model = large()
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    x = torch.randn(8, 200)
    with wg.watch(model, every=4) as watch:
        for step in range(steps):
            if step == ask_at:
                watch.explain_now()
            optimizer.zero_grad()
            (model(x).square().mean() * scale_at.get(step, 1.0)).backward()
            optimizer.step()
    return watch.run


def test_any_step_can_be_asked_for_and_is_kept_whole():
    plain, run = recorded_at({}), recorded_at({}, ask_at=10)
    steps = [line["step"] for line in run.history_lines]
    assert set(steps) - {line["step"] for line in plain.history_lines} == {11}
    assert all(11 in kept for kept in run.kept_whole().values())
    assert str(run.why("0.weight[1, 2]", step=11)) and str(run.why("2.weight[1, 2]", step=11))
    turns = {
        layer: [step for step in kept if step != 11] for layer, kept in run.kept_whole().items()
    }
    assert turns == plain.kept_whole()


@pytest.mark.parametrize("scale", [1e3, math.nan])
def test_the_step_after_a_spike_or_the_first_nan_is_recorded_whole(scale):
    run = recorded_at({24: scale})
    assert 25 in [line["step"] for line in run.history_lines]
    assert all(25 in kept for kept in run.kept_whole().values())
