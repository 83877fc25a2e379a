"""Laws of the split: disjoint, complete, alike in every class, and the same for the same seed."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from whygrad.data import from_arrays, load
from whygrad.data.split import apportion, split

SHARES = st.sampled_from([0, 0.05, 0.1, 0.2, 0.33, 0.45])


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    validation=SHARES,
    test=SHARES,
    seed=st.integers(0, 99),
)
def test_parts_are_disjoint_complete_and_stratified(counts, validation, test, seed):
    classes = np.repeat(np.arange(len(counts)), counts)
    parts = vars(split(len(classes), classes, validation=validation, test=test, seed=seed))
    everything = np.sort(np.concatenate(list(parts.values())))
    np.testing.assert_array_equal(everything, np.arange(len(classes)))
    for rows in parts.values():
        assert np.all(np.diff(rows) > 0)
    for index, count in enumerate(counts):
        inside = {name: int(np.sum(classes[rows] == index)) for name, rows in parts.items()}
        assert inside["train"] >= 1
        if count > 2:
            assert abs(inside["test"] - count * test) <= 1
            assert abs(inside["validation"] - count * validation) <= 1


@given(samples=st.integers(5, 200), validation=SHARES, test=SHARES, seed=st.integers(0, 99))
def test_without_classes_the_shares_hold_to_one_sample(samples, validation, test, seed):
    parts = split(samples, None, validation=validation, test=test, seed=seed)
    for rows, share in ((parts.validation, validation), (parts.test, test)):
        assert abs(len(rows) - samples * share) <= 1
        assert (len(rows) == 0) == (share == 0)
    assert len(parts.train) + len(parts.validation) + len(parts.test) == samples


@given(seed=st.integers(0, 50), other=st.integers(0, 50))
def test_the_seed_decides_the_split(seed, other):
    assume(seed != other)
    first, again, different = (
        split(60, None, validation=0.2, test=0.2, seed=chosen) for chosen in (seed, seed, other)
    )
    np.testing.assert_array_equal(first.train, again.train)
    assert not np.array_equal(first.train, different.train)


def test_the_shares_of_all_classes_together_are_right():
    taken = apportion(np.array([9, 9, 9, 9]), 0.25, np.array([8, 8, 8, 8]))
    np.testing.assert_array_equal(taken, [3, 2, 2, 2])


def test_no_part_takes_the_last_sample_of_a_class():
    taken = apportion(np.array([2, 98]), 0.45, np.array([1, 97]))
    np.testing.assert_array_equal(taken, [1, 44])


def test_classes_of_two_always_leave_one_to_train_on():
    classes = np.repeat(np.arange(4), 2)
    parts = split(8, classes, validation=0.45, test=0.45, seed=0)
    assert sorted(classes[parts.train]) == [0, 1, 2, 3]
    assert (len(parts.test), len(parts.validation)) == (4, 0)


def test_a_rare_class_that_misses_a_part_is_noted():
    y = np.array(["common"] * 48 + ["rare"] * 2)
    data = from_arrays(np.arange(50.0)[:, None], y, validation=0.1, test=0.1)
    notes = [str(note) for note in data.notes]
    assert notes == [
        "Classes without a sample in the validation part, because they are rare: 1 (rare).",
        "Classes without a sample in the test part, because they are rare: 1 (rare).",
    ]
    assert set(data.train.y) == {0, 1}


def test_nothing_held_out_leaves_empty_parts():
    data = load("iris", validation=0, test=0)
    assert (len(data.train), len(data.validation), len(data.test)) == (150, 0, 0)
    assert data.validation.x.shape == (0, 4)
