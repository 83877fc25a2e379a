"""Steps that are recorded besides every n-th: on demand, after a spike, after the first NaN."""

import math

import pytest
import torch
from torch import nn

import whygrad as wg
from whygrad.capture.pace import MOST_SPIKES, Pace


def after(losses: list[float]) -> bool:
    pace = Pace(10)
    for loss in losses:
        pace.is_asked = False
        pace.note_loss(loss)
    return pace.is_asked


def test_every_nth_step_is_due_and_any_that_was_asked_for():
    pace = Pace(4)
    assert [step for step in range(9) if pace.is_due(step)] == [0, 4, 8]
    pace.ask()
    assert pace.is_due(3)


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
    pace, asked = Pace(10), 0
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
