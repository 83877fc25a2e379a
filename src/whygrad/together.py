"""Many networks of one shape, trained side by side in one compiled call an epoch.

Starts, learning rates and seeds may differ; data and settings are shared. A comparison over many
seeds costs little more than one run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from whygrad.data.table import Data
from whygrad.errors import OptionError, ShapeError
from whygrad.network.model import Network
from whygrad.settings import Settings
from whygrad.stepping import Plan, State, advance_together, first_state
from whygrad.training import Task, prepare, recorded_steps, shuffled_plan


@dataclass(frozen=True)
class Together:
    """Many networks, trained side by side.

    Attributes:
        networks: as trained.
        losses: loss of every step, (networks, steps).
        recorded_steps: numbers of the recorded steps, (recorded,).
        rows: by layer, (networks, recorded, len(ROW_FIELDS), n_out).
    """

    networks: tuple[Network, ...]
    losses: np.ndarray
    recorded_steps: np.ndarray
    rows: dict[str, np.ndarray]


def train_together(
    networks: Sequence[Network],
    data: Data,
    settings: Settings,
    *,
    learning_rates: Sequence[float] | np.ndarray | None = None,
    seeds: Sequence[int] | np.ndarray | None = None,
    watch: Callable[[float], None] = lambda share: None,
) -> Together:
    """Train many networks of one shape side by side, in one compiled call an epoch.

    Args:
        networks: same sizes and activations; different starts.
        learning_rates: one a network; default: that of ``settings``.
        seeds: of each network's order of samples and dropout; default: that of ``settings``.
        watch: called after every epoch with the share of the epochs that are done.

    Raises:
        ShapeError: the networks differ in shape.
        OptionError: not one rate and seed a network, or one out of its range.
    """
    _check_alike(networks)
    task = prepare(networks[0], data, settings)
    rates = _one_each("learning_rate", learning_rates, networks, settings)
    own_seeds = _one_each("seed", seeds, networks, settings)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks)
    states = jax.vmap(lambda n, r, s: first_state(n, task.recipe, r, s))(
        stacked, jnp.asarray(rates), jnp.asarray(own_seeds)
    )
    shared = len(set(own_seeds)) == 1
    losses, rows, begin = [], [], 0
    for epoch in range(task.settings.epochs):
        plan = _plans(task, own_seeds, epoch, shared)
        count = task.steps_per_epoch
        states, stretch = advance_together(
            task.recipe, states, task.resident, plan, begin, count, shared
        )
        losses.append(np.asarray(stretch.losses))
        rows.append({name: np.asarray(values) for name, values in stretch.rows.items()})
        begin += count
        watch((epoch + 1) / task.settings.epochs)
    return _gather(task, states, losses, rows)


def _plans(task: Task, seeds: list[int], epoch: int, shared: bool) -> Plan:
    samples, size = len(task.data.train.x), task.settings.batch_size
    wanted = seeds[:1] if shared else seeds
    plans = [shuffled_plan(samples, size, seed, epoch, task.weights) for seed in wanted]
    return plans[0] if shared else jax.tree.map(lambda *arrays: np.stack(arrays), *plans)


def _gather(task: Task, states: State, losses: list, rows: list[dict]) -> Together:
    every, count = task.settings.record_every, task.steps_per_epoch
    kept = [len(recorded_steps(i * count, (i + 1) * count, every)) for i in range(len(rows))]
    joined = {
        name: np.concatenate(
            [piece[name][:, :used] for piece, used in zip(rows, kept, strict=True)], axis=1
        )
        for name in rows[0]
    }
    many = len(losses[0])
    networks = tuple(jax.tree.map(lambda a, i=i: a[i], states.network) for i in range(many))
    steps = recorded_steps(0, task.total_steps, every)
    return Together(networks, np.concatenate(losses, axis=1), steps, joined)


def _one_each(
    name: str, given: Sequence | np.ndarray | None, networks: Sequence[Network], settings: Settings
) -> list:
    """Return one value a network: those given, each in its range, or that of the settings."""
    if given is None:
        return [getattr(settings, name)] * len(networks)
    values = np.asarray(given).tolist()
    if len(values) != len(networks):
        raise OptionError(
            "error.together_count", option=name, expected=len(networks), came=len(values)
        )
    return [getattr(replace(settings, **{name: value}), name) for value in values]


def _check_alike(networks: Sequence[Network]) -> None:
    shapes = {str(jax.tree.structure(n)) + str(n.sizes) for n in networks}
    if len(shapes) != 1:
        raise ShapeError("error.networks_differ", came=len(shapes))
