"""Data from arrays: what is given is what is trained, unless it is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from whygrad.data.assembling import Raw, assemble
from whygrad.data.columns import (
    Column,
    column_from_array,
    frame_names,
    is_frame,
    row_place,
)
from whygrad.data.split import check_split
from whygrad.data.table import Data, Note
from whygrad.data.targets import (
    Target,
    check_task,
    rare_classes,
    target_of,
    task_of,
)
from whygrad.errors import DataError, InputError

LARGEST = float(np.finfo(np.float32).max)
FEWEST = 5  # samples, where some of them are held out


def from_arrays(
    x: object,
    y: object,
    *,
    name: str = "arrays",
    feature_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    sample_weight: object = None,
    image_shape: tuple[int, int] | None = None,
    task: str | None = None,
    standardize: bool = False,
    validation: float | int = 0.1,
    test: float | int = 0.2,
    seed: int = 0,
    source: dict[str, object] | None = None,
) -> Data:
    """Return data from arrays, lists or DataFrames; nothing is scaled unless it is asked for.

    Args:
        x: inputs (m, n_in), or images (m, height, width).
        y: class numbers or names (m,), numbers (m,) or (m, k), or a 0/1 matrix (m, k).
        target_names: of the classes in their order, the labels or the numbers.
        sample_weight: how much each sample counts, shape (m,), >= 0.
        task: ``classes``, ``binary``, ``labels`` or ``numbers``; None finds it out from y.
        standardize: give inputs and numbers to predict mean 0 and spread 1, as measured on the
            training part.
        validation: share of the samples, in [0, 1).
        test: share of the samples, in [0, 1).
        source: how the arrays were made, JSON-able.
    Raises:
        DataError: with every problem found.
        OptionError: an unknown task, or a share out of range.
    """
    check_task(task)
    check_split(validation, test, seed)
    inputs, names, shape, problems = _inputs(x, feature_names, image_shape)
    columns, more = _target_columns(y)
    problems += more
    weight, more = _weight(sample_weight)
    problems += more
    problems += _lengths(x=_length(x), y=_length(y), sample_weight=_length(sample_weight))
    target = None
    problems = problems or few_rows(len(inputs), validation + test > 0)
    if not problems:
        target, problems = target_of(columns, task, target_names)
        if target is not None and not problems:
            problems = rare_classes(target) if validation + test > 0 else []
    if problems or target is None:
        raise DataError(name, problems)
    raw = Raw(
        name=name,
        features=inputs,
        columns=names,
        target=target,
        rows=np.arange(len(inputs)),
        weight=weight,
        image_shape=shape,
        notes=task_notes(columns, target, task),
        source=source or {"kind": "arrays", "source": name, "options": {}},
    )
    return assemble(raw, standardize=standardize, validation=validation, test=test, seed=seed)


def few_rows(samples: int, is_split: bool) -> list[InputError]:
    """Return the problem of too few samples; where all of them train, one is enough."""
    if samples >= (FEWEST if is_split else 1):
        return []
    return [InputError("error.data_few_rows", came=samples, expected=FEWEST)]


def task_notes(columns: Sequence[Column], target: Target, asked: str | None) -> tuple[Note, ...]:
    """Return what was decided about the task and could have been decided otherwise."""
    if asked is not None:
        return ()
    if len(columns) > 1 and task_of(columns) == "classes":
        return (Note("note.data_one_hot", {"count": len(columns)}),)
    if columns[0].kind == "integer" and target.classes is not None and len(target.names) > 2:
        values = {"column": columns[0].name, "count": len(target.names)}
        return (Note("note.data_whole_numbers_as_classes", values),)
    return ()


def _inputs(
    x: object, names: Sequence[str] | None, image_shape: tuple[int, int] | None
) -> tuple[np.ndarray, tuple[str, ...], tuple[int, int] | None, list[InputError]]:
    if names is None and is_frame(x):
        names = frame_names(x)
    array, problems = numbers("x", x)
    if problems:
        return np.empty((0, 0)), (), None, problems
    if array.ndim == 3 and 0 not in array.shape:
        image_shape = image_shape or (array.shape[1], array.shape[2])
        array = array.reshape(len(array), -1)
    if array.ndim != 2 or array.shape[1] == 0:
        return array, (), None, [InputError("error.data_x_ndim", came=array.shape)]
    width = array.shape[1]
    names = tuple(f"x{index}" for index in range(width)) if names is None else tuple(names)
    if len(names) != width:
        problems.append(InputError("error.data_feature_names", expected=width, came=len(names)))
    elif len(set(names)) < width:
        repeated = sorted({name for name in names if names.count(name) > 1})
        problems.append(InputError("error.data_duplicate_columns", names=", ".join(repeated)))
    if image_shape is not None:
        image_shape = (int(image_shape[0]), int(image_shape[1]))
        if image_shape[0] * image_shape[1] != width:
            problems.append(InputError("error.data_image_shape", came=image_shape, expected=width))
    return array, names, image_shape, problems


def numbers(what: str, given: object) -> tuple[np.ndarray, list[InputError]]:
    """Return an array of finite real numbers, and why it is not one."""
    try:
        array = np.asarray(given)
    except ValueError:  # rows of different lengths
        return np.empty(0), [InputError("error.data_ragged_array", name=what)]
    if array.dtype.kind not in "biuf":
        kind = {"O": "object", "U": "text", "S": "text", "c": "complex", "M": "date", "m": "date"}
        came = kind.get(array.dtype.kind, array.dtype.name)
        return array, [InputError("error.data_array_kind", name=what, came=came)]
    return array, _not_finite(what, array)


def _not_finite(what: str, array: np.ndarray) -> list[InputError]:
    if array.dtype.kind != "f":
        return []
    wrong = ~np.isfinite(array)
    key = "error.data_array_not_finite"
    if not wrong.any():
        wrong, key = np.abs(array) > LARGEST, "error.data_array_too_large"
    if not wrong.any():
        return []
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    values = {"name": what, "index": list(index), "came": float(array[index])}
    return [InputError(key, **values, count=int(wrong.sum()), limit=LARGEST)]


def _target_columns(y: object) -> tuple[tuple[Column, ...], list[InputError]]:
    name = str(getattr(y, "name", None) or "y")
    try:
        array = np.asarray(y)
    except ValueError:
        return (), [InputError("error.data_ragged_array", name="y")]
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or 0 in array.shape[1:]:
        return (), [InputError("error.data_y_ndim", came=array.shape)]
    if array.dtype.kind in "biufcMm" or array.ndim == 2:
        array, problems = numbers("y", array)
        if problems:
            return (), problems
    columns = _named_columns(name, y, array)
    return columns, [problem for column in columns for problem in _target_problems(column)]


def _named_columns(name: str, y: object, array: np.ndarray) -> tuple[Column, ...]:
    if array.ndim == 1:
        return (column_from_array(name, array),)
    numbered = [f"{name}{index}" for index in range(array.shape[1])]
    names = frame_names(y) if is_frame(y) else numbered
    return tuple(column_from_array(n, v) for n, v in zip(names, array.T, strict=True))


def _target_problems(column: Column) -> list[InputError]:
    if column.kind not in ("text", "number", "integer", "boolean", "empty"):
        return [InputError("error.data_array_kind", name="y", came="object")]
    if len(column.values) and column.missing.any():
        row = int(np.flatnonzero(column.missing)[0])
        return [InputError("error.data_target_missing", column=column.name, **row_place(row))]
    return []


def _weight(given: object) -> tuple[np.ndarray | None, list[InputError]]:
    if given is None:
        return None, []
    weight, problems = numbers("sample_weight", given)
    if problems:
        return weight, problems
    if weight.ndim != 1:
        return weight, [InputError("error.data_weight_ndim", came=weight.shape)]
    if np.any(weight < 0) or (len(weight) and not np.any(weight > 0)):
        return weight, [InputError("error.data_weight_values", column="sample_weight")]
    return weight, []


def _length(array: object) -> int | None:
    try:
        return len(array)  # type: ignore[arg-type]
    except TypeError:  # None, or an array without dimensions
        return None


def _lengths(**lengths: int | None) -> list[InputError]:
    """Return the problem of arrays that differ in length; None has none."""
    known = {name: length for name, length in lengths.items() if length is not None}
    if len(set(known.values())) <= 1:
        return []
    came = ", ".join(f"{name}: {length}" for name, length in known.items())
    return [InputError("error.data_lengths", came=came)]
