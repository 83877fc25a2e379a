"""Files that a user names: pipes, sockets, devices and folders are refused before they are read."""

import os
import socket

import pytest

from whygrad.data.source import open_given, read_given
from whygrad.errors import InputError
from whygrad.words import speaking


def refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        open_given(path)
    with speaking("zh"):
        assert str(path) in str(caught.value)
    return str(caught.value)


def message(path, what: str) -> str:
    return (
        f"{path} must be an ordinary file, but it is a {what}. Save its content to a file, and "
        "give the path of that file."
    )


def test_what_never_ends_or_never_comes_is_refused(tmp_path):
    pipe, link, door = tmp_path / "pipe.csv", tmp_path / "link.csv", tmp_path / "door.csv"
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(door))
        assert refusal(door) == message(door, "socket")
    assert refusal(pipe) == message(pipe, "pipe")
    assert refusal(link) == message(link, "device")
    assert refusal(tmp_path) == message(tmp_path, "folder")


def test_what_becomes_a_pipe_after_the_first_look_is_refused(tmp_path, monkeypatch):
    path, pipe = tmp_path / "t.csv", tmp_path / "pipe"
    path.write_text("a")
    os.mkfifo(pipe)
    before = path.stat()
    monkeypatch.setattr("pathlib.Path.stat", lambda self: before)
    assert refusal(pipe) == message(pipe, "pipe")


@pytest.mark.parametrize("name", ["nothing", "a\0b", "a\ud800b", "loop"])
def test_what_is_not_there_is_an_error_of_the_system(tmp_path, name):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError):
        open_given(tmp_path / name)


def test_a_file_is_read_as_far_as_it_may_be(tmp_path):
    path = tmp_path / "t.toml"
    path.write_bytes(b"x" * 2000)
    assert read_given(path, 2000) == b"x" * 2000
    with pytest.raises(InputError) as caught:
        read_given(path, 1000)
    assert str(caught.value) == (
        f"{path} may be at most 1 kB long, but it has 2 kB. Check that this is the right file."
    )


def test_files_of_the_kernel_without_a_size_hold_nothing():
    from pathlib import Path

    assert read_given(Path("/proc/self/status"), 1000) == b""
