"""What whygrad itself computes of a scene, for the page to compute again and compare.

The lab has an engine in JavaScript, the only second one that whygrad has. A page carries the
numbers of a :class:`Scene` as Python found them; ``static/check.js`` walks the same scene and says
how far apart the two are. The tests do the same with drawn scenes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from whygrad.core.backprop import Anatomy, Trace, propagate, propagate_back
from whygrad.core.factors import LayerFactors, factors
from whygrad.core.nn import Network
from whygrad.core.nn.boundary import as_input, as_shares, as_targets
from whygrad.core.nn.network import Parameters
from whygrad.errors import unknown_name
from whygrad.lab.draws import in_float64
from whygrad.record.fields import FACTORS
from whygrad.settings import Settings
from whygrad.training.step import Plan, StaticConfig, advance, device_dataset, first_state

# what the engine of the page knows; tests hold it to ``static/engine.js``
KNOWN: dict[str, tuple[str, ...]] = {
    "activation": (
        *("identity", "sigmoid", "tanh", "relu", "leaky_relu"),
        *("elu", "selu", "gelu", "silu", "softplus"),
    ),
    "loss": ("squared", "mean_squared", "softmax_cross_entropy", "binary_cross_entropy"),
    "optimizer": ("sgd", "momentum", "adam"),
}
SETTINGS = ("loss", "optimizer", "learning_rate", "momentum", "beta1", "beta2", "epsilon")
STEPS = 50

Lists = Any  # of numbers, or of lists


@dataclass(frozen=True)
class Scene:
    """A network, the samples that it learns from, all of them at each step, and how it learns.

    Attributes:
        network: as it starts; :func:`whygrad.lab.draws.in_float64` makes one to the last digit.
        x: inputs, (m, n_in).
        y: class indices (m,), or one column an output, (m, n_out).
        settings: of which :data:`SETTINGS` count; ``loss`` is named.
        sample_weight: weight of each sample in the mean, (m,); None: all equal.

    Raises:
        OptionError: an activation, loss or optimizer that the page has not.
    """

    network: Network
    x: ArrayLike
    y: ArrayLike
    settings: Settings = field(default_factory=partial(Settings, loss="squared"))
    sample_weight: ArrayLike | None = None

    def __post_init__(self) -> None:
        named = [("activation", dense.activation) for dense in self.network.dense]
        named += [(what, getattr(self.settings, what)) for what in ("loss", "optimizer")]
        for what, name in named:
            if name not in KNOWN[what]:
                raise unknown_name(what, name, KNOWN[what])


def reference(scene: Scene, *, steps: int = STEPS, rows: int | None = None) -> dict[str, Any]:
    """Return what whygrad computes of a scene in float64, as lists that JSON can hold.

    Args:
        steps: how many steps of training are taken.
        rows: of how many samples, the first ones, the numbers before the mean are told; a page
            needs few. None for all.

    Returns:
        The scene itself (``network``, ``batch``, ``settings``, ``steps``, ``rows``) and what was
        found: ``layers``, each with its trace, anatomy, gradient and factors; ``loss``; the
        ``losses`` before each step; and the ``parameters`` after the last.
    """
    with jax.enable_x64(True):
        weights, biases, names = zip(
            *((dense.weight, dense.bias, dense.activation) for dense in scene.network.dense),
            strict=True,
        )
        network = in_float64(weights, biases, names)
        x = as_input(network, np.asarray(scene.x, np.float64))
        y = as_targets(network, scene.y, scene.settings.loss, len(x))
        share = as_shares(scene.sample_weight, len(x), x)
        trace, anatomy, gradients, split = _walk(scene.settings.loss, network, x, y, share)
        trained, losses = _train(scene.settings, network, x, y, share, steps)
        given = {
            "network": {
                "weights": [dense.weight for dense in network.dense],
                "biases": [dense.bias for dense in network.dense],
                "activations": [*names],
            },
            "batch": {"input": x, "target": y, "sampleWeight": scene.sample_weight},
            "settings": {name: getattr(scene.settings, name) for name in SETTINGS},
            "steps": steps,
            "rows": len(x) if rows is None else min(rows, len(x)),
        }
        found = _found(trace, anatomy, gradients, split, given["rows"])
        return _listed(given | found | {"losses": losses, "parameters": [*trained.values()]})


@partial(jax.jit, static_argnums=0)
def _walk(
    loss: str, network: Network, x: Array, y: Array, share: Array
) -> tuple[Trace, Anatomy, Parameters, dict[str, LayerFactors]]:
    trace = propagate(network, x, None)
    anatomy = propagate_back(network, trace, y, loss, share)
    split = {name: factors(layer) for name, layer in anatomy.layers.items()}
    return trace, anatomy, anatomy.gradients(), split


def _train(
    settings: Settings, network: Network, x: Array, y: Array, share: Array, steps: int
) -> tuple[Parameters, Array]:
    """Return the parameters after all steps, and the loss before each."""
    rate = settings.learning_rate
    # the rate is part of the state: runs that differ in it alone are one program
    plain = replace(settings, learning_rate=1.0, record_every=0)
    config = StaticConfig(plain, steps)
    state = first_state(network, config, rate, 0)
    order = jnp.broadcast_to(jnp.arange(len(x)), (steps, len(x)))
    plan = Plan(order, jnp.broadcast_to(share, (steps, len(x))))
    begin, count = jnp.zeros((), jnp.int32), jnp.asarray(steps, jnp.int32)
    after, segment = advance(config, state, device_dataset(x, y), plan, begin, count)
    return after.network.parameters, segment.losses


def _found(
    trace: Trace,
    anatomy: Anatomy,
    gradients: Parameters,
    split: Mapping[str, LayerFactors],
    rows: int,
) -> dict[str, Any]:
    layers = []
    for name, layer in anatomy.layers.items():
        told = {part: getattr(trace[name], part)[:rows] for part in ("preactivation", "output")}
        told |= {part: getattr(layer, part)[:rows] for part in ("upstream", "slope", "delta")}
        sets = {one: getattr(split[name], one) for one in ("weight", "bias", "neuron")}
        ratios = {
            one: {factor: getattr(of, factor) for factor in FACTORS} for one, of in sets.items()
        }
        layers.append({"name": name, **told, "gradient": gradients[name], "factors": ratios})
    return {"layers": layers, "loss": anatomy.loss}


def _listed(found: Any) -> Lists:
    """Return the same with plain lists in place of arrays."""
    if isinstance(found, Mapping):
        return {name: _listed(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_listed(value) for value in found]
    return found if found is None or isinstance(found, str) else np.asarray(found).tolist()
