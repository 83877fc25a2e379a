"""From checked columns to data: split, fit the encoder on the training part, encode every part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from whygrad.core.memory import require_memory
from whygrad.data.categories import notes_of_rare
from whygrad.data.columns import Place, listed, row_place
from whygrad.data.encoder import (
    Encoder,
    Features,
    as_given,
    blocks,
    filled,
    mean_and_scale,
    medians,
    rules_of,
    scaled,
    unit_range,
)
from whygrad.data.matching import Rule
from whygrad.data.notes import Note
from whygrad.data.numeric import LEAST, MOST, column_sizes, weights_in_float32
from whygrad.data.split import Split, absent_classes, split
from whygrad.data.table import Data, Part
from whygrad.data.targets import Target
from whygrad.errors import DataError, InputError, unknown_name

# units of numbers to predict: origin and size
TARGET_SCALINGS: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "standard": mean_and_scale,
    "unit": unit_range,
    "none": as_given,
}


@dataclass(frozen=True, eq=False)
class Raw:
    """What every kind of source yields before it is split.

    Args:
        features: an array (rows of the source, columns), or a list of checked columns, which are
            let go as soon as they are encoded: they take twice the memory of the inputs.
        columns: names of the raw columns.
        rows: where each sample stands in the source and in the features, shape (m,), ascending.
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

    @property
    def length(self) -> int:
        """Rows of the source."""
        is_array = isinstance(self.features, np.ndarray)
        return len(self.features) if is_array else len(self.features[0].values)


@dataclass(eq=False)
class Inputs:
    """The inputs of all parts, and what was found on the way.

    Args:
        x: of each part, shape (m, n_in), float32.
        rules: of the raw columns.
        fill: see :class:`Encoder`; as are mean, scale and median, all of shape (n_in,).
        missing: how many values each input lacks.
        constant: which inputs never change.
        rounded: of inputs that hold more different whole numbers than float32 can tell apart
            there: how many there are, and how many are left.
        wrong: row, input and value of the first one that is too large for float32 to multiply once
            it is scaled.
        sizes: the largest size of each input as the network sees it, shape (n_in,).
    """

    rules: tuple[Rule, ...]
    x: dict[str, np.ndarray]
    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    median: np.ndarray
    missing: np.ndarray
    constant: np.ndarray
    rounded: dict[int, tuple[int, int]] = field(default_factory=dict)
    wrong: tuple[int, int, float] | None = None
    sizes: np.ndarray = field(default_factory=lambda: np.empty(0))


def inputs_of(raw: Raw, parts: Split, standardize: bool) -> Inputs:
    """Return the inputs, taken from the raw features a few at a time."""
    rules = rules_of(raw.columns, raw.features, raw.rows[parts.train])
    is_number = np.array([not rule.categories for rule in rules for _ in rule.names], bool)
    width, samples = len(is_number), len(raw.rows)
    values = {"source": raw.name, "rows": samples, "columns": width}
    require_memory(4 * samples * width, "error.data_memory", **values)
    found = Inputs(
        rules,
        x={name: np.empty((len(rows), width), np.float32) for name, rows in vars(parts).items()},
        fill=np.full(width, np.nan),
        mean=np.zeros(width),
        scale=np.full(width, raw.divisor),
        median=np.full(width, np.nan),
        missing=np.zeros(width, int),
        constant=np.zeros(width, bool),
        sizes=np.zeros(width),
    )
    rows = None if samples == raw.length else raw.rows
    for where, expanded in blocks(raw.features, rules, rows):
        found.missing[where] = np.isnan(expanded).sum(axis=0)
        if is_number[where.start]:
            found.median[where] = medians(expanded[parts.train])
        found.fill[where] = np.where(found.missing[where] > 0, found.median[where], np.nan)
        given = filled(expanded, found.fill[where])
        if standardize and is_number[where.start]:
            train = given[parts.train]
            if train.shape[1] == 1 < width:  # numpy adds up one column in another order than two
                train = np.repeat(train, 2, axis=1)
            mean, scale = mean_and_scale(train)
            found.mean[where], found.scale[where] = mean[: given.shape[1]], scale[: given.shape[1]]
        x = scaled(given, found.mean[where], found.scale[where])
        found.constant[where] = (given == given[:1]).all(axis=0)
        found.rounded |= _rounded(where.start, given, x, found.scale[where])
        found.sizes[where] = column_sizes(x)
        for row, column in np.argwhere(~(np.abs(x) <= MOST))[:1]:  # by row, then input
            if found.wrong is None or row < found.wrong[0]:
                found.wrong = int(row), where.start + int(column), float(given[row, column])
        for name, rows_of_part in vars(parts).items():
            found.x[name][:, where] = x[rows_of_part]
    return found


def _rounded(
    start: int, given: np.ndarray, x: np.ndarray, scale: np.ndarray
) -> dict[int, tuple[int, int]]:
    """Return the inputs of whole numbers of which float32 makes fewer; see :class:`Inputs`."""
    with np.errstate(invalid="ignore"):
        step = np.spacing(np.abs(x).max(axis=0, initial=0))  # from one float32 to the next
        are_near = np.flatnonzero(step * scale > 0.5)  # two whole numbers may fall into one
    found = {}
    for column in are_near:
        if np.array_equal(given[:, column], np.floor(given[:, column])):
            before, after = (len(np.unique(values[:, column])) for values in (given, x))
            if after < before:
                found[start + int(column)] = before, after
    return found


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
    scaling = target_scaling or ("standard" if standardize else "none")  # as the inputs are
    if scaling not in TARGET_SCALINGS:
        raise unknown_name("target_scaling", scaling, tuple(TARGET_SCALINGS))
    parts = split(samples, raw.target.classes, validation=validation, test=test, seed=seed)
    weight = usable_weights(raw, parts.train)
    inputs = inputs_of(raw, parts, standardize)
    units = np.empty(0), np.empty(0)
    if raw.target.task == "numbers":
        units = TARGET_SCALINGS[scaling](raw.target.y[parts.train])
    encoder = Encoder(
        columns=raw.columns,
        categories=tuple(rule.categories for rule in inputs.rules),
        forms=tuple(rule.form for rule in inputs.rules),
        parts=tuple(rule.parts for rule in inputs.rules),
        fill=inputs.fill,
        median=inputs.median,
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

    def part(name: str) -> Part:
        rows = getattr(parts, name)
        own = None if weight is None else weight[rows]
        return Part(inputs.x[name], y[rows], raw.rows[rows], own)

    return Data(
        name=raw.name,
        task=raw.target.task,
        train=part("train"),
        validation=part("validation"),
        test=part("test"),
        feature_names=encoder.feature_names,
        target_names=raw.target.names,
        image_shape=raw.image_shape,
        encoder=encoder,
        notes=(*raw.notes, *_notes(raw, encoder, inputs, parts)),
        source=raw.source,
    )


def usable_weights(raw: Raw, train: np.ndarray) -> np.ndarray | None:
    """Return the sample weights as float32, (m,); None where there are none.

    Raises:
        DataError: float32 does not hold one, or no sample of ``train`` counts.
    """
    weight, problems = weights_in_float32(raw.weight)
    if not problems and weight is not None and not weight[train].any():
        problems = [InputError("error.data_weight_train")]
    if problems:
        raise DataError(raw.name, problems)
    return weight


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
            actual=actual,
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
            "error.data_too_small", column=names[column], actual=float(sizes[column]), limit=LEAST
        )
        for column in np.flatnonzero((sizes > 0) & (sizes < LEAST))
    ]
    if problems:
        raise DataError(raw.name, problems)


def _notes(raw: Raw, encoder: Encoder, inputs: Inputs, parts: Split) -> Iterator[Note]:
    """Yield what is worth knowing about the inputs, and about classes that a part lacks.

    Raises:
        DataError: no input of a table changes. Arrays may do so: a single neuron with the input 1
            is a good lesson.
    """
    known, target = encoder.feature_names, raw.target
    constant = np.flatnonzero(inputs.constant)
    if len(constant) and len(raw.rows) > 1:
        if len(constant) == len(known) and not isinstance(raw.features, np.ndarray):
            raise DataError(raw.name, [InputError("error.data_all_constant", count=len(constant))])
        names = listed([known[index] for index in constant])
        yield Note("note.data_constant", {"count": len(constant), "names": names})
    for rule, column in zip(inputs.rules, raw.features, strict=False):
        if rule.parts:
            values = {"column": rule.column, "names": ", ".join(rule.names)}
            yield Note(f"note.data_form_{rule.form}", values)
        if rule.categories:  # its column is text, and not let go
            counts = column.counts_in(raw.rows[parts.train])
            yield from notes_of_rare(rule.column, counts)
    missing = zip(inputs.rules, *map(encoder.of_rules, (inputs.missing, encoder.fill)), strict=True)
    for rule, counts, fills in missing:
        if counts[0]:
            values = {"column": rule.column, "count": int(counts[0])}
            if rule.parts:
                yield Note("note.data_filled_date", values)
            else:
                yield Note("note.data_filled", values | {"fill": float(fills[0])})
    for index, (before, after) in inputs.rounded.items():
        values = {"column": known[index], "count": before, "left": after}
        yield Note("note.data_rounded", values)
    if target.classes is not None:
        lacking = absent_classes(target.classes, target.names, parts)
        for part, names in lacking.items():
            values = {"count": len(names), "names": listed(names)}
            yield Note(f"note.data_absent_{part}", values)
