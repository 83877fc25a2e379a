"""What comes in from outside, checked once: inputs, targets and sample weights."""

from types import ModuleType

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike

from whygrad.core import backend
from whygrad.core.arrays import Array
from whygrad.core.nn.losses import as_matrix, loss_rule
from whygrad.core.nn.network import Network
from whygrad.errors import ShapeError
from whygrad.record.arrays import library_of, xp


def as_input(network: Network, x: ArrayLike) -> Float[Array, "batch n_in"]:
    """Return ``x`` as the network's inputs, one row a sample, in the network's precision.

    Raises:
        ShapeError: not a table with one column an input, or not finite.
    """
    first = network.dense[0]
    array = _library(network, x).asarray(x)
    if array.ndim != 2 or array.shape[1] != first.n_in or array.shape[0] == 0:
        raise ShapeError(
            "error.input_shape", layer=network.layers[0], expected=first.n_in, actual=array.shape
        )
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is told
        array = array.astype(first.weight.dtype)
    if _is_known(array) and not bool(xp.isfinite(array).all()):
        row, column = (int(i) for i in xp.argwhere(~xp.isfinite(array))[0])
        raise ShapeError(
            "error.input_not_finite",
            layer=network.layers[0],
            row=row,
            column=column,
            actual=float(array[row, column]),
        )
    return array


def as_targets(
    network: Network, y: ArrayLike, loss: str, samples: int
) -> Shaped[Array, "batch n_out"]:
    """Return ``y`` as a table with one column an output; class indices become rows with one 1.

    Raises:
        OptionError: an unknown loss.
        ShapeError: the targets do not fit the samples, the outputs or the loss.
    """
    is_categorical = loss_rule(loss).is_categorical
    n_out = network.sizes[-1]
    array = _library(network, y).asarray(y)
    fits = array.ndim in (1, 2) and array.shape[0] == samples
    fits = fits and (array.ndim == 1 or array.shape[1] == n_out)
    fits = fits and (array.ndim == 2 or n_out == 1 or is_categorical)
    if not fits:
        raise ShapeError("error.target_shape", samples=samples, outputs=n_out, actual=array.shape)
    if array.ndim == 1 and n_out > 1:
        array = _as_classes(array, n_out)
    elif _is_known(array):
        _check_values(array, is_categorical)
    return as_matrix(array, n_out, network.dense[0].weight.dtype)


def as_shares(sample_weight: ArrayLike | None, samples: int, like: Array) -> Float[Array, " batch"]:
    """Return each sample's share in the mean: 1/m, or its weight over the sum of all weights.

    Args:
        like: an array of the library and in the precision that are wanted.

    Raises:
        ShapeError: not one weight a sample, a negative one, or none above 0.
    """
    library, dtype = library_of(like), like.dtype
    if sample_weight is None:
        return library.full(samples, 1 / samples, dtype)
    weight = library.asarray(sample_weight, dtype)
    if weight.shape != (samples,):
        raise ShapeError("error.sample_weight_shape", expected=samples, actual=weight.shape)
    total = weight.sum()
    if _is_known(weight) and not bool((weight >= 0).all() & (total > 0) & xp.isfinite(total)):
        raise ShapeError("error.sample_weight_values")
    return weight / total


def _as_classes(array: Array, n_out: int) -> Array:
    if not _is_known(array):
        return array.astype(np.int32)
    with np.errstate(invalid="ignore"):  # what is no whole number is told
        classes = array.astype(np.int32)
    wrong = (classes != array) | (classes < 0) | (classes >= n_out)
    if bool(wrong.any()):
        row = int(xp.argmax(wrong))
        raise ShapeError("error.target_class", row=row, last=n_out - 1, actual=array[row].item())
    return classes


def _check_values(array: Array, is_categorical: bool) -> None:
    if not bool(xp.isfinite(array).all()):
        raise ShapeError("error.target_not_finite", row=int(xp.argwhere(~xp.isfinite(array))[0, 0]))
    if is_categorical and not bool(((array >= 0) & (array <= 1)).all()):
        raise ShapeError("error.target_not_a_share", actual=f"{array.min()} … {array.max()}")


def _is_known(array: Array) -> bool:
    """Return whether the values are there to be looked at, not only their shape (inside jit)."""
    if library_of(array) is np:
        return True
    from jax.core import Tracer

    return not isinstance(array, Tracer)


def _library(network: Network, given: ArrayLike) -> ModuleType:
    """Return the library to compute with: that of the parameters, or JAX where JAX gave more."""
    arrays = [network.dense[0].weight, *([given] if hasattr(given, "__array_namespace__") else [])]
    library = library_of(*arrays)
    if library is not np:
        backend.start()
    return library
