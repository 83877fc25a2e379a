"""Predictions as tables, written block by block by the ending of a file."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from whygrad.errors import OptionError
from whygrad.record.files import written_in_pieces
from whygrad.training.trained import TrainedRun

LABELS = ";"  # between the labels of one row
Write = Callable[[pa.Table], None]


def table_of(run: TrainedRun, claims: np.ndarray) -> pa.Table:
    """Return the predictions of some rows, one row each, in their order.

    ``prediction``, and of classes and labels ``probability_<name>`` each; of several numbers
    ``prediction_<name>`` each.

    Args:
        claims: what the outputs claim, (m, n_out).
    """
    data, told = run.data, run.data.encoder.answer(claims)
    names = [_in_utf8(name) for name in data.target_names]
    if data.task == "numbers":
        headers = ["prediction"] if len(names) == 1 else [f"prediction_{name}" for name in names]
        return pa.table(dict(zip(headers, np.asarray(told).T, strict=True)))
    words = [one if isinstance(one, str) else LABELS.join(one) for one in told]
    columns: dict[str, Any] = {
        "prediction": pa.array([_in_utf8(one) for one in words], pa.string())
    }
    if run.gives_probabilities:
        for name, column in zip(names, run.as_probabilities(claims).T, strict=True):
            columns[f"probability_{name}"] = np.ascontiguousarray(column)
    return pa.table(columns)


def _in_utf8(word: str) -> str:
    """Return a word as a file can hold it: half of a surrogate pair as its escape."""
    return word.encode(errors="backslashreplace").decode()


def check_out(path: Path, rows: Path) -> None:
    """Check that predictions can be written into such a file.

    Args:
        rows: the file that is predicted.

    Raises:
        OptionError: its ending tells no format, or it is the file of the rows itself.
    """
    if path.exists() and rows.exists() and path.samefile(rows):
        raise OptionError("error.predict_over_rows", path=path)
    if path.suffix.lower() not in FORMATS:
        raise OptionError("error.predict_ending", path=path, known=", ".join(FORMATS))


@contextmanager
def written_to(path: Path) -> Iterator[Write]:
    """Give what writes tables into a file, which is there once all of them are in it.

    Raises:
        RunError: it cannot be written; the file before is still there.
    """
    with written_in_pieces(path) as file, FORMATS[path.suffix.lower()](file) as write:
        yield write


def as_delimited(table: pa.Table, delimiter: str, *, with_head: bool) -> str:
    """Return a table as text; every number has as many digits as it needs."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    if with_head:
        writer.writerow(table.column_names)
    columns = [column.cast(pa.string()).to_pylist() for column in table.columns]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def as_json_lines(table: pa.Table) -> str:
    """Return a table as JSON lines; numbers that are not finite become null."""
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type):
            cells = [json.dumps(word, ensure_ascii=False) for word in column.to_pylist()]
        else:
            is_finite = pc.call_function("is_finite", [column])
            finite = pc.call_function("if_else", [is_finite, column, pa.scalar(None, column.type)])
            cells = [cell or "null" for cell in finite.cast(pa.string()).to_pylist()]
        key = json.dumps(name, ensure_ascii=False)
        columns.append([f"{key}: {cell}" for cell in cells])
    return "".join(f"{{{', '.join(cells)}}}\n" for cells in zip(*columns, strict=True))


@contextmanager
def _delimited(file: Any, delimiter: str) -> Iterator[Write]:
    begun = False

    def write(table: pa.Table) -> None:
        nonlocal begun
        file.write(as_delimited(table, delimiter, with_head=not begun).encode())
        begun = True

    yield write


@contextmanager
def _json_lines(file: Any) -> Iterator[Write]:
    yield lambda table: file.write(as_json_lines(table).encode())


@contextmanager
def _parquet(file: Any) -> Iterator[Write]:
    writers: list[parquet.ParquetWriter] = []

    def write(table: pa.Table) -> None:
        if not writers:
            writers.append(parquet.ParquetWriter(file, table.schema))
        if table.num_rows:
            writers[0].write_table(table)

    try:
        yield write
    finally:
        for writer in writers:
            writer.close()  # while there still is a file


FORMATS: dict[str, Callable[[Any], Any]] = {
    ".csv": lambda file: _delimited(file, ","),
    ".tsv": lambda file: _delimited(file, "\t"),
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
