"""Data from a name: a built-in set, a file, or a DataFrame."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.data.arrays import from_arrays
from whygrad.data.assembling import assemble
from whygrad.data.builtin import BUILTIN, Builtin
from whygrad.data.columns import Table, is_frame
from whygrad.data.fitting import Raw
from whygrad.data.source import Tick
from whygrad.data.split import check_split
from whygrad.data.table import Data
from whygrad.data.targets import Target
from whygrad.errors import InputError, OptionError, unknown_name

Names = str | Sequence[str]
SCALINGS = ("standardize", "target_scaling")
MOST_SAMPLES = 10_000_000


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
    samples: int | None = None,
    noise: float | int | None = None,
    drop: Names = (),
    task: str | None = None,
    tick: Tick | None = None,
) -> Data:
    """Return the data of a built-in set, a file or a DataFrame.

    Args:
        source: a name in ``BUILTIN``; a path ending in .csv, .tsv, .txt, .parquet or .npz; or a
            DataFrame (pandas, polars) or Arrow table.
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
        samples: how many samples a generated set has.
        noise: the spread of the noise of a generated set, >= 0.
        drop: columns to leave out.
        task: ``classes``, ``binary``, ``labels`` or ``numbers``; None finds it out.
        tick: is called with the share of a file that is read, from 0 to 1.
    Raises:
        DataError: with every problem found in the table.
        OptionError: an unknown name, an option out of range, or one that the source does not take.
        TooLargeError: the table does not fit into memory; it was not read.
    """
    given = {
        "target": target,
        "weight": weight,
        "delimiter": delimiter,
        "samples": samples,
        "noise": noise,
        "drop": drop,
        "task": task,
    }
    given = {name: _plain(value) for name, value in given.items()}
    given = {name: value for name, value in given.items() if value not in (None, [])}
    check_split(validation, test, seed)
    shares = {"validation": float(validation), "test": float(test), "seed": int(seed)}
    common = {"standardize": standardize, "target_scaling": target_scaling, **shares}
    if isinstance(source, str) and source in BUILTIN:
        return _builtin(source, given, common)
    if is_frame(source):
        _refuse(given, ("target", "weight", "drop", "task"), "DataFrame")
        from whygrad.data.arrow import table_from_frame
        from whygrad.data.selecting import data_from_table

        table = table_from_frame(source, "DataFrame")
        described = {"kind": "frame", "source": table.name, "options": given | common}
        return data_from_table(table, given, common, described)
    return _file(_path(source), given, common, tick or (lambda share: None))


def load_rows(path: str | Path, columns: Sequence[str]) -> Table | np.ndarray:
    """Return the rows of a file as they are, for :meth:`whygrad.data.Encoder.encode`.

    Args:
        path: as for :func:`load`.
        columns: names of those that are wanted; of an .npz file the inputs are.
    Raises:
        DataError: with what is wrong with the file.
        TooLargeError: the table does not fit into memory; it was not read.
    """
    from whygrad.data import files

    source, suffix = files.checked_source(Path(path), lambda share: None)
    if suffix == ".npz":
        return files.read_npz(source)[0]
    return files.read_table(source, suffix, skip=lambda names: set(names) - set(columns), fewest=1)


def _plain(value: object) -> object:
    """Return an option as JSON can hold it."""
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, str | int | float) else list(value)  # type: ignore[call-overload]


def _builtin(name: str, given: dict, common: dict) -> Data:
    chosen = BUILTIN[name]
    _refuse(given, ("samples", "noise") if chosen.is_generated else (), name)
    generator = np.random.default_rng(common["seed"])
    samples = given.get("samples", chosen.samples)
    noise = given.get("noise", chosen.noise)
    if chosen.is_generated:
        _check_generated(samples, noise)
    x, y = chosen.make(samples or 0, noise or 0.0, generator)
    standardize = common["standardize"]
    if standardize is None:
        standardize = not chosen.is_generated and chosen.divisor is None
    raw = Raw(
        name=name,
        features=x,
        columns=chosen.feature_names,
        target=_target(chosen, y),
        rows=np.arange(len(x)),
        image_shape=chosen.image_shape,
        divisor=chosen.divisor or 1.0,
        source={"kind": "builtin", "source": name, "options": given | common},
    )
    others = {key: value for key, value in common.items() if key != "standardize"}
    return assemble(raw, standardize=standardize, **others)


def _target(chosen: Builtin, y: np.ndarray) -> Target:
    if chosen.is_numbers:
        return Target("numbers", y.astype(np.float64), chosen.target_names)
    task = "binary" if len(chosen.target_names) == 2 else "classes"
    return Target(task, y.astype(np.int32), chosen.target_names)


def _check_generated(samples: Any, noise: Any) -> None:
    is_count = isinstance(samples, int | np.integer) and not isinstance(samples, bool)
    if not (is_count and 20 <= samples <= MOST_SAMPLES):
        raise OptionError("error.data_samples", came=samples, most=MOST_SAMPLES)
    is_number = isinstance(noise, int | float | np.number) and not isinstance(noise, bool)
    if not (is_number and 0 <= noise <= 1000):
        raise OptionError("error.data_noise", came=noise)


def _refuse(given: dict, taken: Sequence[str], source: str) -> None:
    """Check that the source takes every option that was given."""
    for option in given:
        if option not in taken:
            known = ", ".join((*taken, "validation", "test", "seed", *SCALINGS))
            raise OptionError("error.data_option", option=option, source=source, known=known)


def _path(source: object) -> Path:
    if not isinstance(source, str | os.PathLike):
        raise InputError("error.data_source", came=type(source).__name__)
    path = Path(source)
    looks_like_path = path.suffix or len(path.parts) > 1 or os.path.lexists(source)
    if not looks_like_path:
        raise unknown_name("data_set", str(source), tuple(BUILTIN))
    return path


def _file(path: Path, given: dict, common: dict, tick: Tick) -> Data:
    from whygrad.data import files

    described = {"kind": "file", "source": str(path.absolute()), "options": given | common}
    source, suffix = files.checked_source(path, tick)
    if suffix == ".npz":
        _refuse(given, ("task",), path.name)
        x, y = files.read_npz(source)
        standardize = common["standardize"] is not False
        arguments = common | {"standardize": standardize, "task": given.get("task")}
        return from_arrays(x, y, name=path.name, source=described, **arguments)
    taken = ("target", "weight", "drop", "task")
    _refuse(given, taken if suffix == ".parquet" else (*taken, "delimiter"), path.name)
    from whygrad.data.selecting import chosen_names, data_from_table

    def dropped(names: Sequence[str]) -> tuple[str, ...]:
        return chosen_names(path.name, names, given)[2]

    return data_from_table(
        files.read_table(source, suffix, given.get("delimiter"), dropped), given, common, described
    )
