"""Epochs of mini-batches for estimators: many in one compiled call, whoever asks decides how many.

A small job is left to NumPy, epoch by epoch. For JAX the shapes of rows and batches are rounded up
and filled with samples of share 0, so that the parts of a cross-validation share one compiled
program. What scikit-learn does not check is checked here: sizes, weights, and that training moves.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from whygrad.core.arrays import Array
from whygrad.core.nn.network import Network
from whygrad.data.numeric import LEAST, MOST, column_sizes
from whygrad.errors import InputError, OptionError
from whygrad.settings import Settings, in_float32
from whygrad.training.engine import engine_for, steps_of
from whygrad.training.state import DeviceDataset, Plan, State, StaticConfig, has_moved
from whygrad.training.weighing import check_spread, shares

ROWS_OF = 64  # rows are rounded up to a multiple
BATCH_OF = 8
MOST_STEPS = 4096  # in one compiled call
MOST_EPOCHS = 32
TINY = 1e-30  # where all weights are 0
LEAST_OF_FLOAT64 = 1e-150


@dataclass(frozen=True)
class Samples:
    """Rows that an estimator has checked.

    Attributes:
        X: (samples, n_in), dense.
        y: encoded targets, (samples, n_out); of a validation part of classes, the labels.
        weight: of each sample, or None for all alike.
    """

    X: Any
    y: Any
    weight: Any = None

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Epochs:
    """Samples and a static config: everything that stays the same from epoch to epoch.

    Attributes:
        config: what the steps are compiled for.
        dataset: the samples; for JAX filled up.
        weights: weight of each sample, (samples,).
        batch_size: samples a step.
        alpha: L2 penalty as scikit-learn has it: over all samples of a batch together.
    """

    config: StaticConfig
    dataset: DeviceDataset
    weights: Float[np.ndarray, " samples"]
    batch_size: int
    alpha: float
    held: list[Any] = field(default_factory=list)  # see SegmentRecord.last

    @property
    def samples(self) -> int:
        return len(self.weights)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.samples // self.batch_size)

    @property
    def engine(self) -> str:
        """Who takes the steps: ``numpy`` or ``jax``."""
        return self.config.engine

    @property
    def at_once(self) -> int:
        """Most epochs that one call takes; nothing is compiled for NumPy."""
        if self.engine == "numpy":
            return 1
        return max(min(MOST_EPOCHS, MOST_STEPS // self.steps), 1)

    def begin(self, network: Network, seed: int) -> State:
        """Return the state before the first step."""
        with precision_of(self.dataset.x, self.engine):
            state = steps_of(self.engine).first_state(network, self.config, 1.0, seed)
            if not self.alpha:
                return state
            l2 = {"l2": self._on_device(self.l2)}
            return replace(state, optimizer={**state.optimizer, "l2": l2})

    @property
    def l2(self) -> float:
        """The penalty beside a mean: that of a whole batch; a short last one has the same."""
        return self.alpha / max(self.batch_size * float(self.weights.mean()), TINY)

    def run(
        self, state: State, rate: float, orders: Sequence[Int[np.ndarray, " samples"]]
    ) -> tuple[State, Float[np.ndarray, " epochs"]]:
        """Take one epoch an order.

        Args:
            state: is left as it is.
            rate: the learning rate.
            orders: of the samples, at most :attr:`at_once`.

        Returns:
            The state after them, and the mean loss of each epoch.
        """
        count = len(orders) * self.steps
        with precision_of(self.dataset.x, self.engine):
            begun = self.at_rate(state, rate)
            go = steps_of(self.engine).advance_from
            state, segment = go(self.config, begun, self.dataset, self.plan(orders), 0, count)
        self.held[:] = [segment.last]
        losses = np.asarray(segment.losses)[:count].reshape(len(orders), self.steps)
        begins = np.arange(0, self.samples, self.batch_size)
        sizes = np.minimum(self.samples - begins, self.batch_size)
        return state, losses @ sizes / self.samples

    def at_rate(self, state: State, rate: float) -> State:
        """Return a state that takes its next steps at a learning rate."""
        return replace(state, learning_rate=self._on_device(rate))

    def like(self, values: np.ndarray, other: Array) -> Array:
        """Return kept values as the engine has them, in the precision of others."""
        kept = np.asarray(values, other.dtype)
        return kept if self.engine == "numpy" else _put(kept)

    def _on_device(self, value: float) -> Array:
        """Return a number in the precision of the samples."""
        number = np.asarray(value, self.dataset.x.dtype)
        return number if self.engine == "numpy" else _put(number)

    def plan(self, orders: Sequence[Int[np.ndarray, " samples"]]) -> Plan:
        """Return which samples each step of some epochs takes."""
        shape = (self.at_once, self.steps, self.batch_size)
        rows, weight = np.zeros(shape, np.int32), np.zeros(shape)
        for epoch, order in enumerate(orders):
            rows[epoch].ravel()[: self.samples] = order
            weight[epoch].ravel()[: self.samples] = self.weights[order]
        share = shares(weight, "mean", self.dataset.x.dtype)
        return Plan(self._filled_up(rows), self._filled_up(share))

    def _filled_up(self, batches: np.ndarray) -> np.ndarray:
        """Return (epochs, steps, batch) as (epochs * steps, batch), for JAX rounded up."""
        flat = batches.reshape(-1, batches.shape[2])
        if self.engine == "numpy":
            return flat
        return np.pad(flat, ((0, 0), (0, _missing(flat.shape[1], BATCH_OF))))


def _put(values: np.ndarray) -> Array:
    """Put an array on the device: converting it would be compiled."""
    import jax

    return jax.device_put(values)


def _missing(length: int, multiple: int) -> int:
    return -length % multiple


def epochs_of(
    x: Float[np.ndarray, "samples n_in"],
    y: Float[np.ndarray, "samples n_out"],
    weights: Float[np.ndarray, " samples"] | None,
    batch_size: int,
    alpha: float,
    *,
    sizes: Sequence[int],
    most: int,
    device: str | None = None,
    **settings: Any,
) -> Epochs:
    """Lay samples out for training.

    Args:
        sizes: numbers of neurons, from the inputs to the outputs.
        most: epochs that training may take.
        device: the one asked for, which is JAX's to find; None for whoever is sooner done.
        settings: of :class:`whygrad.Settings`; each of them is compiled in.
    """
    common = {"learning_rate": 1.0, "batch_size": 1, "record_every": 0, "l2": float(alpha > 0)}
    asked = Settings(**common, **settings)
    own = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    steps = -(-len(x) // batch_size) * most
    engine = "jax" if device else engine_for(asked, sizes, batch_size, steps, x.dtype)
    config = StaticConfig(asked, 0, engine)
    fill = ((0, 0 if engine == "numpy" else _missing(len(x), ROWS_OF)), (0, 0))
    with precision_of(x, engine):
        filled = [np.pad(np.asarray(part, x.dtype), fill) for part in (x, y)]
        filled += [np.zeros(len(filled[0]), x.dtype)]  # only recorded steps need norms
        laid = filled if engine == "numpy" else map(_put, filled)
        return Epochs(config, DeviceDataset(*laid), own, batch_size, alpha)


def precision_of(values: np.ndarray | Array, engine: str) -> AbstractContextManager:
    """Return the context in which an engine computes in the precision of some values."""
    if engine == "numpy":
        return nullcontext()
    import jax

    return jax.enable_x64(values.dtype == np.float64)


def check_samples(estimator: Any, samples: Samples, *, is_float32: bool) -> None:
    """Check that training can multiply inputs, targets and weights in its precision.

    Raises:
        InputError: a column holds too large a number, or only numbers that are too small.
        OptionError: weights differ by more than training can tell apart, or are all 0.
    """
    if samples.weight is not None:
        check_spread(np.asarray(samples.weight), len(samples))
    # what is too large for float64 scikit-learn finds itself, and has a message of its own for it
    most, least = (MOST, LEAST) if is_float32 else (np.inf, LEAST_OF_FLOAT64)
    named = getattr(estimator, "feature_names_in_", None)
    y = np.asarray(samples.y)
    targets = y.reshape(len(y), -1) if y.dtype.kind == "f" else np.empty((len(y), 0))
    for values, names, stem in ((samples.X, named, "x"), (targets, None, "y")):
        sizes = column_sizes(values)
        for column in np.flatnonzero(~(sizes <= most) | ((sizes > 0) & (sizes < least))):
            name = f"{stem}{column}" if names is None else str(names[column])
            size = np.abs(values[:, column])
            if (0 < sizes[column]) and (sizes[column] < least):
                said = {"column": name, "actual": float(sizes[column]), "limit": least}
                raise InputError("error.data_too_small", **said)
            from whygrad.data.columns import row_place  # which sound samples do without

            row = int(np.flatnonzero(~(size <= most))[0])
            said = {"column": name, "actual": float(values[row, column]), "limit": most}
            raise InputError("error.data_encode_too_large", **said, **row_place(row))


def check_rate(estimator: Any, dtype: np.dtype) -> None:
    """Check that the learning rate is not lost in the precision of training.

    Raises:
        OptionError: it is 0 or infinite there.
    """
    rate = float(estimator.learning_rate_init)
    kept = in_float32(rate)
    if dtype == np.float32 and not 0 < kept < float("inf"):
        said = {"range": "> 0", "actual": repr(rate), "rounded": kept}
        raise OptionError("error.float32_rounds", option="learning_rate_init", **said)


def check_movement(estimator: Any, epochs: Epochs, before: State, after: State, rate: float):
    """Check that the first epochs of a training have moved something.

    Raises:
        StalledError: they have not, though there was something to learn.
    """
    if has_moved(before.network, after.network):
        return
    from whygrad.training.failing import why_stalled

    plan = epochs.plan([np.arange(epochs.samples)])
    weighed = np.flatnonzero(np.asarray(plan.share).any(axis=1))
    batch = plan[int(weighed[0]) if len(weighed) else 0]
    with precision_of(epochs.dataset.x, epochs.engine):
        state = epochs.at_rate(after, rate)
        where = f"{type(estimator).__name__}.fit"
        stalled = why_stalled(epochs.config, state, epochs.dataset, batch, where)
    if stalled is not None:
        raise stalled
