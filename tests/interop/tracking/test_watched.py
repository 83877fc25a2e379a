"""Watched models: what is logged afterwards or while they train is what was recorded."""

import gc
import threading
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import whygrad as wg
from whygrad.capture import writing
from whygrad.errors import OptionError
from whygrad.interop.tracking import Tracker
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.files import write_whole
from whygrad.record.sealed import read_lines, sealed_lines
from whygrad.record.tracker import Entry


class Kept(Tracker):
    """A tracker that keeps what it is told."""

    def __init__(self, every: int | None = None, breaks_at: int | None = None):
        super().__init__(every)
        self.notes, self.entries, self.is_closed = {}, [], False
        self.breaks_at = breaks_at

    def _open(self, notes):
        self.notes = dict(notes)

    def _write(self, entry: Entry):
        if entry.step == self.breaks_at:
            raise OSError("the server is gone")
        self.entries.append(entry)

    def _close(self):
        self.is_closed = True

    @property
    def where(self) -> str:
        return "memory"


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.sometimes, self.last = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x, goes_round):
        hidden, _ = self.attention(x, x, x)
        hidden = torch.relu(self.sometimes(hidden)) if goes_round else hidden
        return self.last(hidden).mean(1)


def trained(steps: int = 12, **options) -> wg.WatchedRun:
    torch.manual_seed(0)
    model = Attending()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with wg.watch(model, every=2, **options) as watch:
        for step in range(steps):
            optimizer.zero_grad()
            claims = model(torch.randn(6, 5, 4), step % 4 == 0)
            F.cross_entropy(claims, torch.randint(3, (6,))).backward()
            optimizer.step()
    return watch.run


@pytest.fixture(scope="module")
def run() -> wg.WatchedRun:
    return trained()


def told(tracker: Kept) -> dict[int, Entry]:
    assert [entry.step for entry in tracker.entries] == sorted({e.step for e in tracker.entries})
    return {entry.step: entry for entry in tracker.entries}


def test_a_watched_run_is_told_with_every_neuron_of_every_layer(run):
    tracker = Kept(every=1)
    logged = wg.log(run, tracker)
    entries = told(tracker)
    assert (logged.steps, logged.histograms) == (6, 6)
    losses = {step: entry.scalars["loss/batch"] for step, entry in entries.items()}
    assert losses == dict(zip(run.history["step"], run.history["loss"], strict=True))
    for layer in run.layers:
        name = layer.replace("[", ".").replace(":", "-").replace("]", "")
        steps, rows = run.rows(layer)
        of_layer = {s for s, entry in entries.items() if f"{name}/input" in entry.factors}
        assert of_layer == set(steps.tolist())
        for step, row in zip(steps, rows, strict=True):
            found = entries[int(step)].factors[f"{name}/input"]
            np.testing.assert_array_equal(found, row[ROW_FIELDS.index("input")])
    assert len(run.rows("sometimes")[0]) == 3
    assert tracker.notes["model"] == "Attending" and tracker.notes["optimizer"] == "Adam"
    assert tracker.notes["optimizer.learning_rate"] == 1e-2
    assert tracker.is_closed


def test_logging_while_it_trains_tells_the_same(run):
    live, after = Kept(every=4), Kept(every=4)
    trained(log=live)
    wg.log(run, after)
    assert live.is_closed and live.notes == after.notes
    for mine, theirs in zip(live.entries, after.entries, strict=True):
        assert (mine.step, mine.scalars) == (theirs.step, theirs.scalars)
        assert mine.factors.keys() == theirs.factors.keys()
        for name, values in mine.factors.items():
            np.testing.assert_array_equal(values, theirs.factors[name])


def test_tensorboard_takes_it(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logged = wg.log(run)
    assert logged.where == f"logs/{run.path.name}"
    trained(log=wg.TensorBoard("live"))
    assert list((tmp_path / "live").glob("events.out.tfevents.*"))


def test_a_loss_that_is_no_number_is_left_out(tmp_path):
    run = trained(out=tmp_path / "run")
    path = tmp_path / "run" / "history.jsonl"
    lines = read_lines(path)
    lines[2]["loss"] = None
    write_whole(path, sealed_lines(lines))
    tracker = Kept()
    wg.log(run, tracker)
    assert told(tracker)[4].scalars == {}


def test_a_loss_that_is_no_number_is_left_out_while_it_trains():
    model, tracker = nn.Linear(3, 2), Kept()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1, log=tracker):
        for size in (1.0, np.inf):
            F.mse_loss(model(size * torch.randn(5, 3)), torch.zeros(5, 2)).backward()
            optimizer.step()
    assert [list(entry.scalars) for entry in tracker.entries] == [["loss/batch"], []]


def test_a_tracker_may_hear_of_another_run(run):
    tracker = Kept(every=4)
    wg.log(run, tracker)
    first = [(entry.step, list(entry.factors)) for entry in tracker.entries]
    tracker.entries.clear()
    assert wg.log(run, tracker).histograms == sum(bool(factors) for _, factors in first)
    assert [(entry.step, list(entry.factors)) for entry in tracker.entries] == first


def test_an_error_of_the_tracker_ends_neither_watching_nor_training():
    tracker = Kept(breaks_at=4)
    with pytest.warns(UserWarning) as caught:
        run = trained(log=tracker)
    assert [str(one.message) for one in caught] == [
        "Logging of the watched model has stopped; watching and training go on. What went wrong: "
        "OSError: the server is gone"
    ]
    assert run.history["step"].tolist() == [0, 2, 4, 6, 8, 10]
    assert [entry.step for entry in tracker.entries] == [0, 2]  # what waited is not tried
    assert tracker.is_closed


@pytest.mark.parametrize("is_logged", [False, True])
def test_a_full_snapshot_that_is_large_does_not_wait_for_rows_or_a_slow_tracker(
    is_logged, monkeypatch
):
    monkeypatch.setattr(writing, "SMALL", 0)  # bytes that may wait with the rows
    may_go_on = threading.Event()

    class Slow(Kept):
        def _open(self, notes):
            assert may_go_on.wait(60)

    model, arrays = nn.Linear(3, 2), []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1, log=Slow() if is_logged else None) as watch:
        for _ in range(4):
            model(torch.randn(5, 3)).sum().backward()
            optimizer.step()
            arrays.append([weakref.ref(one) for one in watch.last.tensors.values()])
        gc.collect()
        may_go_on.set()
        assert arrays[1] and not any(one() is not None for one in arrays[1])


def test_what_is_no_tracker_is_refused():
    with pytest.raises(OptionError) as caught:
        wg.watch(nn.Linear(2, 2), log="logs")
    assert str(caught.value) == (
        "log must be a tracker, got 'logs'. Pass for example wg.TensorBoard(\"logs\"), "
        "wg.WandB(...) or wg.MLflow(...)."
    )


def test_histograms_of_a_training_without_a_known_end_move_apart():
    tracker = Kept()
    assert tracker._chosen(range(0, 20_000, 10), None)[:12] == list(range(0, 120, 10))
    later = tracker._chosen(range(20_000, 40_000, 10), None)
    assert 20 < len(later) < 60
