"""scikit-learn's multilayer perceptrons on whygrad's engine: change the import, keep the rest.

The estimators are scikit-learn's own, with their checks of input, their encoding of targets, their
rules for stopping and their random numbers; what is replaced is the training itself. So the same
``random_state`` starts from the same weights and takes the same batches. As there, training goes on
in the precision of the inputs: give float32 where speed counts.
"""
# pyright: reportAttributeAccessIssue=false

import warnings
from dataclasses import replace
from inspect import signature
from numbers import Real
from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Array
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as _Classifier
from sklearn.neural_network import MLPRegressor as _Regressor
from sklearn.neural_network._base import ACTIVATIONS as LINKS
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils import shuffle
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, validate_data

from whygrad.adapters.epochs import Epochs, epochs_of, precision_of
from whygrad.backprop import propagate
from whygrad.errors import OptionError
from whygrad.network.activations import ACTIVATIONS
from whygrad.network.initializers import draw_bias, draw_weight
from whygrad.network.model import Network
from whygrad.stepping import State

OURS = {"logistic": "sigmoid", "exp": "exponential"}  # scikit-learn's name -> ours
LOSSES = {
    "log_loss": "softmax_cross_entropy",
    "logistic": "binary_cross_entropy",
    "squared_error": "squared",
    "poisson": "poisson",
}
THEIRS = ("identity", "logistic", "tanh", "relu")  # activations of scikit-learn
HIDDEN = tuple(name for name, rule in ACTIVATIONS.items() if not rule.is_coupled)
THEIR_NAMES = set(signature(_Classifier).parameters)
MOST_MOMENTUM = 1 - 1e-7
FEWEST_ROWS = 64  # of a prediction


class _OnWhygrad(BaseMultilayerPerceptron):
    """What both estimators replace of scikit-learn's: starting, training and going forward."""

    init: str
    bias_init: str
    dropout: float
    _label_binarizer: Any

    _more_constraints: ClassVar[dict[str, list]] = {
        "activation": [StrOptions({*THEIRS, *HIDDEN})],
        "init": [str],
        "bias_init": [str],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        weight, bias = super()._init_coef(fan_in, fan_out, dtype)
        if self.init != "auto":
            weight = draw_weight(self.init, self._generator(), fan_in, fan_out).astype(dtype)
        if self.bias_init != "auto":
            bias = draw_bias(self.bias_init, self._generator(), fan_in, fan_out).astype(dtype)
        return weight, bias

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng(self._random_state.randint(2**31))

    def _fit_lbfgs(self, *asked: Any) -> None:
        if self.activation not in THEIRS or self.dropout:
            raise OptionError(
                "error.lbfgs",
                allowed=", ".join(THEIRS),
                activation=self.activation,
                dropout=self.dropout,
            )
        super()._fit_lbfgs(*asked)

    def _fit_stochastic(self, X, y, sample_weight, *work_space: Any) -> None:
        *_, is_incremental = work_space
        if self.early_stopping and is_incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        X = _dense(X)
        train, held_back = self._parted(X, y, sample_weight)
        epochs = self._epochs(*train)
        state = self._begin(epochs, is_incremental)
        self.n_iter_ = 0
        try:
            self._train(epochs, state, held_back, 1 if is_incremental else self.max_iter)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        if self.n_iter_ == self.max_iter and not is_incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )
        if self.early_stopping:
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts

    def _parted(self, X, y, sample_weight) -> tuple[tuple, tuple | None]:
        """Return what to train on, and what to hold back for early stopping."""
        if not self.early_stopping:
            return (X, y, sample_weight), None
        by_class = is_classifier(self) and self.n_outputs_ == 1
        parts = [X, y] if sample_weight is None else [X, y, sample_weight]
        parted = train_test_split(
            *parts,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=y if by_class else None,
        )
        train, held_back = [*parted[::2], None][:3], [*parted[1::2], None][:3]
        if len(held_back[0]) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        if is_classifier(self):
            held_back[1] = self._label_binarizer.inverse_transform(held_back[1])
        return tuple(train), tuple(held_back)

    def _epochs(self, X, y, sample_weight) -> Epochs:
        """Lay the samples out, with settings that mean what scikit-learn's mean."""
        if self.batch_size != "auto" and self.batch_size > len(X):
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=2,
            )
        batch = min(200 if self.batch_size == "auto" else self.batch_size, len(X))
        optimizer = {"optimizer": "adam", "beta1": self.beta_1, "beta2": self.beta_2}
        if self.solver == "sgd":
            name = "nesterov" if self.nesterovs_momentum else "momentum"
            momentum = min(self.momentum, MOST_MOMENTUM)
            optimizer = {"optimizer": name if momentum else "sgd", "momentum": momentum}
        return epochs_of(
            X,
            np.asarray(y, X.dtype),
            sample_weight,
            batch,
            loss=self._loss_name(),
            alpha=float(self.alpha),
            epsilon=self.epsilon,
            **optimizer,
        )

    def _loss_name(self) -> str:
        return LOSSES[self.loss if self.out_activation_ != "logistic" else "logistic"]

    def _network(self) -> Network:
        hidden = OURS.get(self.activation) or self.activation
        last = "exponential" if self.out_activation_ == "exp" else "identity"
        names = [hidden] * (len(self.coefs_) - 1) + [last]
        with precision_of(self.coefs_[0]):
            return Network.from_arrays(
                self.coefs_, self.intercepts_, activations=names, dropout=self.dropout
            )

    def _begin(self, epochs: Epochs, is_incremental: bool) -> State:
        """Return the state to train from: a new one, or where ``partial_fit`` left off."""
        seed = self._random_state.randint(2**31) if self.dropout else 0
        state = epochs.begin(self._network(), seed)
        if not (is_incremental and hasattr(self, "_optimizer")):
            self._optimizer = self._new_optimizer()
            return state
        moments, step = self._moments
        if jax.tree.structure(moments) != jax.tree.structure(state.optimizer):
            return state  # its parameters were changed on the way
        with precision_of(self.coefs_[0]):
            moments, step = jax.device_put((moments, step))
            return replace(state, optimizer=moments, step=step)

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

    def _train(self, epochs: Epochs, state: State, held_back: tuple | None, most: int) -> None:
        """Train in stretches of epochs, until it is over; one that went too far is taken again."""
        order = np.arange(epochs.samples)
        while self.n_iter_ < most:
            many = 1 if self._looks_at_every_epoch() else min(epochs.at_once, most - self.n_iter_)
            orders, places = self._next_orders(order, many)
            rate = self._optimizer.learning_rate
            after, losses = epochs.run(state, rate, orders)
            self._keep(after)
            taken, is_over = self._take_in(losses, epochs.samples, held_back)
            if taken < many:
                after, _ = epochs.run(state, rate, orders[:taken])
                self._keep(after)
                self._random_state.set_state(places[taken - 1])
            if is_over:
                return
            state, order = after, orders[taken - 1]

    def _looks_at_every_epoch(self) -> bool:
        falls = self.solver == "sgd" and self.learning_rate == "invscaling"
        return bool(self.early_stopping or self.verbose or falls)

    def _next_orders(self, order: np.ndarray, many: int) -> tuple[list[np.ndarray], list[tuple]]:
        """Return the orders of some epochs, and where the random numbers stand after each.

        As in scikit-learn every order is a shuffle of the one before.
        """
        orders, places = [], []
        for _ in range(many):
            if self.shuffle:
                order = np.asarray(shuffle(order, random_state=self._random_state))
            orders.append(order)
            places.append(self._random_state.get_state())
        return orders, places

    def _keep(self, state: State) -> None:
        """Make a state the estimator's own, so that whatever happens next, it is there."""
        self.coefs_ = [np.array(dense.weight) for dense in state.network.dense]
        self.intercepts_ = [np.array(dense.bias) for dense in state.network.dense]
        self._moments = jax.tree.map(np.asarray, (state.optimizer, state.step))

    def _take_in(
        self, losses: np.ndarray, samples: int, held_back: tuple | None
    ) -> tuple[int, bool]:
        """Take note of the losses of some epochs, up to the one that ends or changes training.

        Returns:
            How many epochs that is, and whether training is over.
        """
        rate = self._optimizer.learning_rate
        taken, is_over = 0, False
        while taken < len(losses) and not is_over and self._optimizer.learning_rate == rate:
            is_over = self._ends(float(losses[taken]), samples, held_back)
            taken += 1
        return taken, is_over

    def _ends(self, loss: float, samples: int, held_back: tuple | None) -> bool:
        """Take note of an epoch and return whether training is over: scikit-learn's rules."""
        self.n_iter_ += 1
        self.t_ += samples
        self.loss_ = loss / (1 if is_classifier(self) else self.n_outputs_)
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        self._update_no_improvement_count(self.early_stopping, *(held_back or (None,) * 3))
        self._optimizer.iteration_ends(self.t_)
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

    def _forward_pass_fast(self, X, check_input=True):
        if self.activation in THEIRS:
            return super()._forward_pass_fast(X, check_input=check_input)
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        X = _dense(X)
        rows = max(1 << (len(X) - 1).bit_length(), FEWEST_ROWS)  # few shapes, few compilations
        filled = np.pad(np.asarray(X, self.coefs_[0].dtype), ((0, rows - len(X)), (0, 0)))
        with precision_of(self.coefs_[0]):
            output = np.array(_output(self._network(), filled))[: len(X)]
        LINKS[self.out_activation_](output)
        return output


def _dense(X: Any) -> np.ndarray:
    return X.toarray() if issparse(X) else X


@jax.jit
def _output(network: Network, x: Array) -> Array:
    return propagate(network, x, None).output


class MLPClassifier(_OnWhygrad, _Classifier):
    """scikit-learn's ``MLPClassifier`` on whygrad's engine.

    All parameters, attributes and methods of scikit-learn's, with its defaults; ``solver="lbfgs"``
    is scikit-learn's own. Inputs that are sparse are made dense for training. ``loss_curve_`` is
    the loss of the data, without the penalty of ``alpha``.

    Args:
        activation: also whygrad's other activations, such as ``gelu``.
        init, bias_init: an initialiser of whygrad's, such as ``he_normal``; ``auto`` is
            scikit-learn's.
        dropout: share of hidden outputs that training sets to 0, in [0, 1).
        class_weight: ``balanced``, or a dict from class to weight.
    """

    _parameter_constraints: ClassVar[dict] = {
        **_Classifier._parameter_constraints,
        **_OnWhygrad._more_constraints,
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
        class_weight=None,
    ):
        given = {name: value for name, value in locals().items() if name in THEIR_NAMES}
        super().__init__(**given)
        self.init = init
        self.bias_init = bias_init
        self.dropout = dropout
        self.class_weight = class_weight

    def fit(self, X, y, sample_weight=None):
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
            own = 1.0 if sample_weight is None else _check_sample_weight(sample_weight, X)
            sample_weight = by_class * own
        return super().fit(X, y, sample_weight)


class MLPRegressor(_OnWhygrad, _Regressor):
    """scikit-learn's ``MLPRegressor`` on whygrad's engine.

    As :class:`MLPClassifier`, without classes.
    """

    _parameter_constraints: ClassVar[dict] = {
        **_Regressor._parameter_constraints,
        **_OnWhygrad._more_constraints,
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
    ):
        given = {name: value for name, value in locals().items() if name in THEIR_NAMES}
        super().__init__(loss=loss, **given)
        self.init = init
        self.bias_init = bias_init
        self.dropout = dropout
