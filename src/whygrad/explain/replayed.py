"""From a replayed step to a ledger."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from whygrad.core.attribution import contributions, sample_pulls, strongest
from whygrad.core.backprop import LayerAnatomy
from whygrad.core.factors import Factors, factors
from whygrad.core.nn.network import Network
from whygrad.core.symmetry import clones
from whygrad.data.table import Data
from whygrad.explain.cause import Surroundings, find_cause
from whygrad.explain.chain import sample_chain
from whygrad.explain.ledger import Development, Factor, Ledger, Pull, Pusher, StageEntry
from whygrad.explain.names import names_of_inputs, target_in_words
from whygrad.record.address import Address
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.training.folder import RunFolder
from whygrad.training.replay import Replayed, replay

TOP = 3
all_factors = jax.jit(factors)  # one compilation a layer shape instead of one an operation


def explain(
    run: RunFolder, address: str, *, step: int | None = None, sample: int | None = None
) -> Ledger:
    """Replay a step of a run and explain what one parameter, neuron or layer did in it.

    Args:
        address: ``hidden1.weight[5, 3]``, ``hidden1.bias[3]``, ``hidden1[3]`` or ``hidden1``.
        step: its number; default: the last one taken.
        sample: row of the training part whose chain is wanted too.

    Raises:
        AddressError: no such parameter, step or sample.
        RunError: the step does not replay as it was recorded.
    """
    place = Address.parse(address, run.specs)
    replayed = replay(run, max(run.steps - 1, 0) if step is None else step)
    with np.errstate(all="ignore"):  # a step that blew up is explained in words, not in warnings
        ledger = _ledger(run, place, replayed)
        if sample is None:
            return ledger
        return replace(ledger, chain=sample_chain(run, replayed.network, place, sample))


def _ledger(run: RunFolder, place: Address, replayed: Replayed) -> Ledger:
    network, seen = replayed.network, replayed.seen
    layer = jax.tree.map(np.asarray, seen.anatomy[place.layer])
    entries = four_factors(seen.anatomy.layers, place)
    pushers, rest, left_over = _pushers(network, replayed, place)
    twins = _clones_of(network, place)
    raising, lowering = _pulls(run.data, replayed, layer, place)
    gradient = _size_of(seen.gradients, place)
    stages = _stages(gradient, seen.stages, place)
    pushed = float(all_factors(seen.anatomy["output"]).neuron.upstream.mean())
    cause = find_cause(entries, Surroundings.of(layer), left_over, pushed)
    return Ledger(
        address=place,
        step=replayed.step,
        epoch=replayed.step // run.task.steps_per_epoch,
        loss=float(seen.anatomy.loss),
        activation=layer.activation,
        source=_source(run, network, place),
        value=_size_of(seen.before, place),
        gradient=gradient,
        factors=tuple(replace(f, is_cause=f.name == cause.factor) for f in entries),
        cause=(cause.key, cause.values),
        pushers=pushers,
        pushers_rest=rest,
        left_over=left_over,
        raising=raising,
        lowering=lowering,
        samples=int((replayed.share > 0).sum()),
        stages=stages,
        update=stages[-1].after,
        movement=_movement(seen.before, seen.after, place),
        clones=twins,
        development=_development(run, place),
        chain=None,
        is_recorded=replayed.is_recorded,
    )


def four_factors(layers: dict[str, LayerAnatomy], place: Address) -> tuple[Factor, ...]:
    """Return the four factors of what an address names, each with what is normal around it."""
    if place.kind == "layer":
        every = [all_factors(anatomy).layer for anatomy in layers.values()]
        around = jax.tree.map(lambda *values: jnp.stack(values), *every)
        here: tuple[int, ...] = (list(layers).index(place.layer),)
    else:
        around = getattr(all_factors(layers[place.layer]), place.kind)
        here = place.index
    return factors_at(around, here)


def factors_at(around: Factors, here: tuple[int, ...]) -> tuple[Factor, ...]:
    """Return the four factors at one place, each with what is normal around it."""
    return tuple(_factor(name, around, here) for name in FACTORS)


def _factor(name: str, around: Factors, here: tuple[int, ...]) -> Factor:
    values = np.asarray(getattr(around, name), np.float64)
    value = float(values[here])
    others = values.size - 1
    rank = float((values < value).sum() / others) if others else 0.5
    return Factor(name, value, float(np.median(values)), rank)


def _source(run: RunFolder, network: Network, place: Address) -> str | None:
    if place.input is None:
        return None
    return names_of_inputs(run.data, network, place.layer)[place.input]


def _size_of(parameters: Any, place: Address) -> float:
    """Return the value of a weight or bias, or the norm of a neuron's or layer's weights."""
    return _size(_part_of(parameters, place), place)


def _part_of(parameters: Any, place: Address) -> np.ndarray | np.floating:
    array = np.asarray(parameters[place.layer][place.parameter or "weight"], np.float64)
    if place.kind == "neuron":
        return array[:, place.neuron]
    return array[place.index] if place.parameter else array


def _size(part: np.ndarray | np.floating, place: Address) -> float:
    return float(part) if place.parameter else float(np.linalg.norm(part))


def _movement(before: Any, after: Any, place: Address) -> float:
    return _size(_part_of(after, place) - _part_of(before, place), place)


def _stages(gradient: float, outputs: dict[str, Any], place: Address) -> tuple[StageEntry, ...]:
    entries, current = [], gradient
    for name, output in outputs.items():
        after = _size_of(output, place)
        entries.append(StageEntry(name, current, after))
        current = after
    return tuple(entries)


def _pushers(
    network: Network, replayed: Replayed, place: Address
) -> tuple[tuple[Pusher, ...], int, float | None]:
    if place.neuron is None:
        return (), 0, None
    parts = contributions(network, replayed.seen.anatomy, place.layer, place.neuron)
    if parts.is_from_loss:
        return (), 0, None
    order = np.argsort(-parts.size, kind="stable")[:TOP]
    pushers = tuple(
        Pusher(
            neuron=f"{parts.next_layer}[{k}]",
            weight=float(parts.weight[k]),
            part=float(parts.mean[k]),
            share=float(parts.share[k]),
        )
        for k in order
    )
    return pushers, len(parts.weight) - len(pushers), float(parts.left_over)


def _pulls(
    data: Data, replayed: Replayed, layer: LayerAnatomy, place: Address
) -> tuple[tuple[Pull, ...], tuple[Pull, ...]]:
    pulls = sample_pulls(layer, place)
    raising, lowering = strongest(pulls, TOP)

    def described(which: np.ndarray) -> tuple[Pull, ...]:
        rows = [int(replayed.rows[i]) for i in which]
        return tuple(
            Pull(row, target_in_words(data, row), float(pulls[i]))
            for row, i in zip(rows, which, strict=True)
        )

    return described(raising), described(lowering)


def _clones_of(network: Network, place: Address) -> tuple[int, ...]:
    if place.neuron is None or place.layer == "output":
        return ()
    for group in clones(network)[place.layer]:
        if place.neuron in group:
            return tuple(int(k) for k in group if k != place.neuron)
    return ()


def _development(run: RunFolder, place: Address) -> Development:
    steps, rows = run.rows(place.layer)
    of_neuron = rows[:, :, place.neuron] if place.neuron is not None else np.median(rows, axis=2)
    values = {
        name: tuple(float(v) for v in of_neuron[:, ROW_FIELDS.index(name)]) for name in FACTORS
    }
    return Development(tuple(int(step) for step in steps), values)
