"""The estimators that a user has: scikit-learn's names and defaults, and what is beyond them."""

from inspect import signature
from typing import ClassVar

from sklearn.neural_network import MLPClassifier as _Classifier
from sklearn.neural_network import MLPRegressor as _Regressor
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

from whygrad.errors import NotRecordedError
from whygrad.interop.sklearn.training import LOSSES, Training
from whygrad.runs import Run

THEIR_NAMES = set(signature(_Classifier).parameters)
OF_CLASSES = {"log_loss", "squared_error", "absolute_error", "huber"}


class Estimator(Training):
    """An estimator whose training can be recorded as a run."""

    @property
    def run_(self) -> Run:
        """The run of the last ``fit``, with ``why``, ``doctor`` and ``report``.

        Raises:
            NotRecordedError: it was not recorded; give ``record_every``. (An AttributeError.)
        """
        if "_run_folder" not in vars(self):
            raise NotRecordedError("error.not_recorded", estimator=type(self).__name__)
        return Run(self._run_folder)


class MLPClassifier(Estimator, _Classifier):
    """scikit-learn's ``MLPClassifier`` on whygrad's engine.

    All parameters, attributes and methods of scikit-learn's, with its defaults; ``solver="lbfgs"``
    is scikit-learn's own. Inputs that are sparse are made dense for training. ``loss_curve_`` is
    the loss of the data, without the penalty of ``alpha``.

    Args:
        activation: also whygrad's other activations, such as ``gelu``.
        init: of the weights: an initialiser of whygrad's, such as ``he_normal``; ``auto`` is
            scikit-learn's.
        bias_init: likewise of the biases.
        dropout: share of hidden outputs that training sets to 0, in [0, 1).
        loss: ``log_loss``; or ``squared_error``, ``absolute_error`` or ``huber`` of the
            probabilities.
        class_weight: ``balanced``, or a dict from class to weight.
        record_every: every how many steps the factors of all neurons are recorded; 0 for never.
            What is recorded is a run: ``run_.why(...)``, ``run_.doctor()``, ``run_.report()``. It
            is trained in float32 with an order of samples of its own, so its numbers are near
            those of a fit that is not recorded, not the same.
        out: folder of the run, new or empty; None for one that is gone with the process.
        device: ``cpu`` or ``gpu``; None for the one that JAX prefers.

    ``fit`` takes ``X_val`` and ``y_val``: ``validation_scores_`` are then theirs, after every
    epoch. Callbacks are scikit-learn's: ``set_callbacks(ProgressBar())``.
    """

    _parameter_constraints: ClassVar[dict] = {
        **_Classifier._parameter_constraints,
        **Training._more_constraints,
        "loss": [StrOptions(OF_CLASSES)],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        init="auto",
        bias_init="auto",
        dropout=0.0,
        loss="log_loss",
        class_weight=None,
        record_every=0,
        out=None,
        device=None,
    ):
        given = {name: value for name, value in locals().items() if name in THEIR_NAMES}
        super().__init__(**given)
        self.init = init
        self.bias_init = bias_init
        self.dropout = dropout
        self.loss = loss
        self.class_weight = class_weight
        self.record_every = record_every
        self.out = out
        self.device = device

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Train.

        Args:
            X: (samples, n_in), dense or sparse.
            y: class of each sample; or a 0/1 matrix (samples, labels).
            sample_weight: (samples,).
            X_val: rows to score after every epoch; with ``early_stopping`` they take the place of
                those that it would hold back.
            y_val: their targets.
            sample_weight_val: their weights.
        """
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
            own = 1.0 if sample_weight is None else _check_sample_weight(sample_weight, X)
            sample_weight = by_class * own
        with self._validated_by(X_val, y_val, sample_weight_val):
            return super().fit(X, y, sample_weight)


class MLPRegressor(Estimator, _Regressor):
    """scikit-learn's ``MLPRegressor`` on whygrad's engine.

    As :class:`MLPClassifier`, without classes. ``loss`` may also be ``absolute_error``, ``huber``
    (of width 1) or ``log_cosh``.
    """

    _parameter_constraints: ClassVar[dict] = {
        **_Regressor._parameter_constraints,
        **Training._more_constraints,
        "loss": [StrOptions(set(LOSSES))],
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        init="auto",
        bias_init="auto",
        dropout=0.0,
        record_every=0,
        out=None,
        device=None,
    ):
        given = {name: value for name, value in locals().items() if name in THEIR_NAMES}
        super().__init__(loss=loss, **given)
        self.init = init
        self.bias_init = bias_init
        self.dropout = dropout
        self.record_every = record_every
        self.out = out
        self.device = device

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Train; as :meth:`MLPClassifier.fit`, with numbers (samples,) or (samples, n_out)."""
        with self._validated_by(X_val, y_val, sample_weight_val):
            return super().fit(X, y, sample_weight)
