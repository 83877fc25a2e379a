"""A training part that is read again for every epoch: in which order, and how.

An epoch draws its units in a random order, and opens some of them at a time, the lanes; a pool
takes an equal share of each, until it is full. Within the pool all rows are shuffled, by whoever
asks for it. So every training row comes once an epoch, rows of one unit come near each other, and
nothing but the seed and the number of the epoch decides where. A pool that holds all rows gives
them in the order of the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa

from whygrad.data.arrow import Filling
from whygrad.data.columns import Column, Place, Table
from whygrad.data.encoder import Encoder
from whygrad.data.matching import Substitutions
from whygrad.data.read_rows import ReadRows
from whygrad.data.stream_file import StreamFile
from whygrad.data.table import Part
from whygrad.data.targets import TargetRule
from whygrad.data.units import place_in, rows_of
from whygrad.errors import AddressError, DataError, InputError

Piece = tuple[int, int, int]  # a unit, and the first and last of its training rows that are meant
TRAIN, VALIDATION, TEST = range(3)


def pools_of(
    counts: Sequence[int] | np.ndarray, order: np.ndarray, size: int, lanes: int
) -> list[list[Piece]]:
    """Return which rows of which units each pool takes; every row once.

    Args:
        counts: training rows of each unit.
        order: of the units.
        size: rows of a pool; the last one may be smaller.
        lanes: how many units are open at a time.
    """
    waiting = iter([int(unit) for unit in order if counts[unit]])
    taken: dict[int, int] = {}  # of the units that are open
    pools: list[list[Piece]] = []
    pool: dict[int, tuple[int, int]] = {}
    room = size
    while True:
        while len(taken) < lanes and (unit := next(waiting, None)) is not None:
            taken[unit] = 0
        if not taken or not room:
            if pool:
                pools.append([(unit, begin, end) for unit, (begin, end) in sorted(pool.items())])
            if not taken:
                return pools
            pool, room = {}, size
        share = max(1, room // len(taken))
        for unit in list(taken):
            begin = taken[unit]
            end = min(begin + min(share, room), int(counts[unit]))
            if end > begin:
                pool[unit] = (pool.get(unit, (begin,))[0], end)
            room -= end - begin
            taken[unit] = end
            if end == counts[unit]:
                del taken[unit]


@dataclass(frozen=True)
class Shares:
    """Which part each row is of: decided by its number and the seed alone.

    Args:
        validation, test: share of the rows, in [0, 1).
        sample: share of the training rows that are kept as a sample of them.
    """

    seed: int
    validation: float
    test: float
    sample: float

    def parts(self, first: int, count: int) -> np.ndarray:
        """Return the part of each of ``count`` rows from number ``first`` on, (count,)."""
        drawn = _uniform(self.seed, 0, first, count)
        held_out = np.where(drawn < self.test, TEST, VALIDATION)
        return np.where(drawn < self.test + self.validation, held_out, TRAIN)

    def sampled(self, first: int, count: int) -> np.ndarray:
        """Return which of these rows are of the sample, where they train; (count,), bool."""
        return _uniform(self.seed, 1, first, count) < self.sample


def _uniform(seed: int, use: int, first: int, count: int) -> np.ndarray:
    """Return a number in [0, 1) for each row, as if drawn.

    Source: Steele, Lea and Flood 2014, SplitMix64; the state is the row's number.
    """
    start = np.random.SeedSequence([seed, use]).generate_state(1, np.uint64)[0]
    with np.errstate(over="ignore"):
        state = np.arange(first + 1, first + count + 1, dtype=np.uint64)
        mixed = start + state * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)) * 2.0**-53


@dataclass(eq=False)
class Stream:
    """Files, and how their rows become inputs and targets.

    Args:
        files: in their order.
        units: of all files in their order, (units, len(UNIT)): the place in ``files``; place,
            length and checksum there; rows, the number of the first of them in the whole source,
            and how many of them are of the training part.
        kinds: of the columns that are read, by name.
        forms: of those columns whose words are read in a form of their own.
        target: how targets are read.
        weight: the column of sample weights.
        weights: the smallest one above 0, and the largest, of the training part.
        class_counts: training rows of each class; None where there are no classes.
        buffer: rows of a pool, before it is cut to whole batches.
        lanes: how many units are open at a time.
    """

    files: tuple[StreamFile, ...]
    units: np.ndarray
    kinds: Mapping[str, str]
    forms: Mapping[str, str]
    encoder: Encoder
    target: TargetRule
    weight: str | None
    weights: np.ndarray | None
    class_counts: np.ndarray | None
    shares: Shares
    buffer: int
    lanes: int

    def __post_init__(self) -> None:
        self._open: dict[int, _Reading] = {}
        self._checked: set[int] = set()
        self._alone = Lock()  # files are not read by two threads at a time

    @property
    def counts(self) -> np.ndarray:
        """Training rows of each unit, (units,)."""
        return self.units[:, 6]

    @cached_property
    def samples(self) -> int:
        """Training rows of all units."""
        return int(self.counts.sum())

    @property
    def length(self) -> int:
        """Rows of all units, whatever their part."""
        return int(self.units[:, 4].sum())

    def read(self, pieces: Sequence[Piece], known: ReadRows | None = None) -> Part:
        """Return rows of the training part, in the order of the pieces.

        Args:
            known: what was read before, and need not be read from the files again.

        Raises:
            DataError: a file is gone, or not what it was.
        """
        with self._alone:
            return self._read(pieces, known)

    def _read(self, pieces: Sequence[Piece], known: ReadRows | None) -> Part:
        samples = sum(stop - start for _, start, stop in pieces)
        x = np.empty((samples, len(self.encoder.fill)), np.float32)
        filled, others = 0, []
        for unit, start, stop in pieces:
            for part in self._parts(unit, start, stop, known):
                x[filled : filled + len(part)] = part.x
                filled += len(part)
                others.append(part)
        while len(self._open) > self.lanes:  # of an epoch that was not read to its end
            del self._open[next(iter(self._open))]
        own = [part.sample_weight for part in others if part.sample_weight is not None]
        return Part(
            x,
            np.concatenate([part.y for part in others]),
            np.concatenate([part.rows for part in others]),
            np.concatenate(own) if own else None,
        )

    def _parts(self, unit: int, start: int, stop: int, known: ReadRows | None) -> Iterator[Part]:
        """Yield training rows ``start`` to ``stop`` of a unit, and keep what had to be read."""
        reading = self._open.pop(unit, None)
        kept = known and known.read(unit, start, stop)
        if kept is not None:
            yield kept
            return
        if reading is None or reading.at > start:
            reading = _Reading(self, unit)
        for part in reading.take(start, stop):
            if known is not None:
                known.keep(unit, start, part)
            start += len(part)
            yield part
        if stop < self.counts[unit]:
            self._open[unit] = reading

    def row(self, number: int) -> Part:
        """Return one training row.

        Raises:
            AddressError: there is no such row in the training part.
            DataError: a file is gone, or not what it was.
        """
        if not 0 <= number < self.length:
            raise AddressError("error.no_such_sample", row=number, last=self.length - 1)
        unit = int(np.searchsorted(self.units[:, 5], number, side="right")) - 1
        with self._alone:
            for table, first, is_train in self.tables(unit):
                if number < first + table.rows:
                    if not is_train[number - first]:
                        break
                    return self.part_of(table, first, np.array([number - first]))
        raise AddressError("error.sample_not_trained", row=number)

    def tables(self, unit: int) -> Iterator[tuple[Table, int, np.ndarray]]:
        """Yield the rows of a unit as they are: columns, the number of the first, which train.

        Raises:
            DataError: a file is gone, or not what it was.
        """
        which, place, length, checksum, rows, first, _ = map(int, self.units[unit])
        file = self.files[which]
        if which not in self._checked:
            file.check()
            self._checked.add(which)
        done = 0
        try:
            for batch in rows_of(file, place, length, checksum, self.kinds, self.forms):
                table = table_of(batch, self.kinds, self.forms, file.name)
                parts = self.shares.parts(first + done, table.rows)
                yield table, first + done, (parts == TRAIN) & self.target.is_there(table)
                done += table.rows
        except pa.ArrowException:
            raise file.changed() from None
        except OSError:
            raise DataError(file.name, [InputError("error.stream_gone", path=file.path)]) from None
        if done != rows:
            raise file.changed()

    def part_of(self, table: Table, first: int, chosen: np.ndarray) -> Part:
        """Return some rows of a table as inputs and targets.

        Args:
            first: the number of its first row in the source.
            chosen: places of the rows that are meant, ascending.
        """
        taken = Table(
            table.name,
            tuple(column.take(chosen) for column in table.columns),
            len(chosen),
            lambda row: table.place(int(chosen[row])),
        )
        weight = None
        if self.weight is not None:
            (own,) = (column for column in taken.columns if column.name == self.weight)
            weight = own.values.astype(np.float32)
        y = self.encoder.scaled_target(self.target.of(taken))
        return Part(self.encoder.encode(taken, Substitutions()), y, first + chosen, weight)

    # --- as a run keeps it --------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the units and the encoder, as JSON can hold it."""
        shares = self.shares
        return {
            "files": [file.to_dict() for file in self.files],
            "kinds": dict(self.kinds),
            "forms": dict(self.forms),
            "target": self.target.to_dict(),
            "weight": self.weight,
            "weights": None if self.weights is None else self.weights.tolist(),
            "class_counts": None if self.class_counts is None else self.class_counts.tolist(),
            "seed": shares.seed,
            "validation": shares.validation,
            "test": shares.test,
            "sample": shares.sample,
            "buffer": self.buffer,
            "lanes": self.lanes,
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any], units: np.ndarray, encoder: Encoder) -> Stream:
        """Return the stream that :meth:`to_dict` took apart."""

        def array(name: str) -> np.ndarray | None:
            return None if told[name] is None else np.array(told[name])

        return cls(
            files=tuple(map(StreamFile.from_dict, told["files"])),
            units=units,
            kinds=told["kinds"],
            forms=told["forms"],
            encoder=encoder,
            target=TargetRule.from_dict(told["target"]),
            weight=told["weight"],
            weights=array("weights"),
            class_counts=array("class_counts"),
            shares=Shares(told["seed"], told["validation"], told["test"], told["sample"]),
            buffer=told["buffer"],
            lanes=told["lanes"],
        )


class _Reading:
    """A unit that is read on, a few thousand rows at a time.

    Attributes:
        at: training rows that were taken of it.
    """

    def __init__(self, stream: Stream, unit: int):
        self.at = 0
        self._stream = stream
        self._tables = stream.tables(unit)
        self._left: tuple[Table, int, np.ndarray] | None = None  # what is left of a table

    def take(self, start: int, stop: int) -> Iterator[Part]:
        """Yield the training rows from ``start`` to ``stop``, both counted in the unit."""
        while self.at < stop:
            if self._left is None:
                table, first, is_train = next(self._tables)
                self._left = table, first, np.flatnonzero(is_train)
            table, first, chosen = self._left
            fresh = chosen[max(0, start - self.at) : stop - self.at]
            passed = min(len(chosen), stop - self.at)
            self.at += passed
            self._left = (table, first, chosen[passed:]) if passed < len(chosen) else None
            if len(fresh):
                yield self._stream.part_of(table, first, fresh)


def table_of(
    batch: pa.RecordBatch, kinds: Mapping[str, str], forms: Mapping[str, str], name: str
) -> Table:
    """Return Arrow columns as ours."""
    columns: list[Column] = []
    for (name, kind), cells in zip(kinds.items(), batch.columns, strict=True):
        filling = Filling(name, kind, batch.num_rows, forms.get(name, ""))
        filling.add(cells)
        columns.append(filling.column())
    return Table(name, tuple(columns), batch.num_rows)


def place_of(files: Sequence[StreamFile], units: np.ndarray, row: int) -> Place:
    """Return where a row of the whole source stands, with its file where there are several."""
    unit = int(np.searchsorted(units[:, 5], row, side="right")) - 1
    which, place, length = map(int, units[unit, :3])
    found = place_in(files[which], place, length, row - int(units[unit, 5]))
    if len(files) > 1:
        found["row"] = f"{found['row']} ({files[which].name})"
    return found
