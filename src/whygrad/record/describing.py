"""What is printed of traces, anatomies and factors: names, shapes, and how large the numbers are.

Inside of a function that JAX traces there are shapes and no numbers; these places stay empty.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.record.fields import FACTORS
from whygrad.words import number, t
from whygrad.words.grid import Grid

if TYPE_CHECKING:
    from whygrad.core.backprop import LayerAnatomy, LayerTrace

UNKNOWN = "–"


def of_trace(layers: "Mapping[str, LayerTrace]") -> Grid:
    """Return a forward pass, a row a layer."""
    columns = ("layer", "input", "output", "preactivation", "activation")
    rows = tuple(
        (
            name,
            shape(one.input),
            shape(one.output),
            mean_size(one.preactivation),
            mean_size(one.output),
        )
        for name, one in layers.items()
    )
    return Grid(t("trace.title"), _head(columns), rows)


def of_anatomy(layers: "Mapping[str, LayerAnatomy]", loss: Any) -> Grid:
    """Return a backward pass, a row a layer."""
    columns = ("layer", "input", "output", "upstream", "slope", "delta")
    rows = tuple(
        (
            name,
            shape(one.input),
            shape(one.output),
            *(mean_size(each) for each in (one.upstream, one.slope, one.delta)),
        )
        for name, one in layers.items()
    )
    return Grid(t("anatomy.title", loss=mean_size(loss)), _head(columns), rows)


def of_factors(sets: Mapping[str, Any], title: str) -> Grid:
    """Return the median of each factor, and of their product: the size of the gradient.

    Args:
        sets: factors by what they are of; see :class:`whygrad.core.factors.Factors`.
    """
    head = (t("table.of"), t("table.shape"), *(t(f"factor.{name}") for name in FACTORS))
    rows = tuple(
        (
            name,
            shape(one.upstream),
            *(median(getattr(one, factor)) for factor in FACTORS),
            median(one.product),
        )
        for name, one in sets.items()
    )
    return Grid(title, (*head, t("table.gradient")), rows)


def shape(array: Any) -> str:
    """Return the shape of an array as ``32 × 10``; 1 of a number that stands alone."""
    sizes = getattr(array, "shape", None)  # JAX puts other things in the place of arrays
    return UNKNOWN if sizes is None else " × ".join(map(str, sizes)) or "1"


def mean_size(array: Any) -> str:
    """Return the mean absolute value."""
    values = _values(array)
    return UNKNOWN if values is None else number(float(np.abs(values).mean()), 3)


def median(array: Any) -> str:
    """Return the median."""
    values = _values(array)
    return UNKNOWN if values is None else number(float(np.median(values)), 3)


def _values(array: Any) -> np.ndarray | None:
    try:
        values = np.asarray(array, np.float64)
    except TypeError:  # a tracer of JAX, or a shape alone
        return None
    return values if values.size else None


def _head(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(t(f"table.{name}") for name in columns)
