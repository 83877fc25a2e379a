"""The folder of a watched run: locked, private, and what run.json tells of it."""

import stat
from pathlib import Path

import pytest
import torch
from torch import nn

import whygrad as wg
from whygrad.capture import schedule, writing
from whygrad.errors import RunError
from whygrad.record.files import only_writer


def train(model: nn.Module, steps: int) -> None:
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(4, 2)).square().mean().backward()
        optimizer.step()


def watched(path: Path, steps: int = 5) -> wg.WatchedRun:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    with wg.watch(model, every=1, out=path) as watch:
        train(model, steps)
    return watch.run


def test_only_one_writes_until_the_watching_ends(tmp_path):
    model = nn.Linear(2, 1)
    with wg.watch(model, every=1, out=tmp_path / "a"):
        with pytest.raises(RunError), only_writer(tmp_path / "a"):
            pass
        with pytest.raises(RunError):
            wg.watch(model, out=tmp_path / "a")
    with only_writer(tmp_path / "a"):
        pass


def test_a_beginning_that_was_killed_is_no_obstacle(tmp_path, monkeypatch):
    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing.Writer, "_publish", cut)
        with pytest.raises(KeyboardInterrupt):
            wg.watch(nn.Linear(2, 1), out=tmp_path / "a")
    assert not (tmp_path / "a" / "run.json").exists()
    assert watched(tmp_path / "a").check().is_sound


def test_a_watched_run_is_private_and_not_written_through_a_link(tmp_path):
    run = watched(tmp_path / "a")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in run.path.rglob("*") if path.is_file()}
    assert modes == {0o600} and stat.S_IMODE(run.path.stat().st_mode) == 0o700
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(RunError) as raised:
        wg.watch(nn.Linear(2, 1), out=tmp_path / "link")
    assert raised.value.key == "error.run_through_link"


def test_whole_steps_and_lines_that_run_json_tells_of_are_missed(tmp_path):
    run = watched(tmp_path / "a")
    assert run.description["lines"] == {"facts": 5, "history": 5}
    (run.path / "whole" / "3.safetensors").unlink()
    (run.path / "facts.jsonl").unlink()
    assert list(run.check().problems) == ["whole/3.safetensors", "facts.jsonl"]
    for read in (lambda: run.whole(3), lambda: run.facts, lambda: run.kept_whole()):
        with pytest.raises(RunError) as raised:
            read()
        assert raised.value.key == "error.run_file_missing"


def test_rounds_that_are_dropped_are_removed_once_run_json_no_longer_tells_of_them(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(schedule, "ROUNDS", 3)
    monkeypatch.setattr(writing, "WAITING_STEPS", 4)
    run = watched(tmp_path / "a", 13)
    kept = sorted(int(path.stem) for path in (run.path / "whole").iterdir())
    assert run.whole_steps == kept and len(kept) == 3 and (kept[0], kept[-1]) == (0, 12)
    assert run.check().is_sound
