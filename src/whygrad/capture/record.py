"""One step, recorded: rows of factors for every neuron, and what a ledger needs of some steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from whygrad.capture.diagnostics import diagnostics_of
from whygrad.capture.gradients import ActualGradient, actual_gradient, directions_of
from whygrad.capture.layer_calls import Accumulators
from whygrad.capture.registry import LayerRegistry, RegisteredLayer
from whygrad.capture.shards import is_part, placed
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.schema.arrays import MARKS, REDUCED

if TYPE_CHECKING:
    from whygrad.capture.trace import StepTrace
    from whygrad.capture.window import Window


# how far a gradient may be from the sum of delta times input, as a share of sum |delta| |input|
EXACT = 1e-3  # in single precision, of which an accelerator may keep ten bits
ROUNDING = {torch.bfloat16: 2e-2, torch.float16: 2e-2}
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
        tensors: arrays for ledgers, by ``layer/name``; empty where only sums were kept.
        notes: settings of the optimiser behind each layer, with ``tensors``.
        missing: why parameters are not taken apart, by name.
        learned: how many numbers the parameters have that a gradient came to.
    """

    step: int
    layers: dict[str, dict[str, Any]]
    rows: dict[str, np.ndarray]
    line: dict[str, Any]
    diagnostics: dict[str, Any]
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, dict[str, Any]] = field(default_factory=dict)
    learned: int = 0


def recorded(window: Window, registry: LayerRegistry, optimizers: list[Optimizer]) -> Recorded:
    """Put together what was seen of a step, after its update."""
    trace, gradients, step = window.tracer.trace, window.gradients, window.step
    layers, rows, lengths, tensors, notes = {}, {}, {}, {}, {}
    for layer, accumulators in trace.accumulators.items():
        if accumulators.is_empty:
            continue
        registry.note_gradient(layer)
        part = LayerRecord(window, registry, layer, accumulators)
        layers[layer.name] = part.describe(trace)
        rows |= part.rows()
        lengths[layer.name] = part.lengths()
        if accumulators.snapshot is not None:
            tensors |= {f"{layer.name}/{k}": v for k, v in part.tensors(optimizers).items()}
            notes[layer.name] = part.settings(optimizers)
    loss = trace.losses.loss
    return Recorded(
        step=step,
        layers=layers,
        rows=rows,
        line={"step": step} | ({} if loss is None else {"loss": loss}),
        diagnostics=diagnostics_of(window, registry, optimizers) | {"layers": lengths},
        tensors=tensors,
        notes=notes,
        missing=registry.missing(gradients.requested.keys() - gradients.stale, trace.reasons),
        learned=sum(registry.parameters[name].numel() for name in gradients.requested),
    )


class LayerRecord:
    """One layer's part in a step."""

    def __init__(
        self,
        window: Window,
        registry: LayerRegistry,
        layer: RegisteredLayer,
        accumulators: Accumulators,
    ):
        self.gradients, self.parameters = window.gradients, registry.parameters
        self.layer, self.accumulators = layer, accumulators
        weight = placed(self.parameters[layer.weight].detach())
        roles = {"weight": layer.weight, "bias": layer.bias}
        self.sharded = [role for role, n in roles.items() if n and is_part(self.parameters[n])]
        self.is_part = "weight" in self.sharded
        self.weight = layer.laid(weight)  # after the update, (n_out, n_in)
        self.rows_of_parameter = weight.shape[0] if weight.dim() else 1
        self.shape = [layer.rows, *weight.shape[1:]]
        # where the hook on the activation never fired, what came is all there was
        self.through: Any = accumulators.through
        self.pushed = self.through if accumulators.pushed is None else accumulators.pushed

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

    def settings(self, optimizers: list[Optimizer]) -> dict[str, Any]:
        """Return with which settings each parameter is updated."""
        names = {"weight": self.layer.weight, "bias": self.layer.bias}
        return {k: settings_of(self.parameters[n], optimizers) for k, n in names.items() if n}

    @cached_property
    def actual(self) -> ActualGradient:
        """What is kept of the gradient that came back through this layer."""
        if self.own is not None and not self.is_part:
            return actual_gradient(self.layer.laid(self.own, is_cut=True))
        actual = self.gradients.actual.get(self.layer)
        return actual_gradient(torch.zeros_like(self.weight)) if actual is None else actual

    @cached_property
    def own(self) -> Tensor | None:
        """The layer's part in its weight's gradient, where that is not all of it.

        The sum of delta times input is all of it unless the weight has another way to the loss: a
        penalty on it, a gradient of a gradient, a second layer that holds it.
        """
        own, snapshot = self.accumulators.gradient, self.accumulators.snapshot
        change = self.gradients.snapshot.get(self.layer.weight)
        if own is None or snapshot is None or change is None:
            return own
        actual = self.layer.cut(change.gradient)
        return own.reshape(actual.shape) if self.is_apart(actual, own, snapshot.pulls) else None

    def is_apart(self, actual: Tensor, own: Tensor | None, pulls: Tensor | None) -> bool:
        """Return whether two gradients differ by more than rounding."""
        if own is None or pulls is None:
            return False
        rounding = ROUNDING.get(self.accumulators.dtype, EXACT) * float(pulls.norm())
        return float((actual - own.reshape(actual.shape)).norm()) > rounding

    def rows(self) -> dict[str, np.ndarray]:
        """Return what is kept of every recorded step: a row, and the size of the mean gradient.

        The row holds the fields of every neuron, (fields, n_out), of this process; the mean, where
        there are several, is over all of them.
        """
        accumulators, reduced = self.accumulators, self.gradients.reduced
        assert accumulators.pulled is not None
        actual = self.actual.size.to(self.through.device)  # shards may be kept on the host
        sizes = (self.pushed, self.through, accumulators.pulled, actual)
        whole = (torch.ones_like(self.pushed), *sizes[:-1])
        factors = [part / torch.where(w == 0, 1.0, w) for part, w in zip(sizes, whole, strict=True)]
        factors[3] = factors[3].clamp(max=1)  # rounding must not exceed 1
        if self.is_part:
            factors[3] = torch.full_like(factors[3], torch.nan)  # known when all are merged
        share = torch.ones_like(self.through)  # of samples for which each neuron was open
        if accumulators.opened is not None:
            share = (accumulators.opened / accumulators.counted).nan_to_num()
        fields = (*factors, share, self.signatures())
        assert len(fields) == len(ROW_FIELDS)
        rows = {self.layer.name: _numpy(torch.stack(fields))}
        if self.layer in reduced or self.is_part:
            rows[self.layer.name + REDUCED] = _numpy(reduced.get(self.layer, self.actual.size))
        if self.is_part:
            rows[self.layer.name + MARKS] = _numpy(self.actual.mark)
        return rows

    def signatures(self) -> Tensor:
        """Return one number a neuron; see :data:`whygrad.record.fields.FIELDS`.

        Of a shard the weights' part alone, for the other is in units of the whole layer.
        """
        assert self.accumulators.pulled is not None
        weight = self.weight.float()
        along = directions_of(weight)
        mark = weight @ along[:-1]
        if self.layer.bias is not None:
            bias = placed(self.parameters[self.layer.bias].detach()).flatten().float()
            mark = mark + along[-1] * self.layer.cut_bias(bias, len(weight))
        if self.is_part:
            return mark
        size, pulls = mark.norm(), self.accumulators.pulled.float().norm()
        scale = torch.where(size > 0, size, 1.0) / torch.where(pulls > 0, pulls, 1.0)
        return mark + scale * self.actual.mark

    def lengths(self) -> dict[str, float]:
        """Return the norms that say how fast a layer moves."""
        before = self.gradients.weights[self.layer]
        return {
            "weight": before.length,
            "update": before.moved(self.weight),
            "gradient": float(self.actual.size.norm()),
            "asked": self.gradients.requested.get(self.layer.weight, 0.0),
            "rows": self.accumulators.rows,
            "calls": self.accumulators.calls,
        }

    def tensors(self, optimizers: list[Optimizer]) -> dict[str, np.ndarray]:
        """Return everything that a ledger takes from this step."""
        layer, snapshot, accumulators = self.layer, self.accumulators.snapshot, self.accumulators
        assert snapshot is not None
        weight = self._of_parameter("weight", layer.weight, optimizers)
        content = {
            "pushed": self.pushed,
            "through": self.through,
            "pulled": accumulators.pulled,
            "pulls": snapshot.pulls,
            "delta": snapshot.delta,
            "layer": snapshot.layer,
            **{name: layer.cut(value) for name, value in weight.items()},
        }
        if self.own is not None and "weight.gradient" in content:
            content |= {"weight.came": content["weight.gradient"], "weight.gradient": self.own}
        if layer.bias is not None:
            bias = self._of_parameter("bias", layer.bias, optimizers)
            count = len(self.weight)
            content |= {k: layer.cut_bias(value.flatten(), count) for k, value in bias.items()}
            actual = content.get("bias.gradient")
            if actual is not None and self.is_apart(actual, snapshot.delta, self.through):
                content |= {"bias.came": actual, "bias.gradient": snapshot.delta}
        if snapshot.rows:
            names = ("input", "upstream", "delta")
            for name, parts in zip(names, zip(*snapshot.rows, strict=True), strict=True):
                content[f"sample.{name}"] = torch.cat(parts)
        return {name: _numpy(value) for name, value in content.items() if value is not None}

    def _of_parameter(
        self, which: str, name: str, optimizers: list[Optimizer]
    ) -> dict[str, Tensor]:
        """Return a parameter before and after, its gradients, and the optimizer's state."""
        parameter = self.parameters[name]
        change = self.gradients.snapshot.get(name)
        if change is None:  # frozen, say
            known = self.gradients.before.get(name)
            return {} if known is None else {f"{which}.before": known}
        content = {
            "before": change.before,
            "after": placed(parameter.detach()),
            "gradient": change.gradient,
            "asked": change.requested,
        }
        state = next((o.state[parameter] for o in optimizers if parameter in o.state), {})
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                content[f"state.{key}"] = placed(value)
        if not is_part(parameter) and torch.equal(change.gradient, change.requested):
            del content["asked"]  # nothing came between
        return {f"{which}.{key}": value for key, value in content.items()}


def settings_of(parameter: Tensor, optimizers: list[Optimizer]) -> dict[str, Any]:
    """Return the optimiser of a parameter by name, with the settings of its group."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if any(parameter is one for one in group["params"]):
                chosen = {name: _plain(group[name]) for name in SETTINGS if name in group}
                step = optimizer.state.get(parameter, {}).get("step")
                own = {} if step is None else {"step": int(step)}
                return {"name": type(optimizer).__name__, **chosen, **own}
    return {}


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return float(value)
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value


def _numpy(tensor: Tensor) -> np.ndarray:
    return np.atleast_1d(tensor.detach().float().cpu().numpy().copy())
