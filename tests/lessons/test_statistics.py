"""Medians, bands and intervals over seeds, against NumPy and SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from whygrad.lessons.instruments.statistics import (
    NINE_IN_TEN,
    band,
    guessing,
    median,
    paired_interval,
    quantile,
)

NUMBERS = st.floats(-1e6, 1e6)
SOME = arrays(np.float64, st.integers(1, 30), elements=NUMBERS)


@given(SOME, st.floats(0, 1))
def test_a_quantile_is_that_of_numpy(values, share):
    assert quantile(values, share) == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-6)


def test_quantiles_go_place_by_place():
    curves = np.random.default_rng(0).normal(size=(9, 4))
    found = band(curves, NINE_IN_TEN)
    np.testing.assert_allclose(found.low, np.quantile(curves, 0.05, axis=0))
    np.testing.assert_allclose(found.high, np.quantile(curves, 0.95, axis=0))
    np.testing.assert_allclose(found.width, found.high - found.low)


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_run_that_lost_its_numbers_is_the_worst_of_all(lost):
    values = np.array([lost, 3.0, 1.0, 2.0, 4.0])
    assert median(values) == 3
    assert quantile(values, 1.0) == np.inf
    assert quantile(values, 0.75) == 4
    assert quantile(values, 0.9) == np.inf  # between 4 and infinity


def test_where_half_of_the_runs_are_lost_so_is_the_median():
    assert median(np.array([np.inf, np.inf, 1.0, 2.0])) == np.inf
    assert median(np.array([np.nan] * 3)) == np.inf


@pytest.mark.parametrize("count", [6, 7, 12, 16, 33, 128])
def test_an_interval_is_as_sure_as_the_binomial_says(count):
    differences = np.arange(count, dtype=np.float64)
    found = paired_interval(differences, np.zeros(count))
    rank = round(found.low) + 1
    assert found.level == pytest.approx(1 - 2 * stats.binom.cdf(rank - 1, count, 0.5))
    assert found.level >= 0.95
    assert 1 - 2 * stats.binom.cdf(rank, count, 0.5) < 0.95  # the next one is not sure enough
    assert found.high == count - rank
    assert found.middle == (count - 1) / 2


def test_sixteen_pairs_give_the_fourth_difference_from_either_end():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 16))
    found = paired_interval(one, other)
    ordered = np.sort(one - other)
    assert (found.low, found.high) == (ordered[3], ordered[12])
    assert found.level == pytest.approx(0.97873, abs=1e-5)
    assert found.reach == max(abs(ordered[3]), abs(ordered[12]))


@pytest.mark.long
def test_intervals_contain_the_median_as_often_as_they_say():
    rng = np.random.default_rng(2)
    drawn = rng.exponential(size=(4000, 16)) - math.log(2)  # skewed, with the median 0
    found = [paired_interval(row, np.zeros(16)) for row in drawn]
    share = np.mean([one.low <= 0 <= one.high for one in found])
    assert share == pytest.approx(found[0].level, abs=0.01)


def test_five_pairs_are_too_few_for_any_interval():
    found = paired_interval(np.arange(5.0), np.zeros(5))
    assert (found.low, found.middle, found.high, found.level) == (-math.inf, 2, math.inf, 1)


def test_one_lost_run_moves_an_end_by_one_place_only():
    differences = np.arange(16.0)
    lost = differences.copy()
    lost[15] = np.nan
    assert paired_interval(lost, np.zeros(16)) == paired_interval(differences, np.zeros(16))
    lost[:] = np.where(differences < 4, np.inf, differences)
    assert paired_interval(lost, np.zeros(16)).high == np.inf


def test_a_pair_of_lost_runs_has_no_difference():
    one = np.array([np.nan, *np.arange(15.0)])
    found = paired_interval(one, np.array([np.inf, *np.zeros(15)]))
    assert math.isnan(found.low) and math.isnan(found.middle) and math.isnan(found.high)


@given(arrays(np.int32, st.integers(1, 50), elements=st.integers(0, 4)))
def test_guessing_costs_the_entropy(classes):
    assert guessing(classes) == pytest.approx(stats.entropy(np.bincount(classes)), abs=1e-12)


def test_guessing_takes_columns_of_zeros_and_ones():
    assert guessing(np.array([[0.0], [1.0], [1.0], [0.0]], np.float32)) == pytest.approx(
        math.log(2)
    )
