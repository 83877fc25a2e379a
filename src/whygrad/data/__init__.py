"""Data for training: files, tables, arrays and built-in sets become arrays with names.

    load(source) / from_arrays(x, y)
        -> columns      raw columns, told apart by kind           (columns, reading, arrow, builtin)
        -> problems     everything that is wrong, all at once     (selecting, targets, arrays)
        -> split        train, validation and test                (split)
        -> encoder      fitted on the training part only          (encoder, assembling)
        -> Data         three parts, the encoder, notes           (table)

    new_rows(path)
        -> blocks       some thousand rows at a time              (rows, blocks)
        -> columns      as training had them, odd cells counted   (matching)
        -> inputs       the same rules                            (encoder)

A table that does not fit is scanned a unit at a time, and its training part read again in every
epoch:

    stream(source)
        -> files, units     what can be read on its own            (folders, units)
        -> scan             kinds, means, categories, problems     (scanning, summary)
        -> Data             a sample, and the stream of all rows   (streaming, stream)
        -> ReadRows         what was read, for epochs to come      (read_rows)

``source`` opens ordinary files only, and a ``Source`` never reads past the size that the file had.
Text and JSON lines (``delimited``, ``json_lines``), which become UTF-8 as they are read
(``encodings``), are words; they are read twice, block by block:
the first pass finds out kinds, forms (``forms``, ``dates``) and rows, the second fills columns of
that size (``Filling``). Parquet and npz declare their size, and ``core.memory`` is asked before any
of it is held. Words are codes into the few that are known. ``assembling`` takes the raw columns a
few at a time, as float64, and writes float32 straight into the three parts.
``python -m benchmarks.reading`` measures what that costs.

pandas, pyarrow, scikit-learn and jax are imported where they are needed, and not here; the modules
of this room at first use, since estimators need hardly any of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whygrad.data.arrays import from_arrays
    from whygrad.data.builtin import BUILTIN
    from whygrad.data.encoder import Encoder
    from whygrad.data.loading import load
    from whygrad.data.notes import Note
    from whygrad.data.table import Data, Part, pack, unpack

_HOMES = {"from_arrays": "arrays", "BUILTIN": "builtin", "Encoder": "encoder", "load": "loading"}
_HOMES |= {"Note": "notes"} | dict.fromkeys(("Data", "Part", "pack", "unpack"), "table")

__all__ = ["BUILTIN", "Data", "Encoder", "Note", "Part", "from_arrays", "load", "pack", "unpack"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'whygrad.data' has no attribute {name!r}")
    return getattr(import_module(f"whygrad.data.{_HOMES[name]}"), name)
