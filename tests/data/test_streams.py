"""Tables that are streamed: what one pass finds, how files are cut, in which order rows come."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv, feather

import whygrad as wg
from whygrad.data import text_units, units
from whygrad.data.folders import files_of
from whygrad.data.stream import TRAIN, Shares, pools_of
from whygrad.data.summary import Moments
from whygrad.errors import DataError, InputError, OptionError, TooLargeError

ROWS = 400


def table(rows: int = ROWS) -> pa.Table:
    """Return numbers, some missing, words, 0 and 1, dates, and three classes."""
    rng = np.random.default_rng(0)
    size = rng.normal(3, 2, rows).round(3)
    days = np.datetime64("2024-01-01") + rng.integers(0, 300, rows)
    return pa.table(
        {
            "size": pa.array(size, mask=rng.random(rows) < 0.1),
            "count": rng.integers(0, 1000, rows),
            "colour": np.array(["red", "green", "blue"])[rng.integers(0, 3, rows)],
            "flag": rng.random(rows) < 0.5,
            "day": days.astype("datetime64[D]"),
            "y": np.array(["a", "b", "c"])[np.digitize(size, [2, 4])],
        }
    )


def written(path: Path, rows: pa.Table) -> Path:
    """Write a table in the format that the ending of a file tells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(rows, path, row_group_size=37)
    elif path.suffix == ".arrow":
        feather.write_feather(rows, path, chunksize=53)
    elif path.suffix == ".jsonl":
        lines = rows.to_pandas().to_json(orient="records", lines=True, date_format="iso")
        path.write_text(lines.replace("T00:00:00.000", ""))
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(written(path.with_suffix(""), rows).read_bytes()))
        path.with_suffix("").unlink()
    else:
        csv.write_csv(rows, path, csv.WriteOptions(quoting_style="needed"))
    return path


def as_folder(folder: Path, rows: pa.Table, suffix: str) -> Path:
    for number, begin in enumerate(range(0, len(rows), 90)):
        written(folder / f"part-{number}{suffix}", rows[begin : begin + 90])
    return folder


SOURCES = {
    "csv": lambda path: written(path / "t.csv", table()),
    "packed": lambda path: written(path / "t.csv.gz", table()),
    "json lines": lambda path: written(path / "t.jsonl", table()),
    "parquet": lambda path: written(path / "t.parquet", table()),
    "arrow": lambda path: written(path / "t.arrow", table()),
    "folder of csv": lambda path: as_folder(path / "t", table(), ".csv"),
    "folder of parquet": lambda path: as_folder(path / "t", table(), ".parquet"),
    "dataset": lambda path: ds.dataset(as_folder(path / "t", table(), ".parquet")),
}


@pytest.mark.parametrize("held_out", [{"test": 0}, {"validation": 0}, {"test": 0, "validation": 0}])
def test_a_part_may_be_left_empty(tmp_path, held_out):
    path = written(tmp_path / "t.csv", table())
    data = wg.load(path, target="y", stream=True, **held_out)
    for name, part in data.parts.items():
        assert (len(part) == 0) == (name in held_out)
        assert part.y.dtype == np.int32


@pytest.mark.parametrize("source", SOURCES)
def test_every_kind_of_source_gives_the_same_data(tmp_path, source):
    expected = wg.load(written(tmp_path / "expected.csv", table()), target="y", stream=True)
    data = wg.load(SOURCES[source](tmp_path), target="y", stream=True)
    assert data.samples == expected.samples
    assert data.feature_names == expected.feature_names
    assert data.target_names == expected.target_names == ("a", "b", "c")
    np.testing.assert_array_equal(data.stream.class_counts, expected.stream.class_counts)
    for name in ("mean", "scale"):  # added up a block at a time
        ours, theirs = getattr(data.encoder, name), getattr(expected.encoder, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    for part, other in zip(data.parts.values(), expected.parts.values(), strict=True):
        np.testing.assert_allclose(part.x, other.x, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(part.y, other.y)
        np.testing.assert_array_equal(part.rows, other.rows)


def test_the_encoder_is_that_of_the_training_rows(tmp_path):
    data = wg.load(written(tmp_path / "t.parquet", table()), target="y", stream=True)
    frame = table().to_pandas().iloc[data.train.rows]
    size = frame["size"].fillna(frame["size"].median())
    at = data.feature_names.index("size")
    assert data.encoder.median[at] == frame["size"].median()
    assert data.encoder.mean[at] == pytest.approx(size.mean(), rel=1e-12)
    assert data.encoder.scale[at] == pytest.approx(size.std(ddof=0), rel=1e-12)
    expected = (size.to_numpy() - size.mean()) / size.std(ddof=0)
    np.testing.assert_allclose(data.train.x[:, at], expected, rtol=1e-5, atol=1e-6)
    assert list(data.decode(data.train.y)) == frame["y"].tolist()
    months = data.feature_names.index("day.month")
    shown = data.train.x[:, months] * data.encoder.scale[months] + data.encoder.mean[months]
    np.testing.assert_allclose(shown, pd.to_datetime(frame["day"]).dt.month, rtol=1e-5)


def test_one_pass_agrees_with_a_table_in_memory_about_notes_and_names(tmp_path):
    path = written(tmp_path / "t.csv", table())
    streamed, held = wg.load(path, target="y", stream=True), wg.load(path, target="y")
    assert streamed.feature_names == held.feature_names
    assert streamed.target_names == held.target_names and streamed.task == held.task
    keys = [note.key for note in held.notes]
    assert [note.key for note in streamed.notes if "stream" not in note.key] == keys


@pytest.mark.parametrize(
    ("targets", "task"),
    [
        ("label", "classes"),
        ("rank", "classes"),
        ("half", "numbers"),
        ("flag", "binary"),
        ("u,v", "labels"),
        ("p,q", "binary"),
        ("amount", "numbers"),
        ("amount,label", "numbers"),
    ],
)
def test_the_task_is_that_of_a_table_in_memory(tmp_path, targets, task):
    rng, rows = np.random.default_rng(1), 200
    one = rng.integers(0, 2, rows)
    given = {"x": rng.normal(size=rows), "label": rng.integers(0, 4, rows), "flag": one == 1}
    given |= {"amount": rng.normal(size=rows), "u": rng.integers(0, 2, rows), "v": one}
    given |= {"p": one, "q": 1 - one, "rank": given["label"] * 1.0, "half": given["label"] / 2}
    path = written(tmp_path / "t.csv", pa.table(given))
    drop = [name for name in given if name not in ("x", *targets.split(","))]
    streamed = wg.load(path, target=targets, drop=drop, stream=True)
    held = wg.load(path, target=targets, drop=drop)
    assert streamed.task == held.task == task
    assert streamed.target_names == held.target_names
    keys = {"note.data_whole_numbers_as_classes", "note.data_one_hot"}
    assert [n for n in streamed.notes if n.key in keys] == [n for n in held.notes if n.key in keys]
    assert (targets in ("label", "rank")) == any("whole" in note.key for note in held.notes)
    place = {row: position for position, row in enumerate(held.train.rows)}
    both = [(i, place[row]) for i, row in enumerate(streamed.train.rows) if row in place]
    ours, theirs = map(list, zip(*both, strict=True))
    if task != "numbers":  # which are scaled by other training parts
        np.testing.assert_array_equal(streamed.train.y[ours], held.train.y[theirs])


def test_lines_may_end_in_carriage_returns(tmp_path):
    csv.write_csv(table(), tmp_path / "t.csv")
    content = (tmp_path / "t.csv").read_bytes()
    expected = wg.load(tmp_path / "t.csv", target="y", stream=True)
    for end in (b"\r", b"\r\n"):
        (tmp_path / "t.csv").write_bytes(content.replace(b"\n", end))
        found = wg.load(tmp_path / "t.csv", target="y", stream=True)
        np.testing.assert_array_equal(found.train.x, expected.train.x)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("mark", [";", "\t", "|", ":"])
@pytest.mark.parametrize("line", ["sep={}\r\n", "sep={}\n", '"sep={}"\n'])
def test_a_first_line_may_name_the_delimiter(tmp_path, mark, line, stream):
    rows = "".join(f"{n}.5,{n % 7},{'uv'[n % 2]}\n" for n in range(40)).replace(",", mark)
    (tmp_path / "t.csv").write_text(line.format(mark) + f"a{mark}b{mark}y\n" + rows, newline="")
    data = wg.load(tmp_path / "t.csv", target="y", stream=stream, test=0, validation=0)
    assert data.feature_names == ("a", "b") and len(data.train) == 40
    (tmp_path / "t.csv").write_text(line.format(mark) + f"a{mark}y\n" + f"1{mark}u\n" * 9 + "1\n")
    with pytest.raises(DataError, match="file line 12 has 1"):
        wg.load(tmp_path / "t.csv", target="y", stream=stream)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "cells",
    [
        [[1, 2]] * 40,
        [{"p": 1}] * 40,
        [b"ab"] * 40,
        np.arange(40).astype("timedelta64[s]"),
    ],
)
def test_a_column_that_cannot_be_used_is_told_and_not_left_out(tmp_path, cells, stream):
    pq.write_table(
        pa.table({"a": range(40), "v": cells, "y": ["u", "v"] * 20}), tmp_path / "t.parquet"
    )
    with pytest.raises(DataError, match="Column v must hold numbers, text or true and false"):
        wg.load(tmp_path / "t.parquet", target="y", stream=stream)


PROBLEMS = {
    "text in numbers": "a,y\n" + "".join(f"{i}.5,{i % 2}\n" for i in range(30)) + "oops,1\n",
    "identifiers": "id,a,y\n" + "".join(f"k{i},{i % 7},{i % 2}\n" for i in range(40)),
    "infinite": "a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(30)) + "inf,1\n",
    "ragged": "a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(30)) + "1,2,3\n",
    "one value": "a,y\n" + "".join(f"{i},1\n" for i in range(30)),
    "few rows": "a,y\n1,0\n2,1\n",
    "no rows": "a,y\n",
    "constant": "a,y\n" + "".join(f"5,{i % 2}\n" for i in range(30)),
    "dates in two orders": "d,a,y\n" + "".join(f"1/{i}/2024,{i},{i % 2}\n" for i in range(1, 13)),
    "empty target": "a,y\n" + "".join(f"{i},\n" for i in range(30)),
    "row numbers": "a,y\n" + "".join(f"{i % 3},{i}\n" for i in range(30)),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_problems_are_those_of_a_table_in_memory(tmp_path, problem):
    path = tmp_path / "t.csv"
    path.write_text(PROBLEMS[problem])
    said = []
    for stream in (True, False):
        with pytest.raises(DataError) as raised:
            wg.load(path, target="y", stream=stream)
        said.append(str(raised.value))
    assert said[0] == said[1]


def test_a_problem_names_the_line_and_the_file(tmp_path):
    folder = as_folder(tmp_path / "t", table(200), ".csv")
    part = folder / "part-1.csv"
    part.write_text(part.read_text().replace("\n", "\n,,,,,\n", 1) + '"two\nlines",1,red,true,,a\n')
    with pytest.raises(DataError) as raised:
        wg.load(folder, target="y")
    (problem,) = raised.value.problems
    assert problem.key == "error.data_text_in_numbers"
    assert problem.values["row"] == "93 (part-1.csv)"
    lines = part.read_text().splitlines()
    assert lines[93 - 1].startswith('"two')


@given(
    cells=st.lists(st.text('ab"\n,', max_size=6), min_size=1, max_size=30),
    size=st.integers(1, 40),
)
def test_a_text_is_cut_between_rows_alone(tmp_path_factory, cells, size):
    path = tmp_path_factory.mktemp("cut") / "t.csv"
    frame = pd.DataFrame({"cell": cells, "number": range(len(cells))})
    frame.to_csv(path, index=False, quoting=2)  # quotation marks around every word
    (file,) = files_of(path, ",")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text_units, "TEXT_BYTES", size)
        kinds, read = {"cell": "words", "number": "integer"}, []
        for unit in units.units_of(file):
            for batch in units.rows_of(file, *unit, kinds, {}):
                read += batch.to_pylist()
    found = [(row["cell"] or "", row["number"]) for row in read]
    assert found == list(zip(cells, range(len(cells)), strict=True))


@pytest.mark.parametrize("size", [64, 300, 5000])
def test_kinds_that_show_late_are_found_all_the_same(tmp_path, monkeypatch, size):
    monkeypatch.setattr(text_units, "TEXT_BYTES", size)
    path = tmp_path / "t.csv"
    late = [f"{i % 2},{i},{i},{'' if i < 150 else i},{i % 3}" for i in range(199)]
    path.write_text("bits,whole,words,gaps,y\n" + "\n".join(late) + "\ntrue,1.5,one,2.5,1\n")
    data = wg.load(path, target="y", stream=True, drop=["words"])
    held = wg.load(path, target="y", drop=["words"])
    assert data.feature_names == held.feature_names
    assert data.stream.kinds == {
        "bits": "text" if "bits=true" in held.feature_names else "boolean",
        "whole": "number",
        "gaps": "number",
        "y": "integer",
    }
    assert len(data.stream.units) > 1 or size > 4000


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow"])
def test_words_are_read_in_their_forms_whatever_the_file(tmp_path, suffix):
    """A file with types may hold words as well; the first part alone has no day after the 12th."""
    days = [f"{1 + row % 30:02}.04.2024" for row in range(60)]
    rows = pa.table(
        {
            "price": [f"{row},{row % 7}5" for row in range(60)],
            "day": days,
            "y": np.where(np.arange(60) % 2, "yes", "no"),
        }
    )
    for number, begin in enumerate((0, 10)):
        written(tmp_path / "t" / f"{number}{suffix}", rows[begin : begin + 10 + 40 * number])
    data = wg.load(tmp_path / "t", target="y")
    assert data.stream.forms == {"price": "comma", "day": "dmy"}
    at = data.feature_names.index("price")
    shown = data.train.x[:, at] * data.encoder.scale[at] + data.encoder.mean[at]
    expected = [float(rows["price"][row].as_py().replace(",", ".")) for row in data.train.rows]
    np.testing.assert_allclose(shown, expected, rtol=1e-5)
    chain = wg.load(tmp_path / "t", target="y", stream=True, buffer=16).stream
    np.testing.assert_array_equal(chain.row(int(data.train.rows[3])).x[0], data.train.x[3])


def test_decimal_commas_are_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;y\n" + "".join(f"{i},5;{i % 2}\n" for i in range(40)))
    data = wg.load(path, target="y", stream=True)
    assert data.stream.forms == {"a": "comma"}
    shown = data.train.x[:, 0] * data.encoder.scale[0] + data.encoder.mean[0]
    np.testing.assert_allclose(shown, data.train.rows + 0.5, rtol=1e-5)


def test_folders_name_columns(tmp_path):
    rows = table(200)
    for year in (2023, 2024):
        written(tmp_path / "t" / f"year={year}" / "kind=new style" / "part.parquet", rows)
    (tmp_path / "t" / "_SUCCESS").write_text("")
    (tmp_path / "t" / ".part.parquet.crc").write_text("")
    data = wg.load(tmp_path / "t", target="y", drop=["kind"])
    assert "year" in data.feature_names
    at = data.feature_names.index("year")
    years = data.train.x[:, at] * data.encoder.scale[at] + data.encoder.mean[at]
    np.testing.assert_array_equal(years.round(), np.where(data.train.rows < 200, 2023, 2024))


# --- what cannot be streamed ------------------------------------------------------------------


def test_files_that_changed_or_are_gone_are_told(tmp_path):
    path = written(tmp_path / "t.csv", table())
    stream = wg.load(path, target="y", stream=True).stream
    everything = pools_of(stream.counts, np.arange(len(stream.counts)), ROWS, 1)[0]
    path.write_bytes(path.read_bytes().replace(b"red", b"RED", 1))
    with pytest.raises(DataError) as raised:
        stream.read(everything)
    assert [one.key for one in raised.value.problems] == ["error.stream_changed"]
    path.unlink()
    fresh = type(stream).from_dict(stream.to_dict(), stream.units, stream.encoder)
    with pytest.raises(DataError) as raised:
        fresh.read(everything)
    assert [one.key for one in raised.value.problems] == ["error.stream_gone"]


def test_a_file_that_was_copied_is_the_same(tmp_path):
    path = written(tmp_path / "t.parquet", table())
    stream = wg.load(path, target="y", stream=True).stream
    path.write_bytes(path.read_bytes())
    assert len(stream.read([(0, 0, 5)])) == 5


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda path: path / "empty", "error.stream_empty"),
        (
            lambda path: _with(path, "b.parquet", table().drop(["flag"])),
            "error.stream_lacks_columns",
        ),
        (
            lambda path: _with(path, "b.parquet", table().append_column("more", table()["flag"])),
            "error.stream_further_columns",
        ),
        (lambda path: _with(path, "b.csv", pa.table({"a": ["x"], "y": ["1"]})), None),
    ],
)
def test_folders_that_cannot_be_read(tmp_path, make, key):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as raised:
        wg.load(make(tmp_path), target="y")
    assert key is None or [one.key for one in raised.value.problems] == [key]


def _with(path: Path, name: str, rows: pa.Table) -> Path:
    written(path / "t" / "a.parquet", table())
    written(path / "t" / name, rows)
    return path / "t"


def test_a_column_of_two_kinds_is_told(tmp_path):
    written(tmp_path / "t" / "a.parquet", table())
    other = table().set_column(1, "count", pa.array(["many"] * ROWS))
    written(tmp_path / "t" / "b.parquet", other)
    with pytest.raises(DataError) as raised:
        wg.load(tmp_path / "t", target="y")
    assert raised.value.problems[0].to_dict()["key"] == "error.stream_kinds"


def test_datasets_that_are_filtered_or_in_memory_are_refused(tmp_path):
    written(tmp_path / "t" / "a.parquet", table())
    for dataset in (
        ds.dataset(tmp_path / "t").filter(ds.field("count") > 5),
        ds.dataset(table()),
    ):
        with pytest.raises(InputError) as raised:
            wg.load(dataset, target="y")
        assert raised.value.key == "error.stream_dataset"


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"stream": True, "buffer": 0}, "error.stream_buffer"),
        ({"stream": True, "target_scaling": "none at all"}, "error.unknown_name"),
        ({"stream": True, "samples": 5}, "error.data_option"),
    ],
)
def test_options_out_of_range(tmp_path, options, key):
    path = written(tmp_path / "t.csv", table())
    with pytest.raises(OptionError) as raised:
        wg.load(path, target="y", **options)
    assert raised.value.key == key or "target_scaling" in options


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_does_not_fit_into_memory_is_streamed(tmp_path, monkeypatch, suffix):
    path = written(tmp_path / f"t{suffix}", table(4000))
    assert wg.load(path, target="y").stream is None
    monkeypatch.setattr("whygrad.core.memory.free_memory", lambda: 100_000)
    assert wg.load(path, target="y").stream is not None
    with pytest.raises(TooLargeError):
        wg.load(path, target="y", stream=False)


def test_a_folder_cannot_be_held(tmp_path):
    with pytest.raises(OptionError) as raised:
        wg.load(as_folder(tmp_path / "t", table(), ".csv"), target="y", stream=False)
    assert raised.value.key == "error.stream_always"


# --- in which order rows come -----------------------------------------------------------------


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    size=st.integers(1, 50),
    lanes=st.integers(1, 4),
    seed=st.integers(0, 5),
)
def test_every_row_comes_once_and_pools_are_full(counts, size, lanes, seed):
    order = np.random.default_rng(seed).permutation(len(counts))
    pools = pools_of(counts, order, size, lanes)
    rows = [(unit, row) for pool in pools for unit, a, b in pool for row in range(a, b)]
    assert sorted(rows) == [(unit, row) for unit, n in enumerate(counts) for row in range(n)]
    sizes = [sum(stop - start for _, start, stop in pool) for pool in pools]
    assert all(one == size for one in sizes[:-1]) and all(0 < one <= size for one in sizes)
    taken = dict.fromkeys(range(len(counts)), 0)
    for pool in pools:
        for unit, start, stop in pool:
            assert start == taken[unit], "a unit is read on from where it was left"
            taken[unit] = stop
        assert sum(0 < taken[unit] < counts[unit] for unit in taken) <= lanes
        assert [unit for unit, _, _ in pool] == sorted(unit for unit, _, _ in pool)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), cuts=st.integers(1, 7))
def test_moments_of_pieces_are_those_of_the_whole(values, cuts):
    found = Moments()
    for piece in np.array_split(np.array(values), cuts):
        found.add_values(piece)
    assert found.count == len(values)
    assert found.mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-6)
    assert found.spread == pytest.approx(np.std(values), rel=1e-9, abs=1e-6)


@given(first=st.integers(0, 2**40), cut=st.integers(0, 200))
def test_the_part_of_a_row_hangs_on_its_number_alone(first, cut):
    shares = Shares(3, validation=0.2, test=0.1, sample=0.5)
    whole = shares.parts(first, 200)
    pieces = [shares.parts(first, cut), shares.parts(first + cut, 200 - cut)]
    np.testing.assert_array_equal(whole, np.concatenate(pieces))


def test_parts_have_their_shares_and_differ_by_seed():
    shares = Shares(0, validation=0.1, test=0.2, sample=0.25)
    parts = shares.parts(0, 100_000)
    np.testing.assert_allclose(np.bincount(parts) / 1e5, (0.7, 0.1, 0.2), atol=0.01)
    assert shares.sampled(0, 100_000)[parts == TRAIN].mean() == pytest.approx(0.25, abs=0.01)
    other = replace(shares, seed=1).parts(0, 100_000)
    assert (other == parts).mean() == pytest.approx(0.7**2 + 0.1**2 + 0.2**2, abs=0.02)


def test_rows_are_read_one_by_one_and_in_pools(tmp_path):
    data = wg.load(written(tmp_path / "t.parquet", table()), target="y", stream=True)
    stream = data.stream
    pools = pools_of(stream.counts, np.arange(len(stream.counts))[::-1], 29, 3)
    parts = [stream.read(pool) for pool in pools]
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows)
    np.testing.assert_array_equal(rows[order], data.train.rows)
    np.testing.assert_array_equal(np.concatenate([p.x for p in parts])[order], data.train.x)
    np.testing.assert_array_equal(np.concatenate([p.y for p in parts])[order], data.train.y)
    for row in data.train.rows[::40]:
        one = stream.row(int(row))
        np.testing.assert_array_equal(one.x[0], data.train.x[data.train.rows == row][0])
    with pytest.raises(InputError) as raised:
        stream.row(int(data.test.rows[0]))
    assert raised.value.key == "error.sample_not_trained"
    with pytest.raises(InputError) as raised:
        stream.row(ROWS)
    assert raised.value.key == "error.no_such_sample"


def test_what_a_run_keeps_of_a_stream_reads_the_same(tmp_path):
    data = wg.load(written(tmp_path / "t.csv", table()), target="y", stream=True, weight="count")
    arrays, description = wg.data.pack(data)
    again = wg.data.unpack(arrays, json.loads(json.dumps(description)))
    assert again.fingerprint == data.fingerprint
    pieces = [(0, 3, 50)]
    ours, theirs = again.stream.read(pieces), data.stream.read(pieces)
    for name, array in theirs.arrays().items():
        np.testing.assert_array_equal(ours.arrays()[name], array)
