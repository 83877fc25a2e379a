"""From checked columns to data: split, fit the encoder on the training part, encode every part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from whygrad.data.columns import Place, row_place
from whygrad.data.encoder import (
    Encoder,
    Features,
    categories_of,
    expand,
    fill_values,
    filled,
    mean_and_scale,
)
from whygrad.data.split import Split, absent_classes, split
from whygrad.data.table import Data, Note, Part
from whygrad.data.targets import Target
from whygrad.errors import DataError, InputError, unknown_name

Units = tuple[np.ndarray, np.ndarray]  # origin and size, one a number to predict
_NO_UNITS = np.empty(0), np.empty(0)
SHOWN = 6  # at most so many names stand in a sentence


@dataclass(frozen=True, eq=False)
class Raw:
    """What every kind of source yields before it is split.

    Args:
        features: an array (m, columns), or checked columns.
        columns: names of the raw columns.
        rows: where each sample stands in the source, shape (m,).
        weight: sample weights, shape (m,), or None.
        divisor: the inputs are divided by it where they are not standardised.
        place: row in the source -> where a user finds it.
    """

    name: str
    features: Features
    columns: tuple[str, ...]
    target: Target
    rows: np.ndarray
    weight: np.ndarray | None = None
    image_shape: tuple[int, int] | None = None
    divisor: float = 1.0
    place: Callable[[int], Place] = row_place
    notes: tuple[Note, ...] = ()
    source: dict[str, object] = field(default_factory=dict)


def assemble(
    raw: Raw,
    *,
    standardize: bool,
    target_scaling: str | None,
    validation: float | int,
    test: float | int,
    seed: int,
) -> Data:
    """Return the finished data.

    Raises:
        OptionError: there is no such scaling of targets.
        DataError: all inputs of a table are constant, no training sample counts, or a value is so
            far from the training part that it cannot be a float32 once it is scaled.
    """
    samples = len(raw.rows)
    scaling = _target_scaling(target_scaling, standardize)
    parts = split(samples, raw.target.classes, validation=validation, test=test, seed=seed)
    weight = None if raw.weight is None else raw.weight.astype(np.float32)
    if weight is not None and not weight[parts.train].any():
        raise DataError(raw.name, [InputError("error.data_weight_train")])
    categories = _categories(raw.features, parts.train)
    expanded = expand(raw.features, categories)
    missing = np.isnan(expanded).sum(axis=0)
    fill = fill_values(expanded, missing, parts.train)
    inputs = filled(expanded, fill)
    train = inputs[parts.train] if standardize else None
    units = scaling(raw.target.y[parts.train]) if raw.target.task == "numbers" else _NO_UNITS
    encoder = _fit(raw, categories, fill, train, units)
    x = encoder.scaled(inputs)
    y = encoder.scaled_target(raw.target.y)
    if raw.target.classes is None:
        y = y.astype(np.float32)
    _check_finite(raw, encoder, inputs, x, y)
    notes = (
        *raw.notes,
        *_constant_notes(raw.name, isinstance(raw.features, tuple), encoder, inputs),
        *_filled_notes(encoder, missing),
        *_absent_notes(raw.target, parts),
    )
    return Data(
        name=raw.name,
        task=raw.target.task,
        **{name: _part(raw.rows, x, y, weight, rows) for name, rows in vars(parts).items()},
        feature_names=encoder.feature_names,
        target_names=raw.target.names,
        image_shape=raw.image_shape,
        encoder=encoder,
        notes=notes,
        source=raw.source,
    )


def _part(
    places: np.ndarray, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, rows: np.ndarray
) -> Part:
    return Part(x[rows], y[rows], places[rows], None if weight is None else weight[rows])


def _categories(features: Features, train: np.ndarray) -> tuple[tuple[str, ...], ...]:
    if isinstance(features, np.ndarray):
        return ((),) * features.shape[1]
    return tuple(categories_of(column.take(train)) for column in features)


def _fit(
    raw: Raw,
    categories: tuple[tuple[str, ...], ...],
    fill: np.ndarray,
    train: np.ndarray | None,
    units: Units,
) -> Encoder:
    """Return the encoder, fitted on the training rows.

    Args:
        train: the filled inputs of the training part; None where they are not standardised.
        units: origin and size of the units in which the numbers to predict are given.
    """
    mean, scale = np.zeros(len(fill)), np.full(len(fill), raw.divisor)
    if train is not None:
        is_number = np.array([not known for known in categories for _ in known or [0]], bool)
        mean, scale = mean_and_scale(train)
        mean, scale = np.where(is_number, mean, 0.0), np.where(is_number, scale, 1.0)
    return Encoder(
        columns=raw.columns,
        categories=categories,
        fill=fill,
        mean=mean,
        scale=scale,
        image_shape=raw.image_shape,
        task=raw.target.task,
        target_names=raw.target.names,
        target_mean=units[0],
        target_scale=units[1],
    )


def _unit_range(train: np.ndarray) -> Units:
    """Return the units in which numbers go from 0 to 1; a constant column keeps its size."""
    low, high = train.min(axis=0), train.max(axis=0)
    return low, np.where(high > low, high - low, 1.0)


def _as_given(train: np.ndarray) -> Units:
    return np.zeros(train.shape[1:]), np.ones(train.shape[1:])


TARGET_SCALINGS: dict[str, Callable[[np.ndarray], Units]] = {
    "standard": mean_and_scale,
    "unit": _unit_range,
    "none": _as_given,
}


def _target_scaling(name: str | None, standardize: bool) -> Callable[[np.ndarray], Units]:
    """Return how numbers to predict are scaled; if nothing is said, as the inputs are."""
    chosen = name or ("standard" if standardize else "none")
    if chosen not in TARGET_SCALINGS:
        raise unknown_name("target_scaling", chosen, tuple(TARGET_SCALINGS))
    return TARGET_SCALINGS[chosen]


def _check_finite(
    raw: Raw, encoder: Encoder, inputs: np.ndarray, x: np.ndarray, y: np.ndarray
) -> None:
    problems = []
    for values, names, given in (
        (x, encoder.feature_names, inputs),
        (y.reshape(len(y), -1), raw.target.names, raw.target.y.reshape(len(y), -1)),
    ):
        for row, column in np.argwhere(~np.isfinite(values))[:1]:
            said = {"column": names[column], "came": float(given[row, column])}
            place = raw.place(int(raw.rows[row]))
            problems.append(InputError("error.data_encode_too_large", **said, **place))
    if problems:
        raise DataError(raw.name, problems)


def _constant_notes(
    name: str, is_table: bool, encoder: Encoder, inputs: np.ndarray
) -> tuple[Note, ...]:
    """Return the note on inputs that never change; they are kept and say nothing.

    Raises:
        DataError: no input of a table changes. Arrays may do so: a single neuron with the input 1
            is a good lesson.
    """
    constant = np.flatnonzero((inputs == inputs[:1]).all(axis=0))
    if len(constant) == 0 or len(inputs) == 1:
        return ()
    if len(constant) == inputs.shape[1] and is_table:
        raise DataError(name, [InputError("error.data_all_constant", count=len(constant))])
    names = listed([encoder.feature_names[index] for index in constant])
    return (Note("note.data_constant", {"count": len(constant), "names": names}),)


def _filled_notes(encoder: Encoder, missing: np.ndarray) -> tuple[Note, ...]:
    return tuple(
        Note(
            "note.data_filled",
            {
                "column": encoder.feature_names[index],
                "count": int(missing[index]),
                "fill": float(encoder.fill[index]),
            },
        )
        for index in np.flatnonzero(missing)
    )


def _absent_notes(target: Target, parts: Split) -> tuple[Note, ...]:
    if target.classes is None:
        return ()
    lacking = absent_classes(target.classes, target.names, parts)
    return tuple(
        Note(f"note.data_absent_{part}", {"count": len(names), "names": listed(names)})
        for part, names in lacking.items()
    )


def listed(names: list[str]) -> str:
    """Return the first names, separated by commas, and an ellipsis where there are more."""
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
