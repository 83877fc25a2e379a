"""The stages of :mod:`whygrad.core.optimizer` on NumPy, for jobs that are over before JAX is there.

All parameters are one vector, the weights of every layer first and then the biases, so that a stage
is a few operations whatever the number of layers. Stages overwrite the gradient that comes, and
their own state, whose names are those of optax: a checkpoint does not tell which of the two wrote
it. What they compute is optax's to the rounding; tests hold them to it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float

from whygrad.core.nn.network import Network, Parameters
from whygrad.settings import Settings

Vector = Float[np.ndarray, " parameters"]
Kept = dict[str, Any]  # of one stage: vectors, and numbers as arrays without axes
Update = Callable[[Kept, Vector, Vector], None]  # (state, gradient, parameters)


@dataclass(frozen=True)
class Stage:
    """One named step from the gradient to the update.

    Attributes:
        name: that of the stage of optax.
        kept: state before the first step, by name: a number, or None for a vector of zeros.
        update: (state, gradient, parameters) -> None; both the first are overwritten.
    """

    name: str
    kept: dict[str, np.ndarray | None]
    update: Update


@dataclass(frozen=True)
class Layout:
    """Where each parameter of a network stands in the vector.

    Attributes:
        places: (layer, ``weight`` or ``bias``, shape, first, behind the last).
        weights: how many of the numbers are weights; biases follow.
    """

    places: tuple[tuple[str, str, tuple[int, ...], int, int], ...]
    weights: int

    @classmethod
    def of(cls, network: Network) -> "Layout":
        """Return the layout of a network."""
        return _layout(network.sizes, tuple(dense.bias is not None for dense in network.dense))

    @property
    def size(self) -> int:
        """How many parameters there are."""
        return self.places[-1][-1]

    def vector(self, parameters: Parameters, out: Vector | None = None) -> Vector:
        """Return parameters as a vector: a new one, or ``out``."""
        arrays = [parameters[name][part] for name, part, *_ in self.places]
        return np.concatenate(arrays, axis=None, out=out)

    def views(self, vector: Float[np.ndarray, "*many parameters"]) -> Parameters:
        """Return a vector, or many along a first axis, as parameters, which are views of it."""
        found: Parameters = {}
        for name, part, shape, begin, end in self.places:
            one = vector[..., begin:end].reshape(*vector.shape[:-1], *shape)
            found.setdefault(name, {})[part] = one
        return found


@lru_cache(maxsize=32)
def _layout(sizes: tuple[int, ...], has_bias: tuple[bool, ...]) -> Layout:
    layers = (*(f"hidden{i + 1}" for i in range(len(sizes) - 2)), "output")
    shapes = list(zip(layers, pairwise(sizes), has_bias, strict=True))
    named: list[tuple[str, str, tuple[int, ...]]]
    named = [(name, "weight", shape) for name, shape, _ in shapes]
    weights = sum(prod(shape) for _, _, shape in named)
    named += [(name, "bias", (n_out,)) for name, (_, n_out), has in shapes if has]
    ends = accumulate((prod(shape) for *_, shape in named), initial=0)
    places = zip(named, pairwise(ends), strict=True)
    return Layout(tuple((*of, begin, end) for of, (begin, end) in places), weights)


@lru_cache(maxsize=32)
def build_stages(settings: Settings, layout: Layout) -> tuple[Stage, ...]:
    """Return the stages but the last, the learning rate, in the order of ``optimizer``.

    Args:
        settings: those for which :func:`can_take` holds.
    """
    return tuple(_stages(settings, layout))


def _stages(settings: Settings, layout: Layout) -> Iterator[Stage]:
    weights, scaling = layout.weights, SCALINGS[settings.optimizer](settings)
    if settings.maximize:
        yield Stage("maximize", {}, _turn_round)
    if settings.clip_norm:
        yield Stage("clip", {}, _clip(settings.clip_norm))
    if settings.l1:
        yield Stage("l1", {}, _add(lambda kept, p: settings.l1 * np.sign(p), weights))
    if settings.l2:
        yield Stage("l2", {"l2": np.asarray(settings.l2)}, _add(lambda k, p: k["l2"] * p, weights))
    if scaling is not None:
        yield Stage(settings.optimizer, *scaling)
    if settings.weight_decay:
        decay = settings.weight_decay
        yield Stage("weight_decay", {}, _add(lambda kept, p: decay * p, weights))


def can_take(settings: Settings) -> bool:
    """Return whether these stages are all that the settings ask for."""
    return settings.optimizer in SCALINGS


def _add(term: Callable[[Kept, Vector], Vector], weights: int) -> Update:
    """Return the stage that adds a term to the gradient of every weight, not of biases."""

    def update(kept: Kept, g: Vector, p: Vector) -> None:
        g[:weights] += term(kept, p[:weights])

    return update


def _turn_round(kept: Kept, g: Vector, p: Vector) -> None:
    np.negative(g, out=g)


def _clip(longest: float) -> Update:
    def update(kept: Kept, g: Vector, p: Vector) -> None:
        norm = math.sqrt(np.dot(g, g))
        if not norm < longest:
            g *= longest / norm if norm < math.inf else g.dtype.type(longest) / norm

    return update


Scaling = tuple[dict[str, np.ndarray | None], Update]


def _momentum(settings: Settings, *, nesterov: bool = False) -> Scaling:
    """g + momentum * trace, which is the next trace; with Nesterov's look ahead once more."""

    def update(kept: Kept, g: Vector, p: Vector) -> None:
        trace = kept["trace"]
        trace *= settings.momentum
        trace += g
        if nesterov:
            g += settings.momentum * trace
        else:
            g[:] = trace

    return {"trace": None}, update


def _adam(settings: Settings) -> Scaling:
    """Mean / (sqrt(mean square) + epsilon), both of them freed of their start at 0."""
    beta1, beta2 = settings.beta1, settings.beta2

    def update(kept: Kept, g: Vector, p: Vector) -> None:
        kept["count"] += 1
        count, kind = int(kept["count"]), g.dtype.type
        mean, square = kept["mu"], kept["nu"]
        mean *= beta1
        mean += (1 - beta1) * g
        g *= g
        g *= 1 - beta2
        square *= beta2
        square += g
        # in the precision of the parameters, where 1 - beta2 ** 1 is not quite 1 - beta2
        of_mean, of_square = 1 - kind(beta1) ** kind(count), 1 - kind(beta2) ** kind(count)
        np.sqrt(square, out=g)
        g *= of_mean / np.sqrt(of_square)
        g += of_mean * settings.epsilon
        np.divide(mean, g, out=g)

    return {"count": np.zeros((), np.int32), "mu": None, "nu": None}, update


SCALINGS: dict[str, Callable[[Settings], Scaling | None]] = {
    "sgd": lambda settings: None,
    "momentum": _momentum,
    "nesterov": lambda settings: _momentum(settings, nesterov=True),
    "adam": _adam,
    "adamw": _adam,
}


def schedule_of(settings: Settings, total_steps: int) -> Callable[[int], float] | None:
    """Return the share of the learning rate that is used at a step, or None if always all of it."""
    if settings.schedule == "constant" and not settings.warmup:
        return None
    warmup, falling = settings.warmup, max(total_steps - settings.warmup, 1)
    shape = SHAPES[settings.schedule]

    def share(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup  # the first step already moves
        return shape(min((step - warmup) / falling, 1.0))

    return share


SHAPES: dict[str, Callable[[float], float]] = {  # of the share of the fall that is done
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
    "exponential": lambda done: 0.01**done,
}
