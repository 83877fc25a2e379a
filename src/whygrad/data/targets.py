"""What is to be predicted: the task, the targets as numbers, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from whygrad.data.columns import EXACT, Column, Table, settled, shortened
from whygrad.data.notes import Note
from whygrad.errors import InputError, unknown_name

TASKS = ("classes", "binary", "labels", "numbers")
FEW_VALUES = 20  # whole numbers with at most so many different values count as classes
MOST_CLASSES = 1000
FEWEST = 5  # samples, where some of them are held out


@dataclass(frozen=True, eq=False)
class Target:
    """Targets of all samples.

    Args:
        y: class indices, shape (m,), int32; or labels or numbers, shape (m, k), float64, in the
            original units.
        names: of the classes, the labels or the columns.
    """

    task: str
    y: np.ndarray
    names: tuple[str, ...]

    @property
    def classes(self) -> np.ndarray | None:
        """Class indices, or None where there are no classes."""
        return self.y if self.task in ("classes", "binary") else None


@dataclass(frozen=True)
class TargetRule:
    """How the targets of any rows are read, once those of all are known.

    Args:
        columns: names of the target columns.
        task: of :data:`TASKS`.
        names: of the classes, the labels or the columns.
        values: the number that each class is, ascending; None where classes are words, or columns.
    """

    columns: tuple[str, ...]
    task: str
    names: tuple[str, ...]
    values: tuple[float, ...] | None = None

    def is_there(self, table: Table) -> np.ndarray:
        """Return which rows have all of their targets, (m,), bool."""
        missing = [one.missing for one in table.columns if one.name in self.columns]
        return ~np.any(missing, axis=0)

    def of(self, table: Table) -> np.ndarray:
        """Return the targets of rows that have them, as :class:`Target` does."""
        columns = {column.name: column for column in table.columns}
        targets = [columns[name] for name in self.columns]
        if self.task in ("labels", "numbers"):
            y = matrix([settled(one) for one in targets])
            return y.astype(np.float32) if self.task == "labels" else y
        if len(targets) > 1:
            return matrix([settled(one) for one in targets]).argmax(axis=1).astype(np.int32)
        (column,) = targets
        if self.values is not None:
            return np.searchsorted(self.values, settled(column).values).astype(np.int32)
        if column.kind != "text":  # of no rows nothing tells the kind
            return np.empty(0, np.int32)
        place = {word: index for index, word in enumerate(self.names)}
        return np.array([place[word] for word in column.known], np.int32)[column.values]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> TargetRule:
        """Return the rule that :meth:`to_dict` made."""
        values = None if told["values"] is None else tuple(told["values"])
        return cls(tuple(told["columns"]), told["task"], tuple(told["names"]), values)


def check_task(task: str | None) -> None:
    """Check a task that was asked for.

    Raises:
        OptionError: there is no such task.
    """
    if task is not None and task not in TASKS:
        raise unknown_name("task", task, TASKS)


def task_of(columns: Sequence[Column]) -> str:
    """Return the task that the target columns suggest: ``classes``, ``labels`` or ``numbers``.

    Several columns of 0 and 1 are labels, or classes if each row holds a single 1. Text, booleans,
    a column of 0 and 1, and whole numbers with few, repeated values are classes.
    """
    if len(columns) > 1:
        if not all(column.is_numeric for column in columns):
            return "numbers"
        values = matrix(columns)
        if not np.isin(values, (0, 1)).all():
            return "numbers"
        return "classes" if np.all(values.sum(axis=1) == 1) else "labels"
    column = columns[0]
    if column.kind in ("text", "boolean"):
        return "classes"
    distinct = np.unique(column.values)
    if np.array_equal(distinct, (0, 1)):
        return "classes"
    is_few = len(distinct) <= FEW_VALUES and len(column.values) >= 2 * len(distinct)
    return "classes" if column.kind == "integer" and is_few else "numbers"


def counted(column: Column) -> Column:
    """Return numbers without fractions as whole ones: many programs write 1.0 for 1."""
    if column.kind == "number" and np.array_equal(np.floor(column.values), column.values):
        return replace(column, kind="integer")
    return column


def matrix(columns: Sequence[Column]) -> np.ndarray:
    """Return numeric columns side by side, shape (m, k), float64."""
    return np.stack([column.values for column in columns], axis=1)


def target_of(
    columns: Sequence[Column], requested: str | None = None, names: Sequence[str] | None = None
) -> tuple[Target | None, list[InputError]]:
    """Return the targets, and what is wrong with them.

    Args:
        columns: the target columns, without missing values.
        requested: the task that the caller asked for; None finds it out. Two classes are then
            ``binary``.
        names: of the classes, labels or numbers, where they are known.
    """
    task = requested or task_of(columns)
    if task in ("classes", "binary"):
        return _classes(columns, requested, names)
    problems = not_numbers(columns)
    if problems:
        return None, problems
    y = matrix(columns)
    found = tuple(column.name for column in columns)
    if names is not None and len(names) != len(found):
        return None, [_wrong_names(len(found), names)]
    if task == "labels" and not np.isin(y, (0, 1)).all():
        return None, [InputError("error.data_labels_not_01", columns=", ".join(found))]
    return Target(task, y, tuple(names or found)), []


def _classes(
    columns: Sequence[Column], requested: str | None, names: Sequence[str] | None
) -> tuple[Target | None, list[InputError]]:
    column = columns[0]
    if len(columns) > 1:
        problems = not_numbers(columns)
        if problems:
            return None, problems
        y, found = matrix(columns).argmax(axis=1), tuple(column.name for column in columns)
    elif column.kind == "text":  # in the order of its letters
        y, found = column.values, column.known
    else:
        values, y = np.unique(column.values, return_inverse=True)
        found = tuple(Column(column.name, column.kind, values).words())
    if names is not None and len(names) != len(found):
        return None, [_wrong_names(len(found), names)]
    task = requested or ("binary" if len(found) == 2 else "classes")
    target = Target(task, y.astype(np.int32), tuple(names or found))
    return target, class_problems(column, task, len(found), len(y))


def class_problems(column: Column, task: str, count: int, samples: int) -> list[InputError]:
    """Return what stands against telling so many classes apart.

    Args:
        column: the target, or the first of them.
        count: of classes.
        samples: that have a target.
    """
    if not column.is_exact:
        return [InputError("error.data_classes_not_exact", column=column.name, limit=EXACT)]
    if count == 1:
        return [_one_value(column)]
    values = {"column": column.name, "count": count, "samples": samples}
    if count > 2 and count == samples:
        return [InputError("error.data_target_identifier", column=column.name)]
    if count > MOST_CLASSES or (count > 2 and count > samples / 2):
        return [InputError("error.data_too_many_classes", **values)]
    if task == "binary" and count != 2:
        return [InputError("error.data_not_binary", **values)]
    return []


def few_rows(samples: int, *, is_split: bool) -> list[InputError]:
    """Return the problem of too few samples that have a target."""
    if samples < (FEWEST if is_split else 1):
        return [InputError("error.data_few_rows", actual=samples, expected=FEWEST)]
    return []


def usable_target(
    columns: Sequence[Column],
    requested: str | None,
    names: Sequence[str] | None = None,
    *,
    is_split: bool,
) -> tuple[Target | None, list[InputError]]:
    """Return the targets, and what stands against learning them or dividing them into parts."""
    samples = len(columns[0].values)
    problems = few_rows(samples, is_split=is_split)
    if problems:
        return None, problems
    target, problems = target_of(columns, requested, names)
    if target is None or problems or not is_split:
        return target, problems
    return target, rare_classes(target)


def task_notes(
    columns: Sequence[Column], target: Target | TargetRule, requested: str | None
) -> tuple[Note, ...]:
    """Return what was decided about the task and could have been decided otherwise."""
    if requested is not None or target.task not in ("classes", "binary"):
        return ()
    if len(columns) > 1:
        return (Note("note.data_one_hot", {"count": len(columns)}),)
    if columns[0].kind in ("integer", "number") and len(target.names) > 2:
        values = {"column": columns[0].name, "count": len(target.names)}
        return (Note("note.data_whole_numbers_as_classes", values),)
    return ()


def rare_classes(target: Target) -> list[InputError]:
    """Return the classes of one sample, which cannot be divided into parts."""
    if target.classes is None:
        return []
    counts = np.bincount(target.y, minlength=len(target.names))
    return [
        InputError("error.data_class_of_one", name=target.names[index])
        for index in np.flatnonzero(counts == 1)
    ]


def not_numbers(columns: Sequence[Column]) -> list[InputError]:
    """Return one problem for each target that is not of numbers."""
    key = "error.data_target_not_numbers"
    return [InputError(key, column=one.name) for one in columns if not one.is_numeric]


def constant_targets(columns: Sequence[Column]) -> list[InputError]:
    """Return one problem for each target that is alike in all samples."""
    return [_one_value(column) for column in columns if np.ptp(column.values) == 0]


def _one_value(column: Column) -> InputError:
    value = shortened(column.words()[0])
    return InputError("error.data_one_value", column=column.name, actual=value)


def _wrong_names(expected: int, names: Sequence[str]) -> InputError:
    return InputError("error.data_target_names", expected=expected, actual=len(names))
