"""The layers of one step: which are called, what they are called with, and what comes back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from whygrad.capture.functions import ACTIVATIONS, IN_ORDER, NORMS, ActivationOfTorch, flat_of
from whygrad.capture.gradients import Gradients
from whygrad.capture.hooks import follow, follow_edges, follow_weight
from whygrad.capture.isolation import ErrorIsolation
from whygrad.capture.kinds import Linear, after_call
from whygrad.capture.layer_calls import (
    Accumulators,
    ActivationCall,
    Backward,
    LayerCall,
    opened,
)
from whygrad.capture.meetings import edges_to, uses_of_parameters
from whygrad.capture.origins import is_plain, tensors_in
from whygrad.capture.products import Alone
from whygrad.capture.recurrences import Gate, Recurrence
from whygrad.capture.recurrent_calls import RecurrentCall
from whygrad.capture.registry import LayerRegistry, RegisteredLayer
from whygrad.capture.snapshots import Snapshot
from whygrad.capture.trace import StepTrace
from whygrad.capture.unsharding import Passed
from whygrad.capture.uses import Use

DROPOUT = torch.nn.functional.dropout
Heard = Callable[[Callable[[Any], None]], Callable[[Any], None]]


class Following:
    """Follows the layers of one step.

    Args:
        registry: the layers of the model, by their parameters.
        snapshot: of which weights everything is kept, for ledgers.
        gradients: hears of every layer when it is first called in the step.
        trace: what the step shows.
        heard: makes of a hook one that hears only of gradients that are the model's.
    """

    def __init__(
        self,
        registry: LayerRegistry,
        snapshot: Snapshot,
        gradients: Gradients,
        trace: StepTrace,
        heard: Heard,
    ):
        self._registry, self._snapshot, self._gradients = registry, snapshot, gradients
        self._trace, self._heard = trace, weakref.WeakMethod(heard)
        self.backward = Backward()
        self._origins = registry.origins()
        self._made_by: Any = WeakTensorKeyDictionary()  # output -> the calls that it left
        self._calls: list[weakref.ref[LayerCall | RecurrentCall]] = []

    def let_go(self) -> None:
        """Hold no tensor of the step any longer."""
        for call in filter(None, (reference() for reference in self._calls)):
            call.let_go()
        self._calls = []
        self.backward.sizes.let_go()
        self._made_by = WeakTensorKeyDictionary()
        self._origins.let_go()

    def enter(self, module: nn.Module, passed: Passed) -> None:
        """Enter a sharded module, whose parameters are whole now.

        Args:
            passed: its inputs, and what it got in their place.
        """
        whole = self._registry.note_whole(module)
        self._origins.add(whole.values())
        for name, parameter in whole.items():
            self._gradients.note_whole(name, parameter)
        for before, now in passed:
            if now is not before and (came := self._made_by.get(before)):
                self._made_by[now] = came

    def meets_parameters(self, args: tuple, kwargs: dict[str, Any]) -> bool:
        """Return whether a function was given a parameter that learns, or what follows from one."""
        knows = self._origins.knows  # written out: this is asked of every function
        for one in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(one, Tensor):
                if one.requires_grad and knows(one):
                    return True
            elif isinstance(one, tuple | list) and any(map(knows, tensors_in(one))):
                return True
        return False

    def note_layer(
        self, func: Callable, use: Use | None, args: tuple, kwargs: dict[str, Any], result: Any
    ) -> None:
        """Note the call of a layer of torch's own."""
        found = None if use is None else self._registry.find_own(use, self._origins)
        if use is not None and found is None and use.weight.requires_grad and use.weight.is_leaf:
            if not self._registry.holds(use.weight):
                self._trace.unregistered.append(weakref.ref(use.weight))
        came = (self._made_by.get(args[0]) if args else None) or []
        known: tuple[Tensor | None, ...] = ()
        if found is not None and use is not None and result.requires_grad:
            self._follow_layer(found[0], self._lasting(*found, args), result, came)
            known = (use.weight, use.bias if found[0].bias else None)
        elif came and func in NORMS:
            self._made_by[result] = came
        others = tuple(one for one in args if not any(one is weight for weight in known))
        if self.meets_parameters(others, kwargs):
            self.note_parameters(func, args, kwargs, result, known)

    def note_parameters(
        self,
        func: Callable,
        args: tuple,
        kwargs: dict[str, Any],
        result: Any,
        known: tuple[Tensor | None, ...] = (),
    ) -> None:
        """Note how a function uses the parameters that it was given, but for those known."""
        knows, ids = self._origins.knows, {id(one) for one in known}
        results = [one for one in tensors_in(result) if one.requires_grad]
        given = list(tensors_in((args, kwargs)))
        met = [one for one in given if id(one) not in ids and knows(one)]
        if not results or not met or all(map(knows, results)):
            return  # what is seen in another way is still the parameter
        name = getattr(func, "__name__", "")
        if self._origins.follow(func, args, kwargs, result):
            return
        came = next((c for a in tensors_in(args) if (c := self._made_by.get(a))), [])
        for use in uses_of_parameters(name, args, kwargs, result, self._origins, ids):
            if (
                isinstance(use, Alone)
                and isinstance(result, Tensor)
                and self._is_penalty(use, result)
            ):
                continue
            found = self._registry.find(use, self._origins) if is_plain(use.weight) else None
            if found is None:
                why = "mixed" if is_plain(use.weight) else "not_plain"
                self._note_reason([use.weight], why, name)
            elif isinstance(use, Alone):
                self._follow_alone(*found, edges_to(use.weight, (args, kwargs), result), name)
            else:
                self._follow_layer(*found, result, came)

    def note_recurrence(
        self, recurrence: Recurrence, args: tuple, result: Any, isolated: ErrorIsolation
    ) -> None:
        """Note the call of a recurrent layer, and follow what comes back to its outputs."""
        recurrence.results = [one.detach() for one in tensors_in(result)]
        if recurrence.is_cell and isinstance(result, tuple):
            recurrence.leads_on = bool(edges_to(result[1], args, result[0]))
        weights = [one for each in recurrence.weights for one in each if one is not None]

        def is_other() -> None:
            self._note_reason(weights, "not_again", recurrence.kind)

        calls = [self._gate_call(gate, recurrence.input) for gate in recurrence.gates()]
        call = RecurrentCall(recurrence, calls, isolated, is_other)
        self._calls.append(weakref.ref(call))
        for place, one in enumerate(tensors_in(result)):
            if one.requires_grad:
                self._follow(one, call.hook(place))

    def activation_call(
        self, activation: ActivationOfTorch, func: Callable, args: tuple, kwargs: dict[str, Any]
    ) -> ActivationCall | None:
        """Follow an activation that is called on the output of a layer, before it may change it."""
        came = self._made_by.get(args[0]) if args else None
        layer_calls = [layer_call for layer_call in came or [] if layer_call.activation is None]
        if not layer_calls or not args[0].requires_grad:
            return None
        for layer_call in layer_calls:
            layer_call.activation = activation
            self._trace.activations[layer_call.layer] = activation
        use, flat = layer_calls[-1].use, flat_of(func, args, kwargs)
        share = None if use is None else opened(use, args[0].detach(), flat)
        return ActivationCall(layer_calls, self.backward, share)

    def note_output(
        self, func: Callable, args: tuple, result: Any, activation_call: ActivationCall | None
    ) -> None:
        """Note what an activation put out, and what leaves neurons in their place."""
        if activation_call is not None and result.requires_grad:
            self._follow(result, activation_call.on_upstream)
            self._made_by[result] = activation_call.layer_calls
        elif func is DROPOUT or func in IN_ORDER:
            came = self._made_by.get(args[0]) if args and isinstance(args[0], Tensor) else None
            if came and (func is DROPOUT or _is_in_order(came, args[0], result)):
                self._made_by[result] = came

    def _lasting(self, layer: RegisteredLayer, use: Use, args: tuple) -> Use:
        """Return a use whose input lasts as long as it is held: data may be filled in again."""
        is_held = self._snapshot.held is not None and layer.weight in self._snapshot
        is_data = bool(args) and isinstance(args[0], Tensor) and not args[0].requires_grad
        return replace(use, input=use.input.clone()) if is_held and is_data else use

    def _call_of(self, layer: RegisteredLayer, use: Use) -> LayerCall:
        """Return one call of a layer that learns, and keep what is summed over all of them."""
        if layer not in self._trace.accumulators:
            self._gradients.note_layer(layer)
            self._trace.accumulators[layer] = Accumulators(snapshot=self._snapshot.of(layer.weight))
        layer_call = LayerCall(layer, use, self._trace.accumulators[layer], self.backward)
        self._calls.append(weakref.ref(layer_call))
        return layer_call

    def _gate_call(self, gate: Gate, input: Tensor) -> LayerCall | None:
        """Return the call of one gate, as if it were a linear layer of its own."""
        found = self._registry.find_own(Linear(gate.weight, gate.bias, input), self._origins)
        if found is None:
            return None
        layer_call = self._call_of(*found)
        if gate.activation is not None:
            layer_call.activation = activation = ACTIVATIONS[gate.activation]
            self._trace.activations[found[0]] = activation
        return layer_call

    def _follow_alone(
        self,
        layer: RegisteredLayer,
        use: Use,
        edges: list[tuple[Any, int]],
        name: str,
    ) -> None:
        """Follow a parameter into a function, by what comes back to it in the graph."""
        if not edges:
            self._note_reason([use.weight], "hidden", name)
            return
        layer_call = self._call_of(layer, use)
        heard = self._heard()
        if heard is not None:
            follow_edges(edges, use.weight.shape, heard(layer_call.on_delta))

    def _follow_layer(
        self, layer: RegisteredLayer, use: Use, result: Tensor, came: list[LayerCall]
    ) -> None:
        """Follow one call of a layer that learns."""
        layer_call = self._call_of(layer, after_call(use, result))
        self._follow(result, layer_call.on_delta)
        heard = self._heard()
        if layer_call.needs_gradient and heard is not None:
            layer_call.is_told = follow_weight(result, heard(layer_call.on_gradient))
        if layer.traits.takes_outputs:
            for before in came:
                self._trace.feeds.setdefault(before.layer, set()).add(layer)
        # behind a norm, or a bias, the activation is that of the layer before, too
        is_between = layer.traits.is_norm or layer.kind == "shift"
        follows = [before for before in came if is_between and before.activation is None]
        self._made_by[result] = [*follows, layer_call]

    def _follow(self, tensor: Tensor, hook: Callable[[Tensor], None]) -> None:
        heard = self._heard()
        if heard is not None:
            follow(tensor, heard(hook))

    def _is_penalty(self, use: Use, result: Tensor) -> bool:
        """Return whether a parameter that is explained goes into a single number.

        The ledger leads from its layer's factors to what came by both ways.
        """
        origin = self._origins.of(use.weight)
        known = self._registry.names_of(use.weight if origin is None else origin.parameter)
        return not result.dim() and any(map(self._registry.belongs_to_layer, known))

    def _note_reason(self, tensors: list[Tensor], why: str, name: str) -> None:
        """Note why a parameter is not taken apart here."""
        for one in tensors:
            origin = self._origins.of(one)
            known = one if origin is None else origin.parameter
            for parameter in self._registry.names_of(known):
                self._trace.reasons.setdefault(parameter, (why, name))


def _is_in_order(came: list[LayerCall], before: Tensor, result: Any) -> bool:
    """Return whether neurons stand last before and after a function that keeps the order."""
    if not isinstance(result, Tensor) or result.shape[-1:] != before.shape[-1:]:
        return False
    return all(one.use is not None and one.use.output_axis == -1 for one in came)
