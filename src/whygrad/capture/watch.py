"""Watching a model train: when to look, and what a step is.

A step is what leads to one ``optimizer.step()``: every forward and backward pass before it. On the
steps that are recorded a :class:`Tracer` is in place from the first forward pass to the update; on
all others nothing is, but two hooks of the optimiser that count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from whygrad.capture.by_hand import UpdatesByHand
from whygrad.capture.diagnostics import PassingWeights, early_schedulers, in_eval_mode
from whygrad.capture.gradients import Gradients
from whygrad.capture.isolation import ErrorIsolation, Overhead, warn
from whygrad.capture.pace import Every, Pace
from whygrad.capture.record import Recorded, recorded
from whygrad.capture.registry import LayerRegistry
from whygrad.capture.tracer import Tracer
from whygrad.capture.unsharding import Passed, follow_sharded
from whygrad.capture.window import Window
from whygrad.capture.wrapped import (
    Inert,
    Stance,
    check,
    check_compiled,
    compiled_parts,
    is_within_compiled,
    never_compiled,
    rank_of_process,
    unwrapped,
)
from whygrad.capture.writing import Writer
from whygrad.record.folder import RunFolder
from whygrad.record.merging import folder_of_rank
from whygrad.record.tracker import check_log
from whygrad.settings import Range
from whygrad.words import t
from whygrad.words.visible import visible

if TYPE_CHECKING:
    from whygrad.record.tracker import Tracker
    from whygrad.runs import Run

ROOM = Range(float, 0, optional=True)
MEGABYTE = 10**6


class Watch:
    """Watches a model while it trains, and keeps a run of it.

    The model, its gradients, its random numbers and its results are the same bit for bit; those of
    what is compiled may differ, and are refused unless asked for.

    Args:
        model: any module. Whatever of its parameters meets an activation in a product or a sum is
            taken apart; ``run.coverage()`` names the rest, and says why.
        every: how many optimiser steps from one recorded step to the next; ``"auto"``: as
            :mod:`whygrad.capture.pace` chooses.
        out: folder of the run, new or empty; default: a temporary one. Where several processes
            train together, each has a folder in it, and ``wg.open_run(out)`` merges them.
        optimizer: the optimiser, or several; default: every one that holds the model's parameters.
        explain: names of layers, such as ``encoder.layers.0``, that ``why`` is to explain first,
            where ``room`` is too small for all of them.
        room: megabytes on disk that what ``why`` needs may take; None for three times what the
            parameters take, and 10.5 at least.
        log: a tracker, such as ``wg.TensorBoard("logs")``, that is told of every recorded step
            while the model trains; of several processes the first one tells.
        uncompiled: whether what is compiled may run uncompiled on the steps that are recorded. Its
            results may differ there by rounding, and where it draws random numbers.
        opened: makes :attr:`run` of the folder.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        every: Every = "auto",
        out: str | Path | None = None,
        optimizer: Optimizer | list[Optimizer] | None = None,
        explain: Sequence[str] = (),
        log: Tracker | None = None,
        uncompiled: bool = False,
        room: float | None = None,
        opened: Callable[[Path], RunFolder] = RunFolder,
    ):
        check(model, every, uncompiled=uncompiled)
        check_log(log)
        ROOM.check("room", room)
        self.model = model
        self.every = every
        self.steps = 0
        self.overhead = Overhead()
        self.last: Recorded | None = None
        self._opened = opened
        several = optimizer if isinstance(optimizer, list | tuple) else [optimizer]
        self._only = [one for one in several if one is not None]
        self._registry = LayerRegistry(unwrapped(model))
        self._rank, ranks = rank_of_process()
        self._is_parallel = ranks > 1
        own = folder_of_rank(Path(out), self._rank) if out is not None and ranks > 1 else out
        told = log if self._rank == 0 else None
        self._pace = Pace(every, self.overhead, is_parallel=self._is_parallel)
        rank = (self._rank, ranks)
        allowed = None if room is None else int(room * MEGABYTE)
        self._writer = Writer(own, model, self._registry, every, explain, told, rank, allowed)
        self._window: Window | None = None
        self._by_hand: UpdatesByHand | None = None
        self._handles: list[Any] = []
        self._triggers: list[Any] = []
        self._own_modules: set[int] = set()
        self._leaving: list[Tracer] = []
        self._counts: dict[int, int] = {}
        self._optimizers: list[Optimizer] = []  # seen at work
        self._held: dict[int, bool] = {}
        self._stance = Stance()
        self._may_uncompile, self._has_told_uncompiled = uncompiled, False
        self._isolated = ErrorIsolation(self._give_up)
        self._passing = PassingWeights()
        self._told: set[str] = set()  # what cannot be taken apart, and has been said

    @property
    def run(self) -> Run:
        """What has been recorded so far, by this process."""
        self._isolated(self._writer.flush)
        return cast("Run", self._opened(self._writer.path))

    def __repr__(self) -> str:
        taken, room = (f"{size / MEGABYTE:.1f}" for size in self._writer.room_taken)
        model, path = type(self._registry.model).__name__, str(self._writer.path)
        told = f"{model}, every={self.every!r}, steps={self.steps}, {path!r}"
        return visible(f"Watch({told}, ledgers: {taken} of at most {room} MB)")

    def attach(self) -> Watch:
        """Begin to watch."""
        if not self._handles:
            self._handles = [
                register_optimizer_step_pre_hook(self._before_update),
                register_optimizer_step_post_hook(self._after_update),
            ]
            self.overhead.begin()
            self._arm()
        return self

    def follow_by_hand(self, module: nn.Module) -> None:
        """Take changes of the parameters for steps until an optimizer of torch makes one.

        Args:
            module: with whose forward pass a step begins.
        """
        self._by_hand = UpdatesByHand(self._registry.model, module, self._updated_by_hand)

    def detach(self) -> None:
        """Stop watching and finish the run."""
        if self._by_hand is not None:
            self._isolated(self._by_hand.look)
            self._follow_optimizers()
        for handle in self._handles:
            handle.remove()
        self._handles = []
        if self._window is not None and self._window.updated_by:
            self._isolated(self._finish)
        self._disarm()  # behind what waits for the next step
        self._drop_window()
        self._sweep()
        try:  # also after an error of ours; but no disk that is full may end somebody's training
            self._writer.finish(self.steps, self.overhead.to_dict())
        except Exception as error:
            if not self._isolated.has_failed:  # else it has been said
                self._give_up(error)

    def abandon(self) -> None:
        """Watch no longer and write nothing, in the fork of a process that goes on watching."""
        self._isolated.has_failed = True
        self._follow_optimizers()
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._disarm()
        self._drop_window()
        self._sweep()

    def __enter__(self) -> Watch:
        return self.attach()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            self._writer.note_failure(type(error).__name__, str(error))
        self.detach()

    def explain_now(self) -> None:
        """Record the next step whole, whichever it is, so that ``why`` explains all of it.

        Also from a signal's handler, or another thread. Of a step that has begun it is the one
        after it. After a spike of the loss, or the first that is not finite, this happens by
        itself.
        """
        self._pace.ask()

    @contextmanager
    def update(self) -> Iterator[None]:
        """Mark an update by hand, where no optimiser of torch's makes it."""
        self._isolated(self._note_before)
        yield
        self._isolated(self._finish)

    # --- a step, from its first forward pass to its update -----------------------------------

    def _arm(self) -> None:
        """Wait for the first forward pass, if the coming step is to be recorded."""
        if self._pace.is_due(self.steps) and not self._triggers:
            self._isolated(self._set_triggers)

    def _set_triggers(self) -> None:
        self._stance.eager()
        modules = list(self._registry.model.modules())
        self._own_modules = {id(module) for module in modules}
        if compiled_parts(self.model):  # torch warns of hooks that hear of every module
            hook = Inert(self.forward_begins)
            self._triggers = [module.register_forward_pre_hook(hook) for module in modules]
        else:
            self._triggers = [register_module_forward_pre_hook(self.forward_begins)]
        self._triggers += follow_sharded(self._registry.model, self._enter_sharded)

    def _disarm(self) -> None:
        for trigger in self._triggers:
            trigger.remove()
        self._triggers = []
        self._stance.back()

    def forward_begins(self, module: nn.Module, *_: Any) -> None:
        """Hear of every module: a hook of the model's own would be copied and saved with it."""
        if id(module) in self._own_modules and self._triggers:
            self._isolated(self._on_forward)
            self._enter_sharded(module, [])  # it may have begun before its own hooks were there

    def _enter_sharded(self, module: nn.Module, passed: Passed) -> None:
        if self._window is not None and self._registry.is_sharded:
            self._isolated(self._window.tracer.following.enter, module, passed)

    def _on_forward(self) -> None:
        if not torch.is_grad_enabled():
            return
        if self._window is not None and self._window.updated_by:
            self._finish()
            if not self._triggers:
                return
        self._window = self._window or self._new_window()
        self._tell_uncompiled()
        self._window.tracer.trace.is_fresh = False
        self._window.tracer.open()

    def _new_window(self) -> Window:
        check_compiled(self.model, uncompiled=self._may_uncompile)  # it may have been since
        if self._registry.are_stale:
            self._registry, self._held = LayerRegistry(self._registry.model), {}
        snapshot = self._writer.snapshot_now(self._registry, is_asked=self._pace.is_asked)
        self._pace.is_asked = False
        undo = ExitStack()  # of what hangs hooks on parameters, should anything fail in between
        gradients = Gradients(
            self._registry,
            snapshot,
            self._isolated,
            is_parallel=self._is_parallel,
            is_by_hand=self._by_hand is not None,
        )
        undo.callback(gradients.let_go)
        with undo:
            tracer = Tracer(self._registry, snapshot, gradients, self._isolated)
            undo.callback(tracer.let_go)
            window = Window(self.steps, tracer, gradients, in_eval_mode(self.model))
            undo.pop_all()
        return window

    @never_compiled
    def _before_update(self, optimizer: Optimizer, *_: Any) -> None:
        self._sweep()
        self._isolated(self._update_begins, optimizer)

    @never_compiled
    def _after_update(self, optimizer: Optimizer, *_: Any) -> None:
        self._isolated(self._update_ended, optimizer)

    def _updated_by_hand(self, module: nn.Module) -> None:
        window = self._window
        if window is None or window.tracer.trace.has_begun:  # else only its start was changed
            self._isolated(self._finish)
            self.forward_begins(module)

    def _follow_optimizers(self) -> None:
        if self._by_hand is not None:
            self._by_hand.remove()
            self._by_hand = None

    def _update_begins(self, optimizer: Optimizer) -> None:
        if self._is_ours(optimizer):
            self._follow_optimizers()
            self._tell_uncompiled()
            window = self._window
            if window is not None and any(optimizer is one for one in window.updated_by):
                self._finish()  # it is at its next step; the others did not take this one
            self._note_before()
            if self._window is not None and self.steps == 0:
                self._window.early_schedulers += early_schedulers(optimizer)

    def _note_before(self) -> None:
        """Note the gradients that the update is made of, if there are any yet."""
        window = self._window
        if window is None or not window.tracer.trace.has_begun:
            return
        window.tracer.close()
        with torch.no_grad():
            window.gradients.note_requested()

    def _update_ended(self, optimizer: Optimizer) -> None:
        if not self._is_ours(optimizer):
            return
        if not any(optimizer is one for one in self._optimizers):
            self._optimizers.append(optimizer)
        if self._window is not None:
            self._note_before()  # an optimiser that calls for its gradients has them only now
            self._window.updated_by.append(optimizer)
            if len(self._window.updated_by) < len(self._optimizers):
                return  # another one may follow, with gradients of the same backward pass
        self._finish(optimizer)

    def _finish(self, optimizer: Optimizer | None = None) -> None:
        """Record the step if it was looked at, and count it."""
        window, self._window = self._window, None
        if window is not None:
            self._disarm()
            self._take(window)
        key = id(optimizer or (window.updated_by[0] if window and window.updated_by else None))
        begun = max(self.steps - 1, 0)  # one that comes later, or takes over, counts on
        self._counts[key] = self._counts.get(key, begun) + 1
        if self._counts[key] > self.steps:
            self.overhead.step_ended(was_recorded=window is not None)
            if window is not None:
                self._pace.note_recorded(self.steps)
            self.steps += 1
            self._arm()

    def _take(self, window: Window) -> None:
        self._close(window)
        is_first = self.last is None
        try:
            with torch.no_grad():
                self.last = recorded(window, self._registry, self._optimizers)
        finally:
            window.tracer.let_go()
            window.gradients.let_go()
        passing = self._passing.count(window.tracer.trace.unregistered, is_first=is_first)
        self.last.diagnostics["made_in_forward"] = passing
        self._writer.take(self.last)
        self._pace.note_loss(self.last.line.get("loss"))
        self._tell_uncompiled(is_within=window.tracer.trace.is_within_compiled)
        uncovered = set(self.last.diagnostics["uncovered"])
        if uncovered - self._told:
            self._told |= uncovered
            warn(t("warning.watch_uncovered", names=", ".join(sorted(self._told))))

    def _tell_uncompiled(self, *, is_within: bool = False) -> None:
        """Say, once, that a compiled function runs uncompiled, where nobody has asked for it."""
        is_new = not self._may_uncompile and not self._has_told_uncompiled
        if is_new and (is_within or (self._stance.is_set and is_within_compiled())):
            self._has_told_uncompiled = True
            warn(t("warning.watch_compiled"))

    def _give_up(self, error: Exception) -> None:
        """Look no longer; training goes on."""
        self._disarm()
        self._drop_window()
        problem = f"{type(error).__name__}: {error}"
        warn(t("warning.watch_gave_up", step=self.steps, problem=problem))

    def _drop_window(self) -> None:
        window, self._window = self._window, None
        if window is not None:
            self._close(window)
            window.tracer.let_go()
            window.gradients.let_go()

    def _close(self, window: Window) -> None:
        """See no more of a step; within a backward pass what sees can only be made blind."""
        window.tracer.close()
        if window.tracer.is_on:
            self._leaving.append(window.tracer)

    def _sweep(self) -> None:
        """Take down what could not be taken down from within a backward pass."""
        for tracer in self._leaving:
            tracer.close()
        self._leaving = [tracer for tracer in self._leaving if tracer.is_on]

    def _is_ours(self, optimizer: Optimizer) -> bool:
        if self._only:
            return any(optimizer is one for one in self._only)
        known = self._held.get(id(optimizer))
        if known is None:
            ours = {id(parameter) for parameter in self._registry.parameters.values()}
            held = (p for group in optimizer.param_groups for p in group["params"])
            known = self._held[id(optimizer)] = any(id(parameter) in ours for parameter in held)
        return known
