"""A run is its user's alone: nobody else reads it, and no link leads its files elsewhere."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import whygrad as wg
from whygrad.errors import RunError
from whygrad.record import files
from whygrad.record.files import make_folder, only_writer, write_whole


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def train(path: Path) -> wg.Run:
    start = wg.Network.create([2, 2, 1], seed=0)
    return wg.train(start, wg.load("xor", samples=40), out=path, epochs=1)


def test_a_run_is_private_to_its_user_and_what_it_lies_in_is_not(tmp_path):
    run = train(tmp_path / "runs" / "a")
    inside = list(run.path.rglob("*"))
    assert {mode(path) for path in inside if path.is_dir()} == {0o700} == {mode(run.path)}
    assert {mode(path) for path in inside if path.is_file()} == {0o600}
    assert mode(tmp_path / "runs") == 0o755


@pytest.mark.long
def test_what_is_made_to_hand_on_follows_the_umask(tmp_path):
    run = train(tmp_path / "a")
    assert mode(run.report(tmp_path / "report.html")) == 0o644
    assert mode(run.export(tmp_path / "net.safetensors").path) == 0o644
    os.umask(0o077)
    assert mode(run.report(tmp_path / "mine.html")) == 0o600


def test_a_run_folder_that_is_a_link_is_not_written_through(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(RunError) as raised:
        train(tmp_path / "link")
    assert str(raised.value) == (
        f"{tmp_path / 'link'} is a symbolic link to {tmp_path / 'theirs'}, and a run is never "
        "written through a link. Name the folder itself, or remove the link."
    )
    assert list((tmp_path / "theirs").iterdir()) == []


def test_a_run_is_read_through_a_link_and_not_resumed_through_it(tmp_path):
    run = train(tmp_path / "a")
    (tmp_path / "link").symlink_to(run.path)
    assert wg.open_run(tmp_path / "link").evaluate() == run.evaluate()
    with pytest.raises(RunError) as raised:
        wg.resume(tmp_path / "link")
    assert raised.value.key == "error.run_through_link"


@pytest.mark.parametrize("name", ["run.lock", "history.jsonl", "checkpoints", "anatomy"])
def test_a_planted_link_inside_leads_nowhere(tmp_path, name):
    """What was there is a folder as a killed beginning leaves it, with one link in it."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("theirs")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.lock").touch()
    (tmp_path / "a" / name).unlink(missing_ok=True)
    is_folder = name in ("checkpoints", "anatomy")
    (tmp_path / "a" / name).symlink_to(tmp_path / "theirs" / ("" if is_folder else "file"))
    try:
        train(tmp_path / "a")
    except RunError as error:
        assert error.key in ("error.run_through_link", "error.run_exists")
    assert (tmp_path / "theirs" / "file").read_text() == "theirs"
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["history.jsonl", "run.json", "checkpoints"])
def test_a_link_in_a_run_that_goes_on_leads_nowhere(tmp_path, name):
    run = train(tmp_path / "a")
    (run.path / name).rename(tmp_path / "theirs")
    (run.path / name).symlink_to(tmp_path / "theirs")
    (run.path / "checkpoints" / "3.safetensors").unlink(missing_ok=True)
    before = files.read_regular(tmp_path / "theirs") if name != "checkpoints" else b""
    try:
        wg.resume(run.path)
    except RunError as error:
        assert error.key == "error.run_through_link"
    if name != "checkpoints":
        assert (tmp_path / "theirs").read_bytes() == before


def test_temporary_names_cannot_be_guessed_and_are_made_new(tmp_path, monkeypatch):
    made = []
    real = os.open

    def noted(path, flags, *more, **named):
        if flags & os.O_CREAT:
            made.append((Path(path).name, flags))
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", noted)
    for _ in range(2):
        write_whole(tmp_path / "a", b"1", shared=False)
    assert len({name for name, _ in made}) == 2
    for name, flags in made:
        assert len(name) >= 16 and name.endswith(".part")
        assert flags & os.O_EXCL and flags & os.O_NOFOLLOW


def test_a_folder_is_made_by_one_process_alone(tmp_path):
    make_folder(tmp_path / "a" / "b", is_new=True)
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "a" / "b", is_new=True)
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")


FORKED = """
import os, sys
from pathlib import Path
from whygrad.errors import RunError
from whygrad.record.files import only_writer

folder = Path(sys.argv[1])
holding = only_writer(folder)
holding.__enter__()
child = os.fork()
if not child:
    holding.__exit__(None, None, None)  # as its interpreter does when it ends
    os._exit(0)
os.waitpid(child, 0)
try:
    with only_writer(folder):
        raise SystemExit("the child gave it back")
except RunError:
    holding.__exit__(None, None, None)
with only_writer(folder):
    pass
"""


def test_a_forked_child_neither_keeps_the_lock_nor_gives_it_back(tmp_path):
    done = subprocess.run([sys.executable, "-c", FORKED, tmp_path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_where_a_file_system_knows_no_locks_a_run_is_written_without(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    with only_writer(tmp_path):
        pass
