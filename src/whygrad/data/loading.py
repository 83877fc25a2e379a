"""Data from a name: a built-in set, a file, or a DataFrame."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.core.memory import fits
from whygrad.data.arrays import from_arrays
from whygrad.data.assembling import Raw, assemble
from whygrad.data.builtin import BUILTIN
from whygrad.data.columns import Table, is_dataset, is_frame
from whygrad.data.source import ARROW, TEXT, Source, Tick, checked_source
from whygrad.data.split import check_split
from whygrad.data.table import Data
from whygrad.data.targets import Target
from whygrad.errors import InputError, OptionError, TooLargeError, unknown_name

Names = str | Sequence[str]
SCALINGS = ("standardize", "target_scaling")
OF_TABLES = ("target", "weight", "drop", "categories", "task")
OF_FILES = (*OF_TABLES, "encoding", "stream", "buffer")


def load(
    source: object,
    *,
    target: Names | None = None,
    weight: str | None = None,
    validation: float | int = 0.1,
    test: float | int = 0.2,
    seed: int = 0,
    standardize: bool | None = None,
    target_scaling: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    samples: int | None = None,
    noise: float | int | None = None,
    drop: Names = (),
    categories: Names = (),
    task: str | None = None,
    stream: bool | None = None,
    buffer: int | None = None,
    tick: Tick | None = None,
) -> Data:
    """Return the data of a built-in set, files or a DataFrame.

    Args:
        source: a name in ``BUILTIN``; a path ending in .csv, .tsv, .txt, .jsonl or .ndjson, all
            of them also with .gz behind, .parquet, .npz, .arrow, .feather or .ipc; a folder of
            such tables, or a ``pyarrow.dataset`` of files; or a DataFrame (pandas, polars) or Arrow
            table.
        target: the column to predict, or several (a list, or ``"a,b"``).
        weight: the column of sample weights.
        validation: share of the samples, in [0, 1).
        test: share of the samples, in [0, 1).
        seed: of the split, and of generated samples.
        standardize: give inputs and numbers to predict mean 0 and spread 1; None does so except
            for images and generated sets.
        target_scaling: of numbers to predict: ``standard``, ``unit`` (from 0 to 1 on the training
            part) or ``none``; None scales them as the inputs are.
        delimiter: what separates the columns of a text file; None finds it out.
        encoding: of a text file, such as ``cp1252``, ``gb18030`` or ``utf-16``; None for UTF-8.
        samples: how many samples a generated set has.
        noise: the spread of the noise of a generated set, >= 0.
        drop: columns to leave out.
        categories: columns whose values stay words, such as numbers that are codes.
        task: ``classes``, ``binary``, ``labels`` or ``numbers``; None finds it out.
        stream: whether the rows are read anew for every epoch, and not held in memory; None does so
            where they do not fit into it, and for folders, datasets and Arrow files.
        buffer: rows of a stream that are in memory, and shuffled, together; None for 32 MiB of
            them as inputs.
        tick: is called with the share of a file that is read, from 0 to 1.
    Raises:
        DataError: with every problem found in the table.
        OptionError: an unknown name, an option out of range, or one that the source does not take.
        TooLargeError: the table does not fit into memory and may not be streamed; it was not read.
    """
    given = as_given(
        target=target,
        weight=weight,
        delimiter=delimiter,
        encoding=encoding,
        samples=samples,
        noise=noise,
        drop=drop,
        categories=categories,
        task=task,
        stream=stream,
        buffer=buffer,
    )
    check_split(validation, test, seed)
    shares = {"validation": float(validation), "test": float(test), "seed": int(seed)}
    common = {"standardize": standardize, "target_scaling": target_scaling, **shares}
    if isinstance(source, str) and source in BUILTIN:
        return _builtin(source, given, common)
    if is_frame(source):
        _refuse(given, OF_TABLES, "DataFrame")
        from whygrad.data.arrow import table_from_frame
        from whygrad.data.selecting import data_from_table

        table = table_from_frame(source, "DataFrame")
        described = {"kind": "frame", "source": table.name, "options": given | common}
        return data_from_table(table, given, common, described)
    tick = tick or (lambda share: None)
    if is_dataset(source):
        return _streamed(source, "dataset", "dataset", given, common, tick)
    return _file(source, given, common, tick)


def as_given(**options: Any) -> dict[str, Any]:
    """Return the options that were given, as JSON can hold them."""
    given = {}
    for name, value in options.items():
        if isinstance(value, np.generic):
            value = value.item()
        elif value is not None and not isinstance(value, str | int | float):
            value = list(value)
        if value not in (None, []):
            given[name] = value
    return given


def _table(source: Source, suffix: str, given: dict) -> Table:
    """Return the columns of a text table, of JSON lines or of a Parquet file."""
    from whygrad.data.selecting import chosen_names

    def dropped(names: Sequence[str]) -> tuple[str, ...]:
        return chosen_names(source.name, names, given).drop

    def as_words(names: Sequence[str]) -> tuple[str, ...]:
        return chosen_names(source.name, names, given).categories

    if suffix == ".parquet":
        from whygrad.data.arrow import opened_parquet, read_parquet

        return read_parquet(opened_parquet(source), dropped)
    from whygrad.data.reading import opened_cells, read_cells

    cells = opened_cells(replace(source, passes=2), suffix, given.get("delimiter"))
    return read_cells(cells, dropped, as_words)


def _builtin(name: str, given: dict, common: dict) -> Data:
    chosen = BUILTIN[name]
    _refuse(given, ("samples", "noise") if chosen.is_generated else (), name)
    x, y = chosen.draw(common["seed"], given.get("samples"), given.get("noise"))
    task = "binary" if len(chosen.target_names) == 2 else "classes"
    task, kind = ("numbers", np.float64) if chosen.is_numbers else (task, np.int32)
    others = dict(common)
    standardize = others.pop("standardize")
    if standardize is None:
        standardize = not chosen.is_generated and chosen.divisor is None
    raw = Raw(
        name=name,
        features=x,
        columns=chosen.feature_names,
        target=Target(task, y.astype(kind), chosen.target_names),
        rows=np.arange(len(x)),
        image_shape=chosen.image_shape,
        divisor=chosen.divisor or 1.0,
        source={"kind": "builtin", "source": name, "options": given | common},
    )
    return assemble(raw, standardize=standardize, **others)


def _refuse(given: dict, taken: Sequence[str], source: str) -> None:
    """Check that the source takes every option that was given."""
    for option in given:
        if option not in taken:
            known = ", ".join((*taken, "validation", "test", "seed", *SCALINGS))
            raise OptionError("error.data_option", option=option, source=source, known=known)


def _file(given_path: object, given: dict, common: dict, tick: Tick) -> Data:
    if not isinstance(given_path, str | os.PathLike):
        raise InputError("error.data_source", actual=type(given_path).__name__)
    path = Path(given_path)
    if not (path.suffix or len(path.parts) > 1 or os.path.lexists(given_path)):
        raise unknown_name("data_set", str(given_path), tuple(BUILTIN))
    where = str(path.absolute())
    if given.get("stream") or path.is_dir() or path.suffix.lower() in ARROW:
        return _streamed(path, "file", where, given, common, tick)
    described = {"kind": "file", "source": where, "options": given | common}
    source, suffix = checked_source(path, tick, encoding=given.get("encoding"))
    if suffix == ".npz":
        from whygrad.data.npz import read_npz

        _refuse(given, ("task",), path.name)
        x, y = read_npz(source)
        standardize = common["standardize"] is not False
        arguments = common | {"standardize": standardize, "task": given.get("task")}
        return from_arrays(x, y, name=path.name, source=described, **arguments)
    _refuse(given, (*OF_FILES, "delimiter") if suffix in TEXT else OF_FILES, path.name)
    may_stream = given.get("stream") is None
    if may_stream and not fits(source.size):
        return _streamed(path, "file", where, given, common, tick)
    from whygrad.data.selecting import data_from_table

    try:
        return data_from_table(  # which alone holds the table, and lets its columns go
            _table(source, suffix, given), given, common, described
        )
    except TooLargeError:
        if not may_stream:
            raise
    return _streamed(path, "file", where, given, common, tick)


def _streamed(source: object, kind: str, where: str, given: dict, common: dict, tick: Tick) -> Data:
    from whygrad.data.streaming import stream

    if given.get("stream") is False:
        raise OptionError("error.stream_always", source=where)
    _refuse(given, (*OF_FILES, "delimiter"), where)
    given = given | {"stream": True}
    described = {"kind": kind, "source": where, "options": given | common}
    return stream(source, given, common, described, tick, given.get("buffer"))
