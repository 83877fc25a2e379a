"""Many seeds in a few numbers: the middle, how far they spread, how sure a difference is.

Everything here goes by order, not by sums: a run whose loss left the finite numbers counts as
infinitely bad, moves an end by one place, and spoils nothing else.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

QUARTILES = (0.25, 0.75)
NINE_IN_TEN = (0.05, 0.95)
LEVEL = 0.95  # how sure an interval is at least


@dataclass(frozen=True)
class Band:
    """The middle of many seeds and the two ends of a band around it.

    Attributes:
        low, middle, high: one number, or one a place of a curve.
    """

    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray

    @property
    def width(self) -> np.ndarray:
        """How far the ends are apart; NaN where both are infinite."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.high - self.low)


@dataclass(frozen=True)
class Interval:
    """Where the median of a difference lies.

    Attributes:
        low, high: the ends.
        middle: median of the differences seen.
        level: probability that such an interval contains the true median; at least what was asked.
    """

    low: float
    middle: float
    high: float
    level: float

    @property
    def reach(self) -> float:
        """How far from 0 the difference may be: the larger end."""
        return max(abs(self.low), abs(self.high))


def quantile(values: Float[np.ndarray, "n *places"], share: float) -> np.ndarray:
    """Return what a share of the values does not exceed, along the first axis; NaN counts as ∞.

    Source: Hyndman and Fan 1996, definition 7, which interpolates between neighbours in order.
    """
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=0)
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    rest = place - math.floor(place)
    with np.errstate(invalid="ignore"):
        step = np.where(np.isfinite(below), above - below, 0)  # ∞ − ∞: stay there
    return np.asarray(below + rest * step if rest else below)


def median(values: Float[np.ndarray, "n *places"]) -> np.ndarray:
    """Return the middle of the values along the first axis; NaN counts as ∞."""
    return quantile(values, 0.5)


def band(values: Float[np.ndarray, "n *places"], ends: tuple[float, float] = QUARTILES) -> Band:
    """Return the median of the values and a band around it, along the first axis."""
    low, high = (quantile(values, share) for share in ends)
    return Band(low, median(values), high)


def paired_interval(
    one: Float[np.ndarray, " seeds"], other: Float[np.ndarray, " seeds"], level: float = LEVEL
) -> Interval:
    """Return where the median of ``one − other`` lies, pairs being runs of the same seed.

    If half of all differences lie below the true median m, the number of those seen below m is
    binomial, whatever their distribution: so the k-th smallest and the k-th largest of n enclose m
    with probability 1 − 2 P(Bin(n, 1/2) < k). The largest k that is sure enough is taken; where
    there are too few seeds for any, the interval is endless.

    Args:
        level: how sure the interval must be, in (0, 1).

    Source: Thompson 1936, "On confidence ranges for the median"; it is the sign test turned round.
    """
    worst_one, worst_other = (np.where(np.isnan(v), np.inf, v) for v in (one, other))
    with np.errstate(invalid="ignore"):
        differences = np.sort(worst_one - worst_other)  # two runs that both failed: NaN, no verdict
    if np.isnan(differences).any():
        return Interval(math.nan, math.nan, math.nan, level)
    rank, sure = _rank(len(differences), level)
    middle = float(median(differences))
    if not rank:
        return Interval(-math.inf, middle, math.inf, 1.0)
    return Interval(float(differences[rank - 1]), middle, float(differences[-rank]), sure)


def guessing(classes: Shaped[np.ndarray, "m *one"]) -> float:
    """Return the smallest loss of who sees no input: the entropy of the classes, in nats."""
    shares = np.bincount(classes.ravel().astype(int)) / len(classes)
    return float(-sum(share * np.log(share) for share in shares if share))


def _rank(count: int, level: float) -> tuple[int, float]:
    """Return the largest k whose interval is sure enough, 0 if none, and how sure it is."""
    rank, sure, outside = 0, 1.0, 0.0
    for k in range(1, count // 2 + 1):
        outside += 2 * math.comb(count, k - 1) / 2**count
        if 1 - outside < level:
            break
        rank, sure = k, 1 - outside
    return rank, sure
