"""From counts to measures: precision, recall, F1, and their means over the classes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from whygrad.training.measures.measured import OfClass


def of_classes(
    names: Sequence[str],
    counts: Float[np.ndarray, "k 2 2"],
    ranks: Sequence[float | None] | None = None,
) -> tuple[OfClass, ...]:
    """Return how well each class or label is told.

    Args:
        counts: of each, over whether it is there and whether it is told to be.
        ranks: the AUC of each.
    """
    found, claimed, there = counts[:, 1, 1], counts[:, :, 1].sum(axis=1), counts[:, 1].sum(axis=1)
    return tuple(
        OfClass(*one)
        for one in zip(
            names,
            there.tolist(),
            shares(found, claimed),
            shares(found, there),
            shares(2 * found, claimed + there),
            ranks or [None] * len(names),
            strict=True,
        )
    )


def means(classes: Sequence[OfClass]) -> dict[str, float]:
    """Return the means over the classes, each counting alike, of what those have that occur."""
    named = {"balanced_accuracy": "recall", "f1": "f1", "auc": "auc"}
    found = {name: mean_of([getattr(one, of) for one in classes]) for name, of in named.items()}
    return {name: value for name, value in found.items() if value is not None}


def apart(counts: np.ndarray) -> np.ndarray:
    """Return of a confusion matrix each class against all others, (k, true, told)."""
    found, there, claimed = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    others = counts.sum() - there - claimed + found
    cells = [[others, claimed - found], [there - found, found]]
    return np.moveaxis(np.array(cells), -1, 0)


def two_by_two(true: np.ndarray, told: np.ndarray, weight: np.ndarray) -> np.ndarray:
    cells = [[weight @ ((true == is_true) & (told == is_told)) for is_told in (False, True)]
             for is_true in (False, True)]  # fmt: skip
    return np.moveaxis(np.array(cells), -1, 0)


def shares(parts: np.ndarray, wholes: np.ndarray) -> list[float | None]:
    pairs = zip(parts.tolist(), wholes.tolist(), strict=True)
    return [part / whole if whole else None for part, whole in pairs]


def mean_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
