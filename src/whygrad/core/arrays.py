"""What NumPy and JAX do not call alike: a few functions, random keys, and trees of arrays.

Everything else of the chain rule is written once over :data:`whygrad.record.arrays.xp`. JAX is
imported only by whoever has arrays of it, so that a small job never waits for it.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from whygrad.record.arrays import library_of

Array = Any  # of NumPy or of JAX
Key = Any  # of JAX; or whole numbers of 32 bits, for NumPy

# --- functions ----------------------------------------------------------------------------------


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)), without overflow and without cancellation at either end."""
    if library_of(z) is not np:
        import jax

        return jax.nn.sigmoid(z)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, small) / (1 + small)


def softmax(z: Float[Array, "*batch n_out"]) -> Float[Array, "*batch n_out"]:
    """Return exp(z_k) / sum_j exp(z_j)."""
    if library_of(z) is not np:
        import jax

        return jax.nn.softmax(z, axis=-1)
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


def logsumexp(z: Float[Array, "*batch n_out"]) -> Float[Array, "*batch"]:
    """Return log sum_j exp(z_j)."""
    if library_of(z) is not np:
        import jax

        return jax.nn.logsumexp(z, axis=-1)
    largest = z.max(axis=-1, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    return np.log(np.exp(z - largest).sum(axis=-1)) + largest[..., 0]


def erfc(z: Array) -> Array:
    """Return the complementary error function."""
    if library_of(z) is not np:
        import jax

        return jax.lax.erfc(z)
    from scipy.special import erfc as of_numpy

    return of_numpy(z)


def sums_of_groups(
    values: Float[Array, "*many n"], group: Int[np.ndarray, " n"]
) -> Float[Array, "*many groups"]:
    """Return the sum of each group of columns.

    Args:
        group: number of the group of each column, ascending from 0, none left out.
    """
    if library_of(values) is np:
        return np.add.reduceat(values, np.flatnonzero(np.diff(group, prepend=-1)), axis=-1)
    import jax
    import jax.numpy as jnp

    columns, count = jnp.moveaxis(values, -1, 0), int(group[-1]) + 1
    sums = jax.ops.segment_sum(columns, group, count, indices_are_sorted=True)
    return jnp.moveaxis(sums, 0, -1)


def one_hot(classes: Int[Array, " batch"], count: int, dtype: Any) -> Float[Array, "batch count"]:
    """Return a row with a single 1 for each class."""
    if library_of(classes) is not np:
        import jax

        return jax.nn.one_hot(classes, count, dtype=dtype)
    return (classes[:, None] == np.arange(count)).astype(dtype)


# --- random keys --------------------------------------------------------------------------------


def numpy_key(seed: int) -> Key:
    """Return the key of a seed for NumPy: the two words that JAX keeps of it as well."""
    return np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32)


def fold_in(key: Key, number: Any) -> Key:
    """Return the key of one of many draws: of a step, or a layer of a step."""
    if type(key) is np.ndarray:
        return np.append(key, np.uint32(number))
    import jax

    return jax.random.fold_in(key, number)


def bernoulli(key: Key, share: float, shape: tuple[int, ...]) -> Array:
    """Return True for ``share`` of the places, drawn from a key.

    For NumPy the key is that of Philox: seed, step and layer, so that every step can be drawn
    again by itself.

    Source: Salmon, Moraes, Dror and Shaw 2011.
    """
    if type(key) is np.ndarray:
        words = np.pad(key, (0, 4 - len(key))).view(np.uint64)
        return np.random.Generator(np.random.Philox(key=words)).random(shape) < share
    import jax

    return jax.random.bernoulli(key, share, shape)


# --- trees --------------------------------------------------------------------------------------

_FIELDS: dict[type, tuple[list[str], list[str]]] = {}  # arrays, and what stays the same
_waiting: list[type] = []  # for JAX to be imported


def register(record: type, fields: list[str], settings: list[str] | None = None) -> None:
    """Make a dataclass a tree of arrays, for the functions here and, once it is there, for JAX.

    Args:
        fields: of arrays, or of trees of them.
        settings: fields that stay the same.
    """
    _FIELDS[record] = fields, settings or []
    _waiting.append(record)
    if "jax" in sys.modules:
        tell_jax()


def tell_jax() -> None:
    """Register with JAX what was registered before it was imported."""
    from jax.tree_util import register_dataclass

    while _waiting:
        record = _waiting.pop()
        fields, settings = _FIELDS[record]
        register_dataclass(record, data_fields=fields, meta_fields=settings)


def named_leaves(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Return the arrays of a tree by the path that leads to each, such as ``hidden1.weight``."""
    return dict(_named(tree, prefix))


def _named(tree: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    children = _children(tree)
    if children is None:
        yield prefix, tree
        return
    for name, child in children:
        yield from _named(child, f"{prefix}.{name}" if prefix else str(name))


def leaves(tree: Any) -> list[Any]:
    """Return the arrays of a tree, in the order of JAX."""
    return [leaf for _, leaf in _named(tree, "")]


def tree_map(function: Callable[..., Any], tree: Any, *more: Any) -> Any:
    """Return a tree of what a function makes of each array, as ``jax.tree.map`` does.

    Args:
        more: trees of the same form, whose arrays the function takes as well.
    """
    children = _children(tree)
    if children is None:
        return function(tree, *more)
    others = zip(*(_children(one) or () for one in more), strict=True) if more else None
    made = {}
    for name, child in children:
        rest = () if others is None else tuple(value for _, value in next(others))
        made[name] = tree_map(function, child, *rest)
    return _rebuilt(tree, made)


def _children(tree: Any) -> list[tuple[Any, Any]] | None:
    """Return what a tree is made of, by name, in the order of JAX; None of an array."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [(name, tree[name]) for name in sorted(tree)]
    if isinstance(tree, tuple | list):
        return list(zip(getattr(tree, "_fields", range(len(tree))), tree, strict=True))
    if type(tree) in _FIELDS:
        return [(name, getattr(tree, name)) for name in _FIELDS[type(tree)][0]]
    return None


def _rebuilt(tree: Any, made: dict[Any, Any]) -> Any:
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {name: made[name] for name in tree}
    if isinstance(tree, tuple | list):
        kind: Any = type(tree)
        return kind(*made.values()) if hasattr(tree, "_fields") else kind(made.values())
    kept = {name: getattr(tree, name) for name in _FIELDS[type(tree)][1]}
    return type(tree)(**made, **kept)
