"""Measuring the layers of own networks on a reference set."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from whygrad.core.arrays import Array, leaves, tree_map
from whygrad.core.backprop import LayerAnatomy, propagate, propagate_back
from whygrad.core.factors import layer_factors, open_share
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.nn.folding import each, fold, unfold_tree
from whygrad.core.nn.network import Network
from whygrad.core.symmetry import effective_width
from whygrad.doctor.own_evidence import LayerState, State
from whygrad.doctor.setup import Setup
from whygrad.doctor.thresholds import CLOSED
from whygrad.record.arrays import library_of, xp
from whygrad.record.fields import FACTORS
from whygrad.training.engine import for_one_look

REFERENCE_SAMPLES = 512

Measured = dict[str, dict[str, Any]]  # by layer and name


def states_of(setup: Setup, networks: Sequence[Network]) -> tuple[State, ...]:
    """Return how the layers of some networks of one shape are."""
    chosen, loss = spread_out(len(setup.x), REFERENCE_SAMPLES), setup.settings.loss
    x, y = setup.inputs[chosen], setup.targets[chosen]
    networks = [for_one_look(network, len(x)) for network in networks]
    if all(network.engine == "numpy" for network in networks):
        return tuple(state_of(network, x, y, loss) for network in networks)
    on_device = [network.on("jax") for network in networks]
    stacked = tree_map(lambda *arrays: xp.stack(arrays), *on_device)
    measured = _compiled()[1](fold(stacked, axis=1), x, y, loss)
    measured = tree_map(np.asarray, unfold_tree(stacked, measured, axis=1))
    return tuple(
        _state(network, {name: {k: v[i] for k, v in of.items()} for name, of in measured.items()})
        for i, network in enumerate(networks)
    )


def state_of(network: Network, x: ArrayLike, y: ArrayLike, loss: str) -> State:
    """Return how the layers of one network are.

    Args:
        x: inputs, (m, n_in).
        y: targets as the loss sees them, (m, n_out).
    """
    network = for_one_look(network, len(np.asarray(x)))
    if network.engine == "numpy":
        with np.errstate(all="ignore"):
            return _state(network, _measure(network, np.asarray(x), np.asarray(y), loss))
    measured = _compiled()[0](fold(network), np.asarray(x), np.asarray(y), loss)
    return _state(network, tree_map(np.asarray, unfold_tree(network, measured)))


def spread_out(length: int, most: int) -> np.ndarray:
    """Return which samples are a reference set: at most so many, evenly over all of them."""
    return np.linspace(0, length - 1, min(most, length), dtype=int)


def is_finite(network: Network) -> bool:
    return all(np.isfinite(leaf).all() for leaf in leaves(network))


def norm(values: ArrayLike) -> float:
    """Return the Frobenius norm, in float64: the square of an exploded weight is beyond float32."""
    return float(np.linalg.norm(np.asarray(values, np.float64)))


@cache
def _compiled() -> tuple[Callable[..., Measured], Callable[..., Measured]]:
    """Return what measures one network, and what measures many of them, stacked."""
    import jax

    def measure_all(stacked: Network, x: Array, y: Array, loss: str) -> Measured:
        return jax.vmap(lambda network: _measure(network, x, y, loss))(stacked)

    return jax.jit(_measure, static_argnums=3), jax.jit(measure_all, static_argnums=3)


def _measure(network: Network, x: Array, y: Array, loss: str) -> Measured:
    def measure(layer: LayerAnatomy) -> dict[str, Array]:
        gradient = layer.mean_with_delta(layer.input)
        steepest = ACTIVATIONS[layer.activation].steepest
        return {
            **vars(layer_factors(layer, gradient)),
            "gradient": xp.linalg.norm(gradient),
            "preactivation": xp.sqrt(xp.mean(layer.preactivation**2)),
            "output": xp.sqrt(xp.mean(layer.output**2)),
            "slope_share": xp.mean(xp.abs(layer.slope)) / steepest,
            "open": open_share(layer),
            "is_dead": ~(xp.abs(layer.slope) > 0).any(axis=0),  # nor does NaN let anything through
        }

    share = library_of(x).full(len(x), 1 / len(x), x.dtype)
    anatomy = propagate_back(network, propagate(network, x, None), y, loss, share)
    return {name: each(measure, layer)(layer) for name, layer in anatomy.layers.items()}


def _state(network: Network, measured: Measured) -> State:
    widths = effective_width(network) if is_finite(network) else {}
    layers = {}
    for name, dense in network.items():
        of, is_hidden = measured[name], name != "output"
        numbers = ("gradient", "preactivation", "output", "slope_share")
        layers[name] = LayerState(
            factors={factor: float(of[factor]) for factor in FACTORS},
            weight=norm(dense.weight),
            bias=0.0 if dense.bias is None else float(np.max(np.abs(dense.bias))),
            dead=_numbers(of["is_dead"]) if is_hidden else (),
            closed=_numbers(of["open"] < CLOSED) if is_hidden else (),
            width=widths.get(name, dense.n_out),
            neurons=dense.n_out,
            **{number: float(of[number]) for number in numbers},
        )
    return layers


def _numbers(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(k) for k in np.flatnonzero(mask))
