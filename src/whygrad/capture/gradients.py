"""The parameters of one step, and their gradients as they come back: before they are clipped."""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from whygrad.capture.isolation import ErrorIsolation
from whygrad.capture.registry import LayerRegistry, RegisteredLayer
from whygrad.capture.shards import held, is_sharded, placed
from whygrad.capture.torch_private import at_end_of_backward, version
from whygrad.capture.uses import plus
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

    length: float
    stride: int
    kept: Tensor

    def moved(self, after: Tensor) -> float:
        """Return how far the weights moved, as a norm over all of them.

        Args:
            after: the weights after the update, (n_out, n_in).
        """
        part = torch.dist(after[:: self.stride], self.kept)
        return float(part) * (after.shape[0] / self.kept.shape[0]) ** 0.5


def before_update(weight: Tensor) -> Before:
    """Look at weights (n_out, n_in) as they are now."""
    stride = min(max(-(-weight.numel() // SAMPLED), 1), weight.shape[0])
    length = float(torch.linalg.vector_norm(weight))
    return Before(length, stride, kept=weight[::stride].clone())


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
        stale: those of an earlier step, to which nothing was added: another optimizer's, say.
        before: by parameter, how it was when its layer was called, where ledgers will need it.
        snapshot: by parameter, what ledgers will need of it.
        reduced: by layer, norms (n_out,) of the mean gradient that all processes were given after
            the last backward pass; empty where there is one process only. Of a sharded parameter it
            is what this process holds of it, and so is ``actual``.
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
        self.requested: dict[str, float] = {}
        self.snapshot: dict[str, Change] = {}
        self.before: dict[str, Tensor] = {}
        self.stale: set[str] = set()
        self._found: dict[str, Tensor] = {}  # gradients that were there before the first pass
        self._kept: dict[str, Tensor] = {}
        self._versions: dict[str, tuple[int, int]] = {}
        self._whole: set[str] = set()  # parameters of which this process holds a shard
        self._handles: list[Any] = []
        for name, parameter in registry.parameters.items():
            if parameter.requires_grad and parameter.is_leaf and not is_sharded(parameter):
                hook = partial(isolated, self._note, name)
                self._handles.append(parameter.register_post_accumulate_grad_hook(hook))

    def begin(self) -> None:
        """Note what is there before the first backward pass adds anything."""
        self.left = {}
        self._found = {
            n: p.grad for n, p in self._registry.parameters.items() if p.grad is not None
        }
        with torch.no_grad():
            for name, parameter in self._registry.parameters.items():
                if parameter.grad is not None and bool(held(dense(parameter.grad)).any()):
                    self.left[name] = dense(parameter.grad).clone()

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
        ours = [None if grad is None else held(dense(grad)) for grad in grads]
        known = [grad for grad in ours if grad is None or grad.numel()]  # of a shard, maybe none
        return bool(known) and all(grad is None or not bool(grad.any()) for grad in known)

    @torch.no_grad()
    def note_layer(self, layer: RegisteredLayer) -> None:
        """Look at a layer as it is; keep its parameters where ledgers will need them."""
        parameters = self._registry.parameters
        self.weights[layer] = before_update(layer.laid(placed(parameters[layer.weight])))
        if layer.weight in self._snapshot:
            for name in filter(None, (layer.weight, layer.bias)):
                self.before[name] = placed(parameters[name].detach()).clone()

    def note_whole(self, name: str, whole: Tensor) -> None:
        """Listen to what comes to the whole of a sharded parameter, where ledgers will need it.

        It is there within a pass only, and nowhere afterwards.
        """
        if name not in self._whole:
            self._whole.add(name)
            if name in self._snapshot:
                hook = partial(self._isolated, self._note_part, name)
                self._handles.append(whole.register_hook(hook))

    def _note_part(self, name: str, gradient: Tensor) -> None:
        if name in self.before:
            more = gradient.detach().to(self.before[name].dtype)
            self._kept[name] = plus(self._kept.get(name), more.clone())

    def note_requested(self) -> None:
        """Note what the optimiser is about to be given."""
        for name, parameter in self._registry.parameters.items():
            if name not in self.requested and parameter.grad is not None:
                if name not in self._versions:
                    self._note_unheard(name, parameter)
                layers = [p for p in self._registry.of_weight(name) if p in self.actual]
                grad, actual = dense(parameter.grad), [self.actual[p].size for p in layers]
                is_same = self._versions.get(name) == _version(parameter) and name not in self.left
                is_same = is_same and not self._is_parallel  # a mean may be written unnoticed
                length = torch.cat(actual).norm() if actual and is_same else placed(grad).norm()
                self.requested[name] = float(length)
                if name in self.before:
                    kept = self._kept.get(name, torch.zeros_like(self.before[name]))
                    self.snapshot[name] = Change(self.before[name], kept, placed(grad).clone())
            elif parameter.grad is None and name in self._kept and name not in self.snapshot:
                kept = self._kept[name]  # it came, and was thrown away before the update
                self.snapshot[name] = Change(self.before[name], kept, torch.zeros_like(kept))

    @torch.no_grad()
    def pass_ended(self) -> None:
        """Note the shards of the mean gradient that a backward pass has left in this process.

        There are none where the processes go on adding up their own.
        """
        for name in self._whole:
            parameter, left = self._registry.parameters[name], self.left.get(name)
            self._versions[name] = _version(parameter)
            if parameter.grad is not None:
                mean = dense(parameter.grad) if left is None else dense(parameter.grad) - left
                for layer in self._registry.of_weight(name):
                    self.actual[layer] = actual = actual_gradient(layer.laid(placed(mean)))
                    self.reduced[layer] = actual.size

    def let_go(self) -> None:
        """Remove the hooks and hold nothing any longer."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.actual, self.left, self.snapshot, self.reduced = {}, {}, {}, {}
        self.before, self._kept, self._found, self.weights = {}, {}, {}, {}

    @torch.no_grad()
    def _note(self, name: str, parameter: Tensor) -> None:
        if parameter.grad is None:
            return
        grad, left = dense(parameter.grad), self.left.get(name)
        self._keep(name, grad if left is None else grad - left)
        self._versions[name] = _version(parameter)
        if self._is_by_hand and not self._is_ending:
            self._is_ending = True  # nobody will tell when the update begins
            at_end_of_backward(lambda: self._isolated(self._note_at_end))
        if self._is_parallel and not self._is_waiting:
            self._is_waiting = True
            # the mean is taken by a callback at the end of the pass; this one comes after it
            later = partial(at_end_of_backward, lambda: self._isolated(self._note_reduced))
            at_end_of_backward(later)

    @torch.no_grad()
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
            self._keep(name, placed(dense(parameter.grad)))
        else:
            self.stale.add(name)

    def _keep(self, name: str, grad: Tensor) -> None:
        for layer in self._registry.of_weight(name):
            self.actual[layer] = actual_gradient(layer.laid(grad))
        if name in self.before:
            self._kept[name] = grad.clone()

    @torch.no_grad()
    def _note_reduced(self) -> None:
        self._is_waiting = False
        for layer in self.actual:
            grad, left = self._registry.parameters[layer.weight].grad, self.left.get(layer.weight)
            if grad is not None:
                mean = dense(grad) if left is None else dense(grad) - left
                self.reduced[layer] = actual_gradient(layer.laid(mean)).size


def _version(parameter: Tensor) -> tuple[int, int]:
    """Return what changes whenever somebody writes into a gradient."""
    return (id(parameter.grad), -1 if parameter.grad is None else version(parameter.grad))


def actual_gradient(laid: Tensor) -> ActualGradient:
    """Return what is kept of a gradient (n_out, n_in)."""
    laid = laid.float()
    return ActualGradient(torch.linalg.vector_norm(laid, dim=1), laid @ directions_of(laid)[:-1])


def directions_of(laid: Tensor) -> Tensor:
    """Return the fixed numbers along which a neuron's inputs are summed, and its bias, (n_in + 1,).

    Args:
        laid: weights as (n_out, n_in).
    """
    return _directions(laid.shape[1] + 1, laid.device)


@cache
def _directions(length: int, device: torch.device) -> Tensor:
    return torch.from_numpy(directions(length)).to(device)


def dense(gradient: Tensor) -> Tensor:
    """Return a gradient as an ordinary tensor; a sparse embedding has a sparse one."""
    return gradient.detach().to_dense() if gradient.is_sparse else gradient.detach()
