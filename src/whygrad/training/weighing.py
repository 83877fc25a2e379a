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


def class_weights(
    counts: np.ndarray | None, class_weight: str | tuple[float, ...] | None
) -> Float[np.ndarray, " classes"] | None:
    """Return the weight of each class; None where all classes count alike.

    ``balanced`` weighs a class with samples / (classes * its samples), as scikit-learn does.

    Args:
        counts: training samples of each class, (classes,); None where there are no classes.

    Raises:
        OptionError: the target has no classes, or more than there are weights.
    """
    if class_weight is None:
        return None
    if counts is None:
        raise OptionError("error.class_weight_needs_classes")
    if isinstance(class_weight, str):
        return counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    if len(counts) > len(class_weight):
        raise OptionError(
            "error.class_weight_count", expected=len(counts), actual=len(class_weight)
        )
    return np.asarray(class_weight)


def weights_of(
    part: Part, by_class: Float[np.ndarray, " classes"] | None
) -> Float[np.ndarray, " samples"] | None:
    """Return the weight of each sample: its own times that of its class, or None if all are 1."""
    if by_class is None:
        return part.sample_weight
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
    by_class = class_weights(data.class_counts, given)
    batch = min(settings.batch_size, data.samples["train"])
    if data.stream is None:
        weights = weights_of(data.train, by_class)
    else:  # the smallest and the largest that there may be
        own, of_classes = data.stream.weights, by_class
        ends = [np.ones(1) if one is None else one for one in (own, of_classes)]
        is_weighed = own is not None or of_classes is not None
        weights = np.outer(*ends).ravel() if is_weighed else None
    if weights is not None:
        check_spread(weights, batch, settings.reduction)


def check_spread(
    weights: Float[np.ndarray, " samples"], batch: int, reduction: str = "mean"
) -> None:
    """Check that no weight above 0 has a share that is 0 or infinite in float32.

    Args:
        batch: samples a step.

    Raises:
        OptionError: one has, or there is none above 0.
    """
    above = np.asarray(weights[weights > 0], np.float64)
    if not len(above):
        raise OptionError("error.weights_all_zero")
    low, high = float(above.min()), float(above.max())
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
