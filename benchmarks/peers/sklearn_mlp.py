"""scikit-learn's MLPClassifier: ``fit`` for whole epochs, which shuffles and batches by itself."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.cases import BETA1, BETA2, EPSILON, LEARNING_RATE, Case, draw_parameters
from benchmarks.peers import Trainer

CHOICES = ("",)


def prepare(case: Case, x: np.ndarray, y: np.ndarray, choice: str = "") -> Trainer:
    """Return a trainer that goes on from where it stands; Adam starts afresh in every call."""
    model = _build(case, x, y)

    def train(steps: int) -> None:
        model.max_iter = steps // case.steps_per_epoch
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it always wants more epochs
            model.fit(x, y)

    return Trainer(train, lambda: list(zip(model.coefs_, model.intercepts_, strict=True)))


def _build(case: Case, x: np.ndarray, y: np.ndarray) -> MLPClassifier:
    model = MLPClassifier(
        hidden_layer_sizes=case.sizes[1:-1],
        learning_rate_init=LEARNING_RATE,
        beta_1=BETA1,
        beta_2=BETA2,
        epsilon=EPSILON,
        alpha=0.0,
        warm_start=True,
        random_state=2,
    )
    one_each = np.unique(y, return_index=True)[1]  # a look at every class, so that layers exist
    model.partial_fit(x[one_each], y[one_each], classes=np.arange(case.sizes[-1]))
    model.set_params(batch_size=case.batch, n_iter_no_change=np.inf)  # never stops early
    model.coefs_ = [weight for weight, _ in draw_parameters(case)]
    model.intercepts_ = [bias for _, bias in draw_parameters(case)]
    return model
