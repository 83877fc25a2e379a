"""Deep networks folded: equal layers that follow one another become one layer, stacked.

XLA compiles every layer by itself, which takes longer than training where there are hundreds. A
stack of equal layers is compiled once, and walked through by a scan. A folded network is a Network
like any other, whose stacks have their parameters along a first axis; its layers have names of
their own. Networks without a long row of equal layers are left as they are.
"""

from collections.abc import Callable
from functools import cache, partial
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from whygrad.core.nn.dense import Dense
from whygrad.core.nn.network import Network

FEWEST = 16  # equal layers that are worth a scan: fewer take longer with it and compile soon

T = TypeVar("T")


def fold(network: Network, axis: int = 0) -> Network:
    """Return the network with every long row of equal layers as one stack.

    Args:
        axis: where the layers of a stack stand; behind it is what the parameters are made of.
    """
    rows = _rows(network)
    if len(rows) == len(network.dense):
        return network
    return Network(tuple(_stacked(list(row), axis) for row in rows))


def unfold(folded: Network, like: Network, axis: int = 0) -> Network:
    """Return a folded network as it was: the inverse of :func:`fold`."""
    if folded is like or len(folded.dense) == len(like.dense):
        return folded
    layers: list[Dense] = []
    for dense, row in zip(folded.dense, _rows(like), strict=True):
        layers += _parted(dense, len(row), axis)
    return Network(tuple(layers))


def fold_tree(network: Network, tree: Any, axis: int = 0) -> Any:
    """Return a tree with what it holds by layer folded as the network is."""
    rows, names = _named_rows(network)
    if len(rows) == len(network.dense):
        return tree

    def folded(values: Any) -> Any:
        if not _is_by_layer(values, network.layers):
            return values
        return {
            name: _stacked([values[layer] for layer in row], axis)
            for name, row in zip(names, rows, strict=True)
        }

    import jax

    return jax.tree.map(folded, tree, is_leaf=lambda t: _is_by_layer(t, network.layers))


def unfold_tree(network: Network, tree: Any, axis: int = 0) -> Any:
    """Return a tree as it was: the inverse of :func:`fold_tree`.

    Args:
        network: as it was, too.
    """
    rows, names = _named_rows(network)
    if len(rows) == len(network.dense):
        return tree

    def unfolded(values: Any) -> Any:
        if not _is_by_layer(values, names):
            return values
        pairs = zip(names, rows, strict=True)
        return {
            layer: one
            for name, row in pairs
            for layer, one in zip(row, _parted(values[name], len(row), axis), strict=True)
        }

    import jax

    return jax.tree.map(unfolded, tree, is_leaf=lambda t: _is_by_layer(t, names))


def along(step: Callable, carry: Any, dense: Dense, here: Any, *, reverse: bool = False) -> Any:
    """Take ``step(carry, here) -> (carry, left)`` through a layer, or all layers of a stack.

    Args:
        here: what belongs to the layer; of a stack, along a first axis.
        reverse: whether the last layer comes first.
    """
    if not dense.is_stack:
        return step(carry, here)
    import jax

    return jax.lax.scan(step, carry, here, reverse=reverse)


def each(function: Callable[..., T], layer: Any) -> Callable[..., T]:
    """Return a function of a layer's arrays that takes those of a stack along a first axis.

    Args:
        layer: whatever says ``is_stack``.
    """
    if not layer.is_stack:
        return function
    import jax

    return jax.vmap(function)


def _rows(network: Network) -> list[tuple[Dense, ...]]:
    """Return the layers in rows: the equal ones of a long row together, all others alone.

    The last layer belongs to the loss and stands alone.
    """
    *hidden, last = network.dense
    rows: list[tuple[Dense, ...]] = []
    for _, equal in groupby(hidden, _form):
        row = tuple(equal)
        rows += [row] if len(row) >= FEWEST and row[0].n_in == row[0].n_out else zip(row)
    return [*rows, (last,)]


def _form(dense: Dense) -> tuple:
    weight, bias = dense.weight, dense.bias
    has_bias = bias is not None
    return weight.shape, str(weight.dtype), has_bias, dense.activation, dense.dropout


def _named_rows(network: Network) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Return the names of the layers in rows, and the name of each row in the folded network."""
    names, rows = iter(network.layers), _rows(network)
    named = [tuple(next(names) for _ in row) for row in rows]
    return named, (*(f"hidden{i + 1}" for i in range(len(rows) - 1)), "output")


def _is_by_layer(tree: Any, layers: tuple[str, ...]) -> bool:
    return isinstance(tree, dict) and tree.keys() == set(layers)


def _stacked(values: list[T], axis: int) -> T:
    if len(values) == 1:
        return values[0]
    import jax

    return jax.tree.map(lambda *leaves: _stack(axis)(leaves), *values)


def _parted(values: T, count: int, axis: int) -> list[T]:
    if count == 1:
        return [values]
    return [_take(axis)(values, np.int32(i)) for i in range(count)]


@cache
def _stack(axis: int) -> Callable[[tuple], Any]:
    """Return the compiled function that stacks arrays along an axis."""
    import jax

    return jax.jit(partial(jax.numpy.stack, axis=axis))


@cache
def _take(axis: int) -> Callable[[Any, Any], Any]:
    """Return the function of a stack and a number that returns one layer of it.

    Compiled once for all layers, as parting a stack whole is not.
    """
    import jax

    def one(values: Any, i: Any) -> Any:
        of_layer = partial(jax.lax.dynamic_index_in_dim, index=i, axis=axis, keepdims=False)
        return jax.tree.map(of_layer, values)

    return jax.jit(one)
