"""One step, recorded: rows of factors for every neuron, and what a ledger needs of some steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from whygrad.capture.accumulators import Sums
from whygrad.capture.diagnostics import facts_of
from whygrad.capture.gradients import Came, came_of, directions_of
from whygrad.capture.kinds import fan_in_last
from whygrad.capture.optimizers import settings_of, state_of
from whygrad.capture.registry import Place, Places
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.schema.rows import REDUCED

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
        facts: one line of the facts, for the doctor.
        tensors: arrays for ledgers, by ``layer/name``; empty where only sums were kept.
        notes: settings of the optimiser behind each layer, with ``tensors``.
    """

    step: int
    layers: dict[str, dict[str, Any]]
    rows: dict[str, np.ndarray]
    line: dict[str, Any]
    facts: dict[str, Any]
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def recorded(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return by layer the step's number, (1,), and its rows, (1, fields, n_out)."""
        steps = np.array([self.step])
        return {name: (steps, self.rows[name][None]) for name in self.layers}


def recorded(window: Window, places: Places, optimizers: list[Optimizer]) -> Recorded:
    """Put together what was seen of a step, after its update."""
    seen, step = window.seeing.seen, window.step
    used = {place: sums for place, sums in seen.sums.items() if not sums.is_empty}
    parts = {place: _Part(window, places, place, sums) for place, sums in used.items()}
    tensors, notes = {}, {}
    for place, part in parts.items():
        if part.sums.whole is not None:
            tensors |= {f"{place.name}/{k}": v for k, v in part.tensors(optimizers).items()}
            notes[place.name] = part.settings(optimizers)
    loss = seen.losses.loss
    return Recorded(
        step=step,
        layers={place.name: part.describe(seen) for place, part in parts.items()},
        rows={name: row for part in parts.values() for name, row in part.rows().items()},
        line={"step": step} | ({} if loss is None else {"loss": loss}),
        facts=facts_of(window, places, optimizers)
        | {"layers": {place.name: part.lengths() for place, part in parts.items()}},
        tensors=tensors,
        notes=notes,
    )


class _Part:
    """One layer's part in a step."""

    def __init__(self, window: Window, places: Places, place: Place, sums: Sums):
        self.window, self.places, self.place, self.sums = window, places, place, sums
        self.weight_parameter = places.parameters[place.weight]

    def describe(self, seen: Any) -> dict[str, Any]:
        place, activation = self.place, seen.activations.get(self.place)
        bias = None if place.bias is None else self.places.parameters[place.bias]
        weight = fan_in_last(place.kind, self._after())
        feeds = seen.feeds.get(place, set())
        return {
            "kind": place.kind,
            "weight": place.weight,
            "bias": place.bias if bias is not None and bias.requires_grad else None,
            "first": place.first,
            "n_in": weight.shape[1],
            "n_out": weight.shape[0],
            "parameter_rows": self.weight_parameter.shape[0],
            "bias_first": place.bias_first,
            "bias_rows": 0 if bias is None else bias.numel(),
            "shape": [place.rows, *self.weight_parameter.shape[1:]],
            "activation": "identity" if activation is None else activation.name,
            "steepest": 1.0 if activation is None else activation.steepest,
            "is_shared": place.is_shared,
            "feeds": next(iter(feeds)).name if len(feeds) == 1 else None,
        }

    def settings(self, optimizers: list[Optimizer]) -> dict[str, Any]:
        """Return with which settings each parameter is updated."""
        names = {"weight": self.place.weight, "bias": self.place.bias}
        parameters = self.places.parameters
        return {k: settings_of(parameters[n], optimizers) for k, n in names.items() if n}

    @cached_property
    def came(self) -> Came:
        """What is kept of the gradient that came back through this layer."""
        if self._own is not None:
            return came_of(self.place, self._own)
        came = self.window.gradients.came.get(self.place)
        return came_of(self.place, torch.zeros_like(self._after())) if came is None else came

    @cached_property
    def _own(self) -> Tensor | None:
        """The layer's part in its weight's gradient, where that is not all of it.

        The sum of delta times input is all of it unless the weight has another way to the loss: a
        penalty on it, a gradient of a gradient, a second layer that holds it.
        """
        own, whole = self.sums.gradient, self.sums.whole
        change = self.window.gradients.whole.get(self.place.weight)
        if own is None or whole is None or change is None:
            return own
        came = self.place.cut(change.gradient)
        return own.reshape(came.shape) if self._is_apart(came, own, whole.pulls) else None

    def _is_apart(self, came: Tensor, own: Tensor | None, pulls: Tensor | None) -> bool:
        """Return whether two gradients differ by more than rounding."""
        if own is None or pulls is None:
            return False
        rounding = ROUNDING.get(self.sums.dtype, EXACT) * float(pulls.norm())
        return float((came - own.reshape(came.shape)).norm()) > rounding

    def rows(self) -> dict[str, np.ndarray]:
        """Return what is kept of every recorded step: a row, and the size of the mean gradient.

        The row is of this process; the mean, where there are several, is over all of them.
        """
        rows, reduced = {self.place.name: self.row()}, self.window.gradients.reduced
        if self.place in reduced:
            rows[self.place.name + REDUCED] = _numpy(reduced[self.place])
        return rows

    def row(self) -> np.ndarray:
        """Return the fields of every neuron, (fields, n_out)."""
        sums = self.sums
        assert sums.through is not None and sums.pulled is not None
        sizes = (_pushed(sums), sums.through, sums.pulled, self.came.size)
        fields = (*_factors(*sizes), _opened(sums), self._signatures())
        assert len(fields) == len(ROW_FIELDS)
        return _numpy(torch.stack(fields))

    def lengths(self) -> dict[str, float]:
        """Return the norms that say how fast a layer moves."""
        before = self.window.before[self.place]
        return {
            "weight": before.length,
            "update": before.moved(fan_in_last(self.place.kind, self._after())),
            "gradient": float(self.came.size.norm()),
            "asked": self.window.gradients.asked.get(self.place.weight, 0.0),
            "rows": self.sums.rows,
            "calls": self.sums.calls,
        }

    def tensors(self, optimizers: list[Optimizer]) -> dict[str, np.ndarray]:
        """Return everything that a ledger takes from this step."""
        whole, sums = self.sums.whole, self.sums
        assert whole is not None
        content = {
            "pushed": _pushed(sums),
            "through": sums.through,
            "pulled": sums.pulled,
            "pulls": whole.pulls,
            "delta": whole.delta,
            "layer": whole.layer,
            **self._of_weight(optimizers),
        }
        if self._own is not None and "weight.gradient" in content:
            content |= {"weight.came": content["weight.gradient"], "weight.gradient": self._own}
        if self.place.bias is not None:
            content |= self._of_bias(self.place.bias, optimizers)
            came = content.get("bias.gradient")
            if came is not None and self._is_apart(came, whole.delta, sums.through):
                content |= {"bias.came": came, "bias.gradient": whole.delta}
        if whole.rows:
            names = ("input", "upstream", "delta")
            for name, parts in zip(names, zip(*whole.rows, strict=True), strict=True):
                content[f"sample.{name}"] = torch.cat(parts)
        return {name: _numpy(value) for name, value in content.items() if value is not None}

    def _of_parameter(
        self, which: str, name: str, optimizers: list[Optimizer]
    ) -> dict[str, Tensor]:
        """Return a parameter before and after, its gradients, and what the optimiser remembers."""
        parameter = self.places.parameters[name]
        change = self.window.gradients.whole.get(name)
        if change is None:  # frozen, say
            known = self.window.gradients.before(name)
            return {} if known is None else {f"{which}.before": known}
        content = {
            "before": change.before,
            "after": parameter.detach(),
            "gradient": change.gradient,
            "asked": change.asked,
        }
        for key, value in state_of(parameter, optimizers).items():
            if value.shape == parameter.shape:
                content[f"state.{key}"] = value
        if torch.equal(change.gradient, change.asked):
            del content["asked"]  # nothing came between
        return {f"{which}.{key}": value for key, value in content.items()}

    def _of_weight(self, optimizers: list[Optimizer]) -> dict[str, Tensor]:
        content = self._of_parameter("weight", self.place.weight, optimizers)
        return {key: self.place.cut(value) for key, value in content.items()}

    def _of_bias(self, name: str, optimizers: list[Optimizer]) -> dict[str, Tensor]:
        content = self._of_parameter("bias", name, optimizers)
        count = fan_in_last(self.place.kind, self._after()).shape[0]
        return {key: self.place.cut_bias(value.flatten(), count) for key, value in content.items()}

    def _signatures(self) -> Tensor:
        """Return one number a neuron; see :data:`whygrad.record.fields.FIELDS`."""
        assert self.sums.pulled is not None
        weight = fan_in_last(self.place.kind, self._after()).float()
        along = directions_of(weight)
        mark = weight @ along[:-1]
        if self.place.bias is not None:
            bias = self.places.parameters[self.place.bias].detach().flatten().float()
            mark = mark + along[-1] * self.place.cut_bias(bias, len(weight))
        size, pulls = mark.norm(), self.sums.pulled.float().norm()
        scale = torch.where(size > 0, size, 1.0) / torch.where(pulls > 0, pulls, 1.0)
        return mark + scale * self.came.mark

    def _after(self) -> Tensor:
        return self.place.cut(self.weight_parameter.detach())


def _factors(*sizes: Tensor) -> tuple[Tensor, ...]:
    """Return the four factors whose running products are four sizes; see whygrad.core.factors."""
    whole = (torch.ones_like(sizes[0]), *sizes[:-1])
    shares = [part / torch.where(w == 0, 1.0, w) for part, w in zip(sizes, whole, strict=True)]
    return (*shares[:3], shares[3].clamp(max=1))  # rounding must not exceed 1


def _pushed(sums: Sums) -> Tensor:
    """Return sum |u|; where the hook on the activation never fired, what came is all there was."""
    assert sums.through is not None
    return sums.through if sums.pushed is None else sums.pushed


def _opened(sums: Sums) -> Tensor:
    """Return the share of samples for which each neuron was open; 1 without an activation."""
    assert sums.through is not None
    return torch.ones_like(sums.through) if sums.opened is None else sums.opened / sums.counted


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy().copy()
