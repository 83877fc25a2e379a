"""Data from arrays: what is given is what is trained, unless it is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from whygrad.data.assembling import Raw, assemble
from whygrad.data.columns import (
    Column,
    column_from_array,
    frame_names,
    is_frame,
    name_problems,
    row_place,
)
from whygrad.data.numeric import KINDS, as_array, real_numbers
from whygrad.data.problems import not_unicode
from whygrad.data.split import check_split
from whygrad.data.table import Data
from whygrad.data.targets import check_task, task_notes, usable_target
from whygrad.errors import DataError, InputError


def from_arrays(
    x: object,
    y: object,
    *,
    name: str = "arrays",
    feature_names: Iterable[str] | None = None,
    target_names: Iterable[str] | None = None,
    sample_weight: object = None,
    image_shape: Sequence[int] | None = None,
    task: str | None = None,
    standardize: bool = False,
    target_scaling: str | None = None,
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
        image_shape: (height, width) where the columns of x are pixels.
        task: ``classes``, ``binary``, ``labels`` or ``numbers``; None finds it out from y.
        standardize: give inputs and numbers to predict mean 0 and spread 1, as measured on the
            training part.
        target_scaling: of numbers to predict: ``standard``, ``unit`` (from 0 to 1) or ``none``;
            None scales them as the inputs are.
        validation: share of the samples, in [0, 1).
        test: share of the samples, in [0, 1).
        source: how the arrays were made, JSON-able.
    Raises:
        DataError: with every problem found.
        OptionError: an unknown task or scaling, or a share out of range.
    """
    check_task(task)
    check_split(validation, test, seed)
    inputs, problems = _inputs(x, _texts(feature_names), image_shape)
    columns, of_targets = _target_columns(y)
    weight, of_weight = _weight(sample_weight)
    problems += of_targets + of_weight + _lengths(x=x, y=y, sample_weight=sample_weight)
    if problems:
        raise DataError(name, problems)
    is_split = validation + test > 0
    target, problems = usable_target(columns, task, _texts(target_names), is_split=is_split)
    if problems or target is None:
        raise DataError(name, problems)
    raw = Raw(
        name=name,
        features=inputs.array,
        columns=inputs.names,
        target=target,
        rows=np.arange(len(inputs.array)),
        weight=weight,
        image_shape=inputs.image_shape,
        notes=task_notes(columns, target, task),
        source=source or {"kind": "arrays", "source": name, "options": {}},
    )
    return assemble(
        raw,
        standardize=standardize,
        target_scaling=target_scaling,
        validation=validation,
        test=test,
        seed=seed,
    )


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs as one table, with names; (height, width) where they are images."""

    array: np.ndarray
    names: tuple[str, ...]
    image_shape: tuple[int, int] | None


def _inputs(
    x: object, names: Sequence[str] | None, image_shape: Sequence[int] | None
) -> tuple[Inputs, list[InputError]]:
    array, problems = real_numbers("x", x)
    if not problems and (array.ndim not in (2, 3) or 0 in array.shape[1:]):
        problems = [InputError("error.data_x_ndim", actual=array.shape)]
    if problems:
        return Inputs(array, (), None), problems
    if array.ndim == 3:
        image_shape = image_shape or (array.shape[1], array.shape[2])
        array = array.reshape(len(array), -1)
    width = array.shape[1]
    if names is None:
        names = frame_names(x) if is_frame(x) else [f"x{index}" for index in range(width)]
    problems = name_problems(names)
    if len(names) != width:
        problems = [InputError("error.data_feature_names", expected=width, actual=len(names))]
    if image_shape is not None and (len(image_shape) != 2 or math.prod(image_shape) != width):
        problems.append(InputError("error.data_image_shape", actual=image_shape, expected=width))
    if problems or image_shape is None:
        return Inputs(array, tuple(names), None), problems
    return Inputs(array, tuple(names), (int(image_shape[0]), int(image_shape[1]))), []


def _texts(names: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(str(name) for name in names)


def _target_columns(y: object) -> tuple[list[Column], list[InputError]]:
    array, problems = as_array("y", y)
    if problems:
        return [], problems
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or 0 in array.shape[1:]:
        return [], [InputError("error.data_y_ndim", actual=array.shape)]
    if array.ndim == 2 or array.dtype.kind not in "OUT":
        _, problems = real_numbers("y", array)
    if problems:
        return [], problems
    values = array.T if array.ndim == 2 else [array]
    if is_frame(y):
        names = frame_names(y)[: len(values)]
    elif array.ndim == 1:
        names = [str(getattr(y, "name", None) or "y")]
    else:
        names = [f"y{index}" for index in range(len(values))]
    columns = [column_from_array(name, one) for name, one in zip(names, values, strict=True)]
    return columns, [problem for column in columns for problem in _column_problems(column)]


def _column_problems(column: Column) -> list[InputError]:
    if not (column.is_numeric or column.kind in ("text", "empty")):
        return [InputError("error.data_array_kind", name="y", actual=KINDS["O"])]
    if not column.missing.any():
        return not_unicode(column, row_place)
    row = int(np.flatnonzero(column.missing)[0])
    return [InputError("error.data_target_missing", column=column.name, **row_place(row))]


def _weight(given: object) -> tuple[np.ndarray | None, list[InputError]]:
    if given is None:
        return None, []
    weight, problems = real_numbers("sample_weight", given)
    if problems:
        return weight, problems
    if weight.ndim != 1:
        return weight, [InputError("error.data_weight_ndim", actual=weight.shape)]
    if np.any(weight < 0) or not np.any(weight):
        return weight, [InputError("error.data_weight_values", column="sample_weight")]
    return weight, []


def _lengths(**given: object) -> list[InputError]:
    """Return the problem of arrays that differ in length."""
    known = {}
    for name, array in given.items():
        with suppress(TypeError):  # None, or an array without dimensions
            known[name] = len(array)  # type: ignore[arg-type]
    if len(set(known.values())) <= 1:
        return []
    actual = ", ".join(f"{name}: {length}" for name, length in known.items())
    return [InputError("error.data_lengths", actual=actual)]
