"""When training is over: scikit-learn's own rules and callbacks, asked after every epoch."""
# pyright: reportAttributeAccessIssue=false

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.callback import CallbackContext

from whygrad.interop.sklearn.epochs import Samples
from whygrad.interop.sklearn.sklearn_private import AdamOptimizer, Perceptron, SGDOptimizer

FITTED = ("coefs_", "intercepts_", "n_iter_", "loss_")  # what a callback's own copy is made of


class Progress(Perceptron):
    """Takes note of every epoch, and says when training is over."""

    def _new_optimizer(self) -> Any:
        """Return scikit-learn's optimiser, which knows how the rate falls and when to stop."""
        if self.solver == "adam":
            return AdamOptimizer([], self.learning_rate_init)
        return SGDOptimizer(
            [],
            self.learning_rate_init,
            self.learning_rate,
            self.momentum,
            self.nesterovs_momentum,
            self.power_t,
        )

    def _looks_at_every_epoch(self, held_back: Samples | None) -> bool:
        falls = self.solver == "sgd" and self.learning_rate == "invscaling"
        return bool(held_back is not None or self.verbose or falls or self._has_callbacks())

    def _ends(self, loss: float, train: Samples, held_back: Samples | None) -> bool:
        """Take note of an epoch and return whether training is over: scikit-learn's rules."""
        self.n_iter_ += 1
        self.t_ += len(train)
        self.loss_ = loss / (1 if is_classifier(self) else self.n_outputs_)
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        if held_back is None:
            self._update_no_improvement_count(False, None, None, None)
        else:
            of_score = (held_back.X, held_back.y, held_back.weight)
            self._update_no_improvement_count(self.early_stopping, *of_score)
            if not self.early_stopping:
                self.validation_scores_ = [*(self.validation_scores_ or []), self._score(*of_score)]
        self._optimizer.iteration_ends(self.t_)
        if self._has_callbacks():
            epoch = self._callback_fit_ctx.subcontext(task_name="epoch")
            epoch.call_on_fit_task_begin(estimator=self, **self._told(train))
            if self._task_ends(epoch, train):
                return True
        return self._has_converged()

    def _has_converged(self) -> bool:
        if self._no_improvement_count <= self.n_iter_no_change:
            return False
        watched = "Validation score" if self.early_stopping else "Training loss"
        message = (
            f"{watched} did not improve more than tol={self.tol:f} for "
            f"{self.n_iter_no_change} consecutive epochs."
        )
        if self._optimizer.trigger_stopping(message, self.verbose):
            return True
        self._no_improvement_count = 0
        return False

    # --- scikit-learn's callbacks, set with set_callbacks() -----------------------------------

    def _begin_callbacks(self, train: Samples, most: int) -> None:
        if self._has_callbacks():
            context = self._init_callback_context(max_subtasks=most)
            context.call_on_fit_task_begin(estimator=self, **self._told(train))

    def _end_callbacks(self, train: Samples) -> None:
        if self._has_callbacks():
            self._task_ends(self._callback_fit_ctx, train)

    def _task_ends(self, context: CallbackContext, train: Samples) -> bool:
        """Tell the callbacks that a task is over; return whether one of them ends training."""
        fitted = {name: getattr(self, name) for name in FITTED}
        told = self._told(train)
        return context.call_on_fit_task_end(
            estimator=self, **told, reconstruction_attributes=fitted
        )

    def _told(self, train: Samples) -> dict[str, Any]:
        """Return the samples as the user gave them; the targets are made when somebody asks."""
        told: dict[str, Any] = {"X": train.X, "y": lambda: self._as_given(train.y)}
        weighs = train.weight is not None
        return told | ({"metadata": {"sample_weight": train.weight}} if weighs else {})

    def _as_given(self, y: np.ndarray) -> np.ndarray:
        if is_classifier(self):
            return self._label_binarizer.inverse_transform(y)
        return y.ravel() if y.shape[1] == 1 else y
