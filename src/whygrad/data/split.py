"""Which samples train, which validate and which test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whygrad.errors import OptionError

HELD_OUT = ("validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Sample indices of each part, ascending; together every sample once."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def check_split(validation: float | int, test: float | int, seed: int) -> None:
    """Check how the samples are to be divided.

    Raises:
        OptionError: a share is outside [0, 1), nothing is left to train on, or the seed is not a
            whole number >= 0.
    """
    for option, share in (("validation", validation), ("test", test)):
        is_number = isinstance(share, int | float | np.number) and not isinstance(share, bool)
        if not (is_number and 0 <= share < 1):
            raise OptionError("error.data_share", option=option, actual=share)
    if validation + test >= 1:
        raise OptionError("error.data_shares", validation=validation, test=test)
    is_whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not (is_whole and seed >= 0):
        raise OptionError("error.data_seed", actual=seed)


def split(
    samples: int,
    classes: np.ndarray | None,
    *,
    validation: float | int,
    test: float | int,
    seed: int,
) -> Split:
    """Return the parts of ``samples`` samples, drawn at random from ``seed``.

    With classes, each class is divided alike: every part holds its share of each class to within
    one sample, and training holds at least one of each.

    Args:
        classes: class index of each sample, shape (m,); None for numbers and labels.
        validation: share of the samples, in [0, 1).
        test: share of the samples, in [0, 1).
    """
    generator = np.random.default_rng(seed)
    groups = (
        np.zeros(samples, int) if classes is None else np.unique(classes, return_inverse=True)[1]
    )
    sizes = np.bincount(groups)
    tested = apportion(sizes, test, sizes - 1)
    validated = apportion(sizes, validation, sizes - 1 - tested)
    parts: dict[str, list[np.ndarray]] = {"train": [], "validation": [], "test": []}
    for group in range(len(sizes)):
        members = generator.permutation(np.flatnonzero(groups == group))
        ends = [tested[group], tested[group] + validated[group]]
        for name, piece in zip(
            ("test", "validation", "train"), np.split(members, ends), strict=True
        ):
            parts[name].append(piece)
    return Split(**{name: np.sort(np.concatenate(pieces)) for name, pieces in parts.items()})


def apportion(sizes: np.ndarray, share: float | int, most: np.ndarray) -> np.ndarray:
    """Return how many of each group are taken, to reach the share of all of them.

    Each group gives its share rounded down; the groups with the largest remainders give one more
    until the sum is right (largest remainder method). None gives more than ``most``.

    Args:
        sizes: samples in each group, shape (groups,).
        share: of all samples, in [0, 1).
        most: the limit for each group, shape (groups,).
    """
    if share == 0:
        return np.zeros(len(sizes), int)
    ideal = sizes * share
    taken = np.minimum(np.floor(ideal).astype(int), most)
    wanted = max(1, round(float(sizes.sum()) * share))
    may_give = taken + 1 <= most
    order = np.argsort(-np.where(may_give, ideal - taken, -1.0), kind="stable")
    extra = order[: max(0, wanted - taken.sum())]
    taken[extra[may_give[extra]]] += 1
    return taken


def absent_classes(classes: np.ndarray, names: Sequence[str], parts: Split) -> dict[str, list[str]]:
    """Return, for each held-out part that is not empty, the classes that it lacks."""
    lacking = {}
    for name in HELD_OUT:
        rows = getattr(parts, name)
        if len(rows):
            lacking[name] = [names[i] for i in np.setdiff1d(classes, classes[rows])]
    return {name: absent for name, absent in lacking.items() if absent}
