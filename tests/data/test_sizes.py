"""Numbers that float32 cannot square are refused with the column's name, before training."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import DataError

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2


def problems(x, y, **options) -> list[str]:
    with pytest.raises(DataError) as raised:
        wg.from_arrays(x, y, feature_names=["age", "mass", "size"], **options)
    return list(map(str, raised.value.problems))


@pytest.mark.parametrize("row", [0, 17, 39])  # whatever part it falls into
@pytest.mark.parametrize("value", [1e30, -3e38, 1.1e15])
def test_one_number_too_large_names_its_column_and_row(row, value):
    x = X.copy()
    x[row, 1] = value
    said = problems(x, Y)
    assert len(said) == 1
    assert said[0].startswith(
        "Column mass must stay below 1e15 in size as the network sees it, since products of larger "
        f"numbers overflow float32, but zero-based row {row} holds "
    )
    assert said[0].endswith(
        ". Check the value and its unit, use a logarithm, or have the column standardised."
    )


def test_inputs_and_targets_at_fault_are_both_named():
    assert len(problems(X * [1e20, 1, 1], X[:, :1] * 1e20)) == 2


def test_a_target_too_large_is_named():
    (said,) = problems(X, X[:, :1] * 1e20)
    assert said.startswith("Column y must stay below 1e15 in size")


def test_a_column_that_float32_squares_to_0_is_named_whole():
    (said,) = problems(np.stack([X[:, 0], np.full(40, 2.0) ** -80, X[:, 2]], axis=1), Y)
    assert said == (
        "Column mass must hold numbers above 1e-18 in size as the network sees it, since float32 "
        "makes 0 of the squares of smaller ones, but its largest is 8.272e-25. Use another unit, "
        "have the column standardised, or write 0."
    )


def test_what_is_standardised_may_have_any_unit():
    data = wg.from_arrays(X * [1e30, 1e-30, 1], Y, standardize=True)
    assert np.abs(data.train.x).max() < 10
