"""From a table of raw columns to inputs, targets and weights: every problem found at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from whygrad.data.arrays import few_rows, task_notes
from whygrad.data.assembling import Raw, assemble, listed
from whygrad.data.columns import Column, Table
from whygrad.data.problems import (
    counts_rows,
    notes_of,
    problems_of,
    settled,
    unknown_columns,
)
from whygrad.data.table import Data, Note
from whygrad.data.targets import Target, check_task, constant_targets, rare_classes, target_of
from whygrad.errors import DataError, InputError

USUAL_TARGETS = ("target", "label", "class", "y", "labels", "species", "outcome")


def data_from_table(table: Table, given: dict, common: dict, source: dict[str, object]) -> Data:
    """Return data from raw columns.

    Args:
        given: the options target, weight, drop and task, those that were given.
        common: standardize, validation, test and seed.
        source: how the table was made, JSON-able.
    Raises:
        DataError: with every problem found.
    """
    check_task(given.get("task"))
    if table.rows == 0 or not table.columns:
        raise DataError(table.name, [InputError("error.data_no_rows")])
    targets, weight, drop = chosen_names(table, given)
    table = replace(table, columns=tuple(settled(column) for column in table.columns))
    kept, notes = _features(table, (*targets, *weight, *drop))
    target_columns = _named(table, targets)
    problems = [
        *(p for c in target_columns for p in problems_of(c, table.place, is_target=True)),
        *(p for c in kept for p in problems_of(c, table.place)),
        *(p for c in _named(table, weight) for p in weight_problems(c, table)),
    ]
    rows = _rows_with_target(target_columns, table.rows)
    empty = _empty_problems(kept, target_columns, rows)
    target, more = None, []
    if not empty:
        target, more = _target(target_columns, rows, given.get("task"), common, problems)
    problems += empty + more
    if problems or target is None:
        raise DataError(table.name, problems)
    notes += tuple(note for column in kept for note in notes_of(column))
    notes += _dropped_rows(table, targets, rows)
    notes += task_notes([column.take(rows) for column in target_columns], target, given.get("task"))
    raw = Raw(
        name=table.name,
        features=tuple(column.take(rows) for column in kept),
        columns=tuple(column.name for column in kept),
        target=target,
        rows=rows,
        weight=_named(table, weight)[0].values[rows] if weight else None,
        place=table.place,
        notes=notes,
        source=source,
    )
    shares = {name: common[name] for name in ("validation", "test", "seed")}
    return assemble(raw, standardize=common["standardize"] is not False, **shares)


def chosen_names(
    table: Table, given: dict
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the names of the columns of targets, of the weight, and to drop.

    Raises:
        DataError: no target is given, or there is no such column.
    """
    known = table.names
    targets = _names(given.get("target"), known)
    weight = _names(given.get("weight"), known)[:1]
    drop = _names(given.get("drop"), known)
    problems: list[InputError] = list(unknown_columns((*targets, *weight, *drop), known))
    twice = sorted(set(targets) & {*weight, *drop} | set(weight) & set(drop))
    if twice:
        problems.append(InputError("error.data_column_twice", names=", ".join(twice)))
    if not targets:
        usual = {name.lower(): name for name in known}
        near = next((usual[name] for name in USUAL_TARGETS if name in usual), known[-1])
        problems.append(InputError("error.data_no_target", known=", ".join(known), near=near))
    if problems:
        raise DataError(table.name, problems)
    return targets, weight, drop


def _names(given: object, known: Sequence[str]) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, str):
        return tuple(str(name) for name in given)  # type: ignore[union-attr]
    if given in known:
        return (given,)
    return tuple(name.strip() for name in given.split(",") if name.strip())


def _named(table: Table, names: Sequence[str]) -> list[Column]:
    return [table.columns[table.names.index(name)] for name in names]


def _features(table: Table, taken: Sequence[str]) -> tuple[list[Column], tuple[Note, ...]]:
    """Return the columns of inputs, and notes on those left out because they say nothing."""
    left = [column for column in table.columns if column.name not in taken]
    empty = [column.name for column in left if column.kind == "empty"]
    index = [column.name for column in left[:1] if _is_index(column, table)]
    kept = [column for column in left if column.name not in (*empty, *index)]
    notes = [Note("note.data_index_column", {"column": name}) for name in index]
    if empty:
        values = {"count": len(empty), "names": listed(empty)}
        notes.append(Note("note.data_empty_columns", values))
    return kept, tuple(notes)


def _is_index(column: Column, table: Table) -> bool:
    """Say whether this is the row index that pandas writes as a first column without a name."""
    is_unnamed = column.name in ("column1", "Unnamed: 0", "__index_level_0__")
    return is_unnamed and column is table.columns[0] and counts_rows(column)


def _rows_with_target(columns: Sequence[Column], rows: int) -> np.ndarray:
    usable = [column for column in columns if len(column.values) == rows]
    missing = np.any([column.missing for column in usable], axis=0) if usable else np.zeros(rows)
    return np.flatnonzero(~np.asarray(missing, bool))


def _empty_problems(
    kept: Sequence[Column], targets: Sequence[Column], rows: np.ndarray
) -> list[InputError]:
    problems = []
    if not kept:
        problems.append(InputError("error.data_no_features"))
    if len(rows) == 0:
        names = ", ".join(column.name for column in targets)
        problems.append(InputError("error.data_target_empty", column=names))
    return problems


def _target(
    columns: Sequence[Column],
    rows: np.ndarray,
    task: str | None,
    common: dict,
    known_problems: Sequence[InputError],
) -> tuple[Target | None, list[InputError]]:
    """Return the targets of the rows that have one, and what is wrong with them."""
    is_split = common["validation"] + common["test"] > 0
    few = few_rows(len(rows), is_split)
    if few:
        return None, few
    names = {column.name for column in columns}
    if any(problem.values.get("column") in names for problem in known_problems):
        return None, []  # what the column itself suffers from comes first
    if task is None and len(columns) == 1 and counts_rows(columns[0]):
        return None, [InputError("error.data_target_identifier", column=columns[0].name)]
    target, problems = target_of([column.take(rows) for column in columns], task)
    if target is not None and target.task == "numbers":
        problems = problems + constant_targets([column.take(rows) for column in columns])
    if target is not None and not problems and is_split:
        problems = rare_classes(target)
    return target, problems


def weight_problems(column: Column, table: Table) -> list[InputError]:
    """Return what is wrong with a column of sample weights."""
    if not column.is_numeric:
        return problems_of(column, table.place) or [
            InputError("error.data_weight_text", column=column.name)
        ]
    if column.missing.any():
        row = int(np.flatnonzero(column.missing)[0])
        return [InputError("error.data_weight_missing", column=column.name, **table.place(row))]
    if np.any(column.values < 0) or not np.any(column.values > 0):
        return [InputError("error.data_weight_values", column=column.name)]
    return problems_of(column, table.place)


def _dropped_rows(table: Table, targets: Sequence[str], rows: np.ndarray) -> tuple[Note, ...]:
    count = table.rows - len(rows)
    if count == 0:
        return ()
    return (Note("note.data_target_dropped", {"column": ", ".join(targets), "count": count}),)
