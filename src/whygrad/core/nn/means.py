"""Losses as means over the outputs, taken of the outputs alone: as Keras takes them.

None of them is merged with an output activation: delta goes through the true Jacobian, and a
probability that is clipped lets no gradient through. That is how most programs that people debug
compute their loss, and what some of their faults come from. Each stands beside its derivative.
"""

import math
from collections.abc import Callable

from whygrad.core.arrays import Array
from whygrad.record.arrays import xp

Value = Callable[[Array, Array], Array]
SMALLEST = 1e-7
SMALLEST_PLAIN = 1e-10


def _mean(terms: Array) -> Array:
    return xp.mean(terms, axis=-1)


def _a_share(derivative: Array) -> Array:
    """Return the derivative of a mean over the outputs from those of its terms."""
    return derivative / derivative.shape[-1]


def _inside(p: Array, low: float, high: float) -> Array:
    return ((p >= low) & (p <= high)).astype(p.dtype)


def mean_squared(a: Array, y: Array) -> Array:
    return _mean((a - y) ** 2)


def mean_squared_upstream(a: Array, y: Array) -> Array:
    return _a_share(2 * (a - y))


def mean_absolute(a: Array, y: Array) -> Array:
    return _mean(xp.abs(a - y))


def mean_absolute_upstream(a: Array, y: Array) -> Array:
    return _a_share(xp.sign(a - y))


def mean_absolute_percentage(a: Array, y: Array) -> Array:
    return 100 * _mean(xp.abs(a - y) / xp.maximum(xp.abs(y), SMALLEST))


def mean_absolute_percentage_upstream(a: Array, y: Array) -> Array:
    return _a_share(100 * xp.sign(a - y) / xp.maximum(xp.abs(y), SMALLEST))


def _log(values: Array) -> Array:
    return xp.log1p(xp.maximum(values, SMALLEST))


def mean_squared_logarithmic(a: Array, y: Array) -> Array:
    return _mean((_log(a) - _log(y)) ** 2)


def mean_squared_logarithmic_upstream(a: Array, y: Array) -> Array:
    slope = (a > SMALLEST).astype(a.dtype) / (1 + xp.maximum(a, SMALLEST))
    return _a_share(2 * (_log(a) - _log(y)) * slope)


def log_cosh(a: Array, y: Array) -> Array:
    miss = a - y
    return _mean(xp.logaddexp(miss, -miss) - math.log(2.0))


def log_cosh_upstream(a: Array, y: Array) -> Array:
    return _a_share(xp.tanh(a - y))


def poisson(a: Array, y: Array) -> Array:
    return _mean(a - y * xp.log(a + SMALLEST))


def poisson_upstream(a: Array, y: Array) -> Array:
    return _a_share(1 - y / (a + SMALLEST))


def kl_divergence(a: Array, y: Array) -> Array:
    p, q = xp.clip(y, SMALLEST, 1), xp.clip(a, SMALLEST, 1)
    return xp.sum(p * xp.log(p / q), axis=-1)


def kl_divergence_upstream(a: Array, y: Array) -> Array:
    p, q = xp.clip(y, SMALLEST, 1), xp.clip(a, SMALLEST, 1)
    return -p / q * _inside(a, SMALLEST, 1)


def _as_signs(y: Array) -> Array:
    """Return targets 0 and 1 as -1 and 1; others as they are."""
    is_binary = xp.all((y == 0) | (y == 1))
    return xp.where(is_binary, 2 * y - 1, y)


def hinge(a: Array, y: Array) -> Array:
    return _mean(xp.maximum(1 - _as_signs(y) * a, 0))


def hinge_upstream(a: Array, y: Array) -> Array:
    sign = _as_signs(y)
    is_short = xp.sign(xp.maximum(1 - sign * a, 0))  # not a comparison: NaN must stay NaN
    return _a_share(-sign * is_short)


def squared_hinge(a: Array, y: Array) -> Array:
    return _mean(xp.maximum(1 - _as_signs(y) * a, 0) ** 2)


def squared_hinge_upstream(a: Array, y: Array) -> Array:
    sign = _as_signs(y)
    return _a_share(-2 * sign * xp.maximum(1 - sign * a, 0))


def categorical_hinge(a: Array, y: Array) -> Array:
    right, wrong = xp.sum(y * a, axis=-1), xp.max((1 - y) * a, axis=-1)
    return xp.maximum(wrong - right + 1, 0)


def categorical_hinge_upstream(a: Array, y: Array) -> Array:
    others = (1 - y) * a
    wrong = xp.max(others, axis=-1, keepdims=True)
    is_open = wrong - xp.sum(y * a, axis=-1, keepdims=True) + 1 > 0
    worst = (others == wrong).astype(a.dtype)
    worst = worst / xp.sum(worst, axis=-1, keepdims=True)  # those that tie share, as in autodiff
    return ((1 - y) * worst - y) * is_open


def clipped_cross_entropy(a: Array, y: Array) -> Array:
    p = a / xp.sum(a, axis=-1, keepdims=True)
    return -xp.sum(y * xp.log(xp.clip(p, SMALLEST, 1 - SMALLEST)), axis=-1)


def clipped_cross_entropy_upstream(a: Array, y: Array) -> Array:
    total = xp.sum(a, axis=-1, keepdims=True)
    p = a / total
    pull = -y / xp.clip(p, SMALLEST, 1 - SMALLEST) * _inside(p, SMALLEST, 1 - SMALLEST)
    return (pull - xp.sum(pull * p, axis=-1, keepdims=True)) / total


def clipped_binary_cross_entropy(a: Array, y: Array) -> Array:
    p = xp.clip(a, SMALLEST, 1 - SMALLEST)
    return -_mean(y * xp.log(p) + (1 - y) * xp.log1p(-p))


def clipped_binary_cross_entropy_upstream(a: Array, y: Array) -> Array:
    p = xp.clip(a, SMALLEST, 1 - SMALLEST)
    return _a_share((p - y) / (p * (1 - p)) * _inside(a, SMALLEST, 1 - SMALLEST))


def plain_cross_entropy(a: Array, y: Array) -> Array:
    return -xp.sum(y * xp.log(xp.clip(a, SMALLEST_PLAIN, 1)), axis=-1)


def plain_cross_entropy_upstream(a: Array, y: Array) -> Array:
    return -y / xp.clip(a, SMALLEST_PLAIN, 1) * _inside(a, SMALLEST_PLAIN, 1)


def broadcast_squared(a: Array, y: Array, share: Array | None = None) -> Array:
    """Return mean_j (a_i - y_j)^2 of each sample i: a fault, kept for study.

    An array of targets (m,) that is taken from outputs (m, 1) is broadcast to (m, m), and every
    sample is asked to meet the targets of all. What the network then learns is their mean.

    Args:
        a, y: of one output, (m, 1).
        share: samples of share 0 are none, they only fill the batch up.
    """
    return ((a - y[:, 0]) ** 2) @ _even_shares(y, share)


def broadcast_squared_upstream(a: Array, y: Array, share: Array | None = None) -> Array:
    return 2 * (a - _even_shares(y, share) @ y)


def _even_shares(y: Array, share: Array | None) -> Array:
    is_there = xp.ones_like(y[:, 0]) if share is None else (share > 0).astype(y.dtype)
    return is_there / xp.maximum(xp.sum(is_there), 1)


MEANS: dict[str, tuple[Value, Value]] = {
    "mean_squared": (mean_squared, mean_squared_upstream),
    "mean_absolute": (mean_absolute, mean_absolute_upstream),
    "mean_absolute_percentage": (mean_absolute_percentage, mean_absolute_percentage_upstream),
    "mean_squared_logarithmic": (mean_squared_logarithmic, mean_squared_logarithmic_upstream),
    "log_cosh": (log_cosh, log_cosh_upstream),
    "poisson": (poisson, poisson_upstream),
    "kl_divergence": (kl_divergence, kl_divergence_upstream),
    # Cortes and Vapnik 1995
    "hinge": (hinge, hinge_upstream),
    "squared_hinge": (squared_hinge, squared_hinge_upstream),
    # Crammer and Singer 2001
    "categorical_hinge": (categorical_hinge, categorical_hinge_upstream),
    "clipped_cross_entropy": (clipped_cross_entropy, clipped_cross_entropy_upstream),
    "clipped_binary_cross_entropy": (
        clipped_binary_cross_entropy,
        clipped_binary_cross_entropy_upstream,
    ),
    "plain_cross_entropy": (plain_cross_entropy, plain_cross_entropy_upstream),
}
