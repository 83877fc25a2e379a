"""What both estimators replace of scikit-learn's: starting, training and going forward."""
# pyright: reportAttributeAccessIssue=false

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from scipy.special import expit
from sklearn.base import is_classifier
from sklearn.callback import with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length
from sklearn.utils.extmath import softmax
from sklearn.utils.validation import validate_data

from whygrad.core.arrays import named_leaves, tree_map
from whygrad.core.backprop import propagate
from whygrad.core.memory import check_network, check_step, running_out
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.nn.initializers import draw_bias, draw_weight
from whygrad.core.nn.network import Network
from whygrad.errors import OptionError
from whygrad.interop.sklearn.epochs import (
    Epochs,
    Samples,
    check_movement,
    check_rate,
    check_samples,
    epochs_of,
    precision_of,
)
from whygrad.interop.sklearn.progress import Progress
from whygrad.interop.sklearn.sklearn_private import Interval, StrOptions, check_sample_weight
from whygrad.settings import SMALLEST, in_float32
from whygrad.training.state import State

OURS = {"logistic": "sigmoid", "exp": "exponential"}  # scikit-learn's name -> ours
LINKED = {  # scikit-learn's loss, and the link that it brings -> our loss
    ("log_loss", "softmax"): "softmax_cross_entropy",
    ("log_loss", "logistic"): "binary_cross_entropy",
}
LOSSES = {
    "squared_error": "squared",
    "absolute_error": "absolute",
    "huber": "huber",
    "log_cosh": "log_cosh",
    "poisson": "poisson",
}
THEIRS = ("identity", "logistic", "tanh", "relu")  # activations of scikit-learn
HIDDEN = tuple(name for name, rule in ACTIVATIONS.items() if not rule.is_coupled)
MOST_MOMENTUM = 1 - 1e-7


class Training(Progress):
    """Training and going forward, on whygrad's engine."""

    init: str
    bias_init: str
    dropout: float
    record_every: int
    out: Any
    device: str | None
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    loss_: float
    loss_curve_: list[float]
    n_iter_: int
    n_features_in_: int
    n_outputs_: int
    out_activation_: str
    _given_validation: tuple | None = None

    _more_constraints: ClassVar[dict[str, list]] = {
        "activation": [StrOptions({*THEIRS, *HIDDEN})],
        "init": [str],
        "bias_init": [str],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "record_every": [Interval(Integral, 0, None, closed="left")],
        "out": [str, Path, None],
        "device": [StrOptions({"cpu", "gpu"}), None],
    }

    if TYPE_CHECKING:  # scikit-learn's own, which says no types

        def predict(self, X: object) -> np.ndarray: ...
        def score(self, X: object, y: object, sample_weight: object = None) -> float: ...
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        weight, bias = super()._init_coef(fan_in, fan_out, dtype)
        if self.init != "auto":
            weight = draw_weight(self.init, self._generator(), fan_in, fan_out).astype(dtype)
        if self.bias_init != "auto":
            bias = draw_bias(self.bias_init, self._generator(), fan_in, fan_out).astype(dtype)
        return weight, bias

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng(self._random_state.randint(2**31))

    def _initialize(self, y: Any, layer_units: list[int], dtype: Any) -> None:
        check_network(layer_units)
        super()._initialize(y, layer_units, dtype)

    @contextmanager
    def _validated_by(self, X: Any, y: Any, weight: Any) -> Iterator[None]:
        """Hold what ``fit`` was given to validate with, while it runs."""
        if (X is None) != (y is None):
            raise ValueError("X_val and y_val go together: give both, or none.")
        self._given_validation = None if X is None else (X, y, weight)
        try:
            yield
        finally:
            del self._given_validation

    def _fit_lbfgs(self, *asked: Any) -> None:
        beyond = {"dropout": self.dropout, "record_every": self.record_every}
        beyond = {name: value for name, value in beyond.items() if value}
        if self.activation not in THEIRS:
            beyond["activation"] = self.activation
        if self.loss not in ("log_loss", "squared_error", "poisson") or (
            is_classifier(self) and self.loss != "log_loss"
        ):
            beyond["loss"] = self.loss
        if beyond:
            told = ", ".join(f"{name}={value!r}" for name, value in beyond.items())
            raise OptionError("error.lbfgs", allowed=", ".join(THEIRS), actual=told)
        super()._fit_lbfgs(*asked)

    @with_callbacks
    def _fit_stochastic(self, X, y, sample_weight, *work_space: Any) -> None:
        *_, sizes, is_incremental = work_space
        if self.early_stopping and is_incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.record_every and is_incremental:
            raise OptionError("error.recorded_partly")
        vars(self).pop("_run_folder", None)
        train, held_back = self._parted(Samples(_dense(X), y, sample_weight))
        most = 1 if is_incremental else self.max_iter
        self.n_iter_ = 0
        self._begin_callbacks(train, most)
        check_step(sizes, min(self._batch(len(train)), len(train)), 0)
        is_float32 = bool(self.record_every) or self.coefs_[0].dtype == np.float32
        for samples in (train, held_back):
            if samples is not None:
                check_samples(self, samples, is_float32=is_float32)
        with self._on_device(), running_out():
            if self.record_every:
                self._train_recorded(train, held_back)
            else:
                self._train(train, held_back, most, is_incremental)
        if self.n_iter_ == self.max_iter and not is_incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )
        if self.early_stopping:
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts
        self._end_callbacks(train)

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        """Compute on the device that was asked for.

        Raises:
            OptionError: there is none of that kind.
        """
        if self.device is None:
            yield
            return
        import jax

        try:
            device = jax.devices(self.device)[0]
        except RuntimeError as error:
            known = ", ".join(sorted({device.platform for device in jax.devices()}))
            raise OptionError("error.no_device", actual=self.device, known=known) from error
        with jax.default_device(device):
            yield

    def _parted(self, given: Samples) -> tuple[Samples, Samples | None]:
        """Return what to train on, and what to validate with."""
        if self._given_validation is not None:
            return given, self._checked_validation(*self._given_validation)
        if not self.early_stopping:
            return given, None
        by_class = is_classifier(self) and self.n_outputs_ == 1
        whole = [given.X, given.y] + ([] if given.weight is None else [given.weight])
        parted = train_test_split(
            *whole,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=given.y if by_class else None,
        )
        train, held_back = Samples(*parted[::2]), Samples(*parted[1::2])
        if len(held_back) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        return train, replace(held_back, y=self._as_given(held_back.y))

    def _checked_validation(self, X: Any, y: Any, weight: Any) -> Samples:
        X = _dense(validate_data(self, X, accept_sparse=["csr", "csc"], reset=False))
        y = np.asarray(y)
        check_consistent_length(X, y)
        if is_classifier(self) and y.ndim == 1 and (new := set(y.tolist()) - set(self.classes_)):
            raise ValueError(f"`y_val` has classes that `y` has not: {sorted(new)}.")
        weight = None if weight is None else check_sample_weight(weight, X)
        return Samples(X, y, weight)

    def _batch(self, samples: int) -> int:
        if self.batch_size != "auto" and self.batch_size > samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=2,
            )
        return min(200 if self.batch_size == "auto" else self.batch_size, samples)

    def _settings(self) -> dict[str, Any]:
        """Return the settings of whygrad that mean what scikit-learn's mean."""
        loss = LINKED.get((self.loss, self.out_activation_)) or LOSSES[self.loss]
        asked = {"loss": loss, "epsilon": self.epsilon}
        if self.solver == "adam":
            return asked | {"optimizer": "adam", "beta1": self.beta_1, "beta2": self.beta_2}
        name = "nesterov" if self.nesterovs_momentum else "momentum"
        momentum = min(self.momentum, MOST_MOMENTUM)
        return asked | {"optimizer": name if momentum else "sgd", "momentum": momentum}

    def _network(self, dtype: Any = None, engine: str = "numpy") -> Network:
        """Return the network; a link that the loss brings is not its own."""
        hidden = OURS.get(self.activation) or self.activation
        brought = (self.loss, self.out_activation_) in LINKED
        last = "identity" if brought else OURS.get(self.out_activation_) or self.out_activation_
        names = [hidden] * (len(self.coefs_) - 1) + [last]
        weights, biases = (
            [np.asarray(part, dtype) for part in parts] for parts in (self.coefs_, self.intercepts_)
        )
        asked = {"activations": names, "dropout": self.dropout, "engine": engine}
        with precision_of(weights[0], engine):
            return Network.from_arrays(weights, biases, **asked)

    # --- trained as scikit-learn trains, number by number --------------------------------------

    def _train(
        self, train: Samples, held_back: Samples | None, most: int, is_incremental: bool
    ) -> None:
        check_rate(self, self.coefs_[0].dtype)
        targets = np.asarray(train.y, train.X.dtype)
        batch, alpha = self._batch(len(train)), float(self.alpha)
        job = {"sizes": self._network().sizes, "most": self.max_iter, "device": self.device}
        epochs = epochs_of(train.X, targets, train.weight, batch, alpha, **job, **self._settings())
        state = self._begin(epochs, is_incremental)
        try:
            self._go_on(epochs, state, train, held_back, most)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)

    def _begin(self, epochs: Epochs, is_incremental: bool) -> State:
        """Return the state to train from: a new one, or where ``partial_fit`` left off."""
        seed = self._random_state.randint(2**31) if self.dropout else 0
        state = epochs.begin(self._network(engine=epochs.engine), seed)
        if not (is_incremental and hasattr(self, "_optimizer")):
            self._optimizer = self._new_optimizer()
            return state
        moments, step = self._moments
        kept, fresh = named_leaves(moments), named_leaves(state.optimizer)
        if kept.keys() != fresh.keys():
            return state  # its parameters were changed on the way
        with precision_of(self.coefs_[0], epochs.engine):
            arrays = iter(kept.values())
            moments = tree_map(lambda like: epochs.like(next(arrays), like), state.optimizer)
            return replace(state, optimizer=moments, step=epochs.like(step, state.step))

    def _go_on(
        self, epochs: Epochs, state: State, train: Samples, held_back: Samples | None, most: int
    ) -> None:
        """Train in segments of epochs, until it is over; one that went too far is taken again."""
        order = np.arange(epochs.samples)
        by_one = self._looks_at_every_epoch(held_back)
        while self.n_iter_ < most:
            many = 1 if by_one else min(epochs.at_once, most - self.n_iter_)
            orders, places = self._next_orders(order, many)
            rate = self._optimizer.learning_rate
            after, losses = epochs.run(state, rate, orders)
            if not self.n_iter_:
                check_movement(self, epochs, state, after, rate)
            self._keep(after)
            taken, is_over = 0, False  # up to the epoch that ends training, or changes its rate
            while taken < many and not is_over and self._optimizer.learning_rate == rate:
                is_over = self._ends(float(losses[taken]), train, held_back)
                taken += 1
            if taken < many:
                after, _ = epochs.run(state, rate, orders[:taken])
                self._keep(after)
                self._random_state.set_state(places[taken - 1])
            if is_over:
                return
            state, order = after, orders[taken - 1]

    def _next_orders(self, order: np.ndarray, many: int) -> tuple[list[np.ndarray], list[tuple]]:
        """Return the orders of some epochs, and of many where the random numbers stand after each.

        As in scikit-learn every order is a shuffle of the one before, by the same random numbers;
        its own ``shuffle`` takes as long as a step of training to look at what it is given.
        """
        orders, places = [], []
        for _ in range(many):
            if self.shuffle:
                order = order[self._random_state.permutation(len(order))]
            orders.append(order)
            if many > 1:  # a single one is never taken back
                places.append(self._random_state.get_state())
        return orders, places

    def _keep(self, state: State) -> None:
        """Make a state the estimator's own, so that whatever happens next, it is there."""
        self._keep_network(state.network)
        kept = (state.optimizer, state.step)
        self._moments = kept if state.network.engine == "numpy" else tree_map(np.asarray, kept)

    def _keep_network(self, network: Network, dtype: Any = None) -> None:
        self.coefs_ = [np.array(dense.weight, dtype) for dense in network.dense]
        self.intercepts_ = [np.array(dense.bias, dtype) for dense in network.dense]

    # --- trained as a run ----------------------------------------------------------------------

    def _train_recorded(self, train: Samples, held_back: Samples | None) -> None:
        if self.solver == "sgd" and self.learning_rate != "constant":
            raise OptionError("error.recorded_rate", actual=self.learning_rate)
        batch, dtype = self._batch(len(train)), self.coefs_[0].dtype
        weights = np.ones(len(train)) if train.weight is None else train.weight
        settings = self._settings() | {
            "learning_rate": self.learning_rate_init,
            "batch_size": batch,
            "epochs": self.max_iter,
            "l2": in_float32(self.alpha / max(batch * float(weights.mean()), SMALLEST)),
            "record_every": self.record_every,
            "seed": int(self._random_state.randint(2**31 - 1)),
            "shuffle": "together" if self.shuffle else "never",
        }
        from whygrad.interop.sklearn.recorded import begin_run, train_run

        run = begin_run(self, self._network(np.float32), train, held_back, settings)
        self._run_folder = run.path
        self._optimizer = self._new_optimizer()
        is_over = False

        def take_in(network: Network, loss: float) -> bool:
            nonlocal is_over
            self._keep_network(network, dtype)
            is_over = self._ends(loss, train, held_back)
            return is_over

        train_run(run, take_in)
        if not is_over and self.n_iter_ < self.max_iter:
            warnings.warn("Training interrupted by user.", stacklevel=2)

    # --- going forward -------------------------------------------------------------------------

    def _forward_pass_fast(self, X, check_input=True):
        if self.activation in THEIRS:
            return super()._forward_pass_fast(X, check_input=check_input)
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        inputs = np.asarray(_dense(X), self.coefs_[0].dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            output = propagate(self._network(), inputs, None).output
        if (self.loss, self.out_activation_) not in LINKED:
            return output
        return softmax(output, copy=False) if self.out_activation_ == "softmax" else expit(output)


def _dense(X: Any) -> np.ndarray:
    return X.toarray() if issparse(X) else X
