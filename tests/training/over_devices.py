"""Drawn jobs on one device and on many, in a process that has four; prints how far they differ.

A program of its own, because the number of devices is set before JAX starts. In float64, where
rounding is so small that even Adam, which divides by it, cannot make it large. Each line that it
prints is one job as JSON.
"""

import json
import sys
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

import whygrad as wg
from whygrad.core import backend
from whygrad.settings import Settings
from whygrad.training import devices
from whygrad.training.loop import Task, prepare, train_steps
from whygrad.training.state import State
from whygrad.training.step import first_state, fold_state, run_segment

RATE = 1e-2


@dataclass(frozen=True)
class Left:
    """What a training left behind, on the host."""

    losses: np.ndarray
    rows: dict[str, np.ndarray]
    measured: list[float]
    state: list[np.ndarray]


def trained(task: Task, network: wg.Network) -> Left:
    losses, rows, measured, state = [], [], [], []
    for segment in train_steps(task, start(task, network)):
        losses.append(segment.losses)
        rows.append(segment.rows)
        if segment.epoch_end is not None:
            measured += [segment.epoch_end.train_loss, *segment.epoch_end.validation.values()]
        state = [np.asarray(leaf) for leaf in jax.tree.leaves(replace(segment.state, key=0))]
    joined = {name: np.concatenate([one[name] for one in rows]) for name in rows[0]}
    return Left(np.concatenate(losses), joined, measured, state)


def start(task: Task, network: wg.Network) -> State:
    alone = replace(task.config, layout=None)
    return first_state(network, alone, task.settings.learning_rate, task.settings.seed)


def furthest(one: Any, other: Any) -> float:
    """Return the largest difference, relative to the largest number or, if that is small, 1."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    assert one.shape == other.shape
    return float(np.abs(one - other).max(initial=0) / max(np.abs(one).max(initial=0), 1))


def program(task: Task, network: wg.Network) -> str:
    """Return what the compiler makes of a segment."""
    layout = task.config.layout
    pool = next(task.feed.pools(0))
    run = jax.jit(run_segment, static_argnums=0)
    state = fold_state(layout.put_state(start(task, network)))
    given = (task.config, state, pool.dataset, layout.put_plan(pool.plan), 0, 1)
    return run.lower(*given).compile().as_text()


def job(seed: int) -> dict[str, Any]:
    """Return what differs in a job that a seed draws."""
    draw = np.random.default_rng(seed)
    depth, count = int(draw.integers(0, 3)), int(draw.integers(2, 5))
    hidden = [int(size) for size in draw.choice([8, 12, 16], depth)]
    if seed == 0:
        hidden = [8] * 17  # enough of a kind to be folded into a stack
    samples, batch = int(draw.integers(60, 90)), int(draw.integers(9, 40))
    is_regression = bool(draw.integers(0, 2))
    x = draw.standard_normal((samples, 5)).astype(np.float32)
    y = x @ draw.standard_normal((5, 4)).astype(np.float32)
    y = y[:, :2] if is_regression else y.argmax(axis=1)
    data = wg.from_arrays(x, y, validation=0.2, test=0)
    network = wg.Network.create(
        [5, *hidden, 2 if is_regression else 4],
        activation=str(draw.choice(["tanh", "relu"])),
        dropout=float(draw.choice([0.0, 0.3])),
        seed=seed,
        dtype="float64",
    )
    settings = Settings(
        optimizer=str(draw.choice(["sgd", "momentum", "adam"])),
        reduction=str(draw.choice(["mean", "sum"])),
        shuffle=str(draw.choice(["together", "apart"])),
        learning_rate=RATE,
        batch_size=batch,
        epochs=2,
        record_every=int(draw.integers(1, 4)),
        seed=seed,
    )
    task = prepare(network, data, settings, "jax")
    alone = trained(task, network)
    is_split, count = (True, 4) if seed == 1 else (bool(draw.integers(0, 2)), count)
    devices.memory_of = lambda device: 1.0 if is_split else float("inf")
    layout = devices.layout_for(task, network.sizes, count)
    assert layout is not None and layout.is_split is is_split
    shared = devices.spread(task, layout)
    together = trained(shared, network)
    weight = layout.put_state(start(task, network)).network.dense[0].weight
    return {
        "seed": seed,
        "devices": count,
        "is_split": is_split,
        "sums_over_devices": seed > 1 or "all-reduce" in program(shared, network),
        "rows_of_a_weight": weight.addressable_shards[0].data.shape,
        "weight": weight.shape,
        "losses": furthest(alone.losses, together.losses),
        "rows": max(furthest(alone.rows[name], together.rows[name]) for name in alone.rows),
        "measured": furthest(alone.measured, together.measured),
        "state": max(map(furthest, alone.state, together.state)),
    }


if __name__ == "__main__":
    backend.start()
    for seed in range(int(sys.argv[1])):
        print(json.dumps(job(seed)), flush=True)
