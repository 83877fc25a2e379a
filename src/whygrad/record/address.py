"""Addresses: ``hidden1.weight[5, 3]``, ``hidden1.bias[3]``, ``hidden1[3]``, ``hidden1``."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whygrad.errors import AddressError

if TYPE_CHECKING:
    from whygrad.core.nn.network import Network

PATTERN = re.compile(
    r"""\s*(?P<layer>\w+)\s*
    (?:\.\s*(?P<parameter>weight|bias)\s*)?
    (?:\[\s*(?P<first>\d{1,18})\s*(?:,\s*(?P<second>\d{1,18})\s*)?\])?\s*""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Address:
    """What an address names: a layer, one neuron of it, one bias or one weight.

    Attributes:
        layer: name of the layer.
        parameter: ``weight``, ``bias``, or None for a neuron or a layer.
        input: which input a weight comes from, else None.
        neuron: which neuron, or None for a whole layer.
    """

    layer: str
    parameter: str | None = None
    input: int | None = None
    neuron: int | None = None

    @property
    def kind(self) -> str:
        """``weight``, ``bias``, ``neuron`` or ``layer``."""
        return self.parameter or ("layer" if self.neuron is None else "neuron")

    @property
    def index(self) -> tuple[int, ...]:
        """Where the parameter stands in its array."""
        return tuple(i for i in (self.input, self.neuron) if i is not None)

    def __str__(self) -> str:
        part = f".{self.parameter}" if self.parameter else ""
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return f"{self.layer}{part}{place}"

    @classmethod
    def parse(cls, text: str, network: "Network") -> "Address":
        """Read an address and check that ``network`` has what it names.

        Raises:
            AddressError: it cannot be read, or names nothing that is there.
        """
        match = PATTERN.fullmatch(text)
        if match is None:
            raise AddressError("error.address", address=text)
        layer, parameter = match["layer"], match["parameter"]
        numbers = [int(i) for i in (match["first"], match["second"]) if i is not None]
        _check_form(text, parameter, numbers)
        address = cls(
            layer,
            parameter,
            input=numbers[0] if len(numbers) == 2 else None,
            neuron=numbers[-1] if numbers else None,
        )
        _check_exists(address, network)
        return address


def _check_form(text: str, parameter: str | None, numbers: list[int]) -> None:
    allowed = {"weight": (2,), "bias": (1,), None: (0, 1)}[parameter]
    if len(numbers) not in allowed:
        raise AddressError("error.address", address=text)


def _check_exists(address: Address, network: "Network") -> None:
    dense = network[address.layer]
    if address.parameter == "bias" and dense.bias is None:
        raise AddressError("error.layer_without_bias", layer=address.layer)
    for what, came, count in (
        ("neuron", address.neuron, dense.n_out),
        ("input", address.input, dense.n_in),
    ):
        if came is not None and came >= count:
            raise AddressError(
                "error.index_out_of_range",
                address=address,
                what=what,
                came=came,
                last=count - 1,
                layer=address.layer,
            )
