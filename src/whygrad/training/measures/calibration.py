"""Calibration: whether what is claimed with a confidence is right as often."""

import numpy as np
from jaxtyping import Bool, Float

from whygrad.training.measures.measured import Bin

BINS = 10  # of confidence, equally wide
EDGES = np.arange(1, BINS) / BINS


class Bins:
    """Claims by their confidence: how many, how confident, how many of them right."""

    def __init__(self):
        self.sums = np.zeros((3, BINS))

    def add(
        self,
        confidence: Float[np.ndarray, " n"],
        is_right: Bool[np.ndarray, " n"],
        weight: Float[np.ndarray, " n"],
    ) -> None:
        place = np.searchsorted(EDGES, confidence)  # (low, high]
        for sums, what in zip(
            self.sums, (weight, weight * confidence, weight * is_right), strict=True
        ):
            sums += np.bincount(place, what, BINS)

    @property
    def filled(self) -> tuple[Bin, ...]:
        """The bins that hold claims, the least confident first."""
        return tuple(
            Bin(at / BINS, (at + 1) / BINS, samples, confidence / samples, right / samples)
            for at, (samples, confidence, right) in enumerate(self.sums.T.tolist())
            if samples
        )

    @property
    def error(self) -> float:
        """The expected calibration error: how far confidence is from being right, in the mean.

        Source: Naeini, Cooper and Hauskrecht 2015; Guo and others 2017, of the class that is told.
        """
        samples, confidence, right = self.sums
        return float(np.abs(right - confidence).sum() / samples.sum())
