"""What NumPy and JAX do not call alike: a few functions, and trees of arrays.

Everything else of the chain rule is written once over :data:`whygrad.record.arrays.xp`. JAX is
imported only by whoever has arrays of it, so that a small job never waits for it.
"""

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from whygrad.record.arrays import library_of

Array = Any  # of NumPy or of JAX

# --- functions ----------------------------------------------------------------------------------


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)), without overflow and without cancellation at either end."""
    if library_of(z) is not np:
        import jax

        return jax.nn.sigmoid(z)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, small) / (1 + small)


def ones(shape: tuple[int, ...], like: Array) -> Array:
    """Return an array of ones, which nobody writes to, in the library and precision of another."""
    library = library_of(like)
    return _kept_ones(shape, like.dtype) if library is np else library.ones(shape, like.dtype)


@lru_cache(maxsize=32)  # of the few shapes of a job
def _kept_ones(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    kept = np.ones(shape, dtype)
    kept.flags.writeable = False
    return kept


def row_sums(values: Float[Array, "*batch n_out"]) -> Float[Array, "*batch"]:
    """Return the sum over the last axis, which for NumPy is short: a product takes a fifth."""
    if library_of(values) is not np:
        return values.sum(axis=-1)
    return values @ _kept_ones(values.shape[-1:], values.dtype)


def softmax(z: Float[Array, "*batch n_out"]) -> Float[Array, "*batch n_out"]:
    """Return exp(z_k) / sum_j exp(z_j)."""
    if library_of(z) is not np:
        import jax

        return jax.nn.softmax(z, axis=-1)
    return _softmax_and_log_sum(z)[0]


def logsumexp(z: Float[Array, "*batch n_out"]) -> Float[Array, "*batch"]:
    """Return log sum_j exp(z_j)."""
    if library_of(z) is not np:
        import jax

        return jax.nn.logsumexp(z, axis=-1)
    return _softmax_and_log_sum(z)[1]


def softmax_and_logsumexp(z: Float[Array, "*batch n_out"]) -> tuple[Array, Array]:
    """Return both, whose powers are the same: XLA sees that by itself."""
    if library_of(z) is not np:
        return softmax(z), logsumexp(z)
    return _softmax_and_log_sum(z)


def _softmax_and_log_sum(z: Float[np.ndarray, "*batch n_out"]) -> tuple[np.ndarray, np.ndarray]:
    # the largest of each row: of columns side by side, since NumPy is slow along a short axis
    columns = z.transpose(-1, *range(z.ndim - 1)).copy()
    most = np.finfo(z.dtype).max
    largest = np.maximum(np.minimum(np.maximum.reduce(columns), most), -most)
    powers = np.exp(z - largest[..., None])
    sums = row_sums(powers)
    powers /= sums[..., None]
    return powers, np.log(sums) + largest


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
