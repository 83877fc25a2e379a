"""Data for training: files, tables, arrays and built-in sets become arrays with names.

    load(source) / from_arrays(x, y)
        -> columns      raw columns, told apart by kind           (columns, reading, arrow, builtin)
        -> problems     everything that is wrong, all at once     (selecting, targets, arrays)
        -> split        train, validation and test                (split)
        -> encoder      fitted on the training part only          (encoder, assembling)
        -> Data         three parts, the encoder, notes           (table)

``source`` opens ordinary files only, and a ``Source`` never reads past the size that the file had.
Text is read twice, block by block: the first pass finds out kinds and rows, the second fills
columns of that size (``Filling``). Parquet and npz declare their size, and ``core.memory`` is
asked before any of it is held. Words are codes into the few that are known. ``assembling`` takes
the raw columns a few at a time, as float64, and writes float32 straight into the three parts.
``python -m benchmarks.reading`` measures what that costs.

pandas, pyarrow, scikit-learn and jax are imported where they are needed, and not here.
"""

from whygrad.data.arrays import from_arrays
from whygrad.data.builtin import BUILTIN
from whygrad.data.encoder import Encoder
from whygrad.data.loading import load
from whygrad.data.notes import Note
from whygrad.data.table import Data, Part, pack, unpack

__all__ = ["BUILTIN", "Data", "Encoder", "Note", "Part", "from_arrays", "load", "pack", "unpack"]
