"""Which of many long vectors are equal, without comparing all pairs.

Vectors are the columns of matrices. Each is first sketched: projected on a few random directions.
Vectors with nearly equal sketches are candidates, found by sorting; only candidates are compared
in full, each with the one vector that stands for its group, so that likeness never chains.

For n vectors of length d this takes O(n d) where groups are clear. It degrades, and stays right,
where many vectors differ by between one and two tolerances.

Source: Johnson and Lindenstrauss 1984, for the sketches.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

DIRECTIONS = 16
LOOSENESS = 2.0  # a pair within tolerance fails the sketches with probability < 1e-7
ROUNDING = 1e-13  # of a sketch, relative to the vector, in float64
PIECE = 2**20  # numbers looked at together
# How far apart equal neurons may be, relative to the norms of their weights in (with the bias) and
# of their weights out. About eight steps of float32, which is what summing the same terms in
# another order costs; neurons that were drawn apart differ by about 1.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Side:
    """Many vectors, one a column, sketched.

    Attributes:
        matrices: (d_1, n), (d_2, n), ...; vector k is column k of all of them, stacked.
        scale: what each vector is multiplied with before it is compared, (n,).
        sketch: projections of the scaled vectors, (n, DIRECTIONS).
        norm: length of each scaled vector, (n,).
    """

    matrices: tuple[Float[np.ndarray, "_ n"], ...]
    scale: Float[np.ndarray, " n"]
    sketch: Float[np.ndarray, "n directions"]
    norm: Float[np.ndarray, " n"]

    def times(self, scale: Float[np.ndarray, " n"]) -> "Side":
        """Return the same vectors, each multiplied with a number."""
        return replace(
            self,
            scale=self.scale * scale,
            sketch=self.sketch * scale[:, None],
            norm=self.norm * np.abs(scale),
        )

    def distance(
        self, some: Int[np.ndarray, " pairs"], others: Int[np.ndarray, " pairs"]
    ) -> Float[np.ndarray, " pairs"]:
        """Return how far apart the vectors of each pair are."""
        squares = np.zeros(len(some))
        for piece in pieces(self.matrices):
            piece *= self.scale
            difference = np.take(piece, some, axis=1)
            difference -= np.take(piece, others, axis=1)
            squares += np.einsum("dp,dp->p", difference, difference)
        return np.sqrt(squares)


def side(*matrices: Float[np.ndarray, "_ n"]) -> Side:
    """Sketch the vectors that stand in the columns of ``matrices``, stacked."""
    count = matrices[0].shape[1]
    generator = np.random.Generator(np.random.Philox(0))
    sketch, squares = np.zeros((count, DIRECTIONS)), np.zeros(count)
    for piece in pieces(matrices):
        sketch += piece.T @ generator.standard_normal((len(piece), DIRECTIONS))
        squares += np.einsum("dn,dn->n", piece, piece)
    return Side(matrices, np.ones(count), sketch, np.sqrt(squares))


def pieces(matrices: Sequence[Float[np.ndarray, "_ n"]]) -> Iterator[Float[np.ndarray, "_ n"]]:
    """Yield the rows of all matrices as float64 copies, few at a time, so memory stays small."""
    for matrix in matrices:
        rows = max(1, PIECE // matrix.shape[1])
        for start in range(0, len(matrix), rows):
            yield matrix[start : start + rows].astype(np.float64)


def equal_to(
    column: int, matrices: Sequence[Float[np.ndarray, "_ n"]], tolerance: float
) -> Bool[np.ndarray, " n"]:
    """Return which vectors, the columns of ``matrices``, stacked, are equal to one of them."""
    apart, squares = np.zeros(matrices[0].shape[1]), 0.0
    for piece in pieces(matrices):
        own = piece[:, [column]].copy()
        piece -= own
        apart += np.einsum("dn,dn->n", piece, piece)
        squares += float(np.sum(own**2))
    return apart <= tolerance**2 * squares


def representatives(sides: Sequence[Side], tolerance: float) -> Int[np.ndarray, " n"]:
    """Return for each vector the number of the one that stands for it; its own if none does.

    Vectors are taken in order, so the first of a group stands for it. A vector joins a group when
    on every side |vector - representative| <= tolerance * |representative|.
    """
    candidates = _Candidates(sides, tolerance)
    chosen = np.arange(len(sides[0].norm))
    waiting = chosen.copy()
    while len(waiting):
        for vector in waiting.tolist():
            chosen[vector] = candidates.take(vector)
        joined = waiting[chosen[waiting] != waiting]
        waiting = joined[~_are_equal(sides, joined, chosen[joined], tolerance)]
    return chosen


class _Candidates:
    """The representatives so far, and which of them may stand for a vector."""

    def __init__(self, sides: Sequence[Side], tolerance: float):
        self.sides = sides
        self.loose = LOOSENESS * (tolerance + ROUNDING)
        self.order, self.low, self.high = _windows(sides, self.loose * np.sqrt(DIRECTIONS))
        self.is_representative = np.zeros(len(self.order), bool)
        self.tried: defaultdict[int, list[int]] = defaultdict(list)

    def take(self, vector: int) -> int:
        """Return the first representative not yet tried that looks equal, else ``vector``."""
        near = self.order[self.low[vector] : self.high[vector]]
        near = np.sort(near[self.is_representative[near]])
        if self.tried[vector]:
            near = near[~np.isin(near, self.tried[vector])]
        near = near[self._look_equal(vector, near)]
        if not len(near):
            self.is_representative[vector] = True
            return vector
        self.tried[vector].append(int(near[0]))
        return int(near[0])

    def _look_equal(self, vector: int, near: Int[np.ndarray, " near"]) -> Bool[np.ndarray, " near"]:
        look = np.ones(len(near), bool)
        for side in self.sides:
            apart = np.mean((side.sketch[near] - side.sketch[vector]) ** 2, axis=1)
            look &= apart <= (self.loose * side.norm[near]) ** 2
        return look


def _windows(sides: Sequence[Side], reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the order of vectors along one line, and where each one's neighbours begin and end."""
    key, width = np.zeros(len(sides[0].norm)), np.zeros(len(sides[0].norm))
    for side in sides:
        unit = np.sqrt(np.mean(side.norm**2)) or 1.0
        key += side.sketch[:, 0] / unit
        width += 1.01 * reach * side.norm / unit  # a little more: equal vectors differ in norm
    order = np.argsort(key, kind="stable")
    low = np.searchsorted(key[order], key - width, side="left")
    high = np.searchsorted(key[order], key + width, side="right")
    return order, low, high


def _are_equal(
    sides: Sequence[Side],
    some: Int[np.ndarray, " pairs"],
    representative: Int[np.ndarray, " pairs"],
    tolerance: float,
) -> Bool[np.ndarray, " pairs"]:
    equal = np.ones(len(some), bool)
    for side in sides:
        equal &= side.distance(some, representative) <= tolerance * side.norm[representative]
    return equal
