"""Columns of Arrow tables and DataFrames, told apart by kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from whygrad.data.columns import Column, frame_names, repeated_names, text_column
from whygrad.errors import InputError

KINDS = {  # kind of a column -> how to know its Arrow type; the first that fits
    "empty": pa.types.is_null,
    "boolean": pa.types.is_boolean,
    "integer": pa.types.is_integer,
    "number": lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind),
    "text": lambda kind: (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    ),
    "date": lambda kind: pa.types.is_temporal(kind),
}


def columns_from_frame(frame: object) -> tuple[tuple[Column, ...], list[InputError]]:
    """Return the columns of a DataFrame or Arrow table, and what is wrong with them."""
    names = frame_names(frame)
    problems = repeated_names(names)
    if problems:
        return (), problems
    found = [_column_or_problem(name, series) for name, series in zip(names, _series(frame))]  # noqa: B905 - same length by construction
    return (
        tuple(column for column in found if isinstance(column, Column)),
        [problem for problem in found if isinstance(problem, InputError)],
    )


def columns_from_arrow(table: pa.Table) -> tuple[Column, ...]:
    """Return the columns of an Arrow table whose names differ."""
    return tuple(
        column_from_arrow(str(name), column)
        for name, column in zip(table.column_names, table.columns, strict=True)
    )


def column_from_arrow(name: str, array: pa.ChunkedArray | pa.Array) -> Column:
    """Return an Arrow array as a column; integers with missing values stay integers."""
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    kind = next((kind for kind, fits in KINDS.items() if fits(array.type)), str(array.type))
    if kind == "text":
        return text_column(name, array.to_pylist())
    if kind in ("boolean", "integer", "number"):
        return _numeric(name, kind, array)
    return Column(name, kind, np.full(len(array), np.nan))


def _numeric(name: str, kind: str, array: pa.ChunkedArray | pa.Array) -> Column:
    numbers = array.cast(pa.uint8()) if kind == "boolean" else array
    values = np.asarray(numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    missing = np.isnan(values)
    if missing.all():
        kind = "empty"
    elif (
        kind == "number"
        and missing.any()
        and np.all(np.floor(values[~missing]) == values[~missing])
    ):
        kind = "integer"  # pandas stores whole numbers as floats where one is missing
    return Column(name, kind, values)


def _series(frame: Any) -> list[object]:
    if hasattr(frame, "iloc"):
        return [frame.iloc[:, index] for index in range(frame.shape[1])]
    return list(pa.table(frame).columns)


def _column_or_problem(name: str, series: object) -> Column | InputError:
    if isinstance(series, pa.ChunkedArray):
        return column_from_arrow(name, series)
    try:
        return column_from_arrow(name, pa.array(series, from_pandas=True))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return InputError("error.data_mixed_column", column=name)
