"""What an estimator checks that scikit-learn does not: sizes, weights, and that training moves."""

from typing import Any

import numpy as np

from whygrad.data.columns import row_place
from whygrad.data.numeric import LEAST, MOST, column_sizes
from whygrad.errors import InputError, OptionError
from whygrad.interop.sklearn.epochs import Epochs, precision_of
from whygrad.interop.sklearn.progress import Samples
from whygrad.settings import in_float32
from whygrad.training.failing import has_moved, why_stalled
from whygrad.training.step import State
from whygrad.training.weighing import check_spread

LEAST_OF_FLOAT64 = 1e-150


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
                said = {"column": name, "came": float(sizes[column]), "limit": least}
                raise InputError("error.data_too_small", **said)
            row = int(np.flatnonzero(~(size <= most))[0])
            said = {"column": name, "came": float(values[row, column]), "limit": most}
            raise InputError("error.data_encode_too_large", **said, **row_place(row))


def check_rate(estimator: Any, dtype: np.dtype) -> None:
    """Check that the learning rate is not lost in the precision of training.

    Raises:
        OptionError: it is 0 or infinite there.
    """
    rate = float(estimator.learning_rate_init)
    kept = in_float32(rate)
    if dtype == np.float32 and not 0 < kept < float("inf"):
        said = {"range": "> 0", "came": repr(rate), "rounded": kept}
        raise OptionError("error.float32_rounds", option="learning_rate_init", **said)


def check_movement(estimator: Any, epochs: Epochs, before: State, after: State, rate: float):
    """Check that the first epochs of a training have moved something.

    Raises:
        StalledError: they have not, though there was something to learn.
    """
    if has_moved(before.network, after.network):
        return
    plan = epochs.plan([np.arange(epochs.samples)])
    weighed = np.flatnonzero(np.asarray(plan.share).any(axis=1))
    batch = plan[int(weighed[0]) if len(weighed) else 0]
    with precision_of(epochs.dataset.x):
        state = epochs.at_rate(after, rate)
        where = f"{type(estimator).__name__}.fit"
        stalled = why_stalled(epochs.config, state, epochs.dataset, batch, where)
    if stalled is not None:
        raise stalled
