"""Sums over rows: what measures are made of, added piece by piece."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Shaped

from whygrad.data.encoder import decided
from whygrad.data.notes import Note
from whygrad.errors import InputError, NonFiniteError
from whygrad.training.measures.calibration import Bins
from whygrad.training.measures.counting import (
    apart,
    mean_of,
    means,
    of_classes,
    shares,
    two_by_two,
)
from whygrad.training.measures.measured import Measures, OfClass, OfNumber
from whygrad.training.measures.ranking import Ranking, auc


@dataclass(frozen=True, eq=False)
class Asked:
    """What is measured.

    Attributes:
        task: ``classes``, ``binary``, ``labels`` or ``numbers``.
        names: of the classes, labels or numbers.
        constant: the best constant answer, see :func:`.constant.constant_answer`.
        are_probabilities: whether claims of classes and labels are probabilities, not scores.
        mean, scale: of numbers: claim * scale + mean is in the user's unit, (k,).
    """

    task: str
    names: tuple[str, ...]
    constant: np.ndarray
    are_probabilities: bool = True
    mean: np.ndarray = field(default_factory=lambda: np.zeros(1))
    scale: np.ndarray = field(default_factory=lambda: np.ones(1))


@runtime_checkable
class Tally(Protocol):
    """Sums over the rows of a part.

    Attributes:
        samples: rows that were added.
    """

    samples: int

    def add(
        self,
        claims: Float[np.ndarray, "m n_out"],
        y: Shaped[np.ndarray, "m *outputs"],
        weight: Float[np.ndarray, " m"] | None = None,
    ) -> None:
        """Add rows.

        Args:
            claims: what the outputs claim: probabilities, scores, or numbers as trained on.
            y: class indices (m,), or labels or numbers as trained on (m, k).
            weight: how much each row counts; of all pieces, or of none.

        Raises:
            NonFiniteError: a claim is NaN, or a number infinite.
        """
        ...

    def measures(self, part: str = "") -> Measures:
        """Return what the rows so far come to.

        Raises:
            InputError: no row counts.
        """
        ...


def tally_of(asked: Asked) -> Tally:
    """Return an empty tally for a task."""
    kind = {"labels": LabelTally, "numbers": NumberTally}.get(asked.task, ClassTally)
    return kind(asked)


class _Sums:
    """What all tallies have: how many rows there were, and whether they were weighed."""

    def __init__(self, asked: Asked):
        self.asked, self.samples, self.is_weighted, self._total = asked, 0, False, 0.0

    def _taken(
        self, claims: np.ndarray, weight: np.ndarray | None, *, may_be_infinite: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return claims and weights as they are summed.

        Raises:
            NonFiniteError: there is a claim from which nothing follows.
        """
        claims = np.asarray(claims)
        if claims.dtype.itemsize < 4:  # half precision has no sums worth the name
            claims = claims.astype(np.float32)
        is_bad = np.isnan(claims) if may_be_infinite else ~np.isfinite(claims)
        if is_bad.any():
            raise NonFiniteError("error.measure_not_finite", samples=len(claims))
        self.samples += len(claims)
        self.is_weighted |= weight is not None
        counted = np.ones(len(claims)) if weight is None else weight.astype(np.float64)
        self._total += float(counted.sum())
        return claims, counted

    @property
    def total(self) -> float:
        """The sum of the weights, above 0.

        Raises:
            InputError: no row counts.
        """
        if not self._total:
            raise InputError("error.nothing_measured", samples=self.samples)
        return self._total


class _SumsOfClaims(_Sums):
    """What the tallies of classes and labels share: how sure claims are, and how they rank."""

    ranking: Ranking | None

    def __init__(self, asked: Asked):
        super().__init__(asked)
        self.squared, self.bins = 0.0, Bins()  # of probabilities

    def _measures(
        self,
        part: str,
        classes: tuple[OfClass, ...],
        values: dict[str, float],
        baseline: dict[str, float],
        answer: Sequence[str],
        counts: np.ndarray | None = None,
    ) -> Measures:
        """Return the measures, those of probabilities added to ``values``."""
        asked, drawn = self.asked, () if self.ranking is None else _drawn(self.ranking)
        if asked.are_probabilities:
            of_chances = {"brier": self.squared / self.total, "calibration_error": self.bins.error}
            values = values | of_chances
        return Measures(
            task=asked.task,
            part=part,
            samples=self.samples,
            is_weighted=self.is_weighted,
            values=values,
            answer=tuple(answer),
            baseline=baseline | ({"auc": 0.5} if "auc" in values else {}),
            classes=classes,
            counts=counts,
            bins=self.bins.filled,
            notes=(*drawn, *_absent(classes), *_of_scores(asked)),
        )


class ClassTally(_SumsOfClaims):
    """Sums for classes, two or more: each row has one."""

    def __init__(self, asked: Asked):
        super().__init__(asked)
        classes = len(asked.names)
        self.counts = np.zeros((classes, classes))
        # scores of one row compare its classes; only two classes make them one score for all rows
        columns = 1 if classes == 2 else classes if asked.are_probabilities else 0
        self.ranking = Ranking(columns) if columns else None

    def add(
        self,
        claims: Float[np.ndarray, "m n_out"],
        y: Int[np.ndarray, " m"],
        weight: Float[np.ndarray, " m"] | None = None,
    ) -> None:
        claims, counted = self._taken(claims, weight, may_be_infinite=True)
        told, shape = decided(self.asked.task, claims), self.counts.shape
        places = np.ravel_multi_index((y, told), shape)
        self.counts += np.bincount(places, counted, self.counts.size).reshape(shape)
        if self.ranking is not None:
            self.ranking.add(self._scores(claims), y, counted)
        if not self.asked.are_probabilities:
            return
        chances = np.hstack([1 - claims, claims]) if claims.shape[1] == 1 else claims
        rows = np.arange(len(y))
        squares = np.einsum("ij,ij->i", chances, chances, dtype=np.float64)
        distances = squares - 2 * chances[rows, y].astype(float) + 1
        # halved of two classes, so that it is the mean of (p - y)^2
        self.squared += float(counted @ distances) / (2 if len(self.asked.names) == 2 else 1)
        self.bins.add(chances[rows, told], told == y, counted)

    def _scores(self, claims: np.ndarray) -> np.ndarray:
        """Return a column of scores for every class; of two classes, of the second alone."""
        if claims.shape[1] != 2:
            return claims
        return claims[:, 1:] if self.asked.are_probabilities else np.diff(claims, axis=1)

    def measures(self, part: str = "") -> Measures:
        names, constant = self.asked.names, int(self.asked.constant)
        total, of_true = self.total, self.counts.sum(axis=1)
        classes = of_classes(names, apart(self.counts), self._ranks())
        values = {"accuracy": float(np.trace(self.counts) / total), **means(classes)}
        always = np.zeros_like(self.counts)
        always[:, constant] = of_true
        baseline = {
            "accuracy": float(of_true[constant] / total),
            **means(of_classes(names, apart(always))),
        }
        return self._measures(
            part, classes, values, baseline, (names[constant],), self.counts.copy()
        )

    def _ranks(self) -> list[float | None]:
        """Return the AUC of each class against the others."""
        count = len(self.asked.names)
        if self.ranking is None:
            return [None] * count
        scores, y, weight = self.ranking.arrays()
        if scores.shape[1] == 1:  # of the first class it is the same
            return [auc(scores[:, 0], y == 1, weight)] * 2
        return [auc(scores[:, k], y == k, weight) for k in range(count)]


class LabelTally(_SumsOfClaims):
    """Sums for labels: a row may have none, one or several."""

    def __init__(self, asked: Asked):
        super().__init__(asked)
        labels = len(asked.names)
        self.counts = np.zeros((labels, 2, 2))  # label, true, told
        self.always = np.zeros((labels, 2, 2))
        self.exact = self.always_exact = 0.0
        self.ranking: Ranking = Ranking(labels)

    def add(
        self,
        claims: Float[np.ndarray, "m n_out"],
        y: Shaped[np.ndarray, "m n_out"],
        weight: Float[np.ndarray, " m"] | None = None,
    ) -> None:
        claims, counted = self._taken(claims, weight, may_be_infinite=True)
        told, true = decided("labels", claims), y > 0.5
        constant = np.broadcast_to(self.asked.constant, true.shape)
        self.counts += two_by_two(true, told, counted)
        self.always += two_by_two(true, constant, counted)
        self.exact += float(counted @ (told == true).all(axis=1))
        self.always_exact += float(counted @ (constant == true).all(axis=1))
        self.ranking.add(claims, true, counted)
        if not self.asked.are_probabilities:
            return
        self.squared += float(counted @ np.mean((claims - true) ** 2.0, axis=1, dtype=float))
        of_each = np.repeat(counted, claims.shape[1])
        self.bins.add(claims.ravel(), true.ravel(), of_each)

    def measures(self, part: str = "") -> Measures:
        names, total = self.asked.names, self.total
        scores, true, weight = self.ranking.arrays()
        ranks = [auc(scores[:, k], true[:, k], weight) for k in range(len(names))]
        classes = of_classes(names, self.counts, ranks)
        always = of_classes(names, self.always)
        values = self._values(self.counts, self.exact / total, classes)
        baseline = self._values(self.always, self.always_exact / total, always)
        answer = np.array(names, object)[self.asked.constant].tolist()
        return self._measures(part, classes, values, baseline, answer)

    def _values(
        self, counts: np.ndarray, exact: float, classes: Sequence[OfClass]
    ) -> dict[str, float]:
        recalls = [mean_of(shares(np.diagonal(of_one), of_one.sum(axis=1))) for of_one in counts]
        return {
            "accuracy": float(np.trace(counts, axis1=1, axis2=2).mean() / self.total),
            "exact_match": exact,
            **means(classes),
            "balanced_accuracy": mean_of(recalls) or 0.0,
        }


class NumberTally(_Sums):
    """Sums for numbers, one or several in a row."""

    def __init__(self, asked: Asked):
        super().__init__(asked)
        zeros = np.zeros(len(asked.names))
        self.error, self.squared = zeros, zeros
        # distances from the training median, near which a sum of squares loses few digits
        self.away, self.distance, self.away_squared = zeros, zeros, zeros

    def add(
        self,
        claims: Float[np.ndarray, "m n_out"],
        y: Shaped[np.ndarray, "m n_out"],
        weight: Float[np.ndarray, " m"] | None = None,
    ) -> None:
        claims, counted = self._taken(claims, weight, may_be_infinite=False)
        error = claims.astype(np.float64) - y
        away = y.astype(np.float64) - self.asked.constant
        self.error, self.squared = (
            self.error + counted @ abs(error),
            self.squared + counted @ error**2,
        )
        self.away, self.distance = self.away + counted @ away, self.distance + counted @ abs(away)
        self.away_squared = self.away_squared + counted @ away**2

    def measures(self, part: str = "") -> Measures:
        names, scale = self.asked.names, self.asked.scale
        # Chan, Golub and LeVeque 1983: the spread from shifted sums
        spread = np.maximum(self.away_squared - self.away**2 / self.total, 0.0)
        spread[spread <= 1e-12 * self.away_squared] = 0.0  # rounding
        mae, always = self.error / self.total * scale, self.distance / self.total * scale
        rmse = np.sqrt(self.squared / self.total) * scale
        of_each = zip(
            names,
            shares(spread - self.squared, spread),
            mae.tolist(),
            rmse.tolist(),
            (self.asked.constant * scale + self.asked.mean).tolist(),
            always.tolist(),
            shares(mae, always),
            strict=True,
        )
        numbers = tuple(OfNumber(*one) for one in of_each)
        values = {"r2": 1 - self.squared.sum() / spread.sum()} if spread.any() else {}
        baseline = {"r2": 1 - self.away_squared.sum() / spread.sum()} if spread.any() else {}
        if len(names) == 1:
            values |= {"mae": numbers[0].mae, "rmse": numbers[0].rmse}
            baseline |= {"mae": numbers[0].baseline_mae}
            baseline |= {"rmse": float(np.sqrt(self.away_squared / self.total)[0] * scale[0])}
        share = mean_of([one.mae_share for one in numbers])
        values |= {} if share is None else {"mae_share": share}
        return Measures(
            task=self.asked.task,
            part=part,
            samples=self.samples,
            is_weighted=self.is_weighted,
            values={name: float(value) for name, value in values.items()},
            answer=tuple(one.median for one in numbers),
            baseline={name: float(value) for name, value in baseline.items()},
            numbers=numbers,
        )


def _absent(classes: Sequence[OfClass]) -> tuple[Note, ...]:
    absent = [one.name for one in classes if not one.samples]
    if not absent:
        return ()
    return (Note("measures.note.absent", {"count": len(absent), "names": ", ".join(absent[:8])}),)


def _of_scores(asked: Asked) -> tuple[Note, ...]:
    if asked.are_probabilities:
        return ()
    has_rank = asked.task == "labels" or len(asked.names) == 2
    return (Note(f"measures.note.scores{'' if has_rank else '.unranked'}", {}),)


def _drawn(ranking: Ranking) -> tuple[Note, ...]:
    if ranking.rows == ranking.seen:
        return ()
    return (Note("measures.note.drawn", {"rows": ranking.rows, "samples": ranking.seen}),)
