"""The layers of a model, found by the parameters that they are called with."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from whygrad.capture.kinds import KINDS, Use
from whygrad.capture.torch_private import view_base
from whygrad.record.layers import KINDS as TRAITS
from whygrad.record.layers import LayerKind


@dataclass(frozen=True)
class RegisteredLayer:
    """A layer of a model: a weight, or some rows of one, and how it is used.

    Attributes:
        name: the module's path, such as ``encoder.layers.0.linear1``.
        kind: a name of :data:`whygrad.capture.kinds.KINDS`.
        weight, bias: names of the parameters in the model; None where there is no bias.
        first, rows: which rows of the weight.
        is_packed: whether these are not all of them; projections of attention are packed in one.
        is_shared: whether the weight is used in another way elsewhere, too.
        bias_first: which row of the bias is the first; of attention biases may be packed where
            weights are not.
    """

    name: str
    kind: str
    weight: str
    bias: str | None
    first: int
    rows: int
    is_packed: bool = False
    is_shared: bool = False
    bias_first: int = 0

    @property
    def traits(self) -> LayerKind:
        """What is known of all layers of its kind."""
        return TRAITS[self.kind]

    def cut(self, whole: Tensor) -> Tensor:
        """Return the rows of the weight, or of what has its shape, that belong here."""
        return whole[self.first : self.first + self.rows] if self.is_packed else whole

    def cut_bias(self, whole: Tensor, neurons: int) -> Tensor:
        """Return the rows of the bias, or of what has its shape, that belong here."""
        return whole if len(whole) == neurons else whole[self.bias_first :][:neurons]


class LayerRegistry:
    """The layers of a model, found by the identity of their parameters.

    Args:
        model: as it is called; its parameters are what counts.
    """

    def __init__(self, model: nn.Module):
        self.model = model
        self.parameters = dict(model.named_parameters())
        self._names: dict[int, list[str]] = {}
        for name, parameter in model.named_parameters(remove_duplicate=False):
            self._names.setdefault(id(parameter), []).append(name)
        self._modules = dict(model.named_modules(remove_duplicate=False))
        self._found: dict[tuple[int, str, int, int], RegisteredLayer] = {}
        self._of_weight: dict[str, list[RegisteredLayer]] = {}

    def find(self, use: Use) -> RegisteredLayer | None:
        """Return the layer that was used, or None where its weight is not one of the model's."""
        whole = use.weight if id(use.weight) in self._names else view_base(use.weight)
        if whole is None or id(whole) not in self._names or not whole.requires_grad:
            return None
        first = _first_row(use.weight, whole)
        if first is None:
            return None
        key = (id(whole), use.kind, first, use.weight.shape[0])
        if key not in self._found:
            layer = self._found[key] = self._layer(use, whole, first)
            self._of_weight.setdefault(layer.weight, []).append(layer)
        return self._found[key]

    @property
    def are_stale(self) -> bool:
        """Whether somebody has put other parameters into the model since.

        Not tensors, as ``torch.func.functional_call`` does for the time of a call.
        """
        ours, now = self.parameters.values(), list(self.model.parameters())
        is_lasting = all(isinstance(p, nn.Parameter) for p in now)
        return is_lasting and [id(p) for p in now] != [id(p) for p in ours]

    def holds(self, tensor: Tensor) -> bool:
        """Return whether a tensor is one of the model's parameters."""
        return id(tensor) in self._names

    def unexplained(self, names: Iterable[str]) -> set[str]:
        """Return which of these parameters belong to no layer found so far.

        A module of which nothing else is explained is named instead of its parameters: a recurrent
        layer, or one whose weight is computed from other parameters.
        """
        known = {layer.weight for layer in self._found.values()}
        known |= {layer.bias for layer in self._found.values() if layer.bias}
        paths = {name: _module_of(name) for name in set(names) - known}
        explained = {path for name in known for path in _above(name)}
        return {name if not path or path in explained else path for name, path in paths.items()}

    def of_weight(self, name: str) -> list[RegisteredLayer]:
        """Return the layers found so far whose weight this is."""
        return self._of_weight.get(name, [])

    def _layer(self, use: Use, whole: Tensor, first: int) -> RegisteredLayer:
        weight = self._named(whole, use.kind)
        name = _layer_name(weight)
        is_packed = use.weight.shape[0] != whole.shape[0]
        if is_packed:
            name = f"{name}[{first}:{first + use.weight.shape[0]}]"
        bias = use.bias if use.bias is None or id(use.bias) in self._names else view_base(use.bias)
        is_shared = len({kind_of(self._modules, n) for n in self._names[id(whole)]}) > 1
        return RegisteredLayer(
            name,
            use.kind,
            self._canonical(whole),
            None if bias is None else self._canonical(bias),
            first,
            use.weight.shape[0],
            is_packed,
            is_shared,
            0 if bias is None or use.bias is None else _first_row(use.bias, bias) or 0,
        )

    def _named(self, parameter: Tensor, kind: str) -> str:
        """Return the name of a parameter; of several, the one whose module is of that kind."""
        names = self._names[id(parameter)]
        fitting = [n for n in names if kind_of(self._modules, n) == kind]
        return (fitting or names)[0]

    def _canonical(self, parameter: Tensor) -> str:
        return self._names[id(parameter)][0]


def kind_of(modules: dict[str, nn.Module], parameter: str) -> str | None:
    """Return the kind of the module that a parameter belongs to."""
    module = modules.get(parameter.rpartition(".")[0])
    kinds = (kind for kind, row in KINDS.items() if isinstance(module, row.modules))
    return next(kinds, None)


def _first_row(weight: Tensor, whole: Tensor) -> int | None:
    """Return the first row of a weight in the parameter that it is a view of."""
    if weight is whole:
        return 0
    row = whole.stride(0)
    fits = weight.shape[1:] == whole.shape[1:] and weight.stride() == whole.stride()
    offset = weight.storage_offset() - whole.storage_offset()
    return offset // row if fits and row and offset % row == 0 else None


def _module_of(parameter: str) -> str:
    """Return the path of the module that a parameter belongs to; "" for the model itself."""
    path, found, _ = parameter.partition(".parametrizations.")
    return path if found else parameter.rpartition(".")[0]


def _above(parameter: str) -> list[str]:
    """Return the paths of the model and of all modules that a parameter lies in."""
    parts = parameter.split(".")[:-1]
    return [".".join(parts[:count]) for count in range(len(parts) + 1)]


def _layer_name(parameter: str) -> str:
    path, _, last = parameter.rpartition(".")
    if last == "weight":
        return path or "model"
    stem = last.removesuffix("_weight")
    return f"{path}.{stem}" if path else stem
