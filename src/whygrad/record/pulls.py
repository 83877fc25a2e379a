"""Which samples pull at a parameter: the terms whose sum its gradient is.

gradient_jk = sum_i share_i * input_ij * delta_ik        over the samples i
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from whygrad.record.address import Address

PerSample = Float[np.ndarray, " m"]


@runtime_checkable
class Samples(Protocol):
    """What must be known of a layer's samples, in arrays of NumPy or of JAX."""

    @property
    def input(self) -> Any: ...  # (m, n_in)

    @property
    def delta(self) -> Any: ...  # (m, n_out)

    @property
    def share(self) -> Any: ...  # (m,)


def sample_pulls(layer: Samples, address: Address) -> PerSample:
    """Return each sample's pull, the term that it adds to a gradient.

    Weight: share_i * input_ij * delta_ik.  Bias: share_i * delta_ik.  They sum to the gradient.
    Neuron or layer: the sample's own weight gradient, projected on the direction of the mean
    gradient; they sum to its norm, and a negative pull works against the other samples.

    Args:
        layer: the samples of the layer that ``address`` names.

    Returns:
        One number a sample, in units of the gradient.
    """
    share, delta = np.asarray(layer.share), np.asarray(layer.delta)
    if address.kind == "bias":
        return share * delta[:, address.neuron]
    if address.kind == "weight":
        return share * np.asarray(layer.input)[:, address.input] * delta[:, address.neuron]
    columns = slice(None) if address.neuron is None else [address.neuron]
    return _projected(share, np.asarray(layer.input), delta[:, columns])


def strongest(
    pulls: PerSample, top: int = 3
) -> tuple[Int[np.ndarray, " up"], Int[np.ndarray, " down"]]:
    """Return the samples that push a parameter up the most, and those that push it down the most.

    Descent goes against the gradient: a negative pull raises the parameter, a positive one lowers
    it. Samples that do not pull that way at all are left out, so fewer than ``top`` may come.

    Example:
        >>> strongest(np.array([0.5, -2.0, 0.0, 1.0, -0.1]), top=2)
        (array([1, 4]), array([3, 0]))
    """
    order = np.argsort(pulls, kind="stable")
    up = order[: int((pulls < 0).sum())]
    down = order[::-1][: int((pulls > 0).sum())]
    return up[:top], down[:top]


def _projected(
    share: PerSample, input: Float[np.ndarray, "m n_in"], delta: Float[np.ndarray, "m n"]
) -> PerSample:
    """Return each sample's gradient along the direction of the mean gradient."""
    mean = input.T @ (share[:, None] * delta)
    length = np.linalg.norm(mean)
    return share * ((input @ mean) * delta).sum(axis=1) / (length or 1)
