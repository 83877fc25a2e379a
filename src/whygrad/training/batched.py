"""Many networks of one shape, trained side by side in one compiled call for many epochs.

Starts, learning rates and seeds may differ; data and settings are shared. A comparison over many
seeds costs little more than one run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import jax
import jax.numpy as jnp
import numpy as np

from whygrad.core import backend
from whygrad.core.nn.network import Network
from whygrad.data.table import Data
from whygrad.errors import OptionError, ShapeError
from whygrad.settings import Settings, SettingsGiven, shows_settings
from whygrad.training.feeding import Held, plan_of_epoch, plan_window
from whygrad.training.loop import check_size, prepare, recorded_steps
from whygrad.training.recording import by_layer
from whygrad.training.state import DeviceDataset, Plan, StaticConfig
from whygrad.training.step import advance_batched, first_state

SEGMENT_STEPS = 2048  # in one compiled call, if an epoch has not more

Tick = Callable[[float], None]


@dataclass(frozen=True)
class Batched:
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


@shows_settings
def train_together(
    networks: Sequence[Network],
    data: Data,
    settings: Settings | None = None,
    *,
    learning_rates: Sequence[float] | np.ndarray | None = None,
    seeds: Sequence[int] | np.ndarray | None = None,
    watch: Tick = lambda share: None,
    **given: Unpack[SettingsGiven],
) -> Batched:
    """Train many networks of one shape side by side.

    Args:
        networks: same sizes and activations; different starts.
        settings: of all of them; default: those of :class:`whygrad.Settings`.
        given: single settings, by name, in place of those of ``settings``.
        learning_rates: one a network; default: that of ``settings``.
        seeds: of each network's order of samples and dropout; default: that of ``settings``.
        watch: called now and then with the share of the epochs that are done.

    Raises:
        ShapeError: the networks differ in shape.
        OptionError: not one rate and seed a network, or one out of its range; or data that is
            not in memory.
    """
    shapes = {str(jax.tree.structure(network)) + str(network.sizes) for network in networks}
    if len(shapes) != 1:
        raise ShapeError("error.networks_differ", actual=len(shapes))
    settings = Settings.from_dict((settings or Settings()).to_dict() | given)
    check_size(networks[0], data, settings)
    task = prepare(networks[0], data, settings, "jax")
    if not isinstance(task.feed, Held):
        raise OptionError("error.stream_together", source=data.name)
    rates = _one_each("learning_rate", learning_rates, networks, settings)
    own_seeds = _one_each("seed", seeds, networks, settings)
    return train_on_device(
        networks, task.feed.dataset, task.settings, rates, own_seeds, task.feed.weights, watch
    )


def train_on_device(
    networks: Sequence[Network],
    dataset: DeviceDataset,
    settings: Settings,
    rates: Sequence[float],
    seeds: Sequence[int],
    weights: np.ndarray | None = None,
    watch: Tick = lambda share: None,
) -> Batched:
    """Train on samples that lie on the device; :func:`train_together` without its checks.

    Numbers that are not finite stop nothing here: what becomes of a network is the question.

    Args:
        settings: with ``loss`` resolved.
        rates, seeds: one a network.
        weights: of the samples, (samples,); None for all alike.
    """
    backend.start()
    samples = len(dataset.x)
    epoch_steps = -(-samples // settings.batch_size)
    config = _config(settings, epoch_steps * settings.epochs)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks)
    states = jax.vmap(lambda network, rate, seed: first_state(network, config, rate, seed))(
        stacked, jnp.asarray(rates), jnp.asarray(seeds)
    )
    at_once = max(SEGMENT_STEPS // epoch_steps, 1)
    shared = len(set(seeds)) == 1
    losses, rows = [], []
    for first in range(0, settings.epochs, at_once):
        epochs = range(first, min(first + at_once, settings.epochs))
        plan = _plans(settings, samples, seeds[:1] if shared else seeds, epochs, weights, at_once)
        begin, count = first * epoch_steps, len(epochs) * epoch_steps
        states, segment = advance_batched(config, states, dataset, plan, begin, count, shared)
        losses.append(np.asarray(segment.losses)[:, :count])
        used = len(recorded_steps(begin, begin + count, settings.record_every))
        if segment.rows is not None:
            rows.append(np.asarray(segment.rows)[:, :used])
        watch(epochs.stop / settings.epochs)
    steps = recorded_steps(0, epoch_steps * settings.epochs, settings.record_every)
    trained = tuple(
        jax.tree.map(lambda leaf, i=i: leaf[i], states.network) for i in range(len(networks))
    )
    recorded = by_layer(trained[0], np.concatenate(rows, axis=1)) if rows else {}
    return Batched(trained, np.concatenate(losses, 1), steps, recorded)


def _config(settings: Settings, total_steps: int) -> StaticConfig:
    """Return a static config that is the same for all that compiles to the same program."""
    is_constant = settings.schedule == "constant" and not settings.warmup
    blank = replace(
        settings,
        learning_rate=1.0,
        seed=0,
        epochs=1,
        batch_size=1,
        patience=None,
        class_weight=None,
    )
    return StaticConfig(blank, 0 if is_constant else total_steps)


def _plans(
    settings: Settings,
    samples: int,
    seeds: Sequence[int],
    epochs: range,
    weights: np.ndarray | None,
    at_once: int,
) -> Plan:
    """Return the steps of some epochs, filled up to ``at_once`` epochs, a plan a seed."""
    plans = []
    for seed in seeds:
        parts = [
            plan_of_epoch(replace(settings, seed=seed), samples, epoch, weights) for epoch in epochs
        ]
        plan = jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)
        plans.append(plan_window(plan, 0, len(plan.rows) // len(epochs) * at_once))
    return plans[0] if len(plans) == 1 else jax.tree.map(lambda *a: np.stack(a), *plans)


def _one_each(
    name: str, given: Sequence | np.ndarray | None, networks: Sequence[Network], settings: Settings
) -> list:
    """Return one value a network: those given, each in its range, or that of the settings."""
    if given is None:
        return [getattr(settings, name)] * len(networks)
    values = np.asarray(given).tolist()
    if len(values) != len(networks):
        raise OptionError(
            "error.batched_count", option=name, expected=len(networks), actual=len(values)
        )
    return [getattr(replace(settings, **{name: value}), name) for value in values]
