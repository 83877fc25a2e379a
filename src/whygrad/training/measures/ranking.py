"""AUC: how well scores put what is there before what is not."""

import numpy as np
from jaxtyping import Bool, Float, Shaped

MOST_SCORES = 1 << 22  # that are kept, with their rows 100 MB; sorting them takes a second


class Ranking:
    """Keeps scores until they are ranked: all of them, or of very many rows some, drawn at random.

    Which rows are drawn depends on their order alone, not on the pieces in which they come.

    Args:
        columns: scores of a row.
    """

    def __init__(self, columns: int):
        self._most = max(MOST_SCORES // columns, 1)
        self._share = 1.0  # of the rows, that is kept
        self._generator = np.random.default_rng(0)
        self._kept: list[tuple[np.ndarray, ...]] = []
        self.seen = 0

    def add(
        self,
        scores: Float[np.ndarray, "m columns"],
        truth: Shaped[np.ndarray, "m *labels"],
        weight: Float[np.ndarray, " m"],
    ) -> None:
        """Take rows over: their scores, what is true of them, and how much they count."""
        self.seen += len(scores)
        self._kept.append(self._drawn((self._generator.random(len(scores)), scores, truth, weight)))
        while self.rows > self._most:
            self._share /= 2
            self._kept = [self._drawn(piece) for piece in self._kept]

    def _drawn(self, piece: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        is_kept = piece[0] < self._share
        return piece if is_kept.all() else tuple(array[is_kept] for array in piece)

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return sum(len(piece[0]) for piece in self._kept)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the scores, the truth and the weights of the rows that are kept."""
        pieces = zip(*self._kept, strict=True)
        _, scores, truth, weight = (np.concatenate(arrays) for arrays in pieces)
        return scores, truth, weight


def auc(
    scores: Float[np.ndarray, " m"],
    is_there: Bool[np.ndarray, " m"],
    weight: Float[np.ndarray, " m"],
) -> float | None:
    """Return the share of pairs, one row where it is there and one where not, ranked right.

    A pair with equal scores counts half. None where there is no such pair.

    Source: Hanley and McNeil 1982; the area under the ROC curve as a Mann-Whitney statistic.
    """
    _, place = np.unique(scores, return_inverse=True)
    there, not_there = (
        np.bincount(place, np.where(chosen, weight, 0.0)) for chosen in (is_there, ~is_there)
    )
    pairs = there.sum() * not_there.sum()
    below = np.cumsum(not_there) - not_there / 2
    return float(there @ below / pairs) if pairs else None
