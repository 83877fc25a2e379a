"""Data sets drawn at random from scikit-learn's: others than those of the fault files."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn.datasets

from benchmarks.faults.surrogates import Table

datasets: Any = sklearn.datasets  # its types do not say what a call returns
Draw = Callable[[np.random.Generator, int], Table]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def classification(rng: np.random.Generator, rows: int) -> Table:
    columns = int(rng.choice((4, 8, 16)))
    return datasets.make_classification(
        n_samples=rows,
        n_features=columns,
        n_classes=int(rng.integers(2, 5)),
        n_informative=int(rng.integers(3, columns + 1)),
        n_redundant=0,
        n_clusters_per_class=1,
        class_sep=rng.uniform(0.8, 1.6),
        random_state=_seed(rng),
    )


def moons(rng: np.random.Generator, rows: int) -> Table:
    return datasets.make_moons(rows, noise=rng.uniform(0.05, 0.25), random_state=_seed(rng))


def circles(rng: np.random.Generator, rows: int) -> Table:
    noise, factor = rng.uniform(0.03, 0.12), rng.uniform(0.3, 0.6)
    return datasets.make_circles(rows, noise=noise, factor=factor, random_state=_seed(rng))


def blobs(rng: np.random.Generator, rows: int) -> Table:
    return datasets.make_blobs(
        n_samples=rows,
        centers=int(rng.integers(2, 6)),
        n_features=int(rng.choice((2, 4))),
        cluster_std=rng.uniform(0.8, 2.5),
        random_state=_seed(rng),
    )


def regression(rng: np.random.Generator, rows: int) -> Table:
    columns = int(rng.choice((4, 8)))
    return datasets.make_regression(
        n_samples=rows,
        n_features=columns,
        n_informative=columns - 1,
        noise=rng.uniform(1, 40),
        random_state=_seed(rng),
    )


def friedman1(rng: np.random.Generator, rows: int) -> Table:
    columns, noise = int(rng.choice((5, 8))), rng.uniform(0.1, 1.5)
    return datasets.make_friedman1(rows, columns, noise=noise, random_state=_seed(rng))


def carried(name: str) -> Draw:
    """Return the drawing of rows, without repetition, from a set that scikit-learn carries."""

    def draw(rng: np.random.Generator, rows: int) -> Table:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        chosen = rng.permutation(len(x))[:rows]
        return x[chosen], y[chosen]

    return draw


CLASSES: dict[str, Draw] = {
    "classification": classification,
    "moons": moons,
    "circles": circles,
    "blobs": blobs,
    "digits": carried("digits"),
    "iris": carried("iris"),
    "wine": carried("wine"),
    "breast_cancer": carried("breast_cancer"),
}
QUANTITIES: dict[str, Draw] = {
    "regression": regression,
    "friedman1": friedman1,
    "diabetes": carried("diabetes"),
}
