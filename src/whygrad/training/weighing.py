"""How much each sample counts: its own weight, that of its class, and its share in a batch's mean.

Weights are multiplied and summed in float64, so that no sum overflows; what the compiled loop is
given, the shares, is float32. A weight that would vanish there is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

from whygrad.errors import OptionError
from whygrad.settings import LARGEST, SMALLEST, Settings

if TYPE_CHECKING:
    from whygrad.data.table import Data, Part


def sample_weights(
    part: Part, class_weight: str | tuple[float, ...] | None
) -> Float[np.ndarray, " samples"] | None:
    """Return the weight of each sample: its own times that of its class, or None if all are 1.

    ``balanced`` weighs a class with samples / (classes * its samples), as scikit-learn does.

    Raises:
        OptionError: the target has no classes, or more than there are weights.
    """
    if class_weight is None:
        return part.sample_weight
    if part.y.ndim != 1 or not np.issubdtype(part.y.dtype, np.integer):
        raise OptionError("error.class_weight_needs_classes")
    if isinstance(class_weight, str):
        counts = np.bincount(part.y)
        by_class = len(part.y) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    else:
        by_class = np.asarray(class_weight)
    if part.y.max() >= len(by_class):
        raise OptionError(
            "error.class_weight_count", expected=int(part.y.max()) + 1, actual=len(by_class)
        )
    own = 1.0 if part.sample_weight is None else part.sample_weight.astype(np.float64)
    return by_class[part.y] * own


def check_weights(data: Data, settings: Settings) -> None:
    """Check that every weight above 0 still counts in the float32 of the compiled loop.

    Raises:
        OptionError: not one weight for each class, none above 0 in the training part, or weights
            so small, large or different that float32 makes 0 or infinity of a share.
    """
    given = settings.class_weight
    if isinstance(given, tuple) and data.train.y.ndim == 1 and len(given) != len(data.target_names):
        raise OptionError(
            "error.class_weight_count", expected=len(data.target_names), actual=len(given)
        )
    weights = sample_weights(data.train, given)
    if weights is not None:
        check_spread(weights, settings.batch_size, settings.reduction)


def check_spread(
    weights: Float[np.ndarray, " samples"], batch_size: int, reduction: str = "mean"
) -> None:
    """Check that no weight above 0 has a share that is 0 or infinite in float32.

    Raises:
        OptionError: one has, or there is none above 0.
    """
    above = np.asarray(weights[weights > 0], np.float64)
    if not len(above):
        raise OptionError("error.weights_all_zero")
    low, high = float(above.min()), float(above.max())
    batch = min(batch_size, len(weights))
    if reduction == "mean" and low / high / batch < SMALLEST:
        raise OptionError("error.weights_spread", low=low, high=high, batch=batch)
    if reduction == "sum" and (low < SMALLEST or high * batch > LARGEST):
        raise OptionError("error.weights_of_a_sum", low=low, high=high, batch=batch)


def shares(
    weight: Float[np.ndarray, "*steps batch"], reduction: str, dtype: DTypeLike = np.float32
) -> Float[np.ndarray, "*steps batch"]:
    """Return the share of each sample in its batch.

    Its weight over the sum of the batch's weights, or its weight alone where the loss is a sum.
    """
    if reduction == "sum":
        return weight.astype(dtype)
    total = weight.sum(axis=-1, keepdims=True)
    share = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    return share.astype(dtype)
