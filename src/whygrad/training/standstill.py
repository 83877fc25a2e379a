"""Whether training moved anything, and if it did not, which factor, stage or rounding took it all.

Nothing moved means: not one weight differs from its start, and no bias by more than what is lost
beside its layer's weights. The cause is the first in the order in which a step computes: shares of
the samples, the four factors from the loss downward, optimiser stages, rounding.
"""

from itertools import pairwise
from typing import TYPE_CHECKING

import jax
import numpy as np

from whygrad.core.backprop import Anatomy
from whygrad.core.factors import layer_factors
from whygrad.core.nn.losses import is_matched, loss_rule
from whygrad.core.nn.network import Network, Parameters
from whygrad.errors import RunError, StalledError
from whygrad.settings import Settings
from whygrad.training.loop import epoch_plan
from whygrad.training.replay import state_before
from whygrad.training.step import DeviceDataset, Plan, State, StaticConfig, StepTrace, trace_step

if TYPE_CHECKING:
    from whygrad.training.trained import TrainedRun

OPTIMAL = 1e-6  # errors of this size, relative to the targets, are none


def has_moved(before: Network, after: Network) -> bool:
    """Return whether training changed a network."""
    for old, new in zip(before.dense, after.dense, strict=True):
        weight = np.asarray(old.weight)
        if not np.array_equal(weight, np.asarray(new.weight)):
            return True
        if old.bias is None or new.bias is None:
            continue
        lost = np.finfo(weight.dtype).eps * np.abs(weight).max()
        if (np.abs(np.asarray(new.bias) - np.asarray(old.bias)) > lost).any():
            return True
    return False


def find_stall(run: "TrainedRun", network: Network, step: int) -> StalledError | None:
    """Return the error of a run that has moved nothing in its steps up to ``step``, else None."""
    try:
        start = run.checkpoint(0).state.network
    except RunError:  # without its start nothing can be told
        return None
    if not step or has_moved(start, network):
        return None
    task = run.task
    epoch, last = divmod(step - 1, task.steps_per_epoch)
    plan = epoch_plan(task, epoch)
    # a batch of weight 0 cannot tell anything
    weighed = np.flatnonzero(np.asarray(plan.share)[: last + 1].sum(axis=1))
    position = int(weighed[-1]) if len(weighed) else last
    state = state_before(run, task, epoch * task.steps_per_epoch + position)
    return why_stalled(task.config, state, task.dataset, plan[position], run.path)


def why_stalled(
    config: StaticConfig, state: State, dataset: DeviceDataset, batch: Plan, where: object
) -> StalledError | None:
    """Return the error that says why a step moves nothing.

    None if it does move something, or if nothing is left to learn: the outputs are what the
    targets ask for, or what the samples ask for cancels to rounding, as at an optimum.

    Args:
        where: what is training, for the message.
    """
    if not np.asarray(batch.share).any():
        return StalledError("error.stalled_share", where=where)
    seen, _ = trace_step(config, state, dataset, batch)
    after = state.network.with_parameters(seen.after)
    if has_moved(state.network, after):
        return None
    # only a squared error grows with the targets; the upstream of others is at most about 1
    is_squared = config.settings.loss in ("squared", "broadcast_squared")
    size = float(np.abs(np.asarray(dataset.y)).max()) if is_squared else 1.0
    if _is_optimal(seen.anatomy, config.settings, state.network.output_activation, size):
        return None
    if not _largest(seen.gradients):
        return _of_gradient(seen.anatomy, where)
    return None if _cancels(seen) else _of_update(seen, where)


def _is_optimal(anatomy: Anatomy, settings: Settings, activation: str, size: float) -> bool:
    """Return whether no sample asks for anything."""
    counted = np.asarray(anatomy["output"].share) > 0
    requested = np.abs(np.asarray(anatomy["output"].upstream)[counted]).max()
    missed = np.abs(np.asarray(anatomy.sample_loss)[counted]).max()
    # a probability that is clipped asks for nothing, however wrong it is
    is_clipped = loss_rule(settings.loss).is_categorical and not is_matched(
        settings.loss, activation
    )
    return bool(missed <= OPTIMAL * size or (requested <= OPTIMAL * size and not is_clipped))


def _cancels(seen: StepTrace) -> bool:
    """Return whether what is left of the gradients is rounding of terms that cancel."""
    agreements = [
        float(layer_factors(layer, seen.gradients[name]["weight"]).agreement)
        for name, layer in seen.anatomy.layers.items()
        if np.asarray(seen.gradients[name]["weight"]).any()  # else the biases alone are asked
    ]
    return max(agreements, default=1.0) <= OPTIMAL


def _of_gradient(anatomy: Anatomy, where: object) -> StalledError:
    """Return the error of gradients that are all 0: the lowest layer that is asked for something.

    Below it nothing arrives, so what is 0 in this layer is the first cause.
    """
    cause = ("output", "upstream")
    for name, layer in reversed(anatomy.layers.items()):
        four = layer_factors(layer, layer.gradient()["weight"])
        if not float(four.upstream):
            break
        zero = (one for one in ("slope", "input") if not float(getattr(four, one)))
        cause = (name, next(zero, "agreement"))
    return StalledError(f"error.stalled_{cause[1]}", where=where, layer=cause[0])


def _of_update(seen: StepTrace, where: object) -> StalledError:
    """Return the error of a gradient that a stage, or rounding, makes nothing of."""
    sizes = [_largest(seen.gradients), *map(_largest, seen.stages.values())]
    kept = [out / actual if actual else 1.0 for actual, out in pairwise(sizes)]
    stage = list(seen.stages)[int(np.argmin(kept))]
    said = {"where": where, "stage": stage}
    if not sizes[-1]:
        return StalledError("error.stalled_stage", **said, gradient=sizes[0])
    weight = _largest({name: {"weight": parts["weight"]} for name, parts in seen.before.items()})
    return StalledError("error.stalled_rounding", **said, update=sizes[-1], weight=weight)


def _largest(parameters: Parameters) -> float:
    return max(float(np.abs(np.asarray(leaf)).max()) for leaf in jax.tree.leaves(parameters))
