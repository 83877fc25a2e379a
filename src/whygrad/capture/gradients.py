"""The parameters of one step, and their gradients as they come back: before they are clipped."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from whygrad.capture.halves import Half
from whygrad.capture.isolation import ErrorIsolation, without_grad
from whygrad.capture.readings import Reading, Readings, on_host
from whygrad.capture.registry import LayerRegistry, RegisteredLayer
from whygrad.capture.shards import held, is_part, is_sharded, placed
from whygrad.capture.snapshots import Snapshot
from whygrad.capture.torch_private import at_end_of_backward, norms
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
    (length,) = norms([weight])
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
    """A parameter before an update, its gradient, and the one that the optimiser was given.

    Attributes:
        gradient: None where it is to be had from the samples.
        requested: None where it is the gradient, times the ratio.
    """

    before: Tensor
    gradient: Tensor | None
    requested: Tensor | None
    ratio: float = 1.0


class Gradients:
    """What the backward passes of one step added to the parameters' gradients.

    Attributes:
        weights: by layer, its weights when it was first called.
        actual: by layer, what is kept of the gradient after the last backward pass of the step,
            less what had been there before the first.
        left: by parameter, what was there before the first; only where that was not 0.
        requested: by parameter, norm of the gradient that the optimiser was given.
        stale: those of an earlier step, to which nothing was added: another optimizer's, say.
        readings: the numbers of the step.
        before: by parameter, how it was when its layer was called, where ledgers will need it.
        snapshot: by parameter, what ledgers will need of it.
        reduced: by layer, norms (n_out,) of the mean gradient that all processes were given after
            the last backward pass; empty where there is one process only. Of a sharded parameter it
            is what this process holds of it, and so is ``actual``.
    """

    def __init__(
        self,
        registry: LayerRegistry,
        snapshot: Snapshot,
        isolated: ErrorIsolation,
        *,
        is_parallel: bool = False,
        is_by_hand: bool = False,
    ):
        self._registry, self._snapshot, self._isolated = registry, snapshot, isolated
        self.is_lean = snapshot.is_lean
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
        self.stale: set[str] = set()
        self._found: dict[str, Tensor] = {}  # gradients that were there before the first pass
        self._kept: dict[str, Tensor] = {}
        self._parts: dict[str, dict[str, Tensor | Half]] = {}
        self._heard: set[str] = set()  # parameters whose gradient a backward pass added to
        self._whole: set[str] = set()  # parameters of which this process holds a shard
        self._handles: list[Any] = []
        for name, parameter in registry.parameters.items():
            if parameter.requires_grad and parameter.is_leaf and not is_sharded(parameter):
                hook = partial(isolated, self._note, name)
                self._handles.append(parameter.register_post_accumulate_grad_hook(hook))

    def begin(self) -> None:
        """Note what is there before the first backward pass adds anything."""
        parameters = self._registry.parameters
        self._found = {n: p.grad for n, p in parameters.items() if p.grad is not None}
        with torch.no_grad():
            found = {name: dense(grad) for name, grad in self._found.items()}
            hold_anything = _hold_anything([held(grad) for grad in found.values()])
            are_left = zip(found.items(), hold_anything, strict=True)
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
        ours = [held(dense(grad)) for grad in grads if grad is not None]
        known = [grad for grad in ours if grad.numel()]  # of a shard, maybe none
        is_known = len(known) > 0 or len(ours) < len(grads)
        return is_known and not any(_hold_anything(known))

    @without_grad
    def note_layer(self, layer: RegisteredLayer) -> None:
        """Look at a layer as it is; keep its parameters where ledgers will need them."""
        parameters = self._registry.parameters
        if layer.weight in self._snapshot:
            for name in filter(None, (layer.weight, layer.bias)):
                if name not in self.before:
                    now = placed(parameters[name].detach())
                    # of a large model it is copied when it is about to change
                    self.before[name] = now if self.is_lean else now.clone()
        copied = None if self.is_lean else self.before.get(layer.weight)
        laid = None if copied is None else layer.laid(copied)
        weight = layer.laid(placed(parameters[layer.weight].detach()))
        self.weights[layer] = before_update(weight, laid)

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

    @torch.no_grad()
    def held_of(self, name: str) -> dict[str, Tensor | Half]:
        """Return, after the update, what is held of a parameter until it is wanted."""
        change, parameter = self.snapshot.get(name), self._registry.parameters[name]
        after = placed(parameter.detach())
        if name not in self._parts and change is None:  # frozen, say
            self._parts[name] = {"before": self.before[name].clone()} if name in self.before else {}
        elif name not in self._parts and change is not None:
            before = Half.of(change.before) if self.is_lean else change.before
            # where a copy was made for this alone, it may be written over
            moved = after - change.before if not self.is_lean else change.before.neg_().add_(after)
            found = {"before": before, "moved": Half.of(moved)}
            found |= {"gradient": change.gradient, "asked": change.requested}
            self._parts[name] = {key: one for key, one in found.items() if one is not None}
            self.snapshot[name] = replace(change, before=after)
        return self._parts[name]

    def ratio_of(self, name: str) -> float:
        """Return what a gradient was multiplied by, before the optimiser was given it."""
        return self.snapshot[name].ratio if name in self.snapshot else 1.0

    def note_requested(self) -> None:
        """Note what the optimiser is about to be given."""
        given: dict[str, Tensor] = {}
        for name, parameter in self._registry.parameters.items():
            if name not in self.requested and parameter.grad is not None:
                if name not in self._heard:
                    self._note_unheard(name, parameter)
                given[name] = grad = dense(parameter.grad)
                if name in self.before:
                    self.snapshot[name] = self._change(name, grad)
            elif parameter.grad is None and name in self._kept and name not in self.snapshot:
                kept = self._kept[name]  # it came, and was thrown away before the update
                self.snapshot[name] = Change(self._before(name), kept, torch.zeros_like(kept))
        # of all of them: what unscales gradients does not count as writing into them
        lengths = zip(given, norms([*map(placed, given.values())]), strict=True)
        self.requested |= {name: self.readings.number(length) for name, length in lengths}

    def _change(self, name: str, grad: Tensor) -> Change:
        kept, is_whole, grad = self._kept.get(name), not is_part(grad), placed(grad)
        if kept is None and is_whole and self._is_in_samples(name):
            ratio = self._ratio(name, grad)
            requested = grad.clone() if ratio is None else None
            return Change(self._before(name), None, requested, ratio or 1.0)
        kept = torch.zeros_like(grad) if kept is None else kept
        # compared when the step's numbers have been fetched; of a shard it is another, the mean's
        if self._snapshot.held is None or not is_whole:
            return Change(self._before(name), kept, grad.clone())
        if torch.equal(kept, grad):
            return Change(self._before(name), kept, None)
        ratio = self._ratio(name, grad)
        if ratio is not None and not torch.allclose(kept * ratio, grad, rtol=1e-5, atol=0):
            ratio = None
        requested = grad.clone() if ratio is None else None
        return Change(self._before(name), kept, requested, ratio or 1.0)

    def _is_in_samples(self, name: str) -> bool:
        """Return whether a gradient need not be copied, because it can be had from samples."""
        return self.is_lean and self._snapshot.has_all(name)

    def _ratio(self, name: str, grad: Tensor) -> float | None:
        """Return what a whole gradient was multiplied by, as by clipping; None if by nothing."""
        found = None
        for layer in self._registry.of_weight(name):
            if layer in self.actual:
                came, now = self.actual[layer], actual_gradient(layer.laid(grad))
                found = float(now.size.norm() / came.size.norm())
                if not torch.allclose(now.mark, came.mark * found, rtol=1e-4, atol=0):
                    return None
        return found

    def _before(self, name: str) -> Tensor:
        return self.before[name].clone() if self.is_lean else self.before[name]

    @torch.no_grad()
    def pass_ended(self) -> None:
        """Note the shards of the mean gradient that a backward pass has left in this process.

        There are none where the processes go on adding up their own.
        """
        for name in self._whole:
            parameter, left = self._registry.parameters[name], self.left.get(name)
            self._heard.add(name)
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
        self.readings.let_go()
        self.actual, self.left, self.snapshot, self.reduced = {}, {}, {}, {}
        self.before, self._kept, self._found, self.weights = {}, {}, {}, {}
        self._parts = {}

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
            self._keep(name, placed(dense(parameter.grad)))
        else:
            self.stale.add(name)

    def _keep(self, name: str, grad: Tensor) -> None:
        for layer in self._registry.of_weight(name):
            self.actual[layer] = actual_gradient(layer.laid(grad))
        if name in self.before and not self._is_in_samples(name):
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
