"""How sure a check is, from how far a number is from what is usual."""

import math


def sure(start: float, a_decade: float, decades: float) -> float:
    """Return a confidence that grows with the distance from the usual, in [0, 0.98].

    Args:
        start: at the threshold.
        a_decade: growth a power of ten beyond it.
        decades: how many powers of ten beyond it.
    """
    return min(max(start + a_decade * decades, 0.0), 0.98)


def decades(value: float, usual: float) -> float:
    """Return how many powers of ten a value is above the usual; below is negative."""
    return math.log10(max(value, 1e-30) / usual)
