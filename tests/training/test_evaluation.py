"""Evaluation: means over a part, whatever its size, and no number that is none."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import NonFiniteError
from whygrad.training import evaluation
from whygrad.training.evaluation import evaluate


def arrays(samples: int, n_out: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(samples)
    x = generator.normal(size=(samples, 3)).astype(np.float32)
    return x, generator.integers(0, n_out, samples).astype(np.int32)


@pytest.mark.parametrize("samples", [1, 7, 1024, 1025])
def test_classes_against_numpy(samples):
    x, y = arrays(samples, 4)
    network = wg.Network.create([3, 4], seed=2)
    z = x @ np.asarray(network["output"].weight)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    measures = evaluate(network, x, y, "softmax_cross_entropy", "classes")
    assert measures == {
        "loss": pytest.approx(-np.log(p[np.arange(samples), y]).mean(), rel=1e-5),
        "accuracy": pytest.approx((p.argmax(axis=1) == y).mean()),
    }


def test_a_part_in_many_pieces_is_the_same(monkeypatch):
    x, y = arrays(2500, 4)
    network = wg.Network.create([3, 4], seed=2)
    whole = evaluate(network, x, y, "softmax_cross_entropy", "classes")
    monkeypatch.setattr(evaluation, "ROWS_AT_ONCE", 1024)
    assert evaluate(network, x, y, "softmax_cross_entropy", "classes") == pytest.approx(whole)


def test_binary_with_one_output_and_with_two():
    x, y = arrays(50, 2)
    one = wg.Network.create([3, 1], seed=2)
    w = np.asarray(one["output"].weight)
    two = wg.Network.from_arrays([np.hstack([np.zeros_like(w), w])], None, activations=["identity"])
    single = evaluate(one, x, y, "binary_cross_entropy", "binary")
    assert single == pytest.approx(evaluate(two, x, y, "softmax_cross_entropy", "binary"), rel=1e-4)
    assert single["accuracy"] == pytest.approx(((x @ w)[:, 0] > 0).astype(int).__eq__(y).mean())


def test_labels_count_each_label():
    x, _ = arrays(50, 2)
    network = wg.Network.create([3, 2], seed=2)
    z = x @ np.asarray(network["output"].weight)
    y = np.zeros_like(z)
    measures = evaluate(network, x, y, "binary_cross_entropy", "labels")
    assert measures["accuracy"] == pytest.approx((z <= 0).mean())


def test_r2_against_scikit_learn():
    from sklearn.metrics import r2_score

    x, _ = arrays(50, 2)
    y = x[:, :2] + 0.1
    network = wg.Network.create([3, 2], seed=2)
    claimed = x @ np.asarray(network["output"].weight)
    measures = evaluate(network, x, y, "squared", "numbers")
    wanted = r2_score(y, claimed, multioutput="variance_weighted")
    assert measures["r2"] == pytest.approx(wanted, rel=1e-4)


def test_a_target_that_does_not_vary_has_no_r2():
    x, _ = arrays(5, 2)
    measures = evaluate(wg.Network.create([3, 1]), x, np.ones((5, 1)), "squared", "numbers")
    assert list(measures) == ["loss"]


def test_a_part_without_samples_has_no_measures():
    x, y = np.empty((0, 3), np.float32), np.empty(0, np.int32)
    assert evaluate(wg.Network.create([3, 2]), x, y, "softmax_cross_entropy", "classes") == {}


def test_outputs_that_overflow_are_an_error_in_words():
    x, _ = arrays(5, 2)
    network = wg.Network.create([3, 1], init="constant:1e30")
    with pytest.raises(NonFiniteError) as raised:
        evaluate(network, x, np.ones((5, 1), np.float32), "squared", "numbers")
    assert str(raised.value) == (
        "The loss over 5 samples is not finite: the network's outputs overflow for some of them. "
        "Look for extreme inputs or targets, or lower the learning rate."
    )
