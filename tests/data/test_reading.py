"""Reading in pieces: the same data whatever the pieces, progress told, memory asked for first."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whygrad.core import memory
from whygrad.data import arrow, delimited, encoder, load, reading, source
from whygrad.errors import DataError, TooLargeError


def mixed(rows=400) -> pa.Table:
    rng = np.random.default_rng(0)
    missing = rng.random(rows) < 0.2
    return pa.table(
        {
            "bit": ["0", "1"] * (rows // 2),
            "late flag": [*["1"] * (rows // 2), *["true", "false"] * (rows // 4)],
            "late number": [*map(str, range(rows - 1)), "0.5"],
            "late word": [*["red", "blue"] * (rows // 2 - 1), "3", "a\nb"],
            "number": [None if gone else f"{i / 7:.4f}" for i, gone in enumerate(missing)],
            "hex": ["0x1F", *map(str, range(rows - 1))],
            "y": [f" {i % 3} " for i in range(rows)],
        }
    )


def written(path: Path) -> Path:
    table = mixed()
    lines = [",".join(table.column_names)]
    for row in table.to_pylist():
        lines.append(",".join('"a\nb"' if v == "a\nb" else v or "" for v in row.values()))
    path.write_text("\n\n" + "\n".join(lines))
    return path


@pytest.mark.parametrize("block", [64, 1000, 1 << 20])
def test_a_text_table_is_the_same_whatever_the_blocks(tmp_path, monkeypatch, block):
    path = written(tmp_path / "t.csv")
    whole = load(path, target="y")
    for module in (source, delimited):
        monkeypatch.setattr(module, "BLOCK", block)
    monkeypatch.setattr(delimited, "LARGEST_BLOCK", block)
    data = load(path, target="y")
    assert data.fingerprint == whole.fingerprint
    assert list(map(str, data.notes)) == list(map(str, whole.notes))
    assert data.target_names == ("0", "1", "2")
    words = [name for name in data.feature_names if "=" in name]
    assert words == ["late word=3", "late word=a\nb", "late word=blue", "late word=red"]


@pytest.mark.parametrize("at_once", [1, 10_000])
def test_inputs_are_the_same_whatever_is_worked_on_at_once(tmp_path, monkeypatch, at_once):
    path = tmp_path / "t.parquet"
    rng = np.random.default_rng(1)
    columns = {f"x{i}": rng.normal(size=300) for i in range(9)}
    table = pa.table(columns | {"c": rng.choice(["u", "v", "w"], 300), "y": rng.normal(size=300)})
    pq.write_table(table, path, row_group_size=70)
    whole = load(path, target="y")
    monkeypatch.setattr(encoder, "AT_ONCE", at_once)
    monkeypatch.setattr(arrow, "AT_ONCE", at_once)
    monkeypatch.setattr(arrow, "BATCH", 7)
    assert load(path, target="y").fingerprint == whole.fingerprint
    raw = table.take(whole.test.rows)
    np.testing.assert_array_equal(whole.encode(raw), whole.test.x)


def test_a_row_longer_than_a_block_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 16)
    path = tmp_path / "t.csv"
    cells = (f"{i}.{'1' * (300 if i == 9 else 1)}" for i in range(20))
    path.write_text("a,y\n" + "".join(f"{cell},{i % 2}\n" for i, cell in enumerate(cells)))
    assert load(path, target="y", validation=0, test=0).train.rows.size == 20


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
def test_progress_rises_to_the_end(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(source, "BLOCK", 1000)
    path, x = tmp_path / f"t.{suffix}", np.arange(800.0).reshape(400, 2) % 17
    if suffix == "npz":
        np.savez(path, x=x, y=np.arange(400) % 2)
    elif suffix == "csv":
        written(path)
    else:
        pq.write_table(pa.table({"a": x[:, 0], "y": [0, 1] * 200}), path)
    shares = []
    load(path, tick=shares.append, **({} if suffix == "npz" else {"target": "y"}))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert 0 < shares[0] < 1 or suffix == "parquet"


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "1,2\n" * 50)
    before = reading.fillings

    def changing(*arguments):
        path.write_text("a,y\n" + "x,2\n" * 50)
        return before(*arguments)

    monkeypatch.setattr(reading, "fillings", changing)
    with pytest.raises(DataError) as caught:
        load(path, target="y")
    assert str(caught.value) == (
        "t.csv cannot be used yet. Problems found: 1.\n- The file must not change while it is "
        "read, but it did. Wait until it is completely written, then try again."
    )


def test_a_dropped_column_is_not_read(tmp_path):
    path = tmp_path / "t.parquet"
    table = pa.table({"a": [1.0, 2.0] * 20, "b": [{"c": 1}] * 40, "y": [0, 1] * 20})
    pq.write_table(table, path)
    assert load(path, target="y", drop="b").feature_names == ("a",)


def refusal(path: Path, free: int, monkeypatch) -> str:
    monkeypatch.setattr(memory, "free_memory", lambda: free)
    with pytest.raises(TooLargeError) as caught:
        load(path, **({} if path.suffix == ".npz" else {"target": "y", "stream": False}))
    return str(caught.value)


def test_a_table_that_does_not_fit_is_refused_by_its_size(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    zeros = pa.array(np.zeros(1_000_000))
    pq.write_table(pa.table({"a": zeros, "y": zeros}), path)
    assert path.stat().st_size < 10_000
    assert refusal(path, 1_000_000, monkeypatch) == (
        "A part of t.parquet that must be read in one piece needs 16 MB of memory, but only 1 MB "
        "is free. Look for a very long row or text, or write the file in smaller parts."
    ) or "t.parquet has 1000000 rows and 2 columns" in refusal(path, 1_000_000, monkeypatch)


def test_a_text_table_that_does_not_fit_is_refused_before_it_is_held(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n" + "1,2,3\n" * 1000)
    assert refusal(path, 50_000, monkeypatch) == (
        "t.csv has 1000 rows and 3 columns, which need 52 kB of memory, but only 50 kB is free. "
        "Use fewer rows or columns, or a machine with more memory."
    )


def bomb(path: Path, shape: str, kind: str = "<f8", size: int = 100) -> Path:
    """Write arrays whose headers declare any shape."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("x", "y"):
            header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
            padded = header.ljust(117) + "\n"
            start = b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode()
            archive.writestr(f"{name}.npy", start + bytes(size))
    return path


def test_an_array_that_does_not_fit_is_refused_by_its_header(tmp_path, monkeypatch):
    path = bomb(tmp_path / "t.npz", "(1000000000, 1000)")
    assert refusal(path, 4_000_000_000, monkeypatch) == (
        "The array x in t.npz has the shape (1000000000, 1000), which needs 12 TB of memory, but "
        "only 4 GB is free. Save fewer samples, or check how the file was made."
    )


@pytest.mark.parametrize(
    ("shape", "kind"),
    [("(3, 2", "<f8"), ("(-3, 2)", "<f8"), ("(3.5, 2)", "<f8"), ("(3, 2)", "<f3"), ("3", "<f8"),
     ("[3]", "<f8"), ("(" * 90 + ")" * 90, "<f8"), ("(True, 2)", "<f8"), ("(30, 2)", "<f8"),
     ("(3,)", "<U1"), ("(2, 2)", "<M8[ns]"), ("(3, 2)", "|V8"), ("(0, 2)", "<f8"), ("()", "<f8"),
     ("(10**18, 0)", "<f8"), ("(1000000000000000000,)", "<U0"), ("(3, 2)", "O")],
)  # fmt: skip
def test_a_header_of_any_kind_ends_in_a_sentence(tmp_path, shape, kind):
    path = bomb(tmp_path / "t.npz", shape, kind)
    with pytest.raises((DataError, TooLargeError)) as caught:
        load(path)
    assert str(caught.value)


CHILD = """
import json, re, sys
from pathlib import Path
import numpy as np
import whygrad as wg

def kept(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

wg.load(sys.argv[1], target="y")
before = kept("VmRSS")
data = wg.load(sys.argv[2], target="y")
size = sum(4 * part.x.size for part in data.parts.values())
print(json.dumps((kept("VmHWM") - before) / size))
"""


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_reading_costs_at_most_four_times_the_numbers(tmp_path, suffix):
    rng = np.random.default_rng(0)
    rows = 120_000  # so many that what Arrow takes once, whatever the table, hardly counts
    columns = {f"x{i}": rng.normal(size=rows).round(3) for i in range(50)}
    words = {f"c{i}": rng.choice(["red", "green", "blue"], rows) for i in range(4)}
    table = pa.table(columns | words | {"y": rng.integers(0, 2, rows)})
    paths = [tmp_path / f"{name}.{suffix}" for name in ("small", "large")]
    for path, part in zip(paths, (table[:100], table), strict=True):
        if suffix == "csv":
            pa.csv.write_csv(part, path)
        else:
            pq.write_table(part, path)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, paths)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) <= 4
