"""Files that are never half written, whatever happens between two system calls."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from whygrad.errors import RunError
from whygrad.record.files import only_writer, write_whole
from whygrad.record.sealed import (
    read_json,
    read_lines,
    read_tensors,
    sealed_lines,
    write_json,
    write_tensors,
)
from whygrad.record.writing import publish

LINES = [{"step": 0, "loss": 0.5}, {"step": 2, "loss": 0.25}]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_crash_before_the_renaming_leaves_the_file_before(tmp_path, monkeypatch, call):
    path = tmp_path / "a.json"
    write_whole(path, b"before")

    def crash(*_, **__):
        raise KeyboardInterrupt  # as good as a power cut: nothing after it runs

    monkeypatch.setattr(os, call, crash)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"after, and longer")
    assert path.read_bytes() == b"before"


def test_a_full_disk_is_told_in_words_and_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_whole(path, b"before")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError) as raised:
        write_whole(path, b"after")
    assert str(raised.value) == (
        f"The run cannot be written to {path}: No space left on device. Choose a folder that you "
        "may write to, on a disk with free space."
    )
    assert path.read_bytes() == b"before" and names(tmp_path) == ["a.json"]


def test_writing_leaves_no_temporary_file(tmp_path):
    write_whole(tmp_path / "a", b"1")
    write_json(tmp_path / "b.json", {"a": 1})
    write_tensors(tmp_path / "c.safetensors", {"a": np.ones(2)}, {})
    assert names(tmp_path) == ["a", "b.json", "c.safetensors"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_json_holds_a_number_that_is_none(tmp_path, value):
    for write in (
        lambda: write_json(tmp_path / "a", {"x": value}),
        lambda: write_whole(tmp_path / "b", sealed_lines([{"x": value}])),
        lambda: write_tensors(tmp_path / "c", {}, {"x": value}),
    ):
        with pytest.raises(ValueError, match="Out of range float"):
            write()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("aß中 \n", max_size=3), inner)
    ),
    max_leaves=8,
)  # fmt: skip


@given(content=st.dictionaries(st.text("aß中\n\u2028\x85", min_size=1, max_size=4), JSON))
def test_json_and_lines_come_back_as_they_went(tmp_path, content):
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    write_whole(tmp_path / "b.jsonl", sealed_lines([content, {}]))
    publish(tmp_path, lines={"b": [content]})
    assert read_lines(tmp_path / "b.jsonl") == [content, {}, content]


KINDS = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4).flatmap(
    lambda shape: st.sampled_from(["<f4", "<f8", "<i4", "<i8", "|b1", "|u1"]).flatmap(
        lambda kind: arrays.arrays(kind, shape)
    )
)


@given(
    tensors=st.dictionaries(st.text("ab.é", min_size=1, max_size=5), KINDS, max_size=4), notes=JSON
)
def test_tensors_come_back_bit_for_bit(tmp_path, tensors, notes):
    write_tensors(tmp_path / "a.safetensors", tensors, {"notes": notes})
    again, told = read_tensors(tmp_path / "a.safetensors")
    assert told == {"notes": notes} and again.keys() == tensors.keys()
    for name, array in tensors.items():
        assert again[name].dtype == array.dtype and again[name].shape == array.shape
        assert again[name].tobytes() == array.tobytes()


def test_arrays_in_fortran_order_and_slices_keep_their_values(tmp_path):
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    write_tensors(tmp_path / "a", {"f": array, "s": array[:, ::2]}, {})
    again, _ = read_tensors(tmp_path / "a")
    np.testing.assert_array_equal(again["f"], array)
    np.testing.assert_array_equal(again["s"], array[:, ::2])


@pytest.mark.parametrize("cut", range(1, 90, 4))
def test_a_torn_last_line_is_ignored_and_then_repaired(tmp_path, cut):
    path = tmp_path / "history.jsonl"
    write_whole(path, sealed_lines(LINES))
    whole = path.read_bytes()
    last = len(sealed_lines(LINES[-1:]))
    path.write_bytes(whole[:-cut])
    kept = LINES[: 2 - -(-cut // last)]
    assert read_lines(path) == kept
    publish(tmp_path, lines={"history": LINES[1:]})
    assert read_lines(path) == [*kept, *LINES[1:]]
    assert path.read_bytes() == sealed_lines([*kept, *LINES[1:]])


def test_lines_of_a_file_that_is_not_there_are_none_where_it_may_lack(tmp_path):
    assert read_lines(tmp_path / "none", may_lack=True) == []
    with pytest.raises(RunError) as raised:
        read_lines(tmp_path / "none")
    assert raised.value.key == "error.run_file_missing"


DAMAGED = {
    "empty": b"",
    "garbage": bytes(range(256)),
    "a list": b"[1]",
    "a number": b"5",
    "deep": b"[" * 100_000,
    "cut": b'{"a": [1, ',
    "no utf-8": b'{"a": "\xff"}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_json_file_is_named(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(RunError) as raised:
        read_json(path)
    assert str(raised.value) == (
        f"The run file {path} is damaged: it does not hold what was written. "
        "Take it from a copy, or train the run again."
    )


@pytest.mark.parametrize("read", [read_json, read_tensors])
@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_what_is_no_file_is_damaged(tmp_path, read, kind):
    if kind == "folder":
        (tmp_path / "it").mkdir()
    with pytest.raises(RunError):
        read(tmp_path / "it")


@given(content=st.binary(max_size=200), cut=st.integers(0, 200))
def test_no_content_of_a_tensor_file_is_more_than_damaged(tmp_path, content, cut):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": np.arange(5.0)}, {"n": 1})
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + content)
    try:
        read_tensors(path)
    except RunError as error:
        assert error.key in ("error.run_file_damaged", "error.run_tensor_damaged")


def test_a_damaged_line_in_the_middle_is_an_error(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"step": 0}\nnonsense\n{"step": 2}\n')
    with pytest.raises(RunError):
        read_lines(path)


def test_only_one_may_write(tmp_path):
    with only_writer(tmp_path):
        with pytest.raises(RunError) as raised, only_writer(tmp_path):
            pass
    assert str(raised.value) == (
        f"The run {tmp_path} is being written by another process. "
        "Wait until it has finished, or stop it."
    )
    with only_writer(tmp_path):
        pass


def test_where_nobody_may_write_the_reason_is_told(tmp_path):
    with pytest.raises(RunError) as raised, only_writer(tmp_path / "nowhere"):
        pass
    assert raised.value.values["problem"] == "No such file or directory"
