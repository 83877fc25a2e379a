"""scikit-learn's multilayer perceptrons come in, and ours in their form."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import whygrad as wg
from whygrad.errors import InputError

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 3))


def fitted(estimator, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_classifiers_give_their_probabilities(activation):
    classes = DRAW.integers(0, 3, 40)
    model = fitted(
        MLPClassifier((5, 4), activation=activation, max_iter=5, random_state=0), classes
    )
    network = wg.from_sklearn(model)
    assert network.sizes == (3, 5, 4, 3) and network.output_activation == "softmax"
    np.testing.assert_allclose(wg.forward(network, X).output, model.predict_proba(X), atol=1e-6)


def test_two_classes_have_one_output():
    model = fitted(MLPClassifier((4,), max_iter=5, random_state=0), DRAW.integers(0, 2, 40))
    network = wg.from_sklearn(model)
    given = np.asarray(wg.forward(network, X).output)
    np.testing.assert_allclose(given[:, 0], model.predict_proba(X)[:, 1], atol=1e-6)


def test_regressors_give_their_predictions():
    estimator = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0)
    model = fitted(estimator, X @ [[1, 0], [2, 1], [0, 3]])
    network = wg.from_sklearn(model)
    np.testing.assert_allclose(wg.forward(network, X).output, model.predict(X), atol=1e-5)


def test_a_regressor_of_counts_ends_in_an_exponential():
    estimator = MLPRegressor("poisson", hidden_layer_sizes=(4,), max_iter=5, random_state=0)
    model = fitted(estimator, DRAW.integers(0, 9, 40))
    network = wg.from_sklearn(model)
    assert network.output_activation == "exponential"
    given = np.asarray(wg.forward(network, X).output)
    np.testing.assert_allclose(given[:, 0], model.predict(X), rtol=1e-5, atol=1e-6)


def test_ours_come_in_with_activations_of_their_own():
    estimator = wg.MLPRegressor(hidden_layer_sizes=(4,), activation="gelu", random_state=0)
    model = fitted(estimator.set_params(max_iter=5), X[:, 0])
    network = wg.from_sklearn(model)
    assert network["hidden1"].activation == "gelu"
    given = np.asarray(wg.forward(network, X).output)
    np.testing.assert_allclose(given[:, 0], model.predict(X), atol=1e-5)


def test_float64_is_exact_where_asked(float64):
    model = fitted(MLPClassifier((4,), max_iter=5, random_state=0), DRAW.integers(0, 3, 40))
    network = wg.from_sklearn(model, dtype="float64")
    assert np.array_equal(network["hidden1"].weight, model.coefs_[0])
    np.testing.assert_allclose(wg.forward(network, X).output, model.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("model", [MLPClassifier(), 3.0], ids=["unfitted", "number"])
def test_what_is_no_fitted_perceptron_is_told(model):
    with pytest.raises(InputError) as caught:
        wg.from_sklearn(model)
    assert str(caught.value) == (
        f"from_sklearn takes a fitted MLPClassifier or MLPRegressor, got {type(model).__name__}, "
        "which lacks coefs_, intercepts_ or activations. Fit it first; of a pipeline, pass the "
        "last step."
    )


def test_an_activation_that_is_unknown_here_is_named():
    model = fitted(MLPRegressor(hidden_layer_sizes=(4,), max_iter=5), X[:, 0])
    model.activation = "mish"
    with pytest.raises(InputError, match=r"^The activation of MLPRegressor is mish, which cannot"):
        wg.from_sklearn(model)
