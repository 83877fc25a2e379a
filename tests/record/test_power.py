"""A power cut at every single call: the folder is no run yet, or one that goes on to its end."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.attack.disk import Disk, Log

import whygrad as wg
from whygrad.errors import RunError
from whygrad.training import loop as training
from whygrad.training import recorder

pytestmark = pytest.mark.long

OPTIONS = {"epochs": 2, "batch_size": 8, "record_every": 2, "seed": 0}


class Pace(training._Pace):
    """Stretches of three steps, whatever the time."""

    def __init__(self, capacity: int):
        self.steps = min(3, capacity)

    def tell(self, steps: int, seconds: float) -> None: ...


@pytest.fixture
def logged(tmp_path, monkeypatch) -> tuple[Path, Log]:
    """A run that writes at every segment, and the calls that made it."""
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(recorder, "KEPT_CHECKPOINTS", 2)
    monkeypatch.setattr(training, "_Pace", Pace)
    (tmp_path / "disk").mkdir()
    log = Log(tmp_path / "disk")
    with monkeypatch.context() as patch:
        log.wrap(patch)
        data = wg.load("xor", samples=40)
        start = wg.Network.create([2, 3, 1], seed=0)
        wg.train(start, data, out=tmp_path / "disk" / "run", **OPTIONS)
    return tmp_path / "disk" / "run", log


def cuts(log: Log, folder: Path, shares: tuple[float | None, ...]):
    """Yield what every cut leaves, once: number of calls, share of unsynced writes, the run."""
    disk, seen = Disk(), set()
    for number, call in enumerate(log.calls, 1):
        disk.take(call)
        for share in shares:
            root = folder / f"{number}-{share}"
            root.mkdir()
            disk.write_to(root, partly=share)
            files = sorted(path for path in root.rglob("*") if path.is_file())
            left = tuple((str(p.relative_to(root)), p.read_bytes()) for p in files)
            if left not in seen:
                seen.add(left)
                yield number, share, root / "run"


def numbers(run: wg.Run) -> list:
    return [
        [np.asarray(leaf).tobytes() for leaf in np_leaves(run)],
        run.history_lines,
        [[a.tobytes() for a in run.rows(layer)] for layer in run.layers],
        run.description["result"],
    ]


def np_leaves(run: wg.Run) -> list:
    import jax

    return jax.tree.leaves(run.network)


def test_the_model_of_a_disk_ends_with_what_is_there(logged, tmp_path):
    path, log = logged
    disk = Disk()
    for call in log.calls:
        disk.take(call)
    (tmp_path / "after").mkdir()
    for share in (None, 0.0):
        disk.write_to(tmp_path / "after", partly=share)
        for file in path.rglob("*"):
            if file.is_file() and (share is None or file.name != "run.lock"):
                same = tmp_path / "after" / "run" / file.relative_to(path)
                assert same.read_bytes() == file.read_bytes()


def test_a_run_whose_power_is_cut_at_any_call_goes_on_to_its_end(logged, tmp_path, monkeypatch):
    path, log = logged
    expected = numbers(wg.Run(path))
    (tmp_path / "cuts").mkdir()
    opened = resumed = 0
    for number, share, run in cuts(log, tmp_path / "cuts", (0.0, 0.5, None)):
        if not (run / "run.json").exists():
            assert opened == 0 or share == 0.0, "a run stays a run"
            continue
        opened += 1
        assert wg.Run(run).last_checkpoint().state.step <= wg.Run(run).steps, number
        if opened % 12 == 0:
            resumed += 1
            assert numbers(wg.resume(run)) == expected, (number, share)
            assert wg.Run(run).check().is_sound
    assert opened > 40 and resumed >= 5


def test_what_a_killed_beginning_leaves_is_no_obstacle(logged, tmp_path):
    path, log = logged
    (tmp_path / "cuts").mkdir()
    expected = numbers(wg.Run(path))
    begun = [run for _, _, run in cuts(log, tmp_path / "cuts", (None,)) if not is_run(run)]
    assert len(begun) > 10
    for run in begun[::6]:
        data = wg.load("xor", samples=40)
        again = wg.train(wg.Network.create([2, 3, 1], seed=0), data, out=run, **OPTIONS)
        assert numbers(again)[0] == expected[0]


def is_run(path: Path) -> bool:
    return (path / "run.json").exists()


def test_a_watched_run_whose_power_is_cut_at_any_call_opens(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    from whygrad.capture import schedule, writing

    monkeypatch.setattr(writing, "WAITING_STEPS", 2)
    monkeypatch.setattr(schedule, "ROUNDS", 2)
    (tmp_path / "disk").mkdir()
    (tmp_path / "cuts").mkdir()
    log = Log(tmp_path / "disk")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with monkeypatch.context() as patch:
        log.wrap(patch)
        with wg.watch(model, every=1, out=tmp_path / "disk" / "run"):
            for _ in range(5):
                optimizer.zero_grad()
                model(torch.randn(4, 2)).square().mean().backward()
                optimizer.step()
    whole = wg.WatchedRun(tmp_path / "disk" / "run")
    opened = 0
    for number, share, path in cuts(log, tmp_path / "cuts", (0.0, 0.5, None)):
        if not is_run(path):
            assert opened == 0 or share == 0.0
            continue
        opened += 1
        run = wg.WatchedRun(path)
        checked = run.check()
        assert checked.is_sound, (number, share, str(checked))
        assert run.history_lines == whole.history_lines[: len(run.history_lines)]
        for layer in run.layers:
            _, rows = run.rows(layer)
            assert rows.tobytes() == whole.rows(layer)[1][: len(rows)].tobytes()
        assert all(run.whole(step)[1] for step in run.whole_steps)
    assert opened > 25


def test_the_model_finds_an_unlink_that_comes_too_early(tmp_path):
    """A test of the test: without the sync between them, both checkpoints are gone."""
    calls = [("mkdir", ("run",)), ("fsync", (".",))]
    calls += [("open", ("run/old",)), ("fsync", ("run/old",)), ("fsync", ("run",))]
    calls += [("open", ("run/new",)), ("unlink", ("run/old",)), ("fsync", ("run",))]
    calls += [("write", ("run/new", 0, b"content"))]
    disk = Disk()
    for call in calls:
        disk.take(call)
    disk.write_to(tmp_path, partly=0.0)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["new"]
    assert (tmp_path / "run" / "new").read_bytes() == b""


def test_a_damaged_run_says_so_before_and_after_a_cut(logged):
    path, _ = logged
    newest = wg.Run(path).checkpoints[-1]
    (path / "checkpoints" / f"{newest}.safetensors").unlink()
    with pytest.raises(RunError):
        _ = wg.Run(path).network
