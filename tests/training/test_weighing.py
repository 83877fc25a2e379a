"""Weights: every one above 0 counts, however large or small, or training does not begin."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import DataError, OptionError
from whygrad.settings import Settings
from whygrad.training.feeding import plan_of_epoch
from whygrad.training.weighing import check_weights

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = np.arange(60) % 3


def message(weight=None, **settings) -> str:
    data = wg.from_arrays(X, Y, sample_weight=weight, validation=0, test=0)
    with pytest.raises(OptionError) as raised:
        check_weights(data, Settings(**settings))
    return str(raised.value)


def test_a_sum_of_weights_does_not_overflow():
    plan = plan_of_epoch(Settings(batch_size=32), 60, 0, np.full(60, 3e38, np.float32))
    np.testing.assert_array_equal(
        plan.share, plan_of_epoch(Settings(batch_size=32), 60, 0, None).share
    )


def test_more_class_weights_than_classes_are_refused():
    assert message(class_weight=(1.0, 1.0, 1.0, 1.0)) == (
        "The target has 3 classes, got 4 class weights. Give one for each class, in the order of "
        "the class names."
    )


def test_a_share_that_float32_makes_0_is_refused():
    assert message(class_weight=(1e-30, 1.0, 1e30)) == (
        "The weights of the training samples must not differ by more than float32 can tell apart, "
        "but above 0 they reach from 1e-30 to 1e30, and in a batch of 60 the share of the smallest "
        "becomes 0. Write 0 to leave a sample out, or bring the weights closer together."
    )


def test_a_sum_over_the_batch_keeps_its_weights_in_float32():
    assert message(np.full(60, 1e38), reduction="sum") == (
        'With reduction="sum" the weights of a batch must stay between 1.2e-38 and 3.4e38, in '
        "which float32 computes, but above 0 they reach from 1e38 to 1e38 in batches of 60. Scale "
        'the weights, or use reduction="mean".'
    )


def test_weights_that_multiply_to_0_everywhere_are_refused():
    assert message((Y == 0).astype(float), class_weight=(0.0, 1.0, 1.0)) == (
        "At least one sample of the training part must have a weight above 0, but its class "
        "weights and sample weights multiply to 0 for every sample. Give a class that occurs there "
        "a weight."
    )


def test_a_sample_weight_that_float32_cannot_hold_is_refused():
    with pytest.raises(DataError) as raised:
        wg.from_arrays(X, Y, sample_weight=np.where(Y, 1.0, 1e-46))
    assert str(raised.value.problems[0]) == (
        "Sample weights must be 0 or numbers that float32 can hold, from 1.2e-38 to 3.4e38, but "
        "one of them is 1e-46. Only their ratios count: scale them all."
    )
