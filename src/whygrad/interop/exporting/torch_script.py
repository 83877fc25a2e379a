"""A network as PyTorch code: a Python file to read, and its weights as safetensors beside it.

The Python file needs torch and safetensors, not whygrad. It is run before it is written.
"""

import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
from safetensors.numpy import save

from whygrad.interop.exporting.portable import Portable
from whygrad.interop.exporting.torch_plan import state_of, steps_of
from whygrad.interop.exporting.torch_text import script
from whygrad.interop.exporting.trial import Columns, largest_difference
from whygrad.record.files import write_together


def weights_beside(path: Path) -> Path:
    """Return where the weights of a script stand."""
    return path.with_suffix(".weights.safetensors")


def write_torch(portable: Portable, path: Path, rows: np.ndarray | Columns) -> float:
    """Write a network as PyTorch code and return by how much its claims differ from ours.

    Raises:
        ExportError: by more than rounding; nothing is written.
    """
    steps = steps_of(portable.network)
    weights, text = save(state_of(steps)), script(portable, steps, weights_beside(path).name)
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / path.name
        weights_beside(trial).write_bytes(weights)
        trial.write_text(text, "utf-8")
        theirs = run_script(trial, rows)
    difference = largest_difference(portable.claims(rows), theirs, "PyTorch")
    write_together({weights_beside(path): weights, path: text.encode()})
    return difference


def run_script(path: Path, rows: np.ndarray | Columns) -> np.ndarray:
    """Return what the script claims of rows, (m, n_out)."""
    listed = list(zip(*rows.values(), strict=True)) if isinstance(rows, dict) else rows.tolist()
    return np.asarray(load_script(path).claims(listed))


def load_script(path: Path) -> ModuleType:
    """Import a script by its path, leaving no compiled copy beside it."""
    spec = spec_from_file_location("whygrad_export", path)
    assert spec is not None and spec.loader is not None, "a Python file has a loader"
    module = module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module
