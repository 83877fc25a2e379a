"""The parameters worth reading about, chosen by a rule, and their ledgers.

Of every layer the neuron with the smallest factor, measured by the median neuron of its layer; of
the whole network the weight with the largest gradient, of those that are at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from whygrad.errors import RunError, WhygradError
from whygrad.explain import Ledger
from whygrad.explain.html import as_body
from whygrad.record.factors import telescope
from whygrad.record.fields import FACTORS
from whygrad.render.page.layout import note
from whygrad.render.report.in_lab import LabLinks, hash_of, in_lab
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section, noted
from whygrad.words import t
from whygrad.words.markup import Markup, both, element, joined, said

MOST_NEURONS = 4


@dataclass(frozen=True, eq=False)
class Explainable:
    """A layer at a step that can be explained.

    Attributes:
        factors: of its neurons, in the order of FACTORS.
        largest: its weight with the largest gradient, and that; None where no gradient came.
    """

    layer: str
    step: int
    factors: Float[np.ndarray, "factors n_out"]
    largest: tuple[str, float] | None


@dataclass(frozen=True)
class Telling:
    """A neuron or a weight worth reading about.

    Attributes:
        address: of it.
        step: at which it is.
        value: its smallest factor, or its gradient.
        factor: which factor is small; None for a weight.
        ratio: that factor over its median in the layer.
    """

    address: str
    step: int
    value: float
    factor: str | None = None
    ratio: float = 0.0


def section(material: Material) -> Section | None:
    """Return the ledgers of the most telling parameters."""
    meaning = "meaning" if material.has_network else "meaning.recorded"
    try:
        chosen = choose(explainable(material))
        ledgers = joined(_ledger(material, one) for one in chosen)
    except WhygradError as error:
        no_replay = note(said("report.ledgers.no_replay")) if material.has_network else None
        return Section("ledgers", joined(no_replay, noted(error)), meaning)
    return Section("ledgers", ledgers, meaning) if chosen else None


def explainable(material: Material) -> list[Explainable]:
    """Return every layer at the last step at which it can be explained.

    Raises:
        RunError: there is none, or the step does not replay as it was recorded.
    """
    if not material.has_network:
        return _kept_whole(material)
    from whygrad.explain.replayed import ReplayedStep

    record = ReplayedStep.of(material.run.trained, material.step_to_explain).record
    found = []
    for name, layer in record.layers.items():
        sizes, gradient = layer.sizes, layer.weight.gradient
        norms = np.linalg.norm(gradient, axis=0)
        four = telescope(sizes.pushed, sizes.through, sizes.pulled, norms)
        factors = np.stack([getattr(four, factor) for factor in FACTORS])
        largest = largest_of(gradient, f"{name}.weight")
        found.append(Explainable(name, record.step, factors, largest))
    return found


def largest_of(gradient: np.ndarray, name: str, first: int = 0) -> tuple[str, float]:
    """Return the address of the weight with the largest gradient, and that gradient.

    Args:
        gradient: in the order of axes that addresses have.
        name: of the parameter.
        first: where its rows begin in a parameter that holds other layers' rows, too.
    """
    size = np.nan_to_num(np.abs(gradient))
    index = [int(at) for at in np.unravel_index(size.argmax(), size.shape)]
    value = float(gradient[tuple(index)])
    index[0] += first
    return f"{name}[{', '.join(map(str, index))}]", value


def _kept_whole(material: Material) -> list[Explainable]:
    kept = material.run.kept_whole()
    if not kept:
        raise RunError("error.watched_nothing", path=material.path)
    last: dict[str, int] = {}  # where in its record each layer was kept whole last
    for layer, record in material.records.items():
        shown = np.flatnonzero(np.isin(record.steps, kept.get(layer, [])))
        if len(shown):
            last[layer] = int(shown[-1])
    steps = {layer: int(material.records[layer].steps[at]) for layer, at in last.items()}
    largest: dict[str, tuple[str, float]] = {}
    for step in set(steps.values()):  # each is read once: one may hold many layers
        for layer in (name for name in last if steps[name] == step):
            arrays = material.run.whole(step, layers=(layer,))[1]
            gradient, spec = arrays.get(f"{layer}/weight.gradient"), material.layers[layer]
            if gradient is not None:
                first = spec.packed_weight.first if spec.packed_weight else 0
                largest[layer] = largest_of(gradient, spec.weight, first)
    found = []
    for layer, at in last.items():
        factors = np.stack([material.records[layer].field(name)[at] for name in FACTORS])
        found.append(Explainable(layer, steps[layer], factors, largest.get(layer)))
    return found


def choose(layers: Sequence[Explainable]) -> list[Telling]:
    """Return what is most telling: at most four neurons, and one weight."""
    smallest = [_smallest(one) for one in layers if one.factors.shape[1] > 1]
    kept = sorted(smallest, key=lambda one: one.ratio)[:MOST_NEURONS]
    return [one for one in smallest if one in kept] + _largest(layers)


def _smallest(layer: Explainable) -> Telling:
    """Return the neuron with the smallest factor; of several zeros the first factor's counts."""
    values = layer.factors.astype(np.float64)
    medians = np.median(values, axis=1, keepdims=True)
    ratios = np.where(values == 0, 0, np.inf)
    np.divide(values, medians, out=ratios, where=medians > 0)
    factor, neuron = np.unravel_index(np.nan_to_num(ratios, nan=np.inf).argmin(), ratios.shape)
    value, ratio = float(values[factor, neuron]), float(ratios[factor, neuron])
    return Telling(f"{layer.layer}[{neuron}]", layer.step, value, FACTORS[factor], ratio)


def _largest(layers: Sequence[Explainable]) -> list[Telling]:
    found = [Telling(one.largest[0], one.step, one.largest[1]) for one in layers if one.largest]
    largest = sorted(found, key=lambda one: -abs(np.nan_to_num(one.value)))[:1]
    return [one for one in largest if one.value]


def _ledger(material: Material, one: Telling) -> Markup:
    ledger = material.run.why(one.address, step=one.step)

    def why() -> str:
        if one.factor is None:
            key = "weight" if material.has_network else "weight.recorded"
            told = {"address": one.address, "value": one.value, "step": one.step}
            return t(f"report.ledgers.{key}", **told)
        key = "report.ledgers.neuron" if one.value else "report.ledgers.neuron.zero"
        words = {"address": one.address, "layer": one.address.rpartition("[")[0]}
        return t(key, factor=t(f"factor.{one.factor}"), value=one.value, ratio=one.ratio, **words)

    words = element("p", both(why), class_="why")
    body = both(lambda: as_body(ledger), name="div")
    return element("article", words, _in_lab(material.links, ledger), body)


def _in_lab(links: LabLinks | None, ledger: Ledger) -> Markup | None:
    """Return links to what a ledger is about, and to the sample that pulls most at it."""
    if links is None:
        return None
    place, found = ledger.address, [links.to_place(ledger.address, ledger.step)]
    pulls = (*ledger.raising, *ledger.lowering)
    if pulls:
        row = max(pulls, key=lambda pull: abs(pull.value)).row
        words = said("report.lab.sample", row=row)
        found.append(links.to(words, step=ledger.step, whole=True, **hash_of(place), sample=row))
    return in_lab(found)
