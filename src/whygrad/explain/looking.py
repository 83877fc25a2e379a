"""What in a run most deserves a look: neurons, layers and steps that are unlike their peers.

Every claim is a ratio of two medians of recorded rows, and ranks by how far it is from 1:

    factor    a neuron's factor, to that of the median neuron of its layer
    layer     the gradient of a layer's median neuron, to that of the median layer of its kind
    step      the gradient of a layer at a recorded step, to its medians before and after it

Before all of these come layers with neurons that got no gradient at all, and before them layers
whose numbers were not finite. Nothing is asked but the record, so that it is the same for a network
of whygrad's own and for a watched model, and there when nothing can be replayed.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.folder import RunFolder
from whygrad.settings import Range
from whygrad.words import language, t
from whygrad.words.markup import TAGS, element

LAST = 10  # recorded steps that the present is judged by
AROUND = 5  # recorded steps before and after one that it is compared with
LEAST = 3.0  # ratios up to this one, either way, are of no interest
A_LAYER = 2  # looks at one layer at most: the rest of the network counts, too


@dataclass(frozen=True)
class Look:
    """Something that deserves a look.

    Attributes:
        address: of a layer or a neuron, as :meth:`whygrad.Run.why` takes it.
        kind: ``factor``, ``layer`` or ``step``; ``silent`` or ``not_finite``.
        step: a recorded step at which it is so.
        value: the number that is unlike others: a factor, or the size of a gradient.
        ratio: that over the median of its peers; 0 where it is silent, NaN where not finite.
        recorded: how many recorded steps that rests on.
        factor: which factor it is, or of what is silent the first that is 0.
        count: how many neurons are silent, or how many steps not finite.
        of: how many there are.
    """

    address: str
    layer: str
    kind: str
    step: int
    value: float
    ratio: float
    recorded: int
    factor: str | None = None
    count: int = 0
    of: int = 0

    @property
    def text(self) -> str:
        """The sentence, in the language in use."""
        told = asdict(self)
        if self.factor is not None:
            told["factor"] = t(f"factor.{self.factor}")
        one = ".one" if self.kind == "silent" and self.count == 1 else ""
        return t(f"look.{self.kind}{one}", **told)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data, with the printed text."""
        numbers = {name: _plain(getattr(self, name)) for name in ("value", "ratio")}
        return asdict(self) | numbers | {"text": self.text}


class Looks(tuple[Look, ...]):
    """What deserves a look, first what does so most; printing it tells it."""

    __slots__ = ()

    def __str__(self) -> str:
        head = [t("look.title")] if self else [t("look.none", least=LEAST)]
        return "\n".join([*head, *(f"- {look.text}" for look in self)])

    def _repr_html_(self) -> str:
        head, *lines = str(self).split("\n")
        listed = element("ul", [element("li", line.removeprefix("- ")) for line in lines])
        return element("div", element("p", head), listed if lines else None, lang=TAGS[language()])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        return {"looks": [look.to_dict() for look in self]}


@dataclass(frozen=True, eq=False)
class Recorded:
    """What was recorded of a layer.

    Attributes:
        steps: those recorded.
        factors: of each neuron at each of them.
    """

    layer: str
    kind: str
    steps: Int[np.ndarray, " n"]
    factors: Float[np.ndarray, "n factors neurons"]

    @property
    def neurons(self) -> int:
        return self.factors.shape[2]

    @property
    def latest(self) -> "Recorded":
        """The last few steps of it."""
        return replace(self, steps=self.steps[-LAST:], factors=self.factors[-LAST:])

    @property
    def gradients(self) -> Float[np.ndarray, "n neurons"]:
        """The size of each neuron's gradient: the product of its factors."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.factors.prod(axis=1)


def worth_a_look(run: RunFolder, count: int = 5) -> Looks:
    """Return what in a run most deserves a look; nothing where all is alike.

    Args:
        count: at most so many, ≥ 1.

    Raises:
        OptionError: the count is out of range.
        RunError: what was recorded is damaged.
    """
    Range(int, 1).check("count", count)
    layers = [one for name in run.layers if len((one := _recorded(run, name)).steps)]
    return Looks(_foremost(layers, count))


def _recorded(run: RunFolder, layer: str) -> Recorded:
    steps, rows = run.rows(layer)
    places = [ROW_FIELDS.index(name) for name in FACTORS]
    return Recorded(layer, run.spec(layer).kind, steps, rows[:, places].astype(np.float64))


def _foremost(layers: Sequence[Recorded], count: int) -> list[Look]:
    """Return the first of all looks, with no address twice and few of the same layer."""
    found = [*_between_layers(layers)]
    for one in layers:
        found += [*_not_finite(one), *_silent(one.latest), *_factors(one.latest), *_steps(one)]
    kept: list[Look] = []
    for look in sorted(found, key=_rank):
        is_known = any(look.address == other.address for other in kept)
        if not is_known and sum(look.layer == other.layer for other in kept) < A_LAYER:
            kept.append(look)
    return kept[:count]


def _rank(look: Look) -> tuple[int, float]:
    if look.kind == "not_finite":
        return 0, look.step
    if look.kind == "silent":
        return 1, -look.count / look.of
    return 2, -abs(np.log(look.ratio))


def _not_finite(one: Recorded) -> Iterator[Look]:
    bad = np.flatnonzero(~np.isfinite(one.factors).all(axis=(1, 2)))
    if len(bad):
        yield _look(
            one, "not_finite", np.nan, np.nan, at=int(bad[0]), count=len(bad), of=len(one.steps)
        )


def _silent(one: Recorded) -> Iterator[Look]:
    """Yield a look at the neurons to which no gradient came, by the first factor that is 0."""
    silent = np.flatnonzero((one.gradients == 0).all(axis=0))
    if not len(silent):
        return
    first = (one.factors[-1][:, silent] == 0).argmax(axis=0)
    factor = FACTORS[np.bincount(first).argmax()]
    neuron = int(silent[0]) if len(silent) == 1 else None
    counts = {"count": len(silent), "of": one.neurons}
    yield _look(one, "silent", 0.0, 0.0, neuron=neuron, factor=factor, **counts)


def _factors(one: Recorded) -> Iterator[Look]:
    """Yield of each factor the neuron that is farthest from the median one."""
    for name, values in zip(FACTORS, np.median(one.factors, axis=0), strict=True):
        ratios = _ratios(values, np.median(values))
        neuron = _farthest(ratios)
        if neuron is not None:
            yield _look(one, "factor", values[neuron], ratios[neuron], neuron=neuron, factor=name)


def _between_layers(layers: Sequence[Recorded]) -> Iterator[Look]:
    """Yield the layers whose gradients are far from those of the other layers of their kind."""
    for kind in dict.fromkeys(one.kind for one in layers):
        alike = [one.latest for one in layers if one.kind == kind]
        values = np.array([np.median(one.gradients) for one in alike])
        for one, value, ratio in zip(
            alike, values, _ratios(values, np.median(values)), strict=True
        ):
            if _is_far(ratio):
                yield _look(one, "layer", value, ratio)


def _steps(one: Recorded) -> Iterator[Look]:
    """Yield the recorded step whose gradient rises highest above those before and after it."""
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.sqrt((one.gradients**2).sum(axis=1))
    padded = np.pad(sizes, AROUND, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, AROUND)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # at the ends, where nothing is around
        medians = np.nanmedian(windows, axis=1)
    before, after = medians[: len(sizes)], medians[AROUND + 1 :]
    ratios = _ratios(sizes, np.fmax(before, after))
    ratios[:1] = np.nan  # the start is higher than what follows
    place = _farthest(np.maximum(ratios, 1))  # what falls is on its way to a minimum
    if place is not None:
        yield _look(one, "step", sizes[place], ratios[place], at=place)


def _look(
    one: Recorded,
    kind: str,
    value: float,
    ratio: float,
    *,
    at: int = -1,
    neuron: int | None = None,
    **told: Any,
) -> Look:
    address = one.layer if neuron is None else f"{one.layer}[{neuron}]"
    numbers = (int(one.steps[at]), float(value), float(ratio), len(one.steps))
    return Look(address, one.layer, kind, *numbers, **told)


def _ratios(values: np.ndarray, middle: np.ndarray | float) -> np.ndarray:
    """Return values over a median; NaN where there is no ratio: at 0, and of fewer than three."""
    usable = np.isfinite(values) & (values > 0) & (middle > 0) & (len(values) > 2)
    return np.divide(values, middle, out=np.full(len(values), np.nan), where=usable)


def _farthest(ratios: np.ndarray) -> int | None:
    """Return where the ratio stands that is farthest from 1, if it is far enough."""
    place = int(np.nan_to_num(np.abs(np.log(ratios))).argmax())
    return place if _is_far(ratios[place]) else None


def _is_far(ratio: float) -> bool:
    return bool(np.abs(np.log(ratio)) > np.log(LEAST))


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
