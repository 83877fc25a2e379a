"""A few extreme trainings, each of which fails in words or truly trains."""

from itertools import islice

import pytest
from benchmarks.attack import extremes

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [1, 2])
def test_extremes_fail_in_words_or_train(tmp_path, seed):
    trials = list(islice(extremes.attack(seed, tmp_path), 6))
    assert [trial for trial in trials if trial.problem] == []


def test_a_run_that_stands_still_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setattr(extremes, "stands_still", lambda before, after: True)
    trials = list(islice(extremes.attack(1, tmp_path), 8))
    assert any("stands where it started" in trial.problem for trial in trials)
