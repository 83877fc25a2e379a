"""A hostile file system: whatever becomes of a run's files, reading ends in words."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import whygrad as wg
from whygrad.doctor.health import health_of
from whygrad.errors import RunError, WhygradError
from whygrad.record.folder import find_runs
from whygrad.record.sealed import read_json, write_json
from whygrad.record.writing import publish

FILES = ["run.json", "data.safetensors", "history.jsonl", "anatomy/0", "checkpoints/0", "newest"]


def place(run: Path, name: str) -> Path:
    if name == "newest":
        return max((run / "checkpoints").glob("*"), key=lambda path: int(path.stem))
    return run / (name if "." in name else f"{name}.safetensors")


def garble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for position in range(len(content) // 3, len(content), 7):
        content[position] ^= 0xA5
    path.write_bytes(bytes(content))


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARM: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "cut by one": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "garbled": garble,
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 8),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "folder": as_folder,
    "text": lambda path: path.write_text('{"step": "x"}\n[]\n'),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


def read_everything(path: Path) -> list[WhygradError]:
    """Do whatever a reader does, and return what was refused in words."""
    refused = []
    roads: list[Callable[[wg.Run], object]] = [
        lambda run: str(run.why("hidden1.weight[0, 1]", sample=0)),
        lambda run: str(run.why("output", step=2)),
        lambda run: run.history,
        lambda run: run.neurons("hidden1"),
        lambda run: run.evaluate(),
        lambda run: run.predict([[5.0, 3.0, 1.0, 0.2]]),
        lambda run: health_of(run).to_dict(),
        lambda run: repr(run),
        lambda run: find_runs(path.parent),
    ]
    for road in roads:
        try:
            road(wg.open_run(path))
        except WhygradError as error:
            refused.append(error)
    return refused


@pytest.mark.long
def test_a_sound_run_is_read_whole(copy):
    assert read_everything(copy) == []


@pytest.mark.long
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_ends_in_words_and_nothing_is_changed(copy, hashes, file, harm):
    path = place(copy, file)
    HARM[harm](path)
    before = hashes(copy)
    for error in read_everything(copy):
        assert str(copy) in str(error), "the message says where"
    assert hashes(copy) == before


@pytest.mark.parametrize("harm", [name for name in HARM if name != "folder"])
def test_a_run_with_a_damaged_newest_checkpoint_is_still_explained(copy, harm):
    HARM[harm](place(copy, "newest"))
    assert str(wg.open_run(copy).why("hidden1[2]")).startswith("hidden1[2]  at step 20")


def test_changed_data_is_noticed(copy):
    """A flipped bit in a number is no damage that a file format sees."""
    path = copy / "data.safetensors"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(RunError) as raised:
        _ = wg.open_run(copy).data
    assert raised.value.values["path"] == path


VALUES = [None, True, -1, 10**30, 0.5, "x", "", [], [1], {}, {"a": 1}]


def described(path: Path) -> dict:
    return read_json(path / "run.json")


def paths_in(content: object, before: tuple = ()) -> list[tuple]:
    if not isinstance(content, dict):
        return [before]
    inner = [path for name, value in content.items() for path in paths_in(value, (*before, name))]
    return [*([before] if before else []), *inner]


def put(content: dict, where: tuple, value: object, *, gone: bool = False) -> dict:
    changed = json.loads(json.dumps(content))
    inner = changed
    for name in where[:-1]:
        inner = inner[name]
    inner[where[-1]] = value
    if gone:
        del inner[where[-1]]
    return changed


@pytest.mark.parametrize("value", [*VALUES, "gone"], ids=repr)
def test_anything_may_stand_anywhere_in_run_json(copy, value):
    content = described(copy)
    for where in paths_in(content):
        changed = put(content, where, value, gone=value == "gone")
        write_json(copy / "run.json", changed)  # with a checksum that fits
        try:
            run = wg.open_run(copy)
            repr(run), run.settings, run.skeleton, run.task, run.steps, find_runs(copy.parent)
        except WhygradError as error:
            assert str(copy) in str(error), where


@given(content=st.binary(max_size=60), at=st.floats(0, 1))
def test_bytes_in_the_history_are_read_or_refused(finished, tmp_path, content, at):
    run = wg.open_run(finished.path)
    whole = (finished.path / "history.jsonl").read_bytes()
    place_ = int(at * len(whole))
    run.path = tmp_path
    (tmp_path / "run.json").write_bytes((finished.path / "run.json").read_bytes())
    (tmp_path / "history.jsonl").write_bytes(whole[:place_] + content + whole[place_:])
    try:
        assert all(isinstance(line["step"], int) for line in run.history_lines)
    except RunError as error:
        assert error.key.startswith(("error.run_line", "error.run_content."))
        assert str(tmp_path / "history.jsonl") in str(error)


@pytest.mark.parametrize("number", [21, 10**9, 10**30])
def test_a_step_beyond_the_run_in_its_history_is_no_reason_to_walk_there(copy, number):
    publish(copy, lines={"history": [{"step": number, "epoch": 3, "loss": 1.0}]})
    with pytest.raises(RunError) as raised:
        _ = wg.open_run(copy).steps
    assert raised.value.values["place"] == "step"
    assert str(raised.value.values["path"]) == f"{copy / 'history.jsonl'}:13"


def test_what_is_no_run_is_told(tmp_path):
    with pytest.raises(RunError) as raised:
        wg.open_run(tmp_path)
    assert str(raised.value) == (
        f"There is no run in {tmp_path}: a run is a folder with a run.json, and none was found. "
        "See the runs with: whygrad runs"
    )


def test_a_run_of_another_format_is_told(copy):
    write_json(copy / "run.json", described(copy) | {"format": 3})
    with pytest.raises(RunError) as raised:
        wg.open_run(copy)
    assert str(raised.value) == (
        f"The run {copy} has format 3, this version reads format 1, 2. "
        "Update whygrad, or train the run again."
    )


def test_strange_files_beside_those_of_a_run_do_not_matter(copy):
    for folder in ("checkpoints", "anatomy"):
        for name in ("²", "x", "-1", "1e3", "5 "):
            (copy / folder / f"{name}.safetensors").write_bytes(b"?")
    assert read_everything(copy) == []


def test_runs_are_found_newest_first_and_damaged_ones_left_out(copy, finished, tmp_path):
    import shutil

    for i, created in enumerate(["2026-01-02", "2026-01-03", "2026-01-01"]):
        folder = Path(shutil.copytree(finished.path, tmp_path / "runs" / f"r{i}"))
        write_json(folder / "run.json", described(folder) | {"created": created})
    (tmp_path / "runs" / "bad").mkdir()
    (tmp_path / "runs" / "bad" / "run.json").write_text("{}")
    assert [run.name for run in find_runs(tmp_path / "runs")] == ["r1", "r0", "r2"]
    assert find_runs(tmp_path / "none") == []
