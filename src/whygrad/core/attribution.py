"""Where a neuron's upstream comes from, and what each sample adds to a gradient.

    upstream_ij = sum_k weight_jk * delta_ik        over the neurons k of the next layer
    gradient_jk = sum_i share_i * input_ij * delta_ik        over the samples i

Both are sums, so both can be taken apart into the terms that made them. Opening the first sum again
and again leads back to the loss: every path through the network carries one part of the upstream.

Source: Rumelhart, Hinton and Williams 1986, equations 6 and 7.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from whygrad.core.backprop import Anatomy, LayerAnatomy
from whygrad.core.nn import Address, Network
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.record.factors import sample_gradients, strongest

__all__ = ["Contributions", "Path", "contributions", "paths", "sample_gradients", "strongest"]

PerSample = Float[np.ndarray, " m"]
Parts = Float[np.ndarray, "m n_next"]


@dataclass(frozen=True)
class Contributions:
    """What each neuron of the next layer adds to one neuron's upstream.

    Attributes:
        layer: name of the neuron's layer.
        neuron: its number.
        next_layer: name of the next layer; None where upstream comes from the loss itself, and
            then there are no parts.
        weight: from the neuron to each next neuron, (n_next,).
        parts: weight_k * delta_ik, (m, n_next); each row sums to that sample's upstream.
        upstream: dC_i/da of the neuron, (m,).
        mean: mean_i of the signed parts, (n_next,); sums to the mean upstream.
        size: mean_i of the |parts|, (n_next,).
        share: of each next neuron in the sum of the sizes, (n_next,).
        left_over: what is left after the next neurons have cancelled each other, in [0, 1]:
            mean_i |sum_k part_ik| over mean_i sum_k |part_ik|. At 1 nothing cancels, at 0 all does.
            The upstream factor is this times the sum of the sizes; 1 where there are no parts.
    """

    layer: str
    neuron: int
    next_layer: str | None
    weight: Float[np.ndarray, " n_next"]
    parts: Float[np.ndarray, "m n_next"]
    upstream: Float[np.ndarray, " m"]
    mean: Float[np.ndarray, " n_next"]
    size: Float[np.ndarray, " n_next"]
    share: Float[np.ndarray, " n_next"]
    left_over: float

    @property
    def is_from_loss(self) -> bool:
        """Whether upstream comes from the loss itself, as in the output layer."""
        return self.next_layer is None


@dataclass(frozen=True)
class Path:
    """One neuron on the way from the loss to the neuron that was asked about, and its part.

    Attributes:
        layer: name of the layer.
        neuron: its number; None for all neurons of the layer that are not listed, together.
        count: how many neurons this is; 1 but for the rest.
        weight: of the connection from the node before; None at the root and for the rest.
        delta: mean delta of the neuron; None for the rest.
        part: mean_i of what reaches the root on this path; at the root its mean upstream.
            The parts of the children sum to it.
        size: mean_i of the same without its sign.
        children: next neurons by size, largest first, and the rest last; none where the loss is
            reached or the tree was cut.
    """

    layer: str
    neuron: int | None
    count: int
    weight: float | None
    delta: float | None
    part: float
    size: float
    children: tuple["Path", ...] = ()


def contributions(network: Network, anatomy: Anatomy, layer: str, neuron: int) -> Contributions:
    """Take a neuron's upstream apart into what each neuron of the next layer adds.

    Raises:
        AddressError: there is no such neuron.
    """
    Address.parse(f"{layer}[{neuron}]", network.specs)
    here = anatomy[layer]
    next_layer = _next_layer(network, layer)
    weight, delta = _onward(network, anatomy, layer)
    parts = weight[neuron] * delta
    share = np.asarray(here.share)
    size = share @ np.abs(parts)
    return Contributions(
        layer=layer,
        neuron=neuron,
        next_layer=next_layer,
        weight=weight[neuron],
        parts=parts,
        upstream=np.asarray(here.upstream)[:, neuron],
        mean=share @ parts,
        size=size,
        share=size / (size.sum() or 1),
        left_over=1.0 if next_layer is None else _left_over(share, parts),
    )


def paths(
    network: Network,
    anatomy: Anatomy,
    layer: str,
    neuron: int,
    depth: int | None = None,
    top: int = 3,
) -> Path:
    """Open a neuron's upstream layer by layer, back to the loss.

    The part of a path is the product of its weights and slopes with the last delta, per sample,
    then the mean: parts of all paths sum to the neuron's upstream.

    Args:
        depth: how many layers to open; None for all.
        top: how many neurons to list at each node; the others are its rest.

    Raises:
        AddressError: there is no such neuron.
    """
    Address.parse(f"{layer}[{neuron}]", network.specs)
    weight, _ = _onward(network, anatomy, layer)
    upstream = np.asarray(anatomy[layer].upstream)[:, neuron]
    root = _node(anatomy, layer, neuron, upstream)
    reach = np.broadcast_to(weight[neuron], (len(upstream), weight.shape[1]))
    return _opened(_Walk(network, anatomy, top), root, reach, depth)


def _left_over(share: PerSample, parts: Parts) -> float:
    """Return mean_i |sum_k part_ik| over mean_i sum_k |part_ik|."""
    whole = float(share @ np.abs(parts).sum(axis=1))
    left = float(share @ np.abs(parts.sum(axis=1)))
    return min(left / (whole or 1.0), 1.0)  # rounding must not exceed 1


def _next_layer(network: Network, layer: str) -> str | None:
    return dict(zip(network.layers, network.layers[1:], strict=False)).get(layer)


def _onward(
    network: Network, anatomy: Anatomy, layer: str
) -> tuple[Float[np.ndarray, "n n_next"], Parts]:
    """Return the next layer's weights (n, n_next) and deltas (m, n_next); none after the last."""
    following = _next_layer(network, layer)
    if following is None:
        here = np.asarray(anatomy[layer].delta)
        return np.zeros((here.shape[1], 0), here.dtype), here[:, :0]
    return np.asarray(network[following].weight), np.asarray(anatomy[following].delta)


@dataclass(frozen=True)
class _Walk:
    network: Network
    anatomy: Anatomy
    top: int


def _opened(walk: _Walk, node: Path, reach: Parts, depth: int | None) -> Path:
    """Return ``node`` with its children.

    Args:
        reach: how the root moves with the delta of each next neuron on this path, (m, n_next).
        depth: how many layers to open; None for all.
    """
    following = _next_layer(walk.network, node.layer)
    if following is None or depth == 0:
        return node
    layer = walk.anatomy[following]
    parts = reach * np.asarray(layer.delta)
    leading = _onward(walk.network, walk.anatomy, node.layer)[0][node.neuron]
    order = np.argsort(-(np.asarray(layer.share) @ np.abs(parts)), kind="stable")
    children = []
    for neuron in order[: walk.top].tolist():
        child = _node(walk.anatomy, following, neuron, parts[:, neuron], float(leading[neuron]))
        further = reach[:, [neuron]] * _split_of_delta(walk, following, neuron)
        children.append(_opened(walk, child, further, None if depth is None else depth - 1))
    rest = order[walk.top :]
    if len(rest):
        children.append(_rest(layer, following, parts[:, rest]))
    return replace(node, children=tuple(children))


def _node(
    anatomy: Anatomy, layer: str, neuron: int, parts: PerSample, weight: float | None = None
) -> Path:
    share = np.asarray(anatomy[layer].share)
    return Path(
        layer=layer,
        neuron=neuron,
        count=1,
        weight=weight,
        delta=float(share @ np.asarray(anatomy[layer].delta)[:, neuron]),
        part=float(share @ parts),
        size=float(share @ np.abs(parts)),
    )


def _rest(layer: LayerAnatomy, name: str, parts: Parts) -> Path:
    share, together = np.asarray(layer.share), parts.sum(axis=1)
    return Path(
        layer=name,
        neuron=None,
        count=parts.shape[1],
        weight=None,
        delta=None,
        part=float(share @ together),
        size=float(share @ np.abs(together)),
    )


def _split_of_delta(walk: _Walk, layer: str, neuron: int) -> Parts:
    """Return how a neuron's delta moves with each delta of the next layer, (m, n_next)."""
    here = walk.anatomy[layer]
    weight, _ = _onward(walk.network, walk.anatomy, layer)
    if not ACTIVATIONS[here.activation].is_coupled:
        return np.asarray(here.slope)[:, [neuron]] * weight[neuron]
    # softmax: delta_k = a_k (upstream_k - sum_j upstream_j a_j), each upstream times its dropout
    z, dropped = np.asarray(here.preactivation), np.asarray(here.output)
    a = np.exp(z - z.max(axis=1, keepdims=True))
    a /= a.sum(axis=1, keepdims=True)
    return dropped[:, [neuron]] * weight[neuron] - a[:, [neuron]] * (dropped @ weight)
