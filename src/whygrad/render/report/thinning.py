"""A long series, made short enough to draw."""

import numpy as np
from jaxtyping import Float, Int, Shaped


def evenly(count: int, most: int) -> Int[np.ndarray, " kept"]:
    """Return at most ``most`` of the positions 0 to count - 1, even apart, with both ends."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def envelope(
    x: Shaped[np.ndarray, " n"], y: Float[np.ndarray, " n"], most: int
) -> tuple[Shaped[np.ndarray, " kept"], Float[np.ndarray, " kept"]]:
    """Return a series with at most ``most`` points that keeps its peaks and its valleys.

    The series is cut into stretches; of each its lowest and its highest point stay.
    """
    if len(y) <= most:
        return x, y
    kept = {0, len(y) - 1}
    for piece in np.array_split(np.arange(len(y)), (most - 2) // 2):
        finite = piece[np.isfinite(y[piece])]
        if len(finite):
            kept |= {int(finite[y[finite].argmin()]), int(finite[y[finite].argmax()])}
    places = np.array(sorted(kept))
    return x[places], y[places]
