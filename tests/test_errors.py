"""Errors: one tree, whole messages, readable by people and programs."""

import pickle

import pytest

from whygrad.errors import (
    AddressError,
    DataError,
    InputError,
    NonFiniteError,
    OptionError,
    RunError,
    ShapeError,
    WhygradError,
    unknown_name,
)
from whygrad.words import speaking


@pytest.mark.parametrize("kind", [ShapeError, OptionError, AddressError, DataError])
def test_values_at_fault_are_value_errors(kind):
    assert issubclass(kind, InputError)
    assert issubclass(kind, ValueError)
    assert issubclass(kind, WhygradError)


def test_what_is_nobodys_value_is_no_value_error():
    assert issubclass(NonFiniteError, ArithmeticError)
    assert not issubclass(NonFiniteError, ValueError)
    assert not issubclass(RunError, ValueError)


def test_an_unknown_name_lists_the_known_and_the_nearest():
    error = unknown_name("activation", "rely", ["relu", "tanh"])
    assert str(error) == (
        "There is no activation called rely. Did you mean relu? Known: relu, tanh."
    )
    assert error.key == "error.unknown_name_near"


def test_a_name_near_to_nothing_gets_only_the_list():
    assert str(unknown_name("loss", "xyz", ["squared", "huber"])) == (
        "There is no loss called xyz. Known: squared, huber."
    )


def test_a_name_that_is_no_string_is_shown_all_the_same():
    assert str(unknown_name("loss", 3, ["squared"])) == (
        "There is no loss called 3. Known: squared."
    )


def test_the_message_follows_the_language_at_the_time_of_reading():
    error = unknown_name("loss", "xyz", ["squared", "huber"])
    with speaking("zh"):
        assert str(error) == "没有名为 xyz 的损失函数。可用的有：squared, huber。"


def test_an_error_is_data_for_a_program():
    error = ShapeError("error.input_shape", layer="hidden1", expected=4, actual=(3, 2))
    assert error.to_dict() == {
        "kind": "ShapeError",
        "key": "error.input_shape",
        "message": str(error),
        "layer": "hidden1",
        "expected": 4,
        "actual": "(3, 2)",
    }


def test_all_problems_of_a_table_are_listed():
    problems = [unknown_name("loss", "x", ["y"]), OptionError("error.dropout", actual=2.0)]
    error = DataError("table.csv", problems)
    assert str(error) == (
        "table.csv cannot be used yet. Problems found: 2.\n"
        "- There is no loss called x. Known: y.\n"
        "- The dropout must be a share in [0, 1), got 2. Write 0 for no dropout."
    )
    assert [problem["key"] for problem in error.to_dict()["problems"]] == [
        "error.unknown_name",
        "error.dropout",
    ]


ERRORS = [
    DataError("table.csv", [OptionError("error.dropout", actual=2.0)]),
    ShapeError("error.input_shape", layer="hidden1", expected=4, actual=(3, 2)),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_whole_out_of_another_process(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)
    assert again.to_dict() == error.to_dict()


def test_the_message_is_exactly_a_string_whoever_sends_it_on():
    """Test runners that send reports between processes take no other class for text."""
    error = DataError("table", [unknown_name("activation", "rely", ["relu"])])
    assert {type(str(one)) for one in (error, *error.problems)} == {str}
    assert type(error.to_dict()["message"]) is str


def test_an_error_that_is_made_again_from_its_message_says_it():
    """As by the worker processes of torch's DataLoader."""
    assert str(OptionError("Caught OptionError in worker 0.")) == "Caught OptionError in worker 0."
