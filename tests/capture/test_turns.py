"""Whose turn it is to be kept whole."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import whygrad as wg
from whygrad.capture import schedule, writing
from whygrad.capture.schedule import ARRAYS, ROUND, SHARE, SMALL, STEP, SnapshotSchedule, work_of
from whygrad.errors import AddressError

SIZES = st.lists(st.integers(1, ROUND // ARRAYS // 4), min_size=1, max_size=12)


def rounds(
    table: SnapshotSchedule, work: dict[str, float], steps: int
) -> list[list[frozenset[str]]]:
    """Return what each of so many recorded steps keeps, round by round."""
    found = []
    for _ in range(steps):
        if table.begins_a_round:
            found.append([])
        found[-1].append(table.now())
        table.taken(work)
    return found


@given(sizes=SIZES, data=st.data())
def test_every_weight_has_one_turn_a_round(sizes, data):
    bytes_of = {f"layer{number}.weight": size for number, size in enumerate(sizes)}
    work = {name: float(data.draw(st.integers(0, 1000), label=name)) for name in bytes_of}
    table = SnapshotSchedule(bytes_of)
    first, *others = rounds(table, work, 70)
    for steps in (first, *others[:-1]):
        assert sorted(name for step in steps for name in step) == sorted(table.explained)
    if table.bytes_a_round <= SMALL:
        assert len(others) == 69
        return
    for step in [*first[1:], *(step for steps in others for step in steps)]:
        assert sum(ARRAYS * bytes_of[name] for name in step) <= STEP or len(step) == 1
        costly = [work[name] for name in step if work[name]]
        assert sum(costly) <= SHARE * sum(work.values()) or len(costly) == 1


def test_of_a_large_model_ever_fewer_rounds_are_taken():
    table = SnapshotSchedule({"0.weight": 2 * SMALL})
    every = [step for steps in rounds(table, {"0.weight": 1.0}, 70) for step in steps]
    assert [at for at, step in enumerate(every) if step] == [0, 4, 16, 64]


def test_what_is_asked_for_comes_first_and_whatever_its_size():
    sizes = {"stem.weight": SMALL, "large.weight": ROUND, "head.weight": 64}
    assert SnapshotSchedule(sizes).explained == ["stem.weight", "head.weight"]
    table = SnapshotSchedule(sizes, ["large"])
    assert table.explained == ["large.weight"]
    assert table.now() == {"large.weight"}


def test_work_does_not_depend_on_the_size_of_a_batch():
    layer = {"kind": "conv", "weight": "0.weight", "n_in": 27, "n_out": 8}
    head = {"kind": "linear", "weight": "1.weight", "n_in": 8, "n_out": 3}
    layers = {"0": layer, "1": head}
    few, many = ({"0": 49 * size, "1": size} for size in (3, 7))
    assert work_of(layers, few) == work_of(layers, many)
    assert work_of(layers, few)["0.weight"] > 49 * work_of(layers, few)["1.weight"]


def deep() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*(part for _ in range(5) for part in (nn.Linear(6, 6), nn.Tanh())))


def test_layers_that_take_turns_are_all_explained(monkeypatch):
    monkeypatch.setattr(schedule, "SMALL", 0)
    monkeypatch.setattr(schedule, "STEP", ARRAYS * 4 * 36 * 2)
    model = deep()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    grads = []
    with wg.watch(model, every=1) as watch:
        for _ in range(12):
            optimizer.zero_grad()
            F.mse_loss(model(torch.randn(9, 6)), torch.randn(9, 6)).backward()
            grads.append({name: p.grad.clone() for name, p in model.named_parameters()})
            optimizer.step()
    run = watch.run
    kept = run.kept_whole()
    assert set(kept) == set(run.layers)
    assert all(len(steps) == 1 for steps in pairwise(kept["0"]) if steps[1] - steps[0] < 3)
    for layer, steps in kept.items():
        for step in steps:
            ledger = run.why(f"{layer}.weight[1, 2]", step=step)
            wanted = grads[step][f"{layer}.weight"][1, 2]
            assert ledger.gradient == pytest.approx(float(wanted), rel=1e-5, abs=1e-9)
            assert ledger.product == pytest.approx(abs(ledger.gradient), rel=1e-4, abs=1e-9)
    elsewhere = next(step for step in run.whole_steps if step not in kept["8"])
    with pytest.raises(AddressError) as caught:
        run.why("8", step=elsewhere)
    near = min(kept["8"], key=lambda step: abs(step - elsewhere))
    assert str(caught.value) == (
        f"8 was not kept whole in step {elsewhere}, so it cannot be explained there; steps kept "
        f"of it: {len(kept['8'])}. Ask for step {near}, the nearest, or watch with a smaller every."
    )


def test_a_layer_whose_turn_has_not_come(monkeypatch):
    monkeypatch.setattr(schedule, "SMALL", 0)
    monkeypatch.setattr(schedule, "STEP", ARRAYS * 4 * 3 * 36)  # of five weights and their biases
    model = deep()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        model(torch.randn(9, 6)).square().mean().backward()
        optimizer.step()
    with pytest.raises(AddressError) as caught:
        watch.run.why("8[1]")
    assert str(caught.value) == (
        "8 was not kept whole yet: the layers of a large model take turns, and its turn has not "
        'come. Train on, or watch again with explain=["8"], which puts it first.'
    )


def test_the_disk_holds_the_first_round_and_the_last(monkeypatch):
    monkeypatch.setattr(schedule, "SMALL", 0)
    monkeypatch.setattr(writing, "ROOM", 0)
    model = deep()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        for _ in range(20):
            optimizer.zero_grad()
            F.mse_loss(model(torch.randn(9, 6)), torch.randn(9, 6)).backward()
            optimizer.step()
    steps = watch.run.whole_steps
    assert steps[0] == 0 and steps[1] >= 16
    assert watch.run.why("0[1]").step >= 16
