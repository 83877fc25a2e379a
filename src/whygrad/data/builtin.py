"""The built-in sets: five that scikit-learn ships, and six that are

scikit-learn takes two seconds to import and none to read from: the files that it packages are read
directly, and its own loaders only where they are not found.

The generated ones are small enough to look at, and each asks something else of a network. A maker
takes the number of samples, the spread of its noise and a random generator, and returns inputs
(m, 2) and targets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.errors import OptionError

Read = tuple[np.ndarray, np.ndarray]
MOST_SAMPLES = 10_000_000
CELLS = 4  # a checkerboard has so many cells a side
TURNS = 1.5  # each arm of the spiral goes round so often
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

    def draw(self, seed: int, samples: Any = None, noise: Any = None) -> Read:
        """Return inputs and targets.

        Args:
            samples: None takes the default, as for the noise.

        Raises:
            OptionError: they are none that a generated set can have.
        """
        samples = self.samples if samples is None else samples
        noise = self.noise if noise is None else noise
        if self.is_generated:
            is_count = isinstance(samples, int | np.integer) and not isinstance(samples, bool)
            if not (is_count and 20 <= samples <= MOST_SAMPLES):
                raise OptionError("error.data_samples", actual=samples, most=MOST_SAMPLES)
            is_number = isinstance(noise, int | float | np.number) and not isinstance(noise, bool)
            if not (is_number and 0 <= noise <= 1000):
                raise OptionError("error.data_noise", actual=noise)
        return self.make(int(samples or 0), float(noise or 0.0), np.random.default_rng(seed))


def packaged(name: str) -> Path:
    """Return where scikit-learn keeps a data file, without importing it."""
    spec = find_spec("sklearn")
    folders = (spec.submodule_search_locations if spec else None) or ["."]
    return Path(next(iter(folders))) / "datasets" / "data" / name


def _shipped(name: str, *files: str, first_row: int = 1) -> Callable[..., Read]:
    """Return what reads a packaged set; the target is the last column."""
    is_diabetes = name == "diabetes"  # the one of numbers

    def read(*_: object) -> Read:
        paths = [packaged(file) for file in files]
        if not all(path.exists() for path in paths):
            from sklearn import datasets

            options = {"scaled": False} if is_diabetes else {}
            loaded = getattr(datasets, f"load_{name}")(**options)
            return loaded.data, loaded.target[:, None] if is_diabetes else loaded.target
        delimiter = None if is_diabetes else ","
        tables = [np.loadtxt(p, delimiter=delimiter, skiprows=first_row, ndmin=2) for p in paths]
        values = np.concatenate([t if len(t) > 1 else t.T for t in tables], axis=1)
        return values[:, :-1], values[:, -1:] if is_diabetes else values[:, -1].astype(int)

    return read


def spiral(samples: int, noise: float | int, generator: np.random.Generator) -> Read:
    """Three interleaved arms; a bend for every turn."""
    y = np.arange(samples) % 3
    along = generator.uniform(0.08, 1.0, samples)
    angle = 2 * np.pi * (TURNS * along + y / 3) + generator.normal(0, noise, samples)
    return np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1), y


def circles(samples: int, noise: float | int, generator: np.random.Generator) -> Read:
    """A ring around a ring; no straight line parts them."""
    y = np.arange(samples) % 2
    angle = generator.uniform(0, 2 * np.pi, samples)
    radius = np.where(y == 1, 0.5, 1.0)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return x + generator.normal(0, noise, x.shape), y


def moons(samples: int, noise: float | int, generator: np.random.Generator) -> Read:
    """Two half-moons that reach into each other."""
    y = np.arange(samples) % 2
    angle = generator.uniform(0, np.pi, samples)
    side = 1 - 2 * y
    x = np.stack([side * np.cos(angle) + y, side * np.sin(angle) + y / 2], axis=1)
    return x + generator.normal(0, noise, x.shape), y


def xor(samples: int, noise: float | int, generator: np.random.Generator) -> Read:
    """Class 1 where the signs of the two inputs differ; the noise blurs the border."""
    x = generator.uniform(-1, 1, (samples, 2))
    y = (x[:, 0] > 0) != (x[:, 1] > 0)
    return x + generator.normal(0, noise, x.shape), y.astype(int)


def checkerboard(samples: int, noise: float | int, generator: np.random.Generator) -> Read:
    """The fields of a board of 4 by 4; many corners for a small network."""
    x = generator.uniform(0, CELLS, (samples, 2))
    y = np.floor(x).astype(int).sum(axis=1) % 2
    return (x - CELLS / 2) / (CELLS / 2) + generator.normal(0, noise, x.shape), y


def linear(samples: int, noise: float | int, generator: np.random.Generator) -> Read:
    """A plane, 2 x1 - 3 x2 + 1: what a single neuron can learn."""
    x = generator.uniform(-1, 1, (samples, 2))
    y = x @ np.array([2.0, -3.0]) + 1 + generator.normal(0, noise, samples)
    return x, y[:, None]


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
    "spiral": Builtin(spiral, ("x1", "x2"), ("arm 0", "arm 1", "arm 2"), samples=600, noise=0.1),
    "circles": Builtin(circles, ("x1", "x2"), ("outer", "inner"), samples=500, noise=0.08),
    "moons": Builtin(moons, ("x1", "x2"), ("upper", "lower"), samples=500, noise=0.12),
    "xor": Builtin(xor, ("x1", "x2"), ("same", "different"), samples=500, noise=0.05),
    "checkerboard": Builtin(
        checkerboard, ("x1", "x2"), ("dark", "light"), samples=1200, noise=0.02
    ),
    "linear": Builtin(linear, ("x1", "x2"), ("y",), is_numbers=True, samples=300, noise=0.1),
}
