"""The training step, and the compiled loop that runs many of them without waiting for Python.

One step: gather a batch -> forward -> backward -> mean gradients -> optimiser stages -> update.
:func:`advance` runs a segment of steps in one compiled loop. On recording steps the factors of
every neuron are written to a buffer that leaves the loop at its end; other steps carry no trace of
recording. The trace of the same step is what :func:`trace_step` returns for a ledger.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Shaped

from whygrad.core import backend
from whygrad.core.arrays import Array
from whygrad.core.nn.folding import fold, fold_tree, unfold, unfold_tree
from whygrad.core.nn.network import Network
from whygrad.core.optimizer import apply_update, build_stages, run_stages, start
from whygrad.training.recording import as_rows, by_layer, sizes, width
from whygrad.training.state import (
    DeviceDataset,
    Plan,
    SegmentRecord,
    State,
    StaticConfig,
    StepTrace,
    anatomy_of,
)


def device_dataset(
    x: Float[Array, "samples n_in"],
    y: Shaped[Array, "samples *outputs"],
    outputs: int | None = None,
) -> DeviceDataset:
    """Put samples on the device, with the norm of each input vector.

    Args:
        outputs: of the network; here a step itself makes rows of classes.
    """
    x = jnp.asarray(x)
    return DeviceDataset(x, jnp.asarray(y), jnp.linalg.norm(x, axis=1))


@partial(jax.jit, static_argnums=1)
def first_state(
    network: Network, config: StaticConfig, learning_rate: float | Array, seed: int | Array
) -> State:
    """Return the state before the first step."""
    stages = build_stages(config.settings, learning_rate, config.total_steps)
    dtype = network.dense[0].weight.dtype
    return State(
        network=network,
        optimizer=start(stages, network.parameters),
        step=jnp.zeros((), jnp.int32),
        learning_rate=jnp.asarray(learning_rate, dtype),
        key=jax.random.key(seed),
    )


def take_step(
    config: StaticConfig, state: State, dataset: DeviceDataset, batch: Plan
) -> tuple[State, StepTrace]:
    """Take one step of training, on the batch that is given.

    Returns:
        The next state, and the trace of the step; the compiler drops what nobody looks at.
    """
    network, settings, layout = state.network, config.settings, config.layout
    before = network.parameters
    key = jax.random.fold_in(state.key, state.step)
    told = batch.rows if batch.target_rows is None else batch.target_rows
    x, y, share = dataset.x[batch.rows], dataset.y[told], jnp.asarray(batch.share)
    if layout is not None:
        x, y = layout.cut(x), layout.cut(y)
    anatomy = anatomy_of(network, settings, x, y, share, key)
    gradients = anatomy.gradients()
    stages = build_stages(settings, state.learning_rate, config.total_steps)
    outputs, optimizer = run_stages(stages, state.optimizer, gradients, before)
    after = apply_update(before, outputs[stages[-1].name])
    step_trace = StepTrace(anatomy, gradients, outputs, before, after)
    network = network.with_parameters(after)
    state = replace(state, network=network, optimizer=optimizer, step=state.step + 1)
    return state if layout is None else layout.kept(state), step_trace


def run_segment(
    config: StaticConfig,
    state: State,
    dataset: DeviceDataset,
    plan: Plan,
    begin: Int[Array, ""],
    count: Int[Array, ""],
) -> tuple[State, SegmentRecord]:
    """Take ``count`` steps of ``plan`` in one compiled loop.

    Args:
        begin: number of the first step; the same as ``state.step``, but known to be one number
            where many networks train side by side.

    Steps whose number is a multiple of ``record_every`` are recorded. The loop goes over groups of
    plain steps, which are a loop of their own, and the recording step after them: a conditional
    inside a single loop would copy all parameters at every turn. For the same reason recording
    looks at the parameters after the step: those before are overwritten in place.
    """
    steps = plan.rows.shape[0]
    every = config.settings.record_every

    def step(position: Array, carry: tuple) -> tuple[tuple, StepTrace]:
        state, losses, kept = carry
        state, seen = take_step(config, state, dataset, plan[position])
        return (state, losses.at[position].set(seen.anatomy.loss), kept), seen

    def plain(position: Array, carry: tuple) -> tuple:
        return step(position, carry)[0]

    def group(number: Array, carry: tuple) -> tuple:
        position = first_recorded + number * every
        after_last = jnp.where(number == 0, 0, position - every + 1)
        carry = jax.lax.fori_loop(after_last, position, plain, carry)
        (state, losses, kept), seen = step(position, carry)
        input_norm = dataset.input_norm[plan.rows[position]]
        new = sizes(state.network, seen.anatomy.layers, seen.gradients, input_norm)
        return state, losses, kept.at[number].set(new)

    def whole(values: Array) -> Array:
        return values if config.layout is None else config.layout.whole(values)

    losses = jnp.zeros(steps, state.learning_rate.dtype)
    if not every:
        state, losses, _ = jax.lax.fori_loop(0, count, plain, (state, losses, {}))
        return state, SegmentRecord(whole(losses), None)
    first_recorded = -begin % every
    groups = jnp.maximum(count - first_recorded + every - 1, 0) // every
    kept = jnp.zeros((steps // every + 1, width(state.network)), losses.dtype)
    carry = jax.lax.fori_loop(0, groups, group, (state, losses, kept))
    after_last = jnp.where(groups == 0, 0, first_recorded + (groups - 1) * every + 1)
    state, losses, kept = jax.lax.fori_loop(after_last, count, plain, carry)
    return state, SegmentRecord(whole(losses), whole(as_rows(state.network, kept)))


def fold_state(state: State, axis: int = 0) -> State:
    """Return a state whose network is folded; see :mod:`whygrad.core.nn.folding`."""
    optimizer = fold_tree(state.network, state.optimizer, axis)
    return replace(state, network=fold(state.network, axis), optimizer=optimizer)


def unfold_state(state: State, like: Network, axis: int = 0) -> State:
    """Return a state as it was before it was folded."""
    optimizer = unfold_tree(like, state.optimizer, axis)
    return replace(state, network=unfold(state.network, like, axis), optimizer=optimizer)


def compiled(**options: Any) -> Callable[..., tuple[State, SegmentRecord]]:
    """Return :func:`run_segment` as a compiled function that folds what it is given.

    Args:
        options: of ``jax.jit``.
    """
    run = jax.jit(run_segment, static_argnums=0, **options)

    def go(config: StaticConfig, state: State, *rest: Any) -> tuple[State, SegmentRecord]:
        after, segment = run(config, fold_state(state), *rest)
        return unfold_state(after, state.network), segment

    return go


advance = compiled(donate_argnums=1)
advance_from = compiled()  # leaves the state that it is given


def record_of(network: Network, batch: int) -> None:
    """Return None: the compiled loop itself keeps what is recorded."""
    return None


def advance_batched(
    config: StaticConfig,
    states: State,
    dataset: DeviceDataset,
    plans: Plan,
    begin: int,
    count: int,
    share_plan: bool,
) -> tuple[State, SegmentRecord]:
    """Take ``count`` steps of many networks side by side: :func:`advance` under vmap.

    Args:
        states: stacked along a first axis, one entry a network.
        plans: stacked likewise, or one for all if ``share_plan``.
    """
    folded = fold_state(states, axis=1)
    after, segment = _advance_batched(config, folded, dataset, plans, begin, count, share_plan)
    return unfold_state(after, states.network, axis=1), segment


@partial(jax.jit, static_argnums=(0, 6))
def _advance_batched(
    config: StaticConfig,
    states: State,
    dataset: DeviceDataset,
    plans: Plan,
    begin: Int[Array, ""],
    count: Int[Array, ""],
    share_plan: bool,
) -> tuple[State, SegmentRecord]:
    plan_axis = None if share_plan else 0
    run = jax.vmap(partial(run_segment, config), in_axes=(0, None, plan_axis, None, None))
    return run(states, dataset, plans, begin, count)


def plain(state: State) -> State:
    """Return a state in arrays alone, as a checkpoint keeps it."""
    return replace(state, key=jax.random.key_data(state.key))


def from_plain(state: State) -> State:
    """Return a state as it was before :func:`plain`, on the device."""
    put = jax.tree.map(jnp.asarray, state)
    return replace(put, key=jax.random.wrap_key_data(put.key))


def shapes_of(network: Network, config: StaticConfig) -> State:
    """Return the shapes of the plain states of a run."""
    backend.start()
    return jax.eval_shape(lambda n: plain(first_state(n, config, 0.0, 0)), network)


def trace_step(
    config: StaticConfig, state: State, dataset: DeviceDataset, batch: Plan
) -> tuple[StepTrace, dict[str, np.ndarray]]:
    """Return the trace of the next step, and the rows that recording it would keep."""
    network = state.network
    folded, recorded = _trace_step(config, fold_state(state), dataset, batch)
    seen = unfold_tree(network, folded)
    # a compiled call sorts names by letter: ``hidden10`` before ``hidden2``
    layers = {name: seen.anatomy.layers[name] for name in network.layers}
    stages = build_stages(config.settings, 1.0, config.total_steps)
    ordered = replace(
        seen,
        anatomy=replace(seen.anatomy, layers=layers),
        stages={stage.name: seen.stages[stage.name] for stage in stages},
    )
    return ordered, by_layer(network, np.asarray(recorded))


@partial(jax.jit, static_argnums=0)
def _trace_step(
    config: StaticConfig, state: State, dataset: DeviceDataset, batch: Plan
) -> tuple[StepTrace, Array]:
    after, seen = take_step(config, state, dataset, batch)
    input_norm = dataset.input_norm[batch.rows]
    kept = sizes(after.network, seen.anatomy.layers, seen.gradients, input_norm)
    return seen, as_rows(state.network, kept[None])[0]
