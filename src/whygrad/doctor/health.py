"""The health of the layers: how many neurons are dead, saturated or clones, and a verdict.

Measured on a reference set, not on one batch: a neuron is dead only if it is closed for every
sample (a criterion for all rows, not for some). The output layer is never called dead or
saturated: an output that is sure of itself is flat and well.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from whygrad.core.backprop import LayerAnatomy, backward, forward
from whygrad.core.factors import Factors, layer_factors, open_share
from whygrad.core.nn.dense import Dense
from whygrad.core.nn.folding import each, fold, unfold_tree
from whygrad.core.nn.losses import as_matrix
from whygrad.core.nn.network import Network
from whygrad.core.symmetry import effective_width
from whygrad.doctor.thresholds import CLOSED, FADED_SLOPES, SHARE, SOME
from whygrad.record.fields import FACTORS
from whygrad.record.folder import RunFolder
from whygrad.training.trained import TrainedRun

REFERENCE_SAMPLES = 1024

Sentence = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class LayerHealth:
    """How one layer is.

    Attributes:
        neurons: how many there are.
        dead: numbers of the neurons whose slope is exactly 0 for every sample.
        saturated: numbers of those that are in a flat region for 95 % of the samples or more.
        effective_width: how many different neurons there are.
        factors: the four, of the whole layer.
        severity: ``well``, ``worth_a_look`` or ``ill``.
        verdict: the sentence, as a key and its values.
    """

    layer: str
    neurons: int
    dead: tuple[int, ...]
    saturated: tuple[int, ...]
    effective_width: int
    factors: dict[str, float]
    severity: str = "well"
    verdict: Sentence = ("health.layer.well", {})

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        return {
            "layer": self.layer,
            "neurons": self.neurons,
            "dead": list(self.dead),
            "saturated": list(self.saturated),
            "effective_width": self.effective_width,
            "factors": self.factors,
            "severity": self.severity,
            "verdict": {"key": self.verdict[0], **self.verdict[1]},
        }


@dataclass(frozen=True)
class Health:
    """How a network is.

    Attributes:
        layers: one verdict a layer, first to last.
        samples: size of the reference set.
    """

    layers: tuple[LayerHealth, ...]
    samples: int

    @property
    def severity(self) -> str:
        """The worst of the layers."""
        order = ("well", "worth_a_look", "ill")
        return max((layer.severity for layer in self.layers), key=order.index)

    @property
    def sentence(self) -> Sentence:
        """The verdict on the whole network, as a key and its values."""
        concerned = [layer.layer for layer in self.layers if layer.severity == self.severity]
        return f"health.{self.severity}", {"layers": ", ".join(concerned), "samples": self.samples}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        layers = [layer.to_dict() for layer in self.layers]
        return {"severity": self.severity, "samples": self.samples, "layers": layers}


def health_of(run: RunFolder, network: Network | None = None) -> Health:
    """Return how the network of a run is, on samples of its training part.

    Args:
        network: at another step of the run; None for the trained one.

    Raises:
        InputError: whygrad did not train it.
    """
    trained = TrainedRun.of(run)
    train = trained.data.train
    chosen = np.linspace(0, len(train.x) - 1, min(REFERENCE_SAMPLES, len(train.x)), dtype=int)
    network = trained.network if network is None else network
    targets = as_matrix(
        jnp.asarray(train.y[chosen]), network.sizes[-1], network.dense[0].weight.dtype
    )
    return examine_health(network, train.x[chosen], targets, trained.task.settings.loss)


def examine_health(network: Network, x: ArrayLike, y: ArrayLike, loss: str) -> Health:
    """Return how the layers of a network are, on a reference set of samples."""
    measured = unfold_tree(network, _measure(fold(network), x, y, loss))
    widths = effective_width(network)
    layers = [
        _described(name, measured[name], widths.get(name), dense) for name, dense in network.items()
    ]
    pushed = layers[-1].factors["upstream"]
    return Health(tuple(_judged(layer, pushed) for layer in layers), len(np.asarray(x)))


@partial(jax.jit, static_argnums=3)
def _measure(
    network: Network, x: ArrayLike, y: ArrayLike, loss: str
) -> dict[str, tuple[Factors, Array]]:
    """Return the four factors of every layer, and the open share of its neurons."""
    anatomy = backward(network, forward(network, x), y, loss=loss)
    layers = anatomy.layers.items()
    return {name: each(_measure_layer, layer)(layer) for name, layer in layers}


def _measure_layer(layer: LayerAnatomy) -> tuple[Factors, Array]:
    return layer_factors(layer, layer.mean_with_delta(layer.input)), open_share(layer)


def _described(
    name: str, measured: tuple[Factors, Array], width: int | None, dense: Dense
) -> LayerHealth:
    four, is_open = measured[0], np.asarray(measured[1])
    is_hidden, is_exact = width is not None, dense.rule.exactly_flat
    dead = np.flatnonzero(is_open == 0) if is_hidden and is_exact else ()
    closed = np.flatnonzero(is_open < CLOSED) if is_hidden and not is_exact else ()
    return LayerHealth(
        layer=name,
        neurons=dense.n_out,
        dead=tuple(int(k) for k in dead),
        saturated=tuple(int(k) for k in closed),
        effective_width=dense.n_out if width is None else width,
        factors={factor: float(getattr(four, factor)) for factor in FACTORS},
    )


@dataclass(frozen=True)
class _Finding:
    severity: str
    key: str
    values: dict[str, Any] = field(default_factory=dict)


def _judged(layer: LayerHealth, pushed: float) -> LayerHealth:
    """Return a layer with its verdict; ``pushed`` is the upstream that enters at the output."""
    findings = [found for rule in RULES if (found := rule(layer, pushed))]
    order = ("ill", "worth_a_look")
    worst = min(findings, key=lambda finding: order.index(finding.severity), default=None)
    if worst is None:
        return _with(layer, "well", ("health.layer.well", {"neurons": layer.neurons}))
    return _with(layer, worst.severity, (worst.key, worst.values))


def _with(layer: LayerHealth, severity: str, verdict: Sentence) -> LayerHealth:
    return replace(layer, severity=severity, verdict=verdict)


def _clones(layer: LayerHealth, pushed: float) -> _Finding | None:
    copies = layer.neurons - layer.effective_width
    values = {"neurons": layer.neurons, "width": layer.effective_width}
    return _graded(copies, layer.neurons, "health.layer.clones", values)


def _dead(layer: LayerHealth, pushed: float) -> _Finding | None:
    values = {"count": len(layer.dead), "neurons": layer.neurons}
    return _graded(len(layer.dead), layer.neurons, "health.layer.dead", values)


def _saturated(layer: LayerHealth, pushed: float) -> _Finding | None:
    count = len(layer.saturated)
    values = {"count": count, "neurons": layer.neurons, "slope": layer.factors["slope"]}
    return _graded(count, layer.neurons, "health.layer.saturated", values)


def _first_zero(layer: LayerHealth, pushed: float) -> _Finding | None:
    zero = next((name for name in FACTORS if layer.factors[name] == 0), None)
    return None if zero is None else _Finding("ill", f"health.layer.zero.{zero}")


def _vanished(layer: LayerHealth, pushed: float) -> _Finding | None:
    if layer.factors["upstream"] >= FADED_SLOPES * pushed:
        return None
    share = layer.factors["upstream"] / pushed
    return _Finding("ill", "health.layer.vanished", {"share": share})


def _graded(count: int, neurons: int, key: str, values: dict[str, Any]) -> _Finding | None:
    share = count / neurons
    if share <= SOME:
        return None
    return _Finding("ill" if share > SHARE else "worth_a_look", key, values)


RULES: tuple[Callable[[LayerHealth, float], _Finding | None], ...] = (
    _clones,
    _dead,
    _saturated,
    _first_zero,
    _vanished,
)
