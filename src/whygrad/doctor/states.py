"""Measuring the layers of an own network on a reference set, and what a trial of it shows."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from whygrad.core.backprop import LayerAnatomy, propagate, propagate_back
from whygrad.core.factors import is_open, layer_factors
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.nn.folding import each, fold, unfold_tree
from whygrad.core.nn.network import Network
from whygrad.core.symmetry import effective_width
from whygrad.doctor.baseline import Baseline
from whygrad.doctor.evidence import LayerRows
from whygrad.doctor.own_evidence import LayerState, OwnEvidence, State
from whygrad.doctor.setup import Setup
from whygrad.doctor.thresholds import CLOSED
from whygrad.doctor.trials import Outcome
from whygrad.record.fields import FACTORS

REFERENCE_SAMPLES = 512


def gather(
    setup: Setup,
    baseline: Baseline,
    outcome: Outcome,
    rows: Mapping[str, LayerRows] | None = None,
) -> OwnEvidence:
    """Return what a trial shows, and what a run recorded."""
    losses = outcome.trained.losses
    starts = states_of(setup, outcome.starts)
    ends = states_of(setup, outcome.trained.networks)
    return OwnEvidence(
        setup=setup,
        baseline=baseline,
        measures=outcome.measures,
        starts=starts,
        ends=tuple(
            end if _is_finite(network) else None
            for end, network in zip(ends, outcome.trained.networks, strict=True)
        ),
        losses=losses.reshape(len(losses), setup.settings.epochs, -1).mean(axis=2),
        rows=rows or {},
        moved=tuple(map(moved_by, outcome.starts, outcome.trained.networks)),
        first_bad_step=tuple(_first_bad(row) for row in losses),
    )


def _is_finite(network: Network) -> bool:
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(network))


def moved_by(before: Network, after: Network) -> float:
    """Return how far weights went, as a share of their size: the furthest layer."""
    return max(
        _norm(b.weight - a.weight) / (_norm(a.weight) or 1.0)
        for a, b in zip(before.dense, after.dense, strict=True)
    )


def _norm(values: Array) -> float:
    # in float64: the square of a weight that exploded is beyond float32
    return float(np.linalg.norm(np.asarray(values, np.float64)))


def _first_bad(losses: np.ndarray) -> int | None:
    bad = np.flatnonzero(~np.isfinite(losses))
    return int(bad[0]) if len(bad) else None


def states_of(setup: Setup, networks: Sequence[Network]) -> tuple[State, ...]:
    """Return how the layers of some networks of one shape are."""
    chosen = np.linspace(0, len(setup.x) - 1, min(REFERENCE_SAMPLES, len(setup.x)), dtype=int)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks)
    x, y = jnp.asarray(setup.inputs[chosen]), jnp.asarray(setup.targets[chosen])
    measured = _measure(fold(stacked, axis=1), x, y, setup.settings.loss)
    measured = jax.tree.map(np.asarray, unfold_tree(stacked, measured, axis=1))
    return tuple(
        _state(network, {name: {k: v[i] for k, v in of.items()} for name, of in measured.items()})
        for i, network in enumerate(networks)
    )


@partial(jax.jit, static_argnums=3)
def _measure(stacked: Network, x: Array, y: Array, loss: str) -> dict[str, dict[str, Array]]:
    return jax.vmap(lambda network: _measure_one(network, x, y, loss))(stacked)


def _measure_one(network: Network, x: Array, y: Array, loss: str) -> dict[str, dict[str, Array]]:
    share = jnp.full(len(x), 1 / len(x), x.dtype)
    anatomy = propagate_back(network, propagate(network, x, None), y, loss, share)
    layers = anatomy.layers.items()
    return {name: each(_measure_layer, layer)(layer) for name, layer in layers}


def _measure_layer(layer: LayerAnatomy) -> dict[str, Array]:
    gradient = layer.mean_with_delta(layer.input)
    steepest = ACTIVATIONS[layer.activation].steepest
    return {
        **vars(layer_factors(layer, gradient)),
        "gradient": jnp.linalg.norm(gradient),
        "preactivation": jnp.sqrt(jnp.mean(layer.preactivation**2)),
        "output": jnp.sqrt(jnp.mean(layer.output**2)),
        "slope_share": jnp.mean(jnp.abs(layer.slope)) / steepest,
        "open": layer.share @ is_open(layer),
        "passing": layer.share @ (layer.slope != 0).astype(layer.share.dtype),
    }


def _state(network: Network, measured: dict[str, dict[str, Any]]) -> State:
    widths = effective_width(network) if _is_finite(network) else {}
    layers = {}
    for name, dense in network.items():
        of, is_hidden = measured[name], name != "output"
        numbers = ("gradient", "preactivation", "output", "slope_share")
        layers[name] = LayerState(
            factors={factor: float(of[factor]) for factor in FACTORS},
            weight=_norm(dense.weight),
            bias=0.0 if dense.bias is None else float(np.max(np.abs(dense.bias))),
            dead=_numbers(of["passing"] == 0) if is_hidden else (),
            closed=_numbers(of["open"] < CLOSED) if is_hidden else (),
            width=widths.get(name, dense.n_out),
            neurons=dense.n_out,
            **{number: float(of[number]) for number in numbers},
        )
    return layers


def _numbers(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(k) for k in np.flatnonzero(mask))
