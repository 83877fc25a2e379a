"""What ``train`` ends with: the health of the layers, and whether the loss still fell.

Layers are measured on a reference set, not on one batch: a neuron is dead only if it is closed for
every sample (a criterion for all rows, not for some). The output layer is never called dead or
saturated: an output that is sure of itself is flat and well.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from whygrad.core.nn.losses import as_matrix
from whygrad.core.nn.network import Network
from whygrad.doctor.evidence import still_falls
from whygrad.doctor.states import spread_out, state_of
from whygrad.doctor.thresholds import FADED_SLOPES, SHARE, SOME
from whygrad.record.fields import FACTORS
from whygrad.record.folder import RunFolder
from whygrad.training.trained import TrainedRun

REFERENCE_SAMPLES = 1024
SEVERITIES = ("well", "worth_a_look", "ill")

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
        return max((layer.severity for layer in self.layers), key=SEVERITIES.index)

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
    train, network = trained.data.train, trained.network if network is None else network
    chosen = spread_out(len(train.x), REFERENCE_SAMPLES)
    return examine_health(network, train.x[chosen], train.y[chosen], trained.task.settings.loss)


def is_still_falling(run: TrainedRun) -> bool:
    """Return whether the loss of a run still fell when it ended.

    The validation loss decides where there is one: a training loss may fall for ever.
    """
    decides = "validation_loss" if len(run.data.validation.x) else "train_loss"
    losses = [line[decides] for line in run.history_lines if decides in line]
    return still_falls(np.array(losses, float))


def examine_health(network: Network, x: ArrayLike, y: ArrayLike, loss: str) -> Health:
    """Return how the layers of a network are, on a reference set of samples.

    Args:
        y: class indices (m,), or one column an output, (m, n_out).
    """
    inputs, dtype = np.asarray(x), network.dense[0].weight.dtype
    targets = as_matrix(np.asarray(y), network.sizes[-1], dtype)
    state = state_of(network, inputs.astype(dtype), targets, loss)
    pushed = state["output"].factors["upstream"]
    layers = []
    for name, dense in network.items():
        of, is_exact = state[name], dense.rule.exactly_flat
        layer = LayerHealth(
            layer=name,
            neurons=of.neurons,
            dead=of.dead if is_exact else (),
            saturated=() if is_exact else of.closed,
            effective_width=of.width,
            factors=of.factors,
        )
        layers.append(_judged(layer, pushed))
    return Health(tuple(layers), len(inputs))


def _judged(layer: LayerHealth, pushed: float) -> LayerHealth:
    """Return a layer with its verdict; ``pushed`` is the upstream that enters at the output."""
    neurons, of_all = layer.neurons, {"neurons": layer.neurons}
    copies, dead, flat = neurons - layer.effective_width, len(layer.dead), len(layer.saturated)
    slope, upstream = layer.factors["slope"], layer.factors["upstream"]
    counted: tuple[tuple[int, Sentence], ...] = (
        (copies, ("health.layer.clones", of_all | {"width": layer.effective_width})),
        (dead, ("health.layer.dead", of_all | {"count": dead})),
        (flat, ("health.layer.saturated", of_all | {"count": flat, "slope": slope})),
    )
    found: list[tuple[str, Sentence]] = [
        ("ill" if count / neurons > SHARE else "worth_a_look", sentence)
        for count, sentence in counted
        if count / neurons > SOME
    ]
    zero = next((name for name in FACTORS if layer.factors[name] == 0), None)
    if zero is not None:
        found.append(("ill", (f"health.layer.zero.{zero}", {})))
    if not upstream >= FADED_SLOPES * pushed:  # nor is NaN
        found.append(("ill", ("health.layer.vanished", {"share": upstream / pushed})))
    found.append(("well", ("health.layer.well", of_all)))
    severity, verdict = max(found, key=lambda one: SEVERITIES.index(one[0]))
    return replace(layer, severity=severity, verdict=verdict)
