"""What is seen of one training step: every layer, activation and loss as its function is called.

A ``TorchFunctionMode`` sees functions, modules and methods alike, in place or not. It calls what
was asked for, unchanged, and then hangs hooks on tensors: on a layer's output for delta, on its
activation's output for upstream. Hooks only read.
"""

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from whygrad.capture.accumulators import Room, Sums, Whole, opened
from whygrad.capture.functions import (
    ACTIVATIONS,
    LOSSES,
    NORMS,
    OPENED,
    PROBABILITIES,
    RESHAPING,
    flat_of,
)
from whygrad.capture.gradients import Gradients
from whygrad.capture.isolation import Guard
from whygrad.capture.kinds import Use
from whygrad.capture.layer_calls import Backward, Opening, Passage, follow, follow_weight
from whygrad.capture.losses import Losses, loss_call, pass_of, scale_of
from whygrad.capture.modes import Mode, stack
from whygrad.capture.registry import Place, Places
from whygrad.capture.torch_private import is_transforming
from whygrad.capture.trace import Seen
from whygrad.capture.uses import CALLS, after_call, use_of
from whygrad.capture.wrapped import is_within_compiled

ROOM = 16 * 2**20  # bytes of samples kept for the ledgers of one step


class Seeing(Mode):
    """Sees one step.

    Args:
        places: the layers of the model, by their parameters.
        whole: names of the weights of which everything is kept, for ledgers.
        on_place: called with every layer when it is first called in the step.
        gradients: hears when the first gradient of a pass comes back, before any is added to a
            parameter's.
        guard: calls everything that is not the model's own.
    """

    def __init__(
        self,
        places: Places,
        whole: frozenset[str],
        on_place: Callable[[Place], None],
        gradients: Gradients,
        guard: Guard,
    ):
        super().__init__()
        self.places = places
        self.guard = guard
        self.whole = whole
        self.room = Room(ROOM)
        self.backward = Backward()
        self.on_place, self.gradients = on_place, gradients
        self.seen = Seen()
        self._made_by: Any = WeakTensorKeyDictionary()  # output -> the passage that it left
        self._claimed: Any = WeakTensorKeyDictionary()  # probabilities -> what made them
        self._passages: list[weakref.ref[Passage]] = []
        self._is_aside = False  # gradients come back that no parameter gets
        self._is_asked_for = False  # gradients come back, and ``torch.autograd.grad`` returns them
        self._were_asked_for = False  # so did all that came back before
        self._handles = [
            parameter.register_hook(lambda _: self.guard(self._begin))
            for parameter in places.parameters.values()
            if parameter.requires_grad and parameter.is_leaf
        ]

    def _go_back(self, func: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Let a backward pass run; what is opened here is handed to no mode below."""
        modes = [m for m in (self, *stack()) if isinstance(m, Seeing) and not m.is_blind]
        before = [(m.backward.frees, m.backward.asked, m.seen.losses.under_way) for m in modes]
        for mode in modes:
            mode.guard(mode._note_backward, *args, **kwargs)
        try:
            return self._inside(OPENED[func], args, kwargs)
        finally:  # of a pass within this one, such as a checkpoint's
            for mode, (frees, asked, under_way) in zip(modes, before, strict=True):
                mode.backward.frees, mode.backward.asked = frees, asked
                mode.seen.losses.under_way = under_way

    def _named(self, inputs: Any) -> frozenset[str] | None:
        """Return the parameters that a backward pass is to reach; None where it is all of them."""
        if inputs is None or (not isinstance(inputs, Tensor) and not len(inputs)):
            return None
        asked = {id(one) for one in ((inputs,) if isinstance(inputs, Tensor) else inputs)}
        return frozenset(n for n, p in self.places.parameters.items() if id(p) in asked)

    def _leads_to_the_model(self, args: tuple, kwargs: dict[str, Any]) -> bool:
        """Return whether ``torch.autograd.grad`` is asked for gradients of the model's own."""
        inputs = args[1] if len(args) > 1 else kwargs["inputs"]
        asked = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        return any(self.places.holds(tensor) for tensor in asked)

    def _asked_for(self, function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Let gradients come back that no parameter's own grows by.

        Those of something else, as for a penalty on the gradient, are not the model's at all.
        """
        losses = self.seen.losses
        before = (self._is_aside, self._is_asked_for, losses.under_way)
        self._is_asked_for = True
        self._is_aside = self._is_aside or not self._leads_to_the_model(args, kwargs)
        self.guard(self._note_asked_for, *args, **kwargs)
        try:
            return function(*args, **kwargs)
        finally:
            self._is_aside, self._is_asked_for, losses.under_way = before

    def let_go(self) -> None:
        """Hold no tensor of the step any longer."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        for passage in filter(None, (reference() for reference in self._passages)):
            passage.let_go()
        self._passages = []
        self.backward.sizes.let_go()
        self._made_by = WeakTensorKeyDictionary()

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.is_blind or self.guard.has_failed or is_transforming():
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
            return self._layer(func, args, kwargs)
        opening = self.guard(self._opening, func, args, kwargs)
        result = func(*args, **kwargs)
        if opening is not None:
            self.guard(self._watch, opening, result)
        self.guard(self._note, func, args, kwargs, result)
        return result

    def _layer(self, func: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        use = self.guard(use_of, func, args, kwargs)
        result = func(*args, **kwargs)
        self.guard(self._passed_by, func, use, args, result)
        return result

    def _passed_by(self, func: Callable, use: Use | None, args: tuple, result: Any) -> None:
        """Note the call of a layer."""
        place = None if use is None else self.places.find(use)
        if use is not None and place is None and use.weight.requires_grad and use.weight.is_leaf:
            self.seen.strangers.append(weakref.ref(use.weight))
        came = (self._made_by.get(args[0]) if args else None) or []
        if place is not None and use is not None and result.requires_grad:
            self._pass(place, use, result, came)
        elif came and func in NORMS:
            self._made_by[result] = came

    def _watch(self, opening: Opening, result: Tensor) -> None:
        """Follow what an activation put out."""
        if result.requires_grad:
            follow(result, self._heard(opening.on_upstream))
            self._made_by[result] = opening.passages

    def _heard(self, hook: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return what hands a gradient to a hook, and leaves it as it is.

        The graph that it hangs on may be kept for long, and is to keep nothing of this.
        """
        return partial(_hear, weakref.ref(self), hook)

    def _on(self, hook: Callable[[Any], None], gradient: Tensor | None) -> None:
        self._begin()
        hook(gradient)

    def _pass(self, place: Place, use: Use, result: Tensor, came: list[Passage]) -> None:
        """Follow one call of a layer that learns."""
        if place not in self.seen.sums:
            self.on_place(place)
            is_whole = place.weight in self.whole
            self.seen.sums[place] = Sums(whole=Whole(self.room) if is_whole else None)
        sums = self.seen.sums[place]
        passage = Passage(place, after_call(use, result), sums, self.backward)
        self._passages.append(weakref.ref(passage))
        follow(result, self._heard(passage.on_delta))
        if passage.needs_gradient:
            passage.is_told = follow_weight(result, self._heard(passage.on_gradient))
        if place.traits.takes_outputs:
            for before in came:
                self.seen.feeds.setdefault(before.place, set()).add(place)
        # behind a norm the activation is that of the layer before, too
        follows = [before for before in came if place.traits.is_norm and before.activation is None]
        self._made_by[result] = [*follows, passage]

    def _begin(self) -> None:
        """Note that a gradient came back; look at the first one of every pass."""
        if self.seen.is_fresh:
            return
        self.seen.is_fresh = True
        if not self.seen.has_begun:
            self.seen.has_begun = True
            self._were_asked_for = self._is_asked_for
            self.gradients.begin()
        elif self._were_asked_for and not self._is_asked_for:
            self._were_asked_for = False  # and what came was for something else
            self.seen.forget_sums()
            self.gradients.begin_again()
            self.gradients.begin()
        elif self.gradients.are_gone():
            self.seen.begin_again()
            self.gradients.begin_again()
        self.seen.losses.gradient_came()

    def _opening(self, func: Callable, args: tuple, kwargs: dict[str, Any]) -> Opening | None:
        """Follow an activation that is called on the output of a layer, before it may change it."""
        came = self._made_by.get(args[0]) if func in ACTIVATIONS and args else None
        passages = [passage for passage in came or [] if passage.activation is None]
        if not passages or not args[0].requires_grad:
            return None
        for passage in passages:
            passage.activation = ACTIVATIONS[func]
            self.seen.activations[passage.place] = ACTIVATIONS[func]
        use, flat = passages[-1].use, flat_of(func, args, kwargs)
        share = None if use is None else opened(use, args[0].detach(), flat)
        return Opening(passages, self.backward, share)

    def _note(self, func: Callable, args: tuple, kwargs: dict[str, Any], result: Any) -> None:
        """Note what a loss function was called with, and what probabilities came from."""
        if func in LOSSES:
            self._note_loss(LOSSES[func], args, kwargs, result)
        elif func is Tensor.mul and (scale := scale_of(args)) is not None:
            follow(result, self._told(lambda losses, _: losses.note_scale(scale)))
        elif func in PROBABILITIES:
            self._claimed[result] = PROBABILITIES[func]
        elif func in RESHAPING and args[0] in self._claimed and isinstance(result, Tensor):
            self._claimed[result] = self._claimed[args[0]]
        elif func is torch.nn.functional.dropout and args[0] in self._made_by:
            self._made_by[result] = self._made_by[args[0]]

    def _note_loss(self, name: str, args: tuple, kwargs: dict[str, Any], result: Tensor) -> None:
        """Note the call of a loss function, and the gradient that comes back to it."""
        if not result.requires_grad:
            return  # of an evaluation
        self.seen.is_within_compiled |= is_within_compiled()
        claims = args[0] if args else kwargs.get("input")
        call = loss_call(name, args, kwargs, result, self._claimed.get(claims))
        self.seen.losses.note_call(call)
        if not result.is_complex():
            numbers = result.detach().clone()  # the program may write over them
            follow(result, self._told(lambda losses, g: losses.note_part(call, numbers, g)))

    def _told(self, note: Callable[[Losses, Tensor], None]) -> Callable[[Tensor], None]:
        """Return a hook that tells the losses of a gradient, be it the model's or another's."""
        return partial(_tell, weakref.ref(self), note)

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
        self.seen.is_fresh = False
        self.backward.frees = not (create_graph if retain_graph is None else retain_graph)
        self.backward.asked = self._named(inputs)
        given = grad_variables if grad_tensors is None else grad_tensors
        self.seen.losses.set_out(pass_of(tensors, given))

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
            self.seen.is_fresh = False
            one = pass_of(outputs, given, is_asked=True, is_on_the_way=create_graph)
            self.seen.losses.set_out(one)


def _hear(
    reference: "weakref.ref[Seeing]", hook: Callable[[Any], None], gradient: Tensor | None
) -> None:
    seeing = reference()
    if seeing is not None and not seeing._is_aside:
        seeing.guard(seeing._on, hook, gradient)


def _tell(
    reference: "weakref.ref[Seeing]", note: Callable[[Losses, Tensor], None], gradient: Tensor
) -> None:
    seeing = reference()
    if seeing is not None:
        seeing.guard(note, seeing.seen.losses, gradient)
