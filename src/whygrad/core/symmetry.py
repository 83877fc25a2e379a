"""Clones: neurons that are the same neuron, and why no gradient step will part them.

Two neurons of one layer with equal weights in and bias have equal preactivations and outputs. If
their weights out are equal too, they get equal upstream, so equal delta, so equal gradients, so
they are equal after the step. A layer of clones is one neuron, however wide it looks.

    equal      weights in, bias and weights out are equal          stays so under any gradient step
    mirrored   equal up to the sign of all of them (odd f)         stays so under any gradient step
    scaled     in and bias c times, out 1/c times (homogeneous f)  the same function now, but the
               gradients are 1/c and c times, so steps part them

Only chance parts true clones: dropout, which gives each its own mask, and rounding.

Source: Hecht-Nielsen 1990, on the symmetries of weight space; Sussmann 1992, that for tanh
permutations and sign flips are all of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, DTypeLike

from whygrad.core.arrays import Array, sums_of_groups
from whygrad.core.backprop import Anatomy
from whygrad.core.factors import ratio
from whygrad.core.grouping import TOLERANCE, Side, pieces, representatives, side
from whygrad.core.nn import Dense, Network
from whygrad.errors import OptionError
from whygrad.record.arrays import library_of, xp
from whygrad.record.fields import directions

ROOM = 10.0  # two clones are two tolerances apart at most, and each step of a proof adds as much


@dataclass(frozen=True)
class CloneGroup:
    """Neurons of one layer that are the same but for a factor.

    Attributes:
        neurons: their numbers, ascending; two at least.
        kind: ``equal``, ``mirrored`` or ``scaled``. Kinds nest: a mirrored or scaled group
            contains the equal groups that belong to it.
        factors: weights in of each neuron over those of the first; its weights out are divided
            by it. All 1 in an equal group, 1 and -1 in a mirrored one.
    """

    neurons: tuple[int, ...]
    kind: str
    factors: tuple[float, ...]


@dataclass(frozen=True)
class Link:
    """One equality in the chain that keeps clones together.

    Attributes:
        name: what is compared, such as ``upstream``.
        difference: the largest difference inside the group, in units of what is compared.
        scale: how large the norms of what it is made of allow it to be, for comparison.
    """

    name: str
    difference: float
    scale: float


@dataclass(frozen=True)
class CloneProof:
    """The chain of equalities that proves that no gradient step parts a group of clones.

    Equal weights in and bias -> equal preactivations -> equal outputs; equal weights out -> equal
    upstream; both together -> equal delta -> equal gradients in, of the bias and out.

    Attributes:
        layer: name of the layer.
        group: the clones. Mirror images are compared with their signs turned.
        links: the equalities in this order; without those of a bias where there is none.
        tolerance: how far apart equal neurons may be, relative to their norms.
    """

    layer: str
    group: CloneGroup
    links: tuple[Link, ...]
    tolerance: float

    @property
    def broken(self) -> str | None:
        """The first equality that does not hold; None where all do.

        Dropout breaks ``output``: it gives each clone its own mask. Rounding breaks ``delta`` where
        a preactivation lies on a kink.
        """
        allowed = ROOM * self.tolerance
        wide = (link.name for link in self.links if link.difference > allowed * link.scale)
        return next(wide, None)

    @property
    def holds(self) -> bool:
        """Whether the next gradient step leaves the group as it is."""
        return self.broken is None


Scaling = Callable[[Side, Side], Float[np.ndarray, " n"]]


def _as_is(incoming: Side, outgoing: Side) -> Float[np.ndarray, " n"]:
    return np.ones(len(incoming.norm))


def _upright(incoming: Side, outgoing: Side) -> Float[np.ndarray, " n"]:
    """Return 1 or -1, so that a neuron and its mirror image come out alike."""
    leading = np.where(incoming.norm > 0, incoming.sketch[:, 0], outgoing.sketch[:, 0])
    return np.where(leading < 0, -1.0, 1.0)


def _unit(incoming: Side, outgoing: Side) -> Float[np.ndarray, " n"]:
    return 1 / np.where(incoming.norm > 0, incoming.norm, 1.0)


def _upright_unit(incoming: Side, outgoing: Side) -> Float[np.ndarray, " n"]:
    return _upright(incoming, outgoing) * _unit(incoming, outgoing)


def _scalings(dense: Dense) -> dict[str, Scaling]:
    """Return the equivalences of an activation: kind -> what makes its neurons equal."""
    rule = dense.rule
    kinds: dict[str, Scaling] = {"equal": _as_is}
    if rule.is_odd:
        kinds["mirrored"] = _upright
    if rule.is_homogeneous:
        kinds["scaled"] = _upright_unit if rule.is_odd else _unit
    return kinds


def clones(network: Network, *, tolerance: float = TOLERANCE) -> dict[str, list[tuple[int, ...]]]:
    """Return the groups of equal neurons of every hidden layer.

    Args:
        tolerance: how far apart equal neurons may be, relative to their norms.

    Raises:
        OptionError: a tolerance below 0.

    Example:
        >>> clones(Network.create([2, 4, 1], init="constant:0.5"))
        {'hidden1': [(0, 1, 2, 3)]}
    """
    _check_tolerance(tolerance)
    return {
        layer: [group.neurons for group in _groups(*sides, "equal", _as_is, tolerance)]
        for layer, sides in _hidden_sides(network)
    }


def clone_groups(network: Network, *, tolerance: float = TOLERANCE) -> dict[str, list[CloneGroup]]:
    """Return the groups of every kind that the activation allows, of every hidden layer.

    Raises:
        OptionError: a tolerance below 0.
    """
    _check_tolerance(tolerance)
    found: dict[str, list[CloneGroup]] = {}
    for layer, sides in _hidden_sides(network):
        groups: dict[tuple[int, ...], CloneGroup] = {}
        for kind, scaling in _scalings(network[layer]).items():
            for group in _groups(*sides, kind, scaling, tolerance):
                groups.setdefault(group.neurons, group)  # an equal group is no news as a mirrored
        found[layer] = list(groups.values())
    return found


def effective_width(network: Network, *, tolerance: float = TOLERANCE) -> dict[str, int]:
    """Return how many different neurons every hidden layer has: clones count once.

    Raises:
        OptionError: a tolerance below 0.
    """
    groups = clones(network, tolerance=tolerance)
    return {
        layer: network[layer].n_out - sum(len(group) - 1 for group in found)
        for layer, found in groups.items()
    }


def proof(network: Network, anatomy: Anatomy, *, tolerance: float = TOLERANCE) -> list[CloneProof]:
    """Follow every group of equal or mirrored clones through a batch, up to its gradients.

    Args:
        anatomy: of any batch, by this network.

    Raises:
        OptionError: a tolerance below 0.
    """
    proofs = []
    for layer, groups in clone_groups(network, tolerance=tolerance).items():
        chain = _chain(network, anatomy, layer) if groups else []
        for group in groups:
            if group.kind != "scaled":  # those are parted by the next step
                links = tuple(_link(group, *stage) for stage in chain)
                proofs.append(CloneProof(layer, group, links, tolerance))
    return proofs


def inward(dense: Dense) -> Float[Array, "*deep n_out"]:
    """Return each neuron's weights in and bias, along fixed directions.

    A product of a vector and a matrix, without state: meant for the inside of a compiled training
    loop. A stack of a folded network has one row a layer.
    """
    # the last direction belongs to the bias, a weight from the constant 1
    along = _directions(dense.n_in + 1, dense.weight)
    number = along[:-1] @ dense.weight
    return number if dense.bias is None else number + along[-1] * dense.bias


def gradient_inward(gradient: Float[Array, "*deep n_in n_out"]) -> Float[Array, "*deep n_out"]:
    """Return each neuron's weight gradient, along the directions of :func:`inward`."""
    return _directions(gradient.shape[-2] + 1, gradient)[:-1] @ gradient


def signatures(
    weights: Float[Array, "*many n_out"],
    gradients: Float[Array, "*many n_out"],
    pulls: Float[Array, "*many n_out"],
    layer: Int[np.ndarray, " n_out"],
) -> Float[Array, "*many n_out"]:
    """Return one number a neuron: its weights in, and what its gradient adds to them.

    Equal neurons have equal ones, but for rounding: what else the network holds for them, such as
    weights out, shows in the gradient.

    Args:
        weights, gradients: as :func:`inward` and :func:`gradient_inward` tell.
        pulls: mean of |input| |delta|; the gradient counts in units of them, so that its rounding
            is small whatever is left of it.
        layer: number of the layer that each neuron is of, ascending from 0; one program for all
            of them, however many there are.
    """

    def norm_of_layer(values: Float[Array, "*many n_out"]) -> Float[Array, "*many n_out"]:
        return xp.sqrt(sums_of_groups(values**2, layer))[..., layer]

    size, most = norm_of_layer(weights), norm_of_layer(pulls)
    return weights + gradients * ratio(xp.where(size == 0, 1, size), most)


def distinct(signatures: Float[np.ndarray, " n_out"], tolerance: float = TOLERANCE) -> int:
    """Return how many different neurons there are, by their recorded signatures.

    Args:
        signatures: one number a neuron of one layer.
        tolerance: how far apart equal ones may be, relative to the largest of the layer. By
            chance about n^2 * tolerance / 4 pairs of different neurons are as close.
    """
    ordered = np.sort(np.asarray(signatures, np.float64))
    reach = tolerance * np.abs(ordered).max(initial=0.0)
    count = first = 0
    while first < len(ordered):
        first = max(first + 1, int(np.searchsorted(ordered, ordered[first] + reach, side="right")))
        count += 1
    return count


def _directions(count: int, like: Array) -> Float[Array, " count"]:
    """Return :func:`whygrad.record.fields.directions`, in the library and precision of an array.

    For JAX made where they are needed: integer arithmetic on a counter costs no memory and no
    state in a compiled loop.
    """
    jnp, dtype = library_of(like), like.dtype
    if jnp is np:
        return _kept_directions(count, dtype)
    bits = jnp.arange(1, count + 1, dtype=jnp.uint32)
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * jnp.uint32(0xC2B2AE35)
    bits = bits ^ (bits >> 16)
    return (bits >> 8).astype(dtype) / 2**24 + 0.5


@lru_cache(maxsize=64)
def _kept_directions(count: int, dtype: DTypeLike) -> Float[np.ndarray, " count"]:
    return directions(count).astype(dtype)


def _hidden_sides(network: Network) -> Iterator[tuple[str, tuple[Side, Side]]]:
    """Yield each hidden layer's name and its neurons' weights in with bias, and weights out."""
    for (layer, dense), above in zip(network.items(), network.dense[1:], strict=False):
        bias = () if dense.bias is None else (np.asarray(dense.bias)[None, :],)
        incoming = side(np.asarray(dense.weight), *bias)
        yield layer, (incoming, side(np.asarray(above.weight).T))


def _groups(
    incoming: Side, outgoing: Side, kind: str, scaling: Scaling, tolerance: float
) -> list[CloneGroup]:
    scale = scaling(incoming, outgoing)
    chosen = representatives([incoming.times(scale), outgoing.times(1 / scale)], tolerance)
    members: dict[int, list[int]] = {}
    for neuron, representative in enumerate(chosen.tolist()):
        members.setdefault(representative, []).append(neuron)
    return sorted(
        (
            CloneGroup(tuple(group), kind, tuple((scale[group[0]] / scale[group]).tolist()))
            for group in members.values()
            if len(group) > 1
        ),
        key=lambda group: group.neurons,
    )


def _chain(network: Network, anatomy: Anatomy, layer: str) -> list[tuple[str, Any, Any]]:
    """Return the quantities from weights in to gradients: name, values (..., n), sizes (n,).

    The sizes bound the values by norms: |z| <= |weight in| |input|, and so on along the chain.
    """
    following = network.layers[network.layers.index(layer) + 1]
    dense, here, above = network[layer], anatomy[layer], anatomy[following]
    weight_out = np.asarray(network[following].weight).T
    bias = np.zeros((1, dense.n_out)) if dense.bias is None else np.asarray(dense.bias)[None, :]
    gradient, steepest = here.gradient(), dense.rule.steepest

    length_in = np.hypot(np.linalg.norm(np.asarray(dense.weight), axis=0), np.abs(bias[0]))
    length_out = np.linalg.norm(weight_out, axis=0)
    input_norm = np.hypot(_longest(here.input), 1)  # a bias is a weight from the constant 1
    delta_above = _longest(above.delta)
    delta = (
        length_out * delta_above * steepest * (1 + length_in * input_norm)
    )  # the slope moves with z, too
    chain = [
        ("weight_in", dense.weight, length_in),
        ("bias", bias, length_in),
        ("preactivation", here.preactivation, length_in * input_norm),
        ("output", here.output, length_in * input_norm * steepest),
        ("weight_out", weight_out, length_out),
        ("upstream", here.upstream, length_out * delta_above),
        ("delta", here.delta, delta),
        ("gradient_in", gradient["weight"], delta * input_norm),
        ("gradient_bias", gradient.get("bias"), delta),
        (
            "gradient_out",
            above.gradient()["weight"].T,
            length_in * input_norm * steepest * delta_above,
        ),
    ]
    return [stage for stage in chain if dense.bias is not None or "bias" not in stage[0]]


def _longest(rows: ArrayLike) -> float:
    return float(np.linalg.norm(np.asarray(rows), axis=1).max())


def _link(group: CloneGroup, name: str, values: ArrayLike, sizes: Float[np.ndarray, " n"]) -> Link:
    neurons, factors = list(group.neurons), np.array(group.factors)
    spreads = [
        np.ptp(piece[:, neurons] * factors, axis=1).max()
        for piece in pieces([np.atleast_2d(values)])
    ]
    return Link(name, float(max(spreads)), float(sizes[neurons].max()))


def _check_tolerance(tolerance: float) -> None:
    if not 0 <= tolerance < float("inf"):
        raise OptionError(
            "error.float_out_of_range", option="tolerance", range="≥ 0", actual=repr(tolerance)
        )
