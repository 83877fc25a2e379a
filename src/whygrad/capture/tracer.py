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

from whygrad.capture.functions import (
    ACTIVATIONS,
    LOSSES,
    NORMS,
    OPENED,
    PROBABILITIES,
    RESHAPING,
    ActivationOfTorch,
    flat_of,
)
from whygrad.capture.gradients import Gradients
from whygrad.capture.isolation import ErrorIsolation
from whygrad.capture.kinds import CALLS, after_call, use_of
from whygrad.capture.layer_calls import (
    Accumulators,
    ActivationCall,
    Backward,
    FullSnapshot,
    LayerCall,
    Room,
    follow,
    follow_weight,
    opened,
)
from whygrad.capture.losses import loss_call, pass_of, scale_of
from whygrad.capture.meetings import edges_to, uses_of_parameters
from whygrad.capture.origins import tensors_in
from whygrad.capture.products import Alone
from whygrad.capture.registry import LayerRegistry, RegisteredLayer
from whygrad.capture.torch_private import Mode, mode_stack, transformation
from whygrad.capture.trace import StepTrace
from whygrad.capture.uses import Use
from whygrad.capture.wrapped import is_within_compiled

ROOM = 16 * 2**20  # bytes of samples kept for the ledgers of one step
DROPOUT = torch.nn.functional.dropout
NOTED = {*ACTIVATIONS, *LOSSES, *PROBABILITIES, *RESHAPING, Tensor.mul, DROPOUT}


class Tracer(Mode):
    """Traces one step.

    Args:
        registry: the layers of the model, by their parameters.
        snapshot: names of the weights of which everything is kept, for ledgers.
        gradients: hears of every layer when it is first called in the step, and when the first
            gradient of a pass comes back, before any is added to a parameter's.
        isolated: calls everything that is not the model's own.
    """

    def __init__(
        self,
        registry: LayerRegistry,
        snapshot: frozenset[str],
        gradients: Gradients,
        isolated: ErrorIsolation,
    ):
        super().__init__()
        self.registry = registry
        self.isolated = isolated
        self.snapshot = snapshot
        self.room = Room(ROOM)
        self.backward = Backward()
        self.gradients = gradients
        self.trace = StepTrace()
        self.origins = registry.origins()
        self._made_by: Any = WeakTensorKeyDictionary()  # output -> the calls that it left
        self._claimed: Any = WeakTensorKeyDictionary()  # probabilities -> what made them
        self._layer_calls: list[weakref.ref[LayerCall]] = []
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
        before = [(m.backward.frees, m.backward.asked, m.trace.losses.under_way) for m in modes]
        for mode in modes:
            mode.isolated(mode._note_backward, *args, **kwargs)
        try:
            return self._inside(OPENED[func], args, kwargs)
        finally:  # of a pass within this one, such as a checkpoint's
            for mode, (frees, asked, under_way) in zip(modes, before, strict=True):
                mode.backward.frees, mode.backward.asked = frees, asked
                mode.trace.losses.under_way = under_way

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

    def let_go(self) -> None:
        """Hold no tensor of the step any longer."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        for layer_call in filter(None, (reference() for reference in self._layer_calls)):
            layer_call.let_go()
        self._layer_calls = []
        self.backward.sizes.let_go()
        self._made_by = WeakTensorKeyDictionary()

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.is_blind or self.isolated.has_failed or transformation() is not None:
            return func(*args, **kwargs)
        if func is torch.autograd.backward:
            return self._go_back(func, args, kwargs)
        if func in OPENED:
            return self._inside(OPENED[func], args, kwargs)
        if func is torch.autograd.grad:
            return self._asked_for(func, args, kwargs)
        if not torch.is_grad_enabled():
            return func(*args, **kwargs)
        if func in CALLS:
            use = self.isolated(use_of, func, args, kwargs)
            result = func(*args, **kwargs)
            self.isolated(self._note_layer, func, use, args, kwargs, result)
            return result
        activation = ACTIVATIONS.get(func)
        activation_call = None
        if activation is not None:
            activation_call = self.isolated(self._activation_call, activation, func, args, kwargs)
        result = func(*args, **kwargs)
        if func in NOTED:
            self.isolated(self._note, func, args, kwargs, result, activation_call)
        if any(self.origins.knows(one) for one in tensors_in((args, kwargs))):
            self.isolated(self._note_parameters, func, args, kwargs, result)
        return result

    def _note_layer(
        self, func: Callable, use: Use | None, args: tuple, kwargs: dict[str, Any], result: Any
    ) -> None:
        """Note the call of a layer."""
        found = None if use is None else self.registry.find(use, self.origins)
        if use is not None and found is None and use.weight.requires_grad and use.weight.is_leaf:
            self.trace.unregistered.append(weakref.ref(use.weight))
        came = (self._made_by.get(args[0]) if args else None) or []
        known: tuple[Tensor | None, ...] = ()
        if found is not None and use is not None and result.requires_grad:
            self._follow_layer(*found, result, came)
            known = (use.weight, use.bias if found[0].bias else None)
        elif came and func in NORMS:
            self._made_by[result] = came
        self._note_parameters(func, args, kwargs, result, known)

    def _note_parameters(
        self,
        func: Callable,
        args: tuple,
        kwargs: dict[str, Any],
        result: Any,
        known: tuple[Tensor | None, ...] = (),
    ) -> None:
        """Note how a function uses the parameters that it was given, but for those known."""
        results = [one for one in tensors_in(result) if one.requires_grad]
        given = [one for one in tensors_in((args, kwargs)) if self.origins.knows(one)]
        given = [one for one in given if not any(one is other for other in known)]
        if not results or not given or all(self.origins.knows(one) for one in results):
            return  # what is seen in another way is still the parameter
        if self.origins.follow(func, args, kwargs, result):
            return
        came = next((c for a in tensors_in(args) if (c := self._made_by.get(a))), [])
        ids, name = {id(one) for one in known}, getattr(func, "__name__", "")
        for use in uses_of_parameters(name, args, kwargs, result, self.origins, ids):
            found = self.registry.find(use, self.origins)
            if found is None:
                continue
            if isinstance(use, Alone):
                edges = edges_to(use.weight, (args, kwargs), result)
                self._follow_alone(*found, edges)
            else:
                self._follow_layer(*found, result, came)

    def _call_of(self, layer: RegisteredLayer, use: Use) -> LayerCall:
        """Return one call of a layer that learns, and keep what is summed over all of them."""
        if layer not in self.trace.accumulators:
            self.gradients.note_layer(layer)
            is_in_snapshot = layer.weight in self.snapshot
            self.trace.accumulators[layer] = Accumulators(
                snapshot=FullSnapshot(self.room) if is_in_snapshot else None
            )
        layer_call = LayerCall(layer, use, self.trace.accumulators[layer], self.backward)
        self._layer_calls.append(weakref.ref(layer_call))
        return layer_call

    def _follow_alone(
        self, layer: RegisteredLayer, use: Use, edges: list[tuple[Any, int]]
    ) -> None:
        """Follow a parameter into a function, by what comes back to it in the graph."""
        layer_call = self._call_of(layer, use)
        heard = self._heard(layer_call.on_delta)
        for node, place in edges:
            node.register_hook(partial(_hand_over, heard, place, use.weight.shape))

    def _follow_layer(
        self, layer: RegisteredLayer, use: Use, result: Tensor, came: list[LayerCall]
    ) -> None:
        """Follow one call of a layer that learns."""
        layer_call = self._call_of(layer, after_call(use, result))
        follow(result, self._heard(layer_call.on_delta))
        if layer_call.needs_gradient:
            layer_call.is_told = follow_weight(result, self._heard(layer_call.on_gradient))
        if layer.traits.takes_outputs:
            for before in came:
                self.trace.feeds.setdefault(before.layer, set()).add(layer)
        # behind a norm the activation is that of the layer before, too
        follows = [before for before in came if layer.traits.is_norm and before.activation is None]
        self._made_by[result] = [*follows, layer_call]

    def _heard(self, hook: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return what hands a gradient to a hook, if it is the model's."""
        return self._told(lambda tracer, gradient: tracer._hear(hook, gradient))

    def _told(self, hook: Callable[[Tracer, Any], None]) -> Callable[[Any], None]:
        """Return what hands a gradient to a hook, be it the model's or another's.

        The graph that it hangs on may be kept for long, and is to keep nothing of this.
        """
        return partial(_tell, weakref.ref(self), hook)

    def _hear(self, hook: Callable[[Any], None], gradient: Tensor | None) -> None:
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

    def _activation_call(
        self, activation: ActivationOfTorch, func: Callable, args: tuple, kwargs: dict[str, Any]
    ) -> ActivationCall | None:
        """Follow an activation that is called on the output of a layer, before it may change it."""
        came = self._made_by.get(args[0]) if args else None
        layer_calls = [layer_call for layer_call in came or [] if layer_call.activation is None]
        if not layer_calls or not args[0].requires_grad:
            return None
        for layer_call in layer_calls:
            layer_call.activation = activation
            self.trace.activations[layer_call.layer] = activation
        use, flat = layer_calls[-1].use, flat_of(func, args, kwargs)
        share = None if use is None else opened(use, args[0].detach(), flat)
        return ActivationCall(layer_calls, self.backward, share)

    def _note(
        self,
        func: Callable,
        args: tuple,
        kwargs: dict[str, Any],
        result: Any,
        activation_call: ActivationCall | None,
    ) -> None:
        """Note what an activation put out, what a loss was called with, whence probabilities."""
        if activation_call is not None and result.requires_grad:
            follow(result, self._heard(activation_call.on_upstream))
            self._made_by[result] = activation_call.layer_calls
        if func in LOSSES:
            self._note_loss(LOSSES[func], args, kwargs, result)
        elif func is Tensor.mul and (scale := scale_of(args)) is not None:
            follow(result, self._told(lambda tracer, _: tracer.trace.losses.note_scale(scale)))
        elif func in PROBABILITIES:
            self._claimed[result] = PROBABILITIES[func]
        elif func in RESHAPING and args[0] in self._claimed and isinstance(result, Tensor):
            self._claimed[result] = self._claimed[args[0]]
        elif func is DROPOUT and args[0] in self._made_by:
            self._made_by[result] = self._made_by[args[0]]

    def _note_loss(self, name: str, args: tuple, kwargs: dict[str, Any], result: Tensor) -> None:
        """Note the call of a loss function, and the gradient that comes back to it."""
        if not result.requires_grad:
            return  # of an evaluation
        self.trace.is_within_compiled |= is_within_compiled()
        claims = args[0] if args else kwargs.get("input")
        call = loss_call(name, args, kwargs, result, self._claimed.get(claims))
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
        self.backward.frees = not (create_graph if retain_graph is None else retain_graph)
        if inputs is None or (not isinstance(inputs, Tensor) and not len(inputs)):
            self.backward.asked = None  # all of them
        else:
            asked = {id(one) for one in ((inputs,) if isinstance(inputs, Tensor) else inputs)}
            named = (name for name, p in self.registry.parameters.items() if id(p) in asked)
            self.backward.asked = frozenset(named)
        given = grad_variables if grad_tensors is None else grad_tensors
        self.trace.losses.set_out(pass_of(tensors, given))

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
            one = pass_of(outputs, given, is_asked=True, is_on_the_way=create_graph)
            self.trace.losses.set_out(one)


def _tell(
    reference: weakref.ref[Tracer], hook: Callable[[Tracer, Any], None], gradient: Tensor | None
) -> None:
    tracer = reference()
    if tracer is not None:
        tracer.isolated(hook, tracer, gradient)


def _hand_over(
    hook: Callable[[Any], None], place: int, shape: torch.Size, parts: Any, _: Any
) -> None:
    """Hand what a node of the graph gives to one of its edges to a hook."""
    if parts[place] is not None:
        hook(parts[place].sum_to_size(shape))
