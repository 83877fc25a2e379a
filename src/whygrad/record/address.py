"""Addresses: a layer, a neuron, a bias or a weight, by the names and axes of its own network.

``hidden1.weight[5, 3]`` leads from input 5 to neuron 3 in one of whygrad's own networks. In a
watched model an address is what Python calls it: ``encoder.layers.0.linear1.weight[5, 3]`` is of a
linear layer neuron 5, input 3; ``conv.weight[5, 2, 0, 1]`` is a weight of a convolution,
``norm.weight[4]`` a scale. ``fc.bias[5]`` is a bias, ``fc[5]`` a neuron (of a convolution: a
channel), and ``fc`` the layer. In whygrad's own networks the names of :mod:`.naming` do in place of
numbers: ``hidden1.weight[petal length (cm), 3]``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from whygrad.errors import AddressError
from whygrad.record.layers import DENSE, LayerSpec, Packed
from whygrad.record.naming import Axis, Names, found_by_name

PATTERN = re.compile(
    r"\s*(?P<path>.+?)\s*(\[\s*(?P<numbers>\d{1,18}(\s*,\s*\d{1,18})*)\s*\])?\s*", re.DOTALL
)
DOT = re.compile(r"\s*\.\s*")
Specs = Mapping[str, LayerSpec]
Index = tuple[int, ...]


@dataclass(frozen=True)
class Address:
    """What an address names: a layer, one neuron of it, one bias or one weight.

    Attributes:
        layer: name of the layer.
        parameter: ``weight``, ``bias``, or None for a neuron or a layer.
        input: which input a weight comes from, else None.
        neuron: which neuron, or None for a whole layer.
        text: as a watched model names it; "" in whygrad's own networks.
    """

    layer: str
    parameter: str | None = None
    input: int | None = None
    neuron: int | None = None
    text: str = ""

    @property
    def kind(self) -> str:
        """``weight``, ``bias``, ``neuron`` or ``layer``."""
        return self.parameter or ("layer" if self.neuron is None else "neuron")

    @property
    def index(self) -> Index:
        """Where the parameter stands in an array (n_in, n_out), or (n_out,)."""
        return tuple(i for i in (self.input, self.neuron) if i is not None)

    def __str__(self) -> str:
        part = f".{self.parameter}" if self.parameter else ""
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return self.text or f"{self.layer}{part}{place}"

    def named(self, specs: Specs, names: Names) -> str:
        """Return the address with the names of inputs and outputs in place of their numbers."""
        if not self.index:
            return str(self)
        part = f".{self.parameter}" if self.parameter else ""
        axes = _axes(specs[self.layer], self.parameter, specs, names)
        places = map(Axis.written, axes, self.index)
        return f"{self.layer}{part}[{', '.join(places)}]"

    @classmethod
    def parse(cls, text: str, specs: Specs, names: Callable[[], Names] | None = None) -> "Address":
        """Read an address and check that there is what it names.

        Args:
            specs: the layers, as ``run.specs`` and ``network.specs`` hold them.
            names: of inputs and outputs, asked for where an address does not hold numbers alone;
                None where there are none.

        Raises:
            AddressError: it cannot be read, or names nothing that is there.
        """
        if text in specs:  # a name may end in brackets of its own
            return cls._of_layer(text, specs[text], ())
        match = PATTERN.fullmatch(text)
        if match is None:
            raise _unknown(text, text, specs)
        index = tuple(map(int, re.findall(r"\d+", match["numbers"] or "")))
        path = match["path"] if match["path"] in specs else DOT.sub(".", match["path"])
        for spec, parameter in _named(path, specs):
            packed = spec.packed_weight if parameter == "weight" else spec.packed_bias
            if not (packed and index and _is_elsewhere(index[0], packed, spec, parameter)):
                return cls._of_parameter(text, spec, parameter, index)
        if path in specs:  # behind parameters: a layer without a module has its weight's name
            return cls._of_layer(text, specs[path], index)
        return cls._by_name(text, path, specs, names)

    @classmethod
    def _by_name(
        cls, text: str, path: str, specs: Specs, names: Callable[[], Names] | None
    ) -> "Address":
        """Read an address whose brackets hold names."""
        for bracket in re.finditer(r"\[", text):  # a model's own names may hold some, too
            before, inside = DOT.sub(".", text[: bracket.start()].strip()), text[bracket.end() :]
            parameters = list(_named(before, specs))
            spec, parameter = parameters[0] if parameters else (specs.get(before), None)
            if spec is None or not inside.rstrip().endswith("]"):
                continue
            inside = inside.rstrip().removesuffix("]")
            if spec.kind != DENSE:
                raise AddressError("error.names_in_model", address=text, name=inside.strip())
            if names is None:
                break
            axes = _axes(spec, parameter, specs, names())
            index = found_by_name(text, inside, axes)
            if parameter is None:
                return cls._of_layer(text, spec, index)
            return cls._of_parameter(text, spec, parameter, index)
        raise _unknown(text, path, specs)

    @classmethod
    def _of_layer(cls, text: str, spec: LayerSpec, index: Index) -> "Address":
        _check(text, spec, None, index, (spec.n_out,) * len(index[:1]))
        return cls(spec.name, neuron=next(iter(index), None), text=_told(text, spec))

    @classmethod
    def _of_parameter(cls, text: str, spec: LayerSpec, parameter: str, index: Index) -> "Address":
        shape = spec.shape if parameter == "weight" else (spec.n_out,)
        packed = spec.packed_weight if parameter == "weight" else spec.packed_bias
        first = packed.first if packed and index else 0
        local = (index[0] - first, *index[1:]) if index else index
        _check(text, spec, parameter, local, shape)
        if parameter == "bias":
            return cls(spec.name, "bias", neuron=local[0], text=_told(text, spec))
        input, neuron = spec.layout.place_of(local, shape)
        return cls(spec.name, "weight", input, neuron, text=_told(text, spec))


def _named(path: str, specs: Specs) -> Iterator[tuple[LayerSpec, str]]:
    """Yield the parameters that a path names: by their layer, or by the model's own name."""
    for spec in specs.values():
        for parameter, name in (("weight", spec.weight), ("bias", spec.bias)):
            if path == f"{spec.name}.{parameter}" and name is None and spec.kind == DENSE:
                raise AddressError("error.layer_without_bias", layer=spec.name)
            if name is not None and path in (f"{spec.name}.{parameter}", name):
                yield spec, parameter


def _axes(spec: LayerSpec, parameter: str | None, specs: Specs, names: Names) -> list[Axis]:
    """Return what the brackets behind a layer, a weight or a bias of our own networks hold."""
    layers = list(specs)
    of_inputs = names.inputs if spec.name == layers[0] else ()
    of_neurons = names.outputs if spec.name == layers[-1] else ()
    axes = [Axis("input", spec.name, spec.n_in, of_inputs)] if parameter == "weight" else []
    return [*axes, Axis("neuron", spec.name, spec.n_out, of_neurons)]


def _is_elsewhere(row: int, packed: Packed, spec: LayerSpec, parameter: str) -> bool:
    """Return whether a row belongs to another layer that uses the same packed parameter."""
    count = spec.shape[0] if parameter == "weight" else spec.n_out
    return packed.rows != count and not 0 <= row - packed.first < count


def _check(
    text: str, spec: LayerSpec, parameter: str | None, index: Index, shape: Sequence[int]
) -> None:
    """Check that numbers are as many as an array has axes, and none too large.

    Raises:
        AddressError: they are not.
    """
    is_right = len(index) == len(shape)
    if is_right and all(0 <= i < n for i, n in zip(index, shape, strict=True)):
        return
    if spec.kind == DENSE and is_right:
        raise _out_of_range(spec, parameter, index)
    if spec.kind == DENSE:
        raise AddressError("error.address", address=text)
    shape = shape or (spec.n_out,)
    name = getattr(spec, parameter) if parameter else spec.name
    told = f"({', '.join(map(str, shape))})"
    raise AddressError("error.index_in_model", address=text, name=name, shape=told)


def _out_of_range(spec: LayerSpec, parameter: str | None, index: Index) -> AddressError:
    """Return the error that tells which of the numbers is too large: the neuron's first."""
    pairs = [("neuron", index[-1], spec.n_out), ("input", index[0], spec.n_in)]
    what, actual, count = next(one for one in pairs if one[1] >= one[2])
    place = ", ".join(map(str, index))
    return AddressError(
        "error.index_out_of_range",
        address=f"{spec.name}{f'.{parameter}' if parameter else ''}[{place}]",
        what=what,
        actual=actual,
        last=count - 1,
        layer=spec.name,
    )


def _told(text: str, spec: LayerSpec) -> str:
    """Return an address as it is said again: in whygrad's own networks in one way only."""
    return "" if spec.kind == DENSE else text.strip()


def _unknown(text: str, path: str, specs: Specs) -> AddressError:
    """Return the error for a name that is none: of a layer, where it reads like one."""
    first = next(iter(specs.values()), None)
    known = ", ".join(specs)
    if first is not None and first.kind == DENSE:
        layer = re.fullmatch(r"(\w+)(\.(weight|bias))?", path)
        if layer is None:
            return AddressError("error.address", address=text)
        return AddressError("error.unknown_layer", name=layer[1], known=known)
    name, shape = (first.name, first.shape) if first else ("encoder.fc1", (0, 0))
    example = f"{name}.weight[{', '.join('0' for _ in shape)}]"
    return AddressError("error.address_in_model", address=text, example=example, known=known)
