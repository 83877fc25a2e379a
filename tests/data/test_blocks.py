"""Blocks: the same cells as the whole table, in every format, for the memory of one block."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whygrad.data import delimited, json_lines, load, source
from whygrad.data.blocks import open_table
from whygrad.errors import DataError

ROWS = 300
SIZES = np.arange(ROWS) / 7
COLOURS = [["red", "blue", None, "a,b"][i % 4] for i in range(ROWS)]
TARGETS = ["u" if i % 3 else "v" for i in range(ROWS)]
ENDINGS = ("csv", "tsv", "txt", "jsonl", "ndjson", "csv.gz", "tsv.gz", "jsonl.gz", "parquet")


def written(path: Path) -> Path:
    """Write the table by the ending of the path."""
    cells = list(zip(SIZES, COLOURS, TARGETS, strict=True))
    if path.suffix == ".parquet":
        columns = {"size": SIZES, "colour": COLOURS, "y": TARGETS}
        pq.write_table(pa.table(columns), path, row_group_size=70)
        return path
    if "jsonl" in path.name or "ndjson" in path.name:
        rows = [{"size": float(s), "colour": c, "y": y} for s, c, y in cells]
        lines = [json.dumps({k: v for k, v in row.items() if v is not None}) for row in rows]
        content = "\n".join(lines)
    else:
        mark = "\t" if "tsv" in path.name else ","
        lines = [mark.join(("size", "colour", "y"))]
        lines += [mark.join((repr(float(s)), f'"{c}"' if c else "", y)) for s, c, y in cells]
        content = "\r\n".join(lines) + "\n"
    raw = content.encode("utf-8-sig")
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


@pytest.fixture(params=[1 << 9, 1 << 20])
def block(request, monkeypatch) -> int:
    """Bytes that are read at once: fewer, and more, than the table has."""
    for module in (source, delimited):
        monkeypatch.setattr(module, "BLOCK", request.param)
    monkeypatch.setattr(delimited, "LARGEST_BLOCK", request.param)
    monkeypatch.setattr(json_lines, "LETTERS", request.param)
    return request.param


@pytest.mark.parametrize("ending", ENDINGS)
def test_blocks_hold_every_cell_in_order_and_know_their_places(tmp_path, ending, block):
    table = open_table(written(tmp_path / f"t.{ending}"))
    assert table.names == ("size", "colour", "y")
    sizes, colours, places = [], [], []
    for one in table.blocks({"colour": "text", "size": "number"}):
        colour, size = one.columns
        assert (colour.name, size.kind) == ("colour", "number")
        sizes += size.values.tolist()
        colours += colour.words().tolist()
        places += [one.place(row)["row"] for row in range(one.rows)]
    np.testing.assert_array_equal(sizes, SIZES)
    assert colours == COLOURS
    first = 0 if ending == "parquet" else 1 if "json" in ending else 2
    assert places == list(range(first, first + ROWS))


@pytest.mark.parametrize("ending", ENDINGS[1:])
def test_every_ending_gives_the_same_data(tmp_path, ending):
    expected = load(written(tmp_path / "t.csv"), target="y")
    assert load(written(tmp_path / f"t.{ending}"), target="y").fingerprint == expected.fingerprint


def test_a_line_is_named_where_rows_are_broken_and_lines_blank(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('\n\na,b\n\n1,"two\nlines"\n\r\n2,x\n')
    (block,) = open_table(path).blocks({"a": "number", "b": "text"})
    assert [block.place(row)["row"] for row in range(2)] == [5, 8]
    assert block.columns[1].words().tolist() == ["two\nlines", "x"]
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n\n  \n{"b": 2}\n')
    (block,) = open_table(path).blocks({"b": "number"})
    assert block.place(1) == {"what": "file_line", "row": 4}
    np.testing.assert_array_equal(block.columns[0].values, [np.nan, 2])


def test_a_word_among_numbers_makes_text_of_its_block(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n1\nold\n")
    (block,) = open_table(path).blocks({"a": "number"})
    assert (block.columns[0].kind, block.columns[0].known) == ("text", ("1", "old"))


def test_a_header_alone_has_no_blocks(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n")
    assert list(open_table(path).blocks({"a": "number"})) == []


BROKEN = {
    "ragged": (
        "t.csv",
        b"a,b\n1,2\n3\n" + b"4,5\n" * 500 + b"6,7,8\n",
        "Every row must have 2 columns like the header, but file line 3 has 1; rows like this: 2. "
        "Check the delimiter and the quotation marks there.",
    ),
    "packed and cut off": (
        "t.csv.gz",
        gzip.compress(b"a,b\n" + b"1,2\n" * 5000)[:-20],
        "The file cannot be read as .gz: it is damaged or of another kind. Save it again, or check "
        "its ending.",
    ),
    "not packed": (
        "t.csv.gz",
        b"a,b\n1,2\n",
        "The file cannot be read as .gz: it is damaged or of another kind. Save it again, or check "
        "its ending.",
    ),
    "a comma between lines": (
        "t.jsonl",
        b'{"a": 1}\n{"a": 2},\n',
        'Every line must be a JSON object such as {"age": 30}, but file line 2 is not. Write one '
        "object a line, without commas between them.",
    ),
    "nested": (
        "t.jsonl",
        b'{"a": 1}\n\n{"a": [1, 2]}\n',
        "Column a must hold single values, but file line 3 holds a list or an object. Give each of "
        "its parts a name of its own, or drop the column.",
    ),
    "a name twice": (
        "t.jsonl",
        b'{"a": 1}\n{"a": 1, "b": 2, "a": 3}\n',
        "Each name must stand once in a line, but file line 2 holds a more than once. Rename or "
        "remove one of them.",
    ),
    "no Parquet": (
        "t.parquet",
        b"PAR1 and nothing else",
        "The file cannot be read as Parquet: it is damaged or of another kind. Save it again, or "
        "check its ending.",
    ),
    "arrays": (
        "t.npz",
        b"PK",
        "A table must be read row by row here, but {path} is .npz, which holds whole arrays. Save "
        "it as .csv or .parquet.",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_with_a_file_is_named_whole(tmp_path, case, block):
    name, content, message = BROKEN[case]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(open_table(path).blocks({"a": "number"}))
    assert [str(one) for one in caught.value.problems] == [message.replace("{path}", str(path))]


def test_json_values_of_every_kind_are_words_as_they_are_written(tmp_path):
    path = tmp_path / "t.jsonl"
    cells = [1, 12345678901234567890, 1.50, 1e-3, True, False, None, "NA", "x", float("nan")]
    path.write_text("".join(json.dumps({"a": cell}) + "\n" for cell in cells))
    (block,) = open_table(path).blocks({"a": "text"})
    expected = ["1", "12345678901234567890", "1.5", "0.001", "true", "false", None, None, "x", None]
    assert block.columns[0].words().tolist() == expected
