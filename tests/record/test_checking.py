"""A folder verified whole; runs of the first format; what run.json names and is not there."""

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from benchmarks.attack.flips import flipped

import whygrad as wg
from whygrad.errors import RunError
from whygrad.record.files import write_whole
from whygrad.record.sealed import read_json, read_lines, sealed_lines, write_json
from whygrad.training.checking import check_run
from whygrad.training.trained import TrainedRun

OLD = Path(__file__).parent / "format1"
UNSEALED = (
    "This run was written without checksums (format 1): its files can be read, but nothing "
    "verifies their numbers."
)


def missing(path: Path) -> str:
    return (
        f"The run file {path} is missing, although the run recorded it. "
        "Take it from a copy, or train the run again."
    )


def test_a_sound_run_is_told_so(copy):
    checked = wg.Run(copy).check()
    count = len([path for path in copy.rglob("*") if path.is_file() and path.name != "run.lock"])
    assert str(checked) == (
        f"{copy} is sound: every file holds what was written. Files verified: {count}."
    )
    assert checked.is_sound and checked.is_sealed and checked.files == count


def test_everything_wrong_is_listed_file_by_file(copy):
    (copy / "notes.txt").write_text("mine")
    newest = copy / "checkpoints" / f"{wg.Run(copy).checkpoints[-1]}.safetensors"
    rows = sorted((copy / "anatomy").iterdir(), key=lambda path: int(path.stem))[1]
    for path in (newest, rows):
        path.unlink()
    ticks: list[tuple[int, int]] = []
    with flipped(copy / "data.safetensors", 8 * (copy / "data.safetensors").stat().st_size - 9):
        checked = check_run(copy, lambda done, total: ticks.append((done, total)))
    named = [path.relative_to(copy).as_posix() for path in (newest, rows)]
    assert list(checked.problems) == ["data.safetensors", *named]
    assert str(checked).splitlines() == [
        f"{copy} is damaged. Files verified: {checked.files}; files at fault: 3.",
        f"- The run file {copy / 'data.safetensors'} is damaged: the numbers of "
        f"{checked.problems['data.safetensors'].values['tensor']} are not those that were "
        "written. Take it from a copy, or train the run again.",
        f"- {missing(newest)}",
        f"- {missing(rows)}",
        "Not part of the run, so not verified: notes.txt",
    ]
    told = checked.to_dict()
    assert (told["sound"], told["unknown"]) == (False, ["notes.txt"])
    assert [problem["file"] for problem in told["problems"]] == list(checked.problems)
    assert [done for done, _ in ticks] == list(range(1, len(ticks) + 1))


def test_where_run_json_is_damaged_every_other_file_is_looked_at_by_itself(copy):
    history = copy / "history.jsonl"
    with flipped(copy / "run.json", 99), flipped(history, 99):
        checked = check_run(copy)
    assert list(checked.problems) == ["run.json", "history.jsonl"]


def test_no_run_is_no_damage(tmp_path):
    with pytest.raises(RunError) as raised:
        check_run(tmp_path)
    assert raised.value.key == "error.no_run"


@pytest.mark.long
def test_a_float64_run_is_verified_in_float32(tmp_path, iris):
    with jax.enable_x64(True):
        start = wg.Network.create([4, 3, 3], dtype="float64")
        run = wg.train(start, iris, epochs=1, out=tmp_path / "a")
    assert check_run(run.path).is_sound


def test_the_network_is_that_which_run_json_tells_of_or_none(copy, finished):
    run = wg.Run(copy)
    kept = run.checkpoints
    newest = copy / "checkpoints" / f"{kept[-1]}.safetensors"
    whole = newest.read_bytes()
    for content in (None, whole[:-9], (copy / "checkpoints" / "0.safetensors").read_bytes()):
        newest.unlink(missing_ok=True)
        if content is not None:
            newest.write_bytes(content)
        for read in (lambda run: run.network, lambda run: run.evaluate(), wg.Run.last_checkpoint):
            with pytest.raises(RunError) as raised:
                read(wg.Run(copy))
            assert str(raised.value) == (
                f"The run stands at step {kept[-1]}, but the checkpoint of that step, {newest}, is "
                f"missing or damaged. The newest sound one is of step {kept[-2]}: use it with "
                f"--step {kept[-2]}, or resume from it with --resume."
            )
    older = wg.Run(copy).network_at(kept[-2])
    same = finished.network_at(kept[-2])
    for a, b in zip(*map(jax.tree.leaves, (older, same)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_without_a_checkpoint_is_told(finished):
    with pytest.raises(RunError) as raised:
        finished.checkpoint(10**6)
    known = ", ".join(map(str, finished.checkpoints))
    assert str(raised.value) == (
        f"The run {finished.path} keeps no checkpoint of step 1000000. "
        f"It keeps those of steps {known}: choose one of them."
    )


def test_a_history_that_is_shorter_than_run_json_says(copy):
    lines = read_lines(copy / "history.jsonl")
    write_whole(copy / "history.jsonl", sealed_lines(lines[:-2]))
    with pytest.raises(RunError) as raised:
        _ = wg.Run(copy).history
    assert str(raised.value) == (
        f"The run file {copy / 'history.jsonl'} must hold at least {len(lines)} lines, as run.json "
        f"says, but holds {len(lines) - 2}. Take it from a copy, or train the run again."
    )
    with pytest.raises(RunError):
        wg.resume(copy)


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 0, 1]])
def test_lines_that_are_swapped_or_there_twice(copy, order):
    lines = read_lines(copy / "history.jsonl")
    write_whole(copy / "history.jsonl", sealed_lines([*(lines[i] for i in order), *lines[3:]]))
    with pytest.raises(RunError) as raised:
        _ = wg.Run(copy).history
    assert str(copy / "history.jsonl") in str(raised.value)


def test_rows_that_are_missing_are_named(copy, finished):
    first = sorted(int(path.stem) for path in (copy / "anatomy").iterdir())[1]
    path = copy / "anatomy" / f"{first}.safetensors"
    path.unlink()
    run = wg.Run(copy)
    for read in (lambda: run.rows("hidden1"), lambda: run.row("hidden1", first)):
        with pytest.raises(RunError) as raised:
            read()
        assert str(raised.value) == missing(path)
    assert run.row("hidden1", 0) is not None and run.row("hidden1", 1) is None


def test_rows_of_other_steps_are_not_taken_for_those(copy):
    first, second = sorted((copy / "anatomy").iterdir(), key=lambda path: int(path.stem))[:2]
    second.write_bytes(first.read_bytes())
    with pytest.raises(RunError) as raised:
        wg.Run(copy).rows("hidden1")
    assert raised.value.values["path"] == second


def test_what_is_missing_only_because_run_json_was_replaced_is_no_alarm(copy, monkeypatch):
    """Between reading run.json and the checkpoint that it names, another process goes on."""
    run = wg.Run(copy)
    before = read_json(copy / "run.json")
    older = run.checkpoints[-2]
    stale = before | {"checkpoint": older, "checkpoints": dict(before["checkpoints"])}
    write_json(copy / "run.json", stale)
    real = TrainedRun._last_checkpoint

    def meanwhile(self, description):
        (copy / "checkpoints" / f"{older}.safetensors").unlink(missing_ok=True)
        before["checkpoints"].pop(str(older), None)
        write_json(copy / "run.json", before)
        return real(self, description)

    monkeypatch.setattr(TrainedRun, "_last_checkpoint", meanwhile)
    assert int(run.last_checkpoint().state.step) == before["checkpoint"]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["own", "watched"])
def test_a_run_of_the_first_format_opens_and_says_that_nothing_verified_it(tmp_path, kind):
    path = Path(shutil.copytree(OLD / kind, tmp_path / kind))
    run = wg.open_run(path)
    assert not run.is_sealed and len(run.history) and str(run.why(run.layers[0]))
    assert all(len(run.rows(layer)[0]) for layer in run.layers)
    checked = run.check()
    assert checked.is_sound and str(checked).splitlines() == [
        f"{path} can be read whole. Files read: {checked.files}.",
        UNSEALED,
    ]
    if run.can("network"):
        result = run.description["result"]["test"]
        evaluated = run.evaluate()
        assert {name: evaluated[name] for name in result} == pytest.approx(result, rel=1e-4)
    else:
        assert run.whole_steps == [0, 2] and run.doctor()


@pytest.mark.parametrize("newest", ["gone", "torn"])
def test_a_run_of_the_first_format_gives_no_older_network_either(tmp_path, newest):
    path = Path(shutil.copytree(OLD / "own", tmp_path / "own"))
    last = path / "checkpoints" / "8.safetensors"
    last.unlink() if newest == "gone" else last.write_bytes(last.read_bytes()[:-5])
    with pytest.raises(RunError) as raised:
        _ = wg.Run(path).network
    assert (raised.value.values["step"], raised.value.values["sound"]) == (8, 4)


def test_a_run_of_the_first_format_goes_on_as_one(tmp_path):
    path = Path(shutil.copytree(OLD / "own", tmp_path / "own"))
    content = read_json(path / "run.json", lambda _: True)
    (path / "checkpoints" / "8.safetensors").unlink()
    write_json(path / "run.json", content | {"state": "training"})
    run = wg.resume(path)
    assert run.description["format"] == 1 and run.description["state"] == "finished"
    for part, measures in content["result"].items():
        assert run.description["result"][part] == pytest.approx(measures, rel=1e-4)
    assert run.check().is_sound
