"""Updates that no optimizer of torch makes: ``p.data.add_(p.grad, alpha=-0.1)``.

Nothing tells of them. But between two forward passes of a model in training its parameters have
either changed, and then that was a step, or they have not, and gradients are being accumulated.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from whygrad.capture.shards import held

PROBES = 64  # numbers of each parameter that are looked at


class UpdatesByHand:
    """Tells of changes of parameters between the forward passes of a module.

    Args:
        model: whose parameters they are.
        module: with whose forward pass a step begins: the model, or a part of it.
        on_update: called when they have changed, with this module.
    """

    def __init__(self, model: nn.Module, module: nn.Module, on_update: Callable[[nn.Module], None]):
        self._model, self._module = weakref.ref(model), weakref.ref(module)
        self._on_update = on_update
        self._before = _probes(model.parameters())
        self._handle = register_module_forward_pre_hook(self._forward_begins)

    def remove(self) -> None:
        """Look no more."""
        self._handle.remove()

    def look(self) -> None:
        """Tell of a change since the last look, if there is one."""
        model, module = self._model(), self._module()
        if model is not None and module is not None:
            before, self._before = self._before, _probes(model.parameters())
            if not _are_equal(before, self._before):
                self._on_update(module)

    def _forward_begins(self, module: nn.Module, *_: object) -> None:
        if module is self._module() and torch.is_grad_enabled():
            self.look()


@torch.no_grad()
def _probes(parameters: Iterable[Tensor]) -> list[Tensor]:
    flat = (held(parameter.detach()).flatten() for parameter in parameters)
    return [one[:: max(len(one) // PROBES, 1)].clone() for one in flat]


def _are_equal(some: list[Tensor], others: list[Tensor]) -> bool:
    return len(some) == len(others) and all(
        one.shape == other.shape and one.device == other.device and torch.equal(one, other)
        for one, other in zip(some, others, strict=True)
    )
