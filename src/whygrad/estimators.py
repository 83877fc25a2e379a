"""The estimators that a user has: scikit-learn's names and defaults, and what is beyond them."""

from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.neural_network import MLPClassifier as _Classifier
from sklearn.neural_network import MLPRegressor as _Regressor
from sklearn.utils.class_weight import compute_sample_weight

from whygrad.errors import NotRecordedError
from whygrad.interop.sklearn.sklearn_private import StrOptions, check_sample_weight
from whygrad.interop.sklearn.training import LOSSES, Training

if TYPE_CHECKING:
    from whygrad.runs import Run

THEIR_NAMES = set(signature(_Classifier).parameters)
OF_CLASSES = {"log_loss", "squared_error", "absolute_error", "huber"}


class Estimator(Training):
    """An estimator whose training can be recorded as a run."""

    @property
    def run_(self) -> "Run":
        """The run of the last ``fit``, with ``why``, ``doctor`` and ``report``.

        Raises:
            NotRecordedError: it was not recorded; give ``record_every``. (An AttributeError.)
        """
        if "_run_folder" not in vars(self):
            raise NotRecordedError("error.not_recorded", estimator=type(self).__name__)
        from whygrad.runs import Run

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
        device: ``cpu`` or ``gpu``, where JAX computes; None leaves a small job to NumPy, which is
            done before JAX is imported, and the others to the device that JAX prefers.

    ``fit`` takes ``X_val`` and ``y_val``: ``validation_scores_`` are then theirs, after every
    epoch. Callbacks are scikit-learn's: ``set_callbacks(ProgressBar())``.
    """

    _parameter_constraints: ClassVar[dict] = {
        **_Classifier._parameter_constraints,
        **Training._more_constraints,
        "loss": [StrOptions(OF_CLASSES)],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }
    classes_: np.ndarray

    if TYPE_CHECKING:  # scikit-learn's own, which says no types

        def partial_fit(
            self, X: object, y: object, sample_weight: object = None, classes: object = None
        ) -> Self: ...
        def predict_proba(self, X: object) -> np.ndarray: ...
        def predict_log_proba(self, X: object) -> np.ndarray: ...

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        init: str = "auto",
        bias_init: str = "auto",
        dropout: float = 0.0,
        loss: str = "log_loss",
        class_weight: str | Mapping[Any, float] | None = None,
        record_every: int = 0,
        out: str | Path | None = None,
        device: str | None = None,
    ) -> None:
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

    def fit(
        self,
        X: object,
        y: object,
        sample_weight: object = None,
        *,
        X_val: object = None,
        y_val: object = None,
        sample_weight_val: object = None,
    ) -> Self:
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
            own = 1.0 if sample_weight is None else check_sample_weight(sample_weight, X)
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

    if TYPE_CHECKING:  # scikit-learn's own, which says no types

        def partial_fit(self, X: object, y: object, sample_weight: object = None) -> Self: ...

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        init: str = "auto",
        bias_init: str = "auto",
        dropout: float = 0.0,
        record_every: int = 0,
        out: str | Path | None = None,
        device: str | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in THEIR_NAMES}
        super().__init__(loss=loss, **given)
        self.init = init
        self.bias_init = bias_init
        self.dropout = dropout
        self.record_every = record_every
        self.out = out
        self.device = device

    def fit(
        self,
        X: object,
        y: object,
        sample_weight: object = None,
        *,
        X_val: object = None,
        y_val: object = None,
        sample_weight_val: object = None,
    ) -> Self:
        """Train; as :meth:`MLPClassifier.fit`, with numbers (samples,) or (samples, n_out)."""
        with self._validated_by(X_val, y_val, sample_weight_val):
            return super().fit(X, y, sample_weight)
