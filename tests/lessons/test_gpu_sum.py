"""The GPU's order of a sum: the right sum, every addition counted, no round too many."""

import math

import numpy as np
import pytest

from whygrad.lessons.instruments.gpu_sum import gpu_sum


@pytest.mark.parametrize("exponent", [0, 1, 3, 5, 8, 9, 12, 13, 17])
def test_it_adds_every_term_once_and_counts_the_additions(exponent):
    m = 2**exponent
    terms = np.arange(2 * m, dtype=np.float32).reshape(m, 2) % 7  # whole numbers: no rounding
    found, stages = gpu_sum(terms)
    assert found.tolist() == terms.sum(axis=0).tolist() and found.dtype == np.float32
    assert sum(stage.additions for stage in stages) == m - 1
    assert not stages or stages[-1].left == 1


def test_threads_are_serial_and_the_rest_is_a_tree():
    stages = gpu_sum(np.ones((2**22, 1), np.float32))[1]
    told = [(stage.launch, stage.worker, stage.workers, stage.rounds) for stage in stages]
    assert told == [
        (1, "thread", 2**18, 15), (1, "warp", 2**13, 5), (1, "block", 2**10, 3),
        (2, "thread", 2**8, 3), (2, "warp", 2**3, 5), (2, "block", 1, 3),
    ]  # fmt: skip


def test_its_error_is_below_one_rounding_a_round():
    terms = np.random.default_rng(0).normal(1, 1, (2**16, 1)).astype(np.float32)
    found, stages = gpu_sum(terms)
    exact = math.fsum(terms[:, 0].astype(float))
    rounds = sum(stage.rounds for stage in stages)
    assert abs(found[0] - exact) <= rounds * 2.0**-24 * np.abs(terms.astype(float)).sum()
