"""The parameters of one step, and their gradients as they come back: before they are clipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from whygrad.capture.isolation import ErrorIsolation, without_grad
from whygrad.capture.readings import Reading, Readings, on_host
from whygrad.capture.registry import LayerRegistry, RegisteredLayer
from whygrad.capture.torch_private import at_end_of_backward, norms
from whygrad.record.fields import directions

SAMPLED = 2**16  # most numbers of a weight that are kept to tell how far it moves


@dataclass(frozen=True)
class Before:
    """A layer's weights before its update: what the length of the update is made of.

    Copying all parameters of a model takes as long as an optimiser's step; of a large weight only
    some neurons are kept, spread evenly, and the length of the update is worked out from them.

    Attributes:
        length: norm of all weights.
        stride: every how many neurons one is kept.
        kept: the weights of these, (neurons, n_in).
    """

    length: Tensor
    stride: int
    kept: Tensor

    def moved(self, after: Tensor) -> Tensor:
        """Return how far the weights moved, as a norm over all of them.

        Args:
            after: the weights after the update, (n_out, n_in).
        """
        if self.stride == 1:
            return torch.dist(after, self.kept)
        part = torch.dist(after[:: self.stride], self.kept)
        return part * (after.shape[0] / self.kept.shape[0]) ** 0.5


def before_update(weight: Tensor, copied: Tensor | None = None) -> Before:
    """Look at weights (n_out, n_in) as they are now.

    Args:
        copied: the same, where somebody has copied them already.
    """
    stride = min(max(-(-weight.numel() // SAMPLED), 1), weight.shape[0])
    length = torch.linalg.vector_norm(weight)
    if copied is not None:
        return Before(length, stride, copied if stride == 1 else copied[::stride])
    return Before(length, stride, (weight if stride == 1 else weight[::stride]).clone())


@dataclass(frozen=True)
class ActualGradient:
    """What is kept of a weight's gradient: enough for a row of its neurons.

    Attributes:
        size: norm of each neuron's, (n_out,).
        mark: each neuron's along the directions of signatures, (n_out,).
    """

    size: Tensor
    mark: Tensor


@dataclass(frozen=True)
class Change:
    """A parameter before an update, its gradient, and the one that the optimiser was given."""

    before: Tensor
    gradient: Tensor
    requested: Tensor


class Gradients:
    """What the backward passes of one step added to the parameters' gradients.

    Attributes:
        weights: by layer, its weights when it was first called.
        actual: by layer, what is kept of the gradient after the last backward pass of the step,
            less what had been there before the first.
        left: by parameter, what was there before the first; only where that was not 0.
        requested: by parameter, norm of the gradient that the optimiser was given.
        readings: the numbers of the step.
        before: by parameter, how it was when its layer was called, where ledgers will need it.
        snapshot: by parameter, what ledgers will need of it.
        reduced: by layer, norms (n_out,) of the mean gradient that all processes were given after
            the last backward pass; empty where there is one process only.
    """

    def __init__(
        self,
        registry: LayerRegistry,
        snapshot: frozenset[str],
        isolated: ErrorIsolation,
        *,
        is_parallel: bool = False,
        is_by_hand: bool = False,
    ):
        self._registry, self._snapshot, self._isolated = registry, snapshot, isolated
        self._is_parallel, self._is_waiting = is_parallel, False
        self._is_by_hand, self._is_ending = is_by_hand, False
        self.weights: dict[RegisteredLayer, Before] = {}
        self.reduced: dict[RegisteredLayer, Tensor] = {}
        self.actual: dict[RegisteredLayer, ActualGradient] = {}
        self.left: dict[str, Tensor] = {}
        self.requested: dict[str, Reading] = {}
        self.readings = Readings()
        self.snapshot: dict[str, Change] = {}
        self.before: dict[str, Tensor] = {}
        self._found: dict[str, Tensor] = {}  # gradients that were there before the first pass
        self._kept: dict[str, Tensor] = {}
        self._heard: set[str] = set()  # parameters whose gradient a backward pass added to
        self._handles: list[Any] = []
        for name, parameter in registry.parameters.items():
            if parameter.requires_grad and parameter.is_leaf:
                hook = partial(isolated, self._note, name)
                self._handles.append(parameter.register_post_accumulate_grad_hook(hook))

    def begin(self) -> None:
        """Note what is there before the first backward pass adds anything."""
        parameters = self._registry.parameters
        self._found = {n: p.grad for n, p in parameters.items() if p.grad is not None}
        with torch.no_grad():
            found = {name: dense(grad) for name, grad in self._found.items()}
            are_left = zip(found.items(), _hold_anything([*found.values()]), strict=True)
            self.left = {name: grad.clone() for (name, grad), is_left in are_left if is_left}

    def begin_again(self) -> None:
        """Forget what was thrown away."""
        self.actual, self.left, self._kept, self.reduced = {}, {}, {}, {}

    def are_gone(self) -> bool:
        """Return whether all gradients were set to 0 again without an update.

        A scaler that met infinity skips its step, and what was summed up belongs to nobody then.
        """
        if not self.actual:
            return False
        grads = [self._registry.parameters[layer.weight].grad for layer in self.actual]
        return not any(_hold_anything([dense(grad) for grad in grads if grad is not None]))

    @without_grad
    def note_layer(self, layer: RegisteredLayer) -> None:
        """Look at a layer as it is; keep its parameters where ledgers will need them."""
        parameters = self._registry.parameters
        if layer.weight in self._snapshot:
            for name in filter(None, (layer.weight, layer.bias)):
                if name not in self.before:
                    self.before[name] = parameters[name].detach().clone()
        copied = self.before.get(layer.weight)
        laid = None if copied is None else layer.laid(copied)
        self.weights[layer] = before_update(layer.laid(parameters[layer.weight].detach()), laid)

    def note_requested(self) -> None:
        """Note what the optimiser is about to be given."""
        given: dict[str, Tensor] = {}
        for name, parameter in self._registry.parameters.items():
            if name not in self.requested and parameter.grad is not None:
                if name not in self._heard:
                    self._note_unheard(name, parameter)
                given[name] = grad = dense(parameter.grad)
                if name in self.before:
                    kept = self._kept.get(name, torch.zeros_like(grad))
                    self.snapshot[name] = Change(self.before[name], kept, grad.clone())
            elif parameter.grad is None and name in self._kept and name not in self.snapshot:
                kept = self._kept[name]  # it came, and was thrown away before the update
                self.snapshot[name] = Change(self.before[name], kept, torch.zeros_like(kept))
        # of all of them: what unscales gradients does not count as writing into them
        lengths = zip(given, norms([*given.values()]), strict=True)
        self.requested |= {name: self.readings.number(length) for name, length in lengths}

    def let_go(self) -> None:
        """Remove the hooks and hold nothing any longer."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.readings.let_go()
        self.actual, self.left, self.snapshot, self.reduced = {}, {}, {}, {}
        self.before, self._kept, self._found, self.weights = {}, {}, {}, {}

    @without_grad
    def _note(self, name: str, parameter: Tensor) -> None:
        if parameter.grad is None:
            return
        grad, left = dense(parameter.grad), self.left.get(name)
        self._keep(name, grad if left is None else grad - left)
        self._heard.add(name)
        if self._is_by_hand and not self._is_ending:
            self._is_ending = True  # nobody will tell when the update begins
            at_end_of_backward(lambda: self._isolated(self._note_at_end))
        if self._is_parallel and not self._is_waiting:
            self._is_waiting = True
            # the mean is taken by a callback at the end of the pass; this one comes after it
            later = partial(at_end_of_backward, lambda: self._isolated(self._note_reduced))
            at_end_of_backward(later)

    @without_grad
    def _note_at_end(self) -> None:
        """Note what an update by hand is given: all gradients of the passes so far."""
        self._is_ending = False
        self.requested, self.snapshot = {}, {}
        self.note_requested()

    def _note_unheard(self, name: str, parameter: Tensor) -> None:
        """Note a gradient that no backward pass was seen to add to a parameter's.

        Somebody asked for it with ``torch.autograd.grad`` and put it there, or the parameter has
        become another tensor since.
        """
        assert parameter.grad is not None
        if parameter.grad is not self._found.get(name):
            self.left.pop(name, None)  # what was there is there no longer
            self._keep(name, dense(parameter.grad))

    def _keep(self, name: str, grad: Tensor) -> None:
        for layer in self._registry.of_weight(name):
            self.actual[layer] = actual_gradient(layer.laid(grad))
        if name in self.before:
            self._kept[name] = grad.clone()

    @without_grad
    def _note_reduced(self) -> None:
        self._is_waiting = False
        for layer in self.actual:
            grad, left = self._registry.parameters[layer.weight].grad, self.left.get(layer.weight)
            if grad is not None:
                mean = dense(grad) if left is None else dense(grad) - left
                self.reduced[layer] = actual_gradient(layer.laid(mean)).size


def actual_gradient(laid: Tensor) -> ActualGradient:
    """Return what is kept of a gradient (n_out, n_in)."""
    laid = laid.float()
    return ActualGradient(torch.linalg.vector_norm(laid, dim=1), laid @ directions_of(laid))


def directions_of(laid: Tensor) -> Tensor:
    """Return the fixed numbers along which a neuron's inputs are summed, (n_in,).

    Args:
        laid: weights as (n_out, n_in).
    """
    return _directions(laid.shape[1], laid.device)


@cache
def _directions(length: int, device: torch.device) -> Tensor:
    return torch.from_numpy(directions(length)).to(device)


@cache
def direction_of_bias(n_in: int) -> float:
    """Return the number that a neuron's bias counts with, beside so many inputs."""
    return float(directions(n_in + 1)[-1])


def _hold_anything(gradients: Sequence[Tensor]) -> list[bool]:
    """Return which gradients are not 0 throughout; the host waits for all of them, once."""
    with torch.no_grad():
        largest = on_host(norms([one for one in gradients if one.numel()], torch.inf))
    found = iter(largest)
    return [bool(next(found) != 0) if one.numel() else False for one in gradients]


def dense(gradient: Tensor) -> Tensor:
    """Return a gradient as an ordinary tensor; a sparse embedding has a sparse one."""
    return gradient.detach().to_dense() if gradient.is_sparse else gradient.detach()
