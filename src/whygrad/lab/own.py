"""The table that a scene brings along, checked as ``static/samples.js`` checks one that is pasted.

Same rules, same order, same sentences. What is checked travels as it is: the page makes numbers of
it, and a target of it, by itself.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from whygrad.errors import OptionError

TAKEN: dict[str, tuple[tuple[str, ...], int]] = {
    "copying": (("classes", "quantity"), 7),
    "biases": (("classes", "quantity"), 7),
    "batch": (("classes",), 4),
}
"""What rooms learn from: targets of which kinds, and how many inputs at most."""

MOST_ROWS, MOST_COLUMNS = 200, 8
LARGEST = 1e15
ROUNDING = 1e-12  # of the largest number of a column
LONGEST = 40  # letters of a cell that a sentence shows
NUMBER = re.compile(r"[+\-\u2212]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.I)
EXAMPLE = '{"room": "copying", "data": [[0.5, 2, "a"], [1.5, 1, "b"]], "head": ["x", "y", "kind"]}'

Cell = str | int | float


def samples(scene: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a scene, its ``data`` and ``head``, as the page takes it.

    Raises:
        OptionError: it is no table, or none that the room can learn from.
    """
    room = scene["room"]
    if room not in TAKEN:
        raise OptionError("error.lab_data_room", actual=room, rooms=", ".join(TAKEN))
    rows, head = _table(scene["data"]), _head(scene.get("head"))
    if head is not None and len(head) != len(rows[0]):
        raise OptionError("error.lab_data_head", expected=len(rows[0]), actual=len(head))
    _check_shape(rows)
    _check_cells(rows, head)
    kind = _kind(rows, head)
    kinds, inputs = TAKEN[room]
    if kind not in kinds:
        raise OptionError("lab.data.misfit.kind")
    if len(rows[0]) - 1 > inputs:
        raise OptionError("lab.data.misfit.inputs", most=inputs, **_counted(len(rows[0]) - 1))
    return {"head": head, "rows": rows}


def _table(given: object) -> list[list[Cell]]:
    """Return rows of cells, once it is known that they are such."""
    rows: Sequence[Any] = given if isinstance(given, list | tuple) else [given]
    wrong = [row for row in rows if not isinstance(row, list | tuple)]
    wrong = wrong or [cell for row in rows for cell in row if not _is_cell(cell)]
    if wrong or not rows:
        actual = type((wrong or [given])[0]).__name__
        raise OptionError("error.lab_data_cells", actual=actual, example=EXAMPLE)
    return [[cell.strip() if isinstance(cell, str) else cell for cell in row] for row in rows]


def _is_cell(cell: object) -> bool:
    return isinstance(cell, str | int | float) and not isinstance(cell, bool)


def _head(given: object) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, list | tuple):
        raise OptionError("error.lab_data_cells", actual=type(given).__name__, example=EXAMPLE)
    return [str(name).strip() for name in given]


def _check_shape(rows: Sequence[Sequence[Cell]]) -> None:
    width = len(rows[0])
    ragged = next((i for i, row in enumerate(rows) if len(row) != width), None)
    if width < 2:
        raise OptionError("lab.data.problem.one_column")
    if ragged is not None:
        counts = _counted(len(rows[ragged])) | {"row": ragged + 1, "expected": width}
        raise OptionError("lab.data.problem.ragged", **counts)
    if width > MOST_COLUMNS:
        raise OptionError("lab.data.problem.columns", most=MOST_COLUMNS, **_counted(width))
    if len(rows) > MOST_ROWS:
        raise OptionError("lab.data.problem.rows", most=MOST_ROWS, **_counted(len(rows)))
    if len(rows) < 2:
        raise OptionError("lab.data.problem.few_rows", **_counted(len(rows)))


def _check_cells(rows: Sequence[Sequence[Cell]], head: Sequence[str] | None) -> None:
    """Check that every cell is filled, inputs are numbers of a size, and each of them differs."""
    target = len(rows[0]) - 1
    for i, row in enumerate(rows):
        for column, cell in enumerate(row):
            where = {"row": i + 1, "column": _label(head, column), "actual": _shortened(cell)}
            size = abs(number_in(cell))
            if cell == "":
                raise OptionError("lab.data.problem.empty", **where)
            if math.isnan(size) and (column != target or isinstance(cell, float)):
                raise OptionError("lab.data.problem.no_number", **where)
            if size > LARGEST:
                raise OptionError("lab.data.problem.too_large", most="1e15", **where)
    for column in range(target):
        _check_spread(rows, head, column)


def _kind(rows: Sequence[Sequence[Cell]], head: Sequence[str] | None) -> str:
    """Return what the last column is: of two different values ``classes``, else a ``quantity``."""
    target = len(rows[0]) - 1
    numbers = [number_in(row[target]) for row in rows]
    are_numbers = not any(map(math.isnan, numbers))
    distinct = set(numbers) if are_numbers else {str(row[target]) for row in rows}
    column = _label(head, target)
    if len(distinct) == 1:
        actual = _shortened(rows[0][target])
        raise OptionError("lab.data.problem.one_class", column=column, actual=actual)
    if len(distinct) == 2:
        return "classes"
    if not are_numbers:
        raise OptionError("lab.data.problem.classes", column=column, **_counted(len(distinct)))
    _check_spread(rows, head, target)
    return "quantity"


def _check_spread(rows: Sequence[Sequence[Cell]], head: Sequence[str] | None, column: int) -> None:
    values = np.array([number_in(row[column]) for row in rows])
    if values.std() <= ROUNDING * np.abs(values).max():
        values = {"column": _label(head, column), "actual": _shortened(rows[0][column])}
        raise OptionError("lab.data.problem.constant", **values)


def number_in(cell: Cell) -> float:
    """Return the number that a cell is, or that its text holds; NaN where it is none."""
    if isinstance(cell, str):
        return float(cell.replace("\u2212", "-")) if NUMBER.fullmatch(cell) else math.nan
    try:
        return float(cell)
    except OverflowError:  # a whole number beyond every float
        return math.inf


def _label(head: Sequence[str] | None, column: int) -> str:
    name = _shortened(head[column]) if head else ""
    return f"{column + 1} ({name})" if name else str(column + 1)


def _shortened(cell: Cell) -> str:
    text = str(cell)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _counted(count: int) -> dict[str, int]:
    return {"count": count, "counted": count}
