"""New rows of a file for a network: what it needs of them, and what it passes over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whygrad.data.columns import listed
from whygrad.data.encoder import Encoder
from whygrad.data.matching import require_columns
from whygrad.data.notes import Note
from whygrad.data.selecting import target_columns
from whygrad.data.source import Tick, checked_source
from whygrad.data.table import Data

if TYPE_CHECKING:
    from whygrad.data.blocks import TableFile

INPUTS = 1 << 22  # numbers that the network takes of one block
FEWEST = 64  # rows of a block, however many inputs there are


@dataclass(frozen=True, eq=False)
class NewRows:
    """Rows of a file, of any length.

    Args:
        blocks: the rows in their order, for :meth:`Encoder.encode`; to be taken once.
        notes: columns that are passed over.
    """

    blocks: Iterator[Any]  # tables, or arrays
    notes: tuple[Note, ...] = ()


def most_rows(encoder: Encoder) -> int:
    """Return how many rows are worked on at once."""
    return max(FEWEST, INPUTS // max(1, len(encoder.mean)))


def new_rows(
    path: str | Path, data: Data, *, encoding: str | None = None, tick: Tick | None = None
) -> NewRows:
    """Open the rows of a file for a network.

    Args:
        path: as for :func:`whygrad.data.blocks.open_table`; or ending in .npz, of which the inputs
            are taken.
        data: what the network was trained on.
        encoding: of text; None for UTF-8.
        tick: is called with the share of the file that is read, from 0 to 1.

    Raises:
        DataError: with what is wrong with the file.
        InputError: a column is missing.
        TooLargeError: the arrays of an .npz file do not fit into memory.
    """
    source, suffix = checked_source(Path(path), tick or (lambda share: None), encoding=encoding)
    if suffix == ".npz":
        from whygrad.data.npz import read_npz

        (x, _), most = read_npz(source), most_rows(data.encoder)
        return NewRows(x[start : start + most] for start in range(0, len(x), most))
    from whygrad.data.blocks import open_table

    return rows_of(open_table(path, encoding=encoding, tick=tick), data)


def rows_of(table: TableFile, data: Data, also: Mapping[str, str] | None = None) -> NewRows:
    """Return the rows of an open table for a network.

    Args:
        data: what the network was trained on.
        also: kinds of further columns that are wanted, by name.

    Raises:
        InputError: a column is missing.
    """
    kinds = {rule.column: rule.kind for rule in data.encoder.rules} | dict(also or {})
    require_columns(list(kinds), table.names)
    targets = target_columns(data.source, table.names)
    passed_over = _passed_over(table.names, list(kinds), targets)
    return NewRows(table.blocks(kinds, most_rows(data.encoder)), passed_over)


def _passed_over(
    names: Sequence[str], wanted: Sequence[str], targets: Sequence[str]
) -> tuple[Note, ...]:
    spare = [name for name in names if name not in set(wanted)]
    there = [name for name in spare if name in set(targets)]
    others = [name for name in spare if name not in set(targets)]
    notes = []
    if there:
        notes.append(Note("note.rows_target", {"names": listed(there)}))
    if others:
        notes.append(Note("note.rows_extra", {"count": len(others), "names": listed(others)}))
    return tuple(notes)
