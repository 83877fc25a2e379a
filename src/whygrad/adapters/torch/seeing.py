"""What is seen of one training step: every layer, activation and loss as its function is called.

A ``TorchFunctionMode`` sees functions, modules and methods alike, in place or not. It calls what
was asked for, unchanged, and then hangs hooks on tensors: on a layer's output for delta, on its
activation's output for upstream. Hooks only read.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from whygrad.adapters.torch.calls import CALLS, use_of
from whygrad.adapters.torch.functions import (
    ACTIVATIONS,
    LOSSES,
    NORMS,
    OPENED,
    PROBABILITIES,
    RESCALING,
    RESHAPING,
    UNCOVERED,
    ActivationOfTorch,
)
from whygrad.adapters.torch.gradients import Gradients
from whygrad.adapters.torch.guard import Guard
from whygrad.adapters.torch.kinds import Use
from whygrad.adapters.torch.places import Place, Places
from whygrad.adapters.torch.sums import Room, Sizes, Sums, Whole, passed, sum_of_sizes

ROUNDING = 1e-3  # of a sum of probabilities, half precision included
ROOM = 16 * 2**20  # bytes of samples kept for the ledgers of one step


@dataclass
class Passage:
    """One call of a layer, from its forward to its backward pass."""

    place: Place
    use: Use | None
    sums: Sums
    begin: Callable[[], None]
    sizes: Sizes
    activation: ActivationOfTorch | None = None

    def on_delta(self, gradient: Tensor) -> None:
        """Take in dC/dz, from the hook on the layer's output."""
        self.begin()
        if self.use is None:
            return
        with torch.no_grad():
            sizes = self.sizes.of(gradient)
            if self.activation is None:
                self.sums.add_upstream(sum_of_sizes(self.use, sizes))
            self.sums.add_delta(self.use, gradient, sizes, has_own_gradient=self.place.is_shared)


@dataclass
class Opening:
    """One call of an activation, behind one layer, or behind a layer and its norm."""

    passages: list[Passage]
    activation: ActivationOfTorch
    sizes: Sizes
    upstream: Tensor | None = None  # its absolute values wait for what comes through

    def on_upstream(self, gradient: Tensor) -> None:
        """Take in dC/da, from the hook on the activation's output."""
        use = self._use()
        if use is None:
            return
        self.passages[-1].begin()
        with torch.no_grad():
            self.upstream = self.sizes.of(gradient)
            pushed = sum_of_sizes(use, self.upstream)
            for passage in self.passages:
                passage.sums.add_upstream(pushed)
                if passage.sums.whole is not None:
                    passage.sums.whole.waiting = gradient

    def on_slope(self, gradient: Tensor) -> None:
        """Take in what came through, from the hook on the activation's input."""
        use, upstream, self.upstream = self._use(), self.upstream, None
        if use is None or upstream is None:
            return
        with torch.no_grad():
            share = passed(use, upstream, self.sizes.of(gradient), self.activation.steepest)
            for passage in self.passages:
                passage.sums.add_slope(share)

    def _use(self) -> Use | None:
        """The use of the layer nearest to the activation; all of them lay out neurons alike."""
        return self.passages[-1].use


@dataclass
class LossCall:
    """A call of a loss function, as far as it can be at fault.

    Attributes:
        name: of the function.
        value: what it returned; None where it is not one number.
        claims, targets: shape, type, smallest and largest value of both, and whether they sum to 1
            over the classes.
        claims_from: ``softmax``, ``log_softmax`` or ``sigmoid`` where that made the claims.
        reduction: ``mean``, ``sum`` or ``none``.
    """

    name: str
    value: float | None
    claims: dict[str, Any]
    targets: dict[str, Any]
    claims_from: str | None
    reduction: str


@dataclass
class Seen:
    """What one step showed.

    Attributes:
        sums: by place, in the order of the first call.
        activations: name of the activation behind a place, and its steepest slope.
        feeds: the linear layers that a place's output goes to.
        losses: calls of loss functions.
        backwards: values that ``backward`` was called on.
        uncovered: layers with weights that whygrad cannot take apart, and their kind.
        strangers: weights of layers that are not the model's.
        has_begun: whether a gradient came back.
        is_fresh: whether one came back since the last forward pass.
        counted: how many losses and calls of ``backward`` have led to gradients.
    """

    sums: dict[Place, Sums] = field(default_factory=dict)
    activations: dict[Place, ActivationOfTorch] = field(default_factory=dict)
    feeds: dict[Place, set[Place]] = field(default_factory=dict)
    losses: list[LossCall] = field(default_factory=list)
    backwards: list[float] = field(default_factory=list)
    uncovered: set[str] = field(default_factory=set)
    strangers: list[weakref.ref[Tensor]] = field(default_factory=list)
    has_begun: bool = False
    is_fresh: bool = False
    counted: tuple[int, int] = (0, 0)

    def begin_again(self) -> None:
        """Forget the passes whose gradients were thrown away."""
        for sums in self.sums.values():
            sums.begin_again()
        self.losses = self.losses[self.counted[0] :]
        self.backwards = self.backwards[self.counted[1] :]


class Seeing(TorchFunctionMode):
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
        self.sizes = Sizes()
        self.on_place, self.gradients = on_place, gradients
        self.seen = Seen()
        self._made_by: Any = WeakTensorKeyDictionary()  # output -> the passage that it left
        self._claimed: Any = WeakTensorKeyDictionary()  # probabilities -> what made them
        self._lost: Any = WeakTensorKeyDictionary()  # losses, rescaled ones too
        self._passages: list[weakref.ref[Passage]] = []
        self._openings: list[weakref.ref[Opening]] = []
        self.is_on = False  # on the stack of modes
        self.is_blind = False
        self._depth = 0

    def open(self) -> None:
        """Begin to see, or go on."""
        self.is_blind = False
        if not self.is_on:
            self.__enter__()
            self.is_on = True

    def close(self) -> None:
        """Stop seeing. Somebody else's mode may lie above; then this one stays there, blind."""
        self.is_blind = True
        stack = torch.overrides._get_current_function_mode_stack()
        if self.is_on and not self._depth and stack and stack[-1] is self:
            self.__exit__(None, None, None)
            self.is_on = False

    def _inside(self, function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        self._depth += 1
        try:
            with self:
                return function(*args, **kwargs)
        finally:
            self._depth -= 1

    def let_go(self) -> None:
        """Hold no tensor of the step any longer."""
        for passage in filter(None, (reference() for reference in self._passages)):
            passage.use = None
        for opening in filter(None, (reference() for reference in self._openings)):
            opening.upstream = None
        self._passages, self._openings = [], []
        self.sizes.let_go()
        self._made_by = WeakTensorKeyDictionary()

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.is_blind or self.guard.has_failed:
            return func(*args, **kwargs)
        if func is torch.autograd.backward:
            self.guard(self._note_backward, args[0] if args else kwargs["tensors"])
        if func in OPENED:
            return self._inside(OPENED[func], args, kwargs)
        if func in CALLS and torch.is_grad_enabled():
            return self._layer(func, args, kwargs)
        opening = self.guard(self._opening, func, args)
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
            result.register_hook(partial(self._on, opening.on_upstream))
            self._made_by[result] = opening.passages

    def _on(self, hook: Callable[[Tensor], None], gradient: Tensor) -> None:
        """Hand a gradient to who waits for it, and leave it as it is."""
        self.guard(hook, gradient)

    def _pass(self, place: Place, use: Use, result: Tensor, came: list[Passage]) -> None:
        """Follow one call of a layer that learns."""
        if place not in self.seen.sums:
            self.on_place(place)
            is_whole = place.weight in self.whole
            self.seen.sums[place] = Sums(whole=Whole(self.room) if is_whole else None)
        sums = self.seen.sums[place]
        passage = Passage(place, use, sums, self._begin, self.sizes)
        self._passages.append(weakref.ref(passage))
        result.register_hook(partial(self._on, passage.on_delta))
        is_norm = place.kind in ("norm", "channel_norm")
        if place.kind == "linear":
            for before in came:
                self.seen.feeds.setdefault(before.place, set()).add(place)
        # behind a norm the activation is that of the layer before, too
        follows = [before for before in came if is_norm and before.activation is None]
        self._made_by[result] = [*follows, passage]

    def _begin(self) -> None:
        """Note that a gradient came back; look at the first one after every forward pass."""
        if self.seen.is_fresh:
            return
        self.seen.is_fresh = True
        if not self.seen.has_begun:
            self.seen.has_begun = True
            self.gradients.begin()
        elif self.gradients.are_gone():
            self.seen.begin_again()
            self.gradients.begin_again()
        self.seen.counted = (len(self.seen.losses), len(self.seen.backwards))

    def _opening(self, func: Callable, args: tuple) -> Opening | None:
        """Follow an activation that is called on the output of a layer, before it may change it."""
        came = self._made_by.get(args[0]) if func in ACTIVATIONS and args else None
        passages = [passage for passage in came or [] if passage.activation is None]
        if not passages or not args[0].requires_grad:
            return None
        for passage in passages:
            passage.activation = ACTIVATIONS[func]
            self.seen.activations[passage.place] = ACTIVATIONS[func]
        opening = Opening(passages, ACTIVATIONS[func], self.sizes)
        self._openings.append(weakref.ref(opening))
        args[0].register_hook(partial(self._on, opening.on_slope))
        return opening

    def _note(self, func: Callable, args: tuple, kwargs: dict[str, Any], result: Any) -> None:
        """Note what a loss function was called with, and what probabilities came from."""
        if func in LOSSES:
            self.seen.losses.append(self._loss_call(LOSSES[func], args, kwargs, result))
            self._lost[result] = True
        elif func in PROBABILITIES:
            self._claimed[result] = PROBABILITIES[func]
        elif func in RESHAPING and args[0] in self._claimed and isinstance(result, Tensor):
            self._claimed[result] = self._claimed[args[0]]
        elif func in UNCOVERED:
            self.seen.uncovered |= self.places.owners(args, kwargs) or {UNCOVERED[func]}
        elif func in RESCALING and isinstance(args[0], Tensor) and args[0] in self._lost:
            self._lost[result] = True
        elif func is torch.nn.functional.dropout and args[0] in self._made_by:
            self._made_by[result] = self._made_by[args[0]]

    def _loss_call(self, name: str, args: tuple, kwargs: dict[str, Any], result: Any) -> LossCall:
        claims = args[0] if args else kwargs.get("input")
        targets = args[1] if len(args) > 1 else kwargs.get("target")
        return LossCall(
            name=name,
            value=float(result.detach()) if result.numel() == 1 else None,
            claims=_described(claims),
            targets=_described(targets),
            claims_from=self._claimed.get(claims),
            reduction=str(kwargs.get("reduction", "mean")),
        )

    def _note_backward(self, roots: Any) -> None:
        for root in (roots,) if isinstance(roots, Tensor) else tuple(roots):
            if root.numel() == 1:
                self.seen.backwards.append(float(root.detach()))


def _described(tensor: Any) -> dict[str, Any]:
    if not isinstance(tensor, Tensor) or not tensor.numel():
        return {}
    values = tensor.detach().float()
    sums = values.sum(1) if values.dim() > 1 and values.shape[1] > 1 else values.new_zeros(1)
    return {
        "shape": list(tensor.shape),
        "type": str(tensor.dtype).removeprefix("torch."),
        "low": float(values.min()),
        "high": float(values.max()),
        "sums_to_one": bool((sums - 1).abs().max() < ROUNDING),
    }
