"""The layers of a model, found by the parameters that they are called with."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakSet

from torch import Tensor, nn

from whygrad.capture.kinds import KINDS, Embedding, Linear
from whygrad.capture.origins import Origin, Origins
from whygrad.capture.parts import part_of
from whygrad.capture.shards import is_sharded
from whygrad.capture.torch_private import view_base
from whygrad.capture.uses import Part, Use, fan_in_last
from whygrad.record.coverage import UNTOUCHED
from whygrad.record.layers import KINDS as TRAITS
from whygrad.record.layers import LayerKind, layout_of


@dataclass(frozen=True, eq=False)
class RegisteredLayer:
    """A layer of a model: a weight, or some rows of one, and how it is used.

    There is one of each, so that identity is equality.

    Attributes:
        name: the module's path, such as ``encoder.layers.0.linear1``.
        kind: a name of :data:`whygrad.record.layers.KINDS`.
        weight, bias: names of the parameters in the model; None where there is no bias.
        first, rows: which rows of the weight.
        is_packed: whether these are not all of them; projections of attention are packed in one.
        is_tied: whether the weight is known to be used in another way elsewhere, too.
        bias_first: which row of the bias is the first; of attention biases may be packed where
            weights are not.
        neuron_axes: axes of the weight that count the neurons, where its kind has others.
        siblings: all layers that have this weight.
    """

    name: str
    kind: str
    weight: str
    bias: str | None
    first: int
    rows: int
    is_packed: bool = False
    is_tied: bool = False
    bias_first: int = 0
    neuron_axes: tuple[int, ...] | None = None
    siblings: "WeakSet[RegisteredLayer]" = field(  # weak, for it is one of them
        default_factory=WeakSet, repr=False
    )

    @property
    def is_shared(self) -> bool:
        """Whether the weight is used in another way elsewhere, too."""
        if self.is_tied or len(self.siblings) == 1:
            return self.is_tied
        return len({(one.kind, one.neuron_axes) for one in self.siblings}) > 1

    @property
    def traits(self) -> LayerKind:
        """What is known of all layers of its kind."""
        return TRAITS[self.kind]

    def cut(self, whole: Tensor) -> Tensor:
        """Return the rows of the weight, or of what has its shape, that belong here."""
        return whole[self.first : self.first + self.rows] if self.is_packed else whole

    def laid(self, whole: Tensor, *, is_cut: bool = False) -> Tensor:
        """Return these rows as (n_out, n_in)."""
        return fan_in_last(self.kind, whole if is_cut else self.cut(whole), self.neuron_axes)

    def cut_bias(self, whole: Tensor, neurons: int) -> Tensor:
        """Return the rows of the bias, or of what has its shape, that belong here."""
        return whole if whole.shape[0] == neurons else whole[self.bias_first :][:neurons]


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
        self.is_sharded = any(map(is_sharded, self.parameters.values()))
        self._in_passes: dict[int, Tensor] = {}  # by the id of the shard
        self._found: dict[tuple[object, ...], RegisteredLayer] = {}
        self._places: dict[tuple[object, ...], tuple[tuple[int, ...], Tensor] | None] = {}
        self._of_weight: dict[str, list[RegisteredLayer]] = {}
        self._siblings: dict[str, WeakSet[RegisteredLayer]] = {}
        self._explained: set[str] = {""}  # parameters of layers that a gradient came to

    def origins(self) -> Origins:
        """Return what is known of tensors when a step begins: the parameters themselves."""
        known = (*self.parameters.values(), *self._in_passes.values())
        learning = {id(p): p for p in known if p.requires_grad and p.numel()}
        return Origins(learning, self.model.buffers)

    def find(self, use: Use, origins: Origins) -> tuple[RegisteredLayer, Use] | None:
        """Return the layer that was used, and where in it; None where it is none of the model's."""
        found = self._whole(use)
        if found is not None:
            return found, use
        origin = origins.of(use.weight)
        part = None if origin is None else self._part(origin, origins, use)
        if origin is None or part is None:
            return None
        key = (id(origin.parameter), use.kind, self._own_axes(use.kind, part.axes, part.shape))
        if key not in self._found:
            self._register(key, use, origin.parameter)
        return self._found[key], replace(use, part=part)

    def _part(self, origin: Origin, origins: Origins, use: Use) -> Part | None:
        """Return where a call's weight stands in its parameter.

        To look at the numbers has the host wait for them, so of a view it is done once.
        """
        numbers, place = origins.numbers(origin), origins.place(origin)
        if place is None:
            return part_of(origin, numbers, use)
        key = (*place, use.weight.shape, use.neuron_axes)
        if key not in self._places:
            part = part_of(origin, numbers, use)
            self._places[key] = None if part is None else (part.axes, part.neurons)
        known = self._places[key]
        return known and Part(origin.parameter.shape, known[0], numbers, known[1], origin.gain)

    def find_own(self, use: Use, origins: Origins) -> tuple[RegisteredLayer, Use] | None:
        """Return the layer that one of torch's own was called for.

        None for one whose weight is computed where the rule for all products tells more.
        """
        if isinstance(use, Linear):
            found = self._whole(use)
            return None if found is None else (found, use)
        if isinstance(use, Embedding) and use.weight.grad_fn is not None:
            return None
        return self.find(use, origins)

    def names_of(self, parameter: Tensor) -> list[str]:
        """Return the names of a parameter in the model."""
        return self._names.get(id(parameter), [])

    def _whole(self, use: Use) -> RegisteredLayer | None:
        """Return the layer whose weight is a parameter of the model, or rows of one."""
        whole = use.weight if id(use.weight) in self._names else view_base(use.weight)
        if whole is None or id(whole) not in self._names or not whole.requires_grad:
            return None
        if whole is not use.weight and (not use.traits.sums_inputs or use.neuron_axes != (0,)):
            return None
        first = _first_row(use.weight, whole)
        if first is None:
            return None
        axes = None
        if use.has_own_layout:
            axes = self._own_axes(use.kind, use.neuron_axes, whole.shape)
        rows = use.weight.shape[0] if use.weight.dim() else 1
        key = (id(whole), use.kind, axes, first, rows)
        if rows == len(whole if whole.dim() else (0,)):
            key = key[:3]
        if key not in self._found:
            self._register(key, use, whole, first, rows)
        return self._found[key]

    def _own_axes(
        self, kind: str, axes: tuple[int, ...], shape: Sequence[int]
    ) -> tuple[int, ...] | None:
        """Return the axes that count the neurons where they are not those of the kind."""
        return None if axes == layout_of(kind, None).neurons(shape) else axes

    def _register(
        self, key: tuple[Any, ...], use: Use, whole: Tensor, first: int = 0, rows: int = 0
    ) -> None:
        names, count = self._names[id(whole)], whole.shape[0] if whole.dim() else 1
        rows = rows or count
        kinds = {name: kind_of(self._modules, name) for name in names}
        fitting = [name for name, kind in kinds.items() if kind == use.kind]
        name, is_packed = layer_name((fitting or names)[0]), rows != count
        name = f"{name}[{first}:{first + rows}]" if is_packed else name
        bias = use.bias if use.bias is None or id(use.bias) in self._names else view_base(use.bias)
        taken = {layer.name for layer in self._found.values()}
        siblings = self._siblings.setdefault(names[0], WeakSet())
        self._found[key] = RegisteredLayer(
            name=name if name not in taken else f"{name}.{use.kind}",
            kind=use.kind,
            weight=names[0],
            bias=None if bias is None or id(bias) not in self._names else self._names[id(bias)][0],
            first=first,
            rows=rows,
            is_packed=is_packed,
            is_tied=len(set(kinds.values())) > 1,
            bias_first=0 if bias is None or use.bias is None else _first_row(use.bias, bias) or 0,
            neuron_axes=key[2],
            siblings=siblings,
        )
        siblings.add(self._found[key])
        self._of_weight.setdefault(names[0], []).append(self._found[key])

    def note_whole(self, module: nn.Module) -> dict[str, Tensor]:
        """Note the tensors that stand for a sharded module's parameters within its passes.

        As long as some were never seen all modules are asked: a model that is watched from within
        its first pass on has entered before anybody could hear of it.

        Returns:
            Those that learn, by the parameter's name in :attr:`parameters`.
        """
        shards = {n: p for p in self.parameters.values() for n in self.names_of(p)}
        if len(self._in_passes) < sum(map(is_sharded, self.parameters.values())):
            module = self.model
        prefix = next(name for name, one in self._modules.items() if one is module)
        found = {}
        for name, whole in module.named_parameters(prefix, remove_duplicate=False):
            shard = shards.get(name)
            if shard is not None and whole is not shard and not is_sharded(whole):
                self._names[id(whole)] = names = self._names[id(shard)]
                self._in_passes[id(shard)] = found[names[0]] = whole
        return {name: whole for name, whole in found.items() if whole.requires_grad}

    @property
    def are_stale(self) -> bool:
        """Whether somebody has put other parameters into the model since.

        Not tensors, as ``torch.func.functional_call`` does for the time of a call.
        """
        ours, now = self.parameters.values(), list(self.model.parameters())
        is_lasting = all(isinstance(p, nn.Parameter) for p in now)
        shards = {id(whole): shard for shard, whole in self._in_passes.items()}
        return is_lasting and [shards.get(id(p), id(p)) for p in now] != [id(p) for p in ours]

    def holds(self, tensor: Tensor) -> bool:
        """Return whether a tensor is one of the model's parameters."""
        return id(tensor) in self._names

    def belongs_to_layer(self, name: str) -> bool:
        """Return whether a parameter is the weight or the bias of a layer found so far."""
        return any(name in (layer.weight, layer.bias) for layer in self._found.values())

    def note_gradient(self, layer: RegisteredLayer) -> None:
        """Note that a gradient came to a layer, so that its parameters are taken apart."""
        self._explained |= {layer.weight, layer.bias or ""}

    def unexplained(self, names: Iterable[str]) -> set[str]:
        """Return which of these parameters belong to no layer found so far.

        A module of which nothing else is explained is named instead of its parameters: a recurrent
        layer, or one whose weight is computed from other parameters.
        """
        known = self._explained - {""}
        explained = {""}
        for name in known:
            parts = name.split(".")
            explained |= {".".join(parts[:count]) for count in range(1, len(parts))}
        found = set()
        for name in set(names) - known:
            path, is_computed, _ = name.partition(".parametrizations.")
            module = path if is_computed else name.rpartition(".")[0]
            found.add(name if module in explained else module)
        return found

    def missing(
        self, names: Collection[str], reasons: Mapping[str, tuple[str, str]]
    ) -> dict[str, dict[str, Any]]:
        """Return why parameters that learn are not taken apart, by name.

        Args:
            names: of those that a gradient came to.
            reasons: a word, and the function that took the parameter.
        """
        found = {}
        for name, parameter in self.parameters.items():
            if parameter.requires_grad and parameter.numel() and name not in self._explained:
                unknown = ("unseen", "") if name in names else (UNTOUCHED, "")
                why, function = reasons.get(name, unknown) if name in names else unknown
                found[name] = {"why": why, "function": function, "count": parameter.numel()}
        return found

    def of_weight(self, name: str) -> list[RegisteredLayer]:
        """Return the layers found so far whose weight this is."""
        return self._of_weight.get(name, [])


def kind_of(modules: dict[str, nn.Module], parameter: str) -> str | None:
    """Return the kind of the module that a parameter belongs to."""
    module = modules.get(parameter.rpartition(".")[0])
    return next((one.kind for one in KINDS if isinstance(module, one.modules)), None)


def _first_row(weight: Tensor, whole: Tensor) -> int | None:
    """Return the first row of a weight in the parameter that it is a view of."""
    if weight is whole:
        return 0
    if not whole.dim():
        return None
    row = whole.stride(0)
    fits = weight.shape[1:] == whole.shape[1:] and weight.stride() == whole.stride()
    offset = weight.storage_offset() - whole.storage_offset()
    return offset // row if fits and row and offset % row == 0 else None


def layer_name(parameter: str) -> str:
    """Return the name of a layer by its weight's: ``encoder.linear1``, ``attention.in_proj``."""
    path, _, last = parameter.rpartition(".")
    if last == "weight":
        return path or "model"
    stem = last.removesuffix("_weight")
    return f"{path}.{stem}" if path else stem
