"""From a table of raw columns to inputs, targets and weights: every problem found at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from whygrad.data.assembling import Raw, assemble
from whygrad.data.columns import Column, Table, listed, settled
from whygrad.data.notes import Note
from whygrad.data.problems import notes_of, problems_of, unknown_columns
from whygrad.data.table import Data
from whygrad.data.targets import (
    Target,
    check_task,
    constant_targets,
    counted,
    task_notes,
    usable_target,
)
from whygrad.errors import DataError, InputError

MANY_NAMES = 50  # at most so many columns are listed to choose from
UNNAMED = ("column1", "Unnamed: 0", "__index_level_0__")  # the row index that pandas writes first
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
        given: the options target, weight, drop, categories and task, those that were given.
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
    chosen = chosen_columns(table, given)
    problems = [
        *(p for c in chosen.targets for p in problems_of(c, table.place, is_target=True)),
        *(p for c in chosen.inputs for p in problems_of(c, table.place)),
        *(p for c in chosen.weights for p in weight_problems(c, table)),
    ]
    missing = [one.missing for one in chosen.targets if len(one.values) == table.rows]
    rows = np.flatnonzero(~np.any(missing, axis=0)) if missing else np.arange(table.rows)
    targets = [counted(column.take(rows)) for column in chosen.targets]
    target, more = _target(chosen, targets, len(rows), problems, given, common)
    if problems or more or target is None:
        raise DataError(table.name, [*problems, *more])
    notes = [note for column in chosen.inputs for note in notes_of(column.take(rows))]
    notes += [note for column in targets if column.form for note in notes_of(column)]
    if len(rows) < table.rows:
        names = ", ".join(column.name for column in targets)
        values = {"column": names, "count": table.rows - len(rows)}
        notes.append(Note("note.data_target_dropped", values))
    return Raw(
        name=table.name,
        features=list(chosen.inputs),
        columns=tuple(column.name for column in chosen.inputs),
        target=target,
        rows=rows,
        weight=chosen.weights[0].values[rows] if chosen.weights else None,
        place=table.place,
        notes=(*chosen.notes, *notes, *task_notes(targets, target, given.get("task"))),
        source=source,
    )


def chosen_columns(table: Table, given: dict) -> Chosen:
    """Return the columns by their use; inputs that say nothing are left out, with a note."""
    targets, weight, drop, categories = chosen_names(table.name, table.names, given)
    columns = {
        column.name: column.as_categories() if column.name in categories else settled(column)
        for column in table.columns
    }
    used = {*targets, *weight, *drop}
    left = [column for name, column in columns.items() if name not in used]
    empty = [column.name for column in left if column.kind == "empty"]
    first = table.columns[0].name
    is_index = first in UNNAMED and first not in used and columns[first].counts_rows
    notes = [Note("note.data_index_column", {"column": first})] if is_index else []
    if empty:
        values = {"count": len(empty), "names": listed(empty)}
        notes.append(Note("note.data_empty_columns", values))
    unused = {*empty, first} if is_index else {*empty}
    return Chosen(
        inputs=tuple(column for column in left if column.name not in unused),
        targets=tuple(columns[name] for name in targets),
        weights=tuple(columns[name] for name in weight),
        notes=tuple(notes),
    )


class ChosenNames(NamedTuple):
    """The names of those columns of a table whose use was told."""

    targets: tuple[str, ...]
    weight: tuple[str, ...]
    drop: tuple[str, ...]
    categories: tuple[str, ...]


def chosen_names(source: str, known: Sequence[str], given: dict) -> ChosenNames:
    """Return the names of the columns of targets, of the weight, to drop, and to keep as words.

    Args:
        source: name of the table.
        known: names of all its columns.

    Raises:
        DataError: no target is given, or there is no such column.
    """
    targets = _names(given.get("target"), known)
    weight = (str(given["weight"]),) if "weight" in given else ()
    drop, categories = (_names(given.get(name), known) for name in ("drop", "categories"))
    chosen = ChosenNames(targets, weight, drop, categories)
    problems: list[InputError] = list(unknown_columns([n for use in chosen for n in use], known))
    uses = Counter(name for use in chosen for name in set(use))
    twice = sorted(name for name, count in uses.items() if count > 1)
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
    return chosen


def target_columns(source: Mapping[str, object], known: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the columns that data was loaded to predict; none where they have no names.

    Args:
        source: how the data was made, see :class:`whygrad.data.Data`.
        known: names of columns; one of them may hold a comma.
    """
    options = source.get("options")
    return _names(options.get("target") if isinstance(options, Mapping) else None, known)


def weight_column(source: Mapping[str, object]) -> str | None:
    """Return the column of sample weights that data was loaded with; None without one."""
    options = source.get("options")
    given = options.get("weight") if isinstance(options, Mapping) else None
    return None if given is None else str(given)


def _names(given: object, known: Sequence[str]) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, list | tuple):
        return tuple(dict.fromkeys(name for one in given for name in _names(str(one), known)))
    name = str(given)
    names = (name,) if name in known else tuple(n.strip() for n in name.split(",") if n.strip())
    return tuple(dict.fromkeys(names))


def _target(
    chosen: Chosen,
    targets: Sequence[Column],
    rows: int,
    problems: Sequence[InputError],
    given: dict,
    common: dict,
) -> tuple[Target | None, list[InputError]]:
    """Return the targets of the rows that have one, and what else is wrong with the table.

    Args:
        rows: how many rows have one.
        problems: of its columns; those of the targets must be solved first.
    """
    more = [] if chosen.inputs else [InputError("error.data_no_features")]
    names, requested = [column.name for column in targets], given.get("task")
    if rows == 0:
        more.append(InputError("error.data_target_empty", column=", ".join(names)))
    if more or not set(names).isdisjoint(problem.values.get("column") for problem in problems):
        return None, more
    if requested is None and len(targets) == 1 and targets[0].counts_rows:
        return None, [InputError("error.data_target_identifier", column=names[0])]
    is_split = common["validation"] + common["test"] > 0
    target, more = usable_target(targets, requested, is_split=is_split)
    if target is not None and target.task == "numbers":
        more = more + constant_targets(targets)
    return target, more


def weight_problems(column: Column, table: Table, *, is_whole: bool = True) -> list[InputError]:
    """Return what is wrong with a column of sample weights.

    Args:
        is_whole: whether these are all rows, one of which must count.
    """
    if not column.is_numeric:
        return problems_of(column, table.place) or [
            InputError("error.data_weight_text", column=column.name)
        ]
    if column.missing.any():
        row = int(np.flatnonzero(column.missing)[0])
        return [InputError("error.data_weight_missing", column=column.name, **table.place(row))]
    if np.any(column.values < 0) or (is_whole and not np.any(column.values > 0)):
        return [InputError("error.data_weight_values", column=column.name)]
    return problems_of(column, table.place)
