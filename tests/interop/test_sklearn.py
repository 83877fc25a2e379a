"""scikit-learn's estimators on our engine: its checks, its numbers, and what is beyond them."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn import neural_network
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import whygrad as wg
from whygrad.errors import OptionError
from whygrad.interop.sklearn.epochs import epochs_of

pytestmark = [
    pytest.mark.usefixtures("unchecked"),
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
# scikit-learn itself makes these two checks of its own with other parameters
OF_WEIGHTS = ("dense", "sparse")
ELSEWHERE = {f"check_sample_weight_equivalence_on_{kind}_data": "below" for kind in OF_WEIGHTS}


@pytest.fixture(scope="module")
def iris():
    x, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(x), y


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(x), (y - y.mean()) / y.std()


@pytest.mark.sampled
@pytest.mark.parametrize("estimator", [wg.MLPClassifier(), wg.MLPRegressor()], ids=repr)
def test_the_checks_of_estimators_pass(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(estimator, expected_failed_checks=ELSEWHERE, on_skip=None)


@pytest.mark.parametrize(
    "estimator",
    [
        wg.MLPClassifier(solver="lbfgs"),
        wg.MLPRegressor(solver="sgd", tol=1e-2, random_state=42),
    ],
    ids=repr,
)
def test_a_weight_is_as_good_as_a_repeated_row(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    told = [result for result in results if result["check_name"] in ELSEWHERE]
    assert {result["check_name"] for result in told} == set(ELSEWHERE)
    assert {result["status"] for result in told} == {"passed"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nesterovs_momentum": False},
        {"momentum": 0.0},
        {"activation": "tanh", "alpha": 0.0},
        {"activation": "logistic", "alpha": 0.1, "batch_size": 50},
        {"shuffle": False, "batch_size": 30},
        {"hidden_layer_sizes": (8, 5), "activation": "identity"},
        {"learning_rate": "invscaling", "momentum": 0.0},
        {"early_stopping": True, "max_iter": 40},
    ],
    ids=str,
)
def test_sgd_ends_in_scikit_learns_own_numbers(iris, options):
    asked = {"solver": "sgd", "max_iter": 12, "random_state": 3, "hidden_layer_sizes": (8,)}
    ours = wg.MLPClassifier(**asked | options).fit(*iris)
    theirs = neural_network.MLPClassifier(**asked | options).fit(*iris)
    assert ours.n_iter_ == theirs.n_iter_
    for mine, other in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_adam_ends_where_scikit_learns_does(diabetes, loss):
    x, y = diabetes
    y = np.abs(y) if loss == "poisson" else y
    asked = {"max_iter": 30, "random_state": 0, "hidden_layer_sizes": (16,), "loss": loss}
    ours, theirs = (
        kind(**asked).fit(x, y) for kind in (wg.MLPRegressor, neural_network.MLPRegressor)
    )
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-3, atol=1e-3)


def test_training_that_ends_within_a_stretch_ends_there(iris):
    options = {"random_state": 0, "hidden_layer_sizes": (8,), "tol": 5e-3, "n_iter_no_change": 2}
    together = wg.MLPClassifier(**options).fit(*iris)
    one_by_one = wg.MLPClassifier(**options, verbose=True)
    one_by_one.fit(*iris)
    assert together.n_iter_ == one_by_one.n_iter_ < 200
    assert together.loss_curve_ == pytest.approx(one_by_one.loss_curve_, rel=1e-12)
    for mine, other in zip(together.coefs_, one_by_one.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9)


def test_an_adaptive_rate_falls_within_a_stretch(iris):
    options = {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "random_state": 0}
    options |= {"n_iter_no_change": 2, "max_iter": 60, "hidden_layer_sizes": (8,), "momentum": 0}
    ours = wg.MLPClassifier(**options).fit(*iris)
    theirs = neural_network.MLPClassifier(**options).fit(*iris)
    assert (ours.n_iter_, ours._optimizer.learning_rate) == (
        theirs.n_iter_,
        theirs._optimizer.learning_rate,
    )
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9, atol=1e-12)


def test_float32_in_float32_out(iris):
    x, y = iris
    fitted = wg.MLPClassifier(max_iter=3).fit(x.astype(np.float32), y)
    assert {part.dtype for part in fitted.coefs_ + fitted.intercepts_} == {np.dtype(np.float32)}


def test_sparse_rows_are_rows(iris):
    x, y = iris
    options = {"max_iter": 5, "random_state": 0}
    dense, sparse = (wg.MLPClassifier(**options).fit(rows, y) for rows in (x, csr_array(x)))
    np.testing.assert_allclose(dense.coefs_[0], sparse.coefs_[0], rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "gelu", "init": "he_normal", "bias_init": "zeros"},
        {"activation": "elu", "dropout": 0.1},
        {"activation": "softplus", "init": "orthogonal"},
        {"class_weight": "balanced"},
        {"class_weight": {0: 1.0, 1: 5.0, 2: 1.0}},
    ],
    ids=str,
)
def test_what_is_beyond_scikit_learn_learns_too(iris, options):
    fitted = wg.MLPClassifier(random_state=0, learning_rate_init=0.01, **options).fit(*iris)
    assert fitted.score(*iris) > 0.9


def test_labels_of_many_kinds_at_once():
    x, y = make_multilabel_classification(120, random_state=0)
    fitted = wg.MLPClassifier(random_state=0, activation="silu", max_iter=300).fit(x, y)
    assert fitted.predict(x).shape == y.shape and fitted.score(x, y) > 0.8


def test_lbfgs_says_what_it_cannot_do(iris):
    with pytest.raises(OptionError, match="got activation='gelu'"):
        wg.MLPClassifier(solver="lbfgs", activation="gelu").fit(*iris)


def test_ctrl_c_keeps_what_was_learned(iris, monkeypatch):
    fitted = wg.MLPClassifier(random_state=0, verbose=True)
    ends = fitted._ends

    def interrupted(*epoch):
        if fitted.n_iter_ == 3:
            raise KeyboardInterrupt
        return ends(*epoch)

    monkeypatch.setattr(fitted, "_ends", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        fitted.fit(*iris)
    assert fitted.n_iter_ == 3 and len(fitted.loss_curve_) == 3
    assert fitted.predict(iris[0]).shape == (150,)


def test_it_goes_on_after_being_pickled(iris):
    x, y = iris
    whole = wg.MLPClassifier(random_state=0)
    parted = wg.MLPClassifier(random_state=0)
    for _ in range(3):
        whole.partial_fit(x, y, classes=[0, 1, 2])
        parted = pickle.loads(pickle.dumps(parted)).partial_fit(x, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(whole.coefs_[0], parted.coefs_[0])


def test_in_a_grid_and_in_processes(iris):
    pipeline = make_pipeline(StandardScaler(), wg.MLPClassifier(max_iter=20, random_state=0))
    grid = {"mlpclassifier__alpha": [0.0, 1.0], "mlpclassifier__init": ["auto", "he_normal"]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(*iris)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert cross_val_score(pipeline, *iris, cv=2, n_jobs=2).mean() > 0.5


def test_warnings_are_scikit_learns(iris):
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        wg.MLPClassifier(max_iter=2).fit(*iris)


@given(st.integers(1, 150), st.integers(1, 60))
@pytest.mark.parametrize("device", ["cpu", None])
def test_every_sample_is_in_an_epoch_once(device, samples, batch):
    x = np.zeros((samples, 2), np.float32)
    weights = np.arange(1, samples + 1, dtype=np.float32)
    job = {"sizes": (2, 2), "most": 1, "device": device, "loss": "squared"}
    epochs = epochs_of(x, x, weights, min(batch, samples), alpha=0.0, **job)
    assert epochs.engine == ("numpy" if device is None else "jax")
    order = np.random.default_rng(samples).permutation(samples)
    plan = epochs.plan([order])
    of_epoch = slice(0, epochs.steps)
    used = plan.share[of_epoch] > 0
    assert sorted(plan.rows[of_epoch][used]) == list(range(samples))
    np.testing.assert_allclose(plan.share[of_epoch].sum(axis=1), 1, rtol=1e-5)
    assert not plan.share[epochs.steps :].any()
