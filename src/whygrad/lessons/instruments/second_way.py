"""The second way to a derivative: nudge and look, or let JAX's own autodiff work it out.

Neither knows anything of back-propagation as whygrad writes it, so both can prove it wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from whygrad.lessons.instruments.elementwise import Numbers

NUDGE = 1e-5  # in float64 a central difference errs least near here: rounding below, curves above


@dataclass(frozen=True)
class Nudged:
    """How a function answers to small nudges.

    Attributes:
        left: its slope as nudges down alone find it.
        right: its slope as nudges up alone find it.
    """

    left: Numbers
    right: Numbers

    @property
    def slope(self) -> Numbers:
        """The mean of both sides: a central difference."""
        return (self.left + self.right) / 2

    @property
    def gap(self) -> Numbers:
        """How far the sides differ: by rounding, but at a kink by its size.

        At a kink any value between the sides is a derivative.
        """
        return np.abs(self.right - self.left)


def nudged(
    function: Callable[[Numbers], Array | Numbers],
    at: Numbers | float,
    step: Numbers | float = NUDGE,
) -> Nudged:
    """Return how a function answers to small nudges of its argument.

    right = (4 f(at + h) - 3 f(at) - f(at + 2h)) / 2h, and left is its mirror image. Each errs by
    about h squared, also where the function bends or breaks at this very place.

    Args:
        function: elementwise; takes and returns arrays of one shape.
        at: where.
        step: h; nudges of once and twice this size are tried, up and down.

    Source: Fornberg 1988, table 3.
    """
    at, step = np.asarray(at, np.float64), np.asarray(step, np.float64)
    down2, down, here, up, up2 = (
        np.asarray(function(at + times * step), np.float64) for times in (-2, -1, 0, 1, 2)
    )
    return Nudged(
        left=(3 * here - 4 * down + down2) / (2 * step),
        right=(4 * up - 3 * here - up2) / (2 * step),
    )


# The activations and losses once more, as JAX has them: for the autodiff that checks ours.
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,  # its leak is 0.01 too
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
}
LOSSES: dict[str, Callable[[Array, Array | float], Array]] = {
    "squared": lambda a, y: (a - y) ** 2 / 2,
    "absolute": lambda a, y: jnp.abs(a - y),
    "huber": lambda a, y: jnp.where(jnp.abs(a - y) <= 1, (a - y) ** 2 / 2, jnp.abs(a - y) - 1 / 2),
}
