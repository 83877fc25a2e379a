"""What is to be predicted of rows that are not in memory: as of a table, by what a scan found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from whygrad.data.columns import Column
from whygrad.data.scanning import Scan
from whygrad.data.summary import MOST_VALUES
from whygrad.data.targets import (
    FEW_VALUES,
    TargetRule,
    class_problems,
    constant_targets,
    few_rows,
    not_numbers,
)
from whygrad.errors import InputError

Found = tuple[TargetRule | None, list[InputError]]


def rule_of(
    scan: Scan, columns: Sequence[Column], requested: str | None, *, is_split: bool
) -> Found:
    """Return how targets are read, and what stands against learning them.

    Args:
        columns: the targets, as the scan can show them.
        requested: the task that the caller asked for; None finds it out.
        is_split: whether some rows are held out.
    """
    samples, names = sum(scan.samples.values()), tuple(column.name for column in columns)
    if samples == 0:
        return None, [InputError("error.data_target_empty", column=", ".join(names))]
    problems = few_rows(samples, is_split=is_split)
    if problems:
        return None, problems
    if scan.samples["train"] == 0:
        return None, [InputError("error.stream_no_training_rows", rows=samples)]
    if requested is None and len(columns) == 1 and columns[0].counts_rows:
        return None, [InputError("error.data_target_identifier", column=names[0])]
    task = requested or _task(scan, columns, samples)
    if task in ("classes", "binary"):
        return _classes(scan, columns, requested, samples)
    problems = not_numbers(columns)
    if problems:
        return None, problems
    if task == "labels" and not scan.are_01:
        return None, [InputError("error.data_labels_not_01", columns=", ".join(names))]
    return TargetRule(names, task, names), constant_targets(columns) if task == "numbers" else []


def _task(scan: Scan, columns: Sequence[Column], samples: int) -> str:
    """Return what the targets suggest, as :func:`whygrad.data.targets.task_of` does."""
    if len(columns) > 1:
        of_01 = "classes" if scan.is_one_hot else "labels"
        return of_01 if scan.are_01 else "numbers"
    column, values = columns[0], scan.summaries[columns[0].name].values
    if column.kind in ("text", "boolean") or set(values) == {0.0, 1.0}:
        return "classes"
    is_few = len(values) <= FEW_VALUES and samples >= 2 * len(values)
    are_whole = is_few and column.is_numeric and all(float(one).is_integer() for one in values)
    return "classes" if are_whole else "numbers"


def _classes(scan: Scan, columns: Sequence[Column], requested: str | None, samples: int) -> Found:
    names, column, values = tuple(column.name for column in columns), columns[0], None
    if len(columns) > 1:
        problems = not_numbers(columns)
        if problems:
            return None, problems
        found = names
    elif column.kind == "text":
        found = column.known
    else:
        values = tuple(sorted(map(float, scan.summaries[column.name].values)))
        few = np.array(values[: MOST_VALUES + 1])
        found = tuple(Column(column.name, column.kind, few).words())
    task = requested or ("binary" if len(found) == 2 else "classes")
    problems = class_problems(column, task, len(found), samples)
    return TargetRule(names, task, found, values), problems
