"""Addresses in a watched model: its own names, and the order of axes that torch has.

``encoder.layers.0.linear1.weight[5, 3]`` is what ``model.encoder.layers[0].linear1.weight[5, 3]``
is in Python: of a linear layer neuron 5, input 3. ``conv.weight[5, 2, 0, 1]`` is a weight of a
convolution, ``norm.weight[4]`` a scale, ``conv.bias[5]`` a bias, ``conv[5]`` a neuron (of a
convolution: a channel), and ``conv`` the layer.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from whygrad.errors import AddressError
from whygrad.record.address import Address
from whygrad.record.watched import WatchedFolder

PATTERN = re.compile(
    r"\s*(?P<path>.+?)\s*(\[\s*(?P<numbers>\d{1,9}(\s*,\s*\d{1,9})*)\s*\])?\s*", re.DOTALL
)


@dataclass(frozen=True)
class WatchedAddress(Address):
    """An address in a watched model.

    Attributes:
        text: as it was asked for.
    """

    text: str = ""

    def __str__(self) -> str:
        return self.text


def parse(text: str, run: WatchedFolder) -> WatchedAddress:
    """Read an address and check that the model has what it names.

    Raises:
        AddressError: it cannot be read, or names nothing that is there.
    """
    match = PATTERN.fullmatch(text)
    layers = run.description["layers"]
    if text in layers:  # a name may end in brackets of its own
        return _of_layer(text, text, layers[text], ())
    if match is None:
        raise _unknown(text, layers)
    index = tuple(map(int, re.findall(r"\d+", match["numbers"] or "")))
    for layer, described in layers.items():
        for parameter in ("weight", "bias") if described.get("bias") else ("weight",):
            if match["path"] in (f"{layer}.{parameter}", described.get(parameter)):
                if _is_elsewhere(described, parameter, index):
                    continue
                return _of_parameter(text.strip(), layer, described, parameter, index)
    if match["path"] not in layers:
        raise _unknown(text, layers)
    return _of_layer(text.strip(), match["path"], layers[match["path"]], index)


def _is_elsewhere(described: dict[str, Any], parameter: str, index: tuple[int, ...]) -> bool:
    """Return whether a row belongs to another layer that uses the same packed parameter."""
    if described["kind"] == "embedding" or not index:
        return False
    first, rows = _rows(described, parameter)
    count = described["shape"][0] if parameter == "weight" else described["n_out"]
    return rows != count and not 0 <= index[0] - first < count


def _rows(described: dict[str, Any], parameter: str) -> tuple[int, int]:
    """Return the first row of a parameter that is the layer's own, and how many it has in all."""
    own = described["shape"][0] if parameter == "weight" else described["n_out"]
    first, rows = described.get("first", 0), described.get("parameter_rows", own)
    if parameter == "bias" and "bias_rows" in described:
        return described["bias_first"], described["bias_rows"]
    return first, rows


def _of_parameter(
    text: str, layer: str, described: dict[str, Any], parameter: str, index: tuple[int, ...]
) -> WatchedAddress:
    shape = tuple(described["shape"] if parameter == "weight" else [described["n_out"]])
    first = 0 if described["kind"] == "embedding" else _rows(described, parameter)[0]
    local = (index[0] - first, *index[1:]) if index else index
    if len(local) != len(shape) or any(not 0 <= i < n for i, n in zip(local, shape, strict=True)):
        name = described.get(parameter) or f"{layer}.{parameter}"
        raise AddressError("error.index_in_model", address=text, name=name, shape=_said(shape))
    if parameter == "bias":
        return WatchedAddress(layer, "bias", neuron=local[0], text=text)
    neuron, input = _neuron_and_input(described["kind"], shape, local)
    return WatchedAddress(layer, "weight", input=input, neuron=neuron, text=text)


def _neuron_and_input(kind: str, shape: tuple[int, ...], index: tuple[int, ...]) -> tuple[int, int]:
    if kind == "embedding":
        return index[1], index[0]
    if kind in ("norm", "channel_norm"):
        return int(np.ravel_multi_index(index, shape)), 0
    if kind == "conv_transpose":  # its weight has the input channels first
        return index[1], int(np.ravel_multi_index((index[0], *index[2:]), (shape[0], *shape[2:])))
    return index[0], int(np.ravel_multi_index(index[1:], shape[1:]))


def _of_layer(
    text: str, layer: str, described: dict[str, Any], index: tuple[int, ...]
) -> WatchedAddress:
    if len(index) > 1 or (index and index[0] >= described["n_out"]):
        shape = _said((described["n_out"],))
        raise AddressError("error.index_in_model", address=text, name=layer, shape=shape)
    return WatchedAddress(layer, neuron=index[0] if index else None, text=text)


def _unknown(text: str, layers: dict[str, Any]) -> AddressError:
    first = next(iter(layers), "encoder.fc1")
    shape = layers.get(first, {}).get("shape", [0, 0])
    example = f"{first}.weight[{', '.join('0' for _ in shape)}]"
    known = ", ".join(layers)
    return AddressError("error.address_in_model", address=text, example=example, known=known)


def _said(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"
