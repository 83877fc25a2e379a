"""Checksums: every single bit of every kind of file, and what a checksum cannot be fooled by."""

import json
import os
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.attack.flips import attack, flipped

from whygrad.errors import RunError
from whygrad.record import sealed
from whygrad.record.files import write_whole
from whygrad.record.sealed import (
    ZEROS,
    crc,
    open_tensors,
    read_json,
    read_lines,
    read_tensors,
    sealed_lines,
    write_json,
    write_tensors,
)

CONTENT = {"format": 2, "name": '中 "checksum": "00000000"', "deep": {"checksum": 1, "n": [1]}}
TENSORS = {"a": np.arange(2, dtype=np.float32), "b": np.array(True), "c": np.empty((0, 2))}
NOTES = {"step": 7}
LINES = [{"step": 0, "loss": 0.5}, {"step": 2, "name": "中"}, {}]


def tensors(path: Path) -> Any:
    arrays, notes = read_tensors(path)
    return {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}, notes


KINDS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any], set[str]]] = {
    "json": (lambda path: write_json(path, CONTENT), read_json, {"error.run_file_damaged"}),
    "tensors": (
        lambda path: write_tensors(path, TENSORS, NOTES),
        tensors,
        {"error.run_file_damaged", "error.run_tensor_damaged"},
    ),
    "lines": (
        lambda path: write_whole(path, sealed_lines(LINES)),
        read_lines,
        {"error.run_line_damaged"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_single_flipped_bit_is_noticed(tmp_path, kind):
    write, read, keys = KINDS[kind]
    path = tmp_path / "file"
    write(path)
    read(path)
    for bit in range(8 * path.stat().st_size):
        with flipped(path, bit), pytest.raises(RunError) as raised:
            read(path)
        assert raised.value.key in keys and raised.value.values["path"] == path, bit


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_that_is_lost_or_added_is_noticed(tmp_path, kind):
    write, read, keys = KINDS[kind]
    path = tmp_path / "file"
    write(path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for content in (whole[:place] + whole[place + 1 :], whole[:place] + b"0" + whole[place:]):
            is_torn = kind == "lines" and place >= len(whole) - 1  # an append that was cut off
            path.write_bytes(content)
            if not is_torn:
                with pytest.raises(RunError) as raised:
                    read(path)
                assert raised.value.key in keys, place


def test_a_format_two_never_becomes_a_format_one_by_one_bit(tmp_path):
    for bit in range(8):
        assert chr(ord("2") ^ (1 << bit)) != "1"


def test_reading_one_tensor_verifies_that_one_and_no_other(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, NOTES)
    start = path.read_bytes().rindex(TENSORS["a"].tobytes())
    with flipped(path, 8 * start):
        assert read_tensors(path, ["b"])[0]["b"]
        with pytest.raises(RunError) as raised:
            read_tensors(path, ["a", "b"])
    assert str(raised.value) == (
        f"The run file {path} is damaged: the numbers of a are not those that were written. "
        "Take it from a copy, or train the run again."
    )


def test_a_damaged_line_is_told_by_its_number(tmp_path):
    path = tmp_path / "history.jsonl"
    write_whole(path, sealed_lines(LINES))
    place = path.read_bytes().index(b"step", 20)
    with flipped(path, 8 * place), pytest.raises(RunError) as raised:
        read_lines(path)
    assert str(raised.value) == (
        f"The run file {path} is damaged: line 2 does not hold what was written. "
        "Take it from a copy, or train the run again."
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a": 1, "\\u0061": 2}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": "one: two", "a": 3}',
        '{"a": NaN}',
    ],
)
def test_a_sealed_line_that_says_one_thing_twice_is_damaged(tmp_path, text):
    path, sound = tmp_path / "a.jsonl", sealed_lines([{"step": 1, "said": "one: two"}])
    blank = text.removesuffix("}") + f', "checksum": "{ZEROS}"}}'
    line = blank.replace(ZEROS, crc(blank.encode())).encode()
    path.write_bytes(sound)
    assert read_lines(path) == [{"step": 1, "said": "one: two"}]
    path.write_bytes(sound * 2 + line + b"\n" + sound)
    with pytest.raises(RunError, match=re.escape(f"{path}")) as error:
        read_lines(path)
    assert error.value.key == "error.run_line_damaged" and error.value.values["line"] == 3


def test_the_end_of_the_last_line_is_part_of_it(tmp_path):
    path = tmp_path / "history.jsonl"
    write_whole(path, sealed_lines(LINES))
    with flipped(path, 8 * path.stat().st_size - 5), pytest.raises(RunError) as raised:
        read_lines(path)
    assert raised.value.values["line"] == 3


def test_a_file_without_checksums_is_damaged_unless_it_may_lack_them(tmp_path):
    from safetensors.numpy import save_file

    (tmp_path / "a.json").write_text('{"a": 1}')
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n')
    save_file({"a": np.ones(2)}, tmp_path / "a.safetensors")
    for read, name in ((read_json, "a.json"), (read_lines, "a.jsonl"), (tensors, "a.safetensors")):
        with pytest.raises(RunError):
            read(tmp_path / name)
    assert read_json(tmp_path / "a.json", lambda _: True) == {"a": 1}
    assert read_lines(tmp_path / "a.jsonl", may_lack=True) == [{"a": 1}]
    assert read_tensors(tmp_path / "a.safetensors", may_lack=True)[0]["a"].tolist() == [1, 1]


def test_other_readers_can_read_it(tmp_path):
    from safetensors.numpy import load_file

    checksum = write_tensors(tmp_path / "a", TENSORS, NOTES)
    np.testing.assert_array_equal(load_file(tmp_path / "a")["a"], TENSORS["a"])
    write_json(tmp_path / "b", CONTENT)
    assert json.loads((tmp_path / "b").read_text("utf-8"))["name"] == CONTENT["name"]
    with open_tensors(tmp_path / "a") as file:
        assert file.checksum == checksum and sorted(file.names) == sorted(TENSORS)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    one, other = (sealed.sealed_tensors(TENSORS, NOTES) for _ in range(2))
    assert b"".join(one[0]) == b"".join(other[0]) and one[1] == other[1]


@pytest.mark.parametrize("read", [read_json, read_lines, read_tensors])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunError) as raised:
        read(tmp_path / "pipe")
    assert str(raised.value) == (
        f"The run file {tmp_path / 'pipe'} cannot be read: not a regular file. Make it readable, "
        "take it from a copy, or train the run again."
    )


def test_a_file_replaced_while_it_is_opened_is_read_as_one_of_the_two(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_tensors(path, {"a": np.zeros(2)}, {"step": 1})
    real = sealed._read_header
    left = [2]

    def replaced(path: Path) -> bytes:
        header = real(path)
        if left[0]:
            left[0] -= 1
            write_tensors(path, {"a": np.full(2, left[0] + 1.0)}, {"step": left[0] + 5})
        return header

    monkeypatch.setattr(sealed, "_read_header", replaced)
    arrays, notes = read_tensors(path)
    assert arrays["a"].tolist() == [1.0, 1.0] and notes == {"step": 5}


@pytest.mark.long
def test_bits_flipped_anywhere_in_runs_of_both_kinds(tmp_path):
    """The short form of ``make attack``."""
    trials = list(islice(attack(3, tmp_path), 24))
    assert [trial for trial in trials if trial.problem] == []
