"""What the measures of a part are, as data."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from whygrad.data.notes import Note
from whygrad.words.visible import finite

CONFUSIONS = 10  # that are told one by one
MATRIX = 100  # classes up to which JSON holds the whole confusion matrix
SHARES = (  # measures that are read in per cent
    "accuracy",
    "balanced_accuracy",
    "exact_match",
    "calibration_error",
    "mae_share",
    "precision",
    "recall",
)


@dataclass(frozen=True)
class OfClass:
    """How well one class or label is told.

    Attributes:
        samples: rows that have it, by weight where rows are weighed.
        precision: share of the rows claimed to have it that do; None where none is claimed to.
        recall: share of the rows that have it that are claimed to; None where none has it.
        f1: harmonic mean of the two, 2 TP / (2 TP + FP + FN); None where both are missing.
        auc: of its score against all others; None where it cannot be ranked.
    """

    name: str
    samples: float
    precision: float | None
    recall: float | None
    f1: float | None
    auc: float | None = None


@dataclass(frozen=True)
class OfNumber:
    """How well one number is told, in its own unit.

    Attributes:
        r2: share of its variance explained; None where it does not vary.
        mae, rmse: mean absolute error, root of the mean squared error.
        median: of the training part: the best constant answer.
        baseline_mae: mean absolute error of always answering that.
        mae_share: mae / baseline_mae; None where that is 0.
    """

    name: str
    r2: float | None
    mae: float
    rmse: float
    median: float
    baseline_mae: float
    mae_share: float | None


@dataclass(frozen=True)
class Bin:
    """Claims of about the same confidence.

    Attributes:
        low, high: confidences in (low, high].
        samples: how many claims, by weight where rows are weighed.
        confidence: their mean.
        right: share of them that are right.
    """

    low: float
    high: float
    samples: float
    confidence: float
    right: float


@dataclass(frozen=True)
class Confusion:
    """Rows of one class that are told to be of another.

    Attributes:
        true, told: names of the classes.
        samples: how many, by weight where rows are weighed.
        share: of the rows of the true class.
    """

    true: str
    told: str
    samples: float
    share: float


@dataclass(frozen=True, eq=False)
class Measures:
    """How good a network's predictions are on a part of the data.

    Printing it tells everything in words; a notebook shows it as a page.

    Attributes:
        part: ``train``, ``validation`` or ``test``, or what was measured instead; "" if unnamed.
        samples: rows.
        is_weighted: whether rows count by their weights; else every row counts once.
        values: the measures by name. Those that do not exist, or make no sense for these claims,
            are left out.
        answer: the best constant answer: a class, the names of labels, or the medians.
        baseline: the measures of always giving that answer.
        classes: of classes and labels, one each.
        counts: the confusion matrix (true, told); None of labels and numbers.
        numbers: of numbers, one each.
        bins: claims by confidence; empty where claims are no probabilities.
        notes: what was left out, and why.
    """

    task: str
    part: str
    samples: int
    is_weighted: bool
    values: dict[str, float]
    answer: tuple[str | float, ...]
    baseline: dict[str, float]
    classes: tuple[OfClass, ...] = ()
    counts: np.ndarray | None = None
    numbers: tuple[OfNumber, ...] = ()
    bins: tuple[Bin, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def figures(self) -> dict[str, float]:
        """The measures as floats by name, the baseline's main one among them."""
        named = {f"baseline_{name}": self.baseline.get(name) for name in ("accuracy", "mae")}
        return self.values | {name: value for name, value in named.items() if value is not None}

    @property
    def constant(self) -> str:
        """The class that the best constant answer names; of labels, all of them."""
        return ", ".join(map(str, self.answer))

    @property
    def beaten(self) -> str:
        """How the network stands to the baseline.

        ``yes``; ``no`` if it is no better in any way that is counted; ``partly`` if always giving
        one answer is right as often, but the network tells classes apart all the same.
        """
        if self.task == "numbers":
            is_worse = self.values.get("mae_share", 1.0) >= 1 and self.values.get("r2", 0.0) <= 0
            return "no" if is_worse else "yes"
        if self.values["accuracy"] > self.baseline["accuracy"]:
            return "yes"
        tells = self.values["balanced_accuracy"] > self.baseline["balanced_accuracy"]
        return "partly" if tells else "no"

    @property
    def worst(self) -> OfClass | None:
        """The class or label with the lowest F1 of those that occur; None where all are alike."""
        known = [one for one in self.classes if one.f1 is not None and one.samples]
        lowest = min(known, key=lambda one: one.f1 or 0.0, default=None)
        return lowest if lowest is not None and lowest.f1 != 1 and len(known) > 1 else None

    @property
    def confusions(self) -> tuple[Confusion, ...]:
        """The most frequent confusions of one class with another, at most ten."""
        if self.counts is None:
            return ()
        wrong, names = self.counts.copy(), [one.name for one in self.classes]
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
        of_true = self.counts.sum(axis=1)
        pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
        return tuple(
            Confusion(names[i], names[j], float(wrong[i, j]), float(wrong[i, j] / of_true[i]))
            for i, j in pairs
            if wrong[i, j]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data; what does not exist is None."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        told |= {"answer": list(self.answer), "beaten": self.beaten}
        told |= {name: [vars(one) for one in told[name]] for name in ("classes", "numbers", "bins")}
        told["counts"] = None  # of very many classes only the confusions are told
        if self.counts is not None and len(self.counts) <= MATRIX:
            told["counts"] = self.counts.tolist()
        told["confusions"] = [vars(one) for one in self.confusions]
        told["notes"] = [{"key": note.key, **note.values} for note in self.notes]
        return finite(told)

    def __str__(self) -> str:
        from whygrad.training.measures.text import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from whygrad.training.measures.html import as_html

        return as_html(self)
