"""The tracer of one training step: every layer, activation and loss as its function is called.

A ``TorchFunctionMode`` sees functions, modules and methods alike, in place or not. It calls what
was asked for, unchanged, and then hangs hooks on tensors: on a layer's output for delta, on its
activation's output for upstream. Hooks only read.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from whygrad.capture.following import DROPOUT, Following
from whygrad.capture.functions import (
    ACTIVATIONS,
    IN_ORDER,
    LOSSES,
    OPENED,
    PROBABILITIES,
    RESHAPING,
)
from whygrad.capture.gradients import Gradients
from whygrad.capture.hooks import follow
from whygrad.capture.isolation import ErrorIsolation
from whygrad.capture.kinds import CALLS, use_of
from whygrad.capture.layer_calls import ActivationCall
from whygrad.capture.losses import loss_call, pass_of, scale_of
from whygrad.capture.recurrences import FUNCTIONS as RECURRENT
from whygrad.capture.recurrences import recurrence_of
from whygrad.capture.registry import LayerRegistry
from whygrad.capture.snapshots import Snapshot
from whygrad.capture.torch_private import Mode, mode_stack, transformation
from whygrad.capture.trace import StepTrace
from whygrad.capture.warned import attribute_warnings, no_longer
from whygrad.capture.wrapped import is_within_compiled

NOTED = {*ACTIVATIONS, *LOSSES, *PROBABILITIES, *RESHAPING, *IN_ORDER, Tensor.mul, DROPOUT}
KNOWN = {*NOTED, *OPENED, torch.autograd.grad, *RECURRENT, *CALLS}


class Tracer(Mode):
    """Traces one step.

    Args:
        registry: the layers of the model, by their parameters.
        snapshot: of which weights everything is kept, for ledgers.
        gradients: hears of every layer when it is first called in the step, and when the first
            gradient of a pass comes back, before any is added to a parameter's.
        isolated: calls everything that is not the model's own.
    """

    def __init__(
        self,
        registry: LayerRegistry,
        snapshot: Snapshot,
        gradients: Gradients,
        isolated: ErrorIsolation,
    ):
        super().__init__()
        self.registry = registry
        self.isolated = isolated
        self.gradients = gradients
        self.trace = StepTrace(gradients.readings)
        self.following = Following(registry, snapshot, gradients, self.trace, self._heard)
        self._claimed: Any = WeakTensorKeyDictionary()  # probabilities -> what made them
        self._is_aside = False  # gradients come back that no parameter gets
        self._is_asked_for = False  # gradients come back, and ``torch.autograd.grad`` returns them
        self._were_asked_for = False  # so did all that came back before
        self._handles = [
            parameter.register_hook(self._came)
            for parameter in registry.parameters.values()
            if parameter.requires_grad and parameter.is_leaf
        ]

    def _go_back(self, func: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Let a backward pass run; what is opened here is handed to no mode below."""
        modes = [m for m in (self, *mode_stack()) if isinstance(m, Tracer) and not m.is_blind]
        passes = [mode.following.backward for mode in modes]
        before = [
            (one.frees, one.asked, mode.trace.losses.under_way)
            for one, mode in zip(passes, modes, strict=True)
        ]
        for mode in modes:
            mode.isolated(mode._note_backward, *args, **kwargs)
        try:
            return self._inside(OPENED[func], args, kwargs)
        finally:  # of a pass within this one, such as a checkpoint's
            for one, mode, kept in zip(passes, modes, before, strict=True):
                one.frees, one.asked, mode.trace.losses.under_way = kept
                mode.isolated(mode.gradients.pass_ended)

    def _asked_for(self, function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Let gradients come back that no parameter's own grows by.

        Those of something else, as for a penalty on the gradient, are not the model's at all.
        """
        losses = self.trace.losses
        before = (self._is_aside, self._is_asked_for, losses.under_way)
        self._is_asked_for = True
        inputs = args[1] if len(args) > 1 else kwargs["inputs"]
        asked = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        if not any(self.registry.holds(tensor) for tensor in asked):
            self._is_aside = True
        self.isolated(self._note_asked_for, *args, **kwargs)
        try:
            return function(*args, **kwargs)
        finally:
            self._is_aside, self._is_asked_for, losses.under_way = before

    def open(self) -> None:
        super().open()
        attribute_warnings(self, globals())

    def close(self) -> None:
        super().close()
        no_longer(self)

    def let_go(self) -> None:
        """Hold no tensor of the step any longer."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.following.let_go()

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.is_blind or self.isolated.has_failed or transformation() is not None:
            return func(*args, **kwargs)
        following = self.following
        if func not in KNOWN:  # most are not
            result = func(*args, **kwargs)
            if following.meets_parameters(args, kwargs) and torch.is_grad_enabled():
                self.isolated(following.note_parameters, func, args, kwargs, result)
            return result
        if func is torch.autograd.backward:
            return self._go_back(func, args, kwargs)
        if func in OPENED:
            return self._inside(OPENED[func], args, kwargs)
        if func is torch.autograd.grad:
            return self._asked_for(func, args, kwargs)
        if not torch.is_grad_enabled():
            return func(*args, **kwargs)
        if func in RECURRENT:
            recurrence = self.isolated(recurrence_of, func, args, kwargs)
            result = func(*args, **kwargs)
            if recurrence is not None:
                self.isolated(following.note_recurrence, recurrence, args, result, self.isolated)
            return result
        if func in CALLS:
            use = self.isolated(use_of, func, args, kwargs)
            result = func(*args, **kwargs)
            self.isolated(following.note_layer, func, use, args, kwargs, result)
            return result
        activation = ACTIVATIONS.get(func)
        activation_call = None
        if activation is not None:
            following_it = following.activation_call
            activation_call = self.isolated(following_it, activation, func, args, kwargs)
        result = func(*args, **kwargs)
        self.isolated(self._note, func, args, kwargs, result, activation_call)
        if following.meets_parameters(args, kwargs):
            self.isolated(following.note_parameters, func, args, kwargs, result)
        return result

    def _heard(self, hook: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return what hands a gradient to a hook, if it is the model's."""
        return self._told(lambda tracer, gradient: tracer._hear(hook, gradient))

    def _told(self, hook: Callable[[Tracer, Any], None]) -> Callable[[Any], None]:
        """Return what hands a gradient to a hook, be it the model's or another's.

        The graph that it hangs on may be kept for long, and is to keep nothing of this.
        """
        return partial(_tell, weakref.ref(self), hook)

    def _hear(self, hook: Callable[[Any], None], gradient: Tensor) -> None:
        if not self._is_aside:
            if not self.trace.is_fresh:
                self._begin()
            hook(gradient)

    def _came(self, gradient: Tensor) -> None:
        """Hear that a gradient came to a parameter."""
        if not self.trace.is_fresh:
            self.isolated(self._begin)

    def _begin(self) -> None:
        """Look at the first gradient of a pass."""
        self.trace.is_fresh = True
        if not self.trace.has_begun:
            self.trace.has_begun = True
            self._were_asked_for = self._is_asked_for
            self.gradients.begin()
        elif self._were_asked_for and not self._is_asked_for:
            self._were_asked_for = False  # and what came was for something else
            self.trace.reset_accumulators()
            self.gradients.begin_again()
            self.gradients.begin()
        elif self.gradients.are_gone():
            self.trace.begin_again()
            self.gradients.begin_again()
        self.trace.losses.gradient_came()

    def _note(
        self,
        func: Callable,
        args: tuple,
        kwargs: dict[str, Any],
        result: Any,
        activation_call: ActivationCall | None,
    ) -> None:
        """Note what an activation put out, what a loss was called with, whence probabilities."""
        self.following.note_output(func, args, result, activation_call)
        if func in LOSSES:
            self._note_loss(LOSSES[func], args, kwargs, result)
        elif func is Tensor.mul and (scale := scale_of(args)) is not None:
            follow(result, self._told(lambda tracer, _: tracer.trace.losses.note_scale(scale)))
        elif func in PROBABILITIES:
            self._claimed[result] = PROBABILITIES[func]
        elif func in RESHAPING and args[0] in self._claimed and isinstance(result, Tensor):
            self._claimed[result] = self._claimed[args[0]]

    def _note_loss(self, name: str, args: tuple, kwargs: dict[str, Any], result: Tensor) -> None:
        """Note the call of a loss function, and the gradient that comes back to it."""
        if not result.requires_grad:
            return  # of an evaluation
        self.trace.is_within_compiled |= is_within_compiled()
        claims = args[0] if args else kwargs.get("input")
        made_by, readings = self._claimed.get(claims), self.trace.readings
        call = loss_call(name, args, kwargs, result, made_by, readings)
        self.trace.losses.calls.append(call)
        if result.is_complex():
            return
        numbers = result.detach().clone()  # the program may write over them

        def note(tracer: Tracer, gradient: Tensor) -> None:
            tracer.trace.losses.note_part(call, numbers, gradient)

        follow(result, self._told(note))

    def _note_backward(
        self,
        tensors: Any,
        grad_tensors: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        grad_variables: Any = None,
        inputs: Any = None,
    ) -> None:
        """Note what ``torch.autograd.backward`` is called with."""
        self.trace.is_fresh = False
        self.following.backward.frees = not (create_graph if retain_graph is None else retain_graph)
        if inputs is None or (not isinstance(inputs, Tensor) and not len(inputs)):
            self.following.backward.asked = None  # all of them
        else:
            asked = {id(one) for one in ((inputs,) if isinstance(inputs, Tensor) else inputs)}
            named = (name for name, p in self.registry.parameters.items() if id(p) in asked)
            self.following.backward.asked = frozenset(named)
        given = grad_variables if grad_tensors is None else grad_tensors
        self.trace.losses.set_out(pass_of(tensors, given, self.trace.readings))

    def _note_asked_for(
        self,
        outputs: Any,
        inputs: Any,
        grad_outputs: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        *_: Any,
        is_grads_batched: bool = False,
        **__: Any,
    ) -> None:
        """Note what ``torch.autograd.grad`` is called with."""
        given = None if is_grads_batched else grad_outputs
        if not self._is_aside:
            self.trace.is_fresh = False
            ways = {"is_asked": True, "is_on_the_way": create_graph}
            self.trace.losses.set_out(pass_of(outputs, given, self.trace.readings, **ways))


def _tell(
    reference: weakref.ref[Tracer], hook: Callable[[Tracer, Any], None], gradient: Tensor | None
) -> None:
    tracer = reference()
    # one of several outputs hears of the others' gradients, with none of its own
    if tracer is not None and gradient is not None:
        tracer.isolated(hook, tracer, gradient)
