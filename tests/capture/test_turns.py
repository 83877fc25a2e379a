"""What can be explained of a model that is too large to be summed at every recorded step."""

import math
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import whygrad as wg
from whygrad.capture import schedule
from whygrad.capture.halves import Half
from whygrad.capture.schedule import LEAN, PACKED, ROUNDS, SnapshotSchedule
from whygrad.capture.session import Session
from whygrad.cli.watching import _explain_on_signal
from whygrad.errors import OptionError
from whygrad.record.packing import Packing, needed, unpacked

SIZES = st.lists(st.integers(1, 2**28), min_size=1, max_size=12)
CLOSE = 2.0**-11


@given(sizes=SIZES)
def test_there_is_room_for_every_layer_of_a_model_of_any_size(sizes):
    table = SnapshotSchedule({f"layer{number}.weight": size for number, size in enumerate(sizes)})
    assert len(table.explained) == len(sizes) and table.most >= 1
    assert table.most * table._bytes_a_step <= table.room and table.most <= ROUNDS


def test_what_is_asked_for_comes_first_where_there_is_little_room():
    sizes = {"stem.weight": 2**20, "large.weight": 2**26, "head.weight": 64}
    assert SnapshotSchedule(sizes).explained == list(sizes)
    little = SnapshotSchedule(sizes, room=PACKED * 2**21)
    assert little.explained == ["stem.weight", "head.weight"]
    asked = SnapshotSchedule(sizes, ["large"], room=int(LEAN * 2**26))
    assert asked.explained == ["large.weight"]


class Blocks(nn.Module):
    """Of every kind that is held: tables, norms, products by hand, convolutions, gates."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.place = nn.Embedding(11, 8), nn.Parameter(torch.randn(6, 8))
        self.norm, self.inner = nn.LayerNorm(8), nn.Linear(8, 24)
        self.other = nn.Parameter(torch.randn(24, 8) / 5)
        self.conv = nn.Conv1d(8, 6, 3, padding=1)
        self.gates = nn.GRU(6, 5, batch_first=True)
        self.experts = nn.Parameter(torch.randn(2, 5, 4))
        self.head = nn.Linear(4, 11)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.table(tokens) + self.place
        x = x + F.gelu(self.inner(self.norm(x))) @ self.other
        x = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        x, _ = self.gates(x)
        x = torch.bmm(x.reshape(-1, 5).expand(2, -1, 5), self.experts).sum(0)
        return self.head(x)


def held(monkeypatch, *, lean=False, memory=None, steps=5, every=2, room=None, make=Blocks):
    """Train a model as a large one, and return its run, and what the last recorded step was."""
    monkeypatch.setattr(schedule, "SMALL", 0)
    if lean:
        monkeypatch.setattr(schedule, "LARGE", 0)
    if memory is not None:
        monkeypatch.setattr(schedule, "LEAST_HELD", memory)
        monkeypatch.setattr(schedule, "HELD_A_BYTE", 0)
    torch.manual_seed(0)
    model = make()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    was = {}
    with wg.watch(model, every=every, room=room) as watch:
        for step in range(steps):
            optimizer.zero_grad()
            tokens = torch.randint(0, 11, (7, 6))
            F.cross_entropy(model(tokens), tokens.flatten()).backward()
            seen = {name: (p.grad.clone(), p.detach().clone()) for name, p in named(model)}
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            if step % every == 0:
                after = {name: p.detach().clone() for name, p in named(model)}
                was = {n: (*pair, after[n], tokens, step) for n, pair in seen.items()}
    return watch.run, was


def named(model):
    return model.named_parameters()


def places(parameter, count=4):
    draw = np.random.default_rng(0)
    return [tuple(int(draw.integers(n)) for n in parameter.shape) for _ in range(count)]


@pytest.mark.parametrize("lean", [False, True], ids=["held", "lean"])
def test_the_last_recorded_step_explains_every_parameter(monkeypatch, lean):
    run, was = held(monkeypatch, lean=lean)
    assert not run.coverage().missing
    seen = set()
    for layer, spec in run.specs.items():
        assert run.why(layer).step == 4
        for which, name in (("weight", spec.weight), ("bias", spec.bias)):
            if name is None:
                continue
            seen.add(name)
            gradient, before, after, *_ = was[name]
            for index in places(gradient):
                ledger = run.why(f"{name}[{', '.join(map(str, index))}]")
                size = float(gradient.abs().max())
                exact = pytest.approx(float(gradient[index]), rel=1e-5, abs=1e-6 * size)
                assert ledger.gradient == exact, (name, index, which)
                pulled = math.prod(factor.value for factor in ledger.factors[:3])
                assert ledger.product == pytest.approx(abs(ledger.gradient), abs=1e-5 * pulled)
                value = float(before[index])
                assert ledger.value == pytest.approx(value, rel=CLOSE if lean else 0, abs=1e-7)
                moved = float(after[index]) - value
                assert ledger.movement == pytest.approx(moved, rel=2 * CLOSE, abs=1e-8)
                assert [s.name for s in ledger.stages][-2:] == ["weight_decay", "learning_rate"]
                assert ledger.closeness.movement == CLOSE
                assert ledger.closeness.value == (CLOSE if lean else 0)
                assert "0.049 %" in str(ledger)
    assert seen == set(was)


def test_what_does_not_fit_into_memory_is_estimated_and_says_so(monkeypatch):
    run, was = held(monkeypatch, memory=3000)
    plain, _ = held(monkeypatch)
    shares = []
    for spec in run.specs.values():
        gradient = was[spec.weight][0]
        for index in places(gradient):
            address = f"{spec.weight}[{', '.join(map(str, index))}]"
            ledger, exact = run.why(address), plain.why(address)
            size = float(gradient.abs().max())
            assert ledger.gradient == pytest.approx(float(gradient[index]), abs=1e-6 * size)
            assert ledger.product == pytest.approx(abs(ledger.gradient), abs=1e-5 * size)
            assert ledger.factors[0].value == pytest.approx(exact.factors[0].value, rel=1e-5)
            shares.append(ledger.closeness.share)
            assert ("estimated from" in str(ledger)) == (ledger.closeness.share < 1)
    assert min(shares) < 0.7


def test_a_step_that_is_asked_for_is_kept_and_the_room_is_not_exceeded(monkeypatch):
    run, _ = held(monkeypatch, steps=30, every=1)
    assert run.whole_steps[-1] == 29
    bytes_of_model = 4 * run.description["parameters"]
    monkeypatch.setattr(schedule, "LEAST_ROOM", 2 * PACKED * bytes_of_model)
    monkeypatch.setattr(schedule, "ROOM_A_BYTE", 0)
    run, _ = held(monkeypatch, steps=30, every=1)
    assert len(run.whole_steps) <= 2 and run.whole_steps[-1] == 29


def test_without_room_nothing_is_kept(monkeypatch):
    run, _ = held(monkeypatch, room=0)
    assert run.whole_steps == [] and len(run.history) == 3
    with pytest.raises(OptionError, match="room"):
        wg.watch(nn.Linear(2, 2), room=-1)


def test_rows_are_told_by_sample_position_and_token(monkeypatch):
    run, was = held(monkeypatch)
    *_, tokens, _ = was["inner.weight"]
    ledger = run.why("inner.weight[3, 2]", text_of=lambda ids: "abcdefghijk"[ids[0]])
    for pull in (*ledger.raising, *ledger.lowering):
        sample, position = pull.place
        assert pull.row == sample * 6 + position
        assert pull.token == int(tokens[sample, position])
        assert pull.text == "abcdefghijk"[tokens[sample, position]]
        told = f"sample {sample} at position {position}, token {pull.token}"
        assert f"{told} {pull.text!r}" in " ".join(str(ledger).split())
        assert told in " ".join(str(run.why("inner.weight[3, 2]")).split())


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has no such signal")
def test_a_signal_asks_for_the_next_step(monkeypatch):
    class Asked(Session):
        times = 0

        def explain_now(self):
            self.times += 1

    before = signal.getsignal(signal.SIGUSR1)
    try:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        _explain_on_signal(session := Asked(Path))
        signal.raise_signal(signal.SIGUSR1)
        assert session.times == 1
        theirs = signal.getsignal(signal.SIGUSR1)
        _explain_on_signal(Asked(Path))
        assert signal.getsignal(signal.SIGUSR1) is theirs, "what listens already stays"
    finally:
        signal.signal(signal.SIGUSR1, before)


ARRAYS = st.builds(
    lambda values, dtype: np.array(values).astype(dtype),
    st.lists(st.floats(-1e3, 1e3), max_size=600),
    st.sampled_from(["<f4", "<f8", "<i4", "<i8", "|u1", "<f2"]),
)


@given(array=ARRAYS, times=st.integers(1, 40))
def test_packing_loses_nothing(array, times):
    array = np.tile(array, times)
    packing = Packing()
    packing.add("a", array, key="one")
    assert packing.holds("b", "one") and not packing.holds("c", "other")
    assert needed(["a", "b"], packing.notes) == {"a"}
    found = unpacked(packing.written, packing.notes, ["a", "b"])
    for one in found.values():
        assert one.dtype == array.dtype and one.tobytes() == array.tobytes()
    assert sum(part.nbytes for part in packing.written.values()) <= array.nbytes


def test_damaged_packing_is_refused():
    packing = Packing()
    packing.add("a", np.zeros(5000, np.float32))
    packing.notes["a"]["planes"] = [length + 1 for length in packing.notes["a"]["planes"]]
    with pytest.raises(ValueError, match="not as many bytes"):
        unpacked(packing.written, packing.notes, ["a"])


@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), max_size=50))
def test_half_precision_is_as_close_as_it_says(values):
    given = torch.tensor(values, dtype=torch.float32)
    found = Half.of(given).wide()
    top = float(given.abs().max()) if len(values) else 0.0
    assert bool(((found - given).abs() <= CLOSE * given.abs() + 2.0**-38 * top).all())


class Keeping(nn.Module):
    """Has its activations where a program may write over them."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(600, 100), nn.Linear(100, 3)

    def forward(self, x):
        self.inner = torch.tanh(self.first(x))
        return self.last(self.inner)


def test_what_is_written_over_after_the_step_is_not_explained_from_it():
    torch.manual_seed(0)
    model, data = Keeping(), np.random.default_rng(0).normal(size=(8, 600)).astype("f")
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    with wg.watch(model, every=1) as watch:
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.from_numpy(data)).square().mean().backward()
            expected = float(model.first.weight.grad[2, 5])
            optimizer.step()
        data[:] = 0  # torch does not hear of it
        with torch.no_grad():
            model.inner.zero_()
    known = watch.run.why("first.weight[2, 5]")
    assert known.step == 2 and known.gradient == pytest.approx(expected, rel=1e-5)
    assert watch.run.why("last.weight[1, 2]").step < 2, "of an earlier step, where it was kept"
