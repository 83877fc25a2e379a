"""What scikit-learn has under private names only: in this one file, so that a new version is tried.

Tried with scikit-learn 1.9.0 and 1.9.1. The estimators are scikit-learn's own with other training,
and there is no public way to replace the training alone.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.callback import CallbackContext, CallbackSupportMixin
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

# methods of theirs that we replace; they are called by ``fit`` and ``predict``
REPLACED = (
    "_fit_lbfgs",
    "_fit_stochastic",
    "_forward_pass_fast",
    "_init_coef",
    "_initialize",
)


class Perceptron(CallbackSupportMixin, BaseMultilayerPerceptron):
    """scikit-learn's multilayer perceptron, with what of it we read and write.

    Attributes:
        _parameter_constraints: what each parameter may be; ``fit`` checks it.
        _random_state: where all random numbers come from.
        _label_binarizer: between classes and targets; of classifiers.
        _optimizer: knows how the learning rate falls, and when to stop.
        _no_improvement_count: epochs since the loss or the score was last better.
        _best_coefs, _best_intercepts: with ``early_stopping``, of the best score.
        _update_no_improvement_count: takes note of an epoch's loss or score.
        _score: of rows, their targets and weights.
        _callback_fit_ctx: tells the callbacks; only where there are any.
        _init_callback_context: makes it.
    """

    _parameter_constraints: ClassVar[dict]
    _random_state: np.random.RandomState
    _label_binarizer: Any
    _optimizer: Any
    _no_improvement_count: int
    _best_coefs: list[np.ndarray]
    _best_intercepts: list[np.ndarray]
    _update_no_improvement_count: Callable[..., None]
    _score: Callable[..., float]
    _callback_fit_ctx: CallbackContext
    _init_callback_context: Callable[..., CallbackContext]

    def _has_callbacks(self) -> bool:
        return bool(getattr(self, "_skl_callbacks", ()))


__all__ = [
    "REPLACED",
    "AdamOptimizer",
    "Interval",
    "Perceptron",
    "SGDOptimizer",
    "StrOptions",
    "check_sample_weight",
]
