"""One step, recorded: rows of factors for every neuron, and what a ledger needs of some steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from whygrad.capture.accumulators import Accumulators
from whygrad.capture.diagnostics import diagnostics_of
from whygrad.capture.gradients import ActualGradient, actual_gradient, directions_of
from whygrad.capture.kinds import fan_in_last
from whygrad.capture.optimizers import settings_of, state_of
from whygrad.capture.registry import LayerRegistry, RegisteredLayer
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.schema.arrays import REDUCED

if TYPE_CHECKING:
    from whygrad.capture.watch import Window


# how far a gradient may be from the sum of delta times input, as a share of sum |delta| |input|
EXACT = 1e-3  # in single precision, of which an accelerator may keep ten bits
ROUNDING = {torch.bfloat16: 2e-2, torch.float16: 2e-2}


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
    """

    step: int
    layers: dict[str, dict[str, Any]]
    rows: dict[str, np.ndarray]
    line: dict[str, Any]
    diagnostics: dict[str, Any]
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def recorded(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return by layer the step's number, (1,), and its rows, (1, fields, n_out)."""
        steps = np.array([self.step])
        return {name: (steps, self.rows[name][None]) for name in self.layers}


def recorded(window: Window, registry: LayerRegistry, optimizers: list[Optimizer]) -> Recorded:
    """Put together what was seen of a step, after its update."""
    trace, step = window.tracer.trace, window.step
    used = {layer: one for layer, one in trace.accumulators.items() if not one.is_empty}
    parts = {layer: _Part(window, registry, layer, one) for layer, one in used.items()}
    tensors, notes = {}, {}
    for layer, part in parts.items():
        if part.accumulators.snapshot is not None:
            tensors |= {f"{layer.name}/{k}": v for k, v in part.tensors(optimizers).items()}
            notes[layer.name] = part.settings(optimizers)
    loss = trace.losses.loss
    return Recorded(
        step=step,
        layers={layer.name: part.describe(trace) for layer, part in parts.items()},
        rows={name: row for part in parts.values() for name, row in part.rows().items()},
        line={"step": step} | ({} if loss is None else {"loss": loss}),
        diagnostics=diagnostics_of(window, registry, optimizers)
        | {"layers": {layer.name: part.lengths() for layer, part in parts.items()}},
        tensors=tensors,
        notes=notes,
    )


class _Part:
    """One layer's part in a step."""

    def __init__(
        self,
        window: Window,
        registry: LayerRegistry,
        layer: RegisteredLayer,
        accumulators: Accumulators,
    ):
        self.window, self.registry, self.layer, self.accumulators = (
            window,
            registry,
            layer,
            accumulators,
        )
        self.weight_parameter = registry.parameters[layer.weight]

    def describe(self, trace: Any) -> dict[str, Any]:
        layer, activation = self.layer, trace.activations.get(self.layer)
        bias = None if layer.bias is None else self.registry.parameters[layer.bias]
        weight = fan_in_last(layer.kind, self._after())
        feeds = trace.feeds.get(layer, set())
        return {
            "kind": layer.kind,
            "weight": layer.weight,
            "bias": layer.bias if bias is not None and bias.requires_grad else None,
            "first": layer.first,
            "n_in": weight.shape[1],
            "n_out": weight.shape[0],
            "parameter_rows": self.weight_parameter.shape[0],
            "bias_first": layer.bias_first,
            "bias_rows": 0 if bias is None else bias.numel(),
            "shape": [layer.rows, *self.weight_parameter.shape[1:]],
            "activation": "identity" if activation is None else activation.name,
            "steepest": 1.0 if activation is None else activation.steepest,
            "is_shared": layer.is_shared,
            "feeds": next(iter(feeds)).name if len(feeds) == 1 else None,
        }

    def settings(self, optimizers: list[Optimizer]) -> dict[str, Any]:
        """Return with which settings each parameter is updated."""
        names = {"weight": self.layer.weight, "bias": self.layer.bias}
        parameters = self.registry.parameters
        return {k: settings_of(parameters[n], optimizers) for k, n in names.items() if n}

    @cached_property
    def actual(self) -> ActualGradient:
        """What is kept of the gradient that came back through this layer."""
        if self._own is not None:
            return actual_gradient(self.layer, self._own)
        actual = self.window.gradients.actual.get(self.layer)
        return (
            actual_gradient(self.layer, torch.zeros_like(self._after()))
            if actual is None
            else actual
        )

    @cached_property
    def _own(self) -> Tensor | None:
        """The layer's part in its weight's gradient, where that is not all of it.

        The sum of delta times input is all of it unless the weight has another way to the loss: a
        penalty on it, a gradient of a gradient, a second layer that holds it.
        """
        own, snapshot = self.accumulators.gradient, self.accumulators.snapshot
        change = self.window.gradients.snapshot.get(self.layer.weight)
        if own is None or snapshot is None or change is None:
            return own
        actual = self.layer.cut(change.gradient)
        return own.reshape(actual.shape) if self._is_apart(actual, own, snapshot.pulls) else None

    def _is_apart(self, actual: Tensor, own: Tensor | None, pulls: Tensor | None) -> bool:
        """Return whether two gradients differ by more than rounding."""
        if own is None or pulls is None:
            return False
        rounding = ROUNDING.get(self.accumulators.dtype, EXACT) * float(pulls.norm())
        return float((actual - own.reshape(actual.shape)).norm()) > rounding

    def rows(self) -> dict[str, np.ndarray]:
        """Return what is kept of every recorded step: a row, and the size of the mean gradient.

        The row is of this process; the mean, where there are several, is over all of them.
        """
        rows, reduced = {self.layer.name: self.row()}, self.window.gradients.reduced
        if self.layer in reduced:
            rows[self.layer.name + REDUCED] = _numpy(reduced[self.layer])
        return rows

    def row(self) -> np.ndarray:
        """Return the fields of every neuron, (fields, n_out)."""
        accumulators = self.accumulators
        assert accumulators.through is not None and accumulators.pulled is not None
        sizes = (_pushed(accumulators), accumulators.through, accumulators.pulled, self.actual.size)
        fields = (*_factors(*sizes), _opened(accumulators), self._signatures())
        assert len(fields) == len(ROW_FIELDS)
        return _numpy(torch.stack(fields))

    def lengths(self) -> dict[str, float]:
        """Return the norms that say how fast a layer moves."""
        before = self.window.before[self.layer]
        return {
            "weight": before.length,
            "update": before.moved(fan_in_last(self.layer.kind, self._after())),
            "gradient": float(self.actual.size.norm()),
            "asked": self.window.gradients.requested.get(self.layer.weight, 0.0),
            "rows": self.accumulators.rows,
            "calls": self.accumulators.calls,
        }

    def tensors(self, optimizers: list[Optimizer]) -> dict[str, np.ndarray]:
        """Return everything that a ledger takes from this step."""
        snapshot, accumulators = self.accumulators.snapshot, self.accumulators
        assert snapshot is not None
        content = {
            "pushed": _pushed(accumulators),
            "through": accumulators.through,
            "pulled": accumulators.pulled,
            "pulls": snapshot.pulls,
            "delta": snapshot.delta,
            "layer": snapshot.layer,
            **self._of_weight(optimizers),
        }
        if self._own is not None and "weight.gradient" in content:
            content |= {"weight.came": content["weight.gradient"], "weight.gradient": self._own}
        if self.layer.bias is not None:
            content |= self._of_bias(self.layer.bias, optimizers)
            actual = content.get("bias.gradient")
            if actual is not None and self._is_apart(actual, snapshot.delta, accumulators.through):
                content |= {"bias.came": actual, "bias.gradient": snapshot.delta}
        if snapshot.rows:
            names = ("input", "upstream", "delta")
            for name, parts in zip(names, zip(*snapshot.rows, strict=True), strict=True):
                content[f"sample.{name}"] = torch.cat(parts)
        return {name: _numpy(value) for name, value in content.items() if value is not None}

    def _of_parameter(
        self, which: str, name: str, optimizers: list[Optimizer]
    ) -> dict[str, Tensor]:
        """Return a parameter before and after, its gradients, and what the optimiser remembers."""
        parameter = self.registry.parameters[name]
        change = self.window.gradients.snapshot.get(name)
        if change is None:  # frozen, say
            known = self.window.gradients.before(name)
            return {} if known is None else {f"{which}.before": known}
        content = {
            "before": change.before,
            "after": parameter.detach(),
            "gradient": change.gradient,
            "asked": change.requested,
        }
        for key, value in state_of(parameter, optimizers).items():
            if value.shape == parameter.shape:
                content[f"state.{key}"] = value
        if torch.equal(change.gradient, change.requested):
            del content["asked"]  # nothing came between
        return {f"{which}.{key}": value for key, value in content.items()}

    def _of_weight(self, optimizers: list[Optimizer]) -> dict[str, Tensor]:
        content = self._of_parameter("weight", self.layer.weight, optimizers)
        return {key: self.layer.cut(value) for key, value in content.items()}

    def _of_bias(self, name: str, optimizers: list[Optimizer]) -> dict[str, Tensor]:
        content = self._of_parameter("bias", name, optimizers)
        count = fan_in_last(self.layer.kind, self._after()).shape[0]
        return {key: self.layer.cut_bias(value.flatten(), count) for key, value in content.items()}

    def _signatures(self) -> Tensor:
        """Return one number a neuron; see :data:`whygrad.record.fields.FIELDS`."""
        assert self.accumulators.pulled is not None
        weight = fan_in_last(self.layer.kind, self._after()).float()
        along = directions_of(weight)
        mark = weight @ along[:-1]
        if self.layer.bias is not None:
            bias = self.registry.parameters[self.layer.bias].detach().flatten().float()
            mark = mark + along[-1] * self.layer.cut_bias(bias, len(weight))
        size, pulls = mark.norm(), self.accumulators.pulled.float().norm()
        scale = torch.where(size > 0, size, 1.0) / torch.where(pulls > 0, pulls, 1.0)
        return mark + scale * self.actual.mark

    def _after(self) -> Tensor:
        return self.layer.cut(self.weight_parameter.detach())


def _factors(*sizes: Tensor) -> tuple[Tensor, ...]:
    """Return the four factors whose running products are four sizes; see whygrad.core.factors."""
    whole = (torch.ones_like(sizes[0]), *sizes[:-1])
    shares = [part / torch.where(w == 0, 1.0, w) for part, w in zip(sizes, whole, strict=True)]
    return (*shares[:3], shares[3].clamp(max=1))  # rounding must not exceed 1


def _pushed(accumulators: Accumulators) -> Tensor:
    """Return sum |u|; where the hook on the activation never fired, what came is all there was."""
    assert accumulators.through is not None
    return accumulators.through if accumulators.pushed is None else accumulators.pushed


def _opened(accumulators: Accumulators) -> Tensor:
    """Return the share of samples for which each neuron was open; 1 without an activation."""
    if accumulators.opened is not None:
        return accumulators.opened / accumulators.counted
    assert accumulators.through is not None
    return torch.ones_like(accumulators.through)


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy().copy()
