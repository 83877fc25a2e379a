"""One step, recorded: rows of factors for every neuron, and what a ledger needs of some steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from whygrad.capture.diagnostics import diagnostics_of
from whygrad.capture.halves import Half, as_numpy
from whygrad.capture.held import HeldSnapshot
from whygrad.capture.held_step import HeldLayer, HeldStep
from whygrad.capture.layer_calls import Accumulators, FullSnapshot
from whygrad.capture.readings import Reading, Readings, on_host
from whygrad.capture.registry import LayerRegistry, RegisteredLayer
from whygrad.capture.rows import SUMS, LayerRow, is_beyond_rounding, norm, rows_of
from whygrad.capture.shards import is_part, placed
from whygrad.capture.torch_private import norms
from whygrad.record.schema.arrays import MARKS, REDUCED

if TYPE_CHECKING:
    from whygrad.capture.trace import StepTrace
    from whygrad.capture.window import Window


SETTINGS = (  # of an optimiser's group, that an update is worked out from
    "lr",
    "momentum",
    "dampening",
    "weight_decay",
    "nesterov",
    "maximize",
    "betas",
    "eps",
    "amsgrad",
    "decoupled_weight_decay",
    "alpha",
    "centered",
)


@dataclass(frozen=True)
class Recorded:
    """A recorded step.

    Attributes:
        step: its number.
        layers: what each layer is: kind, activation, shapes, names of its parameters.
        rows: by layer, (fields, n_out), as :data:`whygrad.record.fields.ROW_FIELDS` names them; and
            what stands beside them, see :mod:`whygrad.record.merging`.
        line: one line of the history.
        diagnostics: one line of ``facts.jsonl``, for the doctor.
        tensors: arrays for ledgers, by ``layer/name``; empty where they are held.
        held: what these are made of, once they are wanted; None where nothing is held.
        notes: settings of the optimiser behind each layer that is kept for ledgers.
        missing: why parameters are not taken apart, by name.
        learned: how many numbers the parameters have that a gradient came to.
    """

    step: int
    layers: dict[str, dict[str, Any]]
    rows: dict[str, np.ndarray]
    line: dict[str, Any]
    diagnostics: dict[str, Any]
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    held: HeldStep | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, dict[str, Any]] = field(default_factory=dict)
    learned: int = 0


def recorded(window: Window, registry: LayerRegistry, optimizers: list[Optimizer]) -> Recorded:
    """Put together what was seen of a step, after its update."""
    trace, gradients, step = window.tracer.trace, window.gradients, window.step
    settings = Settings(optimizers, gradients.readings)
    parts = [
        LayerRecord(window, registry, layer, accumulators, settings)
        for layer, accumulators in trace.accumulators.items()
        if not accumulators.is_empty
    ]
    gradients.readings.fetch()
    layers, rows, tensors, held, notes = {}, {}, {}, {}, {}
    with np.errstate(all="ignore"):  # numbers that are not finite are told, not warned of
        of_each, lengths = rows_of([part.row for part in parts])
        for part, row in zip(parts, of_each, strict=True):
            name = part.layer.name
            registry.note_gradient(part.layer)
            layers[name], rows[name] = part.describe(trace), row
            if (reduced := part.row.reduced) is not None:
                rows[name + REDUCED] = reduced
            if part.row.is_part:
                rows[name + MARKS] = part.row.mark
            if part.reading is not None:
                tensors |= {f"{name}/{k}": v for k, v in part.tensors(part.reading).items()}
            if part.held is not None:
                held[name] = part.held
            if part.accumulators.snapshot is not None:
                notes[name] = {k: _plain(v) for k, v in part.settings.items()}
    loss = trace.losses.loss
    return Recorded(
        step=step,
        layers=layers,
        rows=rows,
        line={"step": step} | ({} if loss is None else {"loss": loss}),
        diagnostics=diagnostics_of(window, registry, optimizers)
        | {"layers": dict(zip(layers, lengths, strict=True))},
        tensors=tensors,
        held=HeldStep(held) if held else None,
        notes=notes,
        missing=registry.missing(gradients.requested.keys() - gradients.stale, trace.reasons),
        learned=sum(registry.parameters[name].numel() for name in gradients.requested),
    )


class LayerRecord:
    """One layer's part in a step.

    Made before the numbers of the step are fetched, and asked afterwards.

    Attributes:
        row: what is kept of every recorded step.
        reading: what a ledger takes from this step, where the layer is in its full snapshot.
        held: what that can be made of later, where the layer is held instead.
        settings: with which each parameter is updated, in either case.
    """

    def __init__(
        self,
        window: Window,
        registry: LayerRegistry,
        layer: RegisteredLayer,
        accumulators: Accumulators,
        settings: Settings,
    ):
        self.gradients, self.parameters = window.gradients, registry.parameters
        self.layer, self.accumulators = layer, accumulators
        weight = placed(self.parameters[layer.weight].detach())
        names = {k: n for k, n in (("weight", layer.weight), ("bias", layer.bias)) if n}
        self.sharded = [which for which, n in names.items() if is_part(self.parameters[n])]
        self.weight = layer.laid(weight)  # after the update, (n_out, n_in)
        self.rows_of_parameter = weight.shape[0] if weight.dim() else 1
        self.shape = [layer.rows, *weight.shape[1:]]
        bias = None
        if layer.bias is not None:
            whole = placed(self.parameters[layer.bias].detach())
            bias = layer.cut_bias(whole.flatten(), len(self.weight))
        is_part_of = "weight" in self.sharded
        self.row = LayerRow(window, layer, accumulators, self.weight, bias, is_part=is_part_of)
        self.reading, self.held, self.settings = None, None, dict[str, dict[str, Any]]()
        snapshot = accumulators.snapshot
        if snapshot is not None:
            self.settings = {k: settings.of(self.parameters[n]) for k, n in names.items()}
        if isinstance(snapshot, FullSnapshot):
            self.reading = self._snapshot(snapshot, settings.optimizers)
        elif snapshot is not None:
            self.held = self._hold(snapshot)

    def describe(self, trace: StepTrace) -> dict[str, Any]:
        """Return what the layer is, as ``run.json`` has it."""
        layer, activation = self.layer, trace.activations.get(self.layer)
        bias = None if layer.bias is None else self.parameters[layer.bias]
        feeds = trace.feeds.get(layer, set())
        return {
            "kind": layer.kind,
            "weight": layer.weight,
            "bias": layer.bias if bias is not None and bias.requires_grad else None,
            "first": layer.first,
            "n_in": self.weight.shape[1],
            "n_out": self.weight.shape[0],
            "parameter_rows": self.rows_of_parameter,
            "bias_first": layer.bias_first,
            "bias_rows": 0 if bias is None else bias.numel(),
            "shape": self.shape,
            "activation": "identity" if activation is None else activation.name,
            "steepest": 1.0 if activation is None else activation.facts.steepest,
            "is_shared": layer.is_shared,
            **({"sharded": self.sharded} if self.sharded else {}),
            **({} if layer.neuron_axes is None else {"neuron_axes": list(layer.neuron_axes)}),
            "feeds": next(iter(feeds)).name if len(feeds) == 1 else None,
        }

    def _snapshot(self, snapshot: FullSnapshot, optimizers: list[Optimizer]) -> Reading:
        """Have everything fetched that a ledger takes from this step, but for the sums."""
        layer = self.layer
        weight = self._of_parameter("weight", layer.weight, optimizers)
        content = {
            "pulls": snapshot.pulls,
            "delta": snapshot.delta,
            "layer": snapshot.layer,
            **{name: layer.cut(value) for name, value in weight.items()},
        }
        if layer.bias is not None:
            bias = self._of_parameter("bias", layer.bias, optimizers)
            count = len(self.weight)
            content |= {k: layer.cut_bias(value.flatten(), count) for k, value in bias.items()}
        if snapshot.rows:
            names = ("input", "upstream", "delta")
            for name, parts in zip(names, zip(*snapshot.rows, strict=True), strict=True):
                content[f"sample.{name}"] = parts[0] if len(parts) == 1 else torch.cat(parts)
        known = {name: value for name, value in content.items() if value is not None}
        return self.gradients.readings.add(known)

    def tensors(self, reading: Reading) -> dict[str, np.ndarray]:
        """Return everything that a ledger takes from this step."""
        row, snapshot = self.row, self.accumulators.snapshot
        assert isinstance(snapshot, FullSnapshot)
        content = {name: row[name] for name in SUMS} | reading.arrays
        for which in ("weight", "bias"):
            asked = None if which in self.sharded else content.get(f"{which}.asked")
            if asked is not None and (asked == content[f"{which}.gradient"]).all():
                del content[f"{which}.asked"]  # nothing came between
        own = row.own()
        if own is not None and "weight.gradient" in content:
            (came,) = on_host([own])
            content |= {"weight.came": content["weight.gradient"], "weight.gradient": came}
        actual = content.get("bias.gradient")
        if actual is not None:
            delta, through = content["delta"], content["through"]
            if row.is_apart(norm(actual - delta), norm(through)):
                content |= {"bias.came": actual, "bias.gradient": delta}
        single = {
            name: value if value.dtype == np.float32 and value.ndim else _single(value)
            for name, value in content.items()
        }
        return single | {name: as_numpy(value) for name, value in snapshot.places().items()}

    def _hold(self, snapshot: HeldSnapshot) -> HeldLayer:
        """Return what everything that a ledger takes from this step can be made of, later."""
        layer, accumulators = self.layer, self.accumulators
        through, pulled = accumulators.through, accumulators.pulled
        assert through is not None and pulled is not None
        pushed = through if accumulators.pushed is None else accumulators.pushed
        sums = {"pushed": pushed, "through": through, "pulled": pulled}
        parameters = dict[str, Tensor | Half]()
        cuts = {
            "weight": layer.cut,
            "bias": lambda b: layer.cut_bias(b.flatten(), len(self.weight)),
        }
        names = {k: n for k, n in (("weight", layer.weight), ("bias", layer.bias)) if n}
        for which, name in names.items():
            for key, value in self.gradients.held_of(name).items():
                cut = cuts[which]
                part = value.cut(cut) if isinstance(value, Half) else cut(value)
                parameters[f"{which}.{key}"] = part
            if self.gradients.ratio_of(name) != 1:
                parameters[f"{which}.ratio"] = torch.tensor([self.gradients.ratio_of(name)])
        apart = partial(differs, accumulators.dtype)
        return HeldLayer(layer, snapshot, sums, parameters, accumulators.gradient, apart, names)

    def _of_parameter(
        self, which: str, name: str, optimizers: list[Optimizer]
    ) -> dict[str, Tensor]:
        """Return a parameter before and after, its gradients, and the optimizer's state."""
        parameter = self.parameters[name]
        change = self.gradients.snapshot.get(name)
        if change is None:  # frozen, say
            known = self.gradients.before.get(name)
            return {} if known is None else {f"{which}.before": known}
        content: dict[str, Tensor | None] = {
            "before": change.before,
            "after": placed(parameter.detach()),
            "gradient": change.gradient,
            "asked": change.requested,  # None where nothing came between
        }
        state = next((o.state[parameter] for o in optimizers if parameter in o.state), {})
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                content[f"state.{key}"] = placed(value)
        return {f"{which}.{key}": value for key, value in content.items() if value is not None}


def differs(dtype: torch.dtype, actual: Tensor, own: Tensor, pulls: Tensor) -> bool:
    """Return whether two gradients differ by more than rounding.

    Args:
        dtype: of the deltas.
        pulls: sum |delta| |input|.
    """
    difference, size = norms([actual - own.reshape(actual.shape), pulls])
    return is_beyond_rounding(float(difference), float(size), dtype)


class Settings:
    """The settings that parameters are updated with; tensors among them are fetched with the step.

    Args:
        readings: the numbers of the step.
    """

    def __init__(self, optimizers: list[Optimizer], readings: Readings):
        self.optimizers, self._readings = optimizers, readings

    @cached_property
    def _groups(self) -> dict[int, tuple[Optimizer, dict[str, Any]]]:
        """The optimizer of each parameter, by id, and what its group has; the first one counts."""
        found: dict[int, tuple[Optimizer, dict[str, Any]]] = {}
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                chosen = {name: self._read(group[name]) for name in SETTINGS if name in group}
                for parameter in group["params"]:
                    found.setdefault(id(parameter), (optimizer, chosen))
        return found

    def of(self, parameter: Tensor) -> dict[str, Any]:
        """Return the optimizer of a parameter by name, with the settings of its group."""
        if id(parameter) not in self._groups:
            return {}
        optimizer, chosen = self._groups[id(parameter)]
        step = optimizer.state.get(parameter, {}).get("step")
        own = {} if step is None else {"step": self._read(step)}
        return {"name": type(optimizer).__name__, **chosen, **own}

    def _read(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self._readings.number(value)
        return [self._read(one) for one in value] if isinstance(value, tuple | list) else value


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with the numbers that were fetched."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(one) for one in value]
        return float(value) if isinstance(value, Reading) else value

    step = {"step": int(float(settings["step"]))} if "step" in settings else {}
    return {name: plain(value) for name, value in settings.items()} | step


def _single(values: np.ndarray) -> np.ndarray:
    return np.atleast_1d(values.astype(np.float32))
