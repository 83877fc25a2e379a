"""What statement 9 is measured with: cosines, contrast, the safe window, the rule for a scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.core.nn import Network
from whygrad.lessons.experiments.detectors import contrast, off_diagonal, similarity
from whygrad.lessons.experiments.detectors.scales import rule, window


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**31 - 1))
def test_similarity_is_the_cosine_whatever_the_scale(n_in, n, seed):
    generator = np.random.default_rng(seed)
    weights = generator.normal(size=(n_in, n))
    scaled = similarity(weights * generator.uniform(0.1, 10, size=n))
    for j in range(n):
        for k in range(n):
            lengths = np.linalg.norm(weights[:, j]) * np.linalg.norm(weights[:, k])
            assert scaled[j, k] == pytest.approx(weights[:, j] @ weights[:, k] / lengths)
    assert len(off_diagonal(scaled)) == n * (n - 1) // 2


def test_neurons_without_weights_are_copies_of_one_another_and_like_no_other():
    weights = np.array([[0.0, 0.0, 3.0], [0.0, 0.0, 4.0]])
    np.testing.assert_allclose(similarity(weights), [[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    assert contrast(weights) == 0.25 and contrast(weights[:, :2]) == 0


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=15))
def test_the_safe_window_holds_the_best_and_none_that_fails(hits):
    first, last = window(np.array(hits))
    best = int(np.argmax(hits))
    assert first <= best <= last
    if hits[best] > 0.1:
        bound = 0.1 + (hits[best] - 0.1) / 2
        assert all(hits[place] >= bound for place in range(first, last + 1))
        assert all(hits[place] < bound for place in (first - 1, last + 1) if 0 <= place < len(hits))


def test_the_rule_is_the_spread_of_the_proper_initialiser():
    for activation, init in (("relu", "he_normal"), ("tanh", "glorot_normal")):
        drawn = np.asarray(Network.create([400, 400], init=init).dense[0].weight)
        assert rule(activation, 400) == pytest.approx(drawn.std(), rel=0.02)
