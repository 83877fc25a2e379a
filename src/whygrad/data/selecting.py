"""From a table of raw columns to inputs, targets and weights: every problem found at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from whygrad.data.assembling import assemble
from whygrad.data.columns import Column, Table, listed, settled
from whygrad.data.fitting import Raw
from whygrad.data.problems import counts_rows, notes_of, problems_of, unknown_columns
from whygrad.data.table import Data, Note
from whygrad.data.targets import Target, check_task, constant_targets, task_notes, usable_target
from whygrad.errors import DataError, InputError

MANY_NAMES = 50  # at most so many columns are listed to choose from
USUAL_TARGETS = ("target", "label", "class", "y", "labels", "species", "outcome")


@dataclass(frozen=True, eq=False)
class Chosen:
    """The columns of a table by their use."""

    inputs: tuple[Column, ...]
    targets: tuple[Column, ...]
    weights: tuple[Column, ...]
    notes: tuple[Note, ...]


def data_from_table(table: Table, given: dict, common: dict, source: dict[str, object]) -> Data:
    """Return data from raw columns.

    Args:
        given: the options target, weight, drop and task, those that were given.
        common: standardize, target_scaling, validation, test and seed.
        source: how the table was made, JSON-able.
    Raises:
        DataError: with every problem found.
    """
    raw = _raw(table, given, common, source)
    del table  # so that columns can be let go
    others = {name: value for name, value in common.items() if name != "standardize"}
    return assemble(raw, standardize=common["standardize"] is not False, **others)


def _raw(table: Table, given: dict, common: dict, source: dict[str, object]) -> Raw:
    check_task(given.get("task"))
    if table.rows == 0 or not table.columns:
        raise DataError(table.name, [InputError("error.data_no_rows")])
    chosen = _chosen(table, given)
    problems = _column_problems(table, chosen)
    rows = _rows_with_target(chosen.targets, table.rows)
    targets = [column.take(rows) for column in chosen.targets]
    target, more = None, _absent(chosen, rows)
    if not more and _are_fit(chosen.targets, problems):
        is_split = common["validation"] + common["test"] > 0
        target, more = _target(targets, given.get("task"), is_split)
    if problems or more or target is None:
        raise DataError(table.name, [*problems, *more])
    return Raw(
        name=table.name,
        features=list(chosen.inputs),
        columns=tuple(column.name for column in chosen.inputs),
        target=target,
        rows=rows,
        weight=chosen.weights[0].values[rows] if chosen.weights else None,
        place=table.place,
        notes=(
            *chosen.notes,
            *(note for column in chosen.inputs for note in notes_of(column.take(rows))),
            *_dropped_rows(table, chosen.targets, rows),
            *task_notes(targets, target, given.get("task")),
        ),
        source=source,
    )


def _chosen(table: Table, given: dict) -> Chosen:
    targets, weight, drop = chosen_names(table.name, table.names, given)
    table = replace(table, columns=tuple(settled(column) for column in table.columns))
    inputs, notes = _inputs(table, (*targets, *weight, *drop))
    return Chosen(inputs, _named(table, targets), _named(table, weight), notes)


def _column_problems(table: Table, chosen: Chosen) -> list[InputError]:
    return [
        *(p for c in chosen.targets for p in problems_of(c, table.place, is_target=True)),
        *(p for c in chosen.inputs for p in problems_of(c, table.place)),
        *(p for c in chosen.weights for p in weight_problems(c, table)),
    ]


def chosen_names(
    source: str, known: Sequence[str], given: dict
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the names of the columns of targets, of the weight, and to drop.

    Args:
        source: name of the table.
        known: names of all its columns.

    Raises:
        DataError: no target is given, or there is no such column.
    """
    targets = _names(given.get("target"), known)
    weight = (str(given["weight"]),) if "weight" in given else ()
    drop = _names(given.get("drop"), known)
    problems: list[InputError] = list(unknown_columns((*targets, *weight, *drop), known))
    twice = sorted(set(targets) & {*weight, *drop} | set(weight) & set(drop))
    if twice:
        problems.append(InputError("error.data_column_twice", names=", ".join(twice)))
    if not targets:
        usual = {name.lower(): name for name in known}
        near = next((usual[name] for name in USUAL_TARGETS if name in usual), known[-1])
        problems.append(
            InputError("error.data_no_target", known=listed(known, MANY_NAMES), near=near)
        )
    if problems:
        raise DataError(source, problems)
    return targets, weight, drop


def _names(given: object, known: Sequence[str]) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, list | tuple):
        return tuple(str(name) for name in given)
    name = str(given)
    return (name,) if name in known else tuple(n.strip() for n in name.split(",") if n.strip())


def _named(table: Table, names: Sequence[str]) -> tuple[Column, ...]:
    columns = {column.name: column for column in table.columns}
    return tuple(columns[name] for name in names)


def _inputs(table: Table, taken: Sequence[str]) -> tuple[tuple[Column, ...], tuple[Note, ...]]:
    """Return the columns of inputs, and notes on those left out because they say nothing."""
    used = set(taken)
    left = [column for column in table.columns if column.name not in used]
    empty = [column.name for column in left if column.kind == "empty"]
    index = [column.name for column in left[:1] if _is_index(column, table)]
    unused = {*empty, *index}
    kept = tuple(column for column in left if column.name not in unused)
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


def _absent(chosen: Chosen, rows: np.ndarray) -> list[InputError]:
    """Return the problems of a table without inputs, or without a row that has a target."""
    problems = [] if chosen.inputs else [InputError("error.data_no_features")]
    if len(rows) == 0:
        names = ", ".join(column.name for column in chosen.targets)
        problems.append(InputError("error.data_target_empty", column=names))
    return problems


def _are_fit(columns: Sequence[Column], problems: Sequence[InputError]) -> bool:
    """Say whether no problem speaks of these columns; theirs must be solved first."""
    named = {problem.values.get("column") for problem in problems}
    return named.isdisjoint(column.name for column in columns)


def _target(
    columns: Sequence[Column], requested: str | None, is_split: bool
) -> tuple[Target | None, list[InputError]]:
    """Return the targets of the rows that have one, and what is wrong with them."""
    if requested is None and len(columns) == 1 and counts_rows(columns[0]):
        return None, [InputError("error.data_target_identifier", column=columns[0].name)]
    target, problems = usable_target(columns, requested, is_split=is_split)
    if target is not None and target.task == "numbers":
        problems = problems + constant_targets(columns)
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


def _dropped_rows(table: Table, targets: Sequence[Column], rows: np.ndarray) -> tuple[Note, ...]:
    count = table.rows - len(rows)
    if count == 0:
        return ()
    names = ", ".join(column.name for column in targets)
    return (Note("note.data_target_dropped", {"column": names, "count": count}),)
