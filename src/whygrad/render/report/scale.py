"""From numbers to shades: a scale that is computed from what it must show."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

SPREAD = 30.0  # from this ratio of largest to smallest on, the scale is logarithmic
LOWEST_SHARE = 0.01  # of the numbers may lie below the scale, so that one does not stretch it


@dataclass(frozen=True)
class Scale:
    """A map of numbers >= 0 to [0, 1].

    Attributes:
        low, high: the ends; what lies outside is shown as the end.
        is_log: whether equal ratios, not equal differences, look alike.
    """

    low: float
    high: float
    is_log: bool

    @classmethod
    def of(cls, values: Float[np.ndarray, "..."]) -> "Scale":
        """Return the scale for these numbers; zeros and what is not finite have other marks."""
        shown = values[np.isfinite(values) & (values > 0)]
        if not len(shown):
            return cls(0.0, 0.0, False)
        low, high = float(np.quantile(shown, LOWEST_SHARE)), float(shown.max())
        is_log = high / low > SPREAD
        return cls(low if is_log else 0.0, high, is_log)

    def level(self, values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return where numbers lie on the scale, in [0, 1]; 0 for what is not finite."""
        if self.high == self.low:
            return np.zeros_like(values)
        bounded = np.clip(np.nan_to_num(values, nan=self.low), self.low, self.high)
        if self.is_log:
            return np.log(bounded / self.low) / np.log(self.high / self.low)
        return (bounded - self.low) / (self.high - self.low)

    def values(self, level: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return the numbers at these places of the scale."""
        if self.is_log:
            return self.low * (self.high / self.low) ** level
        return self.low + (self.high - self.low) * level
