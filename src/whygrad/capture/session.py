"""Watching whatever a program trains, without a line of it changed.

A session waits until an optimizer is given parameters. With the first forward pass after that it
looks for the models that hold them, and each gets a :class:`Watch` when it is called, as
``wg.watch`` would give it. Before and after nothing of it hangs on a forward pass.

Of several processes each has a session of its own: a forked child, a data loader's worker among
them, forgets what it inherited, and begins anew if it trains.
"""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook

from whygrad.capture import isolation
from whygrad.capture.isolation import ErrorIsolation
from whygrad.capture.models import models_alive, models_trained, name_of
from whygrad.capture.pace import Every
from whygrad.capture.torch_private import agreed, transformation
from whygrad.capture.watch import Watch
from whygrad.capture.wrapped import rank_of_process, unwrapped
from whygrad.errors import WhygradError, in_short
from whygrad.record.files import make_folder
from whygrad.record.folder import RunFolder
from whygrad.words import t


@dataclass
class Watched:
    """A model that a program trains.

    Attributes:
        name: what the program calls it.
        path: folder of its run; of several processes the one that holds theirs.
    """

    name: str
    path: Path
    watch: Watch


@dataclass
class Session:
    """Watches every model that an optimizer of this process updates.

    Args:
        folder: makes the folder in which each model gets one for its run, and returns it; called
            when there is the first model, of several processes by the first one only.
        every: as of :class:`Watch`.
        uncompiled: as of :class:`Watch`.
        opened: makes a run of a folder.

    Attributes:
        watched: the models found so far.
        said: what is to be told of them at the end: what is not watched, or not taken apart.
        path: the folder of the runs, once there is a model.
    """

    folder: Callable[[], Path]
    every: Every = "auto"
    uncompiled: bool = False
    opened: Callable[[Path], RunFolder] = RunFolder
    watched: list[Watched] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._isolated = ErrorIsolation(self._give_up)
        self._known = weakref.WeakSet[nn.Module]()  # watched, or told why not
        self._held = weakref.WeakSet[Optimizer]()
        self._waiting = weakref.WeakKeyDictionary[nn.Module, weakref.ref[nn.Module]]()
        self._undo: list[Callable[[], None]] = []
        self._trigger: Any = None
        self._has_news = False  # there may be models that were not looked for yet
        self._is_by_hand = False  # there is no optimizer
        self._is_compiled = False
        self._is_over = False
        self.path: Path | None = None

    def attach(self) -> Session:
        """Begin to wait for models."""
        self._undo = [
            register_optimizer_step_pre_hook(self._before_update).remove,
            *self._follow_optimizers(),
            *self._follow_compiler(),
        ]
        isolation.say_to(self._say)
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (alive := forget()) and alive())
        self._listen()  # in a notebook there may be optimizers already
        return self

    def detach(self, error: BaseException | None = None) -> None:
        """Finish every run.

        Args:
            error: what ended the program, if anything did.
        """
        if self._is_over:
            return
        self._is_over = True
        self._let_go()
        for one in self.watched:
            one.watch.__exit__(type(error) if error else None, error, None)
        isolation.say_to(None)
        _, ranks = rank_of_process()
        if ranks == 1 and not isinstance(error, Exception):
            self._remove_empty()

    def explain_now(self) -> None:
        """Record the next step of every model whole, see :meth:`Watch.explain_now`."""
        for one in self.watched:
            one.watch.explain_now()

    def _remove_empty(self) -> None:
        """Leave nothing of what was called once and never trained."""
        for one in [one for one in self.watched if one.watch.last is None]:
            self.watched.remove(one)
            shutil.rmtree(one.path, ignore_errors=True)

    # --- what tells of new models ---------------------------------------------------------------

    def _follow_optimizers(self) -> list[Callable[[], None]]:
        """Hear of every optimizer that is given parameters, when it is made or later."""
        given = Optimizer.add_param_group

        @wraps(given)
        def add_param_group(optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:
            given(optimizer, *args, **kwargs)
            self._listen()

        return [_replaced(Optimizer, "add_param_group", add_param_group)]

    def _follow_compiler(self) -> list[Callable[[], None]]:
        """Hear that something is compiled: no hook may hang on what the compiler reads."""
        given = torch.compile

        @wraps(given)
        def compiled(*args: Any, **kwargs: Any) -> Any:
            if not kwargs.get("disable"):
                self._is_compiled = True
                self._listen_no_more()
            return given(*args, **kwargs)

        return [_replaced(torch, "compile", compiled)]

    def _listen(self) -> None:
        self._has_news = True
        if self._trigger is None and not self._is_over and not self._is_compiled:
            self._trigger = register_module_forward_pre_hook(self._forward_begins)

    def _listen_no_more(self) -> None:
        if self._trigger is not None:
            self._trigger.remove()
            self._trigger = None

    def _forward_begins(self, module: nn.Module, *_: Any) -> None:
        if torch.is_grad_enabled() and (self._has_news or module in self._waiting):
            self._isolated(self._on_forward, module)

    def _on_forward(self, module: nn.Module) -> None:
        if transformation() is not None:
            self._say(t("watch.program.functional"))
            return
        self._look()
        model = self._waiting[module]() if module in self._waiting else None
        watch = None if model is None else self._begin(model)
        if watch is not None and self._is_by_hand:
            watch.follow_by_hand(module)
        if not self._waiting and not self._has_news:
            self._listen_no_more()
        if watch is not None:
            watch.forward_begins(module)

    def _before_update(self, optimizer: Optimizer, *_: Any) -> None:
        if optimizer not in self._held:
            self._isolated(self._before_first_update, optimizer)

    def _before_first_update(self, optimizer: Optimizer) -> None:
        """Look for the models of an optimizer, of whose forward pass nothing may have been heard.

        What was not called as a module is then watched from the next step on.
        """
        self._held.add(optimizer)
        self._has_news = True
        self._look()
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        for model in {reference() for reference in self._waiting.values()} - {None}:
            if model is not None and any(id(p) in held for p in model.parameters()):
                self._begin(model)

    # --- a model ----------------------------------------------------------------------------------

    def _look(self) -> None:
        """Look for models that are trained, if there may be new ones."""
        if not self._has_news:
            return
        models = models_trained()
        self._is_by_hand = models is None
        models = models_alive() if models is None else models
        self._has_news = any(_is_lazy(model) for model in models)
        for model in models:
            if model not in self._known and not _is_lazy(model):
                for module in model.modules():
                    self._waiting.setdefault(module, weakref.ref(model))

    def _begin(self, model: nn.Module) -> Watch | None:
        """Watch a model from here on; None where it cannot be, which is told."""
        self._known.add(model)
        for module in [one for one, of in self._waiting.items() if of() in (model, None)]:
            del self._waiting[module]
        name = name_of(model)
        if self._is_compiled and not self.uncompiled:
            self._say(t("watch.program.compiled", name=name))
            return None
        try:
            watched = self._watched(model, name)
        except WhygradError as error:
            self._say(t("watch.program.left_out", name=name, reason=error))
            return None
        if not self.watched and parent_process() is not None:  # a child, which ends without a word
            Finalize(None, self.detach, exitpriority=0)
        self.watched.append(watched)
        return watched.watch.attach()

    def _watched(self, model: nn.Module, name: str) -> Watched:
        if self.path is None:
            self.path = Path(agreed("whygrad/folder", lambda: str(self.folder())))
        path = self._free(name, self.path)
        watch = Watch(
            model, every=self.every, out=path, uncompiled=self.uncompiled, opened=self.opened
        )
        return Watched(path.name, path, watch)

    def _free(self, name: str, folder: Path) -> Path:
        """Return the folder of a run that no other model has, nor another process's.

        Processes that train together give the same names in the same order, and share a folder.
        """
        taken = {one.name for one in self.watched}
        _, ranks = rank_of_process()
        number = 1
        while True:
            path = folder / (name if number == 1 else f"{name}-{number}")
            number += 1
            if path.name in taken:
                continue
            if ranks > 1:
                return path
            try:
                make_folder(path, is_new=True)
                return path
            except FileExistsError:
                continue

    # --- what goes wrong, and other processes ---------------------------------------------------

    def _say(self, words: str) -> None:
        if words not in self.said:
            self.said.append(words)

    def _give_up(self, error: Exception) -> None:
        self._let_go()
        self._say(t("watch.program.gave_up", problem=in_short(error)))

    def _let_go(self) -> None:
        self._listen_no_more()
        undo, self._undo = self._undo, []
        for each in undo:
            each()

    def _forget(self) -> None:
        """Leave what the parent watches to the parent."""
        if not self._is_over:
            self._listen_no_more()
            for one in self.watched:
                one.watch.abandon()
            self._inherited, self.watched = self.watched, []
            self.said = []
            self._known, self._held = weakref.WeakSet(), weakref.WeakSet()
            self._waiting = weakref.WeakKeyDictionary()


def _replaced(owner: Any, name: str, new: Any) -> Callable[[], None]:
    """Put something in the place of a public name, and return what puts it back."""
    given = getattr(owner, name)
    setattr(owner, name, new)
    return lambda: setattr(owner, name, given)


def _is_lazy(model: nn.Module) -> bool:
    return any(nn.parameter.is_lazy(parameter) for parameter in unwrapped(model).parameters())
