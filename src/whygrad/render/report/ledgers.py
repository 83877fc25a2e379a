"""The parameters worth reading about, chosen by a rule, and their ledgers.

Of every layer the neuron with the smallest factor, measured by the median neuron of its layer; of
the whole network the weight with the largest gradient.
"""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float

from whygrad.core.factors import Factors, neuron_factors
from whygrad.errors import RunError
from whygrad.explain import explain
from whygrad.explain.html import as_body
from whygrad.record.fields import FACTORS
from whygrad.render.page.layout import note
from whygrad.render.report.material import Material
from whygrad.render.report.places import told
from whygrad.render.report.section import Section
from whygrad.training.replay import Replayed, replay
from whygrad.training.step import StepTrace
from whygrad.words import t
from whygrad.words.markup import Markup, both, element, joined, said

MOST_NEURONS = 4


@dataclass(frozen=True)
class Telling:
    """A neuron or a weight worth reading about.

    Attributes:
        address: of it.
        value: its smallest factor, or its gradient.
        factor: which factor is small; None for a weight.
        ratio: that factor over its median in the layer.
    """

    address: str
    value: float
    factor: str | None = None
    ratio: float = 0.0


def section(material: Material) -> Section:
    """Return the ledgers of the most telling parameters."""
    try:
        chosen = choose(replay(material.run, material.step_to_explain))
        ledgers = joined(_ledger(material, one) for one in chosen)
    except RunError as error:
        return Section("ledgers", _without(error))
    return Section("ledgers", ledgers)


def _without(error: RunError) -> Markup:
    return joined(note(said("report.ledgers.no_replay")), note(both(lambda: told(error))))


def choose(replayed: Replayed) -> list[Telling]:
    """Return what is most telling in a step: at most four neurons, and one weight."""
    gradients = {n: np.asarray(g["weight"]) for n, g in replayed.seen.gradients.items()}
    smallest = [
        _smallest(name, np.stack([getattr(four, factor) for factor in FACTORS], dtype=np.float64))
        for name, four in _factors(replayed.seen).items()
    ]
    kept = sorted(smallest, key=lambda one: one.ratio)[:MOST_NEURONS]
    return [one for one in smallest if one in kept] + _largest(gradients)


def _factors(seen: StepTrace) -> dict[str, Factors]:
    return {
        name: _of_layer(layer, seen.gradients[name]["weight"])
        for name, layer in seen.anatomy.layers.items()
    }


_of_layer = jax.jit(neuron_factors)  # one compilation a layer shape, however deep the network


def _smallest(layer: str, values: Float[np.ndarray, "factors neurons"]) -> Telling:
    """Return the neuron with the smallest factor; of several zeros the first factor's counts."""
    medians = np.median(values, axis=1, keepdims=True)
    ratios = np.where(values == 0, 0, np.inf)
    np.divide(values, medians, out=ratios, where=medians > 0)
    factor, neuron = np.unravel_index(np.nan_to_num(ratios, nan=np.inf).argmin(), ratios.shape)
    value, ratio = float(values[factor, neuron]), float(ratios[factor, neuron])
    return Telling(f"{layer}[{neuron}]", value, FACTORS[factor], ratio)


def _largest(gradients: dict[str, np.ndarray]) -> list[Telling]:
    size = {name: float(np.nan_to_num(np.abs(g)).max()) for name, g in gradients.items()}
    layer = max(size, key=lambda name: size[name])
    if not size[layer]:
        return []
    gradient = gradients[layer]
    place = np.unravel_index(np.nan_to_num(np.abs(gradient)).argmax(), gradient.shape)
    address = f"{layer}.weight[{place[0]}, {place[1]}]"
    return [Telling(address, float(gradient[place]))]


def _ledger(material: Material, one: Telling) -> Markup:
    ledger = explain(material.run, one.address, step=material.step_to_explain)
    words = element("p", both(lambda: _why(one)), class_="why")
    return element("article", words, both(lambda: as_body(ledger), name="div"))


def _why(one: Telling) -> str:
    if one.factor is None:
        return t("report.ledgers.weight", address=one.address, value=one.value)
    key = "report.ledgers.neuron" if one.value else "report.ledgers.neuron.zero"
    words = {"address": one.address, "layer": one.address.partition("[")[0]}
    return t(key, factor=t(f"factor.{one.factor}"), value=one.value, ratio=one.ratio, **words)
