"""Statement 4: a hidden neuron's responsibility is the weighted sum of the next layer's deltas."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from whygrad.core.attribution import Contributions, Path, contributions, paths
from whygrad.core.backprop import Anatomy
from whygrad.core.nn import Network
from whygrad.lessons.experiments.responsibility.network import (
    LOUD,
    QUIET,
    TORN,
    Responsibility,
    build,
    examine,
    loss_after,
)
from whygrad.lessons.experiments.responsibility.story import tell
from whygrad.lessons.lesson import AT_LEAST, AT_MOST, Exercise, Law, Lesson, Measured, Place, Tick

NUDGE = 1e-4  # of an output; divided by how much the layers above can enlarge it
TOLERANCE = 1e-6  # relative to the largest upstream of the layer
ROUNDING = 1e-12  # relative to the sizes of what is summed
PATHS = 1000  # that are opened at most
ROLES = {"quiet": QUIET, "loud": LOUD, "torn": TORN}
RATE = 0.1  # of the one step of descent after which the cancelling is looked at again


def measure(setup: Responsibility, tick: Tick) -> Measured:
    """Take the upstream of both neurons apart, and nudge every neuron of the layer."""
    with jax.enable_x64(True):
        network, x, y = build(setup)
        anatomy = examine(network, x, y)
        tick(0.4)
        taken = [contributions(network, anatomy, "hidden1", k) for k in range(setup.width)]
        measured = _heard(network, anatomy) | _summed(taken)
        trees = {
            name: paths(network, anatomy, "hidden1", neuron, top=_top(setup))
            for name, neuron in ROLES.items()
        }
        measured["roots"] = {name: _root(network, anatomy, one) for name, one in trees.items()}
        measured["unaccounted"] = max(_unaccounted(taken, trees.values()))
        tick(0.8)
        measured |= _checked(setup, network, anatomy, y, measured["sum"])
        return measured | {"rate": RATE, "later": _after_a_step(network, anatomy, x, y)}


def laws(setup: Responsibility, measured: Measured) -> tuple[Law, ...]:
    """Contributions add up to what a nudge finds, on every path; and the quiet one carries more."""
    size = np.abs(measured["sum"])
    loudness = np.abs(measured["output"])
    return (
        Law("sum", measured["difference"], AT_MOST, measured["room"]),
        Law("paths", measured["unaccounted"], AT_MOST, ROUNDING),
        Law("quieter", float(loudness[QUIET]), AT_MOST, float(loudness[LOUD])),
        Law("carries", float(size[QUIET]), AT_LEAST, float(size[LOUD])),
    )


def _heard(network: Network, anatomy: Anatomy) -> Measured:
    """Return what the layer says, what its listeners say back, and what the weights learn."""
    first, following = anatomy["hidden1"], network.layers[1]
    gradients = anatomy.gradients()
    return {
        "next_layer": following,
        "output": np.asarray(first.output)[0],
        "slope": np.asarray(first.slope)[0],
        "next_delta": np.asarray(anatomy[following].delta)[0],
        "misses": np.asarray(anatomy["output"].delta)[0],
        "gradient_in": np.linalg.norm(np.asarray(gradients["hidden1"]["weight"]), axis=0),
        "gradient_out": np.asarray(gradients[following]["weight"])[:, 0],
    }


def _summed(taken: list[Contributions]) -> Measured:
    return {
        "weights": {name: taken[k].weight for name, k in ROLES.items()},
        "parts": {name: taken[k].mean for name, k in ROLES.items()},
        "sum": np.array([one.mean.sum() for one in taken]),
        "size": np.array([one.size.sum() for one in taken]),
        "left_over": np.array([one.left_over for one in taken]),
    }


def _checked(
    setup: Responsibility, network: Network, anatomy: Anatomy, y: np.ndarray, sums: np.ndarray
) -> Measured:
    nudge, nudged = _nudged(setup, network, anatomy, y)
    return {
        "nudge": nudge,
        "nudged": nudged,
        "difference": float(np.abs(sums - nudged).max()),
        "room": _room(nudge, nudged, float(anatomy.loss)),
    }


def _nudged(
    setup: Responsibility, network: Network, anatomy: Anatomy, y: np.ndarray
) -> tuple[float, Float[np.ndarray, " width"]]:
    """Return the nudge, and how the loss moves with every output: central differences in NumPy."""
    nudge = NUDGE / _gain(network)
    spoken = np.asarray(anatomy["hidden1"].output)
    steps = nudge * np.eye(setup.width)
    up, down = (loss_after(setup, network, spoken + sign * steps, y) for sign in (1, -1))
    return nudge, (up - down) / (2 * nudge)


def _gain(network: Network) -> float:
    """Return a bound on how much the layers above enlarge a nudge, so that no kink is crossed."""
    lengths = [np.linalg.norm(np.asarray(dense.weight), 2) for dense in network.dense[1:]]
    steepest = [dense.rule.steepest for dense in network.dense[1:]]
    return max(1.0, *np.cumprod(np.multiply(lengths, steepest)).tolist())


def _room(nudge: float, nudged: np.ndarray, loss: float) -> float:
    """Return the tolerance: a share of the largest upstream, and what rounding does to a nudge."""
    largest = float(np.abs(nudged).max())
    rounding = 8 * float(np.finfo(float).eps) * (largest + loss) / nudge
    return TOLERANCE * largest + rounding


def _root(network: Network, anatomy: Anatomy, tree: Path) -> dict[str, Any]:
    """Return what was opened above a neuron: parts by connection, and whole paths by size."""
    edges: dict[tuple[int, int, int], float] = {}
    for level, parent, child in _edges(tree):
        if parent.neuron is not None and child.neuron is not None:
            key = (level, parent.neuron, child.neuron)
            edges[key] = edges.get(key, 0.0) + child.part
    found = sorted(_leaves(tree, ()), key=lambda leaf: -abs(leaf[1]))
    return {
        "neuron": tree.neuron,
        "edges": [[*key, part] for key, part in edges.items()],
        "paths": [[list(way), part] for way, part in found[:3]],
        "factors": _factors(network, anatomy, found[0][0]),
    }


def _top(setup: Responsibility) -> int:
    return max(2, min(6, int(PATHS ** (1 / setup.depth))))


def _edges(node: Path, level: int = 0) -> Iterator[tuple[int, Path, Path]]:
    for child in node.children:
        yield level, node, child
        yield from _edges(child, level + 1)


def _leaves(node: Path, way: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], float]]:
    """Yield every path that was opened to its end, as neurons a layer, and its part."""
    if node.neuron is None:
        return
    way = (*way, node.neuron)
    if not node.children:
        yield way, node.part
    for child in node.children:
        yield from _leaves(child, way)


def _factors(network: Network, anatomy: Anatomy, way: tuple[int, ...]) -> list[list[Any]]:
    """Return the factors of a path: a weight, then slope and weight for every layer, then delta."""
    factors: list[list[Any]] = []
    for position, (below, above) in enumerate(pairwise(way)):
        layer = network.layers[position + 1]
        factors.append(["w", float(network[layer].weight[below, above])])
        if layer != "output":
            factors.append(["f'(z)", float(anatomy[layer].slope[0, above])])
    return [*factors, [r"\delta", float(anatomy["output"].delta[0, way[-1]])]]


def _unaccounted(taken: list[Contributions], trees: Iterable[Path]) -> Iterator[float]:
    """Yield what is missing where a sum was opened, relative to the sizes of its terms."""
    for one in taken:
        missing = one.parts.sum(axis=1) - one.upstream
        yield abs(float(missing[0])) / (float(one.size.sum()) or 1.0)
    for tree in trees:
        for node in {id(parent): parent for _, parent, _ in _edges(tree)}.values():
            size = sum(child.size for child in node.children)
            yield abs(node.part - sum(child.part for child in node.children)) / (size or 1)


def _after_a_step(network: Network, anatomy: Anatomy, x: np.ndarray, y: np.ndarray) -> float:
    """Return the upstream of the torn neuron after one step of descent."""
    moved = jax.tree.map(lambda p, g: p - RATE * g, network.parameters, anatomy.gradients())
    after = examine(network.with_parameters(moved), x, y)
    return float(after["hidden1"].upstream[0, TORN])


def _is_loud_one_ahead(setup: Responsibility, measured: Measured) -> bool:
    size = np.abs(measured["sum"])
    return bool(size[LOUD] > size[QUIET])


LESSON = Lesson(
    name="responsibility",
    claim=4,
    setup=Responsibility,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise(
            "quieter",
            lambda setup, measured: (
                bool(abs(measured["output"][QUIET]) <= 0.001 * (1 + ROUNDING))
                and not _is_loud_one_ahead(setup, measured)
            ),
            {"quiet": 0.001},
        ),
        Exercise("overtake", _is_loud_one_ahead, {"side": 3.0}),
        Exercise(
            "fade",
            lambda setup, measured: (
                bool(abs(measured["sum"][QUIET]) < 0.01 * np.abs(measured["misses"]).max())
                and not _is_loud_one_ahead(setup, measured)
            ),
            {"activation": "sigmoid", "depth": 8},
        ),
    ),
    lab=lambda setup: Place("forces", {"slide": "quiet"}),
)
