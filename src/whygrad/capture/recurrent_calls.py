"""The calls of recurrent layers in one step: every gate a layer, from one run of the recurrence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from whygrad.capture.isolation import ErrorIsolation
from whygrad.capture.layer_calls import ActivationCall, LayerCall, opened
from whygrad.capture.recurrences import GateRun, Recurrence
from whygrad.capture.torch_private import at_end_of_backward


class RecurrentCall:
    """One call of a recurrent layer, from its forward to its backward pass.

    Args:
        recurrence: how it was called; let go once the step is over.
        calls: of its gates, each a linear layer of its own; None of one that does not learn.
        isolated: calls what is to be done at the end of a pass.
        is_other: is called where the recurrence did not come out as it was.
    """

    def __init__(
        self,
        recurrence: Recurrence,
        calls: list[LayerCall | None],
        isolated: ErrorIsolation,
        is_other: Callable[[], None],
    ):
        self.recurrence: Recurrence | None = recurrence
        self._calls, self._isolated = calls, isolated
        self._is_other: Callable[[], Any] = is_other
        self._deltas: dict[int, Tensor] = {}

    def let_go(self) -> None:
        """Hold nothing of the step any longer."""
        self.recurrence, self._deltas = None, {}
        self._is_other = _nothing
        for call in filter(None, self._calls):
            call.let_go()

    def hook(self, place: int) -> Callable[[Tensor], None]:
        """Return what takes in what comes back to one of the outputs."""

        def on_delta(gradient: Tensor) -> None:
            if not self._deltas:  # what is still to come back comes before the pass ends
                at_end_of_backward(lambda: self._isolated(self._take_apart))
            self._deltas[place] = gradient

        return on_delta

    def _take_apart(self) -> None:
        deltas, self._deltas = self._deltas, {}
        if self.recurrence is None or not deltas:
            return
        runs = self.recurrence.runs(deltas)
        if runs is None:
            self._is_other()
        for call, run in zip(self._calls, runs or (), strict=False):
            if call is not None:
                _add(call, run)


@torch.no_grad()
def _add(call: LayerCall, run: GateRun) -> None:
    """Take in one gate, as if it had been called as a linear layer of its own."""
    assert call.use is not None
    call.use = use = replace(call.use, input=run.input)
    if call.activation is not None and run.upstream is not None:
        count = opened(use, run.preactivation, call.activation.facts.flat)
        ActivationCall([call], call.backward, count).on_upstream(run.upstream)
    call.on_delta(run.delta)


def _nothing(*_: Any) -> Any:
    """Stand for what is let go."""
