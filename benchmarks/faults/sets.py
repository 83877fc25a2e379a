"""Data that scikit-learn carries or makes, with the settings of the published cases."""

from typing import Any

import numpy as np
import sklearn.datasets

from benchmarks.faults.surrogates import Table

datasets: Any = sklearn.datasets  # its types do not say what a call returns


def bcancer() -> Table:
    return datasets.load_breast_cancer(return_X_y=True)


def blob() -> Table:
    x, y = datasets.make_blobs(
        n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2
    )
    return x[:700], y[:700]


def circle() -> Table:
    x, y = datasets.make_circles(n_samples=1000, noise=0.1, random_state=1)
    return x[:700], y[:700]


def diabetes_raw() -> Table:
    return datasets.load_diabetes(return_X_y=True, scaled=False)


def digits(n: int | None = None, *, scale: float = 1.0) -> Table:
    """Return the first ``n`` images, pixels from 0 to ``scale``, and their classes."""
    x, y = datasets.load_digits(return_X_y=True)
    return x[:n] / 16 * scale, y[:n]


def iris() -> Table:
    return datasets.load_iris(return_X_y=True)


def mkc(n: int = 1000, d: int = 20, k: int = 2, inf: int = 2) -> Table:
    return datasets.make_classification(
        n_samples=n, n_features=d, n_classes=k, n_informative=inf, n_redundant=2, random_state=0
    )


def mkc5() -> Table:
    return datasets.make_classification(
        n_samples=1000,
        n_features=5,
        n_classes=5,
        n_informative=4,
        n_redundant=0,
        random_state=42,
    )


def mkr(n: int = 1000, d: int = 10, k: int = 1) -> Table:
    return datasets.make_regression(
        n_samples=n, n_features=d, n_targets=k, n_informative=min(10, d), random_state=0
    )


def mkr1() -> Table:
    return datasets.make_regression(
        n_samples=1000, n_features=5, n_targets=1, n_informative=5, random_state=75
    )


def mkr_pos_dist() -> Table:
    x, y = datasets.make_regression(1000, 28, n_targets=6, n_informative=10, random_state=0)
    positive = np.exp((y - y.mean(axis=0)) / y.std(axis=0))
    return x, positive / positive.sum(axis=1, keepdims=True)


def multilabel(n: int = 4000) -> Table:
    return datasets.make_multilabel_classification(
        n_samples=n, n_features=20, n_classes=3, random_state=0
    )


def multilabel1() -> Table:
    x, y = datasets.make_multilabel_classification(
        n_samples=1000, n_features=4, n_classes=1, random_state=0
    )
    return x, y[:, 0]
