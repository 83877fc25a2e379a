"""How much there is to learn: what a standard model knows of rows that it has never seen.

A network that knows less of the rows it was trained on than an ordinary model knows of rows that
it has not seen does not learn. Where nothing carries over from row to row, or where there are too
few rows to hold any back, the measure is how far the rows can be told apart at all.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from whygrad.doctor.setup import Setup, r_squared, standardised
from whygrad.doctor.thresholds import CARRIES_OVER, FEW_ROWS
from whygrad.training.measures import constant_answer

MOST_ROWS = 2000
FOLDS = 3


@dataclass(frozen=True)
class Baseline:
    """What can be learned.

    Attributes:
        floor: accuracy of always saying the commonest class; 0 for r2.
        level: accuracy or r2 that an ordinary model reaches.
        is_by_heart: the level is that of knowing the rows by heart.
        is_small: there are too few rows to hold some back.
    """

    floor: float
    level: float
    is_by_heart: bool
    is_small: bool = False

    def learned(self, measure: float) -> float:
        """Return which share of what can be learned was learned, at most 1."""
        if self.level - self.floor < 1e-6:
            return 1.0 if measure >= self.floor - 1e-6 else 0.0
        return min((max(measure, self.floor - 1) - self.floor) / (self.level - self.floor), 1.0)


def baseline_of(setup: Setup) -> Baseline:
    """Return what can be learned from the data of a set-up."""
    floor, by_heart = _floor(setup), _by_heart(setup)
    if len(setup.x) < FEW_ROWS:
        return Baseline(floor, by_heart, True, is_small=True)
    level = min(_carried_over(setup), by_heart)
    if level - floor < CARRIES_OVER * (by_heart - floor):
        return Baseline(floor, by_heart, True)
    return Baseline(floor, level, False)


def _floor(setup: Setup) -> float:
    if not setup.is_classifying:
        return 0.0
    labels = np.asarray(setup.labels)
    labels = labels if setup.task == "labels" else labels.ravel().astype(int)
    return float(np.mean(labels == constant_answer(setup.task, labels)))


def _by_heart(setup: Setup) -> float:
    """Return the best that any function of the inputs can do on these rows."""
    _, group = np.unique(setup.x, axis=0, return_inverse=True)
    targets = _as_columns(setup)
    sums = np.zeros((group.max() + 1, targets.shape[1]))
    np.add.at(sums, group.ravel(), targets)
    means = sums / np.bincount(group.ravel())[:, None]
    return _score(setup, means[group.ravel()], np.arange(len(targets)))


def _carried_over(setup: Setup) -> float:
    """Return the best cross-validated score of three ordinary models."""
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold
    from sklearn.neighbors import KNeighborsRegressor

    models = (
        Ridge(1.0),
        KNeighborsRegressor(5, weights="distance"),
        ExtraTreesRegressor(50, min_samples_leaf=2, random_state=0),
    )
    chosen = np.random.default_rng(0).permutation(len(setup.x))[:MOST_ROWS]
    x, targets = standardised(setup.x)[chosen], _as_columns(setup)[chosen]
    scores = []
    for model in models:
        told = np.zeros_like(targets)
        for train, test in KFold(FOLDS).split(x):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fitted = model.fit(x[train], targets[train])
            told[test] = fitted.predict(x[test]).reshape(len(test), -1)
        scores.append(_score(setup, told, chosen))
    return max(scores)


def _as_columns(setup: Setup) -> np.ndarray:
    """Return what is to be told as columns of numbers: memberships of classes, or quantities."""
    labels = np.asarray(setup.labels, float)
    if setup.task in ("classes", "binary"):
        return np.eye(setup.classes)[labels.ravel().astype(int)]
    labels = labels.reshape(len(labels), -1)
    return labels if setup.is_classifying else standardised(labels)


def _score(setup: Setup, told: np.ndarray, rows: np.ndarray) -> float:
    truth = _as_columns(setup)[rows]
    if setup.task == "labels":
        return float(np.mean((told > 0.5) == (truth > 0.5)))
    if setup.is_classifying:
        return float(np.mean(told.argmax(axis=1) == truth.argmax(axis=1)))
    return r_squared(truth, told)
