"""The targets of new rows, as training would have had them: held to what load makes of them."""

import numpy as np
import pandas as pd
import pytest

from whygrad.data import load
from whygrad.data.answers import Answers
from whygrad.data.blocks import open_table
from whygrad.data.selecting import target_columns
from whygrad.errors import DataError

N = np.arange(40)
TARGETS = {
    "words": ({"y": np.where(N % 3, "u", "v")}, {}),
    "flags": ({"y": N % 3 == 0}, {}),
    "whole numbers": ({"y": N % 3 * 10}, {}),
    "numbers": ({"y": N * 0.25}, {}),
    "numbers as text": ({"y": [f"{n},5" for n in N]}, {}),
    "two numbers": ({"p": N * 0.25, "q": N * N}, {"task": "numbers"}),
    "labels": ({"p": N % 2, "q": N // 2 % 2}, {"task": "labels"}),
    "a column a class": ({"p": N % 2, "q": 1 - N % 2}, {}),
}


@pytest.mark.parametrize("case", TARGETS)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_targets_of_a_file_are_those_of_training(tmp_path, case, ending):
    columns, options = TARGETS[case]
    path = tmp_path / f"t.{ending}"
    table = pd.DataFrame({"a": N % 7, **columns})
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    data = load(path, target=list(columns), test=0, validation=0, **options)
    answers, taken = Answers(data.encoder, target_columns(data.source), path.name), []
    for block in open_table(path).blocks(answers.kinds, 16):
        kept, y = answers.take(block)
        np.testing.assert_array_equal(kept, np.arange(block.rows))
        taken.append(y)
    np.testing.assert_array_equal(np.concatenate(taken), data.train.y)
    assert answers.notes == ()


def answers_of(tmp_path, train: list, new: list) -> tuple[list, Answers]:
    """Return the targets ``new`` of a table, for a network that was trained on ``train``."""
    data = load(pd.DataFrame({"a": N, "y": train * 10}), target="y", test=0, validation=0)
    pd.DataFrame({"a": range(len(new)), "y": new}).to_csv(tmp_path / "t.csv", index=False)
    answers = Answers(data.encoder, ["y"], "t.csv")
    (block,) = open_table(tmp_path / "t.csv").blocks({"a": "number", **answers.kinds})
    return answers.take(block)[1].tolist(), answers


def test_classes_may_be_written_as_another_program_writes_them(tmp_path):
    assert answers_of(tmp_path, [1, 2, 3, 3], ["2.0", "1", "3e0"])[0] == [1, 0, 2]
    assert answers_of(tmp_path, [True, False] * 2, ["True", "FALSE"])[0] == [1, 0]
    assert answers_of(tmp_path, ["01", "x"] * 2, ["01", "x"])[0] == [0, 1]


def test_rows_without_a_target_and_of_other_classes_are_left_out_and_told(tmp_path):
    y, answers = answers_of(tmp_path, ["u", "v"] * 2, ["v", None, "w", "u", "w"])
    assert y == [1, 0]
    assert [(n.key, n.values["count"], n.values["row"]) for n in answers.notes] == [
        ("note.rows_without_target", 1, "3"),
        ("note.rows_of_other_classes", 2, "4, 6"),
    ]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "much",
            "Column y holds numbers, but file line 3 holds the text much; values like this: 1.",
        ),
        ("inf", "Column y must hold finite numbers, but file line 3 holds ∞; values like this: 1."),
    ],
)
def test_a_target_that_is_no_number_is_refused(tmp_path, cell, message):
    with pytest.raises(DataError) as caught:
        answers_of(tmp_path, [0.5, 1.5, 2.5, 3.25], ["0.5", cell])
    assert str(caught.value.problems[0]).startswith(message)
