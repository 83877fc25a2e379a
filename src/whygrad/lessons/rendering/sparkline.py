"""Curves as a row of bars: the picture of a lesson, in a terminal."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from whygrad.lessons.story import Line
from whygrad.words import number, t

BARS = "▁▂▃▄▅▆▇█"
POINTS = 40  # of a line
SPAN = 30  # a picture that spans more than this is shown by its logarithm


class Scale(NamedTuple):
    """Heights of the lowest and of the full bar, shared by the lines of a picture."""

    low: float
    high: float
    is_log: bool


def scale_of(lines: Iterable[Line]) -> Scale:
    """Return the scale on which lines can be compared; zeros are below every logarithm."""
    values = np.concatenate([np.asarray(line.y, np.float64) for line in lines])
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    is_log = bool(len(positive) and (values >= 0).all() and np.ptp(np.log(positive)) > np.log(SPAN))
    low = positive.min() if is_log else values.min(initial=np.inf)
    return Scale(float(low), float(values.max(initial=-np.inf)), is_log)


def scale_text(lines: Iterable[Line]) -> str:
    """Return what the heights mean, in words."""
    low, high, is_log = scale_of(lines)
    if not low < high:
        return t("lesson.bars.level" if low == high else "lesson.bars.none")
    key = "lesson.bars.log" if is_log else "lesson.bars.linear"
    return t(key, low=number(low, 3), high=number(high, 3))


def sparkline(line: Line, scale: Scale) -> str:
    """Return a line as bars; ``×`` where it is not finite."""
    places = np.linspace(0, len(line.y) - 1, min(POINTS, len(line.y))).round().astype(int)
    shares = _shares(np.asarray(line.y, np.float64)[places], scale)
    return "".join("×" if np.isnan(one) else BARS[round(one * (len(BARS) - 1))] for one in shares)


def _shares(values: np.ndarray, scale: Scale) -> np.ndarray:
    """Return heights in [0, 1], NaN where a value is not finite."""
    low, high, is_log = scale
    values = np.where(np.isfinite(values), values, np.nan)
    if not low < high:
        return values * 0
    if is_log:
        values, low, high = np.log(np.maximum(values, low)), np.log(low), np.log(high)
    values, low, high = values / 2, low / 2, high / 2  # no difference of floats overflows now
    return np.clip((values - low) / (high - low), 0, 1)
