"""From checked columns to data: split, fit the encoder on the training part, encode every part."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from whygrad.data.columns import listed
from whygrad.data.encoder import Encoder, mean_and_scale
from whygrad.data.fitting import Inputs, Raw, inputs_of
from whygrad.data.numeric import LEAST, MOST, column_sizes, weights_in_float32
from whygrad.data.split import Split, absent_classes, split
from whygrad.data.table import Data, Note, Part
from whygrad.data.targets import Target
from whygrad.errors import DataError, InputError, unknown_name

Units = tuple[np.ndarray, np.ndarray]  # origin and size, one a number to predict
_NO_UNITS = np.empty(0), np.empty(0)


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
    units_of = _target_scaling(target_scaling, standardize)
    parts = split(samples, raw.target.classes, validation=validation, test=test, seed=seed)
    weight, lost = weights_in_float32(raw.weight)
    if lost:
        raise DataError(raw.name, lost)
    if weight is not None and not weight[parts.train].any():
        raise DataError(raw.name, [InputError("error.data_weight_train")])
    inputs = inputs_of(raw, parts, standardize)
    units = units_of(raw.target.y[parts.train]) if raw.target.task == "numbers" else _NO_UNITS
    encoder = Encoder(
        columns=raw.columns,
        categories=inputs.categories,
        fill=inputs.fill,
        mean=inputs.mean,
        scale=inputs.scale,
        image_shape=raw.image_shape,
        task=raw.target.task,
        target_names=raw.target.names,
        target_mean=units[0],
        target_scale=units[1],
    )
    y = encoder.scaled_target(raw.target.y)
    if raw.target.classes is None:
        y = y.astype(np.float32)
    _check_finite(raw, encoder, inputs, y)
    notes = (
        *raw.notes,
        *_constant_notes(raw, encoder, inputs),
        *_filled_notes(encoder, inputs.missing),
        *_rounded_notes(encoder, inputs),
        *_absent_notes(raw.target, parts),
    )
    return Data(
        name=raw.name,
        task=raw.target.task,
        **{
            name: Part(
                inputs.x[name],
                y[rows],
                raw.rows[rows],
                None if weight is None else weight[rows],
            )
            for name, rows in vars(parts).items()
        },
        feature_names=encoder.feature_names,
        target_names=raw.target.names,
        image_shape=raw.image_shape,
        encoder=encoder,
        notes=notes,
        source=raw.source,
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


def _check_finite(raw: Raw, encoder: Encoder, inputs: Inputs, y: np.ndarray) -> None:
    of_inputs = [] if inputs.wrong is None else [(*inputs.wrong, encoder.feature_names)]
    table, given = y.reshape(len(y), -1), raw.target.y.reshape(len(y), -1)
    of_targets = [
        (int(row), int(column), float(given[row, column]), raw.target.names)
        for row, column in np.argwhere(~(np.abs(table) <= MOST))[:1]
    ]
    problems = [
        InputError(
            "error.data_encode_too_large",
            column=names[column],
            came=actual,
            limit=MOST,
            **raw.place(int(raw.rows[row])),
        )
        for row, column, actual, names in (*of_inputs, *of_targets)
    ]
    names, sizes = encoder.feature_names, inputs.sizes
    if raw.target.task == "numbers":
        names, sizes = (*names, *raw.target.names), np.append(sizes, column_sizes(table))
    problems += [
        InputError(
            "error.data_too_small", column=names[column], came=float(sizes[column]), limit=LEAST
        )
        for column in np.flatnonzero((sizes > 0) & (sizes < LEAST))
    ]
    if problems:
        raise DataError(raw.name, problems)


def _constant_notes(raw: Raw, encoder: Encoder, inputs: Inputs) -> tuple[Note, ...]:
    """Return the note on inputs that never change; they are kept and say nothing.

    Raises:
        DataError: no input of a table changes. Arrays may do so: a single neuron with the input 1
            is a good lesson.
    """
    constant = np.flatnonzero(inputs.constant)
    if len(constant) == 0 or len(raw.rows) == 1:
        return ()
    if len(constant) == len(inputs.constant) and not isinstance(raw.features, np.ndarray):
        raise DataError(raw.name, [InputError("error.data_all_constant", count=len(constant))])
    names = listed([encoder.feature_names[index] for index in constant])
    return (Note("note.data_constant", {"count": len(constant), "names": names}),)


def _rounded_notes(encoder: Encoder, inputs: Inputs) -> tuple[Note, ...]:
    names = encoder.feature_names if inputs.rounded else ()
    return tuple(
        Note("note.data_rounded", {"column": names[index], "count": before, "left": after})
        for index, (before, after) in inputs.rounded.items()
    )


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
