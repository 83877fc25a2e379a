"""Files: what is read from them, and every problem named in words before training starts."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from whygrad.data import columns, delimited, from_arrays, load
from whygrad.errors import DataError, InputError, OptionError
from whygrad.words import number, speaking


def column(value, rows=20) -> list[str]:
    """Return cells: what a function of the row gives."""
    return [str(value(i)) for i in range(rows)]


def table(delimiter=",", **columns) -> str:
    """Return a text table from cells by column."""
    rows = zip(*columns.values(), strict=True)
    return "\n".join(delimiter.join(row) for row in [tuple(columns), *rows]) + "\n"


A = column(lambda i: i % 7)
B = column(lambda i: i * 0.5)
Y = column(lambda i: i % 2)


def changed(cells, row, value) -> list[str]:
    return [*cells[:row], value, *cells[row + 1 :]]


PROBLEMS = {
    "no target": (
        table(a=A, Label=Y, b=B),
        {},
        "The column to predict must be named. The columns are a, Label, b. Give for example "
        "target=Label.",
    ),
    "no target, nothing called so": (
        table(a=A, b=B),
        {},
        "The column to predict must be named. The columns are a, b. Give for example target=b.",
    ),
    "no such column": (
        table(price=A, y=Y),
        {"target": "y", "weight": "pric"},
        "There is no column called pric. Did you mean price? Known: price, y.",
    ),
    "target dropped": (
        table(a=A, y=Y),
        {"target": "y", "drop": "y"},
        "A column can be a target, a weight, kept as categories or dropped, but only one of them; "
        "these were given twice: y. Take each out of all options but one.",
    ),
    "text in numbers": (
        table(a=changed(B, 5, "abc"), y=Y),
        {"target": "y"},
        "Column a holds numbers, but file line 7 holds the text abc; values like this: 1. Correct "
        "them, leave them empty if they are not known, or drop the column.",
    ),
    "text in a target of numbers": (
        table(a=A, y=changed(B, 0, "abc")),
        {"target": "y"},
        "Column y holds numbers, but file line 2 holds the text abc; values like this: 1. Correct "
        "them, leave them empty if they are not known, or drop the column.",
    ),
    "infinity": (
        table(a=changed(B, 3, "-inf"), y=Y),
        {"target": "y"},
        "Column a must hold finite numbers, but file line 5 holds −∞; values like this: 1. Replace "
        "them, or leave them empty if they are not known.",
    ),
    "too large": (
        table(a=changed(B, 3, "1e39"), y=Y),
        {"target": "y"},
        "Column a must hold numbers up to 3.4e38, the largest float32, but file line 5 holds 1e39; "
        "values like this: 1. Use another unit or a logarithm.",
    ),
    "comma in two ways": (
        table("\t", a=column(lambda i: f"{i + 1},500"), y=Y),
        {"target": "y"},
        "Column a must write its numbers in one way, but file line 2 holds 1,500, which may have a "
        "decimal comma or groups of thousands; values with a comma: 20. Write 1234.5, without a "
        "separator of thousands.",
    ),
    "points and commas": (
        table(";", a=column(lambda i: f"{i}{',.'[i % 2]}25"), y=Y),
        {"target": "y"},
        "Column a must write its numbers in one way, but file line 2 holds 0,25, which may have a "
        "decimal comma or groups of thousands; values with a comma: 10. Write 1234.5, without a "
        "separator of thousands.",
    ),
    "text in decimal commas": (
        table(";", a=changed(column(lambda i: f"{i},5"), 5, "abc"), y=Y),
        {"target": "y"},
        "Column a holds numbers, but file line 7 holds the text abc; values like this: 1. Correct "
        "them, leave them empty if they are not known, or drop the column.",
    ),
    "dates in two ways": (
        table(a=A, day=column(lambda i: f"{i % 12 + 1}/{i % 5 + 1}/2024"), y=Y),
        {"target": "y"},
        "Column day seems to hold dates or times, but file line 2 holds 1/1/2024, which can be "
        "read in more than one way; values like this: 20. Write 2024-01-31 and 13:05, or drop the "
        "column.",
    ),
    "years of two digits": (
        table(a=A, day=column(lambda i: f"{i + 1}.1.24"), y=Y),
        {"target": "y"},
        "Column day seems to hold dates or times, but file line 2 holds 1.1.24, which can be read "
        "in more than one way; values like this: 20. Write 2024-01-31 and 13:05, or drop the "
        "column.",
    ),
    "text in dates": (
        table(a=A, day=changed(column(lambda i: f"2024-02-{i + 1}"), 3, "2024-02-30"), y=Y),
        {"target": "y"},
        "Column day holds dates, but file line 5 holds 2024-02-30; values like this: 1. Correct "
        "them, leave them empty if they are not known, or drop the column.",
    ),
    "dates as target": (
        table(a=A, day=column(lambda i: f"2024-02-{i + 1}")),
        {"target": "day"},
        "The target day holds dates or times, which cannot be predicted as they are. Replace it by "
        "a number, such as the days since a date.",
    ),
    "free text": (
        table(a=A, name=column(lambda i: f"n{i}"), y=Y),
        {"target": "y"},
        "Column name has 20 different texts in 20 rows: it looks like free text or an identifier, "
        "from which nothing general can be learned. Drop the column, or group its values.",
    ),
    "many categories": (
        table(
            a=column(lambda i: i % 7, 200),
            name=column(lambda i: f"n{i % 60}", 200),
            y=column(lambda i: i % 2, 200),
        ),
        {"target": "y"},
        "Column name has 60 different texts in 200 rows: it looks like free text or an identifier, "
        "from which nothing general can be learned. Drop the column, or group its values.",
    ),
    "one class": (
        table(a=A, y=["u"] * 20),
        {"target": "y"},
        "The target y must take at least two values, but it is u in every sample. Choose another "
        "target, or add samples.",
    ),
    "one number": (
        table(a=A, y=["0.5"] * 20),
        {"target": "y"},
        "The target y must take at least two values, but it is 0.5 in every sample. Choose another "
        "target, or add samples.",
    ),
    "class of one": (
        table(a=A, y=["lone", *["u", "v"] * 9, "u"]),
        {"target": "y"},
        "Class lone has a single sample, which cannot both train and test. Add samples, join it "
        "with another class, or leave it out.",
    ),
    "row numbers as target": (
        table(a=A, y=column(lambda i: i + 1)),
        {"target": "y"},
        "The target y looks like an identifier: it differs in every row, so there is nothing to "
        'learn. Choose another target, or give task="numbers" if it is a quantity.',
    ),
    "names as target": (
        table(a=A, y=column(lambda i: f"n{i}")),
        {"target": "y"},
        "The target y looks like an identifier: it differs in every row, so there is nothing to "
        'learn. Choose another target, or give task="numbers" if it is a quantity.',
    ),
    "too many classes": (
        table(a=A, y=column(lambda i: f"n{max(i, 5)}")),
        {"target": "y"},
        "The target y has 15 classes for 20 samples; at most 1000 classes with two samples or more "
        'each can be learned. Group the classes, or give task="numbers" if they are quantities.',
    ),
    "not binary": (
        table(a=A, y=column(lambda i: i % 3)),
        {"target": "y", "task": "binary"},
        'The task binary needs a target of two classes, but y has 3. Use task="classes".',
    ),
    "text for numbers": (
        table(a=A, y=["u", "v"] * 10),
        {"target": "y", "task": "numbers"},
        "The target y must hold numbers for this task, but it holds text. Choose another target, "
        'or use task="classes" with this column alone.',
    ),
    "labels of other numbers": (
        table(a=A, p=A, q=Y),
        {"target": "p,q", "task": "labels"},
        "Labels must be 0 or 1 in every row, but the targets p, q hold other numbers. Use "
        'task="numbers", or write 0 and 1.',
    ),
    "empty target": (
        table(a=A, y=[""] * 20),
        {"target": "y"},
        "The target y has no value in any row. Choose another column, or fill it.",
    ),
    "no inputs": (
        table(y=Y, empty=[""] * 20),
        {"target": "y"},
        "At least one column of inputs is needed, but none is left beside targets, weights, "
        "dropped and empty columns. Add columns, or drop fewer.",
    ),
    "constant inputs": (
        table(a=["1"] * 20, b=["x"] * 20, y=Y),
        {"target": "y"},
        "At least one input must differ between samples, but all of the 2 inputs are constant. "
        "Check the columns.",
    ),
    "few rows": (
        table(a=A[:4], y=Y[:4]),
        {"target": "y"},
        "At least 5 samples with a target are needed to divide them into parts, got 4. Add "
        "samples, or train on all of them with validation=0 and test=0.",
    ),
    "negative weight": (
        table(a=A, w=changed(B, 3, "-1"), y=Y),
        {"target": "y", "weight": "w"},
        "The sample weights in w must be at least 0, and not all 0. Write 0 to leave a sample out.",
    ),
    "missing weight": (
        table(a=A, w=changed(B, 3, ""), y=Y),
        {"target": "y", "weight": "w"},
        "The sample weights in column w must be complete, but file line 5 holds none. Write 0 to "
        "leave the sample out.",
    ),
    "weight of words": (
        table(a=A, w=["u", "v"] * 10, y=Y),
        {"target": "y", "weight": "w"},
        "The sample weights in column w must be numbers. Choose another column.",
    ),
    "far from training": (
        table(a=A, b=[*(["1e-150", "-1e-150"] * 9), "0", "3e38"], y=Y),
        {"target": "y", "test": 0.4, "seed": 0},
        "Column b must stay below 1e15 in size as the network sees it, since products of larger "
        "numbers overflow float32, but file line 21 holds 3e38. Check the value and its unit, use "
        "a logarithm, or have the column standardised.",
    ),
    "empty": (
        "",
        {"target": "y"},
        "The file must hold a header and rows, but it is empty. Check that it was saved "
        "completely.",
    ),
    "header only": (
        "a,y\n",
        {"target": "y"},
        "The table must hold rows of data, but it has only a header or nothing at all. Add rows "
        "below the header.",
    ),
    "header only, no line end": (
        "a,y",
        {"target": "y"},
        "The table must hold rows of data, but it has only a header or nothing at all. Add rows "
        "below the header.",
    ),
    "no header": (
        "5.1,3.5,setosa\n" * 20,
        {"target": "y"},
        "The first row must hold the names of the columns, but it looks like data: it begins with "
        "5.1. Put a row of names above it.",
    ),
    "ragged": (
        'a,b,y\n1,"two\nlines",3\n\n4,5\n6,7,8,9\n',
        {"target": "y"},
        "Every row must have 3 columns like the header, but file line 5 has 2; rows like this: 2. "
        "Check the delimiter and the quotation marks there.",
    ),
    "duplicate names": (
        "a,b,a,y\n1,2,3,4\n",
        {"target": "y"},
        "Each column needs a name of its own, but these come more than once: a. Rename or remove "
        "them.",
    ),
    "wrong delimiter": (
        table(";", a=A, y=Y),
        {"target": "y", "delimiter": ","},
        "With the delimiter , there is only one column, a;y, and it contains ;. Give the "
        "delimiter ;.",
    ),
    "one column": (
        table(y=Y),
        {"target": "y"},
        "With the delimiter , there is only one column, y; inputs and a target are needed. Check "
        "the file, or give its delimiter.",
    ),
    "open quotation mark": (
        'a,y\n1,0\n"2,1\n3,0\n',
        {"target": "y"},
        "A quotation mark that opens in file line 3 is never closed. Close it, or write two of "
        "them for one that belongs to the text.",
    ),
    "long field": (
        'a,y\n"' + "x" * 200_000 + ",1\n",
        {"target": "y"},
        "The text holds a field of more than 131072 characters. Look for a quotation mark that is "
        "not closed, or drop the column of long text.",
    ),
    "text below a long field": (
        f'a,b,y\n"{"x" * 200_000}",1,0\n' + "x,1,1\nx,2,0\nx,3,1\nx,inf,0\n",
        {"target": "y"},
        "Column b must hold finite numbers, but file line 6 holds ∞; values like this: 1. Replace "
        "them, or leave them empty if they are not known.",
    ),
    "Latin-1": (
        b"a,y\n1,0\nKaf\xe9,1\n",
        {"target": "y"},
        "The file must be UTF-8 text, but file line 3 holds a byte that is not; it looks like "
        'cp1252. Give --encoding cp1252 (encoding="cp1252"), or save it as CSV UTF-8.',
    ),
    "UTF-16": (
        "a,y\n1,0\n".encode("utf-16"),
        {"target": "y"},
        "The file must be UTF-8 text, but it looks like utf-16. Give --encoding utf-16 "
        '(encoding="utf-16"), or save it as CSV UTF-8.',
    ),
    "null bytes": (
        b"a,y\n1,\x00\n",
        {"target": "y"},
        "The file must be text, but it holds null bytes, so it is something else. Check that the "
        "ending fits the content, or save it as CSV UTF-8.",
    ),
}


def problems(path, **options) -> list[str]:
    """Load a file that cannot be used; return its problems after checking both languages."""
    with pytest.raises(DataError) as caught:
        load(path, **options)
    first, *lines = str(caught.value).split("\n- ")
    assert first == f"{path.name} cannot be used yet. Problems found: {len(lines)}."
    with speaking("zh"):
        for problem in caught.value.problems:
            assert re.search("[一-鿿]", str(problem))
    return lines


@pytest.mark.parametrize("case", PROBLEMS)
def test_each_problem_is_named_whole(tmp_path, case):
    content, options, message = PROBLEMS[case]
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert problems(path, **options) == [message]


def test_all_problems_come_at_once(tmp_path):
    path = tmp_path / "t.csv"
    columns = {"a": changed(B, 5, "abc"), "b": changed(B, 6, "inf"), "y": ["u"] * 20}
    path.write_text(table(**columns))
    assert [line.split(",")[0] for line in problems(path, target="y")] == [
        "Column a holds numbers",
        "Column b must hold finite numbers",
        "The target y must take at least two values",
    ]


def test_a_file_that_is_not_there_names_the_nearest(tmp_path):
    (tmp_path / "flowers.csv").write_text("a,y\n1,2\n")
    path = tmp_path / "flower.csv"
    near = tmp_path / "flowers.csv"
    assert problems(path) == [f"There is no file {path}. Did you mean {near}?"]
    path = tmp_path / "nowhere" / "q.csv"
    assert problems(path) == [
        f"There is no file {path}. Check the path, or give the name of a built-in set."
    ]


def test_a_link_to_nothing_is_not_near_to_itself(tmp_path):
    path = tmp_path / "flowers.csv"
    path.symlink_to(tmp_path / "nowhere.csv")
    assert problems(path) == [
        f"There is no file {path}. Check the path, or give the name of a built-in set."
    ]


def test_a_pipe_and_a_device_are_refused(tmp_path):
    pipe, device = tmp_path / "pipe.csv", tmp_path / "zero.npz"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path, what in ((pipe, "pipe"), (device, "device")):
        assert problems(path) == [
            f"{path} must be an ordinary file, but it is a {what}. Save its content to a file, and "
            "give the path of that file."
        ]


def test_a_table_of_very_many_columns_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "MOST_COLUMNS", 5)
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,d,e,y\n1,2,3,4,5,6\n")
    assert problems(path) == [
        "A table may have at most 5 columns, got 6. Keep those that matter, or save the numbers as "
        "arrays with numpy.savez(path, x=x, y=y)."
    ]


def test_a_line_without_an_end_is_not_held(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "LONGEST_LINE", 1000)
    path = tmp_path / "t.csv"
    path.write_text("1," * 2000)
    assert problems(path) == [
        "The text holds a field of more than 131072 characters. Look for a quotation mark that is "
        "not closed, or drop the column of long text."
    ]


HALF = "\ud800"  # of a surrogate pair: no text


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame({"c": pd.Series([HALF, "a"] * 10, dtype=object), "y": [0, 1] * 10}),
            "Column c must hold one kind of value, but it mixes several kinds, such as text and "
            "numbers. Convert it to one kind.",
        ),
        (
            pd.DataFrame([[1, 0], [2, 1]] * 10, columns=pd.Index(["a" + HALF, "y"], dtype=object)),
            "The names of columns must be valid Unicode text, but these are not: 'a\\ud800'. "
            "Rename them.",
        ),
    ],
)
def test_text_that_is_none_is_told(frame, message):
    with pytest.raises(DataError) as caught:
        load(frame, target="y")
    assert [str(problem) for problem in caught.value.problems] == [message]


def test_classes_that_are_no_text_are_told():
    with pytest.raises(DataError) as caught:
        from_arrays(np.eye(20), [HALF, "a"] * 10)
    assert [str(problem) for problem in caught.value.problems] == [
        "Column y must hold valid Unicode text, but zero-based row 0 holds '\\ud800'; values like "
        "this: 10. Correct them, or drop the column."
    ]


def test_whole_numbers_beyond_what_can_be_told_apart_are_said(tmp_path):
    big = [2**53 + 2 * i for i in range(20)]
    near = [16_000_000_000 + i * i for i in range(20)]
    path = tmp_path / "t.csv"
    path.write_text(table(a=map(str, big), b=map(str, near), y=Y))
    assert [str(note) for note in load(path, target="y").notes] == [
        "Column a holds whole numbers beyond 9007199254740992, which are rounded when they are "
        "read. Subtract an offset, or save identifiers as text.",
    ]
    data = load(path, target="y", drop="a", standardize=False)
    assert [str(note) for note in data.notes] == [
        "Column b holds 20 different whole numbers, but only 1 of them can be told apart as "
        "float32, in which networks compute. Subtract an offset, or divide the column into two.",
    ]
    assert load(path, target="y", drop="a").notes == ()
    path.write_text(table(b=A, y=[str(2**53 + i % 2) for i in range(20)]))
    assert problems(path, target="y") == [
        "The classes of the target y must be whole numbers up to 9007199254740992, beyond which "
        "different numbers become one, but some are larger. Save the column as text."
    ]


def test_a_folder_and_an_unknown_kind(tmp_path):
    assert problems(tmp_path) == [
        f"A folder must hold tables, but there is none in {tmp_path}: no name in it ends in .csv, "
        ".tsv, .txt, .jsonl, .ndjson, .parquet, .arrow, .feather, .ipc. Check the path, or save "
        "the tables as .parquet."
    ]
    path = tmp_path / "t.xlsx"
    path.write_bytes(b"PK")
    assert problems(path) == [
        f"The file {path} must end in one of .csv, .tsv, .txt, .jsonl, .ndjson, .parquet, .npz; "
        "text may be packed, as .csv.gz. Save the table as .csv, or load it with pandas and pass "
        "the DataFrame."
    ]


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,2\n")

    def refuse(path, flags):
        raise PermissionError

    monkeypatch.setattr("os.open", refuse)
    assert problems(path, target="y") == [
        f"The file {path} is there but cannot be opened for reading. Check its permissions, or "
        "copy it to a folder of your own."
    ]


def test_a_source_of_no_known_kind():
    with pytest.raises(InputError) as caught:
        load(3)
    assert str(caught.value) == (
        "Data must be the name of a built-in set, a path or a DataFrame, got int. Use "
        "from_arrays(x, y) for arrays."
    )


@pytest.mark.parametrize("delimiter", ["ab", '"', "", "x", "\n"])
def test_a_delimiter_that_cannot_separate(tmp_path, delimiter):
    path = tmp_path / "t.csv"
    path.write_text(table(a=A, y=Y))
    with pytest.raises(OptionError) as caught:
        load(path, target="y", delimiter=delimiter)
    assert str(caught.value) == (
        "The delimiter must be one character such as , or ; or the word tab, got "
        f"{delimiter!r}. Leave it out to have it found."
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_marks_are_found_out(tmp_path, delimiter, end, mark):
    path = tmp_path / "t.csv"
    text = table(delimiter, a=A, b=B, y=column(lambda i: '"yes"' if i % 2 else "no"))
    path.write_bytes((mark + text).replace("\n", end).encode())
    data = load(path, target="y", standardize=False, validation=0, test=0)
    assert data.feature_names == ("a", "b")
    assert data.target_names == ("no", "yes")
    expected = np.array([A, B], float).T
    np.testing.assert_array_equal(data.train.x, expected)


def test_a_delimiter_can_be_spoken(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text(table(":", a=A, b=B, y=Y))
    assert load(path, target="y", delimiter=":").n_in == 2
    path.write_text(table("\t", a=A, b=B, y=Y))
    assert load(path, target="y", delimiter="tab").n_in == 2


def test_columns_of_every_kind(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        table(
            size=changed(B, 2, ""),
            color=column(lambda i: ["red", "blue", ""][i % 3]),
            is_new=column(lambda i: i % 2 == 0),
            children=column(lambda i: ["0", "1", "2", "3+"][i % 4]),
            nothing=[""] * 20,
            y=changed(Y, 7, "NA"),
        )
    )
    data = load(path, target="y")
    assert data.task == "binary"
    assert data.feature_names == (
        *("size", "color=?", "color=blue", "color=red", "is_new"),
        *("children=0", "children=1", "children=2", "children=3+"),
    )
    rows = np.concatenate([part.rows for part in data.parts.values()])
    assert sorted(rows) == [row for row in range(20) if row != 7]
    fill = float(data.encoder.fill[0])
    train = [float(B[row]) for row in data.train.rows if row != 2]
    assert fill == np.median(train)
    assert [str(note) for note in data.notes] == [
        "Columns without any value, left out: 1 (nothing).",
        "Missing values in color: 6. They are a category of their own, color=?.",
        "Column children mixes numbers and words (0, 1, 2, 3+), so each value is a category.",
        "Rows without a target y, left out: 1.",
        "Missing values in size: 1. They were filled with "
        f"{number(fill)}, the median of the training part.",
    ]


def test_an_index_column_written_by_pandas_is_left_out(tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": A, "y": Y}).to_csv(path)
    data = load(path, target="y")
    assert data.feature_names == ("a",)
    assert str(data.notes[0]) == "The first column column1 only counts the rows and was left out."


def test_a_named_column_that_counts_the_rows_is_noted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(table(id=column(lambda i: i), a=A, y=Y))
    assert [str(note) for note in load(path, target="y").notes] == [
        "Column id counts the rows. If it is only a row number, drop it: a network can learn the "
        "order of a sorted table from it."
    ]
    assert load(path, target="y", drop=["id"]).notes == ()


@pytest.mark.parametrize(
    ("cells", "options", "task", "names"),
    [
        ({"y": ["u", "v"] * 10}, {}, "binary", ("u", "v")),
        ({"y": ["true", "false"] * 10}, {}, "binary", ("false", "true")),
        ({"y": column(lambda i: [3, 5, 10][i % 3])}, {}, "classes", ("3", "5", "10")),
        ({"y": column(lambda i: [3, 5, 10][i % 3])}, {"task": "numbers"}, "numbers", ("y",)),
        ({"y": ["u", "v"] * 10}, {"task": "classes"}, "classes", ("u", "v")),
        ({"y": B}, {}, "numbers", ("y",)),
        ({"y": column(lambda i: i * i)}, {}, "numbers", ("y",)),
        ({"p": Y, "q": ["1"] * 20}, {}, "labels", ("p", "q")),
        ({"p": Y, "q": column(lambda i: 1 - i % 2)}, {}, "binary", ("p", "q")),
        ({"p": B, "q": Y}, {}, "numbers", ("p", "q")),
    ],
)
def test_the_task_is_found_out_from_the_target(tmp_path, cells, options, task, names):
    path = tmp_path / "t.csv"
    path.write_text(table(a=A, b=B[::-1], **cells))
    data = load(path, target=",".join(cells), **options)
    assert (data.task, data.target_names) == (task, names)


def test_rows_are_counted_from_0_in_a_data_frame_and_weights_stay_with_their_rows():
    frame = pd.DataFrame({"a": np.arange(30.0) % 7, "w": np.arange(30) + 1.0, "y": [0, 1] * 15})
    data = load(frame, target="y", weight="w")
    for part in data.parts.values():
        np.testing.assert_array_equal(part.sample_weight, part.rows + 1)
    frame.loc[4, "a"] = np.inf
    with pytest.raises(DataError) as caught:
        load(frame, target="y", drop="w")
    assert str(caught.value.problems[0]) == (
        "Column a must hold finite numbers, but zero-based row 4 holds ∞; values like this: 1. "
        "Replace them, or leave them empty if they are not known."
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [{}] * 20,
            "Column q must hold numbers, text or true and false, but its type is struct<>. Convert "
            "or drop it.",
        ),
        (
            [1, "u"] * 10,
            "Column q must hold one kind of value, but it mixes several kinds, such as text and "
            "numbers. Convert it to one kind.",
        ),
        (
            list(pd.timedelta_range(0, periods=20, freq="h")),
            "Column q must hold numbers, text or true and false, but its type is duration[ns]. "
            "Convert or drop it.",
        ),
    ],
)
def test_columns_of_a_data_frame_that_cannot_be_used(values, message):
    frame = pd.DataFrame({"a": A, "q": values, "y": Y})
    with pytest.raises(DataError) as caught:
        load(frame, target="y")
    assert [str(problem) for problem in caught.value.problems] == [message]


def test_the_same_table_in_every_format_gives_the_same_arrays(tmp_path):
    frame = pd.DataFrame({"a": np.arange(30.0) % 7, "c": ["u", "v", None] * 10, "y": [0, 1] * 15})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "t.parquet")
    sources = [frame, *(tmp_path / f"t.{kind}" for kind in ("csv", "tsv", "parquet"))]
    assert len({load(source, target="y").fingerprint for source in sources}) == 1


def test_npz_files_and_what_they_hold(tmp_path):
    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    for names in (("x", "y"), ("X", "y"), ("data", "target")):
        np.savez(tmp_path / "t.npz", **dict(zip(names, (x, y), strict=True)))
        data = load(tmp_path / "t.npz", standardize=False)
        np.testing.assert_array_equal(data.train.x, x[data.train.rows])
    np.savez(tmp_path / "t.npz", inputs=x, y=y)
    assert problems(tmp_path / "t.npz") == [
        "The .npz file must hold the arrays x and y (or X and y, data and target), but it holds "
        "inputs, y. Save it with numpy.savez(path, x=x, y=y)."
    ]
    np.savez(tmp_path / "t.npz", x=np.array([{}] * 20, object), y=y)
    assert problems(tmp_path / "t.npz") == [
        "The .npz file must hold plain arrays, but it holds Python objects, which are not read "
        "because they could run code. Save arrays of numbers."
    ]


def test_a_file_is_loaded_again_from_its_source(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text(table(";", a=A, b=B, y=Y))
    monkeypatch.chdir(tmp_path)
    data = load("t.csv", target=["y"], drop=("b",), seed=3, test=0.3)
    assert Path(str(data.source["source"])).is_absolute()
    again = load(data.source["source"], **data.source["options"])
    assert again.fingerprint == data.fingerprint
