"""Loop diagnostics: what the doctor must know of a step that no factor tells."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.optimizer import Optimizer
from torch.utils.weak import WeakTensorKeyDictionary

from whygrad.capture.registry import LayerRegistry
from whygrad.capture.torch_private import BatchNorm, steps_taken

if TYPE_CHECKING:
    from whygrad.capture.window import Window

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
DROPOUTS += (nn.AlphaDropout, nn.FeatureAlphaDropout)
MODAL = (*DROPOUTS, BatchNorm)


def diagnostics_of(
    window: Window, registry: LayerRegistry, optimizers: list[Optimizer]
) -> dict[str, Any]:
    """Return what can be at fault in a training loop, as a line of ``facts.jsonl``."""
    trace, gradients = window.tracer.trace, window.gradients
    held = {id(p) for o in optimizers for group in o.param_groups for p in group["params"]}
    parameters = {name: p for name, p in registry.parameters.items() if p.numel()}
    learning = {name: p for name, p in parameters.items() if p.requires_grad}
    modal = [(name, one) for name, one in registry.model.named_modules() if isinstance(one, MODAL)]
    return {
        "step": window.step,
        "losses": trace.losses.told(),
        "backwards": [one.trained for one in trace.losses.trained],
        "scales": sorted({float(one.scale) for one in trace.losses.trained} - {1.0}),
        "left_over": sorted(gradients.left),
        "in_eval_mode": window.in_eval_mode,
        "dropout": {
            name: module.p
            for name, module in modal
            if isinstance(module, DROPOUTS) and module.training
        },
        "modal": len(modal),
        "frozen": sorted(set(parameters) - set(learning)),
        "not_held": sorted(name for name, p in learning.items() if id(p) not in held)
        if optimizers
        else [],
        "without_gradient": sorted(set(learning) - set(gradients.requested)),
        "cut_off": sorted(
            layer.name
            for layer, accumulators in trace.accumulators.items()
            if accumulators.is_empty
        ),
        "strangers": len(trace.unregistered),
        "uncovered": sorted(registry.unexplained(gradients.requested.keys() - gradients.stale)),
        "early_schedulers": window.early_schedulers,
        "optimizers": [rates_of(optimizer) for optimizer in optimizers],
    }


def in_eval_mode(model: nn.Module) -> list[str]:
    """Return the modules that behave otherwise in training, and are not set to it."""
    return [name for name, m in model.named_modules() if isinstance(m, MODAL) and not m.training]


def early_schedulers(optimizer: Optimizer) -> list[str]:
    """Return the schedulers of an optimiser that took a step before its first.

    A scheduler knows its optimiser and not the other way round, so it is looked for among all
    objects; once, before the first update.
    """
    schedulers = [one for one in gc.get_objects() if issubclass(type(one), LRScheduler)]
    early = [s for s in schedulers if s.optimizer is optimizer and steps_taken(s) > 1]
    return sorted(type(scheduler).__name__ for scheduler in early)


def rates_of(optimizer: Optimizer) -> dict[str, Any]:
    """Return the rates of an optimiser's groups, and which way it goes."""
    groups = optimizer.param_groups
    return {
        "name": type(optimizer).__name__,
        "maximizes": any(group.get("maximize", False) for group in groups),
        "rates": [float(group["lr"]) for group in groups if "lr" in group],
        "weight_decays": [float(g["weight_decay"]) for g in groups if "weight_decay" in g],
        "initial_rates": [float(g["initial_lr"]) for g in groups if "initial_lr" in g],
    }


class PassingWeights:
    """The weights of layers that are not the model's and last for one step only.

    They are gone after it; or a loss that still has its name keeps them, and then they are new in
    every step. Whether they are in the first that is recorded cannot be known.
    """

    def __init__(self) -> None:
        self._known: Any = WeakTensorKeyDictionary()

    def count(self, unregistered: list[weakref.ref[Tensor]], *, is_first: bool) -> int:
        """Return how many there were in a step."""
        alive = [weight for reference in unregistered if (weight := reference()) is not None]
        new = [weight for weight in alive if weight not in self._known]
        self._known.update({weight: True for weight in alive})
        gone = len(unregistered) - len(alive)
        return gone + (0 if is_first else len(new))
