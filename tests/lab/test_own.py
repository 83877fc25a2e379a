"""Tables of the reader's own: how a text is understood, what is refused, what scenes bring."""

import csv
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.errors import OptionError
from whygrad.lab import own
from whygrad.lab.own import number_in
from whygrad.lab.pack import read
from whygrad.lab.page import as_page

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "blanks": " "}


def understood(node, *texts: str) -> list[dict]:
    return node("data.mjs", list(texts))


@pytest.mark.parametrize(
    ("text", "head", "rows", "separator", "has_commas"),
    [
        ("1,2\n3,4\n", None, "1|2 3|4", "comma", False),
        ("a;b\r\n1,5;0\r\n2,5;1\r\n", ["a", "b"], "1,5|0 2,5|1", "semicolon", True),
        ("1,5 2,5 0\n0,5 1 1", None, "1,5|2,5|0 0,5|1|1", "blanks", True),
        ("1,5;2,3;1,0\n2,5;3;0,5", None, "1,5|2,3|1,0 2,5|3|0,5", "semicolon", True),
        ("  x   y\n 1.5   2\n 3     4 ", ["x", "y"], "1.5|2 3|4", "blanks", False),
        ("1, 2, 3\n4, 5, 6", None, "1|2|3 4|5|6", "comma", False),
        ("5.1,3,cat\n4.9,3.5,dog", None, "5.1|3|cat 4.9|3.5|dog", "comma", False),
        ('"a, b",y\n1,"x""1"""\n2,z', ["a, b", "y"], '1|x"1" 2|z', "comma", False),
        ('x,y\n1,"a\n,b"\n2,c', ["x", "y"], "1|a\n,b 2|c", "comma", False),
        ("\ufeffa\tb\n\n1\t2\n\t\n3\t4\n", ["a", "b"], "1|2 3|4", "tab", False),
        ("a\tb\t\n1\t2\t\n3\t4\t", ["a", "b"], "1|2 3|4", "tab", False),
        ("x,\n1,2\n3,4", ["x", ""], "1|2 3|4", "comma", False),
        ("n/a,1\n2,3\n4,5", None, "n/a|1 2|3 4|5", "comma", False),
        ("1;2.5\n1,5;3", None, "1|2.5 1,5|3", "semicolon", False),
    ],
)
def test_a_text_is_understood(node, text, head, rows, separator, has_commas):
    (found,) = understood(node, text)
    table = found["table"]
    assert table["cells"] == [row.split("|") for row in rows.split(" ")]
    assert (table["head"], table["separator"]) == (head, separator)
    assert table["hasCommas"] == has_commas


def test_a_problem_is_where_it_was_pasted(node):
    (found,) = understood(node, 'x;y\n\n1,5;"a\nb"\n2,5;c\n1e3x;c')
    assert found["problem"] == "data.problem.no_number"
    assert found["values"] == {"row": "6", "column": "1 (x)", "actual": "1e3x"}


def test_nothing_is_no_table(node):
    assert understood(node, "", " \n\t\n", '""\n') == [None, None, None]


WORDS = st.text("abcxyzäß中文 ,;\"'-.<&", min_size=1, max_size=8).filter(
    lambda word: word.strip() == word
)
NUMBERS = st.floats(-1e6, 1e6).map(repr) | st.integers(-99, 99).map(str)


@st.composite
def tables(draw) -> tuple[str, str, list[str] | None, list[list[str]]]:
    """Draw a table of numbers with words in its last column, as somebody's program writes it."""
    separator = draw(st.sampled_from(list(SEPARATORS)))
    width, height = draw(st.integers(1, 7)), draw(st.integers(2, 12))
    rows = [[draw(NUMBERS) for _ in range(width)] + [draw(WORDS)] for _ in range(height)]
    head = draw(st.none() | st.lists(WORDS, min_size=width + 1, max_size=width + 1))
    file = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(file, delimiter=SEPARATORS[separator], quoting=quoting, lineterminator=end)
    writer.writerows([head, *rows] if head else rows)
    return file.getvalue(), separator, head, rows


@given(drawn=st.lists(tables(), min_size=25, max_size=25))
def test_it_is_read_as_python_reads_it(node, drawn):
    found = understood(node, *(text for text, *_ in drawn))
    for one, (text, separator, head, rows) in zip(found, drawn, strict=True):
        table = one["table"]
        assert (table["separator"], table["head"], table["cells"]) == (separator, head, rows)
        delimiter = SEPARATORS[separator]
        read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        assert [head, *rows] == read if head else rows == read


CELLS = st.sampled_from(["1", "2.5", "-3", "\u22124e2", "", "x", "y", "1e16", "7"]) | NUMBERS


@given(
    drawn=st.lists(
        st.integers(1, 9).flatmap(
            lambda width: st.lists(
                st.lists(NUMBERS, min_size=width, max_size=width).flatmap(
                    lambda row: st.tuples(*map(st.just, row[:-1]), CELLS)
                ) | st.lists(CELLS, min_size=width, max_size=width),
                min_size=1, max_size=6,
            )
        ),
        min_size=40, max_size=40,
    )
)  # fmt: skip
def test_page_and_scene_refuse_the_same_tables_in_the_same_words(node, drawn):
    drawn = [[list(row) for row in rows] for rows in drawn]
    found = node("data.mjs", [{"head": None, "rows": rows} for rows in drawn])
    for rows, one in zip(drawn, found, strict=True):
        try:
            own.samples({"room": "copying", "data": rows})
            assert "problem" not in one, rows
        except OptionError as error:
            told = {name: str(value) for name, value in error.values.items()}
            assert error.key == f"lab.{one.get('problem')}", rows
            assert told == {name: str(value) for name, value in one["values"].items()}


def numbers_of(rows: list[list[Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets as NumPy standardises them; two classes become 0 and 1."""
    x = np.array([[number_in(cell) for cell in row[:-1]] for row in rows])
    distinct = sorted({row[-1] for row in rows})
    if len(distinct) == 2:
        y = np.array([[float(distinct.index(row[-1]))] for row in rows])
    else:
        y = np.array([[number_in(row[-1])] for row in rows])
        y = (y - y.mean()) / y.std()
    return (x - x.mean(axis=0)) / x.std(axis=0), y


FINITE = st.integers(-9999, 9999).map(lambda n: n / 8)


@given(
    columns=st.lists(st.lists(FINITE, min_size=6, max_size=6, unique=True), min_size=2, max_size=8),
    kind=st.sampled_from(["words", "numbers", "quantity"]),
)
def test_columns_are_standardised_as_numpy_does(node, columns, kind):
    rows = [list(row) for row in zip(*columns, strict=True)]
    for i, row in enumerate(rows):
        row[-1] = {"words": "ba"[i % 2], "numbers": [3, -0.5][i % 2]}.get(kind, row[-1])
    (found,) = node("data.mjs", [{"head": None, "rows": rows}])
    x, y = numbers_of(rows)
    assert found["kind"] == ("quantity" if kind == "quantity" else "classes")
    assert found["classes"] == {"words": ["a", "b"], "numbers": ["-0.5", "3"]}.get(kind, [])
    np.testing.assert_allclose(found["input"], x.ravel(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found["target"], y.ravel(), rtol=1e-12, atol=1e-12)


def test_any_column_can_be_the_target(node):
    how = {"target": 0, "isStandard": False}
    rows = [["no", 1, 5], ["yes", 2, 4], ["no", 4, 4]]
    (found,) = node("data.mjs", [{"head": ["answer", "a", "b"], "rows": rows, "how": how}])
    assert found["classes"] == ["no", "yes"] and found["target"] == [0, 1, 0]
    assert found["input"] == [1, 5, 2, 4, 4, 4]
    assert [column["name"] for column in found["columns"]] == ["a", "b", "answer"]


def test_python_knows_which_rooms_learn_from_a_table():
    for room, (kinds, inputs) in own.TAKEN.items():
        source = read(f"rooms/{room}.js")
        (told,) = re.findall(r"data: \{ kinds: (\[.*?\]), inputs: (\w+), says", source)
        assert tuple(json.loads(told[0])) == kinds
        named = re.findall(r"MOST_INPUTS = (\d+);", read("rooms/batch/layer.js"))
        assert int(told[1] if told[1].isdigit() else named[0]) == inputs
    limits = re.findall(r"const MOST_(?:ROWS|COLUMNS) = (\d+);", read("samples.js"))
    assert list(map(int, limits)) == [own.MOST_ROWS, own.MOST_COLUMNS]


ROWS = [[0.5, 2, "a"], [1.5, 1, "b"]]


def test_a_scene_brings_its_table():
    scene = {"room": "copying", "data": ROWS, "head": ["x", "y", "kind"], "set": {"width": 4}}
    data = re.search(r'id="data">(.*?)</script>', as_page(scene=scene), re.S)
    assert data is not None
    assert json.loads(data[1])["samples"] == {"head": ["x", "y", "kind"], "rows": ROWS}


EXAMPLE = 'Write it like {"room": "copying", "data": [[0.5, 2, "a"], [1.5, 1, "b"]], '
EXAMPLE += '"head": ["x", "y", "kind"]}.'


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        (
            {"room": "neuron"},
            "`data` of a scene must belong to a room that can be trained on a table, got the "
            "room neuron. Choose one of copying, biases, batch.",
        ),
        (
            {"data": [1, 2]},
            "`data` of a scene must be a list of rows, each a list of numbers and words, got int. "
            + EXAMPLE,
        ),
        (
            {"data": [[1, None]]},
            "`data` of a scene must be a list of rows, each a list of numbers and words, got "
            "NoneType. " + EXAMPLE,
        ),
        (
            {"head": ["x"]},
            "`head` of a scene must name every column of `data`: 3 names are needed, got 1. "
            "Name them all, or leave it out.",
        ),
        (
            {"data": [[1], [2]]},
            "A table needs at least 2 columns, an input and a target, and only 1 was found. "
            "Put commas, semicolons, tabs or blanks between columns.",
        ),
        (
            {"data": [[1, 2], [3, 4, 5]]},
            "Row 2 has 3 cells, and 2 are needed, as in the first row. Mend it; a text that holds "
            "the separator stands in quotes.",
        ),
        (
            {"data": [[*range(9)], [*range(1, 10)]]},
            "A table may have no more columns than 8, the target among them, and this one has 9. "
            "Leave some out.",
        ),
        (
            {"data": [[i, i % 2] for i in range(201)]},
            "A table may have no more rows than 200, and this one has 201. Paste fewer, such as "
            "the first 200.",
        ),
        (
            {"data": ROWS[:1]},
            "A table needs at least 2 rows of samples; this one has 1. Paste more rows.",
        ),
        (
            {"data": [[1, 2, 0], [1, "x", 1]], "head": ["a", "b", "c"]},
            "Row 2, column 2 (b): inputs must be numbers, and here stands x. Correct it, leave "
            "the row or the column out, or choose this column as the target.",
        ),
        (
            {"data": [[1, 0], [" ", 1]]},
            "Row 2, column 1: a value must stand here, and the cell is empty. Fill it in, or "
            "leave the row out.",
        ),
        (
            {"data": [[1, 0], [10**400, 1]]},
            "Row 2, column 1: a number must lie between −1e15 and 1e15, and here stands "
            f"1{'0' * 39}…. Write the column in a larger unit.",
        ),
        (
            {"data": [[0.1, 0]] * 3},
            "Column 1 must hold numbers that differ by more than rounding, and all of them are "
            "about 0.1. Nothing can be learnt from it: leave it out.",
        ),
        (
            {"data": [[1, "a"], [2, "a"]]},
            "The target in column 2 must have at least two different values, and is a in every "
            "row. Add rows of another class, or choose another target.",
        ),
        (
            {"data": [[1, "a"], [2, "b"], [3, 4]]},
            "The target in column 2 must have two different values, or be numbers; it has 3 "
            "different values, not all of them numbers. Keep the rows of two classes, or choose "
            "another target.",
        ),
        (
            {"room": "batch", "data": [[1, 0.5], [2, 1], [3, 4]]},
            "The sigmoid neurons of this room can tell two classes apart, and the target of your "
            "table is a quantity. Choose a target with two values, or take it to another room.",
        ),
        (
            {"room": "batch", "data": [[1, 2, 3, 4, 5, 0], [2, 3, 4, 5, 6, 1]]},
            "This room shows no more inputs than 4, and your table has 5. Paste fewer columns, "
            "or take it to another room.",
        ),
    ],
)
def test_a_scene_with_a_table_that_does_not_fit_is_refused(scene, message):
    with pytest.raises(OptionError) as raised:
        as_page(scene={"room": "copying", "data": ROWS} | scene)
    assert str(raised.value) == message


def test_a_task_and_a_table_are_not_for_one_page():
    with pytest.raises(OptionError) as raised:
        as_page(scene={"room": "copying", "data": ROWS}, task="clones")
    assert str(raised.value) == (
        "A task is about the data that its room brings along, and the scene brings its own. "
        "Leave out `--task` or `data`."
    )
