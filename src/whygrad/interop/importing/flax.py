"""Flax: the parameters of a linen module, or the state of an nnx module."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from whygrad.core.nn.network import Network
from whygrad.errors import InputError
from whygrad.interop.importing.chain import (
    Draft,
    check_dtype,
    in_order,
    network_of,
    parameter,
    with_activations,
)

PARTS = {"kernel", "bias"}
Path = tuple[str, ...]


def from_flax(
    params: Any,
    *,
    activation: str | Sequence[str] | None = None,
    output_activation: str = "identity",
    layers: Sequence[str] | None = None,
    dtype: str = "float32",
) -> Network:
    """Return the Dense (linen) or Linear (nnx) layers of Flax parameters as a network.

    Args:
        params: what ``module.init`` gave, or its ``"params"``; or ``nnx.state(module, nnx.Param)``.
            A layer is whatever holds a ``kernel`` (n_in, n_out).
        activation: of the hidden layers, one name for all or one each; parameters hold none.
        output_activation: of the last layer.
        layers: names of the layers in order, such as ``["encoder", "head"]`` or
            ``["mlp.Dense_0", "mlp.Dense_1"]``; default: by the numbers at the end of their names,
            as Flax gives them.
        dtype: of the network, float32 or float64.

    Raises:
        InputError: no parameters, something that is no dense layer, or numbers narrower than 32
            bits.
        OptionError: the order or the activations are not told.
        ShapeError: a parameter is not finite, or does not fit.
    """
    check_dtype(dtype)
    if not isinstance(params, Mapping):
        raise InputError("error.import_flax", actual=type(params).__name__)
    found = dict(_dense_layers(params, ()))
    drafts = []
    for name in in_order(list(found), layers):
        weight = parameter(f"{name}.kernel", found[name]["kernel"], 2, dtype)
        bias = found[name].get("bias")
        bias = None if bias is None else parameter(f"{name}.bias", bias, 1, dtype)
        drafts.append(Draft(name, weight, bias))
    if not drafts:
        return network_of(drafts, "params")
    return network_of(with_activations(drafts, activation, output_activation), "params")


def _dense_layers(tree: Mapping[Any, Any], path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each layer's name and arrays, wherever in the tree they stand."""
    if "kernel" in tree and set(tree) <= PARTS:
        arrays = {}
        for name, leaf in tree.items():
            is_array = hasattr(leaf, "__array__") and not hasattr(leaf, "get_value")
            arrays[str(name)] = leaf if is_array else leaf[...]  # of a variable of nnx
        yield ".".join(path), arrays
        return
    for name, child in tree.items():
        below = (*path, str(name)) if path or name != "params" else path
        if not isinstance(child, Mapping):
            raise InputError("error.import_flax_parameter", parameter=".".join(below))
        yield from _dense_layers(child, below)
