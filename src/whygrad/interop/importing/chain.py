"""What every source comes to: dense layers in a chain, checked under the source's own names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from whygrad.core.nn.network import Network
from whygrad.errors import InputError, OptionError, ShapeError, unknown_name

TAKEN = ("float32", "float64")
NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Draft:
    """A dense layer as it is read.

    Attributes:
        where: its name at the source.
        weight: (n_in, n_out), already the right way round.
        bias: (n_out,), or None.
        activation: our name of it; None as long as none was met.
        dropout: share that training sets to 0.
    """

    where: str
    weight: np.ndarray
    bias: np.ndarray | None
    activation: str | None = None
    dropout: float = 0.0


def network_of(drafts: Sequence[Draft], source: str) -> Network:
    """Return the layers as a network.

    Raises:
        InputError: there is none.
        ShapeError: they do not fit together.
    """
    if not drafts:
        raise InputError("error.import_no_layers", source=source)
    return Network.from_arrays(
        [draft.weight for draft in drafts],
        [draft.bias for draft in drafts],
        activations=[draft.activation or "identity" for draft in drafts],
        dropout=[draft.dropout for draft in drafts[:-1]],
    )


def in_order(
    names: Sequence[str], layers: Sequence[str] | None, *, is_told: bool = False
) -> list[str]:
    """Return the names of layers from first to last: as the caller says, or by their numbers.

    Files sort names as text, ``10`` before ``2``; so numbers go before the order given.

    Args:
        names: of all dense layers at the source.
        layers: the same, in order, where the caller says so.
        is_told: whether ``names`` stand in an order that means something.

    Raises:
        OptionError: ``layers`` holds other names, or there is no order to be had.
    """
    if layers is not None:
        if sorted(layers) != sorted(names):
            values = {"actual": ", ".join(layers), "known": ", ".join(names)}
            raise OptionError("error.import_layers", **values)
        return list(layers)
    parts = {name: NUMBER.split(name) for name in names}
    if len({tuple(part[::2]) for part in parts.values()}) <= 1:  # they differ by numbers alone
        return sorted(names, key=lambda name: [int(number) for number in parts[name][1::2]])
    if not is_told:
        raise OptionError("error.import_layer_order", known=", ".join(names))
    return list(names)


def with_activations(
    drafts: Sequence[Draft], activation: str | Sequence[str] | None, output_activation: str
) -> list[Draft]:
    """Return the layers with the activations that the caller names, since state holds none.

    Raises:
        OptionError: none is given, or not one a hidden layer.
    """
    hidden = len(drafts) - 1
    if activation is None and hidden > 0:
        raise OptionError("error.import_activation", hidden=hidden)
    names = [activation or ""] * hidden if isinstance(activation, str | None) else [*activation]
    if len(names) != hidden:
        told = {"option": "activation", "count": hidden}
        raise OptionError("error.one_per_layer", **told, actual=len(names))
    pairs = zip(drafts, [*names, output_activation], strict=True)
    return [replace(draft, activation=name) for draft, name in pairs]


def parameter(where: str, values: Any, dimensions: int, dtype: str) -> np.ndarray:
    """Return a parameter as a NumPy array of the precision asked for.

    Args:
        where: its name at the source.
        values: an array of NumPy, JAX or PyTorch.
        dimensions: 2 of weights, 1 of biases.

    Raises:
        InputError: numbers narrower than float32, or none at all.
        ShapeError: of other dimensions, or not finite.
    """
    actual = str(getattr(values, "dtype", type(values).__name__)).removeprefix("torch.")
    if actual not in TAKEN or getattr(values, "is_meta", False):
        raise InputError("error.import_dtype", parameter=where, actual=actual)
    plain = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is named as such
        array = np.array(plain, dtype)
    if array.ndim != dimensions:
        expected = "(n_in, n_out)" if dimensions == 2 else "(n_out,)"
        values_ = {"parameter": where, "expected": expected, "actual": array.shape}
        raise ShapeError("error.import_shape", **values_)
    if not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise ShapeError("error.import_not_finite", parameter=where, count=count)
    return array


def check_dtype(dtype: str) -> None:
    """Check the precision that a network is asked for.

    Raises:
        OptionError: an unknown one, or float64 where JAX does not compute in it.
    """
    if dtype not in TAKEN:
        raise unknown_name("dtype", dtype, TAKEN)
    if dtype == "float64" and not jax.config.read("jax_enable_x64"):
        raise OptionError("error.needs_x64")
