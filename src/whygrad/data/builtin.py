"""The built-in sets: five that scikit-learn ships, and six that are generated.

scikit-learn takes two seconds to import and none to read from: the files that it packages are read
directly, and its own loaders only where they are not found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from whygrad.data import generated

Read = tuple[np.ndarray, np.ndarray]
CELL = ("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity")
CELL += ("concave points", "symmetry", "fractal dimension")


@dataclass(frozen=True)
class Builtin:
    """One built-in set.

    Args:
        make: (samples, noise, generator) -> x (m, n_in), y: class indices (m,) or numbers (m, k).
        feature_names: one for each column of x.
        target_names: of the classes, or of the numbers.
        is_numbers: whether the targets are numbers.
        image_shape: (height, width) of the pixels.
        divisor: the inputs are divided by it, and not standardised; None standardises.
        samples: default number of samples; None where it is fixed.
        noise: default spread of the noise; None where there is none to set.
    """

    make: Callable[[int, float | int, np.random.Generator], Read]
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    is_numbers: bool = False
    image_shape: tuple[int, int] | None = None
    divisor: float | None = None
    samples: int | None = None
    noise: float | None = None

    @property
    def is_generated(self) -> bool:
        return self.samples is not None


def packaged(name: str) -> Path:
    """Return where scikit-learn keeps a data file, without importing it."""
    spec = find_spec("sklearn")
    folders = (spec.submodule_search_locations if spec else None) or ["."]
    return Path(next(iter(folders))) / "datasets" / "data" / name


def _read(name: str, files: tuple[str, ...], first_row: int, *_: object) -> Read:
    """Return inputs and targets of a packaged set; the target is the last column."""
    paths = [packaged(file) for file in files]
    if not all(path.exists() for path in paths):
        return _through_sklearn(name)
    delimiter = None if name == "diabetes" else ","
    tables = [np.loadtxt(p, delimiter=delimiter, skiprows=first_row, ndmin=2) for p in paths]
    values = np.concatenate([t if len(t) > 1 else t.T for t in tables], axis=1)
    is_class = name != "diabetes"
    return values[:, :-1], values[:, -1].astype(int) if is_class else values[:, -1:]


def _through_sklearn(name: str) -> Read:
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}
    loaded = getattr(datasets, f"load_{name}")(**options)
    return loaded.data, loaded.target[:, None] if name == "diabetes" else loaded.target


def _shipped(name: str, *files: str, first_row: int = 1) -> Callable[..., Read]:
    return partial(_read, name, files, first_row)


BUILTIN: dict[str, Builtin] = {
    "digits": Builtin(
        _shipped("digits", "digits.csv.gz", first_row=0),
        tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8)),
        tuple(str(digit) for digit in range(10)),
        image_shape=(8, 8),
        divisor=16.0,
    ),
    "iris": Builtin(
        _shipped("iris", "iris.csv"),
        ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
        ("setosa", "versicolor", "virginica"),
    ),
    "wine": Builtin(
        _shipped("wine", "wine_data.csv"),
        (
            *("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols"),
            *("flavanoids", "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue"),
            *("od280/od315_of_diluted_wines", "proline"),
        ),
        ("class_0", "class_1", "class_2"),
    ),
    "breast_cancer": Builtin(
        _shipped("breast_cancer", "breast_cancer.csv"),
        (
            *(f"mean {measure}" for measure in CELL),
            *(f"{measure} error" for measure in CELL),
            *(f"worst {measure}" for measure in CELL),
        ),
        ("malignant", "benign"),
    ),
    "diabetes": Builtin(
        _shipped("diabetes", "diabetes_data_raw.csv.gz", "diabetes_target.csv.gz", first_row=0),
        ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
        ("progression",),
        is_numbers=True,
    ),
    "spiral": Builtin(
        generated.spiral, ("x1", "x2"), ("arm 0", "arm 1", "arm 2"), samples=600, noise=0.1
    ),
    "circles": Builtin(
        generated.circles, ("x1", "x2"), ("outer", "inner"), samples=500, noise=0.08
    ),
    "moons": Builtin(generated.moons, ("x1", "x2"), ("upper", "lower"), samples=500, noise=0.12),
    "xor": Builtin(generated.xor, ("x1", "x2"), ("same", "different"), samples=500, noise=0.05),
    "checkerboard": Builtin(
        generated.checkerboard, ("x1", "x2"), ("dark", "light"), samples=1200, noise=0.02
    ),
    "linear": Builtin(
        generated.linear, ("x1", "x2"), ("y",), is_numbers=True, samples=300, noise=0.1
    ),
}
