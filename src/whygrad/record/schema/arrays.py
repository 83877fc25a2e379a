"""What the arrays of a run must be: their names, types and shapes, and what may stand in them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.record.fields import ROW_FIELDS
from whygrad.record.schema.checks import Fault, disagrees

Arrays = Mapping[str, np.ndarray]
FLOAT, INTEGER = "float", "integer"
MISFITS = tuple(f"error.run_content.{kind}" for kind in ("missing", "unknown", "array"))
IS_OF = {FLOAT: "fV", INTEGER: "iu"}  # bfloat16 is a type of its own to NumPy


@dataclass(frozen=True)
class Form:
    """What an array must be.

    Attributes:
        shape: None stands for any length.
        dtype: the name of a type, or ``float`` or ``integer`` for any of these.
        is_finite: whether NaN and infinity may not stand in it.
        is_needed: whether it must be there.
    """

    shape: tuple[int | None, ...]
    dtype: str = FLOAT
    is_finite: bool = False
    is_needed: bool = True

    def fits(self, array: np.ndarray) -> bool:
        kinds = IS_OF.get(self.dtype)
        of_type = array.dtype.kind in kinds if kinds else array.dtype == np.dtype(self.dtype)
        pairs = zip(self.shape, array.shape, strict=False)
        return of_type and len(self.shape) == array.ndim and all(n in (None, m) for n, m in pairs)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join('*' if n is None else str(n) for n in self.shape)}]"


def sound_arrays(
    path: Path, arrays: Arrays, forms: Mapping[str, Form], names: Collection[str] = ()
) -> None:
    """Check that a file holds the arrays that it should, and no others.

    Args:
        names: of arrays that are in the file, too, and were not read.

    Raises:
        RunError: it does not; file, array and place are named.
    """
    refuse(path, _faults(arrays, forms))
    refuse(path, (Fault("unknown", place=(name,)) for name in names if name not in forms))


def refuse(path: Path, faults: Iterator[Fault]) -> None:
    """Raise the first of some faults.

    Raises:
        RunError: there is one.
    """
    for fault in faults:
        raise fault.error(path)


def _faults(arrays: Arrays, forms: Mapping[str, Form]) -> Iterator[Fault]:
    for name, form in forms.items():
        if name not in arrays and form.is_needed:
            yield Fault("missing", place=(name,))
    for name, array in arrays.items():
        form = forms.get(name)
        if form is None:
            yield Fault("unknown", place=(name,))
        elif not form.fits(array):
            actual = str(Form(array.shape, array.dtype.name))
            yield Fault("array", place=(name,), told={"expected": str(form), "array": actual})
        elif form.is_finite:
            yield from first_wrong(name, array, ~np.isfinite(array), "finite")


def first_wrong(
    name: str, array: np.ndarray, is_wrong: np.ndarray | np.bool_, kind: str, **told: Any
) -> Iterator[Fault]:
    """Yield the first value of an array that is wrong, if one is."""
    if np.any(is_wrong):
        place = tuple(map(int, np.argwhere(is_wrong)[0]))
        value = array[place].item()
        actual = value if np.isfinite(value) else str(value)
        yield Fault(kind, actual, (name, *place), told)


def steps_ascend(
    steps: np.ndarray, *, first: int | None = None, below: int | None = None, every: int = 1
) -> Iterator[Fault]:
    """Yield what is wrong with the numbers of recorded steps, (recorded,).

    Args:
        first: the one that the file is called by.
        below: how many steps the run takes at most.
        every: how many there are from one to the next.
    """
    if first is not None and (not len(steps) or steps[0] != first):
        actual = int(steps[0]) if len(steps) else None
        yield disagrees(("steps", 0), actual, first, f"{first}.safetensors")
    before = np.concatenate([[-1], steps[:-1]])
    for place in np.flatnonzero(steps <= before)[:1].tolist():
        other = f"steps[{place - 1}]" if place else "0"
        yield disagrees(("steps", place), int(steps[place]), f"> {before[place]}", other)
    for place in np.flatnonzero(steps >= below)[:1].tolist() if below is not None else ():
        yield disagrees(("steps", place), int(steps[place]), f"< {below}", "run.json")
    for place in np.flatnonzero(steps % every)[:1].tolist() if every > 1 else ():
        expected = f"n × {every}"
        yield disagrees(("steps", place), int(steps[place]), expected, "settings.record_every")


# --- files of recorded rows, whoever wrote them -----------------------------------------------

# behind a layer's name, (n_out,): of the mean gradient over all processes the size, and, where this
# process holds a shard, what it adds to the signature
REDUCED, MARKS = "/reduced", "/marks"


def key_of_rows(layer: str) -> str:
    """Return what a layer's rows are called beside ``steps``; no path begins with a dot."""
    return f".{layer}" if layer == "steps" else layer


def rows_forms(
    neurons: Mapping[str, int],
    names: Collection[str],
    arrays: Arrays,
    dtype: str,
    needed: Collection[str] = (),
) -> dict[str, Form]:
    """Return what a file of recorded rows holds: rows of layers, and what stands beside them.

    Args:
        neurons: how many each layer has.
        names: of all arrays in the file: a layer's, ``layer/reduced`` and ``layer/marks``.
        arrays: those that were read.
        dtype: of the rows.
        needed: names of rows that must be there.
    """
    recorded = arrays["steps"].size if "steps" in arrays else 0
    forms = {"steps": Form((recorded,), INTEGER)}
    by_key = {key_of_rows(layer): count for layer, count in neurons.items()}
    for name in (*names, *needed):
        beside = name.removesuffix(REDUCED).removesuffix(MARKS)
        count = by_key.get(name) or neurons.get(beside)
        if count is not None and name != "steps":
            fields = (len(ROW_FIELDS),) if name in by_key else ()
            forms[name] = Form((recorded, *fields, count), dtype, is_needed=name in needed)
    return forms
