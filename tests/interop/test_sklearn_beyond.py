"""What our estimators have beyond scikit-learn's: runs, validation rows, callbacks, losses."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import whygrad as wg
from whygrad.errors import NonFiniteError, NotRecordedError, OptionError, RunError

pytestmark = [
    pytest.mark.usefixtures("unchecked"),
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(scope="module")
def iris():
    x, y = load_iris(return_X_y=True, as_frame=True)
    return StandardScaler().set_output(transform="pandas").fit_transform(x), y


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(x), (y - y.mean()) / y.std()


@pytest.fixture(scope="module")
def recorded(iris):
    return wg.MLPClassifier(
        (12,), record_every=5, max_iter=40, random_state=0, learning_rate_init=0.01
    ).fit(*iris)


# --- a fit that is a run ------------------------------------------------------------------------


def test_a_run_ends_where_a_fit_without_one_ends(recorded, iris):
    """All 150 samples are one batch, so their order makes no difference."""
    plain = clone(recorded).set_params(record_every=0).fit(*iris)
    assert recorded.n_iter_ == plain.n_iter_ == 40
    np.testing.assert_allclose(recorded.loss_curve_, plain.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(recorded.coefs_[0], plain.coefs_[0], atol=1e-3)
    assert recorded.coefs_[0].dtype == plain.coefs_[0].dtype


def test_a_run_answers_why_in_the_names_of_the_table(recorded, iris):
    ledger = str(recorded.run_.why("hidden1.weight[3, 1]", step=30))
    assert "petal width (cm)" in ledger and "agreement" in ledger
    assert recorded.run_.doctor().findings == ()
    assert recorded.run_.history["step"].max() == 39


def test_the_network_of_the_run_is_that_of_the_estimator(recorded, iris):
    x, _ = iris
    for mine, dense in zip(recorded.coefs_, recorded.run_.network.dense, strict=True):
        np.testing.assert_array_equal(mine, np.asarray(dense.weight))
    claimed = recorded.run_.predict(x.to_numpy())
    assert [int(name) for name in claimed] == list(recorded.predict(x))


def test_a_run_outlives_a_pickle_and_is_where_it_was_asked_for(iris, tmp_path):
    fitted = wg.MLPClassifier((4,), record_every=5, max_iter=3, out=tmp_path / "run").fit(*iris)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.run_.path == tmp_path / "run"
    with pytest.raises(RunError, match="run"):
        clone(fitted).fit(*iris)


def test_training_ends_by_scikit_learns_rules_in_a_run_too(iris):
    asked = {"hidden_layer_sizes": (8,), "random_state": 0, "tol": 5e-3, "n_iter_no_change": 2}
    with_run, without = (wg.MLPClassifier(**asked, record_every=n).fit(*iris) for n in (10, 0))
    assert with_run.n_iter_ == without.n_iter_ < 200
    assert with_run.run_.steps == with_run.n_iter_


def test_the_best_epoch_is_kept_where_training_stops_early(diabetes):
    fitted = wg.MLPRegressor(
        hidden_layer_sizes=(16,),
        early_stopping=True,
        record_every=10,
        random_state=0,
        learning_rate_init=0.02,
    ).fit(*diabetes)
    assert fitted.n_iter_ < 200
    assert max(fitted.validation_scores_) == fitted.best_validation_score_
    assert fitted.run_.history["validation_loss"].notna().any()


def test_several_labels_and_two_classes_are_runs_too():
    x, y = make_multilabel_classification(60, random_state=0)
    asked = {"hidden_layer_sizes": (6,), "record_every": 1, "max_iter": 2}
    assert wg.MLPClassifier(**asked).fit(x, y).run_.data.task == "labels"
    assert wg.MLPClassifier(**asked).fit(x, y[:, 0]).run_.data.task == "binary"
    assert wg.MLPRegressor(**asked).fit(x, x[:, :2]).run_.data.task == "numbers"


def test_a_run_that_blows_up_is_kept(diabetes):
    x, y = diabetes
    estimator = wg.MLPRegressor(solver="sgd", learning_rate_init=1e9, record_every=1)
    with pytest.raises(NonFiniteError):
        estimator.fit(x, y)
    assert estimator.run_.description["state"] == "failed"


def test_without_a_record_there_is_no_run(iris):
    fitted = wg.MLPClassifier((4,), max_iter=2).fit(*iris)
    assert not hasattr(fitted, "run_")
    with pytest.raises(NotRecordedError, match=r"Give it record_every=10, then fit again\."):
        _ = fitted.run_


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"solver": "sgd", "learning_rate": "adaptive"}, 'got "adaptive"'),
        ({"solver": "lbfgs"}, "got record_every=5"),
    ],
    ids=str,
)
def test_what_no_run_can_hold_is_said(iris, options, told):
    with pytest.raises(OptionError, match=told):
        wg.MLPClassifier(record_every=5, **options).fit(*iris)


def test_a_part_of_a_training_is_no_run(iris):
    with pytest.raises(OptionError, match="from its start to its end"):
        wg.MLPClassifier(record_every=5).partial_fit(*iris, classes=[0, 1, 2])


# --- validation, callbacks, losses, devices -----------------------------------------------------


@pytest.mark.parametrize("record_every", [0, 5])
def test_validation_rows_are_scored_after_every_epoch(iris, record_every):
    x, x_val, y, y_val = train_test_split(*iris, random_state=0)
    fitted = wg.MLPClassifier((8,), max_iter=12, random_state=0, record_every=record_every)
    fitted.fit(x, y, X_val=x_val, y_val=y_val)
    assert len(fitted.validation_scores_) == fitted.n_iter_ == 12
    assert fitted.validation_scores_[-1] == fitted.score(x_val, y_val)
    plain = wg.MLPClassifier((8,), max_iter=12, random_state=0).fit(x, y)
    np.testing.assert_allclose(fitted.coefs_[0], plain.coefs_[0], atol=2e-4)


def test_validation_rows_take_the_place_of_those_held_back(iris):
    x, x_val, y, y_val = train_test_split(*iris, random_state=0)
    fitted = wg.MLPClassifier((8,), early_stopping=True, random_state=0, learning_rate_init=0.05)
    fitted.fit(x, y, X_val=x_val, y_val=y_val)
    assert fitted.n_iter_ < 200
    assert fitted.best_validation_score_ == fitted.score(x_val, y_val)


def test_half_a_validation_part_is_none(iris):
    x, y = iris
    with pytest.raises(ValueError, match="go together"):
        wg.MLPClassifier().fit(x, y, X_val=x)
    with pytest.raises(ValueError, match="has classes that `y` has not"):
        wg.MLPClassifier().fit(x, y, X_val=x, y_val=y + 1)


class Noting:
    """A callback of scikit-learn's that notes scores, and ends training after some epochs."""

    def __init__(self, stop_after: int):
        self.stop_after, self.scores = stop_after, []
        self.begun, self.over = [], []

    def setup(self, estimator, context):
        self.begun.append("setup")

    def teardown(self, estimator, context):
        self.over.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        if context.task_name == "epoch":
            self.scores.append(accuracy_score(y, fitted_estimator.predict(X)))
        return len(self.scores) == self.stop_after


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("record_every", [0, 5])
def test_a_callback_sees_every_epoch_and_may_end_training(iris, record_every):
    noting = Noting(stop_after=7)
    fitted = wg.MLPClassifier((8,), random_state=0, record_every=record_every)
    fitted.set_callbacks(noting).fit(*iris)
    assert fitted.n_iter_ == 7 and (noting.begun, noting.over) == (["setup"], ["teardown"])
    assert noting.scores[-1] == fitted.score(*iris)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_scikit_learns_own_callback_logs_scores(iris):
    monitor = ScoringMonitor(scoring="accuracy")
    fitted = wg.MLPClassifier((8,), max_iter=3, random_state=0).set_callbacks(monitor).fit(*iris)
    of_epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(of_epochs) == 3
    assert of_epochs[-1]["accuracy"] == fitted.score(*iris)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "log_cosh"])
def test_other_losses_of_numbers_learn(diabetes, loss):
    fitted = wg.MLPRegressor(loss, (16,), random_state=0, learning_rate_init=0.01)
    assert fitted.fit(*diabetes).score(*diabetes) > 0.5


def test_an_absolute_loss_is_near_the_median_and_a_squared_one_near_the_mean():
    x, y = np.zeros((101, 1)), np.r_[np.zeros(60), np.full(41, 10.0)]
    asked = {"learning_rate_init": 0.02, "max_iter": 600, "n_iter_no_change": 600}
    absolute, squared = (
        wg.MLPRegressor(loss=f"{name}_error", random_state=0, alpha=0.0, **asked).fit(x, y)
        for name in ("absolute", "squared")
    )
    assert absolute.predict(x)[0] == pytest.approx(np.median(y), abs=0.2)
    assert squared.predict(x)[0] == pytest.approx(y.mean(), abs=0.2)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_other_losses_of_classes_are_of_the_probabilities(iris, loss, activation):
    fitted = wg.MLPClassifier((16,), activation, loss=loss, random_state=0, learning_rate_init=0.02)
    fitted.fit(*iris)
    assert fitted.score(*iris) > 0.9
    np.testing.assert_allclose(fitted.predict_proba(iris[0]).sum(axis=1), 1, rtol=1e-6)


def test_lbfgs_has_scikit_learns_losses_only(iris):
    with pytest.raises(OptionError, match="got loss='huber'"):
        wg.MLPClassifier(solver="lbfgs", loss="huber").fit(*iris)


def test_a_device_that_is_not_there_is_said(iris):
    with pytest.raises(OptionError, match="those that JAX finds here, cpu"):
        wg.MLPClassifier(device="gpu").fit(*iris)
    assert wg.MLPClassifier(device="cpu", max_iter=2).fit(*iris).n_iter_ == 2


# --- in scikit-learn's company ------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"size": rng.normal(size=80), "kind": rng.choice(["a", "b"], 80)})
    return rows, (rows["size"] + (rows["kind"] == "a") > 0.5).map({True: "yes", False: "no"})


def test_mixed_columns_go_through_a_pipeline(table):
    columns = make_column_transformer(
        (StandardScaler(), ["size"]), (OneHotEncoder(sparse_output=False), ["kind"])
    ).set_output(transform="pandas")
    pipeline = make_pipeline(columns, wg.MLPClassifier((8,), random_state=0, record_every=10))
    pipeline.set_params(mlpclassifier__learning_rate_init=0.05).fit(*table)
    assert pipeline.score(*table) > 0.9
    assert set(pipeline.predict(table[0])) <= {"yes", "no"}
    assert pipeline[-1].feature_names_in_[0] == "standardscaler__size"
    assert "standardscaler__size" in str(pipeline[-1].run_.why("hidden1.weight[0, 0]", step=0))


def test_weights_are_routed_to_it(table):
    rows, y = table
    weight = np.where(y == "yes", 1.0, 0.0)
    with config_context(enable_metadata_routing=True):
        estimator = wg.MLPClassifier((4,), random_state=0).set_fit_request(sample_weight=True)
        scores = cross_validate(
            estimator.set_score_request(sample_weight=False),
            rows[["size"]],
            y,
            params={"sample_weight": weight},
            cv=2,
            return_estimator=True,
            error_score="raise",
        )
    told = [set(one.predict(rows[["size"]])) for one in scores["estimator"]]
    assert told == [{"yes"}, {"yes"}]  # nobody else counts


def test_the_folder_of_a_run_may_be_a_path_or_a_text(iris, tmp_path):
    fitted = wg.MLPClassifier((4,), max_iter=1, record_every=1, out=str(tmp_path / "text"))
    assert Path(fitted.fit(*iris).out) == fitted.run_.path
