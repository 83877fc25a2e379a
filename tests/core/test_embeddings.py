"""A column of words in front of a dense layer is an embedding; what its factors are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import whygrad as wg

WORDS, NUMBERS, SAMPLES = 4, 2, 9


@given(st.lists(st.integers(0, WORDS - 1), min_size=SAMPLES, max_size=SAMPLES), st.integers(0, 99))
def test_a_word_looks_up_a_row_and_its_factors_are_those_of_its_samples(words, seed):
    """Second implementation of the formulas of docs/mathematics.md, sample by sample."""
    draw, word = np.random.default_rng(seed), np.array(words)
    numbers = draw.normal(size=(SAMPLES, NUMBERS)).astype(np.float32)
    x = np.concatenate([np.eye(WORDS, dtype=np.float32)[word], numbers], axis=1)
    y = draw.integers(0, 3, SAMPLES)
    net = wg.Network.create([WORDS + NUMBERS, 5, 3], seed=seed, engine="numpy")
    trace = wg.forward(net, x)
    layer = wg.backward(net, trace, y, loss="softmax_cross_entropy")["hidden1"]
    weight, bias = net.dense[0].weight, net.dense[0].bias
    looked_up = weight[word] + numbers @ weight[WORDS:] + bias
    np.testing.assert_allclose(trace["hidden1"].preactivation, looked_up, rtol=1e-5, atol=1e-5)

    found, delta = wg.factors(layer).weight, np.asarray(layer.delta)
    sizes = np.abs(delta).mean(axis=0)
    for place in range(WORDS):
        own = delta[word == place]
        pull, pulls = own.sum(axis=0) / SAMPLES, np.abs(own).sum(axis=0) / SAMPLES
        share = np.divide(pulls, sizes, out=np.zeros_like(sizes), where=sizes > 0)
        agreed = np.divide(np.abs(pull), pulls, out=np.zeros_like(sizes), where=pulls > 0)
        np.testing.assert_allclose(found.input[place], share, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found.agreement[place], agreed, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(found.upstream[place], found.upstream[0], rtol=1e-6)
        np.testing.assert_allclose(found.slope[place], found.slope[0], rtol=1e-6)
