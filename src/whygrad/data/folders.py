"""The files of a source that is read in units: of one file, a folder, or an Arrow dataset.

What folders are called, ``year=2024``, becomes columns, as Hive, Spark and Arrow write them. Names
that begin with a dot or an underscore are passed over, as these do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import dataset as arrow_dataset
from pyarrow.fs import LocalFileSystem

from whygrad.data.arrow_private import is_filtered
from whygrad.data.columns import is_dataset, listed, name_problems
from whygrad.data.source import PACKED
from whygrad.data.stream_file import StreamFile
from whygrad.data.units import SUFFIXES, known_file
from whygrad.errors import DataError, InputError


def name_of(source: Any) -> str:
    """Return what a source is called."""
    if not is_dataset(source):
        return Path(source).name or str(source)
    files = getattr(source, "files", ())
    return Path(files[0]).name if len(files) == 1 else "dataset"


def files_of(
    source: Any, delimiter: str | None, encoding: str | None = None
) -> tuple[StreamFile, ...]:
    """Return the files of a source in the order in which their rows are counted.

    Args:
        source: the path of a file or a folder, or a ``pyarrow.dataset.FileSystemDataset``.
        delimiter: what separates the columns of a text file; None finds it out.
        encoding: of text files; None for UTF-8.

    Raises:
        DataError: there are none, one of them cannot be read in units, or their columns differ.
        InputError: a dataset whose rows do not all stand in files here.
        OptionError: the delimiter is not a single character, or there is no such encoding.
    """
    name = name_of(source)
    if is_dataset(source):
        found = _of_dataset(source)
    elif Path(source).is_dir():
        found = _of_folder(Path(source))
    else:
        found = [(Path(source), Path(source).name, {})]
    if not found:
        known = ", ".join(SUFFIXES)
        raise DataError(name, [InputError("error.stream_empty", path=source, known=known)])
    files = []
    for path, label, keys in found:
        files.append(known_file(path, label, keys, delimiter, encoding))
    first = files[0]
    for file in files:
        _check_columns(file, first)
    return tuple(files)


def columns_of(file: StreamFile) -> tuple[str, ...]:
    """Return the names of all columns: those of the file, then those that its folders name."""
    return (*file.names, *(name for name in file.keys if name not in file.names))


def _of_folder(folder: Path) -> list[tuple[Path, str, Mapping[str, str | None]]]:
    paths = sorted(
        path
        for path in folder.rglob("*")
        if (path.stem if path.suffix.lower() == PACKED else path.name).lower().endswith(SUFFIXES)
        and path.is_file()
        and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    )
    inner = [path.relative_to(folder) for path in paths]
    keys = [part.split("=", 1)[0] for path in inner for part in path.parts[:-1] if "=" in part]
    schema = pa.schema([(key, pa.string()) for key in dict.fromkeys(keys)])
    hive = arrow_dataset.partitioning(schema, flavor="hive")
    return [
        (path, label.as_posix(), _keys(hive.parse(f"/{label.parent.as_posix()}/")))
        for path, label in zip(paths, inner, strict=True)
    ]


def _of_dataset(dataset: Any) -> list[tuple[Path, str, Mapping[str, str | None]]]:
    is_local = isinstance(getattr(dataset, "filesystem", None), LocalFileSystem)
    if not is_local or is_filtered(dataset):
        raise InputError("error.stream_dataset", actual=type(dataset).__name__)
    return [
        (Path(fragment.path), fragment.path, _keys(fragment.partition_expression))
        for fragment in dataset.get_fragments()
    ]


def _keys(expression: Any) -> dict[str, str | None]:
    found = arrow_dataset.get_partition_keys(expression)
    return {key: None if value is None else str(value) for key, value in sorted(found.items())}


def _check_columns(file: StreamFile, first: StreamFile) -> None:
    names, expected = columns_of(file), columns_of(first)
    problems = name_problems(names)
    lacking = [name for name in expected if name not in names]
    further = [name for name in names if name not in expected]
    if lacking or further:
        key = "error.stream_lacks_columns" if lacking else "error.stream_further_columns"
        values = {"names": listed(lacking or further), "first": first.name}
        problems = [*problems, InputError(key, **values)]
    if problems:
        raise DataError(file.name, problems)
